"""Fixed-width extracts: characters at their places, every line counted, another layout refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from company_site import Site

import ingest.fixed_width
from ingest.errors import ConfigurationError

MAPPING = """
version: 1
source: {system: erp}
files:
  customers:
    path: "{date}/KUNDEN.TXT"
    format: fixed_width
    encoding: cp850
    skip_rows: 1
    drop_rows_where: "\\"Code\\" = '999999'"
    fields: {Code: [1, 6], Name: [7, 10], Country: [20, 2]}
tables:
  erp_customer:
    from: customers
    columns:
      source_record_id: Code
      code: Code
      name: Name
      country_code: Country
      is_intercompany: {const: false}
"""
LINES = [
    "HEADER",
    "C00001Müller & C###FR",
    "C00002Zoé          BE",
    "",
    "C00003too short  F",
    "C00004Ünï          FRX",
    " " * 21,
    "999999Total        FR",
    "C00005             FR",
]


def text(lines: list[str] = LINES, end: str = "\r\n") -> bytes:
    return (end.join(lines) + end).encode("cp850")


@pytest.mark.parametrize("batch", [2, 3, 50_000])
def test_values_stand_at_their_places(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(ingest.fixed_width, "BATCH", batch)
    where = site(MAPPING)
    where.put("2026-06/KUNDEN.TXT", text())
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert where.rows(
        "SELECT _source_row_id, code, name, country_code, _set_aside FROM raw.erp_customer ORDER BY 1"
    ) == [
        (2, "C00001", "Müller & C", "FR", None),
        (3, "C00002", "Zoé", "BE", None),
        (8, "999999", "Total", "FR", "summary_row"),
        (9, "C00005", None, "FR", "required_value_missing"),
    ]
    assert where.rows(
        "SELECT n_physical_lines, n_header_lines, n_blank_lines, n_record_lines, n_quarantined_lines, "
        "n_records FROM collect.deliveries"
    ) == [(9, 1, 2, 4, 2, 4)]
    assert where.rows(
        "SELECT _source_row_id, reason_code, raw_line, detail FROM collect.quarantine_lines"
    ) == [
        (5, "wrong_line_length", "C00003too short  F", "18 characters, 21 declared"),
        (6, "wrong_line_length", "C00004Ünï          FRX", "22 characters, 21 declared"),
    ]
    kinds = [where.fates(f"2026-06/KUNDEN.TXT:{n}")[0].fate_code for n in range(1, 10)]
    assert kinds == [
        "header", "kept", "kept", "blank", "quarantined_line", "quarantined_line", "blank", "excluded", "quarantined"
    ]  # fmt: skip


def test_cut_trailing_blanks_are_declared(site: Callable[..., Site]) -> None:
    where = site(MAPPING.replace("fields:", "line_length: [7, 26]\n    fields:"))
    where.put(
        "2026-06/KUNDEN.TXT", text(["H", "C1    Ann", "C2    Bob          FR tail", "C3    ", "C4    Z"])
    )
    assert not where.collect().imbalances
    assert where.rows("SELECT _source_row_id, name, country_code FROM raw.erp_customer ORDER BY 1") == [
        (2, "Ann", None), (3, "Bob", "FR"), (5, "Z", None)
    ]  # fmt: skip
    assert where.rows("SELECT _source_row_id FROM collect.quarantine_lines") == [(4,)]


def test_bytes_that_are_no_text_cost_their_line_only(site: Callable[..., Site]) -> None:
    where = site(MAPPING.replace("cp850", "utf-8\n    on_undecodable: quarantine"))
    content = text(["H", "C00001Ann          FR", "C00002Bob          FR"]).replace(b"Bob", b"B\xffb")
    where.put("2026-06/KUNDEN.TXT", content)
    assert not where.collect().imbalances
    assert where.rows("SELECT _source_row_id, reason_code FROM collect.quarantine_lines") == [
        (3, "undecodable_bytes")
    ]
    assert where.rows("SELECT name FROM raw.erp_customer") == [("Ann",)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (text(["H", "C00001;Ann;FR", "C00002;Bob;BE"]), "E-ING-033"),
        (text()[:-2], "E-ING-003"),
        (text().replace(b"\r\n", b"\n")[:-3], "E-ING-003"),
    ],
)
def test_another_layout_and_a_cut_file_are_refused(
    site: Callable[..., Site], content: bytes, code: str
) -> None:
    where = site(MAPPING)
    where.put("2026-06/KUNDEN.TXT", content)
    assert [r.problem.code for r in where.collect().refusals] == [code]


def test_bad_lines_refuse_the_file_when_declared(site: Callable[..., Site]) -> None:
    where = site(MAPPING.replace("skip_rows", "on_bad_line: refuse\n    skip_rows"))
    where.put("2026-06/KUNDEN.TXT", text())
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-008"]


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("Code: [1, 6]", "Code: [0, 6]", "starts at 1"),
        ("Code: [1, 6]", "Code: Code", "start, length"),
        ("fields: {", "line_length: 20\n    fields: {", "ends at 21"),
        ("skip_rows: 1", "delimiter: ';'", "no meaning"),
        ("Name: [7, 10]", "Nom: [7, 10]", "Did you mean: Nom"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(
    site: Callable[..., Site], before: str, after: str, word: str
) -> None:
    where = site(MAPPING.replace(before, after))
    where.put("2026-06/KUNDEN.TXT", text())
    with pytest.raises(ConfigurationError, match=word):
        where.collect()
