"""Damaged extracts: no undamaged row is ever lost, every line is accounted for.

Measured on the readers of common libraries, one damaged row costs its neighbours or passes unseen; here each
kind of damage is planted at a known row and the other rows must all come through, byte for byte.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest import collect

COMPANY = """version: 1
company: site
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
sources:
  - {instance: crm, mapping: mapping.yml, folder: crm}
"""
PLAIN = """version: 1
source: {system: vendor}
files:
  rows:
    path: "rows.csv"
    format: delimited
    delimiter: "%s"
    expected_columns: [7]
    final_newline: optional
    on_undecodable: quarantine
tables:
  crm_account:
    from: rows
    columns: {source_record_id: Id, name: Name, website: Site, city: City, industry: Note, phone: Phone,
    created_at: Day}
defaults: {phone_region: FR}
"""
HEADER = ["Id", "Name", "Site", "City", "Note", "Phone", "Day"]


def row(generator: random.Random, key: int, quoting: str, delimiter: str) -> bytes:
    """One sound record; `quoting` is all, some or none."""
    cells = [
        str(key),
        f"Société {key}",
        f"https://www{key}.example",
        generator.choice(["Lyon", "Lille", ""]),
        generator.choice(["plain", f"one{delimiter} two", 'said "yes"', "two\nlines", ""])
        if quoting != "none"
        else "note",
        "06 12 34 56 78",
        "2026-06-01",
    ]
    text = []
    for cell in cells:
        quoted = quoting == "all" or any(c in cell for c in f'"\n{delimiter}')
        text.append('"' + cell.replace('"', '""') + '"' if quoted else cell)
    return delimiter.join(text).encode()


def drop_field(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line.split(d)[0]


def add_field(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line + d + b"surplus"


def add_empty_field(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line + d


def open_quote(g: random.Random, line: bytes, d: bytes) -> bytes:
    at = line.index(d) + 1
    return line[:at] + b'"' + line[at:].replace(b'"', b"")


def stray_quote_inside(g: random.Random, line: bytes, d: bytes) -> bytes:
    at = len(line) // 2
    return line[:at] + b'"' + line[at:]


def text_after_quote(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line.split(d)[0] + d + b'"closed"x' + d + d.join([b"y"] * 5)


def bad_bytes(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line.replace(b"Soci", b"Soci\xff\xfe")


def nul_bytes(g: random.Random, line: bytes, d: bytes) -> bytes:
    return b"\x00" * 20


def binary_noise(g: random.Random, line: bytes, d: bytes) -> bytes:
    return bytes(g.choice([b for b in range(1, 256) if b not in (10, 13)]) for _ in range(40))


def cut_short(g: random.Random, line: bytes, d: bytes) -> bytes:
    return line[: max(1, line.index(d) + 2)]


def spread_over_two_lines(g: random.Random, line: bytes, d: bytes) -> bytes:
    at = line.index(d) + 3
    return line[:at].replace(b'"', b"") + b"\n" + line[at:].replace(b'"', b"")


def error_message(g: random.Random, line: bytes, d: bytes) -> bytes:
    return b"Fatal error: export interrupted"


DAMAGES: list[Callable[[random.Random, bytes, bytes], bytes]] = [
    drop_field, add_field, add_empty_field, open_quote, stray_quote_inside, text_after_quote, bad_bytes,
    nul_bytes,
    binary_noise, cut_short, spread_over_two_lines, error_message,
]  # fmt: skip


def land(root: Path, delimiter: str, content: bytes) -> tuple[list[tuple], list[tuple], dict[str, int]]:
    """(rows kept by key, quarantined lines, line counts) after one collect, whose ledger must balance."""
    (root / "extracts" / "crm").mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY)
    (root / "mapping.yml").write_text(PLAIN % delimiter)
    (root / "extracts" / "crm" / "rows.csv").write_bytes(content)
    report = collect(root)
    assert report.refusals == () and report.imbalances == ()
    connection = duckdb.connect()
    raw = root / "work" / "raw" / "crm_account" / "*.parquet"
    rows = connection.execute(
        f"SELECT source_record_id, name, website, city, industry, phone, created_at, _source_row_id FROM "
        f"'{raw}'"
    ).fetchall()
    lines = connection.execute(
        f"SELECT _source_row_id, raw_line FROM "
        f"'{root / 'work' / 'collect' / 'quarantine_lines.parquet'}' ORDER BY 1"
    ).fetchall()
    counts = dict(
        connection.execute(
            f"SELECT name, value FROM '{root / 'work' / 'collect' / 'ledger_terms.parquet'}' WHERE term "
            f"IN ('A', 'B')"
        ).fetchall()
    )
    return rows, lines, counts


@pytest.mark.parametrize("quoting", ["none", "some", "all"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_no_undamaged_row_is_lost_or_altered(tmp_path: Path, damage: Callable, quoting: str) -> None:
    for seed in range(2):
        generator = random.Random(f"{damage.__name__}-{quoting}-{seed}")
        delimiter = generator.choice([",", ";", "\t", "|"])
        sound = [row(generator, key, quoting, delimiter) for key in range(40)]
        header = delimiter.join(HEADER).encode()
        clean, _, _ = land(tmp_path / f"clean{seed}", delimiter, b"\n".join([header, *sound]) + b"\n")
        at = generator.randrange(40) if damage is not open_quote else generator.randrange(39)
        damaged = list(sound)
        damaged[at] = damage(generator, sound[at], delimiter.encode())
        content = b"\n".join([header, *damaged]) + b"\n"
        rows, lines, counts = land(tmp_path / f"damaged{seed}", delimiter, content)
        expected = {r[0]: r[:7] for r in clean if r[0] != str(at)}
        found = {r[0]: r[:7] for r in rows if r[0] != str(at)}
        assert {k: v for k, v in found.items() if k in expected} == expected
        assert counts["lines_bytes"] == counts["file_bytes"] == len(content)
        assert counts["physical_lines"] == content.count(b"\n")
        # What is not a sound row is in quarantine, or is a record of its own that the source really wrote.
        begun = content.split(b"\n")
        strangers = [r for r in rows if r[0] not in expected]
        assert len(strangers) <= 1
        assert lines or strangers
        assert all(0 < number <= len(begun) for number, _ in lines)


def test_many_damages_in_one_file_cost_only_themselves(tmp_path: Path) -> None:
    generator = random.Random(7)
    kinds = [d for d in DAMAGES if d is not stray_quote_inside]
    sound = [row(generator, key, "none", ";") for key in range(300)]
    damaged = list(sound)
    for index, at in enumerate(range(5, 300, 9)):
        damaged[at] = kinds[index % len(kinds)](generator, sound[at], b";")
    header = ";".join(HEADER).encode()
    rows, _, counts = land(tmp_path, ";", b"\n".join([header, *damaged]) + b"\n")
    untouched = {str(k) for k in range(300)} - {str(at) for at in range(5, 300, 9)}
    assert untouched <= {r[0] for r in rows}
    assert counts["physical_lines"] == b"\n".join([header, *damaged]).count(b"\n") + 1


def test_a_lost_newline_takes_only_its_one_neighbour(tmp_path: Path) -> None:
    generator = random.Random(3)
    sound = [row(generator, key, "some", ",") for key in range(30)]
    content = b"\n".join([",".join(HEADER).encode(), *sound]) + b"\n"
    joined = content.replace(b"\n" + sound[11], sound[11], 1)
    rows, lines, _ = land(tmp_path, ",", joined)
    assert {str(k) for k in range(30)} - {"10", "11"} <= {r[0] for r in rows}
    assert lines
