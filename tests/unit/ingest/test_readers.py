"""The fast and the strict reader, the independent count, encodings and line ends."""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from company_site import LEAD_HEADER, LEADS, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingest.landing
from ingest.reading import FastReaderDisagrees
from ingest.record_count import breaks_by_bucket, count_records
from ingest.strict_reader import RecordParser, StrictOutcome, read_strictly
from ingest.text_preparation import inspect_bytes, keep_in_archive, prepare

ROW = "{i},p{i}@x.fr,Open,2026-06-0{d} 10:00:00,{name}\n"


def leads(n: int, name: str = "Zoé") -> str:
    return LEAD_HEADER + "".join(ROW.format(i=i, d=i % 9 + 1, name=name) for i in range(n))


def raw(site: Site) -> list[tuple]:
    return site.rows("SELECT * EXCLUDE (_delivery_id) FROM raw.crm_lead ORDER BY _source_row_id")


def reader_of(site: Site) -> str:
    return site.rows("SELECT reader FROM collect.deliveries")[0][0]


@pytest.mark.audit("CO1")
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("cp850", "cp850"), ("utf-16",
    "utf-16"),
     ("iso-8859-15", "iso-8859-15")],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_declared_encoding_and_line_end_gives_the_same_rows(
    site: Callable[..., Site], encoding: str, declared: str, end: str
) -> None:
    plain = site(name="plain")
    plain.put("2026-06/Leads.csv", leads(5))
    plain.collect()
    other = site(LEADS.replace("delimiter:", f"encoding: {declared}\n    delimiter:"), name="other")
    other.put("2026-06/Leads.csv", leads(5).replace("\n", end).encode(encoding))
    report = other.collect()
    assert not report.refusals and not report.imbalances
    assert raw(other) == raw(plain)
    assert other.rows("SELECT n_physical_lines, n_record_lines, reader FROM collect.deliveries") == [
        (6, 5, "fast")
    ]


def test_utf16_without_the_mark_of_its_byte_order_is_refused(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace("delimiter:", "encoding: utf-16\n    delimiter:"))
    where.put("2026-06/Leads.csv", leads(5).encode("utf-16-le"))
    (refusal,) = where.collect().refusals
    assert refusal.problem.code == "E-ING-005" and "BOM" in refusal.problem.text("what")


def test_a_run_of_carriage_returns_before_a_line_feed_is_one_line_end(site: Callable[..., Site]) -> None:
    where = site()
    ends = ["\r\r\r\n", "\r\r\r\r\n", "\n", "\r", "\r\r\n"]
    rows = leads(5).splitlines()
    where.put("2026-06/Leads.csv", rows[0] + "\n" + "".join(map("".join, zip(rows[1:], ends, strict=True))))
    assert not where.collect().imbalances
    assert where.rows("SELECT n_physical_lines, n_records FROM collect.deliveries") == [(6, 5)]


def test_a_quote_that_stays_open_at_the_end_of_a_file_leaves_the_ledger_in_balance(
    site: Callable[..., Site],
) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(4).removesuffix("Zoé\n") + 'Zo"é\n')
    assert not where.collect().imbalances
    assert where.rows("SELECT source_record_id, last_name FROM raw.crm_lead ORDER BY 1")[-1] == ("3", 'Zo"é')


def test_a_damaged_first_line_of_a_file_without_header_costs_only_itself(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace("expected_columns: [Id", "header: [Id")
    where = site(mapping, name="damaged")
    where.put("2026-06/Leads.csv", 'x,"y\n' + leads(5).removeprefix(LEAD_HEADER))
    assert not where.collect().refusals
    assert where.rows("SELECT _source_row_id FROM collect.quarantine_lines") == [(1,)]
    assert len(raw(where)) == 5
    other = site(mapping, name="other")
    other.put("2026-06/Leads.csv", leads(5).removeprefix(LEAD_HEADER).replace(",", ";"))
    assert [r.problem.code for r in other.collect().refusals] == ["E-ING-006"]


def test_quoted_newlines_and_blank_lines_keep_physical_line_numbers(site: Callable[..., Site]) -> None:
    where = site()
    where.put(
        "2026-06/Leads.csv",
        LEAD_HEADER
        + '1,,Open,2026-06-01 10:00:00,"Ann\nMarie"\n'
        + "\n"
        + "2,,Open,2026-06-01 10:00:00,Bob\n\n\n"
        + '"3",,"Open",2026-06-01 10:00:00,"O""Neil, jr"\n',
    )
    assert not where.collect().imbalances
    assert where.rows("SELECT _source_row_id, last_name FROM raw.crm_lead ORDER BY 1") == [
        (2, "Ann\nMarie"), (5, "Bob"), (8, 'O"Neil, jr'),
    ]  # fmt: skip
    assert reader_of(where) == "fast"
    assert where.rows("SELECT n_physical_lines, n_blank_lines, n_record_lines FROM collect.deliveries") == [
        (8, 3, 4)
    ]


def cell(generator: random.Random) -> str:
    text = "".join(generator.choice('ab ",\n\né;0') for _ in range(generator.randint(0, 9)))
    return (
        '"' + text.replace('"', '""') + '"' if set(text) & set('",\n') or generator.random() < 0.3 else text
    )


@pytest.mark.parametrize("seed", range(6))
def test_fast_and_strict_readers_give_identical_rows_on_clean_files(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    generator = random.Random(seed)
    lines = [f"{i},x{i}@x.fr,Open,2026-06-01 10:00:00,{cell(generator)}\n" for i in range(200)]
    content = LEAD_HEADER + "".join(line + ("\n" if generator.random() < 0.05 else "") for line in lines)
    fast = site(name="fast")
    fast.put("2026-06/Leads.csv", content)
    fast.collect()
    assert reader_of(fast) == "fast"
    monkeypatch.setattr(
        ingest.landing, "fast_records", lambda *_: (_ for _ in ()).throw(FastReaderDisagrees())
    )
    strict = site(name="strict")
    strict.put("2026-06/Leads.csv", content)
    strict.collect()
    assert reader_of(strict) == "strict"
    assert raw(strict) == raw(fast)
    columns = (
        "n_physical_lines, n_header_lines, n_blank_lines, n_record_lines, n_quarantined_lines, n_records"
    )
    query = f"SELECT {columns} FROM collect.deliveries"
    assert strict.rows(query) == fast.rows(query)


def test_a_surplus_separator_at_the_end_of_a_line_is_not_swallowed(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(3).replace("p1@x.fr,Open", "p1@x.fr,,Open").replace("Zoé\n", "\n"))
    assert not where.collect().imbalances
    assert where.rows("SELECT _source_row_id, reason_code FROM collect.quarantine_lines") == [
        (3, "wrong_field_count")
    ]
    assert [r[0] for r in where.rows("SELECT source_record_id FROM raw.crm_lead ORDER BY 1")] == ["0", "2"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='ab,"\n', max_size=200), window=st.sampled_from([1, 7, 64, 100, 1 << 20]))
def test_the_independent_count_gives_the_lines_on_which_records_begin(
    tmp_path: Path, text: str, window: int
) -> None:
    path = tmp_path / "text.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.record_count.WINDOW", window)
        count = count_records(path, 0, ",", '"')
        patch.setattr("ingest.record_count.BUCKET", 4)
        breaks = breaks_by_bucket(count).to_pylist()
    assert count.physical_lines == text.count("\n") + (bool(text) and not text.endswith("\n"))
    begins, line, inside, at_start = [], 1, False, True
    for character in text:
        if at_start and not inside and character != "\n":
            begins.append(line)
        inside ^= character == '"'
        at_start = character == "\n" and not inside
        line += character == "\n"
    assert count.records == len(begins)
    numbers = []
    for record in range(1, len(begins) + 1):
        bucket = breaks[record // 4]
        numbers.append(record + bucket["before"] + sum(first <= record for first in bucket["within"]))
    assert numbers == begins
    assert count.ends_inside_quotes == inside


def strictly(
    path: Path, content: str, n_columns: int, parser: RecordParser, undecodable: dict[int, str] | None = None
) -> tuple[list[tuple], StrictOutcome]:
    """Records of a text through the strict reader, and its counts."""
    path.write_bytes(content.encode())
    outcome = StrictOutcome()
    tables = read_strictly(path, 0, 1, n_columns, parser, undecodable or {}, outcome, "text")
    rows = [tuple(row.values()) for table in tables for row in table.to_pylist()]
    return rows, outcome


def test_the_strict_reader_resumes_on_the_line_after_a_damaged_one(tmp_path: Path) -> None:
    content = '1,"a\n2,b\n3,c"\n4,d,e\n5,"f"x\n6,g'
    found, outcome = strictly(tmp_path / "t.csv", content, 2, RecordParser(",", '"', '"'))
    assert found == [(1, "1", "a\n2,b\n3,c"), (6, "6", "g")]
    assert [(line, reason) for line, reason, *_ in outcome.quarantine] == [
        (4, "wrong_field_count"), (5, "broken_quoting"),
    ]  # fmt: skip
    assert outcome.n_record_lines + len(outcome.quarantine) == outcome.n_physical_lines


PIECES = [
    "a",
    "1",
    ",",
    '"',
    '"',
    "\n",
    "\n",
    '","',
    '""',
    " ",
    "\\",
    "\r",
    "\ufeff",
    "é",
    "\0",
    "a,b,c\n",
    '"x","y","z"\n',
]


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=60),
    n_columns=st.integers(1, 6),
    escape=st.sampled_from(['"', "\\", None]),
    block=st.sampled_from([1, 8, 30, 1 << 20]),
    bad_lines=st.sets(st.integers(1, 12), max_size=3),
)
def test_lines_read_in_bulk_are_those_that_are_read_one_by_one(
    tmp_path: Path, pieces: list[str], n_columns: int, escape: str | None, block: int, bad_lines: set[int]
) -> None:
    parser = RecordParser(",", '"' if escape else None, escape)
    content, undecodable = "".join(pieces), dict.fromkeys(bad_lines, "no text")
    path = tmp_path / "t.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.strict_reader.BLOCK_BYTES", block)
        in_bulk = strictly(path, content, n_columns, parser, undecodable)
        patch.setattr("ingest.strict_reader.BLOCK_BYTES", 1 << 20)
        patch.setattr(
            "ingest.strict_reader.regular_lines", lambda _, starts, *__: np.zeros(len(starts) - 1, bool)
        )
        one_by_one = strictly(path, content, n_columns, parser, undecodable)
    assert in_bulk == one_by_one
    outcome = in_bulk[1]
    assert outcome.n_physical_lines == content.count("\n") + (bool(content) and not content.endswith("\n"))
    assert outcome.n_physical_lines == outcome.n_record_lines + outcome.n_blank_lines + len(
        outcome.quarantine
    )


def test_quotes_that_never_close_take_no_longer_than_the_text_is_long(tmp_path: Path) -> None:
    parser = RecordParser(",", '"', '"')
    texts = ['1,"open\n' + 'a""b\n' * 3000, '1,"open\n' + 'x","y\n' * 3000, '"\n' * 4000, 'a,"\n' * 4000]
    for text in texts:
        started = time.process_time()
        _, outcome = strictly(tmp_path / "t.csv", text * 3, 3, parser)
        assert outcome.n_physical_lines == (text * 3).count("\n")
        assert time.process_time() - started < 5


def test_backslash_escapes_and_spaces_around_quotes() -> None:
    assert RecordParser(",", '"', "\\").split('1,"a\\"b\\\\,c",x') == ["1", 'a"b\\,c', "x"]
    assert RecordParser(",", '"', '"').split('1, "a,b" ,x"y"z') == ["1", "a,b", 'x"y"z']
    assert RecordParser(",", None, None).split('1,"a,b') == ["1", '"a', "b"]


@pytest.mark.parametrize("window", [1, 7, 16, 64, 1 << 20])
def test_a_swallowed_record_is_seen_across_window_borders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr("ingest.record_count.WINDOW", window)
    path = tmp_path / "t.csv"
    path.write_text('1,a,b,c,d,"e\n2,a,b,c,d,e\n3,a,b,c,d,f"\n')
    assert count_records(path, 0, ",", '"').most_in_continuation == 5
    path.write_text('1,a,b,c,d,"e\nfree text, with one\nend"\n2,a,b,c,d,e\n')
    assert count_records(path, 0, ",", '"').most_in_continuation == 1


BYTES = [b"a", b"\r", b"\n", b"\r\n", b"\r\r\n", "é€😀".encode(), b"\xff", b"\xed\xa0\x80", b"\xe2\x82"]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(BYTES), max_size=40),
    chunk=st.sampled_from([1, 2, 3, 5, 1 << 20]),
    encoding=st.sampled_from(["utf-8", "cp1252"]),
)
def test_bytes_become_the_text_that_python_would_make_of_them_whole(
    tmp_path: Path, pieces: list[bytes], chunk: int, encoding: str
) -> None:
    content = b"".join(pieces)
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    lines = re.split(rb"\r*\n|\r", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.text_preparation.CHUNK", chunk)
        patch.setattr("ingest.text_preparation.WINDOW", chunk)
        patch.setattr("ingest.text_preparation.COPIED", chunk)
        facts = inspect_bytes(path)
        assert keep_in_archive(path, tmp_path / "archive") == facts
        prepared = prepare(
            path, facts, encoding=encoding, repair_newlines=True, quarantine_undecodable=True, strip_bom=False,
            scratch=tmp_path / "scratch", where="text", accept_utf8=True,
        )  # fmt: skip
        text = prepared.path.read_bytes().decode().split("\n")
        prepared.close()
    is_utf8 = True
    try:
        content.decode()
    except UnicodeDecodeError:
        is_utf8 = False
    kept = tmp_path / "archive" / facts.sha256[:2] / facts.sha256
    assert kept.read_bytes() == content and hashlib.sha256(content).hexdigest() == facts.sha256
    assert facts.is_utf8 == is_utf8
    assert (facts.size, facts.is_ascii, facts.has_cr) == (len(content), content.isascii(), b"\r" in content)
    assert prepared.n_bytes_read == len(content) and len(text) == len(lines)
    for number, (found, line) in enumerate(zip(text, lines, strict=True), start=1):
        try:
            assert found == line.decode(encoding)
            assert number not in prepared.undecodable
        except UnicodeDecodeError:
            assert number in prepared.undecodable


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OSError, match="named pipe"):
        keep_in_archive(tmp_path / "pipe.csv", tmp_path / "archive")


def test_large_files_that_become_parquet_first_give_the_same_rows(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(4)
    content = LEAD_HEADER + "".join(
        f"{i},x{i}@x.fr,Open,2026-06-01 10:00:00,{cell(generator)}\n"
        + "\n" * generator.choice([0, 0, 0, 1, 3])
        for i in range(3000)
    )
    direct = site(name="direct")
    direct.put("2026-06/Leads.csv", content)
    direct.collect()
    monkeypatch.setattr("ingest.reading.STAGED_BYTES", 0)
    staged = site(name="staged")
    staged.put("2026-06/Leads.csv", content)
    assert not staged.collect().imbalances
    assert raw(staged) == raw(direct) and len(raw(staged)) == 3000
    assert reader_of(direct) == reader_of(staged) == "fast"
    lines = staged.rows("SELECT _source_row_id, source_record_id FROM raw.crm_lead ORDER BY 1")
    text = content.split("\n")
    assert all(text[line - 1].startswith(f"{key},x{key}@") for line, key in lines)
