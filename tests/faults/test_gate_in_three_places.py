"""What speaks against a cycle holds it in the Dagster job, on the command line, in plain dbt and at the publisher."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from test_held_gate import bytes_below, unbalance

from expectations.catalogue import load_catalogue
from expectations.results import read_results, write_results
from orchestration import cli, steps
from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle
from orchestration.dbt_running import manifest
from orchestration.publication import NotAdmittedError, publish
from orchestration.publication.judging import decided
from orchestration.settings import read_settings
from tests.golden.planted_warehouse import PROJECT, run_dbt

if TYPE_CHECKING:
    from tests.conftest import DemoRun


def change(work: Path, *statements: str) -> None:
    con = duckdb.connect(str(work / "warehouse.duckdb"))
    for statement in statements:
        con.execute(statement)
    con.close()


def reference_rule(table: str) -> str:
    """The critical rule that the accounts of a table exist."""
    return next(
        rule.id
        for rule in load_catalogue().rules
        for check in rule.checks
        if (check.table, check.kind, check.field) == (table, "foreign_key", "account_id")
        and rule.severity == "critical"
    )


MOVEMENTS, CROSSWALK = "master.fct_mrr_movements", "master.xref_accounts"
RULE = reference_rule(MOVEMENTS)


def break_a_movement(work: Path) -> None:
    """One row fails a critical rule: its account exists nowhere."""
    change(
        work,
        f"create or replace table {MOVEMENTS} as select * replace"
        " (case when row_number() over (order by period_month, account_month_key) = 1 then 'acc_nowhere'"
        " else account_id end as account_id)"
        f" from {MOVEMENTS}",
    )


def published_but_reports(demo: DemoRun) -> dict[str, bytes]:
    kept = bytes_below(demo.published).items()
    return {name: body for name, body in kept if not name.startswith(("reports/", "refusals/"))}


@pytest.fixture
def broken_after_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of this test finds a broken row in its facts."""
    build = steps.run_dbt

    def broken(tag: str, work: Path, **options):
        outcome = build(tag, work, **options)
        if tag == "master":
            break_a_movement(work)
        return outcome

    monkeypatch.setattr(steps, "run_dbt", broken)


@pytest.mark.audit("CL7")
def test_a_critical_failure_holds_on_the_command_line_in_plain_dbt_and_at_the_publisher(
    demo_copy: Callable, broken_after_master: None, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    before = published_but_reports(demo)
    assert run_cycle(demo.company_dir, as_json=True, force=True) == exit_codes.HELD
    assert json.loads(capsys.readouterr().out)["reasons"][0] == "critical_rule_failed"
    with pytest.raises(AssertionError, match="etalon check"):
        run_dbt(demo.work, PROJECT, "build", "--select", "tag:mart")
    assert not marts_of(demo.work)
    assert CliRunner().invoke(cli.etalon, ["publish", "--company", str(demo.company_dir)]).exit_code == 3
    assert published_but_reports(demo) == before


def test_a_critical_failure_holds_the_dagster_job(demo_copy: Callable, broken_after_master: None) -> None:
    import dagster as dg

    from orchestration.definitions import build_defs

    demo = demo_copy()
    before = published_but_reports(demo)
    job = build_defs(settings={"directory": str(demo.company_dir)}).resolve_job_def("cycle")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    evaluations = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert evaluations["cycle_is_admitted"] is False and "marts_are_sound" not in evaluations
    assert not marts_of(demo.work)
    assert published_but_reports(demo) == before


def marts_of(work: Path) -> list[tuple]:
    con = duckdb.connect(str(work / "warehouse.duckdb"), read_only=True)
    found = con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    con.close()
    return found


@pytest.fixture(scope="module")
def candidate(demo_run: DemoRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """A published company whose candidate may be damaged: `fresh` puts the work directory back."""
    folder = tmp_path_factory.mktemp("candidate")
    shutil.copytree(demo_run.company_dir, folder / "sound")
    yield replace(demo_run, company_dir=folder / "live")


@pytest.fixture
def fresh(candidate: DemoRun) -> DemoRun:
    shutil.rmtree(candidate.company_dir, ignore_errors=True)
    shutil.copytree(candidate.company_dir.with_name("sound"), candidate.company_dir)
    return candidate


def results_of(demo: DemoRun) -> Path:
    return demo.work / "quality" / "rule_results.parquet"


def rewrite(demo: DemoRun, rule_id: str, **values) -> None:
    found = read_results(results_of(demo))
    write_results(
        [replace(each, **values) if each.rule_id == rule_id else each for each in found], results_of(demo)
    )


def plant_imbalance(demo: DemoRun) -> None:
    unbalance(demo.work / "warehouse.duckdb")


def plant_failure(demo: DemoRun) -> None:
    break_a_movement(demo.work)
    assess(demo)


def plant_missing_table(demo: DemoRun) -> None:
    change(demo.work, f"drop table {MOVEMENTS} cascade")
    assess(demo)


def plant_too_few_rows(demo: DemoRun) -> None:
    rewrite(
        demo,
        reference_rule(CROSSWALK),
        status="not_assessed",
        cause="too_few_rows",
        n_evaluated=0,
        n_failed=0,
        detail="rows to judge: 0, at least 1 needed",
    )


def plant_skipped_rule(demo: DemoRun) -> None:
    write_results(
        [each for each in read_results(results_of(demo)) if each.rule_id != reference_rule(CROSSWALK)],
        results_of(demo),
    )


def plant_refusal(demo: DemoRun) -> None:
    path = demo.work / "collect" / "refusals.parquet"
    schema = pq.read_schema(path)
    row = dict.fromkeys(schema.names, "") | {
        "source_instance": "crm",
        "file_path": "crm/x.csv",
        "params": "{}",
    }
    row |= {"error_code": "E-UNKNOWN", "why": "planted", "next_command": "etalon check"}
    pq.write_table(pa.Table.from_pylist([row], schema=schema), path)


def plant_edited_counts(demo: DemoRun) -> None:
    """Every row fails; the status beside the counts still says pass."""
    found = read_results(results_of(demo))
    n = next(each.n_evaluated for each in found if (each.rule_id, each.table_name) == (RULE, MOVEMENTS))
    rewrite(demo, RULE, n_evaluated=n, n_failed=n)


def plant_expired_waiver(demo: DemoRun) -> None:
    plant_failure(demo)
    day = read_settings(demo.work).cycle_end
    waive(demo, day)


def waive(demo: DemoRun, expires_on: date) -> None:
    (demo.company_dir / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        f"{RULE},,cfo,known gap of the migration,{expires_on - timedelta(days=30)},{expires_on}\n"
    )


def plant_lost_journal_row(demo: DemoRun) -> None:
    """The journal has one decision less than was decided: term G."""
    con = duckdb.connect(str(demo.work / "warehouse.duckdb"))
    con.execute(
        "update quality_dbt.dq_ledger_balances set right_value = right_value - 1, difference = difference + 1"
        " where rowid = (select min(rowid) from quality_dbt.dq_ledger_balances where term = 'G')"
    )
    con.close()


def plant_nothing(demo: DemoRun) -> None:
    pass


def assess(demo: DemoRun) -> None:
    run = steps.resume_run(demo.company_dir)
    steps.assess_rules(run)
    steps.assess_mart_rules(run)  # so that the publisher has no other reason to refuse


@pytest.mark.parametrize(
    ("plant", "reasons"),
    [
        (plant_imbalance, {"ledger_imbalance"}),
        (plant_lost_journal_row, {"ledger_imbalance"}),
        (plant_failure, {"critical_rule_failed"}),
        (plant_too_few_rows, {"critical_rule_too_few_rows"}),
        (plant_missing_table, {"critical_rule_broken"}),
        (plant_skipped_rule, {"critical_rule_broken"}),
        (plant_refusal, {"file_refused"}),
        (plant_edited_counts, {"critical_rule_broken"}),
        (plant_expired_waiver, {"critical_rule_failed", "waiver_expired"}),
    ],
)
def test_each_thing_that_must_hold_holds_at_the_gate_in_plain_dbt_and_at_the_publisher(
    fresh: DemoRun, plant: Callable[[DemoRun], None], reasons: set[str]
) -> None:
    """The verdict that stood before (`publish`) is no way around: the publisher decides again."""
    plant(fresh)
    before = published_but_reports(fresh)
    run = steps.resume_run(fresh.company_dir)
    with pytest.raises(NotAdmittedError, match=r"imbalance|not what the gate finds now|not be assessed"):
        publish(run.company, manifest())  # the verdict on file is still the one of before
    verdict = steps.judge_cycle(run)
    assert verdict.verdict == "hold" and reasons <= set(verdict.reasons)
    with pytest.raises(AssertionError, match="etalon check"):
        run_dbt(fresh.work, PROJECT, "build", "--select", "mart_finance_mrr_month")
    with pytest.raises(NotAdmittedError):
        publish(run.company, manifest())
    assert published_but_reports(fresh) == before


def test_a_verdict_written_by_hand_admits_nothing(fresh: DemoRun) -> None:
    plant_failure(fresh)
    run = steps.resume_run(fresh.company_dir)
    steps.judge_cycle(run)
    path = fresh.work / "quality" / "gate_verdicts.parquet"
    row = pq.read_table(path).to_pylist()[0] | {"verdict": "publish", "reasons": "", "rule_ids": ""}
    pq.write_table(pa.Table.from_pylist([row], schema=pq.read_schema(path)), path)
    before = published_but_reports(fresh)
    with pytest.raises(NotAdmittedError, match="not what the gate finds now"):
        publish(run.company, manifest())
    assert published_but_reports(fresh) == before


def test_a_waiver_in_force_publishes_with_a_warning_and_its_date_travels_with_the_kpis(
    fresh: DemoRun,
) -> None:
    until = read_settings(fresh.work).cycle_end + timedelta(days=30)
    waive(fresh, until)
    plant_failure(fresh)
    run = steps.resume_run(fresh.company_dir)
    verdict = steps.judge_cycle(run)
    assert verdict.verdict == "publish_with_warnings" and "rule_waived" in verdict.reasons
    receipt = publish(run.company, manifest())
    trust = pq.read_table(receipt.parquet / "kpi_trust.parquet").to_pylist()
    waived = {row["metric_name"] for row in trust if row["waived_rules"] == f"{RULE} {until}"}
    assert waived >= {"mrr", "mrr_churn"} and "ttf_hours" not in waived
    doubtful = [row for row in trust if row["waived_rules"]]
    # a figure that other rules could not judge stays not assessed: less is known of it than that a rule is waived
    assert {row["trust_code"] for row in doubtful} <= {"caution", "not_assessed"}
    assert {row["trust_code"] for row in doubtful if row["metric_name"] == "mrr"} == {"caution"}
    in_mrr = {row["period_month"] for row in doubtful if row["metric_name"] == "mrr"}
    assert len(in_mrr) == 1, "one row fails, in one month; a figure of several months has it in each"


@pytest.mark.parametrize("relation", ["dq_journal", "dq_exclusions"])
def test_a_reason_that_a_model_loses_is_missed_by_the_ledger(fresh: DemoRun, relation: str) -> None:
    """Each reason of the journal, or of the exclusions it is made of, in turn: some account no longer balances."""
    terms, balances = (compiled(fresh.work, name) for name in ("dq_ledger_terms", "dq_ledger_balances"))
    run = steps.resume_run(fresh.company_dir)
    kind = {"dq_journal": "step_code", "dq_exclusions": "stream"}[relation]
    con = duckdb.connect(str(fresh.work / "warehouse.duckdb"))
    con.execute(f"create table quality_dbt.whole as select * from quality_dbt.{relation}")
    lost = con.execute(f"select distinct {kind}, reason_code from quality_dbt.whole order by all").fetchall()
    assert len(lost) >= 8 and len({step for step, _ in lost}) >= 5
    missed = {}
    for step, reason in lost:
        con.execute(
            f"create or replace view quality_dbt.{relation} as select * from quality_dbt.whole"
            f" where not ({kind} = '{step}' and reason_code is not distinct from '{reason}')"
        )
        con.execute(f"create or replace table quality_dbt.dq_ledger_terms as {terms}")
        con.execute(f"create or replace table quality_dbt.dq_ledger_balances as {balances}")
        missed[step, reason] = con.execute(
            "select count(*) from quality_dbt.dq_ledger_balances where difference <> 0"
        ).fetchone()[0]
    con.close()
    assert [each for each, n in missed.items() if not n] == []
    held = decided(run.company, run.settings, filled=run.filled)[0]
    assert (held.verdict, held.reasons[0]) == ("hold", "ledger_imbalance")


def compiled(work: Path, name: str) -> str:
    """The SQL that dbt ran for a model."""
    (path,) = (work / "dbt" / "compiled").rglob(f"{name}.sql")
    return path.read_text(encoding="utf-8")
