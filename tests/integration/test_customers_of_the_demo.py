"""Customers of a generated company: truth of the generator, the oracle in plain Python, and models on made-up worlds.

The compiled SQL of a model runs here on tables made for one question: which movement a change of MRR is, and when a
health score may be called validated. What does NOT belong here: the edges that are planted one by one (tests/golden).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tests.compiled_models import compiled_models, on_warehouse
from tests.golden import oracle_customers, oracle_subscriptions
from tests.golden.kpi_oracle import Kpis

MASTER = (
    "dim_accounts",
    "fct_mrr_movements",
    "fct_subscription_spells",
    "fct_nps_responses",
    "fct_product_usages",
)
MONTHS = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(18)]


@pytest.fixture(scope="module")
def warehouse(demo_run) -> Iterator[duckdb.DuckDBPyConnection]:
    con = on_warehouse(demo_run.work)
    yield con
    con.close()


@pytest.fixture(scope="module")
def models(demo_run) -> dict[str, str]:
    return compiled_models(demo_run.work / "dbt", "master", "metrics", "marts")


def test_nps_of_every_wave_equals_the_truth(warehouse, demo_run) -> None:
    found = warehouse.execute(
        "select strftime(period_month, '%Y-%m'), n_responses, n_promoters, n_detractors, round(nps, 6)"
        " from marts.mart_accounts_customers_month where segment_kind_code = 'all' and n_responses > 0 order by 1"
    ).fetchall()
    wanted = warehouse.execute(
        "select wave, n, promoters, detractors, round(cast(nps as decimal(18, 10)), 6)"
        f" from read_csv('{demo_run.company_dir}/truth/nps_truth.csv', types = {{'wave': 'varchar'}}) order by 1"
    ).fetchall()
    assert found == wanted and len(found) > 3


def test_accounts_become_active_in_the_month_of_the_truth(warehouse, demo_run) -> None:
    found = warehouse.execute(
        "select period_month, n_activated from marts.mart_accounts_customers_month"
        " where segment_kind_code = 'all' and n_activated > 0 order by 1"
    ).fetchall()
    wanted = warehouse.execute(
        "select cast(date_trunc('month', activated_on) as date), count(*)"
        f" from read_csv('{demo_run.company_dir}/truth/activation_truth.csv') group by 1 order by 1"
    ).fetchall()
    assert found == wanted and len(found) > 3


def test_every_figure_of_a_generated_company_equals_the_oracle(warehouse) -> None:
    tables = {}
    for name in MASTER:
        answer = warehouse.execute(f"select * from master.{name}")
        columns = [column[0] for column in answer.description]
        tables[name] = [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
    as_of, zone = warehouse.execute("select as_of, timezone from run.settings").fetchone()
    kpis = Kpis()
    for oracle in (oracle_customers, oracle_subscriptions):
        oracle.add(kpis, tables, as_of, 0, zone)
    expected = kpis.values()
    names = {cell[0] for cell in expected}
    published = {
        tuple(row[:4]): row[4:]
        for row in warehouse.execute(
            "select metric_name, period_month, segment_kind_code, segment_code, metric_value, numerator, denominator,"
            " reason_code from marts.mart_management_kpis_month"
        ).fetchall()
        if row[0] in names
    }
    assert len(names) == 20 and len(expected) > 1000 and not set(expected) - set(published)
    for cell, (value, numerator, denominator) in expected.items():
        shown, upper, lower, reason = published[cell]
        if value is None:
            assert shown is None and reason, cell
            continue
        assert abs(Fraction(shown) - value) <= Fraction(1, 10**9) and reason is None, cell
        if numerator is not None:
            assert (Fraction(upper), Fraction(lower)) == (numerator, denominator), cell
    assert all(published[cell][0] in (None, 0) for cell in set(published) - set(expected))


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse whose cycle is June 2025."""
    con = duckdb.connect()
    con.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'UTC'")
    con.execute("create schema master; create schema conforming; create schema metrics; create schema run")
    con.execute(
        "create table run.settings as select date '2025-07-01' as cycle_end, date '2025-06-01' as cycle_start,"
        " timestamp '2025-07-01' as as_of, 'EUR' as reporting_currency, 'UTC' as timezone"
    )
    yield con
    con.close()


def movement(before: int, now: int, had_any: bool) -> str | None:
    """The dictionary's precedence: new, reactivation, expansion, contraction, churn."""
    if not before:
        return ("reactivation" if had_any else "new") if now else None
    if not now:
        return "churn"
    return "expansion" if now > before else "contraction" if now < before else None


def test_a_customer_who_comes_back_for_more_is_a_reactivation_and_no_expansion(world, models) -> None:
    """Incident: in a CASE that asks for a rise first, who comes back is an expansion and reactivation unreachable."""
    rng = np.random.default_rng(7)
    paid = rng.integers(0, 4, (60, len(MONTHS))) * 10
    world.execute("create table master.dim_accounts (account_id varchar, size_band_code varchar)")
    world.execute(
        "create table master.fct_subscription_months (account_id varchar, period_month date, mrr decimal(18, 4))"
    )
    world.execute(
        "create table conforming.int_subscription_months (account_id varchar, period_month date, mrr decimal(18, 4),"
        " record_key varchar, reason_code varchar, end_reason_code varchar)"
    )
    world.executemany(
        "insert into master.dim_accounts values (?, 'smb')", [[f"a{n}"] for n in range(len(paid))]
    )
    world.executemany(
        "insert into master.fct_subscription_months values (?, ?, ?)",
        [[f"a{n}", MONTHS[m], int(mrr)] for n, row in enumerate(paid) for m, mrr in enumerate(row) if mrr],
    )
    found = {
        (row[0], row[1]): row[2:]
        for row in world.execute(
            "select account_id, period_month, opening_mrr, closing_mrr, new_mrr, reactivation_mrr, expansion_mrr,"
            f" contraction_mrr, churn_mrr from ({models['fct_mrr_movements']})"
        ).fetchall()
    }
    seen = set()
    for n, row in enumerate(paid):
        for m, now in enumerate(int(each) for each in row):
            before = int(row[m - 1]) if m else 0
            kind = movement(before, now, bool(row[:m].any()))
            if not before and not now:
                assert (f"a{n}", MONTHS[m]) not in found
                continue
            opening, closing, *amounts = found[f"a{n}", MONTHS[m]]
            assert (opening, closing) == (before, now) and sum(amounts) == closing - opening
            names = ("new", "reactivation", "expansion", "contraction", "churn")
            assert {name for name, amount in zip(names, amounts, strict=True) if amount} == ({kind} - {None})
            seen.add(kind)
    assert seen == {"new", "reactivation", "expansion", "contraction", "churn", None}


def test_a_gap_without_a_month_end_ends_no_stay_and_no_other_gap_is_bridged(world, models) -> None:
    """Random subscriptions, many of them overlapping, back to back or of a few days."""
    rng = np.random.default_rng(11)
    world.execute("create schema staging")
    world.execute("create table master.dim_accounts (account_id varchar, size_band_code varchar)")
    world.execute("create table master.xref_accounts (record_key varchar, account_id varchar)")
    world.execute(
        "create table staging.stg_erp__subscriptions (record_key varchar, source_instance varchar, customer_id varchar,"
        " started_on date, ended_on date, status varchar, is_test boolean, is_deleted boolean,"
        " billing_period_months int, quantity decimal(18, 4), unit_amount decimal(18, 4),"
        " discount_amount decimal(18, 4))"
    )
    first, end = date(2024, 1, 1), date(2025, 7, 1)
    served: dict[str, list[tuple[date, date | None]]] = {}
    for n in range(80):
        served[f"a{n}"] = []
        for _ in range(int(rng.integers(1, 6))):
            start = first + timedelta(days=int(rng.integers(0, 500)))
            stop = None if rng.random() < 0.2 else start + timedelta(days=int(rng.integers(1, 120)))
            served[f"a{n}"].append((start, stop))
    world.executemany("insert into master.dim_accounts values (?, 'smb')", [[a] for a in served])
    world.executemany(
        "insert into master.xref_accounts values (?, ?)", [[f"erp/erp_customer/{a}", a] for a in served]
    )
    world.executemany(
        "insert into staging.stg_erp__subscriptions values (?, 'erp', ?, ?, ?, 'active', false, false, 1, 1, 10, 0)",
        [[f"{a}/{k}", a, *span] for a, spans in served.items() for k, span in enumerate(spans)],
    )
    stays: dict[str, list[tuple[int, date, date | None]]] = {a: [] for a in served}
    for account, *stay in world.execute(
        "select account_id, spell_number, started_on, ended_on"
        f" from ({models['fct_subscription_spells']}) order by 1, 2"
    ).fetchall():
        stays[account].append(tuple(stay))
    ends = [
        day for day in (first + timedelta(days=n) for n in range(547)) if (day + timedelta(days=1)).day == 1
    ]
    merged = 0
    for account, spans in served.items():
        mine = stays[account]
        assert [number for number, *_ in mine] == list(range(1, len(mine) + 1))
        for day in ends:
            paid = any(start <= day and (stop is None or stop > day) for start, stop in spans)
            assert paid == any(start <= day and (stop is None or stop > day) for _, start, stop in mine)
        for start, stop in spans:
            seen = stop if stop and stop < end else None
            assert any(a <= start and (b is None or (seen is not None and seen <= b)) for _, a, b in mine)
        for (_, _, stop), (_, start, _) in pairwise(mine):
            assert stop is not None and any(stop <= day < start for day in ends)
        merged += len(spans) - len(mine)
    assert merged > 50 and any(len(mine) > 2 for mine in stays.values())


def judged(world, models, rows: list[tuple[str, float, bool]]) -> dict:
    """Row of June 2025 of the customers' mart where these (account, score, lost) were scored in March."""
    world.execute(
        "create or replace table metrics.fct_account_health_months (account_id varchar, size_band_code varchar,"
        " period_month date, health_score decimal(18, 4), is_renormalised boolean, is_lost_within_3_months boolean,"
        " is_outcome_known boolean)"
    )
    for name, columns in {
        "fct_nps_answers": "period_month date, size_band_code varchar, is_promoter boolean, is_detractor boolean",
        "fct_account_milestones": "period_month date, size_band_code varchar, definition_code varchar",
    }.items():
        world.execute(f"create or replace table metrics.{name} ({columns})")
    world.executemany(
        "insert into metrics.fct_account_health_months values (?, 'smb', date '2025-03-01', ?, false, ?, true)",
        [list(row) for row in rows],
    )
    answer = world.execute(
        f"select * from ({models['mart_accounts_customers_month']})"
        " where period_month = date '2025-06-01' and segment_kind_code = 'all'"
    )
    columns = [column[0] for column in answer.description]
    return dict(zip(columns, answer.fetchone(), strict=True))


@pytest.mark.parametrize("seed", range(15))
def test_a_score_that_tells_losses_is_validated_with_the_auc_of_scipy(world, models, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lost = rng.random(200) < 0.2
    scores = np.round(np.clip(rng.normal(np.where(lost, 45, 65), 15), 0, 100), 0)
    rows = [(f"a{n}", float(s), bool(out)) for n, (s, out) in enumerate(zip(scores, lost, strict=True))]
    found = judged(world, models, rows)
    pairs = mannwhitneyu(scores[~lost], scores[lost]).statistic
    assert float(found["health_auc_rate"]) == pytest.approx(pairs / (lost.sum() * (~lost).sum()), abs=1e-9)
    assert (found["n_judged_lost"], found["n_judged_kept"]) == (lost.sum(), (~lost).sum())
    assert found["is_health_validated"] and found["health_auc_caveat_code"] is None


def test_a_score_that_tells_nothing_is_seldom_called_validated(world, models) -> None:
    said = 0
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        lost = rng.random(150) < 0.2
        scores = np.round(rng.uniform(0, 100, 150), 0)
        rows = [(f"a{n}", float(s), bool(out)) for n, (s, out) in enumerate(zip(scores, lost, strict=True))]
        found = judged(world, models, rows)
        said += found["is_health_validated"]
        assert found["is_health_validated"] == (found["health_auc_caveat_code"] is None)
    assert said <= 3


def test_nine_losses_are_too_few_however_well_they_are_told(world, models) -> None:
    rows = [(f"a{n}", 10.0 if n < 9 else 90.0, n < 9) for n in range(100)]
    found = judged(world, models, rows)
    assert found["health_auc_rate"] == Decimal(1) and not found["is_health_validated"]
    assert found["health_auc_caveat_code"] == "too_few_losses"
    nobody = judged(world, models, [(f"a{n}", 50.0, False) for n in range(20)])
    assert nobody["health_auc_rate"] is None and nobody["health_auc_reason_code"] == "no_loss_to_judge"


def test_no_account_month_is_judged_before_its_three_months_are_over(warehouse) -> None:
    end = warehouse.execute("select cycle_end from run.settings").fetchone()[0]
    newest = warehouse.execute(
        "select max(period_month) from marts.mart_accounts_health_month where is_lost_within_3_months is not null"
    ).fetchone()[0]
    assert isinstance(newest, date) and not isinstance(newest, datetime)
    assert (end.year * 12 + end.month) - (newest.year * 12 + newest.month) == 4
