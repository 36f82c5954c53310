"""Follow-up, hand-overs and calls of the planted company, where a figure of the KPI table alone hides the edge.

Not here: the KPI cells and worked examples (`test_planted_kpis.py`).
"""

import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.oracle_activity import wilson
from tests.golden.oracle_leads import business_seconds, is_worked

MODELS = Path("target") / "compiled" / "etalon" / "models" / "metrics"


def lead(marts, name: str, columns: str) -> tuple:
    return marts.execute(
        f"select {columns} from metrics.fct_lead_cadences where lead_id = '{name}'"
    ).fetchone()


@pytest.mark.audit("QU3", "CO7")
def test_hours_over_a_change_of_the_clocks_are_those_that_passed(marts):
    """Saturday noon to Monday 10:00 over the night of 29 March: 46 hours on the wall, 45 in the world."""
    assert lead(marts, "lea_22", "ttf_hours, ttf_business_hours") == (Decimal("45"), Decimal("1"))


@pytest.mark.audit("QU3", "R4")
def test_business_hours_begin_on_friday_and_end_on_monday(marts):
    assert lead(marts, "lea_21", "ttf_hours, ttf_business_hours") == (Decimal("65"), Decimal("1"))
    assert lead(marts, "lea_26", "ttf_hours, ttf_business_hours") == (Decimal("2.5"), Decimal("2"))


@pytest.mark.audit("OB4", "PB20")
def test_a_lead_of_the_end_of_the_day_is_due_on_the_next_worked_one(marts):
    columns = "contact_due_on, is_contacted_same_day"
    assert lead(marts, "lea_27", columns) == (date(2026, 2, 13), False)
    assert lead(marts, "lea_28", columns) == (date(2026, 2, 16), True)


def test_the_independent_calendar_knows_holidays_and_clocks():
    """Friday 1 May is off in France and worked in Germany; the night of the clocks lengthens nothing."""
    assert not is_worked(date(2026, 5, 1), "FR") and is_worked(date(2026, 5, 1), "DE")
    begin, end = datetime(2026, 4, 30, 14), datetime(2026, 5, 4, 8)  # Thursday 16:00 to Monday 10:00 in Paris
    assert business_seconds(begin, end, "Europe/Paris", "FR") == 2 * 3600
    assert business_seconds(begin, end, "Europe/Berlin", "DE") == 10 * 3600


def test_holidays_of_the_seed_are_those_of_the_calendar(marts):
    listed = {day for (day,) in marts.execute("select holiday_on from reference.public_holidays").fetchall()}
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range((date(2036, 1, 1) - date(2020, 1, 1)).days)]
    assert {day for day in days if day.weekday() < 5 and not is_worked(day, "FR")} == {
        day for day in listed if day.weekday() < 5
    }


@pytest.mark.audit("FR13", "SL5")
def test_an_open_window_is_in_no_half_of_a_rate(marts):
    """Calls of June have no 30 days behind them, the hand-overs of 30 June no 24 hours: no value, no 0."""
    rows = marts.execute(
        "select metric_name, metric_value, denominator, reason_code, n_immature"
        " from marts.mart_management_kpis_month where segment_kind_code = 'all' and period_month = '2026-06-01'"
        " and metric_name in ('meeting_rate_calls', 'handoff_loss_rate') order by 1"
    ).fetchall()
    assert rows == [
        ("handoff_loss_rate", None, 0, "cohort_immature", 2),
        ("meeting_rate_calls", None, 0, "cohort_immature", 1),
    ]


@pytest.mark.audit("PB17")
def test_the_hours_to_call_have_the_interval_of_their_counts(marts):
    rows = marts.execute(
        "select weekday_number, local_hour_code, n_dialled, n_connected, connect_rate, connect_rate_low,"
        " connect_rate_high from marts.mart_sales_call_hours_cycle order by 1, 2"
    ).fetchall()
    assert {(row[0], row[1]): row[2:4] for row in rows}[0, "09"] == (4, 3)  # three in Paris, one in New York
    for _, _, dialled, connected, rate, low, high in rows:
        assert all(
            abs(float(got) - expected) < 1e-9
            for got, expected in zip((low, high), wilson(connected, dialled), strict=True)
        )
        assert low <= rate <= high
    every_day = sum(row[2] for row in rows if row[0] == 0)
    assert every_day == sum(row[2] for row in rows if row[0] > 0) > 0


@pytest.fixture
def two_versions(planted_work: Path, tmp_path: Path):
    """A copy in which the definition of an SQL changes on 1 April 2026: a meeting then suffices."""
    path = Path(shutil.copy(planted_work / "warehouse.duckdb", tmp_path / "warehouse.duckdb"))
    with duckdb.connect(str(path)) as con:
        con.execute(
            "update reference.lead_definitions set valid_to = date '2026-04-01' where definition_code = 'sql'"
        )
        con.execute(
            "insert into reference.lead_definitions select definition_code, 2, 'SQL-3', 'held_meeting',"
            " date '2026-04-01', null, null, label_fr, label_en from reference.lead_definitions where rule_id = 'SQL-1'"
        )
        yield con


def test_rule_and_version_of_the_day_stay_on_the_lead(two_versions, planted_work: Path):
    """The change of a definition rewrites no past: what was true before keeps its version."""
    sql = (planted_work.parent / "project" / MODELS / "fct_lead_qualifications.sql").read_text(
        encoding="utf-8"
    )
    found = {
        row[0]: row[1:]
        for row in two_versions.execute(
            f"select lead_id, definition_version, rule_id, qualified_on from ({sql}) where definition_code = 'sql'"
        ).fetchall()
    }
    assert found["lea_22"] == (1, "SQL-1", date(2026, 3, 31))  # its meeting of April comes later
    assert found["lea_1"] == (2, "SQL-3", date(2026, 5, 11))  # converted on 20 May, met before
    assert "lea_23" not in found  # accepted on 2 April, when that no longer made an SQL


def test_a_version_ends_before_the_day_it_is_valid_to(two_versions, planted_work: Path):
    """As everywhere valid_to is the first day after: what happens on it is no longer of the version."""
    sql = (planted_work.parent / "project" / MODELS / "fct_lead_qualifications.sql").read_text(
        encoding="utf-8"
    )
    two_versions.execute(
        "update reference.lead_definitions set valid_to = date '2026-03-31' where definition_version = 1"
    )
    found = two_versions.execute(
        f"select lead_id, definition_version from ({sql}) where definition_code = 'sql'"
    ).fetchall()
    assert ("lea_33", 1) in found
    assert ("lea_22", 1) not in found and ("lea_22", 2) in found  # accepted on 31 March, met in April


@pytest.mark.audit("SL5", "K30")
def test_a_hand_over_that_has_a_day_and_no_time_is_compared_by_the_day(marts):
    """Touched 47 hours after its midnight, on the day after the day: in time. The last day of a window is within it."""
    found = marts.execute(
        "select lead_id, mql_on, is_handoff_sla_over, is_handoff_touched_in_sla, handoff_lag_hours,"
        " is_handoff_matured, is_handoff_accepted from metrics.fct_lead_cadences"
        " where lead_id in ('lea_33', 'lea_34', 'lea_35') order by 1"
    ).fetchall()
    assert found == [
        ("lea_33", date(2025, 12, 3), True, True, None, True, True),
        ("lea_34", date(2026, 5, 17), True, False, None, False, False),
        ("lea_35", date(2026, 6, 30), False, False, None, False, False),
    ]


def test_leads_without_a_template_are_counted_and_in_no_rate(marts):
    """December: three of a size and origin that have one; in May a partner's lead has none."""
    counted = marts.execute(
        "select segment_kind_code, segment_code, n_leads, n_leads_without_template, cadence_adherence_rate,"
        " adherence_reason_code from marts.mart_sales_cadences_month where period_month = '2026-05-01'"
        " and n_leads_without_template > 0 and segment_kind_code in ('channel', 'template') order by all"
    ).fetchall()
    assert ("template", "none", 0, sum(row[3] for row in counted if row[0] == "channel"), None,
            "no_cadence_template") in counted  # fmt: skip
    assert ("channel", "unknown", 0, 1, None, "no_cadence_template") in counted
