"""The collect step as a whole: idempotence, convergence, refusals, controls, lookups, fates."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.gate import read_refusals

GOOD = LEAD_HEADER + "1,a@x.fr,Open,2026-06-01 10:00:00,Ann\n2,b@x.fr,Lost,2026-06-02 10:00:00,Bob\n"


def codes(site: Site) -> list[str]:
    return [r.problem.code for r in site.collect().refusals]


@pytest.mark.audit("EX11")
def test_the_same_bytes_twice_change_nothing(site: Callable[..., Site]) -> None:
    where = site()
    path = where.put("2026-06/Leads.csv", GOOD)
    assert len(where.collect().landed) == 1
    state = where.state()
    os.utime(path, (1, 1))
    where.put("2026-06/Again.csv", GOOD)  # matches no entry
    again = where.collect()
    assert again.landed == () and again.unchanged == 1 and not again.changed
    assert where.state() == state


def test_the_same_bytes_at_two_dates_are_one_delivery_of_the_first_date(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    where.collect()
    where.put("2026-04/Leads.csv", GOOD)
    where.collect()
    assert where.rows("SELECT delivered_on, file_path FROM collect.deliveries") == [
        (dt.date(2026, 4, 30), "crm/2026-04/Leads.csv")
    ]
    assert where.rows("SELECT DISTINCT delivered_on FROM raw.crm_lead") == [(dt.date(2026, 4, 30),)]


@pytest.mark.parametrize("order", list(itertools.permutations(["2026-04", "2026-05", "2026-06"])))
def test_copies_of_one_content_give_the_same_receipt_in_any_order(
    site: Callable[..., Site], order: tuple[str, ...]
) -> None:
    """Whatever month comes first, and though each file is gone before the next one comes."""
    totals = {
        "2026-04": {"rows": 2},
        "2026-05": {"rows": 2, "min": {"Created": "2026-06-01"}},
        "2026-06": None,
    }
    where = site()
    paths: set[str] = set()
    for month in order:
        path = where.put(f"{month}/Leads.csv", GOOD)
        manifest = path.with_name("Leads.csv.manifest.json")
        if totals[month]:
            manifest.write_text(json.dumps(totals[month]))
        assert where.collect().refusals == ()
        (receipt,) = receipts_of(where)
        assert paths < set(receipt["file_paths"]), "a path once seen stays"
        paths = set(receipt["file_paths"])
        path.unlink()
        manifest.unlink(missing_ok=True)
    (receipt,) = receipts_of(where)
    assert receipt["file_paths"] == [f"crm/{month}/Leads.csv" for month in sorted(totals)]
    assert (receipt["file_path"], receipt["delivered_on"]) == ("crm/2026-04/Leads.csv", "2026-04-30")
    assert receipt["manifest"] == {"rows": 2, "min": {"Created": "2026-06-01"}}
    assert where.rows("SELECT DISTINCT delivered_on FROM raw.crm_lead") == [(dt.date(2026, 4, 30),)]


def receipts_of(site: Site) -> list[dict]:
    return [json.loads(p.read_text()) for p in sorted((site.root / "work" / "deliveries").glob("*.json"))]


@pytest.mark.parametrize("months", [("2026-04", "2026-05"), ("2026-05", "2026-04")])
def test_totals_that_contradict_each_other_refuse_the_content_until_one_is_taken_away(
    site: Callable[..., Site], months: tuple[str, str]
) -> None:
    where = site()
    rows = {"2026-04": 2, "2026-05": 120}
    for month in months:
        where.put(f"{month}/Leads.csv", GOOD)
        where.put(f"{month}/Leads.csv.manifest.json", json.dumps({"rows": rows[month]}))
        where.collect()
    (refusal,) = where.collect().refusals
    assert refusal.problem.code == "E-ING-017"
    text = refusal.problem.text("what")
    assert "crm/2026-04/Leads.csv" in text and "crm/2026-05/Leads.csv" in text
    for path in (where.root / "extracts" / "crm" / "2026-05").iterdir():
        path.unlink()
    assert where.collect().refusals == () and where.rows("SELECT count(*) FROM raw.crm_lead") == [(2,)]


def test_an_unusable_manifest_is_forgotten_once_it_is_taken_away(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    manifest = where.put("2026-06/Leads.csv.manifest.json", "{")
    assert codes(where) == ["E-ING-017"]
    manifest.unlink()
    assert codes(where) == []


def version(key: int, name: str, day: int) -> str:
    return f"{key},k{key}@x.fr,Open,2026-06-{day:02d} 10:00:00,{name}\n"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_deliveries_in_any_order_give_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows = st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["Ann", "Bob"]), st.integers(1, 2)), max_size=4
    )
    files = {f"2026-0{month}/Leads.csv": data.draw(rows) for month in (3, 4, 5)}
    order = data.draw(st.permutations(sorted(files)))
    together, apart = (Site(tmp_path_factory.mktemp("order") / name) for name in ("together", "apart"))
    for path, content in files.items():
        together.put(path, LEAD_HEADER + "".join(version(*row) for row in content))
    assert not together.collect().imbalances
    for path in order:
        apart.put(path, LEAD_HEADER + "".join(version(*row) for row in files[path]))
        assert not apart.collect().imbalances
    assert apart.state() == together.state()
    keys = {row[0] for content in files.values() for row in content}
    kept = apart.rows(
        "SELECT source_record_id, count(*) FROM raw.crm_lead r WHERE NOT EXISTS (SELECT 1 FROM "
        "collect.dispositions d "
        "WHERE d._delivery_id = r._delivery_id AND d._source_row_id = r._source_row_id) GROUP BY 1"
    )
    assert {int(key) for key, _ in kept} == keys and all(n == 1 for _, n in kept)


def test_the_newest_version_wins_and_copies_are_told_from_older_versions(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-04/Leads.csv", LEAD_HEADER + version(1, "Old", 1) + version(2, "Same", 1))
    where.put("2026-05/Leads.csv", LEAD_HEADER + version(1, "New", 1) + version(2, "Same", 1))
    where.collect()
    assert where.rows(
        "SELECT source_record_id, disposition, reason_code FROM collect.dispositions "
        "JOIN raw.crm_lead USING (_delivery_id, _source_row_id) ORDER BY 1"
    ) == [("1", "superseded", "superseded_by_newer"), ("2", "exact_duplicate", "exact_duplicate")]


def test_a_newest_version_kept_out_supersedes_the_older_ones(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace("from: leads", 'from: leads\n    exclude: {test_record: "\\"Name\\" = \'Test\'"}')
    where = site(mapping)
    where.put("2026-04/Leads.csv", LEAD_HEADER + version(1, "Ann", 1))
    where.put("2026-05/Leads.csv", LEAD_HEADER + version(1, "Test", 1))
    report = where.collect()
    assert report.kept == 0
    assert sorted(r[0] for r in where.rows("SELECT reason_code FROM collect.dispositions")) == [
        "superseded_by_newer", "test_record",
    ]  # fmt: skip


def test_unknown_conditions_never_remove_a_record(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace("from: leads", 'from: leads\n    where: "\\"Email\\" not like \'%@test%\'"')
    where = site(mapping)
    where.put(
        "2026-06/Leads.csv",
        LEAD_HEADER + "1,,Open,2026-06-01 10:00:00,A\n2,x@test.fr,Open,2026-06-01 10:00:00,B\n",
    )
    assert where.collect().kept == 1


@pytest.mark.audit("CL3")
def test_a_declared_dedupe_key_sets_copies_aside_and_nothing_else_does(site: Callable[..., Site]) -> None:
    content = LEAD_HEADER + "1,a@x.fr,Open,2026-06-01 10:00:00,A\n2,a@x.fr,Open,2026-06-01 10:00:00,A\n"
    plain = site(name="plain")
    plain.put("2026-06/Leads.csv", content)
    assert plain.collect().kept == 2
    where = site(
        LEADS.replace("from: leads", "from: leads\n    dedupe: {key: [email], keep: first}"), name="dedupe"
    )
    where.put("2026-06/Leads.csv", content)
    assert where.collect().kept == 1
    assert where.rows(
        "SELECT _source_row_id, reason_code, winner_source_row_id FROM collect.dispositions"
    ) == [(3, "duplicate_by_declared_key", 2)]


def test_equal_lines_without_a_key_stay_apart_and_survive_a_second_delivery(
    site: Callable[..., Site],
) -> None:
    mapping = LEADS.replace(
        "source_record_id: Id", "source_record_id: {hash: [Email, Name], occurrence: true}"
    )
    where = site(mapping)
    line = "9,a@x.fr,Open,2026-06-01 10:00:00,A\n"
    where.put("2026-05/Leads.csv", LEAD_HEADER + line * 2)
    where.put("2026-06/Leads.csv", LEAD_HEADER + line * 3)
    assert where.collect().kept == 3
    assert where.rows("SELECT DISTINCT is_surrogate_key FROM raw.crm_lead") == [(True,)]


def test_a_mapping_change_lands_again_from_the_archive(site: Callable[..., Site]) -> None:
    where = site()
    path = where.put("2026-06/Leads.csv", GOOD)
    where.collect()
    path.unlink()
    mapping = where.root / "mapping.yml"
    mapping.write_text(mapping.read_text().replace("Lost: disqualified", "Lost: nurturing"))
    assert len(where.collect().landed) == 1
    assert ("nurturing",) in where.rows("SELECT status FROM raw.crm_lead")


def test_a_delivery_whose_file_disappeared_stays(site: Callable[..., Site]) -> None:
    where = site()
    path = where.put("2026-06/Leads.csv", GOOD)
    where.collect()
    state = where.state()
    path.unlink()
    report = where.collect()
    assert not report.refusals and where.state() == state


@pytest.mark.audit("CL1")
def test_a_required_value_sets_the_record_aside_and_keeps_it_visible(site: Callable[..., Site]) -> None:
    where = site()
    where.put(
        "2026-06/Leads.csv", LEAD_HEADER + "1,bad,Zzz,2026-06-01 10:00:00,A\n2,,,2026-06-01 10:00:00,B\n"
    )
    report = where.collect()
    assert report.kept == 0 and report.totals[0].set_aside["quarantined"] == 2
    assert where.rows("SELECT _set_aside FROM raw.crm_lead ORDER BY 1") == [
        ("required_value_invalid",), ("required_value_missing",),
    ]  # fmt: skip
    assert where.rows("SELECT field, value_before, reason_code, action FROM collect.changes ORDER BY 1") == [
        ("email", "bad", "email_invalid", "null"), ("status", "Zzz", "unmapped_value", "null"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "E-ING-002", "0 bytes"),
        (GOOD[:-1].encode(), "E-ING-003", "last line is 3"),
        (GOOD.replace("Ann", "Zo\u00e9").encode("cp1252"), "E-ING-005", "line 2"),
        (GOOD.replace(",", ";").encode(), "E-ING-006", "separator semicolon"),
        (GOOD.replace("Email", "E-mail").encode(), "E-ING-007", "nearest found: 'E-mail'"),
        (GOOD.replace("Name\n", "Name,Extra\n").encode(), "E-ING-007", "unknown 'Extra'"),
        (b"\x00\x01\x02binary", "E-ING-003", "newline"),
    ],
)
def test_a_bad_file_is_refused_with_what_where_why_and_next(
    site: Callable[..., Site], content: bytes, code: str, words: str
) -> None:
    where = site()
    where.put("2026-05/Leads.csv", GOOD)
    where.collect()
    kept = where.rows("SELECT * FROM raw.crm_lead ORDER BY ALL")
    where.put("2026-06/Leads.csv", content)
    report = where.collect()
    (refusal,) = report.refusals
    assert refusal.problem.code == code and refusal.file_path == "crm/2026-06/Leads.csv"
    assert words in refusal.problem.text("what")
    for language in ("en", "fr"):
        assert all(refusal.problem.text(part, language) for part in ("what", "why", "next"))
    assert where.rows("SELECT * FROM raw.crm_lead ORDER BY ALL") == kept
    assert where.rows("SELECT error_code, file_path FROM collect.refusals") == [
        (code, "crm/2026-06/Leads.csv")
    ]
    assert where.collect().refusals == report.refusals
    where.put("2026-06/Leads.csv", GOOD.replace("1,a", "7,a"))
    assert where.collect().refusals == ()


def test_a_missing_required_file_is_refused_and_the_others_land(site: Callable[..., Site]) -> None:
    more = LEADS.replace(
        "tables:",
        '  users: {path: "{date}/Users.csv", format: delimited, delimiter: ",", expected_columns: [2]}\n'
        "tables:",
    )
    where = site(more)
    where.put("2026-06/Leads.csv", GOOD)
    report = where.collect()
    assert [r.problem.code for r in report.refusals] == ["E-ING-001"]
    assert report.kept == 2


def test_a_header_without_rows_is_accepted_with_a_warning(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", LEAD_HEADER)
    report = where.collect()
    assert not report.refusals and "header_only" in {w["control"] for w in report.warnings}


def test_bad_lines_refuse_the_file_when_the_mapping_says_so(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace("delimiter:", "on_bad_line: refuse\n    delimiter:"))
    where.put("2026-06/Leads.csv", GOOD + "3,too,few\n")
    assert codes(where) == ["E-ING-008"]


def test_undecodable_lines_are_quarantined_when_the_mapping_says_so(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace("delimiter:", "on_undecodable: quarantine\n    delimiter:"))
    where.put(
        "2026-06/Leads.csv",
        GOOD.encode() + b"3,\xff@x.fr,Open,2026-06-01 10:00:00,C\n4,,Open,2026-06-01 10:00:00,D\n",
    )
    report = where.collect()
    assert report.kept == 3 and not report.imbalances
    assert where.rows("SELECT _source_row_id, reason_code FROM collect.quarantine_lines") == [
        (4, "undecodable_bytes")
    ]


@pytest.mark.audit("CO2")
def test_unmapped_values_refuse_the_file_when_the_mapping_says_so(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace("Lost: disqualified}", "Lost: disqualified}, on_unmapped: refuse"))
    where.put("2026-06/Leads.csv", GOOD + "3,,Zzz,2026-06-01 10:00:00,C\n")
    report = where.collect()
    assert [r.problem.code for r in report.refusals] == ["E-ING-010"]
    assert "'Zzz'" in report.refusals[0].problem.text("what")


@pytest.mark.audit("CO6")
@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"rows": 2, "min": {"Created": "2026-06-01"}}, None),
        ({"rows": 3}, "E-ING-009"),
        ({"max": {"Created": "2026-06-30"}}, "E-ING-009"),
        ({"row": 3}, "E-ING-017"),
    ],
)
def test_control_totals_that_came_with_the_file_are_checked(
    site: Callable[..., Site], manifest: dict, code: str | None
) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    where.put("2026-06/Leads.csv.manifest.json", json.dumps(manifest))
    assert codes(where) == ([code] if code else [])


def test_a_drop_in_volume_is_a_warning(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-05/Leads.csv", LEAD_HEADER + "".join(version(i, "A", 1) for i in range(10)))
    where.put("2026-06/Leads.csv", LEAD_HEADER + version(1, "A", 1))
    assert "volume" in {w["kind"] for w in where.collect().warnings}


@pytest.mark.parametrize(
    "path",
    [
        "crm/2026-06/leads.csv", "crm/2026-06/Leads.CSV", "crm/2026-06/Leads .csv", "crm/2026-06/new/Leads.csv",
        "crm/Leads.csv", "CRM/2026-06/Leads.csv", "2026-06/Leads.csv", "crm/2026-13/Leads.csv",
        "backup/crm/2026-06/Leads.csv",
    ],
)  # fmt: skip
def test_a_path_that_nearly_matches_is_refused_with_the_pattern(site: Callable[..., Site], path: str) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    where.put(f"../{path}", GOOD.replace("1,a", "7,a"))
    (refusal,) = where.collect().refusals
    assert (refusal.problem.code, refusal.file_path) == ("E-ING-018", path)
    for language in ("en", "fr"):
        assert "crm/{date}/Leads.csv" in refusal.problem.text("what", language)
        assert "crm/{date}/Leads.csv" in refusal.problem.text("next", language)
    assert where.rows("SELECT count(*) FROM raw.crm_lead") == [(2,)]
    (told,) = read_refusals(where.root / "work")
    assert "crm/{date}/Leads.csv" in told.next_fr and "crm/{date}/Leads.csv" in told.next_en


def test_other_files_that_nobody_reads_are_listed_wherever_they_lie(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    for path in ("README.txt", "2026-06/Leads_2.csv", "../finance/rates.csv"):
        where.put(path, "x")
    assert where.collect().refusals == ()
    assert where.rows(
        "SELECT file_path FROM collect.control_results WHERE control = 'unmapped_file' ORDER BY 1"
    ) == [("crm/2026-06/Leads_2.csv",), ("crm/README.txt",), ("finance/rates.csv",)]


def test_sources_that_share_a_folder_do_not_refuse_each_others_files(site: Callable[..., Site]) -> None:
    where = site()
    other = LEADS.replace("{date}/Leads.csv", "{date}/leads.csv")
    (where.root / "other.yml").write_text(textwrap.dedent(other))
    company = where.root / "company.yml"
    company.write_text(company.read_text() + "  - {instance: crm_2, mapping: other.yml, folder: crm}\n")
    where.put("2026-06/Leads.csv", GOOD)
    where.put("2026-06/leads.csv", GOOD.replace("1,a", "7,a"))
    report = where.collect()
    assert report.refusals == () and report.kept == 4


def cycle_status(site: Site) -> list[str]:
    site.collect()
    return [
        status
        for (status,) in site.rows(
            "SELECT status FROM collect.control_results WHERE control = 'delivered_for_cycle'"
        )
    ]


def test_a_monthly_file_is_missed_in_the_month_of_the_cycle_and_no_other_file_is(
    site: Callable[..., Site],
) -> None:
    monthly = site(name="monthly")
    monthly.put("2026-05/Leads.csv", GOOD)
    assert cycle_status(monthly) == ["warn"]
    monthly.put("2026-06/Leads.csv", GOOD)  # May's bytes once more: June has still not come
    assert cycle_status(monthly) == ["warn"]
    monthly.put("2026-06/Leads.csv", GOOD.replace("1,a", "7,a"))
    assert cycle_status(monthly) == ["pass"]
    on_change = site(LEADS.replace("delimiter:", "cadence: on_change\n    delimiter:"), name="on_change")
    on_change.put("2026-05/Leads.csv", GOOD)
    assert cycle_status(on_change) == []


def test_two_months_without_a_record_are_two_deliveries_though_their_bytes_are_the_same(
    site: Callable[..., Site],
) -> None:
    where = site()
    where.put("2026-05/Leads.csv", LEAD_HEADER)
    assert cycle_status(where) == ["warn"]
    where.put("2026-06/Leads.csv", LEAD_HEADER)
    assert cycle_status(where) == ["pass"]


def test_a_refused_file_of_the_month_has_come(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-05/Leads.csv", GOOD)
    where.put("2026-06/Leads.csv", b"")
    assert cycle_status(where) == ["pass"] and codes(where) == ["E-ING-002"]


def test_declaring_a_cadence_lands_nothing_again(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    where.collect()
    mapping = where.root / "mapping.yml"
    mapping.write_text(mapping.read_text().replace("delimiter:", "cadence: on_change\n    delimiter:"))
    assert where.collect().landed == ()


LOOKUP = LEADS.replace(
    "tables:",
    '  users: {path: "{date}/Users.csv", format: delimited, delimiter: ",", expected_columns: [2]}\ntables:',
).replace(
    "last_name: Name",
    "last_name: Name\n      owner_id: {lookup: {file: users, match: {Login: Name}, value: Key}}",
)


def test_lookups_take_the_delivery_of_the_date_and_land_again_when_it_changes(
    site: Callable[..., Site],
) -> None:
    where = site(LOOKUP)
    where.put("2026-06/Leads.csv", GOOD)
    assert sorted(codes(where)) == ["E-ING-001", "E-ING-011"]
    where.put("2026-05/Users.csv", "Login,Key\nAnn,u1\nBob,u2\nBob,u3\n")
    assert codes(where) == []
    assert where.rows("SELECT owner_id FROM raw.crm_lead ORDER BY source_record_id") == [("u1",), (None,)]
    assert where.rows("SELECT reason_code, value_before FROM collect.changes") == [
        ("lookup_ambiguous", "Bob")
    ]
    where.put("2026-06/Users.csv", "Login,Key\nAnn,u9\n")
    where.collect()
    assert where.rows("SELECT owner_id FROM raw.crm_lead ORDER BY source_record_id") == [("u9",), (None,)]
    assert where.rows("SELECT reason_code FROM collect.changes") == [("lookup_not_found",)]


def test_one_wide_file_can_fill_one_contract_several_times(site: Callable[..., Site]) -> None:
    mapping = """
    version: 1
    source: {system: mailer}
    files:
      sends: {path: "sends.csv", format: delimited, delimiter: ",", expected_columns: [id, mail, sent,
      opened]}
    tables:
      sent: {contract: email_event, from: sends, columns: {
        source_record_id: {expr: "id || '-sent'"}, message_id: id, recipient_email: mail,
        event_type: {const: sent}, occurred_at: sent}}
      opened: {contract: email_event, from: sends, where: "opened is not null", columns: {
        source_record_id: {expr: "id || '-opened'"}, message_id: id, recipient_email: mail,
        event_type: {const: opened}, occurred_at: opened}}
    """
    where = site(mapping)
    where.put(
        "sends.csv",
        "id,mail,sent,opened\n1,a@x.fr,2026-06-01T10:00:00Z,\n2,b@x.fr,2026-06-01T10:00:00Z,2026-06-02T10:00:00Z\n",
    )
    report = where.collect()
    assert (report.records_in, report.kept) == (4, 3) and not report.imbalances


def test_a_source_taken_out_of_the_company_leaves_raw_and_comes_back(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", GOOD)
    where.collect()
    state = where.state()
    company = where.root / "company.yml"
    text = company.read_text()
    company.write_text(text.split("sources:")[0] + "sources: []\n")
    where.collect()
    assert where.rows("SELECT count(*) FROM raw.crm_lead") == [(0,)]
    company.write_text(text)
    where.collect()
    assert where.state() == state


def test_killed_anywhere_and_run_again_gives_the_same_state(site: Callable[..., Site]) -> None:
    calm = site(name="calm")
    hit = site(name="hit")
    for where in (calm, hit):
        for month in (4, 5, 6):
            where.put(
                f"2026-0{month}/Leads.csv",
                LEAD_HEADER + "".join(version(i, f"N{month}", 1) for i in range(50)),
            )
    calm.collect()
    program = textwrap.dedent(
        """
        import os, signal, sys, ingest.sql, ingest.landing, ingest.dispositions, ingest.collecting, pathlib
        left = int(sys.argv[2])
        replace = os.replace
        def counted(*paths):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*paths)
        os.replace = counted
        ingest.collecting.collect(pathlib.Path(sys.argv[1]))
        """
    )
    killed = 0
    for steps in (1, 5, 9, 14, 22):
        done = subprocess.run(
            [sys.executable, "-c", program, str(hit.root), str(steps)], cwd=Path.cwd(), check=False
        )
        killed += done.returncode == -signal.SIGKILL
    assert killed
    assert not hit.collect().imbalances
    assert hit.state() == calm.state()
    strays = [p for p in (hit.root / "work").rglob("*") if p.name.endswith(".tmp")]
    assert strays == []


@pytest.mark.audit("CO1", "CL1")
def test_every_line_has_exactly_one_fate(site: Callable[..., Site]) -> None:
    where = site()
    lines = ["1,a@x.fr,Open,2026-06-01 10:00:00,A", '2,b@x.fr,Open,2026-06-01 10:00:00,"B', 'C"', "", "3,x",
             "4,,Zzz,2026-06-01 10:00:00,D",
             "1,a@x.fr,Open,2026-06-01 10:00:00,A"]  # fmt: skip
    where.put("2026-06/Leads.csv", LEAD_HEADER + "\n".join(lines) + "\n")
    where.collect()
    fates = [where.fates(f"2026-06/Leads.csv:{line}") for line in range(1, 9)]
    assert [[f.fate_code for f in found] for found in fates] == [
        ["header"], ["exact_duplicate"], ["kept"], ["continuation"], ["blank"], ["quarantined_line"],
        ["quarantined"], ["kept"],
    ]  # fmt: skip
    assert fates[1][0].winner == "crm/2026-06/Leads.csv:8"
    assert [(f.fate_code, f.line) for f in where.fates("1")] == [("kept", 8)]
    with pytest.raises(LookupError):
        where.fates("2026-06/Leads.csv:9")
