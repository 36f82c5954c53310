"""The workbook: exported rows and live formulas that recompute the line and the quadrants from them (rows VI9, QU10).

A lead is a row up to LEADS of them (golden id, segment, touches before the landmark, converted or not); above, one row
counts the leads of a segment with as many touches, and the formulas weigh. Beside every recomputed figure stands the
published one and whether both agree. What does NOT belong here: a figure of its own; the published ones are the mart's.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ingest.inert_text import inert_text
from orchestration.reporting.cycle_figures import CycleInputs, LineFigures
from orchestration.reporting.formatting import MISSING, Formats, add_months
from orchestration.reporting.wording import Wording
from orchestration.settings import read_settings
from orchestration.statistics import audit_units

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from ingest.company import Company

#: Leads up to which every one has its row; a sheet ends at 1,048,576 rows, a reader's patience earlier.
LEADS = 20_000
FIRST_LINE = 7  # row of the first segment on the summary
#: Figure of a line -> column of the summary; the published ones stand PUBLISHED columns further right.
FIGURES = (
    "n",
    "converted",
    "mean_x",
    "mean_y",
    "r",
    "slope",
    "intercept",
    "r_squared",
    "q1",
    "q2",
    "q3",
    "q4",
)
_FIRST, _PUBLISHED = 4, 4 + len(FIGURES) + 1


class LeadRow(NamedTuple):
    """A lead of the judged population. converted: 0 or 1."""

    lead_id: str
    channel: str
    size_band: str
    touches: int
    converted: int


def lead_rows(company: Company, inputs: CycleInputs) -> list[LeadRow] | None:
    """The leads behind the judged line, by id; None when there are more than LEADS, or no line."""
    from expectations.connection import connect
    from orchestration.dbt_running import WAREHOUSE

    whole = inputs.line()
    if whole is None or whole.n_leads > LEADS or inputs.line_first_day is None:
        return None
    day, bind = whole.landmark_days, {"first": inputs.line_first_day, "last": inputs.line_end_day}
    with connect(company.work / WAREHOUSE) as con:
        audit_units.prepare(con, read_settings(company.work), (day,))
        found = con.execute(
            f"select lead_id, channel_code, size_band_code, x_{day}, cast(is_converted_in_window as int)"
            f" from audit_units where {audit_units.is_judged(day)} and created_on >= $first and created_on < $last"
            " order by lead_id",
            bind,
        ).fetchall()
    return [LeadRow(*row) for row in found]


def workbook(inputs: CycleInputs, rows: Sequence[LeadRow] | None, language: str) -> bytes:
    """The file in 'fr' or 'en'; the same bytes for the same figures. rows: None gives counted cells."""
    from openpyxl import Workbook

    t, f = Wording(language), Formats(language)
    book = Workbook()
    summary = book.active
    summary.title = t("cycle.book.summary")
    data = book.create_sheet(t("cycle.book.leads" if rows is not None else "cycle.book.cells"))
    points = book.create_sheet(t("cycle.book.points"))
    whole = inputs.line()
    day = f.integer(whole.landmark_days) if whole else MISSING
    lines = [line for line in (whole, *inputs.segments()) if line and line.n_leads]
    if rows is not None:
        _leads_sheet(data, rows, t, day)
        formulas = _LeadFormulas(data.title, len(rows))
    else:
        formulas = _CellFormulas(data.title, _cells_sheet(data, lines, t, day))
    _summary_sheet(summary, inputs, lines, formulas, t, f)
    _points_sheet(points, whole, formulas, summary.title, t, day)
    book.properties.creator = "Etalon"
    book.properties.title = t("audit.title")
    if inputs.audit.run.as_of:
        book.properties.created = inputs.audit.run.as_of
    book.calculation.fullCalcOnLoad = True
    buffer = io.BytesIO()
    book.save(buffer)
    return _without_clock(buffer.getvalue(), inputs.audit.run.as_of)


# -- rows --------------------------------------------------------------------------------------------------------


def _head(sheet: Worksheet, row: int, names: Sequence[str]) -> None:
    from openpyxl.styles import Alignment, Font

    for column, name in enumerate(names, start=1):
        cell = sheet.cell(row, column, name)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")


def _leads_sheet(sheet: Worksheet, rows: Sequence[LeadRow], t: Wording, day: str) -> None:
    names = ("lead", "channel", "size_band", "touches", "converted")
    _head(sheet, 1, [t(f"cycle.book.column.{name}", day=day) for name in names])
    for row in rows:
        sheet.append(
            [
                inert_text(row.lead_id),
                inert_text(row.channel),
                inert_text(row.size_band),
                row.touches,
                row.converted,
            ]
        )
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 22


def _cells_sheet(sheet: Worksheet, lines: Sequence[LineFigures], t: Wording, day: str) -> int:
    """One row per segment and number of touches; returns how many."""
    names = ("kind", "segment", "touches", "leads", "converted")
    _head(sheet, 1, [t(f"cycle.book.column.{name}", day=day) for name in names])
    n = 0
    for line in lines:
        for point in line.points:
            sheet.append(
                [
                    line.segment_kind_code,
                    inert_text(line.segment_code),
                    point.n_touches,
                    point.n_leads,
                    point.n_converted,
                ]
            )
            n += 1
    sheet.freeze_panes = "A2"
    return n


# -- formulas ----------------------------------------------------------------------------------------------------


def _range(title: str, column: str, n: int) -> str:
    return f"'{title}'!${column}$2:${column}${max(n, 1) + 1}"


class _LeadFormulas:
    """Formulas over rows of leads. `at` is the row of the summary, whose columns A and B name cut and segment."""

    is_array = True

    def __init__(self, title: str, n: int) -> None:
        self.x, self.y = _range(title, "D", n), _range(title, "E", n)
        self._cuts = {"channel": _range(title, "B", n), "size_band": _range(title, "C", n)}

    def of(self, kind: str, at: int) -> dict[str, str]:
        """Figure -> formula for the segment in row `at`."""
        column = {name: _letter(_FIRST + index) for index, name in enumerate(FIGURES)}
        mean_x, mean_y = f"${column['mean_x']}{at}", f"${column['mean_y']}{at}"
        if kind == "all":
            x, y, condition = self.x, self.y, ""
            first = {
                "n": f"=COUNT({x})", "converted": f"=SUM({y})", "mean_x": f"=AVERAGE({x})", "mean_y": f"=AVERAGE({y})"
            }  # fmt: skip
        else:
            cut = self._cuts[kind]
            # text in place of a number: both Excel and LibreOffice leave the pair out, where FALSE would count as 0
            x, y = f'IF({cut}=$B{at},{self.x},"")', f'IF({cut}=$B{at},{self.y},"")'
            condition = f"{cut},$B{at},"
            first = {
                "n": f"=COUNTIFS({cut},$B{at})",
                "converted": f"=SUMIFS({self.y},{cut},$B{at})",
                "mean_x": f"=AVERAGEIFS({self.x},{cut},$B{at})",
                "mean_y": f"=AVERAGEIFS({self.y},{cut},$B{at})",
            }
        high_x, low_x = f'{self.x},">="&{mean_x}', f'{self.x},"<"&{mean_x}'
        high_y, low_y = f'{self.y},">="&{mean_y}', f'{self.y},"<"&{mean_y}'
        return first | {
            "r": f'=IFERROR(CORREL({x},{y}),"")',
            "slope": f'=IFERROR(SLOPE({y},{x}),"")',
            "intercept": f'=IFERROR(INTERCEPT({y},{x}),"")',
            "r_squared": f'=IFERROR(RSQ({y},{x}),"")',
            "q1": f"=COUNTIFS({condition}{high_x},{high_y})",
            "q2": f"=COUNTIFS({condition}{low_x},{high_y})",
            "q3": f"=COUNTIFS({condition}{low_x},{low_y})",
            "q4": f"=COUNTIFS({condition}{high_x},{low_y})",
        }

    def leads_at(self, touches: str) -> tuple[str, str]:
        """(leads, converted) with the number of touches in a cell."""
        return f"=COUNTIFS({self.x},{touches})", f"=SUMIFS({self.y},{self.x},{touches})"


class _CellFormulas:
    """Formulas over counted rows: the same figures, each row weighed by its leads."""

    is_array = False

    def __init__(self, title: str, n: int) -> None:
        columns = {name: _range(title, letter, n) for name, letter in zip("ksxnc", "ABCDE", strict=True)}
        self._of = columns
        self.x = columns["x"]

    def of(self, kind: str, at: int) -> dict[str, str]:
        """Figure -> formula for the segment in row `at`."""
        p = self._of
        column = {name: f"${_letter(_FIRST + index)}{at}" for index, name in enumerate(FIGURES)}
        chosen = f"({p['k']}=$A{at})*({p['s']}=$B{at})"
        n, k, mx, my = column["n"], column["converted"], column["mean_x"], column["mean_y"]
        sxx = f"(SUMPRODUCT({chosen}*{p['n']}*{p['x']}*{p['x']})-{n}*{mx}^2)"
        sxy = f"(SUMPRODUCT({chosen}*{p['c']}*{p['x']})-{n}*{mx}*{my})"
        syy = f"({k}-{n}*{my}^2)"
        high, low = f"({p['x']}>={mx})", f"({p['x']}<{mx})"
        # a lead converted or not: 1 is at or above the mean, 0 below it (and at it where none converted)
        lost, won = f"({p['n']}-{p['c']})*({my}>0)", f"({p['c']}+({p['n']}-{p['c']})*({my}=0))"
        return {
            "n": f"=SUMPRODUCT({chosen}*{p['n']})",
            "converted": f"=SUMPRODUCT({chosen}*{p['c']})",
            "mean_x": f"=SUMPRODUCT({chosen}*{p['n']}*{p['x']})/{n}",
            "mean_y": f"={k}/{n}",
            "r": f'=IFERROR({sxy}/SQRT({sxx}*{syy}),"")',
            "slope": f'=IFERROR({sxy}/{sxx},"")',
            "intercept": f'=IFERROR({my}-{column["slope"]}*{mx},"")',
            "r_squared": f'=IFERROR({column["r"]}^2,"")',
            "q1": f"=SUMPRODUCT({chosen}*{high}*{won})",
            "q2": f"=SUMPRODUCT({chosen}*{low}*{won})",
            "q3": f"=SUMPRODUCT({chosen}*{low}*{lost})",
            "q4": f"=SUMPRODUCT({chosen}*{high}*{lost})",
        }

    def leads_at(self, touches: str) -> tuple[str, str]:
        """(leads, converted) of the whole with the number of touches in a cell."""
        p = self._of
        return tuple(f'=SUMIFS({p[name]},{p["k"]},"all",{p["x"]},{touches})' for name in ("n", "c"))


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column)


# -- sheets ------------------------------------------------------------------------------------------------------


def _summary_sheet(
    sheet: Worksheet, inputs: CycleInputs, lines: Sequence[LineFigures], formulas: Any, t: Wording, f: Formats
) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.formula import ArrayFormula

    run = inputs.audit.run
    sheet["A1"] = t("cycle.book.title", company=run.company, month=f.month(run.cycle))
    sheet["A1"].font = Font(bold=True, size=14)
    if inputs.line_first_day and inputs.line_end_day:
        last = add_months(inputs.line_end_day, -1)
        sheet["A2"] = t("cycle.chart.period", first=f.month(inputs.line_first_day), last=f.month(last))
    sheet["A3"] = t("cycle.book.lead")
    sheet["A4"] = t("cycle.foot.associated") + " " + (run.publication_id or run.run_id)
    for name in ("A1", "A2", "A3", "A4"):
        sheet[name] = inert_text(sheet[name].value or "")
    sheet.cell(FIRST_LINE - 2, _FIRST, t("cycle.book.recomputed")).font = Font(bold=True)
    sheet.cell(FIRST_LINE - 2, _PUBLISHED, t("cycle.book.published")).font = Font(bold=True)
    named = [t(f"cycle.book.figure.{name}") for name in FIGURES]
    heads = [t("cycle.book.column.kind"), t("cycle.book.column.segment"), t("cycle.book.column.name"), *named]
    _head(sheet, FIRST_LINE - 1, [*heads, "", *named, t("cycle.book.agrees")])
    for at, line in enumerate(lines, start=FIRST_LINE):
        label = (
            t("cycle.whole")
            if line.segment_kind_code == "all"
            else t.or_raw(line.segment_kind_code, line.segment_code)
        )
        for column, text in enumerate((line.segment_kind_code, line.segment_code, label), start=1):
            sheet.cell(at, column, inert_text(text))
        live = formulas.of(line.segment_kind_code, at)
        for index, (name, value) in enumerate(zip(FIGURES, published(line), strict=True)):
            place = f"{_letter(_FIRST + index)}{at}"
            needs_array = formulas.is_array and line.segment_kind_code != "all" and "IF(" in live[name]
            sheet[place] = ArrayFormula(place, live[name]) if needs_array else live[name]
            cell = sheet.cell(at, _PUBLISHED + index, value)
            for each in (sheet[place], cell):
                each.number_format = "0" if name in ("n", "converted", "q1", "q2", "q3", "q4") else "0.0000"
        place = f"{_letter(_PUBLISHED + len(FIGURES))}{at}"
        sheet[place] = ArrayFormula(place, _agreement(at, t))
    for column in range(1, _PUBLISHED + len(FIGURES) + 1):
        sheet.column_dimensions[_letter(column)].width = 18 if column == 3 else 11
    sheet.row_dimensions[FIRST_LINE - 1].height = 32
    sheet.freeze_panes = sheet.cell(FIRST_LINE, _FIRST)
    sheet["A3"].alignment = Alignment(wrap_text=False)


def published(line: LineFigures) -> list[int | float | None]:
    """The mart's figures in the order of FIGURES; None where it has none."""
    numbers = (
        line.n_leads, line.n_converted, line.touches_mean, line.conversion_rate, line.r, line.slope, line.intercept,
        line.r_squared, line.n_q1, line.n_q2, line.n_q3, line.n_q4,
    )  # fmt: skip
    return [float(value) if isinstance(value, Decimal) else value for value in numbers]


def _agreement(at: int, t: Wording) -> str:
    """`yes` when the recomputed figures are the published ones to eight decimals."""
    first, last = _letter(_FIRST), _letter(_FIRST + len(FIGURES) - 1)
    beside, until = _letter(_PUBLISHED), _letter(_PUBLISHED + len(FIGURES) - 1)
    mine, theirs = f"{first}{at}:{last}{at}", f"{beside}{at}:{until}{at}"
    yes, no = t("cycle.answer.yes"), t("cycle.answer.no")
    # a figure that cannot be estimated is text on both sides: COUNT tells that both miss as many
    apart = f"ABS(IF(ISNUMBER({mine}),{mine},0)-IF(ISNUMBER({theirs}),{theirs},0))"
    return f'=IF(AND(COUNT({mine})=COUNT({theirs}),MAX({apart})<1E-8),"{yes}","{no}")'


def _points_sheet(
    sheet: Worksheet, whole: LineFigures | None, formulas: Any, summary: str, t: Wording, day: str
) -> None:
    """Share converted by number of touches with the line through it, and their chart on the summary."""
    from openpyxl.chart import Reference, ScatterChart, Series

    names = ("touches", "leads", "converted", "share", "line")
    _head(sheet, 1, [t(f"cycle.book.column.{name}", day=day) for name in names])
    points = whole.points if whole else ()
    slope, intercept = (
        f"'{summary}'!${_letter(_FIRST + FIGURES.index(n))}${FIRST_LINE}" for n in ("slope", "intercept")
    )
    for at, point in enumerate(points, start=2):
        leads, converted = formulas.leads_at(f"$A{at}")
        sheet.append(
            [
                point.n_touches,
                leads,
                converted,
                f'=IF(B{at}>0,C{at}/B{at},"")',
                f"={slope}*$A{at}+{intercept}",
            ]
        )
        for column in "DE":
            sheet[f"{column}{at}"].number_format = "0.0%"
    if not points:
        return
    chart = ScatterChart()
    chart.title = t("cycle.title.scatter")
    chart.style = 13
    chart.x_axis.title = t("cycle.chart.touches_axis", day=day)
    chart.y_axis.title = t("cycle.book.column.share")
    chart.y_axis.number_format = "0%"
    chart.x_axis.delete = chart.y_axis.delete = False
    x = Reference(sheet, min_col=1, min_row=2, max_row=len(points) + 1)
    for column in (4, 5):
        series = Series(
            Reference(sheet, min_col=column, min_row=1, max_row=len(points) + 1), x, title_from_data=True
        )
        series.marker.symbol = "circle" if column == 4 else "none"
        if column == 4:
            series.graphicalProperties.line.noFill = True
        chart.series.append(series)
    chart.width, chart.height = 20, 10
    sheet.add_chart(chart, "G2")


def _without_clock(content: bytes, as_of: datetime | None) -> bytes:
    """The same archive with the dates of its parts fixed and the cycle's instant as the date of its last change."""
    stamp = f"{as_of:%Y-%m-%dT%H:%M:%SZ}" if as_of else "1980-01-01T00:00:00Z"
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in given.namelist():
            part = given.read(name)
            if name == "docProps/core.xml":
                text = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{stamp}", part.decode())
                part = text.encode()
            made.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
