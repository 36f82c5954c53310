"""Excel workbooks (.xlsx) -> the same relation of text columns that the other readers give.

A sheet is read twice, by two programs: a scan of its XML counts the rows that hold a value and refuses what cannot be
believed (formulas never computed, document types, impossible places), then openpyxl reads the values. Macros are
never loaded, links never followed, formulas never computed here.
What does NOT belong here: delimited text (reading.py), Parquet (table_files.py) and types (conversion.py).
"""

from __future__ import annotations

import csv
import datetime as dt
import errno
import re
import warnings
import xml.parsers.expat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ingest.compressed import DAMAGE, expansion_limit
from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.reading import LineCounts, Note, Records, check_header, check_width, positions
from ingest.sql import literal
from ingest.strict_reader import Quarantined, tables_of, write_records
from ingest.text_preparation import CHUNK, Prepared

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384  # those of the format itself
# The shared texts of a workbook are held in memory while one of its sheets is read.
MAX_SHARED_BYTES = 256 << 20
MAX_PARTS = 10_000
EXACT_WHOLE = 1 << 53
LONG_NUMBER = 1e15  # a sheet keeps 15 digits of a number: the rest of it is already lost
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED = re.compile(r"_x000([9AaDd])_")  # tabs and line ends inside texts


@dataclass
class Scan:
    """What the XML of one sheet shows. Rows are numbered from 1, as in the sheet.

    last: the last row with a value; below it there is nothing. widest: the last column with a value. filled: rows with
    a value after the header. wide: row -> place of its first value beyond the last column. uncomputed: formulas
    without a value. long_numbers: whole numbers of more digits than a sheet can hold.
    """

    header_row: int
    width: int
    last: int = 0
    widest: int = 0
    filled: int = 0
    wide: dict[int, str] = field(default_factory=dict)
    hidden: int = 0
    errors: int = 0
    first_error: str = ""
    long_numbers: int = 0
    first_long: str = ""
    uncomputed: int = 0
    first_uncomputed: str = ""
    merged: int = 0


def spreadsheet_records(
    prepared: Prepared, spec: FileSpec, used: set[str], scratch: Path, where: str
) -> Records:
    """Rows of one sheet, every cell as text; as many as the scan of its XML counted.

    used: column names that the mapping reads. Raises RefusedFile: E-ING-002 (no value), E-ING-006/007 (columns),
    E-ING-013 (no workbook, damaged), E-ING-014 (counts differ), E-ING-031 (expands too far), E-ING-140 to 145.
    """
    with _opened(prepared.path, where) as archive, prepared.path.open("rb") as stream:
        sheet = _sheet(stream, spec, where)
        fixed = len(spec.header) if isinstance(spec.header, list) else 0
        scan = _Scanner(spec.skip_rows if fixed else spec.skip_rows + 1, fixed, where).scan(
            archive, sheet.path
        )
        if scan.uncomputed:
            raise RefusedFile("E-ING-143", where, count=scan.uncomputed, cell=scan.first_uncomputed)
        if not scan.last:
            raise RefusedFile("E-ING-002", where)
        rows = _rows(sheet.content, scan, where)
        header = [next(rows) for _ in range(min(scan.header_row, scan.last))]
        if isinstance(spec.header, list):
            names = tuple(spec.header)
            first = scan.wide.get(scan.header_row + 1)
            if first:
                check_width(_place(first)[0], [fixed], "", spec, where)
        else:
            cells = header[-1][1] if len(header) == scan.header_row else []
            found = [_text(cell).strip() for cell in cells[: scan.width]]
            names = tuple(spec.header_aliases.get(name, name) for name in found)
            check_header(list(names), "", spec, used, where)
        return _written(rows, names, len(header), scan, prepared, scratch, where)


def write_sheet_text(path: Path, target: Path, max_columns: int, where: str) -> str:
    """Write the only visible sheet of a workbook that no mapping declares as tab-separated text; its name.

    Every row is equally wide, but blank ones and the titles of one cell above the table. Raises RefusedFile like
    spreadsheet_records, E-ING-023 beyond max_columns.
    """
    spec = FileSpec(path="*.xlsx", format="xlsx", header=["a"])
    with (
        _opened(path, where) as archive,
        path.open("rb") as stream,
        target.open("w", encoding="utf-8") as sink,
    ):
        sheet = _sheet(stream, spec, where)
        scan = _Scanner(0, MAX_COLUMNS, where).scan(archive, sheet.path)
        if scan.uncomputed:
            raise RefusedFile("E-ING-143", where, count=scan.uncomputed, cell=scan.first_uncomputed)
        if scan.widest > max_columns:
            raise RefusedFile("E-ING-023", where, detail=f"more than {max_columns} columns")
        scan.width = scan.widest
        writer = csv.writer(sink, delimiter="\t", lineterminator="\n")
        is_above = True
        for _, cells in _rows(sheet.content, scan, where):
            texts = [_text(cell) for cell in cells]
            filled = [text for text in texts if text]
            is_above = is_above and len(filled) < 2
            padding = [""] * (scan.widest - len(texts))
            writer.writerow(filled if is_above or not filled else texts + padding)
    return sheet.content.title


def is_workbook(path: Path) -> bool:
    """True for a file that is read as a workbook, or refused as one: a zip that holds one, or the older format."""
    with path.open("rb") as stream:
        if stream.read(len(_OLE)) == _OLE:
            return True
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, OverflowError):
        return False
    return bool(names & {"[Content_Types].xml", "xl/workbook.bin"})


def _written(
    rows: Iterator[tuple[int, tuple[Any, ...]]], names: tuple[str, ...], n_header: int, scan: Scan,
    prepared: Prepared, scratch: Path, where: str,
) -> Records:  # fmt: skip
    """The rows after the header as Parquet, with their counts."""
    quarantine: list[Quarantined] = []
    counts = {"blank": 0, "records": 0}

    def records() -> Iterator[tuple[int, list[str]]]:
        for number, cells in rows:
            if number in scan.wide:
                line = "\t".join(_text(cell) or "" for cell in cells)
                detail = f"a value in {scan.wide[number]}, beyond the last of {len(names)} columns"
                quarantine.append((number, "wrong_field_count", line, detail))
            elif all(cell is None or cell.value is None for cell in cells):
                counts["blank"] += 1
            else:
                counts["records"] += 1
                yield number, [_text(cell) for cell in cells[: len(names)]]

    target = scratch / f"{prepared.path.name}.sheet.parquet"
    write_records(tables_of(records(), len(names)), len(names), target)
    expected = scan.filled - len(scan.wide)
    if counts["records"] != expected:
        raise RefusedFile("E-ING-014", where, relation=counts["records"], expected=expected)
    notes = [
        Note("error_cells", "warn", scan.errors, scan.first_error),
        Note("long_numbers", "warn", scan.long_numbers, scan.first_long),
        Note("hidden_rows", "info", scan.hidden),
        Note("merged_cells", "info", scan.merged),
    ]
    return Records(
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        positions(names), expected,
        LineCounts(scan.last, n_header, counts["blank"], expected, len(quarantine)), "fast",
        prepared.n_bytes_read, quarantine, temporary=[target], is_header_only=expected == 0 and not quarantine,
        notes=[note for note in notes if note.observed],
    )  # fmt: skip


@dataclass(frozen=True)
class _Sheet:
    """content: the read-only worksheet of openpyxl. path: its part of the zip."""

    content: Any
    path: str


def _opened(path: Path, where: str) -> zipfile.ZipFile:
    """The zip that a workbook is, once it is known to be one that is safe to expand."""
    with path.open("rb") as stream:
        head = stream.read(len(_OLE))
        if head == _OLE:
            # A password wraps the workbook into the container of the old format.
            is_locked = any("EncryptedPackage".encode("utf-16-le") in chunk for chunk in _overlapping(stream))
            raise RefusedFile("E-ING-140" if is_locked else "E-ING-141", where, detail=".xls")
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGE, OSError) as error:
        raise _damaged(error, where) from None
    parts = archive.infolist()
    names = {part.filename for part in parts}
    try:
        if "xl/workbook.bin" in names:
            raise RefusedFile("E-ING-141", where, detail=".xlsb")
        if "[Content_Types].xml" not in names:
            kind = ".ods" if "content.xml" in names else "a zip that holds no workbook"
            raise RefusedFile("E-ING-141", where, detail=kind)
        # The size a part announces is the most that is ever read of it.
        limit = expansion_limit(path)
        if sum(part.file_size for part in parts) > limit or len(parts) > MAX_PARTS:
            raise RefusedFile("E-ING-031", where, limit=limit >> 20)
        for part in parts:
            if not part.filename.endswith((".xml", ".rels")) or _SHEET.fullmatch(part.filename):
                continue
            if part.file_size > MAX_SHARED_BYTES:
                raise RefusedFile("E-ING-145", where, size=part.file_size >> 20, limit=MAX_SHARED_BYTES >> 20)
            # Entities expand, and no workbook needs a document type.
            _parse(archive, part.filename, _parser(where), where)
    except RefusedFile:
        archive.close()
        raise
    return archive


def _overlapping(stream: BinaryIO) -> Iterator[bytes]:
    kept = b""
    while chunk := stream.read(CHUNK):
        yield kept + chunk
        kept = chunk[-64:]


def _damaged(error: Exception, where: str) -> RefusedFile:
    if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
        raise error  # the disk, not the file
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    return RefusedFile("E-ING-013", where, format="XLSX", detail=detail)


def _parser(where: str) -> Any:
    parser = xml.parsers.expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise RefusedFile("E-ING-144", where)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _parse(archive: zipfile.ZipFile, name: str, parser: Any, where: str) -> None:
    try:
        with archive.open(name) as stream:
            head = stream.read(CHUNK)
            if name == "xl/workbook.xml" and _STRICT in head:
                raise RefusedFile("E-ING-141", where, detail="Strict Open XML")
            while head:
                parser.Parse(head, False)
                head = stream.read(CHUNK)
            parser.Parse(b"", True)
    except (*DAMAGE, xml.parsers.expat.ExpatError, KeyError, OSError) as error:
        if "password" in str(error):  # of the zip itself
            raise RefusedFile("E-ING-140", where) from None
        raise _damaged(error, where) from None


def _sheet(stream: BinaryIO, spec: FileSpec, where: str) -> _Sheet:
    """The sheet that the mapping names, or the only visible one."""
    from openpyxl import load_workbook  # half a second, for the companies that have workbooks

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:  # a damaged part raises anything there is
        raise _damaged(error, where) from None
    sheets = book.worksheets
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
    listed = ", ".join(repr(sheet.title) for sheet in visible[:8]) or "none"
    if isinstance(spec.sheet, str):
        chosen = [sheet for sheet in sheets if sheet.title == spec.sheet]
        detail = f"no sheet is called {spec.sheet!r}; visible: {listed}"
    elif spec.sheet is not None:
        chosen = visible[spec.sheet - 1 : spec.sheet]
        detail = f"no visible sheet {spec.sheet}; visible: {listed}"
    else:
        chosen = visible if len(visible) == 1 else []
        detail = f"{len(visible)} visible sheets and none named; visible: {listed}"
    if not chosen:
        raise RefusedFile("E-ING-142", where, detail=detail)
    chosen[0].reset_dimensions()  # the size that a sheet announces is often wrong
    return _Sheet(chosen[0], chosen[0]._worksheet_path)


class _Scanner:
    """One pass over the XML of a sheet."""

    def __init__(self, header_row: int, width: int, where: str) -> None:
        self.where = where
        self.result = Scan(header_row, width)
        self.is_width_given = bool(width)
        self.row = self.column = 0
        self.is_hidden = False
        self.kind = ""
        self.has_formula = self.is_in_value = False
        self.text: list[str] = []
        self.last_filled = self.first_beyond = 0

    def scan(self, archive: zipfile.ZipFile, name: str) -> Scan:
        """Scan the part `name`. Raises RefusedFile E-ING-013 on rows or cells that are out of place."""
        parser = _parser(self.where)
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        _parse(archive, name, parser, self.where)
        return self.result

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == _MAIN + "c":
            self._start_cell(attributes)
        elif name == _MAIN + "v":
            self.is_in_value = True
        elif name == _MAIN + "f":
            self.has_formula = True
        elif name == _MAIN + "is" and self.kind == "inlineStr":
            self._fill()
        elif name == _MAIN + "row":
            self._start_row(attributes)
        elif name == _MAIN + "mergeCell":
            self.result.merged += 1

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", str(self.row + 1))
        if not number.isascii() or not number.isdigit() or len(number) > 7:
            raise _damaged(ValueError(f"row {number[:20]!r}"), self.where)
        if not self.row < int(number) <= MAX_ROWS:
            raise _damaged(ValueError(f"row {number} after row {self.row}"), self.where)
        self.row, self.column = int(number), 0
        self.is_hidden = attributes.get("hidden") in {"1", "true"}
        self.last_filled = self.first_beyond = 0

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        column = self.column + 1
        if place is not None:
            found = _PLACE.fullmatch(place)
            column = _place(place)[0] if found else 0
            if not found or int(found[2]) != self.row:
                raise _damaged(ValueError(f"cell {place[:20]!r} in row {self.row}"), self.where)
        if not self.column < column <= MAX_COLUMNS:
            raise _damaged(
                ValueError(f"column {column} after column {self.column} in row {self.row}"), self.where
            )
        self.column = column
        self.kind = attributes.get("t", "n")
        self.has_formula = False
        self.text = []

    def _characters(self, text: str) -> None:
        if self.is_in_value:
            self.text.append(text)

    def _end(self, name: str) -> None:
        if name == _MAIN + "v":
            self.is_in_value = False
            if self.kind != "inlineStr" and any(self.text):
                self._fill()
                if self.kind == "e":
                    self.result.errors += 1
                    self.result.first_error = (
                        self.result.first_error or f"{self._cell()} ({''.join(self.text)[:20]})"
                    )
                elif self.kind == "n" and _is_long("".join(self.text)):
                    self.result.long_numbers += 1
                    self.result.first_long = self.result.first_long or self._cell()
        elif name == _MAIN + "c" and self.has_formula and not any(self.text) and self.kind != "str":
            # An empty text that was computed is of the kind str.
            self.result.uncomputed += 1
            self.result.first_uncomputed = self.result.first_uncomputed or self._cell()
        elif name == _MAIN + "row" and self.last_filled:
            self._end_row()

    def _fill(self) -> None:
        self.last_filled = self.column
        if not self.first_beyond and self.column > self.result.width:
            self.first_beyond = self.column

    def _end_row(self) -> None:
        result = self.result
        result.last = self.row
        result.widest = max(result.widest, self.last_filled)
        if self.row > result.header_row:
            result.filled += 1
            result.hidden += self.is_hidden
            if self.first_beyond:
                result.wide[self.row] = f"{_letters(self.first_beyond)}{self.row}"
        elif self.row == result.header_row and not self.is_width_given:
            result.width = self.last_filled

    def _cell(self) -> str:
        return f"{_letters(self.column)}{self.row}"


def _is_long(text: str) -> bool:
    """True for a number with more whole digits than a sheet holds."""
    if len(text) < 16 and "E" not in text.upper():
        return False
    try:
        return LONG_NUMBER <= abs(float(text)) < float("inf")
    except ValueError:
        return False


def _place(place: str) -> tuple[int, int]:
    """Column and row of a cell such as C7, from 1."""
    found = _PLACE.fullmatch(place)
    assert found is not None  # checked by the caller, or written here
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return column, int(found[2])


def _letters(column: int) -> str:
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _rows(sheet: Any, scan: Scan, where: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(row of the sheet, its cells up to the last column), blank rows too, down to the last row with a value."""
    source = enumerate(sheet.iter_rows(max_row=scan.last, max_col=max(scan.width, 1)), start=1)
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = next(source, None)
        except MemoryError:
            raise
        except Exception as error:  # a damaged part raises anything there is
            raise _damaged(error, where) from None
        if row is None:
            return
        yield row


def _text(cell: Any) -> str:
    """Text of a cell by the one rule of docs/mapping.md; empty for one without a value and for an error."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, str):
        if "_x" in value:
            value = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if value.is_integer() and abs(value) < EXACT_WHOLE:
            return str(int(value))
        return format(Decimal(repr(value)), "f") if abs(value) < float("inf") else str(value)
    if isinstance(value, dt.datetime):
        if not (value.hour or value.minute or value.second or value.microsecond):
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, dt.timedelta):
        seconds = abs(value) // dt.timedelta(seconds=1)
        sign = "-" if value < dt.timedelta(0) else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return value.isoformat()  # a date or a time of day
