"""Real vendor files through the collect step: the figures measured by hand in their READMEs must come out."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_extracts import (
    SAMPLES,
    SOURCES,
    UNCLOSED,
    Collected,
    needs_samples,
    open_collected,
    write_company,
)

from ingest import collect

pytestmark = needs_samples


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """All samples, each as a source of one company, collected once."""
    root = write_company(tmp_path_factory.mktemp("real") / "company", SOURCES)
    return open_collected(root, collect(root))


# ---------------------------------------------------------------- every source


def test_no_sample_is_refused(collected: Collected) -> None:
    assert [(r.source_instance, r.file_path, r.problem.code) for r in collected.report.refusals] == []


def test_every_line_and_record_of_every_sample_is_accounted_for(collected: Collected) -> None:
    assert collected.report.imbalances == ()
    balances = collected.rows(
        """
        SELECT term, source_instance,
            sum(CASE WHEN name IN ('file_bytes', 'physical_lines', 'records_in') THEN value ELSE -value END)
        FROM collect_ledger_terms GROUP BY ALL
        """
    )
    assert {(term, instance) for term, instance, _ in balances} == {(t, i) for t in "ABC" for i in SOURCES}
    assert all(difference == 0 for _, _, difference in balances)


def test_a_second_run_lands_nothing_new(collected: Collected) -> None:
    again = collect(collected.root)
    assert again.landed == ()
    assert not again.changed
    assert again.totals == collected.report.totals


def test_files_that_no_mapping_declares_are_listed_and_not_read(collected: Collected) -> None:
    listed = collected.rows(
        "SELECT DISTINCT source_instance FROM collect_control_results WHERE control = 'unmapped_file'"
    )
    # Its README is in each copied folder; the ledgers were copied one by one.
    assert {instance for (instance,) in listed} == set(SOURCES) - {"ledger_pipe", "ledger_tab"}


# ---------------------------------------------------------------- ledgers


def test_the_pipe_ledger_gives_905_lines_of_activity_and_its_revenue(collected: Collected) -> None:
    lines, debit, credit = collected.row(
        "SELECT count(*), sum(debit), sum(credit) FROM erp_ledger_entry WHERE source_instance = 'ledger_pipe'"
    )
    assert (lines, float(debit), float(credit)) == (934, 225682.23, 225682.23)
    # 29 lines restate the balances of the year before (journal AN): activity is the other 905.
    activity, revenue = collected.row(
        """
        SELECT count(*), sum(credit - debit) FILTER (WHERE account_class IN ('revenue', 'rebate'))
        FROM erp_ledger_entry WHERE source_instance = 'ledger_pipe' AND NOT is_opening
        """
    )
    assert (activity, float(revenue)) == (905, 36477.28)


def test_equal_lines_of_one_entry_are_distinct_postings(collected: Collected) -> None:
    entries, unbalanced, equal = collected.row(
        """
        WITH entries AS (
            SELECT journal_code, entry_number, sum(debit - credit) AS difference
            FROM erp_ledger_entry WHERE source_instance = 'ledger_pipe' GROUP BY ALL
        ), copies AS (
            SELECT count(*) - 1 AS n FROM erp_ledger_entry WHERE source_instance = 'ledger_pipe'
            GROUP BY split_part(source_record_id, '-', 1)
        )
        SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM entries WHERE difference <> 0),
            (SELECT sum(n) FROM copies)
        """
    )
    # Ten lines are wholly equal to another, an eleventh differs by its matching letter only; all count.
    assert (entries, unbalanced, equal) == (248, 0, 11)


def test_the_pipe_ledger_is_read_in_code_page_850_and_by_its_lines_not_its_name(collected: Collected) -> None:
    first, last, delivered, labels = collected.row(
        """
        SELECT min(entry_date)::text, max(entry_date)::text, any_value(delivered_on)::text,
            count(*) FILTER (WHERE account_label LIKE '%°%')
        FROM erp_ledger_entry WHERE source_instance = 'ledger_pipe'
        """
    )
    assert (first, last) == ("2023-01-01", "2023-07-31")
    assert delivered == "2022-12-31"
    raw = (SAMPLES / "fec" / "111111111FEC20221231.TXT").read_bytes()
    in_label = sum(b"\xf8" in line.split(b"|")[5] for line in raw.splitlines() if line.count(b"|") == 18)
    assert labels == in_label


def test_the_receivable_lines_give_the_customers_of_the_ledger(collected: Collected) -> None:
    customers = collected.value("SELECT count(*) FROM erp_customer WHERE source_instance = 'ledger_pipe'")
    assert customers == 34
    assert (
        collected.value("SELECT count(*) FROM erp_customer WHERE name IS NULL OR code NOT LIKE '411%'") == 0
    )


def test_the_tab_ledger_gives_its_revenue_without_any_entry_number(collected: Collected) -> None:
    lines, difference, numbered, validated, opening, revenue = collected.row(
        """
        SELECT count(*), sum(debit - credit), count(entry_number), count(validated_on),
            count(*) FILTER (WHERE is_opening),
            sum(credit - debit) FILTER (WHERE account_class IN ('revenue', 'rebate') AND NOT is_opening)
        FROM erp_ledger_entry WHERE source_instance = 'ledger_tab'
        """
    )
    assert (lines, difference, numbered, validated, opening) == (2102, 0, 0, 0, 456)
    assert float(revenue) == 165297.93


def test_a_ledger_of_the_other_layout_is_refused_and_the_right_one_still_lands(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["ledger_pipe"])
    shutil.copyfile(
        SAMPLES / "fec" / "000000000FEC20231231.txt",
        root / "extracts" / "ledger_pipe" / "000000000FEC20231231.txt",
    )
    report = collect(root)
    # Its letters tell before its separator does: UTF-8 where code page 850 is declared.
    assert [r.problem.code for r in report.refusals] == ["E-ING-005"]
    assert len(report.landed) == 1
    assert report.imbalances == ()


# ---------------------------------------------------------------- leads without events


def test_the_lead_list_gives_its_conversion_rate(collected: Collected) -> None:
    leads, converted, rate = collected.row(
        """
        SELECT count(*), count(*) FILTER (WHERE is_converted),
            round(100.0 * count(*) FILTER (WHERE is_converted) / count(*), 2)
        FROM crm_lead WHERE source_instance = 'x_education'
        """
    )
    assert (leads, converted, float(rate)) == (9191, 3542, 38.54)


def test_declared_touches_correlate_with_conversion_as_measured(collected: Collected) -> None:
    rows, correlation = collected.row(
        """
        SELECT count(n_touches_declared), corr(n_touches_declared, CAST(is_converted AS INTEGER))
        FROM crm_lead WHERE source_instance = 'x_education'
        """
    )
    assert rows == 9054
    assert round(correlation, 4) == 0.0296
    rows, correlation = collected.row(
        """
        SELECT count(*), corr(n_touches_declared, CAST(is_converted AS INTEGER))
        FROM crm_lead WHERE source_instance = 'x_education' AND n_touches_declared <= 17
        """
    )
    assert (rows, round(correlation, 4)) == (8971, 0.0437)


def test_select_is_no_answer_and_the_list_has_no_date(collected: Collected) -> None:
    # 36 leads have no tracked source; 34 of them left the form's question at Select, which is no answer.
    sources, selected, dated, no_mail, no_call = collected.row(
        """
        SELECT count(*) - count(lead_source), count(*) FILTER (WHERE lead_source = 'Select'),
            count(created_at), count(*) FILTER (WHERE email_opt_out), count(*) FILTER (WHERE call_opt_out)
        FROM crm_lead WHERE source_instance = 'x_education'
        """
    )
    assert (sources, selected, dated, no_mail, no_call) == (34, 0, 0, 732, 2)


# ---------------------------------------------------------------- telephony


@pytest.mark.parametrize(
    ("instance", "legs", "calls"), [("pbx_sip", 84, 36), ("pbx_pjsip", 14, 14), ("freepbx", 856, 856)]
)
def test_legs_fold_into_calls(collected: Collected, instance: str, legs: int, calls: int) -> None:
    found = collected.row(
        "SELECT count(*), count(DISTINCT call_id) FROM telephony_call_leg "
        f"WHERE source_instance = '{instance}'"
    )
    assert found == (legs, calls)


@pytest.mark.parametrize(("instance", "local_hours"), [("pbx_sip", 0), ("pbx_pjsip", 3), ("freepbx", 1)])
def test_the_declared_zone_passes_the_clock_check(
    collected: Collected, instance: str, local_hours: int
) -> None:
    """uniqueid starts with the UTC epoch of the leg: started_at must agree once the zone is applied.

    local_hours is what the same check gives on the clock as written, that is, the offset of the server.
    """
    epoch = "CAST(regexp_extract(source_record_id, '([0-9]{10})[.][0-9]+(#|$)', 1) AS BIGINT)"
    hours = f"CAST(round((epoch(started_at) - {epoch}) / 3600.0) AS INTEGER)"
    legs = collected.value(f"SELECT count(*) FROM telephony_call_leg WHERE source_instance = '{instance}'")
    assert collected.tally(hours, "telephony_call_leg", instance) == [(0, legs)]
    zones = {"pbx_sip": "UTC", "pbx_pjsip": "Africa/Nairobi", "freepbx": "Europe/Lisbon"}
    offset = collected.value(
        f"""
        SELECT DISTINCT CAST((epoch(timezone('{zones[instance]}', timezone('UTC', started_at)))
            - epoch(started_at)) / 3600 AS INTEGER)
        FROM telephony_call_leg WHERE source_instance = '{instance}'
        """
    )
    assert offset == local_hours


def test_day_month_dates_of_the_freepbx_file_are_read_as_declared(collected: Collected) -> None:
    first, last = collected.row(
        "SELECT min(started_at)::text, max(started_at)::text FROM telephony_call_leg "
        "WHERE source_instance = 'freepbx'"
    )
    assert (first, last) == ("2017-09-01 15:33:01", "2017-09-09 17:23:24")


def test_voice_mail_is_no_human_answer(collected: Collected) -> None:
    # The PBX logs 747 rows as ANSWERED: 331 voice mails, 169 answered by the PBX itself, 10 left in a queue.
    assert dict(collected.tally("outcome", "telephony_call_leg", "freepbx")) == {
        "answered": 237,
        "voicemail": 331,
        "machine": 169,
        "abandoned": 10,
        "no_answer": 64,
        "failed": 44,
        "busy": 1,
    }


def test_raw_bytes_in_a_caller_id_cost_no_row(collected: Collected) -> None:
    raw = (SAMPLES / "asterisk" / "Master_sip_21col.csv").read_bytes()
    assert raw.count(b"\xa5\xa5") == 8
    counts = collected.row(
        "SELECT n_physical_lines, n_record_lines, n_quarantined_lines, n_records FROM collect_deliveries "
        "WHERE source_instance = 'pbx_sip'"
    )
    assert counts == (84, 84, 0, 84)
    outcomes = dict(collected.tally("outcome", "telephony_call_leg", "pbx_sip"))
    assert outcomes == {"answered": 30, "machine": 7, "no_answer": 46, "busy": 1}


# ---------------------------------------------------------------- CRM


def test_salesforce_objects_are_complete(collected: Collected) -> None:
    assert collected.sizes("salesforce") == {
        "crm_account": 10,
        "crm_activity": 20,
        "crm_contact": 4,
        "crm_lead": 1,
        "crm_opportunity": 10,
        "crm_opportunity_event": 10,
        "crm_opportunity_line": 10,
        "crm_user": 10,
        "erp_product": 2,
    }


def test_salesforce_booleans_and_deleted_rows_are_read(collected: Collected) -> None:
    deleted, merged = collected.row(
        "SELECT count(*) FILTER (WHERE is_deleted), count(merged_into_id) FROM crm_account "
        "WHERE source_instance = 'salesforce'"
    )
    assert (deleted, merged) == (9, 1)
    # TRUE in one object, true in another.
    assert collected.row(
        "SELECT count(*) FILTER (WHERE is_active), count(*) FILTER (WHERE is_deleted) FROM crm_user "
        "WHERE source_instance = 'salesforce'"
    ) == (9, 5)
    statuses = collected.tally("status", "crm_opportunity", "salesforce")
    assert statuses == [("lost", 4), ("open", 1), ("won", 5)]


def test_salesforce_keeps_the_conversion_link_of_a_lead(collected: Collected) -> None:
    lead = collected.row(
        "SELECT status, is_converted, converted_contact_id, converted_account_id, converted_opportunity_id "
        "FROM crm_lead WHERE source_instance = 'salesforce'"
    )
    assert lead == ("converted", True, "0031G00001QtDPlQAN", "0011G00000tLWKnQAO", None)


def test_salesforce_id_prefixes_route_activities(collected: Collected) -> None:
    routed = "activity_type, person_type, opportunity_id IS NOT NULL"
    assert collected.tally(routed, "crm_activity", "salesforce") == [
        ("call", "contact", False, 6),
        ("meeting", "contact", False, 4),
        ("task", "contact", False, 2),
        ("task", "contact", True, 7),
        ("task", "lead", False, 1),
    ]


def test_hubspot_objects_are_complete(collected: Collected) -> None:
    assert collected.sizes("hubspot") == {
        "crm_account": 24,
        "crm_activity": 106,
        "crm_contact": 22,
        "crm_merge": 18,
        "crm_opportunity": 44,
        "crm_opportunity_event": 14,
        "crm_user": 100,
        "email_event": 97,
        "email_message": 100,
    }


def test_hubspot_merged_contacts_point_to_their_survivor(collected: Collected) -> None:
    merged = collected.rows(
        "SELECT source_record_id, merged_into_id FROM crm_contact WHERE source_instance = 'hubspot' "
        "AND merged_into_id IS NOT NULL ORDER BY ALL"
    )
    assert merged == [("46897301", "78971951"), ("76226001", "78971951"), ("76340251", "78971951")]


def test_hubspot_owners_take_their_user_where_one_is_linked(collected: Collected) -> None:
    owners, named, active = collected.row(
        "SELECT count(*), count(DISTINCT email), count(*) FILTER (WHERE is_active) FROM crm_user "
        "WHERE source_instance = 'hubspot'"
    )
    assert (owners, named) == (100, 2)
    assert active == collected.value("SELECT count(email) FROM crm_user WHERE source_instance = 'hubspot'")


def test_hubspot_deals_without_a_stage_stay_open(collected: Collected) -> None:
    stages = collected.tally("stage, status, currency", "crm_opportunity", "hubspot")
    assert stages == [("no stage", "open", "USD", 44)]


def test_hubspot_email_events_come_from_their_parent_rows(collected: Collected) -> None:
    events = collected.tally("event_type", "email_event", "hubspot")
    assert events == [("delivered", 3), ("opened", 90), ("sent", 4)]
    # Three PROCESSED rows come before SENT and are no event of their own.
    assert collected.tally("reason_code", "collect_dispositions", "hubspot") == [("kept_out_by_mapping", 3)]
    people, hashed = collected.row(
        "SELECT count(DISTINCT recipient_email), count_if(recipient_email LIKE '%@hashed.invalid') "
        "FROM email_event WHERE source_instance = 'hubspot'"
    )
    assert hashed == 97
    assert people > 1


# ---------------------------------------------------------------- e-mail webhooks


def test_sendgrid_events_are_typed_and_repeated_posts_count_once(collected: Collected) -> None:
    assert dict(collected.tally("event_type", "email_event", "sendgrid")) == {
        "sent": 1,
        "delivered": 1,
        "deferred": 1,
        "bounced_hard": 1,
        "failed": 2,
        "opened": 1,
        "clicked": 1,
    }
    # One event was posted twice; one has an address without a domain name (invalid@invalid).
    assert collected.tally("disposition, reason_code", "collect_dispositions", "sendgrid") == [
        ("exact_duplicate", "repeated_event", 1),
        ("quarantined", "required_value_invalid", 1),
    ]
    # Epoch seconds, UTC: 1461095246 and 1513299569.
    first, last = collected.row(
        "SELECT min(occurred_at)::text, max(occurred_at)::text FROM email_event "
        "WHERE source_instance = 'sendgrid'"
    )
    assert (first, last) == ("2016-04-19 19:47:26", "2017-12-15 00:59:29")


def test_brevo_events_use_the_utc_epoch_and_first_open_twins_count_once(collected: Collected) -> None:
    assert dict(collected.tally("event_type", "email_event", "brevo")) == {
        "sent": 1,
        "delivered": 1,
        "deferred": 1,
        "bounced_hard": 2,
        "bounced_soft": 1,
        "blocked": 1,
        "failed": 1,
        "opened": 1,
        "opened_machine": 1,
        "clicked": 1,
        "complained": 2,
        "unsubscribed": 1,
    }
    assert collected.tally("reason_code", "collect_dispositions", "brevo") == [("repeated_event", 2)]
    dated = collected.tally("event_type, occurred_at::text", "email_event", "brevo")
    instants = {(kind, text) for kind, text, _ in dated}
    assert ("sent", "2018-03-06 19:10:23") in instants  # milliseconds
    assert ("failed", "2020-11-09 14:53:43") in instants  # the one type that writes seconds
    assert ("opened_machine", "2018-08-17 06:18:02") in instants  # another name of the field


# ---------------------------------------------------------------- calendars


@dataclass(frozen=True)
class Scan:
    """What a text scan sees in the distinct calendar files: events, and those without UID or DTSTART."""

    files: int
    distinct: int
    events: int
    incomplete: int


def scan_calendars() -> Scan:
    """Count BEGIN:VEVENT blocks by text alone, without a calendar library."""
    contents = {}
    paths = [path for path in sorted((SAMPLES / "calendar").glob("*.ics")) if path.name not in UNCLOSED]
    for path in paths:
        data = path.read_bytes()
        text = re.sub(r"\r+\n|\r", "\n", data.decode("utf-8", "replace"))
        contents[hashlib.sha256(data).hexdigest()] = re.sub(r"\n+[ \t]", "", text).split("\n")
    events = incomplete = 0
    for lines in contents.values():
        nested: list[str] = []
        names: set[str] | None = None
        for line in lines:
            name, _, value = line.strip().partition(":")
            if name.upper() == "BEGIN":
                nested.append(value.upper())
                if value.upper() == "VEVENT":
                    events += 1
                    names = set()
            elif name.upper() == "END" and nested:
                if nested.pop() == "VEVENT":
                    incomplete += not {"UID", "DTSTART"} <= (names or set())
                    names = None
            elif names is not None and nested[-1] == "VEVENT" and value:
                names.add(name.split(";")[0].upper())
    return Scan(len(paths), len(contents), events, incomplete)


def test_every_calendar_component_is_kept_or_set_aside_with_a_reason(collected: Collected) -> None:
    scan = scan_calendars()
    assert scan.files == 150
    # Two files with the same bytes are one delivery.
    assert (
        collected.value("SELECT count(*) FROM collect_deliveries WHERE source_instance = 'calendar'")
        == scan.distinct
    )
    read = collected.value("SELECT count(*) FROM all_calendar_event")
    broken = collected.value(
        "SELECT count(*) FROM collect_quarantine_lines WHERE upper(trim(raw_line)) = 'BEGIN:VEVENT'"
    )
    assert read + broken == scan.events
    set_aside = collected.value("SELECT count(*) FROM collect_dispositions WHERE contract = 'calendar_event'")
    kept = collected.value("SELECT count(*) FROM calendar_event")
    assert kept + set_aside == read
    assert kept > 0


def test_a_calendar_that_ends_before_its_end_is_refused(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["calendar"])
    for name in UNCLOSED:
        shutil.copyfile(SAMPLES / "calendar" / name, root / "extracts" / "calendar" / "2023-12" / name)
    refused = {Path(r.file_path).name: r.problem.code for r in collect(root).refusals}
    assert refused == dict.fromkeys(UNCLOSED, "E-ING-036")


def test_calendar_events_without_uid_or_start_are_quarantined(collected: Collected) -> None:
    scan = scan_calendars()
    missing = collected.value(
        "SELECT count(*) FROM all_calendar_event WHERE _set_aside = 'required_value_missing'"
    )
    undefined_zone = collected.value(
        "SELECT count(DISTINCT _delivery_id) FROM collect_quarantine_lines WHERE detail LIKE '%CUSTOM_tzid'"
    )
    # One incomplete event has a time zone that nothing defines: it is quarantined unread.
    assert missing + undefined_zone == scan.incomplete
    assert (
        collected.value("SELECT count(*) FROM all_calendar_event WHERE _set_aside = 'required_value_invalid'")
        == 3
    )


def test_broken_calendar_components_keep_their_lines_and_the_reason(collected: Collected) -> None:
    reasons = collected.rows(
        """
        SELECT DISTINCT CASE WHEN detail LIKE 'unknown TZID%' THEN detail ELSE 'unreadable line' END
        FROM collect_quarantine_lines WHERE source_instance = 'calendar' ORDER BY ALL
        """
    )
    assert reasons == [
        ("unknown TZID CUSTOM_tzid",),
        ("unknown TZID Western/Central Europe",),
        ("unreadable line",),
    ]


def test_calendar_times_are_utc_whatever_names_their_zone(collected: Collected) -> None:
    def start(file: str, uid: str) -> object:
        return collected.value(
            f"SELECT starts_at::text FROM all_calendar_event JOIN collect_deliveries USING (_delivery_id) "
            f"WHERE file_path LIKE '%{file}.ics' AND uid = '{uid}'"
        )

    # DTSTART;TZID=Eastern Standard Time 17:00, the Windows name of a zone.
    assert (
        start("issue_836_do_not_quote_tzid", "minimal-demo-event-est-20241028@example.com")
        == "2024-10-28 21:00:00"
    )
    # DTSTART;TZID=Europe/Vienna 10:00.
    assert start("timezoned", "123456") == "2012-02-13 09:00:00"
