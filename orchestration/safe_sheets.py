"""Tables for people as CSV or XLSX, in which no cell is a formula.

CSV is UTF-8 with a byte-order mark and semicolons, as Excel in western Europe opens it. What does NOT belong here:
which rows are shown (the callers), reading files back (orchestration.stewardship.sheets).
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.inert_text import FORMULA

ENDINGS = (".csv", ".xlsx")


def safe_cell(cell: object) -> object:
    """A text that a spreadsheet would run as a formula, made inert; control characters no workbook holds, gone.

    Numbers stay numbers, so -5 is one; a text such as +33 6 is shown whole behind an apostrophe.
    """
    if not isinstance(cell, str):
        return cell
    text = "".join(c for c in cell if c in "\n\t\r" or unicodedata.category(c) != "Cc")
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """The rows as CSV. Cells are written as they are: make them safe first."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def xlsx_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str, widths: Mapping[str, int]
) -> bytes:
    """The rows as a workbook of one sheet; texts are marked as texts."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(list(columns))
    for row in rows:
        sheet.append(list(row))
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number, name in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = widths.get(name, 16)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read. Raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
