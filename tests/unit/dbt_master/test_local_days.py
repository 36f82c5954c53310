"""Days are those of the company's zone, and a date without a time is compared as a day."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal as D


def lead_rows(con, columns: str) -> dict[str, tuple]:
    """Name of each planted lead -> the columns of its cadence."""
    found = con.execute(
        f"select split_part(persons.record_key, '/', 3), {columns} from metrics.fct_lead_cadences as cadences"
        " inner join master.fct_leads as leads using (lead_id)"
        " inner join master.xref_persons as persons on leads.person_id = persons.person_id"
    ).fetchall()
    return {row[0]: row[1:] for row in found}


def test_a_conversion_of_the_day_of_creation_is_in_the_window_also_in_the_evening_west_of_utc(new_york):
    in_window = {name for name, (is_in,) in lead_rows(new_york, "is_converted_in_window").items() if is_in}
    assert in_window == {"evening", "noon", "day_30"}


def test_two_instants_are_compared_to_the_second(new_york):
    """Converted one second before its creation: not by the day, both sides have a time."""
    assert lead_rows(new_york, "cadences.is_converted, is_converted_in_window")["timed"] == (True, False)


def test_a_contact_logged_by_the_day_counts_and_has_no_hours(new_york):
    cadences = lead_rows(new_york, "n_touches, ttf_status_code, ttf_hours, is_contacted_24h")
    assert cadences["noon"] == (1, "day_only", None, True)
    assert cadences["day_31"] == (0, "day_only", None, False)
    assert cadences["too_early"] == (0, "negative_ttf", None, False)
    assert cadences["by_day"] == (1, "day_only", None, True)
    assert cadences["evening"] == (1, "contacted", D("1.0000"), True)


def test_a_close_by_the_day_is_not_before_an_opening_in_the_evening(new_york):
    assert new_york.execute(
        "select split_part(opportunity_id, '/', 3), opened_on, closed_on, sales_cycle_days"
        " from master.fct_opportunities order by 1"
    ).fetchall() == [
        ("o1", date(2026, 5, 31), date(2026, 5, 31), D("0.0000")),
        ("o2", date(2026, 5, 2), date(2026, 6, 30), D("59.0000")),
    ]


def test_leads_are_dated_by_the_local_day_and_cut_at_the_local_end_of_the_cycle(new_york):
    days = lead_rows(new_york, "cadences.created_on, cadences.created_at")
    assert days["may"] == (date(2026, 5, 31), datetime(2026, 6, 1, 2))
    assert days["june"][0] == date(2026, 6, 30)
    assert "july" not in days
    assert days["by_day"] == (date(2026, 5, 4), datetime(2026, 5, 4, 4))


def test_sends_are_counted_on_the_local_day_and_cut_at_the_local_end_of_the_cycle(new_york):
    """03:59 UTC of 1 June is 31 May in New York, 03:59 of 1 July still is June."""
    assert new_york.execute(
        "select sent_on, n_sent from metrics.fct_email_send_days order by 1"
    ).fetchall() == [(date(2026, 5, 31), 1), (date(2026, 6, 1), 1), (date(2026, 6, 30), 1)]


def test_closings_and_stages_are_dated_by_the_local_day(new_york):
    assert new_york.execute(
        "select split_part(opportunity_id, '/', 3), closed_on from metrics.fct_opportunity_closings order by 1"
    ).fetchall() == [("o1", date(2026, 5, 31)), ("o2", date(2026, 6, 30))]
    assert new_york.execute("select distinct entered_on from metrics.fct_stage_passages").fetchall() == [
        (date(2026, 5, 31),)
    ]
