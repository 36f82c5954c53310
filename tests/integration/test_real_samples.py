"""Real vendor files through the collect step: the figures measured by hand in their READMEs must come out.

The folder of real extracts is never part of the project: ETALON_SAMPLES names it (default ../shared/samples
beside the project), and without it every test here is skipped.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from ingest import CollectReport, collect

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("ETALON_SAMPLES") or PROJECT.parent / "shared" / "samples")
NEEDED = ("salesforce", "hubspot", "fec", "asterisk", "email_webhooks", "calendar", "x_education_leads")

pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(
        not all((SAMPLES / name).is_dir() for name in NEEDED), reason="the folder of real extracts is absent"
    ),
]

# instance -> (mapping, folder of the samples, files of it, sub-folder that dates the delivery)
SOURCES: dict[str, tuple[str, str, str, str]] = {
    "salesforce": ("salesforce_fivetran", "salesforce", "*", ""),
    "hubspot": ("hubspot_fivetran", "hubspot", "*", ""),
    "ledger_pipe": ("fec_18_pipe_cp850", "fec", "*.TXT", ""),
    "ledger_tab": ("fec_22_tab", "fec", "*.txt", ""),
    "pbx_sip": ("asterisk_master_21", "asterisk", "*", ""),
    "pbx_pjsip": ("asterisk_pjsip_19", "asterisk", "*", ""),
    "freepbx": ("freepbx_25", "asterisk", "*", ""),
    "sendgrid": ("sendgrid_json", "email_webhooks", "*", ""),
    "brevo": ("brevo", "email_webhooks", "*", ""),
    "calendar": ("icalendar", "calendar", "*", "2024-01-31"),
    "x_education": ("x_education", "x_education_leads", "*", ""),
}


def write_company(root: Path, instances: Iterable[str], cycle: str = "2023-12") -> Path:
    """A company directory whose sources are copies of sample folders."""
    declared = []
    for instance in instances:
        mapping, folder, files, dated = SOURCES[instance]
        target = root / "extracts" / instance / dated
        target.mkdir(parents=True)
        for path in sorted((SAMPLES / folder).glob(files)):
            shutil.copyfile(path, target / path.name)
        declared.append({"instance": instance, "mapping": mapping, "folder": instance})
    settings = {
        "version": 1,
        "company": "real",
        "reporting_currency": "EUR",
        "timezone": "Europe/Paris",
        "cycle": cycle,
        "sources": declared,
    }
    (root / "company.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return root


@dataclass(frozen=True)
class Collected:
    """A collected company and SQL over its kept rows: one view per contract, `collect_<table>` beside them."""

    root: Path
    report: CollectReport
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def row(self, query: str) -> tuple:
        (row,) = self.rows(query)
        return row

    def value(self, query: str) -> object:
        (value,) = self.row(query)
        return value

    def tally(self, columns: str, table: str, instance: str) -> list[tuple]:
        """(values of `columns`, number of rows) of one source, sorted; table: a contract or collect_<table>."""
        where = f"source_instance = '{instance}'"
        return self.rows(f"SELECT {columns}, count(*) FROM {table} WHERE {where} GROUP BY ALL ORDER BY ALL")

    def sizes(self, instance: str) -> dict[str, int]:
        """Contract -> kept rows of one source, without the empty ones."""
        tables = [name for (name,) in self.rows("SELECT DISTINCT contract FROM collect_ledger_terms") if name]
        query = "SELECT count(*) FROM {} WHERE source_instance = '{}'"
        found = {name: int(str(self.value(query.format(name, instance)))) for name in tables}
        return {name: size for name, size in found.items() if size}


def open_collected(root: Path, report: CollectReport) -> Collected:
    """Views over the work directory; a kept row is a raw row without disposition."""
    connection = duckdb.connect()
    work = root / "work"
    for path in sorted((work / "collect").glob("*.parquet")):
        connection.execute(f"CREATE VIEW collect_{path.stem} AS SELECT * FROM read_parquet('{path}')")
    for folder in sorted((work / "raw").iterdir()):
        connection.execute(
            f"CREATE VIEW all_{folder.name} AS "
            f"SELECT * FROM read_parquet('{folder}/*.parquet', union_by_name=true)"
        )
        connection.execute(
            f"CREATE VIEW {folder.name} AS SELECT r.* FROM all_{folder.name} r "
            f"ANTI JOIN collect_dispositions d ON d.contract = '{folder.name}' AND d.source_instance = r.source_instance "
            "AND d._delivery_id = r._delivery_id AND d._source_row_id = r._source_row_id "
            "AND d._record_part = r._record_part"
        )
    return Collected(root, report, connection)


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
    listed = dict(
        collected.rows(
            "SELECT source_instance, count(*) FROM collect_control_results WHERE control = 'unmapped_file' GROUP BY ALL"
        )
    )
    # Its README is in each copied folder; the ledgers were copied one by one.
    assert set(listed) == set(SOURCES) - {"ledger_pipe", "ledger_tab"}


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
    # Ten lines are wholly equal to another; an eleventh differs by its matching letter only. All are postings.
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
    assert [r.problem.code for r in report.refusals] == ["E-ING-006"]
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
    # 36 leads have no tracked source; 34 of them answered the form's question with its placeholder Select.
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
        f"SELECT count(*), count(DISTINCT call_id) FROM telephony_call_leg WHERE source_instance = '{instance}'"
    )
    assert found == (legs, calls)


@pytest.mark.parametrize(("instance", "local_hours"), [("pbx_sip", 0), ("pbx_pjsip", 3), ("freepbx", 1)])
def test_the_declared_zone_passes_the_clock_check(
    collected: Collected, instance: str, local_hours: int
) -> None:
    """uniqueid starts with the UTC epoch of the leg: started_at must agree once the zone is applied.

    local_hours is what the same check gives on the clock as written, that is, the offset of the server.
    """
    differences = dict(
        collected.rows(
            f"""
            SELECT CAST(round((epoch(started_at)
                - CAST(regexp_extract(source_record_id, '([0-9]{{10}})\\.[0-9]+(#|$)', 1) AS BIGINT)) / 3600.0)
                AS INTEGER) AS hours, count(*)
            FROM telephony_call_leg WHERE source_instance = '{instance}' GROUP BY ALL
            """
        )
    )
    assert set(differences) == {0}
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
    outcomes = dict(
        collected.rows(
            "SELECT outcome, count(*) FROM telephony_call_leg WHERE source_instance = 'freepbx' GROUP BY ALL"
        )
    )
    # The PBX logs 747 rows as ANSWERED: 331 voice mails, 169 answered by the PBX itself, 10 left in a queue.
    assert outcomes == {
        "voicemail": 331, "answered": 237, "machine": 169, "abandoned": 10, "no_answer": 64, "failed": 44, "busy": 1,
    }  # fmt: skip


def test_raw_bytes_in_a_caller_id_cost_no_row(collected: Collected) -> None:
    raw = (SAMPLES / "asterisk" / "Master_sip_21col.csv").read_bytes()
    assert raw.count(b"\xa5\xa5") == 8
    counts = collected.row(
        "SELECT n_physical_lines, n_record_lines, n_quarantined_lines, n_records FROM collect_deliveries "
        "WHERE source_instance = 'pbx_sip'"
    )
    assert counts == (84, 84, 0, 84)
    unanswered = collected.value(
        "SELECT count(*) FROM telephony_call_leg WHERE source_instance = 'pbx_sip' AND outcome = 'no_answer'"
    )
    assert unanswered == 46


# ---------------------------------------------------------------- CRM


def test_salesforce_objects_are_complete(collected: Collected) -> None:
    expected = {
        "crm_account": 10, "crm_contact": 4, "crm_lead": 1, "crm_opportunity": 10, "crm_opportunity_event": 10,
        "crm_activity": 20, "crm_user": 10, "erp_product": 2,
    }  # fmt: skip
    found = {
        name: collected.value(f"SELECT count(*) FROM {name} WHERE source_instance = 'salesforce'")
        for name in expected
    }
    assert found == expected


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
    assert collected.rows(
        "SELECT status, count(*) FROM crm_opportunity WHERE source_instance = 'salesforce' GROUP BY ALL ORDER BY ALL"
    ) == [("lost", 4), ("open", 1), ("won", 5)]


def test_salesforce_keeps_the_conversion_link_of_a_lead(collected: Collected) -> None:
    lead = collected.row(
        "SELECT status, is_converted, converted_contact_id, converted_account_id, converted_opportunity_id "
        "FROM crm_lead WHERE source_instance = 'salesforce'"
    )
    assert lead == ("converted", True, "0031G00001QtDPlQAN", "0011G00000tLWKnQAO", None)


def test_salesforce_id_prefixes_route_activities(collected: Collected) -> None:
    found = collected.rows(
        """
        SELECT activity_type, person_type, count(*), count(opportunity_id) FROM crm_activity
        WHERE source_instance = 'salesforce' GROUP BY ALL ORDER BY ALL
        """
    )
    assert found == [
        ("call", "contact", 6, 0), ("meeting", "contact", 4, 0), ("task", "contact", 9, 7), ("task", "lead", 1, 0),
    ]  # fmt: skip


def test_hubspot_objects_are_complete(collected: Collected) -> None:
    expected = {
        "crm_user": 100, "crm_account": 24, "crm_contact": 22, "crm_opportunity": 44, "crm_opportunity_event": 14,
        "crm_activity": 106,
    }  # fmt: skip
    found = {
        name: collected.value(f"SELECT count(*) FROM {name} WHERE source_instance = 'hubspot'")
        for name in expected
    }
    assert found == expected


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
    assert collected.rows(
        "SELECT stage, status, currency, count(*) FROM crm_opportunity WHERE source_instance = 'hubspot' GROUP BY ALL"
    ) == [("no stage", "open", "USD", 44)]


def test_hubspot_email_events_come_from_their_parent_rows(collected: Collected) -> None:
    assert collected.rows(
        "SELECT event_type, count(*) FROM email_event WHERE source_instance = 'hubspot' GROUP BY ALL ORDER BY ALL"
    ) == [("delivered", 3), ("opened", 90), ("sent", 4)]
    assert collected.rows(
        "SELECT reason_code, count(*) FROM collect_dispositions WHERE source_instance = 'hubspot' GROUP BY ALL"
    ) == [("kept_out_by_mapping", 3)]
    people, hashed = collected.row(
        "SELECT count(DISTINCT recipient_email), count(*) FILTER (WHERE recipient_email LIKE '%@hashed.invalid') "
        "FROM email_event WHERE source_instance = 'hubspot'"
    )
    assert hashed == 97
    assert people > 1


# ---------------------------------------------------------------- e-mail webhooks


def test_sendgrid_events_are_typed_and_repeated_posts_count_once(collected: Collected) -> None:
    assert collected.rows(
        "SELECT event_type, count(*) FROM email_event WHERE source_instance = 'sendgrid' GROUP BY ALL ORDER BY ALL"
    ) == [
        ("bounced_hard", 1), ("clicked", 1), ("deferred", 1), ("delivered", 1), ("failed", 2), ("opened", 1),
        ("sent", 1),
    ]  # fmt: skip
    assert collected.rows(
        "SELECT disposition, reason_code, count(*) FROM collect_dispositions WHERE source_instance = 'sendgrid' "
        "GROUP BY ALL ORDER BY ALL"
    ) == [("exact_duplicate", "repeated_event", 1), ("quarantined", "required_value_invalid", 1)]
    # Epoch seconds, UTC: 1461095246 and 1513299569.
    first, last = collected.row(
        "SELECT min(occurred_at)::text, max(occurred_at)::text FROM email_event WHERE source_instance = 'sendgrid'"
    )
    assert (first, last) == ("2016-04-19 19:47:26", "2017-12-15 00:59:29")


def test_brevo_events_use_the_utc_epoch_and_first_open_twins_count_once(collected: Collected) -> None:
    assert collected.rows(
        "SELECT event_type, count(*) FROM email_event WHERE source_instance = 'brevo' GROUP BY ALL ORDER BY ALL"
    ) == [
        ("blocked", 1), ("bounced_hard", 2), ("bounced_soft", 1), ("clicked", 1), ("complained", 2), ("deferred", 1),
        ("delivered", 1), ("failed", 1), ("opened", 1), ("opened_machine", 1), ("sent", 1), ("unsubscribed", 1),
    ]  # fmt: skip
    assert collected.rows(
        "SELECT reason_code, count(*) FROM collect_dispositions WHERE source_instance = 'brevo' GROUP BY ALL"
    ) == [("repeated_event", 2)]
    instants = dict(
        collected.rows("SELECT event_type, max(occurred_at)::text FROM email_event "
                       "WHERE source_instance = 'brevo' GROUP BY ALL")
    )  # fmt: skip
    assert instants["sent"] == "2018-03-06 19:10:23"  # milliseconds
    assert instants["failed"] == "2020-11-09 14:53:43"  # the one type that writes seconds
    assert instants["opened_machine"] == "2018-08-17 06:18:02"


# ---------------------------------------------------------------- calendars


@dataclass(frozen=True)
class Scan:
    """What a plain text scan sees in the distinct calendar files: events, and those without UID or DTSTART."""

    files: int
    distinct: int
    events: int
    incomplete: int


def scan_calendars() -> Scan:
    """Count BEGIN:VEVENT blocks by text alone, without a calendar library."""
    contents = {}
    paths = sorted((SAMPLES / "calendar").glob("*.ics"))
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
    assert scan.files == 154
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
    dispositions = dict(
        collected.rows(
            "SELECT disposition, count(*) FROM collect_dispositions WHERE contract = 'calendar_event' GROUP BY ALL"
        )
    )
    kept = collected.value("SELECT count(*) FROM calendar_event")
    assert kept + sum(dispositions.values()) == read
    assert kept > 0


def test_calendar_events_without_uid_or_start_are_quarantined(collected: Collected) -> None:
    scan = scan_calendars()
    missing, broken_custom_zone = collected.row(
        """
        SELECT (SELECT count(*) FROM all_calendar_event WHERE _set_aside = 'required_value_missing'),
            (SELECT count(DISTINCT _delivery_id) FROM collect_quarantine_lines WHERE detail LIKE '%CUSTOM_tzid%')
        """
    )
    # The one incomplete event that is counted elsewhere has a time zone that nothing defines: no record at all.
    assert missing + broken_custom_zone == scan.incomplete
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
