"""What the pages of a cycle show, from the marts of the candidate warehouse and earlier publications.

What does not belong here: figures of its own, wording. A mart that does not stand leaves its block None, and the page
says so.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from orchestration.reporting import cycle_blocks
from orchestration.reporting.audit_inputs import HISTORY_MONTHS, audit_inputs
from orchestration.reporting.cycle_figures import (
    ContactPolicy,
    CycleInputs,
    FormerLine,
    LineFigures,
    LinePoint,
    SpreadMonth,
)
from orchestration.reporting.formatting import add_months, month_start
from orchestration.reporting.inputs import Reader, reading
from orchestration.reporting.pipeline_inputs import pipeline_review
from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    from ingest.company import Company

_LINES = "marts.mart_sales_touch_lines_cycle"
_POINTS = "marts.mart_sales_touch_points_cycle"
_CUTS = "('all', 'channel', 'size_band')"
_SIZE_ORDER = ("all", "inbound", "outbound", "partner", "smb", "mid", "enterprise")


def load_cycle_inputs(company: Company) -> CycleInputs:
    """What the dashboard and the pages around it show of the last run's cycle."""
    with reading(company.work) as reader:
        audit = audit_inputs(company, reader)
        if not audit.kpis:  # held, or no marts: nothing of an earlier run is shown as this cycle's
            return CycleInputs(audit=audit)
        cycle = month_start(audit.run.cycle)
        lines, first, end = _lines(reader)
        return CycleInputs(
            audit=audit,
            lines=lines,
            line_first_day=first,
            line_end_day=end,
            spread=_spread(reader, cycle),
            former=_former_lines(company, audit.run.cycle),
            buckets=cycle_blocks.delays(reader),
            responses=cycle_blocks.responses(reader),
            accounts=cycle_blocks.accounts(reader),
            outliers=cycle_blocks.outliers(reader),
            rails=cycle_blocks.rails(reader, cycle),
            thresholds=cycle_blocks.thresholds(company, reader),
            experiments=cycle_blocks.experiments(reader),
            steps=cycle_blocks.steps(company, reader, audit.run.cycle),
            questions=cycle_blocks.questions(reader),
            quality=cycle_blocks.quality(reader),
            note=cycle_blocks.note(company, audit.run.cycle),
            policy=_policy(company, audit.run.cycle),
            pipeline=pipeline_review(reader),
        )


def _lines(reader: Reader) -> tuple[tuple[LineFigures, ...], date | None, date | None]:
    rows = reader.table(
        _LINES,
        f"select * from relation where period_code = 'half_year' and segment_kind_code in {_CUTS}"
        " order by design_code, segment_kind_code, segment_code",
    )
    points: dict[tuple[str, str, str], list[LinePoint]] = {}
    for row in reader.table(
        _POINTS,
        f"select * from relation where period_code = 'half_year' and segment_kind_code in {_CUTS}"
        " order by design_code, segment_kind_code, segment_code, n_touches",
    ):
        key = (row["design_code"], row["segment_kind_code"], row["segment_code"])
        points.setdefault(key, []).append(LinePoint(row["n_touches"], row["n_leads"], row["n_converted"]))
    names = [name for name in LineFigures.__dataclass_fields__ if name != "points"]
    found = []
    for row in rows:
        key = (row["design_code"], row["segment_kind_code"], row["segment_code"])
        values = {name: row[name] for name in names if name in row}
        found.append(LineFigures(**values, points=tuple(points.get(key, ()))))
    found.sort(key=_in_reading_order)
    return tuple(found), rows[0]["period_start"] if rows else None, rows[0]["period_end"] if rows else None


def _in_reading_order(line: LineFigures) -> tuple[str, str, int, str]:
    code = line.segment_code
    place = _SIZE_ORDER.index(code) if code in _SIZE_ORDER else len(_SIZE_ORDER)
    return line.design_code, line.segment_kind_code, place, code


def _spread(reader: Reader, cycle: date) -> tuple[SpreadMonth, ...]:
    rows = reader.table(
        "marts.mart_sales_leads_month",
        "select * from relation where segment_kind_code = 'all' and period_month <= ?",
        (cycle,),
    )
    known = {month_start(row["period_month"]): row for row in rows}
    over = [
        month for month, row in known.items() if row["touches_median"] is not None and not row["n_immature"]
    ]
    last = max(over, default=cycle)
    months = [add_months(last, -back) for back in range(HISTORY_MONTHS - 1, -1, -1)]
    return tuple(
        SpreadMonth(
            f"{month:%Y-%m}",
            row["touches_median"],
            row["touches_first_quartile"],
            row["touches_third_quartile"],
            row["n_matured"],
            row["touches_reason_code"],
        )
        if (row := known.get(month))
        else SpreadMonth(f"{month:%Y-%m}", None, None, None, 0, "no_source_rows")
        for month in months
    )


def _former_lines(company: Company, cycle: str) -> tuple[FormerLine, ...]:
    """The judged line of the whole company as the last publication of each earlier cycle showed it, oldest first."""
    from orchestration.publication.history import read_log

    earliest = f"{add_months(month_start(cycle), 1 - HISTORY_MONTHS):%Y-%m}"
    published: dict[str, str] = {}
    if (company.published / "parquet").is_dir():
        for event in read_log(company.published):
            if earliest <= event.publication.cycle < cycle:
                published[event.publication.cycle] = event.publication.publication_id
    found = []
    for earlier, publication_id in sorted(published.items()):
        path = company.published / "parquet" / publication_id / "mart_sales_touch_lines_cycle.parquet"
        if not path.is_file():
            continue
        wanted = [
            ("period_code", "=", "half_year"),
            ("segment_kind_code", "=", "all"),
        ]
        columns = ["r", "q1_share_rate", "colour_code"]
        rows = pq.read_table(path, columns=columns, filters=wanted).to_pylist()
        found += [FormerLine(earlier, row["r"], row["q1_share_rate"]) for row in rows if row["colour_code"]]
    return tuple(found)


def _policy(company: Company, cycle: str) -> ContactPolicy | None:
    """The row b2b_default in force on the last day of the cycle; None where no row covers it."""
    import yaml

    from expectations.contact_policies import kept_contact_policies
    from orchestration.project import DBT_PROJECT

    rows = kept_contact_policies(company.work)
    if rows is None:
        document = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
        rows = document["vars"]["contact_policies"]
    day = f"{cycle_bounds(cycle)[1]}"
    for row in rows:
        begins, ends = str(row.get("valid_from") or ""), str(row.get("valid_to") or "9999")
        if row["profile_code"] == "b2b_default" and begins < day <= ends:
            numbers = {name: value for name, value in row.items() if isinstance(value, int)}
            return ContactPolicy(str(row["version"]), str(row["author"]), str(row["basis"]), numbers)
    return None
