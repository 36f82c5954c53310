"""The workbook: its formulas reach exactly the exported rows, and what they compute is what the mart published.

LibreOffice recalculates it where it is installed. Everywhere the same figures are computed by numpy from the rows as
they stand in the file, and each formula is held to the ranges and conditions it must have.
"""

import io
import math
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import planted_cycles as planted
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.workbook import FIGURES, FIRST_LINE, LeadRow, published, workbook

CHANNELS = {
    "inbound": ((0, 20, 2), (1, 30, 6), (2, 12, 5)),
    "outbound": ((0, 25, 1), (1, 18, 1), (4, 9, 4)),
    "partner": ((1, 6, 2),),
}
SIZES = ("smb", "mid", "enterprise")


def leads() -> list[LeadRow]:
    """Leads of the planted channels, their sizes in turn; ids that a spreadsheet would run among them."""
    found = []
    for channel, cells in CHANNELS.items():
        for touches, n, k in cells:
            for index in range(n):
                number = len(found)
                name = f"=cmd|{number}" if number % 50 == 0 else f"lea_{number:04}"
                found.append(LeadRow(name, channel, SIZES[number % 3], touches, int(index < k)))
    return found


def cells_of(rows):
    counted: dict[int, list[int]] = {}
    for row in rows:
        cell = counted.setdefault(row.touches, [0, 0])
        cell[0] += 1
        cell[1] += row.converted
    return tuple((x, n, k) for x, (n, k) in sorted(counted.items()))


ROWS = leads()
LINES = (
    planted.line_of(cells_of(ROWS)),
    *(planted.line_of(cells, kind="channel", segment=name) for name, cells in CHANNELS.items()),
    *(
        planted.line_of(cells_of([r for r in ROWS if r.size_band == size]), kind="size_band", segment=size)
        for size in SIZES
    ),
)
CYCLE = CycleInputs(
    audit=planted.CYCLE.audit, lines=LINES, line_first_day=date(2025, 12, 1), line_end_day=date(2026, 6, 1)
)


def opened(content: bytes, **options):
    return openpyxl.load_workbook(io.BytesIO(content), **options)


def formula(cell) -> str:
    return cell.value.text if isinstance(cell.value, ArrayFormula) else cell.value


def recomputed(rows) -> list[float]:
    """The twelve figures by numpy, from (touches, converted) of one segment."""
    x, y = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)
    high_x, high_y = x >= x.mean(), y >= y.mean()
    corners = [(high_x & high_y), (~high_x & high_y), (~high_x & ~high_y), (high_x & ~high_y)]
    if len(set(x)) < 2 or len(set(y)) < 2:
        return [len(x), y.sum(), x.mean(), y.mean(), None, None, None, None, *(c.sum() for c in corners)]
    slope, intercept = np.polyfit(x, y, 1)
    r = np.corrcoef(x, y)[0, 1]
    return [len(x), y.sum(), x.mean(), y.mean(), r, slope, intercept, r * r, *(c.sum() for c in corners)]


@pytest.mark.audit("VI9")
def test_the_rows_of_the_file_give_the_published_figures():
    sheet = opened(workbook(CYCLE, ROWS, "en")).worksheets[1]
    exported = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(exported) == len(ROWS)
    for line in LINES:
        column = {"channel": 1, "size_band": 2}.get(line.segment_kind_code)
        mine = [(row[3], row[4]) for row in exported if column is None or row[column] == line.segment_code]
        for name, figure, mart in zip(FIGURES, recomputed(mine), published(line), strict=True):
            assert (figure is None) == (mart is None), (line.segment_code, name)
            assert figure is None or math.isclose(figure, mart, rel_tol=1e-9, abs_tol=1e-9), (
                line.segment_code,
                name,
            )


@pytest.mark.audit("VI9", "QU4", "QU5", "QU6", "QU7", "QU8")
def test_every_formula_reaches_exactly_the_exported_rows_and_its_segment():
    summary = opened(workbook(CYCLE, ROWS, "en")).worksheets[0]
    x, y = (f"'Leads'!${column}$2:${column}${len(ROWS) + 1}" for column in "DE")
    cuts = {"channel": f"'Leads'!$B$2:$B${len(ROWS) + 1}", "size_band": f"'Leads'!$C$2:$C${len(ROWS) + 1}"}
    functions = {"r": "CORREL", "slope": "SLOPE", "intercept": "INTERCEPT", "r_squared": "RSQ"}
    for at, line in enumerate(LINES, start=FIRST_LINE):
        live = {name: summary.cell(at, 4 + index) for index, name in enumerate(FIGURES)}
        cut = cuts.get(line.segment_kind_code)
        own_x, own_y = (x, y) if cut is None else (f'IF({cut}=$B{at},{x},"")', f'IF({cut}=$B{at},{y},"")')
        for name, function in functions.items():
            first, second = (own_x, own_y) if name == "r" else (own_y, own_x)
            assert formula(live[name]) == f'=IFERROR({function}({first},{second}),"")'
            assert isinstance(live[name].value, ArrayFormula) == (cut is not None), (
                "else Excel reads one cell of it"
            )
        mean_x, mean_y = f"$F{at}", f"$G{at}"
        where = f"{cut},$B{at}," if cut else ""
        for name, (sign_x, sign_y) in {
            "q1": (">=", ">="),
            "q2": ("<", ">="),
            "q3": ("<", "<"),
            "q4": (">=", "<"),
        }.items():
            assert formula(live[name]) == f'=COUNTIFS({where}{x},"{sign_x}"&{mean_x},{y},"{sign_y}"&{mean_y})'
        assert [summary.cell(at, 17 + index).value for index in range(12)] == published(line)
        assert formula(summary.cell(at, 29)).startswith(f"=IF(AND(COUNT(D{at}:O{at})=COUNT(Q{at}:AB{at})")


def test_no_text_of_the_data_is_a_formula():
    book = opened(workbook(CYCLE, ROWS, "en"))
    assert [cell.value for cell in book.worksheets[1]["A"][1:] if str(cell.value).startswith("=")] == []
    assert book.worksheets[1]["A2"].value == "'=cmd|0" and book.worksheets[1]["A2"].data_type == "s"
    hostile = planted.replace(
        CYCLE, audit=planted.replace(CYCLE.audit, run=planted.replace(CYCLE.audit.run, company="=1+1"))
    )
    assert opened(workbook(hostile, ROWS, "en")).worksheets[0]["A1"].data_type == "s"


def test_many_leads_are_counted_rows_and_the_formulas_weigh_them():
    book = opened(workbook(CYCLE, None, "fr"))
    cells, summary = book.worksheets[1], book.worksheets[0]
    rows = list(cells.iter_rows(min_row=2, values_only=True))
    assert sum(row[3] for row in rows if row[0] == "all") == len(ROWS)
    assert len(rows) == sum(len(line.points) for line in LINES)
    for at, line in enumerate(LINES, start=FIRST_LINE):
        assert f"($A{at})*" in formula(summary.cell(at, 4)).replace(f"=$A{at}", f"($A{at}") + f"($A{at})*"
        # what the formulas say, by hand: weighed sums of the counted rows
        mine = [row for row in rows if (row[0], row[1]) == (line.segment_kind_code, line.segment_code)]
        n, k = sum(row[3] for row in mine), sum(row[4] for row in mine)
        sx, sxx = sum(row[2] * row[3] for row in mine), sum(row[2] ** 2 * row[3] for row in mine)
        sxy = sum(row[2] * row[4] for row in mine) - sx * k / n
        if line.slope is not None:
            assert math.isclose(sxy / (sxx - sx * sx / n), float(line.slope), rel_tol=1e-9, abs_tol=1e-9)
        mean = sx / n
        assert sum(row[4] for row in mine if row[2] >= mean) == line.n_q1
        assert sum(row[3] - row[4] for row in mine if row[2] < mean) == line.n_q3


def test_the_same_figures_give_the_same_bytes():
    assert workbook(CYCLE, ROWS, "en") == workbook(CYCLE, ROWS, "en")


def test_a_cycle_without_leads_has_a_workbook_of_no_rows():
    empty = planted.replace(CYCLE, lines=(planted.NOTHING,))
    assert opened(workbook(empty, [], "en")).worksheets[0].cell(FIRST_LINE, 1).value is None


@pytest.mark.audit("VI9")
@pytest.mark.parametrize("rows", [ROWS, None], ids=["leads", "counted"])
def test_libreoffice_recomputes_the_published_figures(tmp_path: Path, rows):
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("no LibreOffice on this machine: install the distribution's package `libreoffice-calc`")
    (tmp_path / "given.xlsx").write_bytes(workbook(CYCLE, rows, "en"))
    command = [
        program,
        f"-env:UserInstallation=file://{tmp_path}/profile",
        "--headless",
        "--convert-to",
        "xlsx:Calc MS Excel 2007 XML",
        "--outdir",
        str(tmp_path / "made"),
        str(tmp_path / "given.xlsx"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    sheet = opened((tmp_path / "made" / "given.xlsx").read_bytes(), data_only=True).worksheets[0]
    for at, line in enumerate(LINES, start=FIRST_LINE):
        for index, mart in enumerate(published(line)):
            value = sheet.cell(at, 4 + index).value
            assert (mart is None and value in (None, "")) or math.isclose(
                value, mart, rel_tol=1e-9, abs_tol=1e-9
            )
        assert sheet.cell(at, 29).value == "yes"


def test_the_catalogue_of_figures_is_the_head_of_the_summary():
    summary = opened(workbook(CYCLE, ROWS, "fr")).worksheets[0]
    heads = [summary.cell(FIRST_LINE - 1, column).value for column in range(4, 16)]
    assert heads == [summary.cell(FIRST_LINE - 1, column).value for column in range(17, 29)]
    assert re.search("pente", heads[5])
