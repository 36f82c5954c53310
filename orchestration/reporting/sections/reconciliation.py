"""Section 9: won opportunities of the CRM against invoices of the ERP, by cause and to the cent.

What does not belong here: choosing a cause (dq_reconciliation does), exchange rates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.reporting.drawing import Step, waterfall
from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import Formats
from orchestration.reporting.quality_figures import ReconciliationCause
from orchestration.reporting.wording import Wording

# The currency of a document that is not there.
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class CauseLine:
    """One cause over all months up to the cycle; of_cycle: its difference in the cycle's month."""

    cause_code: str
    n_opportunities: int
    n_lines: int
    crm_amount: Decimal
    erp_amount: Decimal
    of_cycle: Decimal

    @property
    def difference(self) -> Decimal:
        return self.crm_amount - self.erp_amount


@dataclass(frozen=True)
class Reconciled:
    """One currency. residual: what the causes leave unexplained, which must be 0.

    unrated: how many opportunities and lines the converted amounts leave out; empty without any.
    """

    currency: str
    label: str
    lines: tuple[CauseLine, ...]
    total: CauseLine
    residual: Decimal
    unrated: str
    drawing: str


def _sum(code: str, causes: Iterable[ReconciliationCause], cycle: str) -> CauseLine:
    rows = list(causes)
    return CauseLine(
        code,
        sum(row.n_opportunities for row in rows),
        sum(row.n_lines for row in rows),
        sum((row.crm_amount for row in rows), Decimal(0)),
        sum((row.erp_amount for row in rows), Decimal(0)),
        sum((row.difference for row in rows if row.period == cycle), Decimal(0)),
    )


def reconciled(
    causes: Iterable[ReconciliationCause], cycle: str, first: str, t: Wording, f: Formats
) -> list[Reconciled]:
    """All currencies converted, then each one, `first` on top; the causes with the largest difference first."""
    groups: dict[tuple[bool, str], list[ReconciliationCause]] = defaultdict(list)
    for each in causes:
        groups[each.is_converted, each.currency].append(each)
    found = []
    for is_converted, currency in sorted(groups, key=lambda each: (not each[0], each[1] != first, each[1])):
        rows = groups[is_converted, currency]
        by_cause: dict[str, list[ReconciliationCause]] = defaultdict(list)
        for row in rows:
            by_cause[row.cause_code].append(row)
        lines = [_sum(code, members, cycle) for code, members in by_cause.items()]
        lines.sort(key=lambda line: (-abs(line.difference), line.cause_code))
        total = _sum("", rows, cycle)
        said = sum((row.difference for row in rows), Decimal(0))
        label = t("quality.reconciliation.converted", currency=currency) if is_converted else currency
        if currency == _UNKNOWN:
            label = t("quality.reconciliation.unknown")
        unrated = _unrated(rows, t, f) if is_converted else ""
        drawing = _drawing(lines, total, currency, label, len(found), t, f)
        found.append(
            Reconciled(currency, label, tuple(lines), total, total.difference - said, unrated, drawing)
        )
    return found


def _unrated(rows: list[ReconciliationCause], t: Wording, f: Formats) -> str:
    deals, lines = sum(row.n_opportunities_unrated for row in rows), sum(row.n_lines_unrated for row in rows)
    if not deals and not lines:
        return ""
    return t("quality.reconciliation.unrated", opportunities=f.integer(deals), lines=f.integer(lines))


def _money(value: Decimal, currency: str, f: Formats, *, signed: bool = False) -> str:
    """An amount to the cent; without a unit where its currency is not known."""
    if currency == _UNKNOWN:
        return f.decimal(value, 2, signed=signed)
    return f.money(value, currency, 2, signed=signed)


def _drawing(
    lines: list[CauseLine], total: CauseLine, currency: str, label: str, number: int, t: Wording, f: Formats
) -> str:
    moved = [line for line in lines if line.difference]
    steps = [
        Step(t("quality.reconciliation.crm"), total.crm_amount, _money(total.crm_amount, currency, f), True),
        *(
            Step(
                t.or_raw("cause", line.cause_code),
                -line.difference,
                _money(-line.difference, currency, f, signed=True),
            )
            for line in moved
        ),
        Step(t("quality.reconciliation.erp"), total.erp_amount, _money(total.erp_amount, currency, f), True),
    ]
    title = t("quality.reconciliation.chart_title", currency=label)
    return waterfall(steps, title=title, name=f"reconciliation-{number}")


def reconciliation_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    if inputs.reconciliation is None:
        return {"lead": t("quality.reconciliation.absent"), "is_there": False}
    currency = inputs.run.reporting_currency
    found = reconciled(inputs.reconciliation, inputs.run.cycle, currency, t, f)
    if not found:
        return {"lead": t("quality.reconciliation.empty"), "is_there": False}
    first = found[0]
    moved = [line for line in first.lines if line.difference]
    key = "lead" if moved else "equal"
    lead = t(
        f"quality.reconciliation.{key}",
        crm=_money(first.total.crm_amount, first.currency, f),
        erp=_money(first.total.erp_amount, first.currency, f),
        difference=_money(first.total.difference, first.currency, f, signed=True),
        cause=t.or_raw("cause", moved[0].cause_code) if moved else "",
        most=_money(moved[0].difference, first.currency, f, signed=True) if moved else "",
    )
    return {
        "lead": lead,
        "is_there": True,
        "currencies": found,
        "residual": lambda each: _money(each.residual, each.currency, f),
    }
