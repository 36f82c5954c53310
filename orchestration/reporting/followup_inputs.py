"""Reads what a person acts on: the effect of cleaning on KPIs, the worklist, contacts that break a rule, CRM to ERP.

Each comes from a step that may not have run; then there is None, never an empty list, and the report says which command
fills it. What does not belong here: computing any of it, wording.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from orchestration.reporting.definitions import metric_definitions
from orchestration.reporting.privacy import masked
from orchestration.reporting.quality_figures import (
    Breach,
    Compliance,
    ComplianceCount,
    KpiImpact,
    OwnerWork,
    ReconciliationCause,
    WorkItem,
)

if TYPE_CHECKING:
    from orchestration.reporting.figures import RuleOutcome
    from orchestration.reporting.inputs import Reader

ITEMS_SHOWN = 8
BREACHES_SHOWN = 10
_IMPACT_COLUMNS = {
    *("metric_name", "period_month", "switch_kind", "switch_code"),
    *("unit_code", "value_published", "value_without", "n_rows", "inputs_fingerprint"),
}
_WORK_COLUMNS = {
    *("item_id", "rule_id", "reason_code", "source_instance", "contract", "record_key", "field", "owner"),
    *(
        "assignee",
        "impact_value",
        "impact_unit",
        "impact_key",
        "status",
        "closed_on",
        "days_to_fix",
        "age_days",
        "impact_rank",
    ),
}


def _reason(code: str, language: str) -> str:
    from ingest.reasons import reasons

    known = reasons().get(code)
    return known.text(language) if known else ""


def kpi_impacts(
    reader: Reader, cycle: str, inputs: str, rules: Iterable[RuleOutcome]
) -> tuple[KpiImpact, ...] | None:
    """Of each metric, the last month up to the cycle that has a value: published, and without each decision.

    inputs: fingerprint of what this run was made of; what was measured on other inputs counts as not measured.
    """
    query = """
        , dated as (
            select *, max(period_month) filter (where value_published is not null)
                over (partition by metric_name) as last_month
            from relation where strftime(period_month, '%Y-%m') <= ? and inputs_fingerprint = ?
        )
        select metric_name, strftime(period_month, '%Y-%m') as period, switch_kind, switch_code, unit_code,
            value_published as published, value_without as without, cast(n_rows as bigint) as n_rows
        from dated where period_month = last_month order by metric_name, switch_kind, switch_code
    """
    rows = reader.file(reader.path("quality/kpi_impact"), _IMPACT_COLUMNS, query, (cycle, inputs))
    if not rows:
        return None
    questions = {rule.rule_id: rule for rule in rules}
    return tuple(_impact(row, questions) for row in rows)


def _impact(row: dict[str, Any], questions: dict[str, RuleOutcome]) -> KpiImpact:
    definition = metric_definitions().get(row["metric_name"])
    unit = row.pop("unit_code") or ""
    rule = questions.get(row["switch_code"]) if row["switch_kind"] == "rule" else None
    return KpiImpact(
        **row,
        unit=definition.unit if definition else unit,
        metric_fr=definition.label_fr if definition else "",
        metric_en=definition.label_en if definition else "",
        issue_fr=rule.question_fr if rule else _reason(row["switch_code"], "fr"),
        issue_en=rule.question_en if rule else _reason(row["switch_code"], "en"),
    )


def work_by_owner(reader: Reader, since: date, rules: Iterable[RuleOutcome]) -> tuple[OwnerWork, ...] | None:
    """The worklist, its owners with most open items first. since: first day from which a closed item counts."""
    path = reader.path("quality/worklist")
    totals = reader.file(
        path,
        _WORK_COLUMNS,
        """
        select coalesce(owner, '') as owner, count(*) filter (where status = 'open') as n_open,
            count(*) filter (where status = 'closed' and closed_on >= ?) as n_closed,
            max(age_days) filter (where status = 'open') as oldest_days,
            cast(median(days_to_fix) filter (where status = 'closed') as decimal(9, 1)) as median_days_to_fix
        from relation group by all order by n_open desc, owner
        """,
        (since,),
    )
    if totals is None:
        return None
    sums = reader.file(
        path,
        _WORK_COLUMNS,
        """
        , stakes as (
            select coalesce(owner, '') as owner, impact_unit as unit, max(impact_value) as impact_value
            from relation where status = 'open' and impact_unit is not null and impact_value > 0
            group by coalesce(owner, ''), impact_unit, coalesce(impact_key, record_key, item_id)
        )
        select owner, unit, cast(sum(impact_value) as decimal(38, 2)) as total
        from stakes group by all order by owner, unit
        """,
    )
    impact: dict[str, list] = {}
    for row in sums or ():
        impact.setdefault(row["owner"], []).append((row["unit"], row["total"]))
    first = reader.file(
        path,
        _WORK_COLUMNS,
        f"""
        select item_id, coalesce(rule_id, '') as rule_id, coalesce(reason_code, '') as reason_code,
            coalesce(source_instance, '') as source_instance, coalesce(contract, '') as contract,
            coalesce(record_key, '') as record_key, coalesce(field, '') as field_name,
            coalesce(owner, '') as owner, coalesce(assignee, '') as assignee, impact_value,
            coalesce(impact_unit, '') as impact_unit, coalesce(age_days, 0) as age_days,
            coalesce(impact_rank, 0) as impact_rank
        from relation where status = 'open'
        qualify row_number() over (partition by coalesce(owner, '') order by impact_rank, item_id) <= {ITEMS_SHOWN}
        order by impact_rank, item_id
        """,
    )
    questions = {rule.rule_id: rule for rule in rules}
    items: dict[str, list[WorkItem]] = {}
    for row in first or ():
        items.setdefault(row["owner"], []).append(_item(row, questions))
    return tuple(
        OwnerWork(
            **row,
            impact=tuple(impact.get(row["owner"], ())),
            items=tuple(items.get(row["owner"], ())),
        )
        for row in totals
    )


def _item(row: dict[str, Any], questions: dict[str, RuleOutcome]) -> WorkItem:
    rule = questions.get(row["rule_id"])
    row["record_key"] = masked(row["record_key"])
    return WorkItem(
        **row,
        label_fr=_reason(row["reason_code"], "fr") or (rule.question_fr if rule else ""),
        label_en=_reason(row["reason_code"], "en") or (rule.question_en if rule else ""),
    )


def compliance(reader: Reader, first_day: date, day_after: date) -> Compliance | None:
    """Checks of contacts in the months up to the cycle, and the cycle's latest breaches. None: no such table."""
    name = "quality_dbt.dq_compliance"
    columns = reader.columns(name)
    if not {"check_code", "channel_code", "n_assessed", "n_breaches", "period_month"} <= columns:
        return None
    unjudged = "sum(n_not_assessed)" if "n_not_assessed" in columns else "0"
    counts = reader.table(
        name,
        f"""
        select check_code, channel_code, coalesce(strftime(period_month, '%Y-%m'), '') as period,
            cast(coalesce(sum(n_assessed), 0) as bigint) as n_assessed,
            cast(coalesce(sum(n_breaches), 0) as bigint) as n_breaches, cast({unjudged} as bigint) as n_not_assessed
        from relation where period_month is null or period_month < ? group by all order by all
        """,
        (day_after,),
    )
    proved = "quality_dbt.dq_contact_breaches"
    columns = reader.columns(proved)
    breaches, n_breaches = [], 0
    if {"check_code", "channel_code", "touch_key", "person_id", "occurred_at"} <= columns:
        profile = "profile_code" if "profile_code" in columns else "''"
        # The day in the company's zone, where the table has it.
        day = "occurred_on" if "occurred_on" in columns else "occurred_at"
        of_cycle = f"from relation where {day} >= ? and {day} < ?"
        breaches = reader.table(
            proved,
            f"""
            select check_code, channel_code, touch_key, coalesce(person_id, '') as person_id,
                cast(occurred_at as timestamp) as occurred_at, coalesce({profile}, '') as profile
            {of_cycle} order by occurred_at desc, touch_key, check_code limit {BREACHES_SHOWN}
            """,
            (first_day, day_after),
        )
        n_breaches = reader.table(proved, f"select count(*) as n {of_cycle}", (first_day, day_after))[0]["n"]
    return Compliance(
        tuple(ComplianceCount(**row) for row in counts),
        tuple(Breach(**row) for row in breaches),
        n_breaches,
    )


def reconciliation(
    reader: Reader, day_after: date, reporting_currency: str
) -> tuple[ReconciliationCause, ...] | None:
    """Amounts by cause, month and currency up to the cycle, exact. None: no such table.

    Where there are several currencies, all of them converted come as well.
    """
    name = "quality_dbt.dq_reconciliation"
    sides = ("crm_amount", "erp_amount", "difference")
    columns = reader.columns(name)
    if not {"cause_code", "period_month", "currency", "n_opportunities", "n_lines", *sides} <= columns:
        return None

    has_rates = {"n_rates_missing", "n_opportunities_unrated"} <= columns
    unrated = "n_opportunities_unrated", "n_rates_missing - n_opportunities_unrated"
    deals, lines = unrated if has_rates else ("0", "0")

    def amounts(currency: str, suffix: str, is_converted: bool) -> tuple[ReconciliationCause, ...]:
        sums = ", ".join(f"cast(sum({side}{suffix}) as decimal(38, 4)) as {side}" for side in sides)
        rows = reader.table(
            name,
            f"""
            select cause_code, coalesce(strftime(period_month, '%Y-%m'), '') as period, {currency} as currency,
                cast(sum(n_opportunities) as bigint) as n_opportunities, cast(sum(n_lines) as bigint) as n_lines,
                cast(sum({deals}) as bigint) as n_opportunities_unrated,
                cast(sum({lines}) as bigint) as n_lines_unrated, {sums}
            from relation where period_month is null or period_month < ? group by all order by all
            """,
            (day_after,),
        )
        return tuple(ReconciliationCause(**row, is_converted=is_converted) for row in rows)

    found = amounts("coalesce(currency, '')", "", False)
    if len({each.currency for each in found}) < 2 or not {f"{side}_reporting" for side in sides} <= columns:
        return found
    return (*amounts(f"'{reporting_currency}'", "_reporting", True), *found)
