"""No cell of a file for people is a formula, whatever the data say; numbers stay numbers and telephones come back."""

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from openpyxl import load_workbook

from expectations.waivers import Waiver, read_waivers, write_waivers
from orchestration.stewardship.content import Record
from orchestration.stewardship.decisions import Decision
from orchestration.stewardship.files import append_decisions, read_decisions
from orchestration.stewardship.queue import ReviewItem
from orchestration.stewardship.sheets import write_queue
from orchestration.worklists.reading import EXPORTED, WorklistItem, export_items

#: What a spreadsheet takes for the beginning of a formula, alone, behind blanks it trims, and in full width.
OPENINGS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", "'=", "=-", "@=")
FORMULAS = (
    "1+1",
    "A1*2",
    "SUM(1;1)",
    'HYPERLINK("x:";"click")',
    "cmd|'/c calc'!A1",
    'DDE("cmd";"/c calc";"x")',
    'WEBSERVICE("x:")',
    'IMPORTXML("x:";"//a")',
    '"&A1&"',
    "1;=1+1",
    '1"\n=1+1',
)
WHY = "until the migration is over"
PAYLOADS = [opening + formula for opening, formula in product(OPENINGS, FORMULAS)]


def runs(cell: str) -> bool:
    """Whether a spreadsheet may run a cell: it begins like a formula and is no plain number."""
    is_number = re.fullmatch(r"[+-]?\d+([.,]\d+)?", cell)
    return bool(re.match(r"[\s\0]*[=+\-@＝＋－＠]", cell)) and not is_number


def rows_of(path: Path) -> list[list[object]]:
    if path.suffix == ".csv":
        text = path.read_bytes().decode("utf-8-sig")
        return list(
            csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in text.splitlines()[0] else ",")
        )
    sheet = load_workbook(path).worksheets[0]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def item(number: int, text: str) -> ReviewItem:
    return ReviewItem(
        f"rev_{number}", "account", "pair", text, text, None, None, None, None, text, None, None, text, (text,),
        Decimal(-5), text, 1, 1, False, None, number,
    )  # fmt: skip


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_no_cell_of_the_review_queue_is_a_formula(tmp_path, ending):
    path = tmp_path / f"queue{ending}"
    records = {("account", text): Record(text, "0" * 12, {text: text}) for text in PAYLOADS}
    write_queue([item(n, text) for n, text in enumerate(PAYLOADS)], records, path, "en")
    header, *rows = rows_of(path)
    assert len(rows) == len(PAYLOADS) >= 60
    assert [cell for row in rows for cell in row if isinstance(cell, str) and runs(cell)] == []
    values = {float(row[header.index("impact")]) for row in rows}
    assert values == {-5.0}, "a number is no formula and stays one"


def to_fix(number: int, text: str) -> WorklistItem:
    day = dt.date(2026, 6, 30)
    return WorklistItem(
        text, text, text, text, text, text, text, text, text, text, Decimal(-5), text, text, day, text, None, None, 3,
        number, text,
    )  # fmt: skip


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_no_cell_of_an_exported_worklist_is_a_formula(tmp_path, ending):
    path = tmp_path / f"worklist{ending}"
    items = [to_fix(number, text) for number, text in enumerate(PAYLOADS)]
    export_items(
        items, {text: text for text in PAYLOADS}, path, {name: name for name in EXPORTED}, "Worklist"
    )
    header, *rows = rows_of(path)
    assert len(rows) == len(PAYLOADS)
    assert [cell for row in rows for cell in row if isinstance(cell, str) and runs(cell)] == []
    assert {float(row[header.index("impact_value")]) for row in rows} == {-5.0}


def test_no_cell_of_the_waivers_is_a_formula_and_each_reads_back_as_it_was(tmp_path):
    texts = [text for text in PAYLOADS if text == text.strip()]
    path = tmp_path / "waivers.csv"
    asked = dt.date(2026, 6, 1), dt.date(2026, 6, 30)
    made = [
        Waiver(
            rule_id="R-CRM-001", author=text, reason=f"{text} {WHY}", decided_on=asked[0], expires_on=asked[1]
        )
        for text in texts
    ]
    write_waivers(made, path)
    cells = [cell for row in rows_of(path)[1:] for cell in row]
    assert len(cells) == 6 * len(texts) and [cell for cell in cells if runs(cell)] == []
    assert [(each.author, each.reason) for each in read_waivers(path, 90)] == [
        (w.author, w.reason) for w in made
    ]


def decided(number: int, text: str) -> Decision:
    return Decision(
        f"dec_{number:012d}", "override", "person", (f"crm/crm_contact/{number}",), ("0" * 12,), text, text,
        dt.datetime(2026, 6, 1), attribute="phone", value=text,
    )  # fmt: skip


def test_no_cell_of_a_file_of_decisions_is_a_formula_and_each_reads_back_as_it_was(tmp_path):
    texts = [text for text in PAYLOADS if text == text.strip()]
    assert len(texts) >= 60
    append_decisions(tmp_path, [decided(n, text) for n, text in enumerate(texts)])
    rows = rows_of(tmp_path / "field_overrides.csv")
    assert [cell for row in rows for cell in row if runs(cell)] == []
    assert [(each.author, each.reason, each.value) for each in read_decisions(tmp_path)] == [
        (t, t, t) for t in texts
    ]


@pytest.mark.parametrize("text", ["+33612345678", "-5", "-5,2", "+1 212 555 0100"])
def test_a_telephone_and_a_negative_number_come_back_unchanged(tmp_path, text):
    append_decisions(tmp_path, [decided(1, text)])
    (made,) = read_decisions(tmp_path)
    assert made.value == text
