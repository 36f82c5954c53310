"""Compressed extracts: the same rows as the text inside, every byte of it counted, bombs and damage refused."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site

from ingest import compressed
from ingest.errors import RefusedFile
from ingest.mapping import FileSpec

TEXT = (
    LEAD_HEADER
    + "1,a@x.fr,Open,2026-06-01 10:00:00,Zoé\n"
    + "broken,line\n"
    + "2,b@x.fr,Lost,2026-06-02 10:00:00,Bob\n"
).encode()


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return target.getvalue()


def declared(compression: str, path: str, extra: str = "") -> str:
    return LEADS.replace(
        'path: "{date}/Leads.csv"', f'path: "{{date}}/{path}"\n    compression: {compression}{extra}'
    )


def rows(site: Site) -> list[tuple]:
    return site.rows("SELECT * EXCLUDE (_delivery_id) FROM raw.crm_lead ORDER BY _source_row_id")


def refusal(site: Site) -> str:
    (found,) = site.collect().refusals
    return found.problem.code


@pytest.mark.parametrize(
    ("compression", "path", "content"),
    [
        ("gzip", "Leads.csv.gz", gzip.compress(TEXT)),
        ("gzip", "Leads.csv.gz", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        ("zip", "Leads.zip", zipped(deep__Leads_csv=TEXT)),
    ],
)
def test_the_text_inside_is_read_and_counted(
    site: Callable[..., Site], compression: str, path: str, content: bytes
) -> None:
    plain = site(name="plain")
    plain.put("2026-06/Leads.csv", TEXT)
    plain.collect()
    where = site(declared(compression, path))
    where.put(f"2026-06/{path}", content)
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert (report.records_in, report.totals[0].quarantined_lines) == (2, 1)
    assert rows(where) == rows(plain)
    terms = dict(where.rows("SELECT name, value FROM collect.ledger_terms WHERE contract IS NULL"))
    assert terms["file_bytes"] == terms["lines_bytes"] == len(TEXT)
    assert [terms[n] for n in ("physical_lines", "header_lines", "record_lines", "quarantined_lines")] == [
        4, 1, 2, 1
    ]  # fmt: skip
    assert where.rows("SELECT file_bytes, text_bytes FROM collect.deliveries") == [(len(content), len(TEXT))]
    (archived,) = [p for p in (where.root / "work" / "archive").rglob("*") if p.is_file()]
    assert archived.read_bytes() == content
    assert not list((where.root / "work" / "tmp").rglob("*expanded*"))
    assert where.fates(f"2026-06/{path}:1")[0].fate_code == "header"
    assert not where.collect().changed


def test_a_text_that_must_be_decoded_is_expanded_first(site: Callable[..., Site]) -> None:
    where = site(declared("gzip", "Leads.csv.gz", "\n    encoding: cp1252"))
    text = TEXT.decode().replace("\n", "\r\n").encode("cp1252")
    where.put("2026-06/Leads.csv.gz", gzip.compress(text))
    assert not where.collect().imbalances
    assert where.rows("SELECT last_name FROM raw.crm_lead ORDER BY 1") == [("Bob",), ("Zoé",)]
    assert ("file_bytes", len(text)) in where.rows("SELECT name, value FROM collect.ledger_terms")


@pytest.mark.parametrize("at", [1, 9, 30, -9, -1])
def test_a_cut_archive_is_refused_whole(site: Callable[..., Site], at: int) -> None:
    where = site(declared("gzip", "Leads.csv.gz"))
    where.put("2026-06/Leads.csv.gz", gzip.compress(TEXT)[:at])
    assert refusal(where) == "E-ING-030"
    other = site(declared("zip", "Leads.zip"), name="zip")
    other.put("2026-06/Leads.zip", zipped(Leads_csv=TEXT)[:at])
    assert refusal(other) == "E-ING-030"


@pytest.mark.parametrize(("compression", "path"), [("gzip", "Leads.csv.gz"), ("zip", "Leads.zip")])
def test_a_flipped_byte_is_refused(site: Callable[..., Site], compression: str, path: str) -> None:
    content = bytearray(gzip.compress(TEXT) if compression == "gzip" else zipped(Leads_csv=TEXT))
    content[70] ^= 0x10
    where = site(declared(compression, path))
    where.put(f"2026-06/{path}", bytes(content))
    assert refusal(where) == "E-ING-030"


def test_an_encrypted_member_is_refused(site: Callable[..., Site]) -> None:
    content = bytearray(zipped(Leads_csv=TEXT))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    where = site(declared("zip", "Leads.zip"))
    where.put("2026-06/Leads.zip", bytes(content))
    assert refusal(where) == "E-ING-030"


@pytest.mark.parametrize("compression", ["gzip", "zip"])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    bomb = LEAD_HEADER.encode() + b"0" * (8 << 20)
    content = gzip.compress(bomb) if compression == "gzip" else zipped(Leads_csv=bomb)
    assert len(bomb) > compressed.MAX_RATIO * len(content)
    where = site(declared(compression, "Leads.bin"))
    where.put("2026-06/Leads.bin", content)
    monkeypatch.setattr(compressed, "ALWAYS_EXPANDED_BYTES", 1 << 20)
    monkeypatch.setattr(compressed, "CHUNK", 1 << 16)
    assert refusal(where) == "E-ING-031"
    monkeypatch.setattr(compressed, "MAX_EXPANDED_BYTES", 100)
    other = site(declared(compression, "Leads.bin"), name="small")
    small = gzip.compress(TEXT) if compression == "gzip" else zipped(Leads_csv=TEXT)
    other.put("2026-06/Leads.bin", small)
    assert refusal(other) == "E-ING-031"


def test_a_zip_of_several_files_needs_a_member(site: Callable[..., Site]) -> None:
    content = zipped(Leads_csv=TEXT, Other_csv=b"x")
    unnamed = site(declared("zip", "Export.zip"), name="unnamed")
    unnamed.put("2026-06/Export.zip", content)
    assert refusal(unnamed) == "E-ING-032"
    named = site(declared("zip", "Export.zip", "\n    member: Lead*.csv"))
    named.put("2026-06/Export.zip", content)
    assert named.collect().records_in == 2


TWO = (
    declared("zip", "Export.zip", "\n    member: Leads.csv").replace(
        "tables:",
        """  contacts:
    path: "{date}/Export.zip"
    format: delimited
    compression: zip
    member: Contacts.csv
    delimiter: ";"
    expected_columns: [Id, Name, Created]
tables:
  crm_contact:
    from: contacts
    columns:
      source_record_id: Id
      last_name: Name
      created_at: {source: Created}""",
        1,
    )
)  # fmt: skip


def test_two_entries_read_two_members_of_one_zip(site: Callable[..., Site]) -> None:
    where = site(TWO)
    contacts = b"Id;Name;Created\nc1;Ann;2026-06-01\n"
    where.put("2026-06/Export.zip", zipped(Leads_csv=TEXT, Contacts_csv=contacts))
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert where.rows("SELECT last_name FROM raw.crm_contact") == [("Ann",)]
    assert where.rows("SELECT count(*) FROM raw.crm_lead") == [(2,)]
    terms = where.rows("SELECT value FROM collect.ledger_terms WHERE name = 'file_bytes' ORDER BY 1")
    assert terms == [(len(contacts),), (len(TEXT),)]


def test_a_member_that_is_not_required_may_be_missing(site: Callable[..., Site]) -> None:
    both = declared("zip", "export.zip", "\n    member: Leads.csv").replace(
        "tables:",
        '  users: {path: "{date}/export.zip", compression: zip, member: Users.csv, required: REQUIRED, '
        'format: delimited, delimiter: ",", expected_columns: [2]}\ntables:',
    )
    for required, codes in {"false": [], "true": ["E-ING-032"]}.items():
        where = site(both.replace("REQUIRED", required), name=required)
        where.put("2026-06/export.zip", zipped(Leads_csv=TEXT))
        report = where.collect()
        assert [r.problem.code for r in report.refusals] == codes
        assert report.records_in == 2
    damaged = site(both.replace("REQUIRED", "false"), name="damaged")
    damaged.put("2026-06/export.zip", zipped(Leads_csv=TEXT)[:80])
    assert {r.problem.code for r in damaged.collect().refusals} == {"E-ING-030"}


def test_two_entries_that_read_one_member_are_refused(site: Callable[..., Site]) -> None:
    where = site(TWO.replace("member: Contacts.csv", 'member: "*.csv"'))
    where.put("2026-06/Export.zip", zipped(Leads_csv=TEXT))
    assert "E-ING-004" in {r.problem.code for r in where.collect().refusals}


@pytest.mark.parametrize("compression", ["gzip", "zip"])
def test_any_damage_is_refused_or_changes_nothing(tmp_path: Path, compression: str) -> None:
    generator = random.Random(compression)
    text = b"".join(b"%d,p%d@x.fr\n" % (generator.randrange(10**6), i) for i in range(200))
    sound = gzip.compress(text) if compression == "gzip" else zipped(Leads_csv=text)
    spec = FileSpec(path="a", format="jsonl", fields=["a"], compression=compression)
    path, target = tmp_path / "a", tmp_path / "text"
    refused = 0
    for _ in range(1500):
        content = bytearray(sound)
        for _ in range(generator.choice([1, 1, 4])):
            content[generator.randrange(len(content))] = generator.randrange(256)
        if generator.random() < 0.2:
            content = content[: generator.randrange(len(content))]
        path.write_bytes(content)
        try:
            assert compressed.expand(path, spec, target, "test") == len(text) and target.read_bytes() == text
        except RefusedFile as refusal:
            refused += 1
            assert refusal.problem.code in {"E-ING-030", "E-ING-031", "E-ING-032"} and not target.exists()
    assert 1000 < refused < 1500
