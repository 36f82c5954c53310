"""The sales audit's figures from the marts of the candidate warehouse.

What does not belong here: computing a KPI (the marts did) and wording. The month of a tile is the cycle's,
or for a cohort metric the last month in which every lead's window is over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.project import MANIFEST
from orchestration.reporting.control_inputs import control_outcomes
from orchestration.reporting.definitions import (
    MetricDefinition,
    TileSettings,
    metric_definitions,
    tile_settings,
)
from orchestration.reporting.figures import (
    AuditInputs,
    ComplaintWeek,
    Estimate,
    Kpi,
    LineChecks,
    Measure,
    MrrBridge,
    RevenueMonth,
    RuleOutcome,
    Segment,
    StageStep,
    TouchLine,
)
from orchestration.reporting.formatting import add_months, month_start
from orchestration.reporting.inputs import Reader, read_verdict, row_accounts, rule_outcomes, run_facts
from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    from ingest.company import Company

HISTORY_MONTHS = 13
_KPIS = "marts.mart_management_kpis_month"
_FRAMING = "marts.mart_management_framing_cycle"
_SETTINGS = {"r_green", "r_amber", "delta_points", "minimum_n", "minimum_events"}
_SEGMENTED = ("cr", "touches_per_lead", "ttf_hours", "contacted_24h_rate")
_SIZE_ORDER = ("smb", "mid", "enterprise", "unknown")
_CHANNEL_ORDER = ("inbound", "outbound", "partner", "unknown")


def audit_inputs(company: Company, reader: Reader) -> AuditInputs:
    """Everything the sales audit shows; no tiles when the marts were not built."""
    run = run_facts(company, reader)
    accounts = row_accounts(reader)
    verdict = read_verdict(reader)
    unreadable = reader.parquet(
        "collect/deliveries", "select cast(sum(n_quarantined_lines) as bigint) as n from relation"
    )
    counts = {
        "n_rows_in": sum(row.records_in for row in accounts),
        "n_rows_kept": sum(row.kept_as_own for row in accounts),
        "n_rows_set_aside": sum(row.quarantined + row.excluded + row.suppressed for row in accounts),
        "n_rows_repeated": sum(row.exact_duplicate + row.superseded for row in accounts),
        "n_lines_unreadable": (unreadable[0]["n"] or 0) if unreadable else 0,
        "n_rows_merged": sum(row.merged or 0 for row in accounts),
    }
    delivered = reader.parquet("collect/deliveries", "select max(delivered_on) as day from relation")
    last_delivery_on = delivered[0]["day"] if delivered else None
    # A mart left from a run that a later gate held would be shown as this cycle's: the verdict decides.
    if verdict.code not in ("publish", "publish_with_warnings") or not reader.has(_KPIS):
        return AuditInputs(run=run, verdict=verdict, last_delivery_on=last_delivery_on, **counts)
    cycle = month_start(run.cycle)
    rows = reader.table(_KPIS, "select * from relation order by metric_name, period_month")
    company_rows = [row for row in rows if row["segment_kind_code"] == "all"]
    rules = rule_outcomes(reader)
    kpis = _kpis(company_rows, cycle, rules, _published_trust(company), _asked(company, run.cycle, rules))
    lines = _touch_lines(reader)
    matured = next((month_start(kpi.period) for kpi in kpis if kpi.is_cohort), cycle)
    found = AuditInputs(
        run=run,
        verdict=verdict,
        kpis=kpis,
        segments=_segments(rows, matured, lines),
        line=lines.get(("all", "all")),
        checks=_line_checks(reader),
        segment_period=f"{matured:%Y-%m}",
        bridge=_bridge(reader, cycle),
        revenue=_revenue(reader, cycle),
        complaints=_complaints(reader, cycle),
        bars=_bars(reader),
        stages=_stages(reader, cycle),
        last_delivery_on=last_delivery_on,
        **counts,
    )
    barred = {tile.name for tile in tile_settings() if tile.has_complaint_bar}
    return replace(
        found,
        kpis=tuple(
            replace(kpi, bar=found.complaint_bar) if kpi.name in barred else kpi for kpi in found.kpis
        ),
    )


def _bars(reader: Reader) -> Bars:
    """Bars of the light and least numbers that the note of the cycle names; those of the method without a note."""
    if not reader.has(_FRAMING):
        return METHOD_BARS
    rows = reader.table(_FRAMING, "select item_code, setting_value from relation where kind_code = 'setting'")
    told = {row["item_code"]: row["setting_value"] for row in rows}
    if not told.keys() >= _SETTINGS:
        return METHOD_BARS
    return Bars(
        r_green=told["r_green"],
        r_amber=told["r_amber"],
        delta_points=told["delta_points"],
        minimum_units=int(told["minimum_n"]),
        minimum_events=int(told["minimum_events"]),
    )


def _measure(row: Mapping[str, Any] | None) -> Measure:
    if row is None:
        return Measure(None, reason_code="no_source_rows")
    return Measure(
        value=row["metric_value"],
        numerator=row["numerator"],
        denominator=row["denominator"],
        reason_code=row["reason_code"],
        caveat_code=row["caveat_code"],
    )


def _published_trust(company: Company) -> dict[tuple[str, date], tuple[str, tuple[str, ...]]]:
    """kpi_trust as this candidate was published: (metric, month) -> code and rules; empty before its publication."""
    from orchestration.publication.judging import id_of, run_fingerprint
    from orchestration.settings import read_settings

    if not (company.published / "parquet").is_dir():
        return {}
    settings = read_settings(company.work)
    publication_id = id_of(settings, run_fingerprint(company.work, settings))
    path = company.published / "parquet" / publication_id / "kpi_trust.parquet"
    columns = ["metric_name", "period_month", "trust_code", "rule_ids"]
    return {
        (row["metric_name"], row["period_month"]): (
            row["trust_code"],
            tuple(filter(None, (row["rule_ids"] or "").split(","))),
        )
        for row in (pq.read_table(path, columns=columns).to_pylist() if path.is_file() else ())
    }


def _asked(company: Company, cycle: str, rules: tuple[RuleOutcome, ...]) -> Mapping[str, tuple[str, str]]:
    """Rule or control of a delivery -> what it asks or found, in French and English."""
    controls = control_outcomes(company, cycle_bounds(cycle)[1])
    return {each.control_id: (each.fact_fr, each.fact_en) for each in controls} | {
        rule.rule_id: (rule.question_fr, rule.question_en) for rule in rules
    }


def _kpis(
    rows: list[dict[str, Any]],
    cycle: date,
    rules: tuple[RuleOutcome, ...],
    published: Mapping[tuple[str, date], tuple[str, tuple[str, ...]]],
    asked: Mapping[str, tuple[str, str]],
) -> tuple[Kpi, ...]:
    by_metric: dict[str, dict[date, dict[str, Any]]] = {}
    for row in rows:
        by_metric.setdefault(row["metric_name"], {})[month_start(row["period_month"])] = row
    behind = _tables_behind()
    definitions = metric_definitions()
    return tuple(
        _kpi(
            tile,
            definitions[tile.name],
            by_metric[tile.name],
            cycle,
            behind.get(tile.name, frozenset()),
            rules,
            published,
            asked,
        )
        for tile in tile_settings()
        if tile.name in by_metric and tile.name in definitions
    )


def _kpi(
    tile: TileSettings,
    definition: MetricDefinition,
    months: dict[date, dict[str, Any]],
    cycle: date,
    tables: frozenset[str],
    rules: tuple[RuleOutcome, ...],
    published: Mapping[tuple[str, date], tuple[str, tuple[str, ...]]],
    asked: Mapping[str, tuple[str, str]],
) -> Kpi:
    from orchestration.publication.trust import trust_of

    period = cycle if tile.month == "cycle" else _matured_month(months, cycle)
    history = []
    for back in range(HISTORY_MONTHS - 1, -1, -1):
        month = add_months(period, -back)
        history.append((f"{month:%Y-%m}", _measure(months.get(month)).value))
    trust, rule_ids = published.get((tile.name, period)) or trust_of(tables, rules)
    question_fr, question_en = asked.get(rule_ids[0], ("", "")) if rule_ids else ("", "")
    return Kpi(
        name=tile.name,
        unit=definition.unit,
        places=tile.places,
        better=definition.better,
        period=f"{period:%Y-%m}",
        measure=_measure(months.get(period)),
        history=tuple(history),
        label_fr=definition.label_fr,
        label_en=definition.label_en,
        definition_fr=definition.definition_fr,
        definition_en=definition.definition_en,
        minimum_n=definition.minimum_n,
        is_cohort=tile.month == "matured",
        trust=trust,
        trust_rule_ids=rule_ids,
        trust_question_fr=question_fr,
        trust_question_en=question_en,
    )


def _matured_month(months: dict[date, dict[str, Any]], cycle: date) -> date:
    """The last month up to the cycle without an open window; the cycle itself when there is none."""
    over = [
        month
        for month, row in months.items()
        if month <= cycle and row["metric_value"] is not None and not row["n_immature"]
    ]
    return max(over, default=cycle)


@cache
def _tables_behind() -> Mapping[str, frozenset[str]]:
    """Metric -> every table it is computed from; empty before dbt has written its manifest."""
    from orchestration.publication.trust import tables_behind

    if not MANIFEST.is_file():
        return {}
    return tables_behind(json.loads(MANIFEST.read_text(encoding="utf-8")))


def _touch_lines(reader: Reader) -> dict[tuple[str, str], TouchLine]:
    """(cut, segment) -> line of the judged design in the half year up to the month of the cohort."""
    rows = reader.table(
        "marts.mart_sales_touch_lines_cycle",
        "select * from relation where period_code = 'half_year' and colour_code is not null"
        " and segment_kind_code in ('all', 'size_band', 'channel')",
    )
    return {
        (row["segment_kind_code"], row["segment_code"]): TouchLine(
            n_leads=row["n_leads"],
            r=row["r"],
            r_low=row["r_low"],
            r_high=row["r_high"],
            reason_code=row["line_reason_code"],
            colour_code=row["colour_code"],
            reasons=tuple(
                f"{row['colour_reason_codes']},{row['colour_flag_codes'] or ''}".strip(",").split(",")
            ),
            landmark_days=int(row["design_code"].removeprefix("landmark_")),
        )
        for row in rows
    }


def _line_checks(reader: Reader) -> LineChecks | None:
    """Second looks at the line of the whole company; None where no lead was old enough."""
    rows = reader.table(
        "marts.mart_sales_line_checks_cycle", "select * from relation where segment_kind_code = 'all'"
    )
    if not rows:
        return None
    row = rows[0]

    def estimate(name: str) -> Estimate:
        reason = row[f"{name.removesuffix('_slope').removesuffix('_ratio')}_reason_code"]
        return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], reason)

    return LineChecks(
        slope=row["slope"],
        adjusted=estimate("adjusted_slope"),
        covariates=tuple(filter(None, (row["covariate_codes"] or "").split(","))),
        robustness=row["robustness_rate"],
        benchmark_code=row["benchmark_code"],
        benchmark_slope=row["benchmark_slope"],
        is_cancelled=row["is_cancelled"],
        marginal=estimate("marginal_effect"),
        hazard=estimate("hazard_ratio"),
        form_code=row["form_best_code"],
        form=Estimate(row["form_share_rate"], reason_code=row["form_reason_code"]),
    )


def _segments(
    rows: list[dict[str, Any]], month: date, lines: Mapping[tuple[str, str], TouchLine]
) -> tuple[Segment, ...]:
    cells = {
        (row["segment_kind_code"], row["segment_code"], row["metric_name"]): row
        for row in rows
        if month_start(row["period_month"]) == month
    }
    found = []
    for dimension, order in (("size_band", _SIZE_ORDER), ("channel", _CHANNEL_ORDER)):
        codes = {code for kind, code, _ in cells if kind == dimension}
        for code in [*(c for c in order if c in codes), *sorted(codes - set(order))]:
            leads = cells.get((dimension, code, "leads_new"))
            n_leads = int(leads["metric_value"]) if leads and leads["metric_value"] is not None else 0
            if n_leads:
                measures = {name: _measure(cells.get((dimension, code, name))) for name in _SEGMENTED}
                line = lines.get((dimension, code))
                found.append(Segment(dimension, code, n_leads, line=line, **measures))
    return tuple(found)


def _bridge(reader: Reader, cycle: date) -> MrrBridge | None:
    rows = reader.table(
        "marts.mart_finance_mrr_month",
        "select * from relation where segment_kind_code = 'all' and period_month = ?",
        (cycle,),
    )
    if not rows or rows[0].get("mrr_reason_code"):
        return None
    names = ("opening", "new", "reactivation", "expansion", "contraction", "churn", "closing")
    return MrrBridge(f"{cycle:%Y-%m}", **{name: rows[0][f"{name}_mrr"] for name in names})


def _revenue(reader: Reader, cycle: date) -> tuple[RevenueMonth, ...]:
    rows = reader.table(
        "marts.mart_finance_revenue_month",
        "select period_month, revenue_amount, new_business_amount from relation"
        " where segment_kind_code = 'all' and period_month between ? and ? order by period_month",
        (add_months(cycle, 1 - HISTORY_MONTHS), cycle),
    )
    known = {month_start(row["period_month"]): row for row in rows}
    if not known:
        return ()
    # A month without an invoice is a month without revenue, once invoices have begun.
    months = [add_months(cycle, -back) for back in range(HISTORY_MONTHS - 1, -1, -1)]
    nothing = {"revenue_amount": Decimal(0), "new_business_amount": Decimal(0)}
    return tuple(
        RevenueMonth(f"{month:%Y-%m}", row["revenue_amount"], row["new_business_amount"])
        for month in months
        if month >= min(known)
        for row in [known.get(month, nothing)]
    )


def _complaints(reader: Reader, cycle: date) -> tuple[ComplaintWeek, ...]:
    """The last 13 weeks that begin before the end of the cycle; a week without mail is left as a gap."""
    end = add_months(cycle, 1)
    last = end - timedelta(days=1)
    monday = last - timedelta(days=last.weekday())
    weeks = [monday - timedelta(weeks=back) for back in range(12, -1, -1)]
    rows = reader.table(
        "marts.mart_marketing_complaints_week",
        "select * from relation where segment_kind_code = 'all' and iso_week_start_on between ? and ?",
        (weeks[0], weeks[-1]),
    )
    known = {row["iso_week_start_on"]: row for row in rows}
    if not known:
        return ()
    return tuple(
        ComplaintWeek(
            week,
            row["n_complained"] if row else 0,
            row["n_delivered"] if row else 0,
            row["complaint_rate"] if row else None,
            bool(row and row["is_complaint_breach"]),
            row["complaint_max_rate"] if row else None,
        )
        for week in weeks
        for row in [known.get(week)]
    )


def _stages(reader: Reader, cycle: date) -> tuple[StageStep, ...]:
    """Passages of the twelve months to the cycle whose window is over, and the verdict of the newest such month."""
    query = """
        select stage_code, min(stage_rank) as stage_rank, cast(sum(n_matured) as bigint) as n_reached,
            cast(sum(n_reached_next) as bigint) as n_next,
            cast(
                cast(sum(n_reached_next) as decimal(18, 0)) / nullif(sum(n_matured), 0) as decimal(18, 10)
            ) as rate
        from relation
        where segment_kind_code = 'all' and period_month between ? and ?
        group by stage_code order by stage_rank, stage_code
    """
    rows = reader.table("marts.mart_sales_stages_month", query, (add_months(cycle, -11), cycle))
    newest = """
        select stage_code, period_month, verdict_code,
            cast(change_points / 100 as decimal(18, 8)) as change
        from relation
        where segment_kind_code = 'all' and n_matured > 0 and period_month between ? and ?
        qualify row_number() over (partition by stage_code order by period_month desc) = 1
    """
    months = reader.table("marts.mart_sales_stage_verdicts_month", newest, (add_months(cycle, -11), cycle))
    judged = {row["stage_code"]: (row["verdict_code"], row["change"], row["period_month"]) for row in months}
    return tuple(
        StageStep(
            row["stage_code"],
            row["n_reached"],
            row["n_next"],
            row["rate"],
            *judged.get(row["stage_code"], ()),
        )
        for row in rows
    )
