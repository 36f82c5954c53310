"""The weekly review of the pipeline: from the last snapshot to this one, part by part, and the deals behind (row FD5).

What does not belong here: the figures (mart_sales_pipeline_movements_cycle), reading them (pipeline_inputs.py).
Deals and accounts appear by id, never by name.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from orchestration.reporting.charts import bridge
from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.decision_page import page
from orchestration.reporting.documents import Cell, Grid, Part, cells
from orchestration.reporting.formatting import MINUS, MISSING, Formats
from orchestration.reporting.pipeline_figures import Deal, Movement, PipelineReview
from orchestration.reporting.privacy import masked
from orchestration.reporting.wording import Wording

WINDOWS = ("week", "month")
#: Steps of the table and of the drawing; what moves between segments adds up to nothing in the whole.
OPEN_STEPS = (
    *("opening", "new", "reopened", "increase", "decrease", "rate", "won_exit", "lost_exit", "closing"),
)
QUARTER_STEPS = (*OPEN_STEPS[:3], "moved_in", *OPEN_STEPS[3:8], "moved_out", "closing")
_CATEGORIES = ("commit", "best_case", "pipeline", "omitted", "closed", "unknown")
_STAGES = ("prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation", "unknown")
#: Teams listed; the mart holds them all.
TEAMS_SHOWN = 12


def pipeline_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Everything the template `cycle/document.html.jinja` reads for the weekly review."""
    review = inputs.pipeline
    if review is None or review.whole("month") is None:
        absent = "not_built" if review is None else "nothing_open"
        return page(
            inputs,
            t,
            "pipeline_review",
            [Part("moved", t("pipeline.moved"), (t(f"pipeline.{absent}"),))],
            None,
        )
    currency = inputs.audit.run.reporting_currency
    parts = [
        _summary(review, currency, t, f),
        _drawn(review, currency, t, f),
        _steps(review, "quarter", QUARTER_STEPS, currency, t, f),
        _forecast(review, currency, t, f),
        _at_risk(review, t, f),
        _moved(review, t, f),
        _cut(review, "stage", currency, t, f),
        _cut(review, "team", currency, t, f),
    ]
    return page(inputs, t, "pipeline_review", parts, None)


def _days(row: Movement, f: Formats) -> tuple[str, str]:
    """First and last day of a window."""
    return f.date(row.start_on), f.date(row.end_on - timedelta(days=1))


def _summary(review: PipelineReview, currency: str, t: Wording, f: Formats) -> Part:
    told = [
        _told(row, currency, t, f, is_still=review.is_still(window))
        for window in WINDOWS
        if (row := review.whole(window))
    ]
    month = review.whole("month")
    if month and month.counts["n_history_incomplete"]:
        n = month.counts["n_history_incomplete"]
        told.append(t.plural("pipeline.history", n, n=f.integer(n)))
    return Part("summary", t("pipeline.summary"), told, is_list=True)


def _told(row: Movement, currency: str, t: Wording, f: Formats, *, is_still: bool) -> str:
    first, last = _days(row, f)
    before, now = row.count("opening") or 0, row.count("closing") or 0
    values = {"first": first, "last": last, "n": f.integer(now)}
    deals_before = t.plural("pipeline.deals", before, n=f.integer(before))
    opening, closing = row.amount("opening"), row.amount("closing")
    if opening is None or closing is None:
        n = row.counts["n_unconverted"]
        return t.plural("pipeline.no_amount", n, missing=f.integer(n), deals_before=deals_before, **values)
    if is_still:
        deals = t.plural("pipeline.deals", now, n=f.integer(now))
        return t("pipeline.still", amount=f.money(closing, currency), deals=deals, **values)
    return t(
        "pipeline.change", opening=f.money(opening, currency), closing=f.money(closing, currency),
        change=_unbroken(f.money(closing - opening, currency, signed=True)), deals_before=deals_before,
        won=f.integer(row.count("won_exit")), lost=f.integer(row.count("lost_exit")),
        slipped=f.integer(row.counts["n_slipped"]), **values,
    )  # fmt: skip


def _unbroken(amount: str) -> str:
    """A sign and what follows on one line: a browser breaks between a minus and a currency."""
    return amount[0] + "\u2060" + amount[1:] if amount[0] in f"+{MINUS}" else amount


def _chart(row: Movement, currency: str, t: Wording, f: Formats) -> str:
    """The waterfall of one window; nothing where amounts are missing or nothing moved."""
    amounts = [(step, row.amount(step)) for step in OPEN_STEPS]
    known = [(step, amount) for step, amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return ""
    shown = [each for each in known if each[0] in ("opening", "closing") or each[1]]
    if not any(amount for step, amount in shown if step not in ("opening", "closing")):
        return ""
    top = max(abs(amount) for _, amount in shown)
    scale, unit = (1, "")
    if top >= 100_000:
        scale, unit = (1_000_000, t("unit.million")) if top >= 100_000_000 else (1000, t("unit.thousand"))

    def label(step: str, amount: Decimal) -> str:
        signed = step not in ("opening", "closing")
        return f.with_unit(amount / scale, unit, 0 if scale == 1 else 1, signed=signed)

    first, last = _days(row, f)
    return bridge(
        [(t(f"pipeline.short.{step}"), amount, label(step, amount)) for step, amount in shown],
        title=t(
            "pipeline.chart_title", first=first, last=last, opening=f.money(row.amount("opening"), currency),
            closing=f.money(row.amount("closing"), currency),
        ),
        name=f"pipeline-{row.window}",
        width=620,
        height=190,
    )  # fmt: skip


def _drawn(review: PipelineReview, currency: str, t: Wording, f: Formats) -> Part:
    part = _steps(review, "open", OPEN_STEPS, currency, t, f)
    row = review.whole(review.window)
    first, last = _days(row, f) if row else (MISSING, MISSING)
    caption = t(f"pipeline.drawn_{review.window}", first=first, last=last, currency=currency)
    drawing = _chart(row, currency, t, f) if row else ""
    return Part("moved", t("pipeline.moved"), (caption,) if drawing else (), part.grid, drawing=drawing)


def _steps(
    review: PipelineReview, scope: str, steps: tuple[str, ...], currency: str, t: Wording, f: Formats
) -> Part:
    """Count and amount of each step in both windows."""
    rows = [review.whole(window, scope) for window in WINDOWS]
    title = t(f"pipeline.{'moved' if scope == 'open' else 'quarter'}")
    if not any(rows):
        return Part(scope, title, (t("pipeline.nothing_planned"),))
    columns = (
        ("", t("pipeline.column.movement")),
        *(
            column
            for window in WINDOWS
            for column in (
                ("n", t(f"pipeline.column.{window}_n")),
                ("n", t(f"pipeline.column.{window}_amount", currency=currency)),
            )
        ),
    )
    made = [
        cells(t(f"pipeline.step.{step}"), *(cell for row in rows for cell in _step(row, step, f)))
        for step in steps
        if step in ("opening", "closing") or any(_is_told(row, step) for row in rows)
    ]
    slipped = [None if row is None else row.counts["n_slipped"] for row in rows]
    if scope == "open" and any(slipped):
        made.append(
            cells(
                t("pipeline.step.slipped"),
                *(
                    cell
                    for row in rows
                    for cell in (
                        f.integer(None if row is None else row.counts["n_slipped"]),
                        f.decimal(None if row is None else row.amount("slipped"), 0),
                    )
                ),
            )
        )
    lead = (t("pipeline.quarter_lead"),) if scope == "quarter" else ()
    return Part(scope, title, lead, Grid(columns, made))


def _is_told(row: Movement | None, step: str) -> bool:
    return row is not None and bool(row.count(step) or row.amount(step))


def _step(row: Movement | None, step: str, f: Formats) -> tuple[str, str]:
    if row is None:
        return MISSING, MISSING
    signed = step not in ("opening", "closing")
    return f.integer(row.count(step)), f.decimal(row.amount(step), 0, signed=signed)


def _forecast(review: PipelineReview, currency: str, t: Wording, f: Formats) -> Part:
    """Each forecast category beside its last snapshot, then the whole and what the chances of the stages say."""
    by_window = {
        window: {row.segment: row for row in review.of(window, kind="forecast_category")}
        for window in WINDOWS
    }
    week, month = by_window["week"], by_window["month"]
    order = [code for code in _CATEGORIES if code in week or code in month]
    order += sorted((set(week) | set(month)) - set(order))
    made = [
        _forecast_row(t.or_raw("pipeline.category", code), month.get(code), week.get(code), f)
        for code in order
    ]
    made.append(_forecast_row(t("pipeline.every_category"), review.whole("month"), review.whole("week"), f))
    made.append(
        _forecast_row(t("pipeline.weighted"), review.whole("month"), review.whole("week"), f, weighted=True)
    )
    columns = (
        ("", t("pipeline.column.category")),
        ("n", t("pipeline.column.month_ago", currency=currency)),
        ("n", t("pipeline.column.week_ago", currency=currency)),
        ("n", t("pipeline.column.now", currency=currency)),
        ("n", t("pipeline.column.change_week", currency=currency)),
        ("n", t("pipeline.column.now_n")),
    )
    reasons = {row.reason for row in (review.whole("week"), review.whole("month")) if row and row.reason}
    note = [t("pipeline.weighted_missing", reason=t.or_raw("reason", code)) for code in sorted(reasons)]
    return Part("forecast", t("pipeline.forecast"), (t("pipeline.forecast_lead"), *note), Grid(columns, made))


def _forecast_row(
    label: str, month: Movement | None, week: Movement | None, f: Formats, *, weighted: bool = False
) -> list[Cell]:
    def amount(row: Movement | None, end: str) -> Decimal | None:
        if row is None:
            return Decimal(0)
        return row.amounts[f"{end}_weighted_amount" if weighted else f"{end}_amount"]

    now, before = amount(week or month, "closing"), amount(week, "opening")
    change = None if now is None or before is None else now - before
    row = week or month
    return cells(
        label,
        f.decimal(amount(month, "opening"), 0),
        f.decimal(before, 0),
        f.decimal(now, 0),
        f.decimal(change, 0, signed=True),
        "" if weighted or row is None else f.integer(row.count("closing")),
    )


def _deal_cell(deal: Deal) -> Cell:
    """The key that the CRM shows, then which CRM and the golden account; `opportunity_id` is instance/contract/key."""
    instance, _, key = deal.opportunity_id.partition("/crm_opportunity/")
    if not key:
        return Cell(masked(deal.opportunity_id), note=deal.account_id)
    return Cell(masked(key), note=f"{instance} · {deal.account_id}")


def _stage(code: str | None, t: Wording) -> str:
    if code is None:
        return MISSING
    return t("pipeline.unknown_stage") if code == "unknown" else t.or_raw("stage", code)


def _from_to(before: str, after: str) -> str:
    """`before → after`, one of them where both are the same or one is missing."""
    if before in (after, MISSING):
        return after
    return before if after == MISSING else f"{before} → {after}"


def _planned(deal: Deal, f: Formats) -> str:
    return _from_to(f.date_short(deal.close_before), f.date_short(deal.close_after))


def _amount(deal: Deal, f: Formats) -> str:
    return _from_to(f.decimal(deal.opening, 0), f.decimal(deal.last, 0))


def _at_risk(review: PipelineReview, t: Wording, f: Formats) -> Part:
    title = t("pipeline.at_risk")
    if not review.at_risk:
        return Part("at-risk", title, (t("pipeline.no_risk"),))
    columns = (
        ("", t("pipeline.column.deal")),
        ("", t("pipeline.column.why")),
        ("n", t("pipeline.column.amount")),
        ("", t("column.stage")),
        ("", t("pipeline.column.planned")),
    )
    made = [
        cells(_deal_cell(deal), ", ".join(_why(deal, t, f)), f.decimal(deal.last, 0),
              _from_to(_stage(deal.stage_before, t), _stage(deal.stage_after, t)), _planned(deal, f))
        for deal in review.at_risk
    ]  # fmt: skip
    return Part("at-risk", title, _more(len(made), review.n_at_risk, "risk", t, f), Grid(columns, made))


def _why(deal: Deal, t: Wording, f: Formats) -> list[str]:
    told = []
    if deal.is_slipped:
        told.append(t("pipeline.why.slipped", days=f.integer(deal.slip_days)))
    if deal.is_date_passed:
        told.append(t("pipeline.why.date_passed"))
    if deal.is_silent:
        told.append(t("pipeline.why.silent", days=f.integer(deal.silent_days)))
    if deal.is_often_pushed:
        told.append(t("pipeline.why.often_pushed", n=f.integer(deal.n_pushes)))
    if deal.is_slow:
        told.append(t("pipeline.why.slow"))
    return told


def _moved(review: PipelineReview, t: Wording, f: Formats) -> Part:
    title = t(f"pipeline.deals_{review.window}")
    if not review.moved:
        return Part("deals", title, (t("pipeline.no_deal"),))
    columns = (
        ("", t("pipeline.column.deal")),
        ("", t("pipeline.column.movement")),
        ("n", t("pipeline.column.amount")),
        ("", t("column.stage")),
        ("", t("pipeline.column.planned")),
        ("", t("pipeline.column.category")),
    )
    made = [
        cells(_deal_cell(deal), t.or_raw("pipeline.movement", _movement(deal)), _amount(deal, f),
              _from_to(_stage(deal.stage_before, t), _stage(deal.stage_after, t)), _planned(deal, f),
              _from_to(_category(deal.category_before, t), _category(deal.category_after, t)))
        for deal in review.moved
    ]  # fmt: skip
    return Part("deals", title, _more(len(made), review.n_moved, "moved", t, f), Grid(columns, made))


def _movement(deal: Deal) -> str:
    """What is listed without a change of its amount has another stage or forecast category."""
    return "restaged" if deal.movement == "unchanged" else deal.movement


def _category(code: str | None, t: Wording) -> str:
    return MISSING if code is None else t.or_raw("pipeline.category", code)


def _more(shown: int, n: int, of: str, t: Wording, f: Formats) -> tuple[str, ...]:
    if shown == n:
        return (t(f"pipeline.listed_{of}"),)
    return (t(f"pipeline.more_{of}", shown=f.integer(shown), n=f.integer(n)),)


def _cut(review: PipelineReview, kind: str, currency: str, t: Wording, f: Formats) -> Part | None:
    """The window by stage or by team: what was there, what came and went, what is there."""
    rows = list(review.of(review.window, kind=kind))
    if kind == "stage":
        place = {code: index for index, code in enumerate(_STAGES)}
        rows.sort(key=lambda row: (place.get(row.segment, len(place)), row.segment))
    else:
        rows.sort(key=lambda row: (-(row.amount("closing") or 0), row.segment))
    title = t(f"pipeline.by_{kind}_{review.window}", currency=currency)
    if not rows:
        return None
    crossing = (("n", t("pipeline.column.crossed")),) if kind == "stage" else ()
    columns = (
        ("", t("column.stage") if kind == "stage" else t("pipeline.column.team")),
        ("n", t("pipeline.short.opening")),
        ("n", t("pipeline.column.come")),
        *crossing,
        ("n", t("pipeline.column.changed")),
        ("n", t("pipeline.short.won_exit")),
        ("n", t("pipeline.short.lost_exit")),
        ("n", t("pipeline.short.closing")),
    )
    made = []
    for row in rows[:TEAMS_SHOWN] if kind == "team" else rows:
        if kind == "stage":
            label = _stage(row.segment, t)
        else:
            label = t("pipeline.unknown_team") if row.segment == "unknown" else masked(row.segment)
        moves = [_sum(row, "new", "reopened"), _sum(row, "increase", "decrease", "rate")]
        if kind == "stage":
            moves.insert(1, _sum(row, "entered", "left"))
        made.append(
            cells(
                label,
                _with_n(row, "opening", f),
                *(f.decimal(amount, 0, signed=True) for amount in moves),
                *(f.decimal(row.amount(step), 0, signed=True) for step in ("won_exit", "lost_exit")),
                _with_n(row, "closing", f),
            )
        )
    more = ()
    if kind == "team" and len(rows) > TEAMS_SHOWN:
        more = (t("pipeline.more_teams", shown=f.integer(TEAMS_SHOWN), n=f.integer(len(rows))),)
    return Part(f"by-{kind}", title, more, Grid(columns, made))


def _sum(row: Movement, *steps: str) -> Decimal | None:
    amounts = [row.amount(step) for step in steps]
    return None if None in amounts else sum(amounts, Decimal(0))


def _with_n(row: Movement, step: str, f: Formats) -> Cell:
    return Cell(f.decimal(row.amount(step), 0), note=f"({f.integer(row.count(step))})")
