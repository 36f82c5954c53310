"""Every question of docs/cookbook.md runs on the demo's publication, and its answer equals another way to count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import duckdb
import pytest
from cookbook import recipes

from orchestration.dictionary import dictionary

Row = dict[str, Any]
RECIPES = {recipe.question: recipe for recipe in recipes()}
CHECKS: dict[str, Callable[[list[Row], duckdb.DuckDBPyConnection], None]] = {}
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def con(demo_run) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file as a reader has it: attached read-only, its tables without a prefix."""
    opened = duckdb.connect()
    opened.execute(f"attach '{demo_run.marts}' as m (read_only); use m")
    yield opened
    opened.close()


def rows_of(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return con.execute(sql).fetchone()[0]


def check(question: str) -> Callable:
    def keep(function: Callable) -> Callable:
        CHECKS[question] = function
        return function

    return keep


def revenue_of_lines(con) -> dict[date, Decimal]:
    """Month -> revenue, from the lines themselves; a month with a line that has no rate is left out."""
    found: dict[date, Decimal] = defaultdict(Decimal)
    without = set()
    for row in rows_of(
        con, "select * from fct_invoice_lines where not is_intercompany and invoiced_on is not null"
    ):
        month = row["invoiced_on"].replace(day=1)
        if row["net_amount_reporting"] is None:
            without.add(month)
        else:
            found[month] += row["net_amount_reporting"]
    return {month: value for month, value in found.items() if month not in without}


def cycle_of(con) -> date:
    return date.fromisoformat(one(con, "select cycle || '-01' from dim_publication where is_current"))


@check("Which publication am I reading, and up to when does it speak?")
def _publication(rows, con):
    (row,) = rows
    assert row["publication_id"].startswith(row["cycle"])
    assert str(row["as_of"].date()) > f"{row['cycle']}-28"


@check("What was our revenue, month by month?")
def _revenue(rows, con):
    mine = {row["period_month"]: row["revenue"] for row in rows if row["revenue"]}
    lines = {m: v for m, v in revenue_of_lines(con).items() if m <= cycle_of(con)}
    assert len(mine) > 12 and {m: lines[m] for m in mine} == mine
    assert all(row["reason_code"] for row in rows if row["revenue"] is None)


@check("Where does this year stand against the same months of last year?")
def _to_date(rows, con):
    lines, last = revenue_of_lines(con), cycle_of(con)
    this = rows[-1]
    assert this["revenue_year"] == last.year and this["n_months_without_value"] == 0
    assert this["revenue_to_date"] == sum(v for m, v in lines.items() if m.year == last.year and m <= last)


@check("How much did we grow against the same month a year ago?")
def _growth(rows, con):
    lines, seen = revenue_of_lines(con), 0
    for row in rows:
        month = row["period_month"]
        before = month.replace(year=month.year - 1)
        if row["growth_rate"] is not None and month in lines and before in lines:
            seen += 1
            assert abs(row["growth_rate"] - float(lines[month] / lines[before] - 1)) < 1e-4
    assert seen >= 6


@check("What did each product family bring in the last twelve months?")
def _families(rows, con):
    newest = one(con, "select max(period_month) from mart_finance_revenue_month")
    months = sorted(m for m in revenue_of_lines(con) if m <= newest)[-12:]
    total = sum(revenue_of_lines(con)[m] for m in months)
    assert len(rows) >= 3 and sum(row["revenue"] for row in rows) == total


@check("How much do we invoice in each currency?")
def _currencies(rows, con):
    counted: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in con.execute(
        "select currency, net_amount from fct_invoice_lines where not is_intercompany and invoiced_on is not null"
    ).fetchall():
        counted[currency] += amount
    assert len(rows) >= 2 and {row["currency"]: row["amount_in_its_currency"] for row in rows} == counted
    foreign = [row for row in rows if row["currency"] != row["reporting_currency"]]
    assert foreign and all(
        row["amount_in_its_currency"] != row["amount_in_reporting_currency"] for row in foreign
    )


@check("Which ten groups bought most in the last twelve months?")
def _top(rows, con):
    assert len(rows) == 10
    assert all(a["revenue"] >= b["revenue"] for a, b in pairwise(rows))
    newest = cycle_of(con)
    months = [m for m in revenue_of_lines(con) if m > newest.replace(year=newest.year - 1) and m <= newest]
    total = sum(revenue_of_lines(con)[m] for m in months)
    assert abs(rows[0]["revenue_share"] - float(rows[0]["revenue"] / total)) < 1e-4
    assert 0 < sum(row["revenue_share"] for row in rows) <= 1


@check("How many groups make 40 % of our revenue?")
def _concentration(rows, con):
    by_group: dict[str, Decimal] = defaultdict(Decimal)
    for group, amount in con.execute(
        "select group_id, net_amount_reporting from fct_invoice_lines"
        " where not is_intercompany and invoiced_on is not null and net_amount_reporting is not null"
    ).fetchall():
        by_group[group] += amount
    amounts = sorted((a for a in by_group.values() if a > 0), reverse=True)
    (row,) = rows
    n, total = row["n_groups"], sum(amounts)
    assert sum(amounts[:n]) >= Decimal("0.4") * total > sum(amounts[: n - 1])


@check("What share of revenue comes from new business?")
def _new_business(rows, con):
    shown = [row for row in rows if row["new_business_share"] is not None]
    assert len(shown) > 6
    for row in shown:
        assert abs(row["new_business_share"] - row["numerator"] / row["denominator"]) <= Decimal("1e-9")
    assert any(row["caveat_code"] == "history_under_12_months" for row in shown)


@check("How do leads of each channel convert?")
def _channels(rows, con):
    whole = dict(
        con.execute("select period_month, sum(n_converted_in_window) from mart_sales_leads_month"
                    " where segment_kind_code = 'all' group by 1").fetchall()
    )  # fmt: skip
    added: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        added[row["period_month"]] += row["numerator"]
    assert len({row["channel"] for row in rows}) >= 3
    assert {m: n for m, n in added.items() if n} == {m: n for m, n in whole.items() if n}


@check("What is the conversion rate of a quarter?")
def _quarters(rows, con):
    assert len(rows) >= 4
    assert sum(row["n_matured"] or 0 for row in rows) == one(
        con, "select sum(n_matured) from mart_sales_leads_month where segment_kind_code = 'all'"
    )
    months = con.execute(
        "select avg(metric_value) from mart_management_kpis_month where metric_name = 'cr'"
        " and segment_kind_code = 'all' and metric_value is not null"
    ).fetchone()[0]
    halves = [sum(row[half] or 0 for row in rows) for half in ("n_converted", "n_matured")]
    pooled = halves[0] / halves[1]
    assert abs(float(pooled) - months) > 1e-6, "the mean of rates is another figure"


@check("Which channel leaves leads without a contact in 24 hours?")
def _late(rows, con):
    whole = con.execute(
        "select sum(n_older_24h), sum(n_older_24h - n_contacted_24h) from mart_sales_leads_month"
        " where segment_kind_code = 'all'"
    ).fetchone()
    assert (sum(row["n_leads"] for row in rows), sum(row["n_late_or_never"] for row in rows)) == whole
    assert whole[1] > 0


@check("How did recurring revenue move from the first to the last month of a year?")
def _bridge(rows, con):
    assert len(rows) >= 2 and all(row["unexplained"] == 0 for row in rows)
    assert all(a["closing_mrr"] == b["opening_mrr"] for a, b in pairwise(rows))
    assert rows[-1]["closing_mrr"] > 0


@check("Which accounts left us, and what were they worth?")
def _left(rows, con):
    assert rows and all(row["account_name"] for row in rows)
    churn = one(con, "select sum(churn_mrr) from mart_finance_mrr_month where segment_kind_code = 'all'")
    assert sum(row["lost_mrr"] for row in rows) == -churn
    assert len(rows) == one(
        con, "select sum(n_accounts_churned) from mart_finance_mrr_month where segment_kind_code = 'all'"
    )


@check("Which accounts buy less than a month before, without leaving?")
def _less(rows, con):
    assert rows
    assert all(0 < row["closing_mrr"] < row["opening_mrr"] for row in rows)
    assert all(row["contraction_mrr"] == row["closing_mrr"] - row["opening_mrr"] for row in rows)


@check("What is our win rate over the last twelve months, by size of company?")
def _win_rate(rows, con):
    last = one(con, "select max(period_month) from mart_sales_opportunities_month")
    first = last.replace(year=last.year - 1)
    closed = con.execute(
        "select coalesce(size_band_code, 'unknown'), is_won, cast(date_trunc('month', closed_on) as date)"
        " from fct_opportunities where (is_won or is_lost) and closed_on is not null"
    ).fetchall()
    counted = Counter((size, won) for size, won, month in closed if first < month <= last)
    assert {row["size_band"]: (row["n_won"], row["n_closed"]) for row in rows} == {
        size: (counted[size, True], counted[size, True] + counted[size, False]) for size, _ in counted
    }


@check("Do we win the small deals and lose the large ones?")
def _by_amount(rows, con):
    (row,) = rows
    assert 0 < row["win_rate_by_number"] < 1 and 0 < row["win_rate_by_amount"] < 1
    assert row["win_rate_by_number"] != row["win_rate_by_amount"]
    assert row["win_rate_by_number"] == round(row["n_won"] / row["n_closed"], 4)


@check("How long do we need to win, and how long to lose?")
def _durations(rows, con):
    for row in rows:
        days = [
            days
            for (days,) in con.execute(
                f"select sales_cycle_days from fct_opportunities where is_{row['outcome']}"
                " and sales_cycle_days is not null"
            ).fetchall()
        ]
        assert (row["n_closed"], float(row["median_days"])) == (len(days), float(median(days)))
    assert [row["outcome"] for row in rows] == ["lost", "won"]


@check("At which stage do opportunities stop?")
def _stages(rows, con):
    assert len(rows) >= 5 and [row["stage_rank"] for row in rows] == sorted(row["stage_rank"] for row in rows)
    halves = con.execute(
        "select sum(numerator), sum(denominator) from mart_management_kpis_month"
        " where metric_name = 'stage_conversion' and segment_kind_code = 'all'"
    ).fetchone()
    assert (sum(row["n_went_on"] for row in rows), sum(row["n_reached"] for row in rows)) == halves


@check("What is open now, by stage and age?")
def _open(rows, con):
    assert sum(row["n_open"] for row in rows) == one(
        con, "select count(*) from fct_opportunities where not coalesce(is_won, false) and not coalesce(is_lost, false)"
    )  # fmt: skip
    assert rows and all(row["oldest_days"] >= 0 for row in rows)


@check("In which weeks did complaints pass the bar?")
def _complaints(rows, con):
    weeks = con.execute(
        "select iso_week_start_on from mart_marketing_complaints_week where segment_kind_code = 'all'"
        " and n_complained * 1000 > n_delivered * 2 order by 1"
    ).fetchall()
    assert [(row["iso_week_start_on"],) for row in rows] == weeks and weeks


@check("Which figures of the month may I not quote without a word of caution?")
def _trust(rows, con):
    n = con.execute(
        "select count(*), count(*) filter (trust_code = 'reliable') from kpi_trust"
        " where period_month = (select cast(cycle || '-01' as date) from dim_publication where is_current)"
    ).fetchone()
    assert rows and len(rows) == n[0] - n[1]
    assert all(row["caveat_fr"] and row["caveat_en"] for row in rows)


@check("Why is a figure empty?")
def _empty(rows, con):
    assert all(row["reason_code"] for row in rows)
    assert sum(row["n_cells"] for row in rows) == one(
        con, "select count(*) - count(metric_value) from mart_management_kpis_month"
    )
    assert {"cohort_immature", "before_first_row"} & {row["reason_code"] for row in rows}


@check("What does a figure mean, and who answers for it?")
def _meaning(rows, con):
    (row,) = rows
    metric = dictionary()["cr"]
    assert (row["definition_fr"], row["owner"]) == (metric.definition_fr, metric.owner)
    assert all(rule in row["edge_rules"] for rule in metric.edge_rules)


@check("What was set aside before anything was counted, and why?")
def _aside(rows, con):
    assert sum(row["n_decisions"] for row in rows) == one(
        con, "select sum(n_decisions) from dq_journal_summary"
    )
    assert {"quarantine", "exclude"} <= {row["action"] for row in rows}


@check("How much of the revenue stands in the groups as they are now, and as they were then?")
def _views(rows, con):
    totals = {row["revenue"] for row in rows}
    assert len(rows) >= 4 and max(totals) - min(totals) < CENT
    assert len({row["n_groups"] for row in rows}) > 1


@check("How many leads have no known company size?")
def _sizes(rows, con):
    assert sum(row["n_leads"] for row in rows) == one(
        con, "select sum(n_leads) from mart_sales_leads_month where segment_kind_code = 'all'"
    )
    assert all(0 <= row["n_unknown"] <= row["n_leads"] for row in rows)
    assert sum(row["n_unknown"] for row in rows) == one(
        con, "select count(*) from fct_leads where coalesce(size_band_code, 'unknown') = 'unknown'"
        " and created_on is not null"
    )  # fmt: skip


@check("Do the customers of a year ago pay more now?")
def _retention(rows, con):
    shown = [row for row in rows if row["nrr_rate"] is not None]
    assert len(shown) >= 6
    for row in shown:
        assert abs(row["nrr_rate"] - row["year_kept_mrr"] / row["year_ago_mrr"]) <= Decimal("1e-9")
        assert 0 <= row["grr_rate"] <= min(Decimal(1), row["nrr_rate"])
    last, paid = shown[-1], defaultdict(dict)
    for account, month, mrr in con.execute(
        "select account_id, period_month, closing_mrr from fct_mrr_movements where account_id <> 'unknown'"
    ).fetchall():
        paid[month][account] = mrr
    month = last["period_month"]
    before, now = paid[month.replace(year=month.year - 1)], paid[month]
    assert last["year_ago_mrr"] == sum(before.values())
    assert last["year_capped_mrr"] == sum(min(mrr, now.get(each, 0)) for each, mrr in before.items())


@check("What does a customer cost to win, and when is it paid back?")
def _acquisition(rows, con):
    shown = [row for row in rows if row["cac"] is not None]
    assert shown and all(row["cac_reason_code"] for row in rows if row["cac"] is None)
    for row in shown:
        assert abs(row["cac"] * row["n_new_customers"] - row["cost_amount"]) < CENT
        if row["cltv_cac"] is not None:
            assert abs(row["cltv_cac"] - row["cltv_simple"] / row["cac"]) < Decimal("1e-6")


@check("On how few groups does our revenue hang?")
def _few_groups(rows, con):
    shown = [row for row in rows if row["hhi"] is not None]
    assert len(shown) >= 6
    for row in shown:
        assert abs(row["effective_n"] * row["hhi"] - 1) < Decimal("1e-6")
        assert row["top_1_share_rate"] <= row["top_5_share_rate"] <= row["top_10_share_rate"] <= 1
        assert row["top_1_share_rate"] ** 2 <= row["hhi"] <= row["top_1_share_rate"]
        assert 1 <= row["n_accounts_for_40pct"] <= row["n_groups"]


@check("What was open at the end of a month, as it was known then?")
def _snapshots(rows, con):
    whole = {row["period_month"]: row["n_open"] for row in rows if row["segment_kind_code"] == "all"}
    assert len(whole) >= 12 and len({row["segment_kind_code"] for row in rows}) >= 3
    assert all(row["n_open"] == whole[row["period_month"]] for row in rows)


@check("How far were forecasts from what was won?")
def _forecast(rows, con):
    shown = [row for row in rows if row["accuracy_rate"] is not None]
    assert all(row["accuracy_reason_code"] for row in rows if row["accuracy_rate"] is None)
    for row in shown:
        assert abs(row["accuracy_rate"] - (1 - row["absolute_error_amount"] / row["won_amount"])) < Decimal(
            "1e-9"
        )
        assert abs(row["error_amount"]) <= row["absolute_error_amount"]
    # a team that gave no category has no error of its own
    teams = dict(
        con.execute(
            "select period_month, sum(absolute_error_amount) from mart_sales_forecast_month"
            " where segment_kind_code = 'team' group by 1 having count(absolute_error_amount) = count(*)"
        ).fetchall()
    )
    whole = {row["period_month"]: row["absolute_error_amount"] for row in shown}
    assert len(whole.keys() & teams.keys()) >= 6
    assert all(whole[month] == teams[month] for month in whole.keys() & teams.keys())


@check("Which leads did marketing hand over that sales left alone?")
def _handoffs(rows, con):
    whole = con.execute(
        "select sum(n_sla_over), sum(n_lost) from mart_revops_handoffs_month where segment_kind_code = 'all'"
    ).fetchone()
    assert (sum(row["n_handed_over"] for row in rows), sum(row["n_left_alone"] for row in rows)) == whole
    assert whole[0] > 0


@check("Which paying accounts look unwell this month?")
def _unwell(rows, con):
    assert rows and all(0 <= row["health_score"] <= 100 and row["closing_mrr"] > 0 for row in rows)
    assert [row["health_score"] for row in rows] == sorted(row["health_score"] for row in rows)
    mean = con.execute(
        "select metric_value, numerator / denominator, denominator from mart_management_kpis_month"
        " where metric_name = 'health_score' and segment_kind_code = 'all' and metric_value is not null"
        " order by period_month desc limit 1"
    ).fetchone()
    scores = con.execute(
        "select count(*), avg(health_score) from mart_accounts_health_month"
        " where health_score is not null and period_month = (select max(period_month) from mart_accounts_health_month)"
    ).fetchone()
    assert scores[0] == mean[2] and abs(float(mean[0]) - scores[1]) < 1e-3


@check("At which hours do people answer the telephone?")
def _hours(rows, con):
    assert len(rows) >= 5 and all(row["n_connected"] <= row["n_dialled"] for row in rows)
    assert all(row["local_hour_code"] == "unknown" or 0 <= int(row["local_hour_code"]) <= 23 for row in rows)
    assert sum(row["n_dialled"] for row in rows) > 0


@check("Do strategic accounts grow faster than the rest?")
def _strategic(rows, con):
    assert all(row["reason_code"] for row in rows if row["strategic_growth_ratio"] is None)
    for row in rows:
        if row["strategic_growth_ratio"] is not None:
            assert row["rest_growth_rate"] > 0
            ratio = row["strategic_growth_rate"] / row["rest_growth_rate"]
            assert abs(row["strategic_growth_ratio"] - ratio) < Decimal("1e-6")
    assert len(rows) >= 12


@check("Which figures of past months have changed since they were first published?")
def _restated(rows, con):
    """The restated figure is the published one; a first publication has changed nothing."""
    differing = con.execute(
        "select count(*) from kpi_restatements as restated inner join mart_management_kpis_month as kpis"
        " on restated.metric_name = kpis.metric_name and restated.period_month = kpis.period_month"
        " and kpis.segment_kind_code = 'all' where restated.value_restated is distinct from kpis.metric_value"
    ).fetchone()[0]
    assert differing == 0 and one(con, "select count(*) from kpi_restatements") > 100
    assert len(rows) == 0 or one(con, "select max(sequence) from dim_publication") > 1


def test_the_page_holds_at_least_twenty_questions_in_both_languages_each_with_a_check():
    assert len(RECIPES) >= 20
    assert [recipe.number for recipe in RECIPES.values()] == list(range(1, len(RECIPES) + 1))
    assert set(CHECKS) == set(RECIPES)
    for recipe in RECIPES.values():
        assert recipe.sql and recipe.question.endswith("?") and recipe.question_fr.endswith(" ?"), (
            recipe.number
        )


@pytest.mark.parametrize("question", list(RECIPES))
def test_an_answer_of_the_cookbook_equals_another_way_to_count(con, question):
    CHECKS[question](rows_of(con, RECIPES[question].sql), con)
