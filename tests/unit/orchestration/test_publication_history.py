"""Fourteen publications, a rollback and a few deaths: what was published when, and on what it stood."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from planted_candidate import MANIFEST, every_rule, judge, of_cycle, passing, plant

from expectations.catalogue import load_catalogue
from expectations.control_findings import ControlFinding
from expectations.policy import POLICY_FILE, Policy, Slack, load_policy
from expectations.results import RuleResult
from ingest.company import Company
from ingest.controls_result import ControlResult
from orchestration import cli
from orchestration.publication import NotAdmittedError, publish, rollback
from orchestration.publication.hashing import published_hashes
from orchestration.publication.history import (
    ACCOUNTS,
    KPIS,
    LOG,
    RULES,
    last_publication,
    publications_until,
    read_log,
    standing,
    with_controls,
)
from orchestration.publication.judging import compared_marts

CYCLES = [f"2025-{month:02d}" for month in range(5, 13)] + [f"2026-{month:02d}" for month in range(1, 7)]
RULE = "R-CRM-002"  # tolerance 10 %, two points more than before are allowed


def failing(n_failed: int) -> RuleResult:
    """A rule that still passes, with more and more rows that do not."""
    return passing(RULE, n_failed=n_failed, failed_share=Decimal(n_failed) / 1000)


def publish_one(root: Path, number: int, cycle: str, n_failed: int = 0):
    company = plant(
        root,
        n_leads=100 + number,
        n_quarantined=number,
        settings=of_cycle(cycle, f"run-{number}"),
        delivery=f"d{number}",
        results=[failing(n_failed)],
    )
    return publish(company, MANIFEST)


@pytest.fixture(scope="module")
def fourteen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fourteen")
    for number, cycle in enumerate(CYCLES, start=1):
        publish_one(root, number, cycle, n_failed=number // 2)
    return root


def rows(root: Path, name: str) -> list[dict]:
    return pq.read_table(root / "published" / "registry" / name).to_pylist()


def test_the_history_has_one_share_per_publication_and_each_is_what_was_planted(fourteen: Path) -> None:
    log = rows(fourteen, LOG)
    assert [(each["event_code"], each["sequence"], each["cycle"]) for each in log] == [
        ("published", number, cycle) for number, cycle in enumerate(CYCLES, start=1)
    ]
    rules = rows(fourteen, RULES)
    n_rules = len(every_rule())
    assert len(rules) == 14 * n_rules
    found = [
        (each["sequence"], each["n_evaluated"], each["n_failed"]) for each in rules if each["rule_id"] == RULE
    ]
    assert found[:: len(found) // 14] == [(number, 1000, number // 2) for number in range(1, 15)]
    assert {each["severity"] for each in rules} >= {"critical", "warning"} and all(
        each["owner"] for each in rules
    )
    accounts = [
        (each["sequence"], each["records_in"], each["kept"], each["quarantined"])
        for each in rows(fourteen, ACCOUNTS)
    ]
    assert accounts == [(n, 100 + 2 * n, 100 + n, n) for n in range(1, 15)]
    kpis = {(each["sequence"], each["period_month"]): each["value"] for each in rows(fourteen, KPIS)}
    assert len(kpis) == 28
    assert [kpis[n, dt.date(2026, 6, 1)] for n in range(1, 15)] == [Decimal(100 + n) for n in range(1, 15)]


def test_dim_publication_has_every_publication_up_to_its_own(fourteen: Path) -> None:
    events = read_log(fourteen / "published")
    for event in events:
        receipt = fourteen / "published" / "parquet" / event.publication.publication_id
        found = pq.read_table(receipt / "dim_publication.parquet").to_pylist()
        assert [each["sequence"] for each in found] == list(range(1, event.publication.sequence + 1))
        assert [each["publication_id"] for each in found if each["is_current"]] == [
            event.publication.publication_id
        ]
        assert not any(each["is_rolled_back"] for each in found)
        assert {each["ledger_hash"] for each in found} == {
            json.loads((fourteen / "published" / "receipts" / f"{each['publication_id']}.json").read_text())[
                "ledger_hash"
            ]
            for each in found
        }


def test_the_same_publication_again_changes_no_byte_of_its_tables_and_adds_nothing(tmp_path: Path) -> None:
    publish_one(tmp_path, 1, "2026-05")
    publish_one(tmp_path, 2, "2026-06")
    before, hashes = {name: rows(tmp_path, name) for name in (LOG, RULES, ACCOUNTS, KPIS)}, None
    hashes = published_hashes(tmp_path / "published" / "marts.duckdb")
    publish_one(tmp_path, 2, "2026-06")
    assert {name: rows(tmp_path, name) for name in before} == before
    assert published_hashes(tmp_path / "published" / "marts.duckdb") == hashes


def test_a_rollback_is_an_event_and_what_it_took_back_is_no_baseline(tmp_path: Path) -> None:
    first = publish_one(tmp_path, 1, "2026-05").publication_id
    second = publish_one(tmp_path, 2, "2026-06")
    company = plant(tmp_path, settings=of_cycle("2026-06"))
    rollback(company, first)
    rollback(company, first)  # the same again is no event
    events = read_log(tmp_path / "published")
    assert [(each.event_code, each.publication.sequence, each.left_publication_id) for each in events] == [
        ("published", 1, None), ("published", 2, first), ("rolled_back", 1, second.publication_id)
    ]  # fmt: skip
    assert [each.publication_id for each in standing(events)] == [first]
    assert last_publication(events, "2026-06-new", "2026-06").publication_id == first
    third = publish_one(tmp_path, 3, "2026-06")
    found = pq.read_table(third.parquet / "dim_publication.parquet").to_pylist()
    assert sorted((each["sequence"], each["is_rolled_back"]) for each in found) == [
        (1, False),
        (2, True),
        (3, False),
    ]
    # the second one once more: live again, with the number and the tables it had
    again = publish_one(tmp_path, 2, "2026-06")
    assert again.content["logical_hashes"] == second.content["logical_hashes"]
    events = read_log(tmp_path / "published")
    assert events[-1].publication.sequence == 2 and [each.sequence for each in standing(events)] == [1, 3, 2]
    assert len([each for each in rows(tmp_path, KPIS) if each["sequence"] == 2]) == 2


def test_a_past_month_is_compared_with_what_stood_before_it(fourteen: Path) -> None:
    events = read_log(fourteen / "published")
    assert last_publication(events, "2025-08-other", "2025-08").cycle == "2025-07"
    assert last_publication(events, "2025-05-other", "2025-05").cycle == "2025-05", "its own first one"
    assert last_publication(events, "2025-04-other", "2025-04") is None
    tenth = events[9].publication
    assert last_publication(events, tenth.publication_id, tenth.cycle).sequence == 9
    assert [each["sequence"] for each in publications_until(events, tenth)] == list(range(1, 11))


def test_without_its_log_the_history_is_that_of_the_receipts(tmp_path: Path) -> None:
    company = plant(tmp_path)
    first = publish(company, MANIFEST)
    log = tmp_path / "published" / "registry" / LOG
    before = read_log(tmp_path / "published")
    log.unlink()
    (again,) = read_log(tmp_path / "published")
    assert again.publication == before[0].publication
    publish(company, MANIFEST)
    assert [each.publication.publication_id for each in read_log(tmp_path / "published")] == [
        first.publication_id
    ]
    assert log.is_file()


def test_rows_that_a_run_left_when_it_died_go_with_the_next_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_one(tmp_path, 1, "2026-05")
    from orchestration.publication import history

    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == "publication.history_appended":
            raise Died

    monkeypatch.setattr(history, "crash_point", die)
    with pytest.raises(Died):
        publish_one(tmp_path, 2, "2026-06")
    monkeypatch.undo()
    assert {each["publication_id"][:7] for each in rows(tmp_path, RULES)} == {"2026-05", "2026-06"}
    assert len(rows(tmp_path, LOG)) == 1, "the log is written last: it says what counts"
    third = publish_one(tmp_path, 3, "2026-06")
    ids = {event.publication.publication_id for event in read_log(tmp_path / "published")}
    assert third.publication_id in ids and len(ids) == 2
    for name in (RULES, ACCOUNTS, KPIS):
        assert {each["publication_id"] for each in rows(tmp_path, name)} == ids


def said_of(root: Path) -> str:
    return pq.read_table(root / "work" / "quality" / "gate_verdicts.parquet")["reasons"].to_pylist()[0]


def test_a_rule_that_got_worse_is_said_until_it_is_as_before(tmp_path: Path) -> None:
    publish_one(tmp_path, 1, "2026-05", n_failed=0)
    publish_one(tmp_path, 2, "2026-06", n_failed=20)
    assert "ratchet_worse" not in said_of(tmp_path)
    publish_one(tmp_path, 3, "2026-06", n_failed=21)
    assert "ratchet_worse" in said_of(tmp_path)


@pytest.mark.parametrize("cycle", ["2026-05", "2026-06"], ids=["no month before", "a month before"])
def test_what_got_worse_is_no_measure_of_the_same_month_published_again(tmp_path: Path, cycle: str) -> None:
    """0, then 21 of 1,000, a rise that is warned of, then 21 of 1,000 from inputs that differ by a byte."""
    publish_one(tmp_path, 1, "2026-05", n_failed=0)
    for number in (2, 3):
        publish_one(tmp_path, number, cycle, n_failed=21)
        assert "ratchet_worse" in said_of(tmp_path)
    events = read_log(tmp_path / "published")
    assert last_publication(events, "another", cycle).sequence == 1


def test_a_verdict_that_nobody_decided_publishes_nothing(tmp_path: Path) -> None:
    """Someone writes `publish` over a hold, or takes a warning out of the sentences."""
    company = plant(tmp_path, results=[passing("R-CRM-001", status="fail", n_failed=9)])
    judge(tmp_path, "publish")
    with pytest.raises(NotAdmittedError, match=r"not what the gate finds now.*finds hold"):
        publish(company, MANIFEST)
    assert not (tmp_path / "published" / "marts.duckdb").exists()
    company = plant(tmp_path)
    judge(tmp_path, "publish_with_warnings")
    with pytest.raises(NotAdmittedError, match="not what the gate finds now"):
        publish(company, MANIFEST)


def test_history_tells_publications_rollbacks_and_a_kpi_as_each_published_it(tmp_path: Path) -> None:
    publish_one(tmp_path, 1, "2026-05")
    publish_one(tmp_path, 2, "2026-06")
    rollback(plant(tmp_path), read_log(tmp_path / "published")[0].publication.publication_id)

    def invoke(*arguments: str):
        return CliRunner().invoke(cli.etalon, ["history", "--company", str(tmp_path), *arguments])

    found = json.loads(invoke("--metric", "leads_new", "--month", "2026-06", "--json").output)
    states = [(each["sequence"], each["is_live"], each["is_rolled_back"]) for each in found["publications"]]
    assert states == [(1, True, False), (2, False, True)]
    assert [Decimal(each["value"]) for each in found["publications"]] == [101, 102]
    assert len(found["rollbacks"]) == 1
    own = json.loads(invoke("--metric", "leads_new", "--json").output)["publications"]
    assert [(each["period_month"], Decimal(each["value"])) for each in own] == [
        ("2026-05-01", Decimal(3)), ("2026-06-01", Decimal(102))
    ]  # fmt: skip
    text = invoke("--metric", "leads_new", "--language", "fr").output
    assert "102 count" in text and "retirée" in text and "retour de" in text
    wrong = invoke("--metric", "leads_nwe")
    assert wrong.exit_code == 2 and "leads_new" in wrong.output
    assert (
        invoke("--month", "2026-06").exit_code == 2
        and invoke("--metric", "leads_new", "--month", "x").exit_code == 2
    )


def test_before_the_first_publication_there_is_no_history(tmp_path: Path) -> None:
    plant(tmp_path)
    result = CliRunner().invoke(cli.etalon, ["history", "--company", str(tmp_path)])
    assert result.exit_code == 0 and "Nothing has been published" in result.output


def test_controls_of_deliveries_are_in_the_history_of_rules() -> None:
    def control(status: str, level: str = "warn", kind: str = "orphan", **counts: int) -> ControlFinding:
        found = ControlResult("crm", "owner", kind, level, status, "orphan", contract="crm_lead", **counts)
        return ControlFinding("crm/owner", "crm_lead", level, status, found)

    rules = pa.Table.from_pylist([{"rule_id": "R-CRM-002", "table_name": "t", "dimension": "validity", "layer": "raw",
                                   "severity": "warning", "owner": "crm", "status": "pass", "n_evaluated": 9,
                                   "n_failed": 1, "rule_version": "v", "detail": "not kept"}])  # fmt: skip
    added = with_controls(
        rules,
        [
            control("pass", n_evaluated=10, n_failed=1),
            control("warn", "info", n_evaluated=5, n_failed=5),
            control("not_assessed"),
            replace(control("fail", "error", "clock"), rule_id="pbx/clock"),
        ],
    ).to_pylist()
    assert [row["rule_id"] for row in added] == ["R-CRM-002", "crm/owner", "pbx/clock"]
    of_owner = {"table_name": "crm_lead", "dimension": "integrity", "layer": "delivery", "severity": "warn"}
    of_owner |= {"status": "warn", "n_evaluated": 15, "n_failed": 6, "owner": None, "rule_version": None}
    assert added[1] == {"rule_id": "crm/owner", **of_owner}
    assert (added[2]["dimension"], added[2]["status"], added[2]["severity"]) == (
        "consistency",
        "fail",
        "error",
    )


MART_RULE = "R-MRT-018"


@pytest.fixture
def held_if_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy under which a mart rule that got worse by a point holds."""
    from orchestration.publication import judging, publishing

    def policy(company: Company) -> Policy:
        found = load_policy(POLICY_FILE, company.root / "waivers.csv")
        strict = Slack(slack=Decimal("0.01"), effect="hold")
        ratchet = found.document.ratchet.model_copy(update={"rule": {MART_RULE: strict}})
        return replace(found, document=found.document.model_copy(update={"ratchet": ratchet}))

    for module in (judging, publishing):
        monkeypatch.setattr(module, "company_policy", policy)


@pytest.mark.usefixtures("held_if_worse")
def test_a_mart_rule_that_got_worse_holds_where_the_policy_says_so_until_it_is_waived(tmp_path: Path) -> None:
    def candidate(cycle: str, n_failed: int, number: int) -> Company:
        failing = passing(MART_RULE, n_failed=n_failed, failed_share=Decimal(n_failed) / 1000)
        return plant(
            tmp_path, settings=of_cycle(cycle, f"run-{number}"), delivery=f"d{number}", results=[failing]
        )

    first = publish(candidate("2026-05", 0, 1), MANIFEST)
    assert publish(candidate("2026-06", 10, 2), MANIFEST).publication_id != first.publication_id
    with pytest.raises(
        NotAdmittedError, match=f"{MART_RULE} are worse than in publication {first.publication_id}"
    ):
        publish(candidate("2026-06", 11, 3), MANIFEST)
    company = candidate("2026-06", 11, 3)
    compared = compared_marts(company, of_cycle("2026-06", "run-3"), load_catalogue())
    assert [each.rule_id for each in compared.worse] == [MART_RULE]
    (tmp_path / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        f"{MART_RULE},,Ann,known since June,2026-06-20,2026-08-31\n"
    )
    judge(tmp_path)
    assert publish(company, MANIFEST).publication_id != first.publication_id
