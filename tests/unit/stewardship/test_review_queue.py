"""dq_review_queue on a planted company: what is asked, in which order, and what no longer is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS
from tests.golden.planted_warehouse import run_dbt, write_relations, write_sources

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
TOLD = (
    "left_golden_id",
    "right_golden_id",
    "impact_value",
    "n_leads",
    "n_touches",
    "is_strategic",
    "impact_rank",
)


def _item(
    name: str, left: str, right: str, kind: str = "pair", entity: str = "account", weight: float = 3.0
) -> dict:
    return {
        "item_id": name,
        "entity": entity,
        "kind": kind,
        "left_record_key": left,
        "right_record_key": right,
        "weight": weight,
    }


def _line(account: str, amount: int, day: str, **values: object) -> dict:
    line = {"invoice_line_id": f"{account}{amount}{day}", "account_id": account, "is_intercompany": False}
    return (
        line | {"invoiced_on": dt.date.fromisoformat(day), "net_amount_reporting": Decimal(amount)} | values
    )


def _opportunity(account: str, lead: str, amount: int, won_on: dt.date | None = None) -> dict:
    name = f"{account}{lead}{amount}"
    return {"opportunity_id": name, "account_id": account, "lead_id": lead, "is_won": bool(won_on),
            "is_open": not won_on, "closed_on": won_on, "amount_reporting": Decimal(amount)}  # fmt: skip


RELATIONS = {
    "xref_accounts": [{"record_key": name, "account_id": f"acc_{name}"} for name in "abcdefgh"]
    + [{"record_key": "lost", "account_id": "unknown"}],
    "xref_persons": [{"record_key": name, "person_id": f"per_{name}"} for name in "pqa"],
    "dim_accounts": [{"account_id": f"acc_{name}", "is_strategic": name == "f"} for name in "abcdefgh"],
    "fct_invoice_lines": [
        _line("acc_a", 1000, "2026-06-30"), _line("acc_a", 5000, "2026-07-01"), _line("acc_b", 70, "2025-07-01"),
        _line("acc_b", 900, "2025-06-30"), _line("acc_b", 800, "2026-01-01", is_intercompany=True),
        _line("acc_c", 400, "2026-02-01"), _line("acc_d", 600, "2026-02-01"), _line("unknown", 9999, "2026-02-01"),
    ],
    "fct_opportunities": [
        _opportunity("acc_b", "lea_p", 30), _opportunity("acc_b", "lea_p", 8, dt.date(2026, 3, 1)),
        _opportunity("acc_e", "lea_q", 11), _opportunity("acc_e", "lea_p", 7000, dt.date(2024, 3, 1)),
    ],
    "fct_subscription_months": [
        {"account_month_key": "1", "account_id": "acc_b", "period_month": dt.date(2026, 6, 1), "mrr": Decimal(5)},
        {"account_month_key": "2", "account_id": "acc_b", "period_month": dt.date(2026, 5, 1), "mrr": Decimal(50)},
    ],
    "fct_leads": [
        {"lead_id": "lea_p", "person_id": "per_p", "account_id": "acc_g", "created_at": dt.datetime(2026, 5, 1)},
        {"lead_id": "lea_q", "person_id": "per_q", "account_id": "acc_h", "created_at": dt.datetime(2026, 5, 1)},
        {"lead_id": "lea_r", "person_id": "per_r", "account_id": "acc_h", "created_at": dt.datetime(2026, 5, 1)},
    ],
    "fct_touches": [
        {"touch_key": f"call:{i}", "lead_id": "lea_p", "is_effective": True, "occurred_at": dt.datetime(2026, 5, 2 + i)}
        for i in range(3)
    ],
}  # fmt: skip
SOURCES = {
    "run.settings": [SETTINGS],
    "matching.review_items": [
        _item("rev_ab", "a", "b"), _item("rev_cd", "d", "c", "weak_bridge"), _item("rev_fe", "f", "e", "live_merge"),
        _item("rev_gh", "g", "h"), _item("rev_pq", "p", "q", entity="person"),
        _item("rev_lost", "lost", "gone", "conflict"), _item("rev_pp", "p", "p", "oversized", "person"),
        _item("rev_same", "b", "a", "conflict"), _item("rev_apart", "h", "g", "live_merge", weight=9.0),
        _item("rev_later", "a", "d"), _item("rev_one", "a", "a", "oversized"),
        _item("rev_parted", "g", "a", "weak_bridge"),
    ],
    "stewardship.constraints": [
        # the second is of the other entity: it says nothing about the accounts a and b
        {"entity": entity, "left_record_key": left, "right_record_key": right, "kind": "cannot"}
        for entity, left, right in (("account", "g", "h"), ("person", "a", "b"))
    ]
    + [
        {"entity": "account", "left_record_key": name, "right_record_key": part, "kind": "part", "decision_id": "dec_6"}
        for name, part in (("a", "a"), ("e", "a"), ("g", "g"))
    ]
    # a legal number stood against it: both records have their own id
    + [{"entity": "account", "left_record_key": "c", "right_record_key": "f", "kind": "must", "decision_id": "dec_8"}],
    "stewardship.review_items": [
        {"item_id": "rev_again", "entity": "account", "kind": "to_confirm", "left_record_key": "g",
         "right_record_key": "h", "reason": "content_changed", "decision_ids": "dec_1"},
    ],
    "stewardship.postponements": [
        {"item_id": "rev_later", "decided_at": dt.datetime(2026, 6, day)} for day in (3, 5)
    ],
    "stewardship.decisions": [
        {"decision_id": name, "entity": "account", "kind": kind, "record_key": "crm/crm_account/a", "author": "Ann Lee",
         "reason": "one office", "decided_at": dt.datetime(2026, 6, 2),
         "other_record_key": other, "field": field, "value": value, "status": status}
        for name, kind, other, field, value, status in (
            ("dec_1", "different", "crm/crm_account/b", None, None, "active"),
            ("dec_2", "same", "crm/crm_account/c", None, None, "undone"),
            ("dec_3", "same", "crm/crm_account/d", None, None, "to_confirm"),
            ("dec_4", "override", None, "city", "Lyon", "active"),
            ("dec_5", "group_link", "crm/crm_account/e", "legal", None, "active"),
            ("dec_6", "unmerge", "crm/crm_account/e", None, None, "active"),
            ("dec_7", "cannot_say", "crm/crm_account/e", None, None, "active"),
            ("dec_8", "same", "crm/crm_account/f", None, None, "active"),
        )
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    work = tmp_path_factory.mktemp("queue") / "work"
    work.mkdir()
    write_sources(work, SOURCES)
    write_relations(work / "warehouse.duckdb", RELATIONS)
    seeds = ["time_zones", "public_holidays", "lead_definitions", "lead_sources"]
    nodes = [
        "fct_lead_qualifications",
        "fct_lead_cadences",
        "dq_review_queue",
        "dq_exclusions",
        "dq_merges",
        "dq_journal",
    ]
    paths = ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
    run_dbt(work, PROJECT, "seed", "--select", *seeds, *paths)
    run_dbt(work, PROJECT, "run", "--select", *nodes, *paths)
    run_dbt(work, PROJECT, "test", "--select", "dq_review_queue", "--indirect-selection", "cautious", *paths)
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        yield con


def _told(warehouse: duckdb.DuckDBPyConnection, item: str, *columns: str) -> tuple:
    return warehouse.execute(
        f"select {', '.join(columns)} from quality_dbt.dq_review_queue where item_id = '{item}'"
    ).fetchone()


def test_the_value_of_a_question_is_that_of_its_smaller_side(warehouse: duckdb.DuckDBPyConnection) -> None:
    # b: 70 invoiced in the last 12 months + 38 - 8 open + 5 of MRR in the month of the cycle; a has 1000
    assert _told(warehouse, "rev_ab", "left_golden_id", "right_golden_id", "impact_value", "impact_unit") == (
        "acc_a",
        "acc_b",
        Decimal(105),
        "EUR",
    )
    assert _told(warehouse, "rev_cd", "left_golden_id", "impact_value") == ("acc_d", Decimal(400))
    assert _told(warehouse, "rev_fe", "impact_value", "is_strategic") == (Decimal(0), True)
    # p: an open opportunity of 30 and one won of 8, with 3 touches; q: 11 open and none
    assert _told(warehouse, "rev_pq", "impact_value", "n_leads", "n_touches") == (Decimal(11), 1, 0)
    assert _told(warehouse, "rev_pp", "impact_value", "n_leads", "n_touches") == (Decimal(38), 1, 3)
    assert _told(warehouse, "rev_one", "impact_value") == (Decimal(1000),)
    assert _told(warehouse, "rev_lost", "left_golden_id", "impact_value", "n_leads") == (None, Decimal(0), 0)


def test_questions_are_ranked_by_what_they_move_and_postponed_ones_come_last(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select item_id from quality_dbt.dq_review_queue order by impact_rank"
    ).fetchall()
    assert [item for (item,) in found] == [
        "rev_one", "rev_cd", "rev_ab", "rev_same", "rev_pp", "rev_pq", "rev_fe", "rev_again", "rev_lost", "rev_later"
    ]  # fmt: skip
    assert _told(warehouse, "rev_later", "postponed_at") == (dt.datetime(2026, 6, 5),)


def test_a_pair_decided_in_force_is_not_asked_again_but_for_confirmation(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert _told(warehouse, "rev_gh", "kind") is None
    assert _told(warehouse, "rev_apart", "kind") is None
    assert _told(warehouse, "rev_parted", "kind") is None
    assert _told(warehouse, "rev_again", "kind", "decision_ids") == ("to_confirm", "dec_1")


def test_every_decision_stands_in_the_journal_under_its_author(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select reason_code, action, actor, contract, field, value_before, value_after from quality_dbt.dq_journal"
        " where step_code = 'stewardship' order by reason_code, action, value_before"
    ).fetchall()
    account = "crm/crm_account/"
    assert [(row[0].removeprefix("steward_"), row[1], *row[4:]) for row in found] == [
        ("cannot_say", "keep_flagged", "account_id", f"{account}e", "dec_7"),
        ("different", "keep_apart", "account_id", f"{account}b", "dec_1"),
        ("group_link", "link", "legal", f"{account}e", "dec_5"),
        ("override", "override", "city", None, "Lyon"),
        ("same", "keep_flagged", "account_id", f"{account}c", "undone"),
        ("same", "keep_flagged", "account_id", f"{account}f", "refused"),
        ("same", "merge", "account_id", f"{account}d", "dec_3"),
        ("unmerge", "keep_apart", "account_id", f"{account}e", "dec_6"),
    ]
    assert {row[2:4] for row in found} == {("Ann Lee", "crm_account")}
    said = warehouse.execute(
        "select distinct comment, decided_at from quality_dbt.dq_journal where step_code = 'stewardship'"
    ).fetchall()
    assert said == [("one office", dt.datetime(2026, 6, 2))]


def test_a_violated_decision_fails_the_build_unless_a_contradiction_is_in_the_queue(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    write_relations(work / "warehouse.duckdb", RELATIONS)
    paths = ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
    named = ["--select", "assert_no_decision_of_a_steward_is_violated", *paths]
    joined = {"entity": "account", "kind": "must", "left_record_key": "a", "right_record_key": "b"}
    apart = joined | {"kind": "cannot"}
    gone = joined | {"right_record_key": "no such record"}
    joined["decision_id"] = apart["decision_id"] = gone["decision_id"] = "dec_1"
    parts = [joined | {"kind": "part", "left_record_key": name, "right_record_key": name} for name in "ab"]
    contradiction = _item("rev_x", "b", "c", "contradiction") | {"terms": '[{"decision_id": "dec_1"}]'}
    of_others = contradiction | {"terms": '[{"decision_id": "dec_12"}]'}
    of_persons = contradiction | {"entity": "person"}
    for constraints, items, is_violated in (
        ([apart, gone], [], False),
        ([apart, joined], [], True),
        ([joined], [contradiction], False),
        ([joined], [of_others], True),
        ([joined], [of_persons], True),
        ([apart | {"right_record_key": "a"}], [], True),
        (parts, [], False),
        ([parts[0], parts[1] | {"left_record_key": "a"}], [], True),
    ):
        sources = {
            "run.settings": [SETTINGS],
            "stewardship.constraints": constraints,
            "matching.review_items": items,
        }
        write_sources(work, sources)
        if is_violated:
            with pytest.raises(AssertionError, match="assert_no_decision"):
                run_dbt(work, PROJECT, "test", *named)
        else:
            run_dbt(work, PROJECT, "test", *named)
