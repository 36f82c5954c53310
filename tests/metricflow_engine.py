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

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = Decimal("1e-9")
# the cuts of the mart that MetricFlow can be asked for: segment kind -> dimension
LEADS = {"channel": "lead__channel_code", "size_band": "lead__size_band_code"}
DEALS = {"channel": "opportunity__channel_code", "size_band": "opportunity__size_band_code"}
STAGES = {
    "channel": "stage_passage__channel_code",
    "size_band": "stage_passage__size_band_code",
    "stage": "stage_passage__stage_code",
}
NO_CUT: dict[str, str] = {}
MRR = {"size_band": "account_month__size_band_code"}
MAILS = {"size_band": "send_day__size_band_code", "sending": "send_day__sending_code"}
CUTS: dict[str, dict[str, str]] = {
    **dict.fromkeys(["leads_new", "cr", "touches_per_lead", "ttf_hours", "contacted_24h_rate"], LEADS),
    **dict.fromkeys(["win_rate_close", "win_amount_rate_close", "sales_cycle_days"], DEALS),
    "stage_conversion": STAGES,
    **dict.fromkeys(
        ["mrr", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_reactivation"], MRR
    ),
    "complaint_rate": MAILS,
    **dict.fromkeys(["revenue_total", "revenue_new_business", "revenue_new_business_share"], NO_CUT),
}
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
    halves = {
        "cr": ("leads_converted_in_window", "leads_matured"),
        "touches_per_lead": ("touches_in_window", "leads_matured"),
        "contacted_24h_rate": ("leads_contacted_24h", "leads_older_24h"),
        "win_rate_close": ("opportunities_won", "opportunities_closed"),
        "win_amount_rate_close": ("won_amount", "closed_amount"),
        "stage_conversion": ("stages_next_reached", "stages_reached"),
        "revenue_new_business_share": ("revenue_new_business", "revenue_total"),
        "complaint_rate": ("mails_complained", "mails_delivered"),
    }
    compared, wrong = 0, []
    for metric in sorted({row[0] for row in rows}):
        names = [metric, *halves.get(metric, ())]
        for kind, dimension in {"all": None, **CUTS[metric]}.items():
            answer = query(names, ["metric_time__month", *([dimension] if dimension else [])])
            asked = {
                (metric, _month(row[0]), kind, row[1] if dimension else "all"): row[2 if dimension else 1 :]
                for row in answer
                if row[0] is not None
            }
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
