"""MetricFlow in this process on one warehouse, and its agreement with the KPI mart.

Not here: building a warehouse. The file must be called warehouse.duckdb: its name is the catalog of the SQL.
"""

import os
import shutil
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = Decimal("1e-9")
#: Of a value that the mart publishes with six decimals (`places` of its metric): half a unit of the last one.
TOLERANCE_OF_SIX_PLACES = Decimal("5.01e-7")
MODELS = ROOT / "dbt_project" / "models" / "metrics"
Query = Callable[[list[str], list[str]], list[tuple[Any, ...]]]


def open_engine(folder: Path, warehouse: Path) -> Query:
    """query(metrics, group by) on a copy of `warehouse`; rows have the groups first, then the metrics."""
    from dbt.cli.main import dbtRunner
    from dbt_metricflow.cli.cli_configuration import CLIConfiguration
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    work, project = folder / "work", folder / "project"
    work.mkdir(parents=True)
    shutil.copy(warehouse, work / "warehouse.duckdb")
    shutil.copytree(ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    os.environ["ETALON_WORK"] = str(work)
    parsed = dbtRunner().invoke(
        ["parse", "--quiet", "--project-dir", str(project), "--profiles-dir", str(project)]
    )
    assert parsed.success, parsed.exception
    configuration = CLIConfiguration()
    configuration.setup(dbt_profiles_path=project, dbt_project_path=project, configure_file_logging=False)

    def query(metrics: list[str], group_by: list[str]) -> list[tuple[Any, ...]]:
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)
        return [tuple(row) for row in configuration.mf.query(request).result_df.rows]

    return query


def published_metrics() -> dict[str, dict[str, Any]]:
    """Name -> definition of every published metric, from the YAML of the project."""
    return {
        metric["name"]: metric
        for path in sorted(MODELS.glob("metrics_*.yml"))
        for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics", [])
        if metric["config"]["meta"]["published"]
    }


def halves_of(metric: dict[str, Any]) -> list[str]:
    """Numerator and denominator of a ratio, by name; empty for any other metric."""
    if metric["type"] != "ratio":
        return []
    sides = (metric["type_params"][side] for side in ("numerator", "denominator"))
    return [side["name"] if isinstance(side, dict) else side for side in sides]


def answers(query: Query, metric: dict[str, Any], names: list[str]) -> dict[str, dict[tuple, tuple]]:
    """Cut of the mart -> cell -> figures, as MetricFlow gives them.

    A metric with `segments` in its meta (the entity of a fact whose rows of all cuts stand side by side) is asked for
    all cuts at once, and so is one with `cell` (the row of the mart: its language has no median of survivors). Any
    other is asked cut by cut, from the units.
    """
    name, meta = metric["name"], metric["config"]["meta"]
    if cell := meta.get("cell") or meta.get("segments"):
        by = ["metric_time__month", f"{cell}__segment_kind_code", f"{cell}__segment_code"]
        found: dict[str, dict[tuple, tuple]] = {}
        for month, kind, segment, *figures in query(names, by):
            if month is not None and any(figure is not None for figure in figures):
                found.setdefault(kind, {})[name, _month(month), kind, segment] = tuple(figures)
        return found
    found = {}
    for kind, dimension in {"all": None, **meta["cuts"]}.items():
        rows = query(names, ["metric_time__month", *([dimension] if dimension else [])])
        found[kind] = {
            (name, _month(row[0]), kind, row[1] if dimension else "all"): row[2 if dimension else 1 :]
            for row in rows
            if row[0] is not None and not (dimension and row[1] is None)  # what has no segment is in no cell
        }
    return found


def _month(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def faces_of(metric: dict[str, Any]) -> int:
    """Independent definitions: two where MetricFlow only reads the row of the mart, which is no third opinion."""
    return 2 if metric["config"]["meta"].get("cell") else 3


def ends_with_the_mart(metric: dict[str, Any]) -> bool:
    """Of what MetricFlow computes beyond the last month: the year to date and a month a year before go on."""
    parts = metric["type_params"].get("metrics", [])
    return metric["type"] == "cumulative" or any("offset_window" in part for part in parts)


def disagreements(query: Query, con: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    """(values compared, cells that differ) of MetricFlow and mart_management_kpis_month, halves included.

    Nothing and 0 are one only in the halves, and where a month without rows of MetricFlow is a true zero of the mart.
    Metrics of two faces are asked too, so that the language can be used, and not counted. A segment kind that the mart
    has and nobody asks MetricFlow for has no cell on that side: every figure of it is a difference.
    """
    rows = con.execute(
        "select metric_name, period_month, segment_kind_code, segment_code, metric_value, numerator,"
        " denominator, reason_code from marts.mart_management_kpis_month"
    ).fetchall()
    # a source that has sent nothing: the mart withholds the figure, the facts cannot know it
    published = {tuple(row[:4]): row[4:7] for row in rows if row[7] != "no_delivery"}
    withheld = {tuple(row[:4]) for row in rows if row[7] == "no_delivery"}
    compared, wrong = 0, []
    defined = published_metrics()
    last_month = max(row[1] for row in rows)
    for metric in sorted({row[0] for row in rows}):
        names = [metric, *halves_of(defined[metric])]
        meta = defined[metric]["config"]["meta"]
        is_zero = meta["empty_month"] == "zero"
        slack = TOLERANCE_OF_SIX_PLACES if meta.get("places") == 6 else TOLERANCE
        found = answers(query, defined[metric], names)
        kinds_of_mart = {cell[2] for cell in {*published, *withheld} if cell[0] == metric}
        for kind in sorted(kinds_of_mart | set(found)):
            asked = found.get(kind, {})
            if ends_with_the_mart(defined[metric]):
                asked = {cell: figures for cell, figures in asked.items() if cell[1] <= last_month}
            cells = {cell for cell in published if cell[0] == metric and cell[2] == kind}
            for cell in sorted(cells | (set(asked) - withheld), key=str):
                got = [_number(v) for v in asked.get(cell, (None,) * len(names))]
                shown = list(published.get(cell, (None, None, None))[: len(names)])
                compared += len(names) if faces_of(defined[metric]) == 3 else 0
                # no cell of the mart: a month or segment of which MetricFlow has rows, but none of this metric
                is_missing = cell not in published and (got[0] is not None or any(got[1:]))
                if is_missing or any(
                    not _same(g, s, TOLERANCE if place else slack, is_zero=is_zero, is_half=place > 0)
                    for place, (g, s) in enumerate(zip(got, shown, strict=True))
                ):
                    wrong.append(f"{cell}: MetricFlow {got}, mart {shown}")
    return compared, wrong


def _same(
    asked: Decimal | None, shown: Decimal | None, slack: Decimal, *, is_zero: bool, is_half: bool
) -> bool:
    if asked is None or shown is None:
        no_rows = asked is None and shown == 0 and is_zero
        return asked is shown or no_rows or (is_half and not asked and not shown)
    return abs(asked - shown) <= slack
