"""What cannot be true leaves the facts, what is only far stays, and a person can say otherwise, both ways."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path

import duckdb
import numpy as np
import planted_policy as company
import pytest
from conftest import built

#: The row ledger of facts and touches are tests of dbt: a build that does not balance fails.
SELECTION = (
    "+assert_every_kept_row_is_counted_or_excluded", "+assert_every_contact_is_a_touch_or_an_outlier", "+dq_outliers",
    "+fct_opportunity_stages",
)  # fmt: skip
LEG, DEAL, BURST = (
    "pbx/telephony_call_leg/backwards", "crm/crm_opportunity/typo", "call:pbx/burst60",
)  # fmt: skip


def _built(work: Path, classes: list[tuple[str, str, str]]) -> duckdb.DuckDBPyConnection:
    decided = [
        {"decision_id": f"dec_{n}", "metric_code": metric, "record_key": key, "class_code": code, "author": "Ann",
         "reason": "seen with the seller", "decided_at": dt.datetime(2026, 7, 1), "status": "active"}
        for n, (metric, key, code) in enumerate(classes)
    ]  # fmt: skip
    return built(
        work, company.ROWS, *SELECTION, timezone=company.COMPANY_ZONE, as_of=company.AS_OF,
        same_account=company.SAME_ACCOUNT, same_person=[], outlier_classes=decided,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company as the rules alone class it."""
    with _built(tmp_path_factory.mktemp("ruled") / "work", []) as con:
        yield con


def _one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    (row,) = con.execute(query).fetchall()
    return row[0]


def _present(con: duckdb.DuckDBPyConnection) -> dict[str, bool]:
    return {
        "leg": _one(con, "select count(*) from master.fct_calls where call_id = 'backwards'") == 1,
        "deal": _one(con, f"select count(*) from master.fct_opportunities where opportunity_id = '{DEAL}'")
        == 1,
        "stage": _one(
            con, f"select count(*) from master.fct_opportunity_stages where opportunity_id = '{DEAL}'"
        )
        == 1,
        "touch": _one(con, f"select count(*) from master.fct_touches where touch_key = '{BURST}'") == 1,
        "call of the touch": _one(con, "select count(*) from master.fct_calls where call_id = 'burst60'")
        == 1,
    }


@pytest.mark.audit("CL4", "OU1")
def test_what_cannot_be_true_is_an_error_and_nothing_else_is(ruled: duckdb.DuckDBPyConnection) -> None:
    found = ruled.execute(
        "select metric_code, record_key, metric_value, reason_code, class_code = rule_class_code, actor"
        " from quality_dbt.dq_outliers where class_code = 'error' order by metric_code"
    ).fetchall()
    assert found == [
        ("call_duration_s", LEG, D(-20), "negative_duration", True, "rule"),
        ("opportunity_amount", DEAL, D(300_000), "amount_times_1000", True, "rule"),
        ("touches_per_hour_of_rep", BURST, D(61), "impossible_pace", True, "rule"),
    ]
    assert _one(ruled, "select count(*) - count(distinct outlier_key) from quality_dbt.dq_outliers") == 0


@pytest.mark.audit("CL6", "OU1")
def test_an_error_leaves_the_facts_for_a_reason_and_an_extreme_stays(
    ruled: duckdb.DuckDBPyConnection,
) -> None:
    assert _present(ruled) == {
        "leg": False, "deal": False, "stage": False, "touch": False, "call of the touch": True,
    }  # fmt: skip
    told = ruled.execute(
        "select stream, record_key from conforming.int_fact_exclusions where reason_code = 'outlier_error'"
        " union all select metric_code, source_stream_code || ':' || source_key from conforming.int_touch_outliers"
        " where is_error order by 1"
    ).fetchall()
    assert told == [("call", LEG), ("opportunity", DEAL), ("touches_per_hour_of_rep", BURST)]
    stays = "select count(*) from quality_dbt.dq_outliers as o where class_code <> 'error' and {0}"
    assert _one(ruled, stays.format("true")) > 0
    kept = "(metric_code = 'opportunity_amount'"
    kept += " and record_key not in (select opportunity_id from master.fct_opportunities)"
    kept += (
        " or metric_code = 'touches_per_lead' and record_key not in (select lead_id from master.fct_leads))"
    )
    assert _one(ruled, stays.format(kept)) == 0


@pytest.mark.audit("CL6", "OU1")
def test_a_person_brings_errors_back_and_takes_others_out(
    ruled: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deal = _one(ruled, "select min(opportunity_id) from master.fct_opportunities where is_won")
    lead = _one(
        ruled, "select min(lead_id) from metrics.fct_lead_cadences where is_matured and n_touches > 0"
    )
    touch = _one(ruled, "select min(touch_key) from master.fct_touches where source_stream_code = 'email'")
    leg = _one(ruled, "select min(record_key) from staging.stg_telephony__call_legs where call_id = 'burst3'")
    decided = [
        ("call_duration_s", LEG, "exceptional"), ("opportunity_amount", DEAL, "exceptional"),
        ("touches_per_hour_of_rep", BURST, "risk_to_review"), ("opportunity_amount", deal, "error"),
        ("touches_per_lead", lead, "error"), ("touches_per_hour_to_person", touch, "error"),
        ("call_duration_s", leg, "error"),
    ]  # fmt: skip
    with _built(tmp_path / "work", decided) as con:
        assert set(_present(con).values()) == {True}
        for place in (
            f"master.fct_opportunities where opportunity_id = '{deal}'", f"master.fct_leads where lead_id = '{lead}'",
            f"metrics.fct_lead_cadences where lead_id = '{lead}'", f"master.fct_touches where touch_key = '{touch}'",
            "master.fct_calls where call_id = 'burst3'",
        ):  # fmt: skip
            assert _one(con, f"select count(*) from {place}") == 0, place
        classes = con.execute(
            "select metric_code, record_key, class_code from quality_dbt.dq_outliers where actor = 'Ann'"
        ).fetchall()
        assert sorted(classes) == sorted(decided)


def _on_leads(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    leads: list[tuple[int, bool]],
    bearers: dict[int, dict[str, bool]] | None = None,
) -> dict[str, dict[str, object]]:
    """Lead -> its row of dq_outliers, had the company these matured leads (touches, converted).

    bearers: place of a lead -> what holds for its person and account: opted_out, complained, strategic.
    """
    (file,) = (
        row[0] for row in con.execute("select path from duckdb_databases() where path is not null").fetchall()
    )
    copy = tmp_path / Path(file).name
    shutil.copyfile(file, copy)
    (compiled,) = (Path(file).parent / "target").rglob("compiled/**/dq_outliers.sql")
    with duckdb.connect(str(copy)) as other:
        told = ("master.dim_persons", "master.dim_accounts", "master.fct_email_sends") if bearers else ()
        for relation in ("metrics.fct_lead_cadences", "master.fct_leads", *told):
            other.execute(f"create table kept as select * from {relation} limit 0")
            other.execute(f"drop table {relation} cascade")
            other.execute(f"create table {relation} as select * from kept")
            other.execute("drop table kept")
        for n, (touches, is_converted) in enumerate(leads):
            values = [f"lea_{n}", "unknown", touches, is_converted]
            other.execute(
                "insert into metrics.fct_lead_cadences by name select $1 as lead_id, $2 as account_id,"
                " $3 as n_effective_touches, $4 as is_converted, true as is_matured", values,
            )  # fmt: skip
            other.execute(
                "insert into master.fct_leads by name select $1 as lead_id, 'p' as person_id", values[:1]
            )
        for n, said in (bearers or {}).items():
            person, account = f"per_{n}", f"acc_{n}"
            planted = {
                "master.dim_persons": {
                    "person_id": person,
                    "account_id": account,
                    "is_email_opted_out": said.get("opted_out", False),
                    "is_call_opted_out": False,
                },
                "master.dim_accounts": {"account_id": account, "is_strategic": said.get("strategic", False)},
            }
            if said.get("complained"):
                planted["master.fct_email_sends"] = {"person_id": person, "is_complained": True}
            for table, values in planted.items():
                columns = ", ".join(f"${i} as {name}" for i, name in enumerate(values, 1))
                other.execute(f"insert into {table} by name select {columns}", list(values.values()))
            other.execute(
                f"update metrics.fct_lead_cadences set account_id = '{account}' where lead_id = 'lea_{n}'"
            )
            other.execute(f"update master.fct_leads set person_id = '{person}' where lead_id = 'lea_{n}'")
        rows = other.execute(f"select * from ({compiled.read_text(encoding='utf-8')})")
        names = [column[0] for column in rows.description]
        found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return {row["record_key"]: row for row in found if row["metric_code"] == "touches_per_lead"}


@pytest.mark.audit("OU5")
def test_influence_is_cooks_distance_as_leaving_each_lead_out_gives_it(
    ruled: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    drawn = np.random.default_rng(20260630)
    x = drawn.poisson(4, 60)
    x[7], x[8] = 31, 22
    y = drawn.random(60) < 0.08 * (1 + x / 4)
    found = _on_leads(ruled, tmp_path, [(int(a), bool(b)) for a, b in zip(x, y, strict=True)])
    design = np.column_stack([np.ones(60), x])
    fit = np.linalg.lstsq(design, y.astype(float), rcond=None)[0]
    variance = ((y - design @ fit) ** 2).sum() / 58
    distances = []
    for i in range(60):
        rest = np.arange(60) != i
        without = np.linalg.lstsq(design[rest], y[rest].astype(float), rcond=None)[0]
        distances.append(((design @ (fit - without)) ** 2).sum() / (2 * variance))
    expected = {f"lea_{i}" for i, distance in enumerate(distances) if distance > 4 / 60}
    assert {key for key, row in found.items() if row["is_influential"]} == expected and len(expected) >= 2
    for key in expected:
        assert float(found[key]["cooks_distance"]) == pytest.approx(distances[int(key[4:])], abs=1e-6)
    top = sorted(((row["top_rank"], key) for key, row in found.items() if row["top_rank"] is not None))
    ranked = sorted(expected, key=lambda key: -distances[int(key[4:])])
    assert [key for _, key in top][: len(ranked)] == ranked[:5]


@pytest.mark.audit("OU2", "OU3", "OU4", "CL6")
def test_an_extreme_is_a_risk_before_it_is_exceptional_and_that_before_an_opportunity(
    ruled: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    crowd = [(n % 7, n % 5 == 0) for n in range(200)]
    extremes = [(40, True), (41, True), (42, False), (43, True), (44, False)]
    bearers = {
        200: {"strategic": True},
        201: {"strategic": True, "opted_out": True},
        202: {"complained": True},
        203: {},
        204: {},
    }
    found = _on_leads(ruled, tmp_path, crowd + extremes, bearers)
    assert {
        key: (row["class_code"], row["reason_code"], row["action_code"])
        for key, row in found.items()
        if row["is_far"]
    } == {
        "lea_200": ("exceptional", "strategic_account", "handle_apart"),
        "lea_201": ("risk", "opt_out", "propose_exclusion"),
        "lea_202": ("risk", "complaint", "propose_exclusion"),
        "lea_203": ("opportunity", "converted", "document_tactic"),
        "lea_204": ("risk_to_review", "unexplained", "review"),
    }


def test_a_lead_that_alone_fixes_the_line_is_told_without_a_distance(
    ruled: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = _on_leads(ruled, tmp_path, [(8, n % 3 == 0) for n in range(10)] + [(19, True)])
    alone = found["lea_10"]
    assert (alone["is_leverage_one"], alone["cooks_distance"], alone["is_influential"]) == (True, None, False)
    assert [key for key, row in found.items() if row["is_leverage_one"]] == ["lea_10"]


@pytest.mark.parametrize(
    "leads", [[], [(3, True)], [(3, True), (3, False), (3, True)], [(1, True), (2, True)]]
)
def test_without_a_line_nobody_moves_it(
    ruled: duckdb.DuckDBPyConnection, tmp_path: Path, leads: list[tuple[int, bool]]
) -> None:
    found = _on_leads(ruled, tmp_path, leads)
    assert all(row["cooks_distance"] is None and not row["is_influential"] for row in found.values())
