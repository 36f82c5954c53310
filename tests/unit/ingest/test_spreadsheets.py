"""Workbooks: a sheet reads like its table as CSV, every row counts, what cannot be believed is refused."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from company_site import Site
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

import ingest.spreadsheets
from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.spreadsheets import spreadsheet_records
from ingest.text_preparation import Prepared

HEADER = ["Id", "Email", "Status", "Created", "Name"]
MAPPING = """
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris}
files:
  leads:
    path: "{date}/Leads.xlsx"
    format: xlsx
    expected_columns: [Id, Email, Status, Created, Name]
    FILE
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: Id
      email: Email
      status: {source: Status, map: {Open: new, Lost: disqualified}}
      is_converted: {const: false}
      created_at: {source: Created, formats: [iso], precision: second}
      last_name: Name
"""
ROWS = [
    [1, "a@x.fr", "Open", dt.datetime(2026, 6, 1, 9, 30), "Ann"],
    [2, "b@x.fr", "Lost", dt.datetime(2026, 6, 2), None],
    ["00017", "c@x.fr", "Open", dt.datetime(2026, 6, 3, 0, 0, 1), "É. Noël"],
]


def mapping(file_keys: str = "") -> str:
    return MAPPING.replace("FILE", file_keys)


def book(
    rows: list[list[Any]], header: list[str] | None = HEADER, **sheets: list[list[Any]]
) -> openpyxl.Workbook:
    result = openpyxl.Workbook()
    result.active.title = "Leads"
    for row in ([header] if header else []) + rows:
        result.active.append(row)
    for name, others in sheets.items():
        sheet = result.create_sheet(name)
        for row in others:
            sheet.append(row)
    return result


def content(workbook: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def changed(workbook: bytes, part: str, old: str, new: str) -> bytes:
    """The workbook with `old` replaced by `new` in one of its parts."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as sink,
    ):
        for info in source.infolist():
            text = source.read(info.filename)
            if info.filename == part:
                assert old.encode() in text
                text = text.replace(old.encode(), new.encode(), 1)
            sink.writestr(info.filename, text)
    return target.getvalue()


def read(path: Path, **keys: Any) -> tuple[list[tuple], Any]:
    """Cells of a workbook as its reader gives them, and the records."""
    spec = FileSpec.model_validate({"path": "x.xlsx", "format": "xlsx", "expected_columns": [5], **keys})
    records = spreadsheet_records(
        Prepared(path, False, path.stat().st_size), spec, set(), path.parent, "x.xlsx"
    )
    return ingest_rows(records.relation), records


def ingest_rows(relation: str) -> list[tuple]:
    import duckdb

    return duckdb.sql(f"SELECT * EXCLUDE (_part) FROM ({relation}) ORDER BY _row").fetchall()


def refused(site: Site) -> list[str]:
    return [refusal.problem.code for refusal in site.collect().refusals]


def test_a_sheet_gives_the_rows_of_the_same_table_as_csv(site: Callable[..., Site]) -> None:
    text = "Id,Email,Status,Created,Name\n"
    text += "1,a@x.fr,Open,2026-06-01 09:30:00,Ann\n2,b@x.fr,Lost,2026-06-02,\n"
    text += "00017,c@x.fr,Open,2026-06-03 00:00:01,É. Noël\n"
    as_text = (
        mapping().replace("format: xlsx", 'format: delimited\n    delimiter: ","').replace(".xlsx", ".csv")
    )
    by_csv = site(as_text, name="csv")
    by_csv.put("2026-06/Leads.csv", text)
    by_sheet = site(mapping(), name="sheet")
    by_sheet.put("2026-06/Leads.xlsx", content(book(ROWS)))
    for one in (by_csv, by_sheet):
        report = one.collect()
        assert (report.refusals, report.imbalances, report.records_in) == ((), (), 3)
    query = "SELECT * EXCLUDE (_delivery_id) FROM raw.crm_lead ORDER BY ALL"
    assert by_sheet.rows(query) == by_csv.rows(query)
    lines = "SELECT term, name, value FROM collect.ledger_terms WHERE term = 'B' ORDER BY name"
    assert by_sheet.rows(lines) == [
        ("B", "blank_lines", 0), ("B", "header_lines", 1), ("B", "physical_lines", 4), ("B", "quarantined_lines", 0),
        ("B", "record_lines", 3), ("B", "repaired_lines", 0),
    ]  # fmt: skip


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**14), 10**14),
    st.text(st.characters(exclude_categories=["C"]), max_size=12),
    st.decimals(-10**6, 10**6, places=3).map(float),
    st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2099, 1, 1)).map(lambda t: t.replace(microsecond=0)),
)  # fmt: skip


def as_csv(value: Any) -> str:
    """What a person would type into a CSV for a cell, written apart from the code under test."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = f"{value:.3f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    if isinstance(value, dt.datetime):
        return (
            f"{value:%Y-%m-%d}" if value.time() == dt.time() else f"{value:%Y-%m-%d %H:%M:%S}".rjust(19, "0")
        )
    return str(value)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=8))
def test_any_table_written_by_openpyxl_reads_like_its_csv(
    tmp_path_factory: Any, rows: list[list[Any]]
) -> None:
    # A text that begins with = is a formula to openpyxl, and one that names an error is that error.
    rows = [["x" + c if isinstance(c, str) and c[:1] in {"=", "#"} else c for c in row] for row in rows]
    path = tmp_path_factory.mktemp("sheet") / "x.xlsx"
    path.write_bytes(content(book(rows)))
    found, records = read(path)
    filled = [(n, row) for n, row in enumerate(rows, start=2) if any(cell not in {None, ""} for cell in row)]
    assert found == [(n, *map(as_csv, row)) for n, row in filled]
    last = filled[-1][0] if filled else 1
    assert (records.lines.physical, records.lines.header, records.lines.record) == (last, 1, len(filled))
    assert records.lines.blank == last - 1 - len(filled)


def test_numbers_dates_and_errors_become_text_by_one_rule(tmp_path: Path) -> None:
    workbook = book(
        [
            [17850.0, 0.1, 1e-7, 1.5e20, -2.50],
            [
                dt.datetime(2026, 1, 31),
                dt.datetime(2026, 1, 31, 23, 59, 59),
                dt.time(8, 5),
                dt.timedelta(hours=26),
                True,
            ],
            ["a\r\nb", "_x000D_c", "007", "1,5", False],
        ]
    )
    workbook.active["B3"].number_format = "dd/mm/yyyy"  # the notation on the screen does not matter
    (tmp_path / "x.xlsx").write_bytes(content(workbook))
    found, _ = read(tmp_path / "x.xlsx")
    assert found == [
        (2, "17850", "0.1", "0.0000001", "150000000000000000000", "-2.5"),
        (3, "2026-01-31", "2026-01-31 23:59:59", "08:05:00", "26:00:00", "true"),
        (4, "a\nb", "\nc", "007", "1,5", "false"),
    ]


def test_the_serial_dates_of_the_1904_system_are_the_same_days(tmp_path: Path) -> None:
    workbook = book([[dt.datetime(2026, 6, 1), 1, 1, 1, 1]])
    workbook.epoch = CALENDAR_MAC_1904
    (tmp_path / "x.xlsx").write_bytes(content(workbook))
    stored = zipfile.ZipFile(tmp_path / "x.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<v>44712</v>" in stored  # 46174 in the 1900 system
    assert read(tmp_path / "x.xlsx")[0] == [(2, "2026-06-01", "1", "1", "1", "1")]


def test_rows_are_accounted_for_and_numbered_as_in_the_sheet(site: Callable[..., Site]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["A1"] = "Leads of June"
    for at, name in enumerate(HEADER, start=1):
        sheet.cell(3, at, name)
    for at, row in ((4, ROWS[0]), (6, ROWS[1]), (7, [*ROWS[2], "beyond"])):
        for column, value in enumerate(row, start=1):
            sheet.cell(at, column, value)
    sheet.cell(8, 1, "Total")
    sheet.cell(8, 2, "3")
    sheet.row_dimensions[6].hidden = True
    sheet.merge_cells("A1:C1")
    sheet.cell(500, 1).font = openpyxl.styles.Font(bold=True)  # formatted, no value: no row
    one = site(mapping('skip_rows: 2\n    drop_rows_where: "\\"Id\\" = \'Total\'"'))
    one.put("2026-06/Leads.xlsx", content(workbook))
    report = one.collect()
    assert (report.refusals, report.imbalances) == ((), ())
    assert one.rows("SELECT _source_row_id, source_record_id, _set_aside FROM raw.crm_lead ORDER BY ALL") == [
        (4, "1", None), (6, "2", None), (8, "Total", "summary_row"),
    ]  # fmt: skip
    assert one.rows("SELECT name, value FROM collect.ledger_terms WHERE term = 'B' ORDER BY name") == [
        ("blank_lines", 1), ("header_lines", 3), ("physical_lines", 8), ("quarantined_lines", 1), ("record_lines", 3),
        ("repaired_lines", 0),
    ]  # fmt: skip
    assert one.rows("SELECT _source_row_id, reason_code, detail FROM collect.quarantine_lines") == [
        (7, "wrong_field_count", "a value in F7, beyond the last of 5 columns")
    ]
    kinds = ["header", "header", "header", "kept", "blank", "kept", "quarantined_line", "excluded"]
    path = "crm/2026-06/Leads.xlsx"
    assert [one.fates(f"{path}:{n}")[0].fate_code for n in range(1, 9)] == kinds
    query = (
        "SELECT control, level, measured FROM collect.control_results WHERE control LIKE '%\\_%' ESCAPE '\\' "
    )
    controls = {row[0]: row[1:] for row in one.rows(query)}
    assert (controls["hidden_rows"], controls["merged_cells"]) == (("info", "1"), ("info", "1"))


def test_error_cells_are_missing_and_counted(site: Callable[..., Site]) -> None:
    one = site(mapping())
    one.put(
        "2026-06/Leads.xlsx", content(book([[1, "#N/A", "Open", dt.datetime(2026, 6, 1), "#REF!"], ROWS[1]]))
    )
    report = one.collect()
    assert report.imbalances == ()
    assert one.rows("SELECT email, last_name FROM raw.crm_lead WHERE source_record_id = '1'") == [
        (None, None)
    ]
    found = one.rows(
        "SELECT status, measured, params FROM collect.control_results WHERE control = 'error_cells'"
    )
    assert [row[:2] for row in found] == [("warn", "2")]
    assert json.loads(found[0][2])["detail"] == "B2 (#N/A)"


def test_numbers_that_a_sheet_cannot_hold_are_counted(site: Callable[..., Site]) -> None:
    one = site(mapping())
    made = dt.datetime(2026, 6, 1)
    lines = [
        [999999999999999, "a@x.fr", "Open", made, "0123456789012345678"],  # 15 digits, and a text
        [1234567890123456789, "b@x.fr", "Open", made, 0.1 + 0.2],
        [3, "c@x.fr", "Open", made, -1234567890123456],
    ]
    one.put("2026-06/Leads.xlsx", content(book(lines)))
    assert one.collect().imbalances == ()
    found = one.rows(
        "SELECT status, measured, params FROM collect.control_results WHERE control = 'long_numbers'"
    )
    assert [row[:2] for row in found] == [("warn", "2")]
    assert json.loads(found[0][2])["detail"] == "A3"


def test_a_formula_that_nobody_computed_refuses_the_file(site: Callable[..., Site]) -> None:
    one = site(mapping())
    one.put("2026-06/Leads.xlsx", content(book([ROWS[0], [2, "a@x.fr", "Open", "=TODAY()", "Ann"]])))
    (refusal,) = one.collect().refusals
    assert (refusal.problem.code, dict(refusal.problem.params)) == ("E-ING-143", {"count": "1", "cell": "D3"})


STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="dd\\/mm\\/yyyy\\ hh:mm"/></numFmts><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def by_hand(rows: str, texts: str) -> bytes:
    """A workbook as Excel writes it, texts shared, with the prefix x that other programs use."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts = {"workbook": "sheet.main", "styles": "styles", "sharedStrings": "sharedStrings"}
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{kinds}{kind}+xml"/>'
        for name, kind in parts.items()
    )
    overrides += f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}worksheet+xml"/>'
    targets = {"rId1": ("worksheet", "worksheets/sheet1"), "rId2": ("styles", "styles")}
    targets |= {"rId3": ("sharedStrings", "sharedStrings")}
    relations = "".join(
        f'<Relationship Id="{key}" Type="{links}/{kind}" Target="{name}.xml"/>'
        for key, (kind, name) in targets.items()
    )
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">{overrides}</Types>'.encode(),
            "xl/workbook.xml": (
                f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="Leads" sheetId="1" r:id="rId1"/>'
                f"</sheets></workbook>"
            ).encode(),
            "xl/_rels/workbook.xml.rels": (
                f'<Relationships xmlns="{package}/relationships">{relations}</Relationships>'
            ).encode(),
            "xl/styles.xml": STYLES.encode(),
            "xl/sharedStrings.xml": f'<sst xmlns="{main}">{texts}</sst>'.encode(),
            "xl/worksheets/sheet1.xml": (
                f'<x:worksheet xmlns:x="{main}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
            ).encode(),
        }
    )  # fmt: skip


def test_shared_texts_formulas_and_gaps_are_read_as_excel_writes_them(tmp_path: Path) -> None:
    header = "".join(f'<x:c t="s"><x:v>{at}</x:v></x:c>' for at in range(5))
    rows = (
        f"<x:row>{header}</x:row>"
        '<x:row r="4" spans="1:5"><x:c r="A4" t="s"><x:v>5</x:v></x:c><x:c r="C4" t="str"><x:f>A4&amp;"x"</x:f>'
        '<x:v>Annx</x:v></x:c><x:c r="D4" s="1"><x:v>46174.395833333336</x:v></x:c>'
        '<x:c r="E4" t="str"><x:f>""</x:f><x:v></x:v></x:c></x:row>'
        '<x:row r="5"><x:c r="A5"><x:v>1.1000000000000001</x:v></x:c><x:c r="B5"><x:v>123456789012</x:v></x:c>'
        '<x:c r="D5" t="d"><x:v>2026-06-01T09:30:00</x:v></x:c></x:row>'
    )
    texts = "".join(f"<si><t>{name}</t></si>" for name in HEADER)
    texts += '<si><r><t xml:space="preserve">Ann </t></r><r><t>of_x000D_\nRennes</t></r></si>'
    (tmp_path / "x.xlsx").write_bytes(by_hand(rows, texts))
    found, records = read(tmp_path / "x.xlsx")
    assert found == [
        (4, "Ann of\nRennes", "", "Annx", "2026-06-01 09:30:00", ""),
        (5, "1.1", "123456789012", "", "2026-06-01 09:30:00", ""),
    ]
    assert (list(records.names), records.lines.blank) == (HEADER, 2)
    (tmp_path / "x.xlsx").write_bytes(by_hand(rows.replace("<x:v>5<", "<x:v>99<"), texts))
    with pytest.raises(RefusedFile, match="E-ING-013"):
        read(tmp_path / "x.xlsx")


def test_the_sheet_is_named_or_the_only_visible_one(site: Callable[..., Site]) -> None:
    other = [["Key", "Value"], ["a", 1]]
    two = book(ROWS, Options=other)
    ambiguous = site(mapping(), name="two")
    ambiguous.put("2026-06/Leads.xlsx", content(two))
    (refusal,) = ambiguous.collect().refusals
    assert refusal.problem.code == "E-ING-142"
    assert "'Leads', 'Options'" in refusal.problem.text("what")
    for name, key in {"by_name": "sheet: Leads", "by_number": "sheet: 1"}.items():
        one = site(mapping(key), name=name)
        one.put("2026-06/Leads.xlsx", content(two))
        assert (one.collect().refusals, one.collect().records_in) == ((), 3)
    missing = site(mapping("sheet: Lead"), name="missing")
    missing.put("2026-06/Leads.xlsx", content(two))
    assert refused(missing) == ["E-ING-142"]
    two["Options"].sheet_state = "hidden"
    hidden = site(mapping(), name="hidden")
    hidden.put("2026-06/Leads.xlsx", content(two))
    assert hidden.collect().records_in == 3


def test_a_header_that_drifted_is_refused_and_a_headerless_sheet_is_read(site: Callable[..., Site]) -> None:
    drifted = site(mapping(), name="drifted")
    drifted.put(
        "2026-06/Leads.xlsx", content(book(ROWS, header=["Id", "E-mail", "Status", "Created", "Name"]))
    )
    (refusal,) = drifted.collect().refusals
    assert refusal.problem.code == "E-ING-007"
    text = mapping().replace("expected_columns:", "header:")
    bare = site(text, name="bare")
    bare.put("2026-06/Leads.xlsx", content(book(ROWS, header=None)))
    report = bare.collect()
    assert (report.refusals, report.records_in) == ((), 3)
    wide = site(text, name="wide")
    wide.put("2026-06/Leads.xlsx", content(book([[*ROWS[0], "more"]], header=None)))
    assert refused(wide) == ["E-ING-006"]


def test_macros_are_not_read_and_change_nothing(site: Callable[..., Site]) -> None:
    plain = content(book(ROWS))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    with zipfile.ZipFile(io.BytesIO(changed(plain, "[Content_Types].xml", kind, macros))) as source:
        parts = {info.filename: source.read(info.filename) for info in source.infolist()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as sink:
        for name, text in {**parts, "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macros"}.items():
            sink.writestr(name, text)
    one = site(mapping().replace(".xlsx", ".xlsm"))
    one.put("2026-06/Leads.xlsm", target.getvalue())
    assert (one.collect().refusals, one.collect().records_in) == ((), 3)


OLE = bytes.fromhex("d0cf11e0a1b11ae1")
BOMB = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


def test_what_is_no_readable_workbook_is_refused_with_the_way_out(site: Callable[..., Site]) -> None:
    good = content(book(ROWS))
    declaration = good and zipfile.ZipFile(io.BytesIO(good)).read("xl/workbook.xml").decode()
    root = declaration[declaration.index("<workbook") :][:20]
    sheet = "xl/worksheets/sheet1.xml"
    cases = {
        "locked": (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "E-ING-140"),
        "old": (OLE + b"\0" * 600, "E-ING-141"),
        "binary": (zipped({"xl/workbook.bin": b"x", "[Content_Types].xml": b"<Types/>"}), "E-ING-141"),
        "ods": (zipped({"content.xml": b"<x/>"}), "E-ING-141"),
        "text": (b"Id;Email\n1;a@x.fr\n", "E-ING-013"),
        "cut": (good[: len(good) // 2], "E-ING-013"),
        "doctype": (changed(good, "xl/workbook.xml", root, BOMB + root), "E-ING-144"),
        "doctype_of_the_sheet": (changed(good, sheet, "<worksheet", BOMB + "<worksheet"), "E-ING-144"),
        "broken_sheet": (changed(good, sheet, "</sheetData>", "</shetData>"), "E-ING-013"),
        "far_row": (changed(good, sheet, '<row r="4"', '<row r="9999999"'), "E-ING-013"),
        "far_column": (changed(good, sheet, '<c r="A4"', '<c r="ZZZ4"'), "E-ING-013"),
        "empty": (content(openpyxl.Workbook()), "E-ING-002"),
        "strict": (
            changed(
                good, "xl/workbook.xml", "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                "http://purl.oclc.org/ooxml/spreadsheetml/main",
            ),
            "E-ING-141",
        ),
    }  # fmt: skip
    for name, (bytes_, code) in cases.items():
        one = site(mapping(), name=name)
        one.put("2026-06/Leads.xlsx", bytes_)
        assert (name, refused(one)) == (name, [code])


def zipped(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as sink:
        for name, text in parts.items():
            sink.writestr(name, text)
    return target.getvalue()


def test_a_workbook_that_expands_too_far_is_refused_before_it_is_expanded(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = site(mapping())
    one.put(
        "2026-06/Leads.xlsx", zipped({"[Content_Types].xml": b"<x/>", "xl/media/a.xml": b" " * (80 << 20)})
    )
    assert refused(one) == ["E-ING-031"]
    monkeypatch.setattr(ingest.spreadsheets, "MAX_SHARED_BYTES", 10)
    texts = site(mapping(), name="texts")
    texts.put("2026-06/Leads.xlsx", content(book(ROWS)))
    assert refused(texts) == ["E-ING-145"]


def test_the_size_that_a_sheet_announces_is_not_believed(tmp_path: Path) -> None:
    workbook = changed(content(book(ROWS)), "xl/worksheets/sheet1.xml", 'ref="A1:E4"', 'ref="A1:B2"')
    (tmp_path / "x.xlsx").write_bytes(workbook)
    assert len(read(tmp_path / "x.xlsx")[0]) == 3


def test_counts_that_differ_refuse_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.xlsx").write_bytes(content(book(ROWS)))
    real = ingest.spreadsheets._rows
    monkeypatch.setattr(
        ingest.spreadsheets, "_rows", lambda *given: (row for row in real(*given) if row[0] != 3)
    )
    with pytest.raises(RefusedFile) as error:
        read(tmp_path / "x.xlsx")
    assert error.value.problem.code == "E-ING-014"


def outcome(path: Path) -> list[tuple] | None:
    """Rows of a workbook; None when it is refused. Anything else is a failure of the test."""
    try:
        return read(path)[0]
    except RefusedFile:
        return None


def test_damaged_bytes_are_refused_or_change_nothing(tmp_path: Path) -> None:
    good = content(book(ROWS))
    (tmp_path / "x.xlsx").write_bytes(good)
    expected = read(tmp_path / "x.xlsx")[0]
    generator = random.Random(5)
    for _ in range(120):
        damaged = bytearray(good)
        for _ in range(generator.choice([1, 1, 3])):
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        cut = generator.randrange(len(good)) if generator.random() < 0.2 else len(good)
        (tmp_path / "x.xlsx").write_bytes(bytes(damaged[:cut]))
        assert outcome(tmp_path / "x.xlsx") in (None, expected)


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"]
)
def test_parts_that_say_anything_are_read_or_refused(tmp_path: Path, part: str) -> None:
    good = content(book(ROWS))
    text = zipfile.ZipFile(io.BytesIO(good)).read(part).decode()
    generator = random.Random(part)
    marks = ["-1", "99999999999999999999", "", "<", "&#0;", "é", "NaN", "1e400", "true", '"', "/>", "Z"]
    for _ in range(100):
        at = generator.randrange(len(text))
        size = generator.randrange(12)
        changed_text = text[:at] + generator.choice(marks) + text[at + size :]
        if changed_text == text:
            continue
        (tmp_path / "x.xlsx").write_bytes(changed(good, part, text, changed_text))
        rows = outcome(tmp_path / "x.xlsx")
        assert rows is None or len(rows) <= 4
