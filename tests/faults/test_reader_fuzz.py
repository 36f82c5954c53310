"""Any bytes under any format: the file is refused with a code, or every byte, line and record of it is accounted for.

No crash, no hang, no silent loss. The examples of the fast tier are always the same; the nightly tier takes many more.
What does NOT belong here: damage with a known truth (test_damage_figures.py).
"""

from __future__ import annotations

import gzip
import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.company import load_company
from ingest.deliveries import Delivery, DeliveryStore
from ingest.landing import Landing
from ingest.mapping import Mapping, load_mapping
from ingest.sql import connect
from ingest.text_preparation import keep_in_archive

COMPANY = """version: 1
company: site
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
sources:
  - {instance: site, mapping: mapping.yml, folder: site}
"""
MAPPING = """version: 1
source: {system: vendor}
files:
  csv: {path: a.csv, format: delimited, delimiter: ",", expected_columns: [Id, Name, Staff], on_undecodable: quarantine}
  plain: {path: a.txt, format: delimited, delimiter: "\t", quote: null, encoding: cp1252, header: [Id, Name, Staff]}
  wide: {path: b.csv, format: delimited, delimiter: ";", escape: '\\', final_newline: optional,
    on_undecodable: quarantine, header: [Id, Name, Staff, D, E, F, G]}
  utf16: {path: u.csv, format: delimited, delimiter: ",", encoding: utf-16, expected_columns: [Id, Name, Staff]}
  jsonl: {path: a.jsonl, format: jsonl, fields: [Id, Name, Staff], on_undecodable: quarantine}
  json: {path: a.json, format: json, fields: {Id: "$.id", Name: "name[0]", Staff: "n"}}
  fixed: {path: a.fix, format: fixed_width, fields: {Id: [1, 2], Name: [3, 5], Staff: [8, 3]},
    on_undecodable: quarantine}
  parquet: {path: a.parquet, format: parquet, expected_columns: [Id, Name, Staff]}
  gzip: {path: a.csv.gz, format: delimited, compression: gzip, delimiter: ",", expected_columns: [Id, Name, Staff]}
  zip: {path: a.zip, format: delimited, compression: zip, delimiter: ",", expected_columns: [Id, Name, Staff]}
  ics: {path: a.ics, format: ics}
tables:
  crm_account: {from: [csv, plain, wide, utf16, jsonl, json, fixed, parquet, gzip, zip],
    columns: {source_record_id: Id, name: Name, employee_count: Staff}}
  calendar_event:
    from: ics
    stream: events
    columns:
      source_record_id: UID
      uid: UID
      starts_at: {source: DTSTART, formats: [iso], timezone: UTC}
      status: {source: STATUS, map: {CONFIRMED: confirmed}, on_unmapped: {default: confirmed}}
"""
CSV = 'Id,Name,Staff\n1,Ann,7\n"2","O""Neil, jr",12\n3,"two\nlines",\n\n4,é,0\n'.encode()
CALENDAR = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VEVENT\r
UID:a\r
DTSTART:20260601T100000Z\r
SUMMARY:one\\, two\r
 folded\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:b\r
DTSTART;TZID=Europe/Paris:20260602T100000\r
RRULE:FREQ=DAILY;COUNT=2\r
END:VEVENT\r
END:VCALENDAR\r
"""


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"Id": [1, 2], "Name": ["Ann", None], "Staff": [7.5, 2.0]}), sink)
    return sink.getvalue()


def _zip(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("rows.csv"), content)
    return sink.getvalue()


SOUND = {
    "csv": CSV,
    "plain": "1\tAnn\t7\r\n2\t\x80uro\t12\r\n".encode("latin-1"),
    "wide": b'1;"a;b";3;d;"e\\"e";;g\n2;x;y;"two\nlines";5;6;7\n',
    "utf16": CSV.decode().encode("utf-16"),
    "jsonl": '{"Id": 1, "Name": "Ann", "Staff": null}\n\n{"Id": "2", "Name": {"é": [1, 2]}, "x": 1e400}\n'.encode(),
    "json": b'[{"id": 1, "name": ["Ann"], "n": 7}, {"id": 2}, 3, "x"]',
    "fixed": b"01Ann    7\n02Zo   12 \n",
    "parquet": _parquet(),
    "gzip": gzip.compress(CSV, mtime=0),
    "zip": _zip(CSV),
    "ics": CALENDAR,
}
MARKS = [
    b'"', b",", b";", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\\", b"{", b"}", b"[", b"]", b"\t",
    b" ", b"\xc2\xa0", b"\xe2\x80\xa8", b"9" * 400, b"[" * 3000, b'"",' * 50, b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n",
    b"DTSTART;TZID=Nowhere:20260230T990000\r\n", b"\\ud800", b'{"Id": 1}\n', b"\x1a", b"1e999999999",
]  # fmt: skip


@st.composite
def contents(draw: st.DrawFn, kind: str) -> bytes:
    """A sound file with pieces put in, cut out, doubled and changed; or arbitrary bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    inside = kind in {"gzip", "zip"} and draw(st.booleans())
    content = CSV if inside else SOUND[kind]
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(content)))
        size = draw(st.integers(0, 40))
        piece = draw(st.sampled_from(MARKS) | st.binary(max_size=4))
        way = draw(st.sampled_from(["put", "cut", "double", "write over"]))
        if way == "put":
            content = content[:at] + piece + content[at:]
        elif way == "cut":
            content = content[:at] + content[at + size :]
        elif way == "double":
            content = content[: at + size] + content[at:]
        else:
            content = content[:at] + piece + content[at + len(piece) :]
    if not inside:
        return content
    return gzip.compress(content, mtime=0) if kind == "gzip" else _zip(content)


@dataclass
class Bench:
    """A company whose files are landed one at a time, through one connection."""

    root: Path
    mapping: Mapping
    connection: duckdb.DuckDBPyConnection
    conversions: dict = field(default_factory=dict)

    def land(self, kind: str, content: bytes) -> Delivery:
        """The record of landing `content` as a file of `kind`."""
        path = self.root / f"extract.{kind}"
        path.write_bytes(content)
        work = self.root / "work"
        facts = keep_in_archive(path, work / "archive")
        planned = Delivery(
            "0123456789ab", "planned", "vendor", "site", "mapping", 1, self.mapping.hash, kind, (path.name,),
            path.name, facts.sha256, facts.size, None, "utf-8", "",
        )  # fmt: skip
        landing = Landing(
            self.connection, DeliveryStore(work), self.mapping, planned, facts=facts, conversions=self.conversions
        )  # fmt: skip
        delivery = landing.land(False)
        archived = work / "archive" / facts.sha256[:2] / facts.sha256
        assert archived.read_bytes() == content
        archived.unlink()
        assert not landing.scratch.exists()
        return delivery

    def check(self, kind: str, content: bytes) -> None:
        """Refused with a code, or accounted for; in bounded time."""
        started = time.process_time()
        delivery = self.land(kind, content)
        assert time.process_time() - started < 10
        work = self.root / "work"
        raw = list((work / "raw").glob("*/site__0123456789ab.parquet"))
        lines = work / "quarantine" / "0123456789ab.parquet"
        if delivery.status == "refused":
            problem = delivery.refusal()
            assert problem and re.fullmatch(r"E-ING-\d{3}", problem.code)
            assert all(
                problem.text(part, language) for part in ("what", "why", "next") for language in ("en", "fr")
            )
            assert not raw and not lines.exists()
            return
        held = delivery.file_bytes if delivery.text_bytes is None else delivery.text_bytes
        assert delivery.n_bytes_read == held
        assert delivery.n_physical_lines == (
            delivery.n_header_lines
            + delivery.n_blank_lines
            + delivery.n_record_lines
            + delivery.n_quarantined_lines
        )
        n_quarantined = pq.read_metadata(lines).num_rows if lines.exists() else 0
        assert n_quarantined == delivery.n_quarantined_lines
        assert sum(pq.read_metadata(path).num_rows for path in raw) == delivery.n_records
        if (text := plain_text(kind, content)) is not None:
            ends = re.findall("\r*\n|\r", text)
            assert delivery.n_physical_lines == len(ends) + (not re.search("[\r\n]$", text))
        if raw and kind not in {"json", "parquet", "ics"}:
            numbers = pq.read_table(raw[0], columns=["_source_row_id"])["_source_row_id"].to_pylist()
            assert len(numbers) == len(set(numbers))
            assert all(delivery.n_header_lines < number <= delivery.n_physical_lines for number in numbers)
            if n_quarantined:
                set_aside = pq.read_table(lines)["_source_row_id"].to_pylist()
                assert len(set(set_aside)) == n_quarantined and not set(set_aside) & set(numbers)


def plain_text(kind: str, content: bytes) -> str | None:
    """Text of a landed file whose lines can be counted from its bytes."""
    if kind in {"json", "parquet", "ics"}:
        return None
    if kind == "gzip":
        content = gzip.decompress(content)
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    return content.decode("utf-16") if kind == "utf16" else content.decode("latin-1")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("fuzz")
    (root / "extracts" / "site").mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY, encoding="utf-8")
    (root / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    company = load_company(root)
    connection = connect(company.work)
    yield Bench(root, load_mapping(company.sources[0], root), connection)
    connection.close()


def test_the_sound_files_land(bench: Bench) -> None:
    for kind, content in SOUND.items():
        delivery = bench.land(kind, content)
        assert delivery.status == "landed" and delivery.n_records >= 2, (kind, delivery.problem)


PROFILE = settings(
    deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.mark.parametrize("kind", list(SOUND))
def test_any_bytes_are_refused_or_accounted_for(bench: Bench, kind: str) -> None:
    @settings(PROFILE, max_examples=40)
    @given(content=contents(kind))
    def run(content: bytes) -> None:
        bench.check(kind, content)

    run()


@pytest.mark.nightly
@pytest.mark.parametrize("kind", list(SOUND))
def test_very_many_bytes_are_refused_or_accounted_for(bench: Bench, kind: str) -> None:
    @settings(PROFILE, derandomize=False, max_examples=3000)
    @given(content=contents(kind))
    def run(content: bytes) -> None:
        bench.check(kind, content)

    run()
