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

    A metric with `cell` in its meta (the entity of one row per month and segment) is asked for all cuts at once:
    its language has no median of survivors, no concentration. Any other is asked cut by cut, from the units.
    """
    name, meta = metric["name"], metric["config"]["meta"]
    if cell := meta.get("cell"):
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
            if row[0] is not None
        }
    return found


def _month(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def disagreements(query: Query, con: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    """(values compared, cells that differ) of MetricFlow and mart_management_kpis_month, halves included."""
    rows = con.execute(
        "select metric_name, period_month, segment_kind_code, segment_code, metric_value, numerator,"
        " denominator from marts.mart_management_kpis_month"
    ).fetchall()
    published = {tuple(row[:4]): row[4:7] for row in rows}
    compared, wrong = 0, []
    defined = published_metrics()
    last_month = max(row[1] for row in rows)
    for metric in sorted({row[0] for row in rows}):
        names = [metric, *halves_of(defined[metric])]
        for kind, asked in answers(query, defined[metric], names).items():
            if defined[metric]["type"] == "cumulative":
                # the year to date of MetricFlow goes on to December, the mart ends with the cycle
                asked = {cell: figures for cell, figures in asked.items() if cell[1] <= last_month}
            cells = {cell for cell in published if cell[0] == metric and cell[2] == kind}
            for cell in sorted(cells | set(asked), key=str):
                # a month without rows is no row for MetricFlow, and nothing or a true zero in the mart
                got = [_number(v) or Decimal(0) for v in asked.get(cell, (None,) * len(names))]
                shown = [v or Decimal(0) for v in published.get(cell, (None, None, None))][: len(names)]
                compared += len(names)
                if cell not in published or any(
                    abs(g - s) > TOLERANCE for g, s in zip(got, shown, strict=True)
                ):
                    wrong.append(f"{cell}: MetricFlow {got}, mart {shown}")
    return compared, wrong
