"""The Quantify step on the generated company: each table against another way to the same figure.

What does NOT belong here: the edges, which are planted one by one (tests/unit/statistics).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from scipy.stats import beta

from tests.compiled_models import on_warehouse
from tests.golden.oracle_leads import business_seconds, clock_of, hours, kaplan_meier_median


@pytest.fixture(scope="module")
def warehouse(demo_run) -> Iterator[duckdb.DuckDBPyConnection]:
    con = on_warehouse(demo_run.work)
    yield con
    con.close()


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    return con.sql(query).to_arrow_table().to_pylist()


def settings(con: duckdb.DuckDBPyConnection) -> dict:
    return rows(con, "select * from run.settings")[0]


@pytest.mark.audit("QU3", "DA1", "QU12")
def test_the_median_of_the_month_is_that_of_the_follow_up_mart(warehouse):
    """statsmodels here, a window function of SQL there, fractions in Python as the third."""
    of_sql = {
        (r["segment_kind_code"], r["segment_code"]): r["ttf_km_hours_median"]
        for r in rows(
            warehouse,
            "select f.* from marts.mart_sales_followup_month as f, run.settings as s"
            " where f.period_month = s.cycle_start and f.segment_kind_code <> 'source'",
        )
    }
    found = {
        (r["segment_kind_code"], r["segment_code"]): r["ttf_hours_median"]
        for r in rows(warehouse, "select * from marts.mart_sales_ttf_cycle where period_code = 'month'")
        if r["segment_kind_code"] != "team"
    }
    assert found == of_sql and len(found) > 5 and any(found.values())
    cells = rows(
        warehouse,
        "select c.ttf_business_observed_hours as t, c.ttf_status_code = 'contacted' as is_contacted"
        " from metrics.fct_lead_cadences as c, run.settings as s where c.is_dated"
        " and c.created_on >= s.cycle_start - interval 5 months and c.ttf_business_observed_hours is not null",
    )
    (half_year,) = rows(
        warehouse,
        "select * from marts.mart_sales_ttf_cycle where period_code = 'half_year' and segment_kind_code = 'all'",
    )
    median = kaplan_meier_median([(Fraction(r["t"]), r["is_contacted"]) for r in cells])
    assert Fraction(half_year["ttf_business_hours_median"]) == median


@pytest.mark.audit("QU3")
def test_who_was_never_contacted_has_waited_all_worked_hours_since(warehouse):
    told = settings(warehouse)
    found = rows(
        warehouse,
        "select c.lead_id, c.created_at, c.country_code, l.timezone, c.ttf_business_observed_hours as waited,"
        " c.attempt_observed_hours, c.ttf_observed_hours, c.first_touch_at"
        " from metrics.fct_lead_cadences as c join master.fct_leads as l on l.lead_id = c.lead_id"
        " where c.ttf_status_code = 'never_contacted' and not l.is_created_day_only",
    )
    assert len(found) > 5
    for lead in found:
        clock = clock_of(lead, told["timezone"])
        country = lead["country_code"] or "FR"
        waited = hours(business_seconds(lead["created_at"], told["as_of"], clock, country))
        assert Fraction(lead["waited"]) == waited, lead["lead_id"]
        if lead["first_touch_at"] is None:
            assert lead["attempt_observed_hours"] == lead["ttf_observed_hours"]
    later = rows(
        warehouse,
        "select count(*) as n from metrics.fct_lead_cadences where attempt_hours > ttf_hours or attempt_hours < 0",
    )
    assert later == [{"n": 0}], "no contact comes before the first attempt"


@pytest.mark.audit("QU8", "QU9")
def test_accounts_stand_where_plain_python_puts_them(warehouse):
    told = settings(warehouse)
    leads = rows(warehouse, "select * from metrics.fct_lead_cadences where is_dated")
    open_months = {r["created_on"].replace(day=1) for r in leads if not r["is_matured"]}
    months = sorted({r["created_on"].replace(day=1) for r in leads} - open_months)
    last = months[-1]
    assert last < told["cycle_start"]
    first = date(last.year - (last.month < 6), (last.month - 6) % 12 + 1, 1)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for lead in leads:
        if lead["is_matured"] and first <= lead["created_on"].replace(day=1) <= last:
            cell = counts[lead["account_id"]]
            cell[0] += 1
            cell[1] += lead["n_effective_touches"]
            cell[2] += lead["is_converted_in_window"]
    counts.pop("unknown", None)
    mean_x = sum(Fraction(t, n) for n, t, _ in counts.values()) / len(counts)
    mean_y = sum(Fraction(k, n) for n, _, k in counts.values()) / len(counts)
    names = {(True, True): "q1", (False, True): "q2", (False, False): "q3", (True, False): "q4"}
    wanted = {
        account: names[Fraction(t, n) >= mean_x, Fraction(k, n) >= mean_y]
        for account, (n, t, k) in counts.items()
    }
    found = rows(warehouse, "select * from marts.mart_accounts_quadrants_cycle")
    assert {r["account_id"]: r["quadrant_code"] for r in found if r["quadrant_code"]} == wanted
    assert len(set(wanted.values())) == 4
    for row in found:
        stood = [row[c] for c in ("quadrant_code", "quadrant_before_code", "quadrant_two_before_code")]
        often = [code for code in set(stood) - {None} if stood.count(code) >= 2]
        assert [row["recurring_quadrant_code"]] == (often or [None])
    ranks = sorted(r["list_rank"] for r in found if r["recurring_quadrant_code"] == "q3" and r["list_rank"])
    assert ranks == list(range(1, len(ranks) + 1)) and 0 < len(ranks) <= 10


@pytest.mark.audit("QU16")
def test_touches_of_the_month_are_those_of_the_fact(warehouse):
    (found,) = rows(
        warehouse,
        "select * from marts.mart_sales_touch_quality_cycle where period_code = 'month'"
        " and segment_kind_code = 'all' and touch_channel_code = 'all'",
    )
    touched = rows(
        warehouse,
        "select t.source_stream_code, t.channel_code, t.is_effective, coalesce(s.is_replied, false) as is_replied"
        " from master.fct_touches as t join metrics.fct_lead_cadences as c on c.lead_id = t.lead_id"
        " left join master.fct_email_sends as s on s.send_key = t.source_key and t.source_stream_code = 'email',"
        " run.settings as r"
        f" where c.created_on >= date '{found['period_start']}' and c.created_on < date '{found['period_end']}'"
        " and c.is_matured and t.direction_code = 'outbound' and t.occurred_at >= c.created_at"
        " and t.occurred_at < least(r.as_of, c.created_at + r.conversion_window_days * interval 1 day)",
    )
    held = [t for t in touched if t["channel_code"] == "meeting"]
    others = [t for t in touched if t["channel_code"] != "meeting"]
    mails = [t for t in others if t["source_stream_code"] == "email" and t["is_effective"]]
    calls = [t for t in others if t["channel_code"] == "voice"]
    answered = sum(t["is_replied"] for t in mails) + sum(t["is_effective"] for t in calls)
    assert (found["n_touches"], found["n_meetings"]) == (len(others), len(held))
    assert (found["n_answerable"], found["n_answered"]) == (len(mails) + len(calls), answered)
    assert 0 < answered < len(others)


@pytest.mark.audit("QU18")
def test_the_express_diagnosis_answers_eight_questions_and_asks_two(warehouse):
    found = {
        r["question_code"]: r for r in rows(warehouse, "from marts.mart_management_express_questions_cycle")
    }
    assert sorted(r["question_number"] for r in found.values()) == list(range(1, 11))
    asked = {code for code, r in found.items() if r["answer_code"] == "asked"}
    assert asked == {"scripts_by_quadrant", "so_what"}
    (judged,) = rows(
        warehouse,
        "select * from marts.mart_sales_touch_lines_cycle where period_code = 'half_year'"
        " and segment_kind_code = 'all' and design_code = 'landmark_5'",
    )
    assert found["slope_positive"]["answer_value"] == judged["slope"]
    assert found["q1_share_rose"]["answer_value"] == judged["q1_change"]
    (times,) = rows(
        warehouse,
        "select * from marts.mart_sales_ttf_cycle where period_code = 'month' and segment_kind_code = 'all'",
    )
    in_target = found["ttf_in_target"]
    assert in_target["n_units"] == times["n_target_due"]
    half = Decimal("0.5")
    assert in_target["answer_code"] == (
        "yes"
        if times["target_met_low"] >= half
        else "no"
        if times["target_met_high"] < half
        else "undetermined"
    )
    weeks = rows(
        warehouse,
        "select w.n_events, w.n_trials, w.is_complete, w.bar_rate from marts.mart_revops_guard_rails_week as w,"
        " run.settings as s where w.rail_code = 'complaint' and w.n_trials > 0"
        " and w.iso_week_start_on between s.cycle_start - interval 6 days and s.cycle_end - interval 1 day",
    )
    bounds = [
        (beta.ppf(0.95, w["n_events"] + 1, w["n_trials"] - w["n_events"]), float(w["bar_rate"]))
        for w in weeks
        if w["is_complete"]
    ]
    is_breach = any(Fraction(w["n_events"], w["n_trials"]) > Fraction(w["bar_rate"]) for w in weeks)
    is_proved = all(upper <= bar for upper, bar in bounds)
    told = found["complaints_under_bar"]
    assert told["answer_code"] == ("no" if is_breach else "yes" if is_proved else "undetermined")
    assert told["n_units"] == sum(w["n_trials"] for w in weeks)
    assert float(told["value_high"]) == pytest.approx(max(upper for upper, _ in bounds), abs=1e-9)
    for row in found.values():
        assert (row["reason_code"] is None) == (row["answer_code"] in ("yes", "no")), row["question_code"]


@pytest.mark.audit("R1", "R2")
def test_second_looks_are_at_the_leads_and_touches_that_the_lines_and_yields_count(warehouse):
    checks = {
        (r["segment_kind_code"], r["segment_code"]): r
        for r in rows(warehouse, "from marts.mart_sales_line_checks_cycle")
    }
    lines = {
        (r["segment_kind_code"], r["segment_code"]): r
        for r in rows(
            warehouse,
            "select * from marts.mart_sales_touch_lines_cycle where period_code = 'half_year'"
            " and design_code = 'landmark_5' and segment_kind_code <> 'rep'",
        )
    }
    alike = ("period_start", "period_end", "n_leads", "n_converted", "slope")
    assert {key: [row[name] for name in alike] for key, row in checks.items()} == {
        key: [row[name] for name in alike] for key, row in lines.items()
    }
    whole = checks["all", "all"]
    (at_risk,) = rows(
        warehouse,
        "select cast(sum(n_at_risk) as bigint) as n, cast(sum(n_events) as bigint) as events"
        " from marts.mart_sales_touch_yields_cycle where segment_kind_code = 'all'",
    )
    assert (whole["n_touches_at_risk"], whole["n_touch_events"]) == (at_risk["n"], at_risk["events"])
    assert whole["adjusted_slope"] is not None and whole["benchmark_code"] is not None
    assert 0 < whole["robustness_rate"] < 1 and 0 < whole["form_share_rate"] <= 1
    for row in rows(warehouse, "from marts.mart_sales_touch_cuts_cycle"):
        assert (row["contrast_reason_code"] is None) == (row["e_value"] is not None)
        assert (row["standardised_change"] is None) == (
            row["contrast_reason_code"] in ("no_two_groups", "zero_variance_y", "insufficient")
        )
        assert (row["standardised_change_low"] is None) == (row["standardised_reason_code"] is not None)


@pytest.mark.audit("OU5")
def test_the_top_five_are_the_most_influential_values_that_are_no_errors(warehouse):
    found = rows(warehouse, "from marts.mart_sales_top_outliers_cycle order by top_rank")
    assert [r["top_rank"] for r in found] == [1, 2, 3, 4, 5]
    distances = [r["cooks_distance"] for r in found]
    assert distances == sorted(distances, reverse=True) and all(r["action_code"] for r in found)
    others = rows(
        warehouse,
        "select max(cooks_distance) as most from quality_dbt.dq_outliers"
        " where class_code <> 'error' and top_rank is null",
    )
    assert Decimal(others[0]["most"]) <= distances[-1]
