"""The fast and the strict reader, the independent count, encodings and line ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingest.landing
from ingest.reading import FastReaderDisagrees
from ingest.record_count import count_records, has_suspect_continuation, line_shifts
from ingest.strict_reader import RecordParser, StrictOutcome, read_strictly

ROW = "{i},p{i}@x.fr,Open,2026-06-0{d} 10:00:00,{name}\n"


def leads(n: int, name: str = "Zoé") -> str:
    return LEAD_HEADER + "".join(ROW.format(i=i, d=i % 9 + 1, name=name) for i in range(n))


def raw(site: Site) -> list[tuple]:
    return site.rows("SELECT * EXCLUDE (_delivery_id) FROM raw.crm_lead ORDER BY _source_row_id")


def reader_of(site: Site) -> str:
    return site.rows("SELECT reader FROM collect.deliveries")[0][0]


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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='ab,"\n', max_size=60))
def test_the_independent_count_gives_the_lines_on_which_records_begin(tmp_path: Path, text: str) -> None:
    path = tmp_path / "text.csv"
    path.write_text(text, encoding="utf-8", newline="")
    count = count_records(path, 0, ",", '"')
    first, shift = line_shifts(path, 0, '"', 1)
    assert count.physical_lines == text.count("\n") + (bool(text) and not text.endswith("\n"))
    if '"' not in text:
        lines = text.split("\n")
        filled = [number for number, line in enumerate(lines, start=1) if line]
        assert count.records == len(filled)
        numbers = []
        for record in range(1, len(filled) + 1):
            at = max(i for i, start in enumerate(first) if start <= record)
            numbers.append(record + int(shift[at]))
        assert numbers == filled


def test_the_strict_reader_resumes_on_the_line_after_a_damaged_one() -> None:
    lines = ['1,"a', "2,b", '3,c"', "4,d,e", '5,"f"x', "6,g"]
    outcome = StrictOutcome()
    found = list(read_strictly(lines, 1, 2, RecordParser(",", '"', '"'), {}, outcome))
    assert found == [(1, ["1", "a\n2,b\n3,c"]), (6, ["6", "g"])]
    assert [(line, reason) for line, reason, *_ in outcome.quarantine] == [
        (4, "wrong_field_count"), (5, "broken_quoting"),
    ]  # fmt: skip
    assert outcome.n_record_lines + len(outcome.quarantine) == outcome.n_physical_lines


def test_backslash_escapes_and_spaces_around_quotes() -> None:
    assert RecordParser(",", '"', "\\").split('1,"a\\"b\\\\,c",x') == ["1", 'a"b\\,c', "x"]
    assert RecordParser(",", '"', '"').split('1, "a,b" ,x"y"z') == ["1", "a,b", 'x"y"z']
    assert RecordParser(",", None, None).split('1,"a,b') == ["1", '"a', "b"]


def test_a_swallowed_record_is_suspected_across_chunk_borders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.record_count.CHUNK", 16)
    path = tmp_path / "t.csv"
    path.write_text('1,a,b,c,d,"e\n2,a,b,c,d,e\n3,a,b,c,d,f"\n')
    assert has_suspect_continuation(path, 0, ",", '"', 6)
    path.write_text('1,a,b,c,d,"e\nfree text, with one\nend"\n2,a,b,c,d,e\n')
    assert not has_suspect_continuation(path, 0, ",", '"', 6)
