"""Dropped and hashed columns: their values are in no file of work/ but the archive, and the rest is whole."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from company_site import Site

from ingest.errors import ConfigurationError

SALT = "a salt of 24 characters!"
MAPPING = """
version: 1
source: {system: vendor}
files:
  leads:
    path: "{date}/Leads.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Ip, Note, Created, Owner]
    null_values: ["", "-"]
    privacy: {drop: [Note], hash: [Ip]}
  owners:
    path: "Owners.csv"
    format: delimited
    delimiter: ","
    expected_columns: [2]
    privacy: {hash: [Address]}
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: Id
      first_name: Ip
      last_name: {lookup: {file: owners, match: {Address: Ip}, value: Name}}
      status: {const: new}
      is_converted: {const: false}
      created_at: Created
"""
LEADS = (
    "Id,Ip,Note,Created,Owner\n1, 10.9.8.7 ,SECRET-NOTE,2026-06-01,x\n2,-,SECRET-NOTE,2026-06-01,x\n"
    '3,10.9.8.7,SECRET-NOTE\n4,10.9.8.7,"SECRET-NOTE, in two\nlines",2026-06-01,x\n'
)
OWNERS = "Address,Name\n10.9.8.7,Ann\n"
SECRETS = (b"SECRET-NOTE", b"10.9.8.7", SALT.encode())


def salted(value: str) -> str:
    return hashlib.sha256(f"{SALT}\x1f{value}".encode()).hexdigest()


@pytest.fixture
def private(site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    """A Site with the salt in the environment and both files delivered."""
    monkeypatch.setenv("ETALON_PRIVACY_SALT", SALT)

    def make(mapping: str = MAPPING, leads: str = LEADS, name: str = "site") -> Site:
        where = site(mapping, name=name)
        where.put("2026-06/Leads.csv", leads)
        where.put("Owners.csv", OWNERS)
        return where

    return make


def written(work: Path) -> dict[str, bytes]:
    """Every file of work/ but the archive; Parquet as text, so that no compression hides a value."""
    found = {}
    for path in work.rglob("*"):
        if path.is_file() and "archive" not in path.parts:
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += str(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()).encode()
            found[str(path)] = content
    return found


def test_values_are_dropped_or_hashed_and_rows_are_whole(private: Callable[..., Site]) -> None:
    where = private()
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert where.rows("SELECT source_record_id, first_name, last_name FROM raw.crm_lead ORDER BY 1") == [
        ("1", salted("10.9.8.7"), "Ann"), ("2", None, None), ("4", salted("10.9.8.7"), "Ann")
    ]  # fmt: skip
    assert where.rows(
        "SELECT _source_row_id, reason_code, raw_line, detail FROM collect.quarantine_lines"
    ) == [(4, "wrong_field_count", "", "3 fields, 5 declared")]
    assert not [
        (name, s) for name, content in written(where.root / "work").items() for s in SECRETS if s in content
    ]
    fates = [where.fates(f"2026-06/Leads.csv:{line}")[0] for line in (4, 6)]
    assert [fate.fate_code for fate in fates] == ["quarantined_line", "continuation"]
    assert not any("SECRET" in str(fate) for fate in fates)
    assert not where.collect().changed


def test_another_salt_lands_again(private: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> None:
    where = private()
    where.collect()
    monkeypatch.setenv("ETALON_PRIVACY_SALT", SALT[::-1])
    assert where.collect().landed
    ((value,),) = where.rows("SELECT first_name FROM raw.crm_lead WHERE source_record_id = '1'")
    assert value == hashlib.sha256(f"{SALT[::-1]}\x1f10.9.8.7".encode()).hexdigest()


def test_the_salt_may_stand_in_company_yml(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ETALON_PRIVACY_SALT", raising=False)
    where = site(MAPPING)
    where.put("2026-06/Leads.csv", LEADS)
    where.put("Owners.csv", OWNERS)
    with pytest.raises(ConfigurationError, match="E-ING-120"):
        where.collect()
    company = where.root / "company.yml"
    plain = company.read_text(encoding="utf-8")
    company.write_text(plain + "privacy_salt: short\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="16"):
        where.collect()
    company.write_text(plain + f'privacy_salt: "{SALT}"\n', encoding="utf-8")
    where.collect()
    assert (salted("10.9.8.7"),) in where.rows("SELECT first_name FROM raw.crm_lead")


@pytest.mark.parametrize("form", ["jsonl", "gzip", "together"])
def test_every_reader_is_covered(private: Callable[..., Site], form: str) -> None:
    if form == "together":
        where = private(leads=LEADS.replace("3,10.9.8.7,SECRET-NOTE\n", ""))
        for month in (3, 4, 5):
            where.put(
                f"2026-0{month}/Leads.csv", LEADS.replace("1,", f"1{month},").replace("4,", f"4{month},")
            )
    elif form == "gzip":
        where = private(
            MAPPING.replace("Leads.csv", "Leads.gz").replace(
                "delimited", "delimited\n    compression: gzip", 1
            )
        )
        (where.root / "extracts" / "crm" / "2026-06" / "Leads.csv").unlink()
        where.put("2026-06/Leads.gz", gzip.compress(LEADS.encode()))
    else:
        leads = MAPPING.split("  leads:")[1].split("  owners:")[0]
        json_leads = (
            '\n    path: "{date}/Leads.csv"\n    format: jsonl\n    fields: [Id, Ip, Note, Created]\n'
            "    privacy: {drop: [Note], hash: [Ip]}\n"
        )
        lines = '{"Id":"1","Ip":"10.9.8.7","Note":"SECRET-NOTE","Created":"2026-06-01"}\n{"Ip":"10.9.8.7",\n'
        where = private(MAPPING.replace(leads, json_leads), lines)
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert (salted("10.9.8.7"), "Ann") in where.rows("SELECT first_name, last_name FROM raw.crm_lead")
    assert not [
        (name, s) for name, content in written(where.root / "work").items() for s in SECRETS if s in content
    ]


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("first_name: Ip", "first_name: Note", "Note is dropped"),
        ("first_name: Ip", 'first_name: {expr: "left(\\"Note\\", 3)"}', "Note is dropped"),
        ("first_name: Ip", "email: Ip", "only fill text"),
        ("drop: [Note]", "drop: [Notes]", "Did you mean: Note"),
        ("drop: [Note]", "drop: [Ip]", "each once"),
        ("drop: [Note], hash: [Ip]", "remove: [Note]", "Unknown key remove"),
        ("{hash: [Address]}", "{drop: [Address]}", "Address is dropped"),
    ],
)
def test_privacy_that_would_not_hold_is_refused(
    private: Callable[..., Site], before: str, after: str, word: str
) -> None:
    with pytest.raises(ConfigurationError, match=word):
        private(MAPPING.replace(before, after)).collect()


def test_a_column_that_changed_its_name_does_not_get_through(private: Callable[..., Site]) -> None:
    where = private(
        MAPPING.replace("[Id, Ip, Note, Created, Owner]", "[5]"), LEADS.replace(",Note,", ",Notes,")
    )
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-007"]


def test_texts_of_calendars_are_dropped(private: Callable[..., Site]) -> None:
    where = private(
        """
version: 1
source: {system: meetings}
files:
  meetings:
    path: "*.ics"
    format: ics
    privacy: {drop: [SUMMARY, LOCATION], hash: [CN]}
tables:
  calendar_attendee:
    from: meetings
    stream: attendees
    columns:
      source_record_id: {hash: [UID, ATTENDEE]}
      event_key: CN
      email: ATTENDEE
      response: {const: none}
"""
    )
    event = "BEGIN:VEVENT\nUID:u{0}\nSUMMARY:SECRET-NOTE\nDTSTART:2026070{0}T080000Z\n{1}END:VEVENT\n"
    people = "ATTENDEE;CN=10.9.8.7:mailto:bob@y.fr\n"
    broken = "ATTENDEE;10.9.8.7 SECRET-NOTE\n"
    where.put("a.ics", f"BEGIN:VCALENDAR\n{event.format(1, people)}{event.format(2, broken)}END:VCALENDAR\n")
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert where.rows("SELECT event_key, email FROM raw.calendar_attendee") == [
        (salted("10.9.8.7"), "bob@y.fr")
    ]
    assert where.rows("SELECT count(*), max(raw_line || detail) FROM collect.quarantine_lines") == [(6, "")]
    assert not [
        (name, s) for name, content in written(where.root / "work").items() for s in SECRETS if s in content
    ]
