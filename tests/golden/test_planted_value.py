"""Reasons of leaving and margins on the planted company, and on the same company whose sources tell neither.

Not here: the monthly rates of the dictionary (`test_planted_kpis.py`); how a cost or a reason reaches the master layer.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS, master_tables
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources

D = Decimal


@pytest.mark.audit("K41")
@pytest.mark.parametrize(
    ("month", "expected"),
    [
        (
            date(2025, 9, 1),
            [  # reason, accounts, MRR, share of accounts, share of MRR, reason of a missing share
                ("competitor", 1, 120, D("0.5"), D("0.5"), None),
                ("price", 1, 120, D("0.5"), D("0.5"), None),
                ("unknown", 2, 550, None, None, "churn_reason_unknown"),
            ],
        ),
        (
            date(2026, 2, 1),
            [
                ("price", 2, 60, D("0.6666666667"), D("0.6666666667"), None),
                ("support", 1, 30, D("0.3333333333"), D("0.3333333333"), None),
            ],
        ),
        (
            date(2025, 4, 1),
            [  # what one of two paid has no exchange rate: two left, for an unknown amount together
                ("price", 1, None, D("0.5"), None, None),
                ("support", 1, 10, D("0.5"), None, None),
            ],
        ),
        (
            date(2025, 8, 1),
            [  # the unknown account left with money and is no customer
                ("price", 0, 10, None, D("1"), "no_churn"),
                ("unknown", 1, 50, None, None, "churn_reason_unknown"),
            ],
        ),
    ],
)
def test_losses_by_reason_keep_the_unknown_apart(marts, month: date, expected: list[tuple]) -> None:
    found = marts.execute(
        "select churn_reason_code, n_accounts_lost, lost_mrr, account_share_rate, mrr_share_rate, share_reason_code"
        " from marts.mart_finance_churn_reasons_month where segment_kind_code = 'all' and period_month = ?"
        " order by 1",
        [month],
    ).fetchall()
    assert found == expected


@pytest.mark.audit("K45")
def test_accounts_pull_up_or_down_against_the_growth_and_the_margin_of_the_company(marts) -> None:
    tables = master_tables()
    end, year_ago, start = date(2026, 7, 1), date(2025, 7, 1), date(2024, 7, 1)
    sums: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 4)
    unconverted = set()
    for line in tables["fct_invoice_lines"]:
        account, day = line["account_id"], line["invoiced_on"]
        if line["is_intercompany"] or account == "unknown" or not day or not start <= day < end:
            continue
        mine = sums[account]
        if line["net_amount_reporting"] is None:
            unconverted.add(account)
            continue
        amount = Fraction(line["net_amount_reporting"])
        if day < year_ago:
            mine[1] += amount
        else:
            mine[0] += amount
            if line.get("cost_amount") is not None:
                mine[2] += amount
                mine[3] += amount - Fraction(line["cost_amount_reporting"])
    whole = [sum(mine[n] for account, mine in sums.items() if account not in unconverted) for n in range(4)]
    expected = {}
    for account, (now, before, costed, margin) in sums.items():
        if account in unconverted or costed <= 0:
            expected[account] = None
            continue
        grows, earns = now * whole[1] >= whole[0] * before, margin * whole[2] >= whole[3] * costed
        expected[account] = {
            (True, True): "pulls_up", (True, False): "grows_thinly", (False, True): "earns_shrinking",
            (False, False): "pulls_down",
        }[grows, earns]  # fmt: skip
    found = dict(
        marts.execute("select account_id, value_class_code from marts.mart_accounts_margins_cycle").fetchall()
    )
    assert found == expected
    assert len(set(found.values()) - {None}) > 1
    bars = marts.execute(
        "select distinct company_growth_rate, company_margin_rate from marts.mart_accounts_margins_cycle"
    ).fetchall()
    assert [tuple(float(bar) for bar in row) for row in bars] == [
        pytest.approx((float(whole[0] / whole[1] - 1), float(whole[3] / whole[2])), abs=1e-9)
    ]


@pytest.mark.audit("K45")
def test_credit_notes_alone_have_no_margin_rate(tmp_path: Path) -> None:
    """Costs of credit notes only: what they give back is no revenue to have a margin of."""
    work, project = tmp_path / "work", tmp_path / "project"
    work.mkdir()
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    tables = {name: [dict(row) for row in rows] for name, rows in master_tables().items()}
    for line in tables["fct_invoice_lines"]:
        cost = -D(7) if (line["net_amount_reporting"] or 0) < 0 else None
        line |= {"cost_amount": cost, "cost_amount_reporting": cost}
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    write_sources(work, {"quality.gate_verdicts": [admitted], "run.settings": [SETTINGS]})
    relations = ("dim_accounts", "dim_products", "fct_invoice_lines")
    write_relations(work / "warehouse.duckdb", {name: tables[name] for name in relations})
    built = ("fct_revenue_lines", "fct_revenue_group_months", "mart_finance_revenue_month")
    run_dbt(work, project, "run", "--select", *built)
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "select distinct margin_rate, margin_reason_code, margin_amount is null, costed_revenue_amount < 0"
            " from marts.mart_finance_revenue_month where segment_kind_code = 'all' order by 4"
        ).fetchall()
    assert found == [(None, "no_costed_revenue", False, False), (None, "no_costed_revenue", False, True)]


@pytest.fixture(scope="module")
def told_nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted company whose sources tell no costs and no reasons of leaving."""
    folder = tmp_path_factory.mktemp("told_nothing")
    work, project = folder / "work", folder / "project"
    work.mkdir()
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    tables = {name: [dict(row) for row in rows] for name, rows in master_tables().items()}
    for line in tables["fct_invoice_lines"]:
        line |= {"cost_amount": None, "cost_amount_reporting": None}
    for row in tables["fct_mrr_movements"]:
        row["churn_reason_code"] = "unknown" if row["churn_mrr"] else None
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    write_sources(work, {"quality.gate_verdicts": [admitted], "run.settings": [SETTINGS]})
    relations = (
        "dim_accounts",
        "dim_products",
        "fct_invoice_lines",
        "fct_mrr_movements",
        "fct_subscription_spells",
    )
    write_relations(work / "warehouse.duckdb", {name: tables[name] for name in relations})
    built = [
        *("fct_revenue_lines", "fct_revenue_group_months", "fct_mrr_account_months", "fct_customer_starts"),
        *("mart_finance_revenue_month", "mart_finance_retention_month", "mart_finance_churn_reasons_month"),
        "mart_accounts_margins_cycle",
    ]
    run_dbt(work, project, "run", "--select", *built)
    return work / "warehouse.duckdb"


@pytest.mark.audit("K41", "K45")
def test_what_no_source_tells_is_unknown_and_not_nothing(told_nothing: Path) -> None:
    with duckdb.connect(str(told_nothing), read_only=True) as con:
        margins = con.execute(
            "select distinct margin_rate, margin_reason_code, cost_shown_rate, cost_shown_reason_code,"
            " costed_revenue_amount, cost_amount, margin_amount from marts.mart_finance_revenue_month"
        ).fetchall()
        reasons = con.execute(
            "select distinct churn_reason_told_rate, churn_reason_told_reason_code"
            " from marts.mart_finance_retention_month where n_accounts_lost > 0"
        ).fetchall()
        kept_apart = con.execute(
            "select distinct churn_reason_code, account_share_rate from marts.mart_finance_churn_reasons_month"
        ).fetchall()
        classes = con.execute(
            "select distinct value_class_code, value_class_reason_code, margin_rate, company_margin_rate,"
            " costed_revenue_amount, cost_amount, margin_amount from marts.mart_accounts_margins_cycle"
        ).fetchall()
    assert margins == [(None, "costs_not_delivered", None, "costs_not_delivered", None, None, None)]
    assert reasons == [(None, "churn_reasons_not_delivered")]
    assert kept_apart == [("unknown", None)]
    assert classes == [(None, "costs_not_delivered", None, None, None, None, None)]


@pytest.mark.audit("PB5")
def test_objections_have_shares_among_themselves_and_a_fill_rate(marts) -> None:
    found = marts.execute(
        "select objection_code, n_activities, n_noted, objection_share_rate, n_activities_month, objection_noted_rate"
        " from marts.mart_sales_objections_month where segment_kind_code = 'all' and period_month = '2026-04-01'"
        " order by 1"
    ).fetchall()
    half = D("0.5")
    assert found == [
        ("none", 2, 2, None, 4, half),
        ("price", 1, 2, half, 4, half),
        ("timing", 1, 2, half, 4, half),
    ]


@pytest.mark.audit("SL6")
def test_routing_tells_the_time_to_a_seller_and_who_changed_hands(marts) -> None:
    found = marts.execute(
        "select n_assigned, n_timed, assignment_hours_median, n_followed, n_reassigned, reassigned_rate,"
        " reassigned_reason_code from marts.mart_revops_routing_month"
        " where segment_kind_code = 'all' and period_month in ('2026-02-01', '2026-03-01') order by period_month"
    ).fetchall()
    # 2 h, 2 h 1 min, before the creation (0), 20 min: the median lies between 20 min and 2 h
    assert found[1] == (4, 4, D("1.166650"), 4, 2, D("0.5"), None)
    assert found[0][:2] == (2, 0)
    assert found[0][2] is None
    assert found[0][3:] == (0, 0, None, "owner_changes_not_delivered")
