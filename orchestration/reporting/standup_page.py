"""Agenda of the audit stand-up: thirty minutes on the Mondays of the second and fourth week (rows PB7, PB9).

What does not belong here: the figures (dashboard), the status of the steps (the cycle's mart).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.cycle_tables import account_rows, outlier_rows, step_rows
from orchestration.reporting.dashboard_page import verdict_line
from orchestration.reporting.decision_page import page, rails_part
from orchestration.reporting.documents import Grid, Part, cells
from orchestration.reporting.formatting import Formats, add_months, month_start
from orchestration.reporting.note_page import figures
from orchestration.reporting.wording import Wording


def standup_days(cycle: str) -> tuple[date, date]:
    """Monday of the second and of the fourth week after the cycle 'yyyy-mm'; week 1 begins on the first Monday."""
    after = add_months(month_start(cycle), 1)
    monday = after + timedelta(days=-after.weekday() % 7)
    return monday + timedelta(weeks=1), monday + timedelta(weeks=3)


def standup_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Everything the template `cycle/document.html.jinja` reads for the agenda."""
    second, fourth = standup_days(inputs.audit.run.cycle)
    due = Part(
        "due",
        t("cycle.standup.due"),
        (t("cycle.standup.days", second=f.date(second), fourth=f.date(fourth)),),
    )
    parts = [
        due,
        Part("figures", t("cycle.standup.figures"), figures(inputs, t, f), is_list=True),
        rails_part(inputs, t, f),
        _accounts(inputs, t, f),
        _outliers(inputs, t, f),
        _steps(inputs, t, f),
        Part("decide", t("cycle.standup.decide"), blanks=3),
    ]
    return page(inputs, t, "standup", parts, verdict_line(inputs, t, f))


def _accounts(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    rows, title = account_rows(inputs, "Q3", f), t("cycle.standup.accounts")
    if not rows:
        return Part("accounts", title, (t("cycle.absent.accounts"),))
    columns = (
        ("", t("cycle.column.account")),
        ("n", t("column.leads")),
        ("n", t("column.touches")),
        ("n", t("column.cr")),
    )
    made = [cells(row["id"], row["n"], row["touches"], row["rate"]) for row in rows[:5]]
    return Part("accounts", title, grid=Grid(columns, made))


def _outliers(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    rows, title = outlier_rows(inputs, t, f), t("cycle.standup.outliers")
    if not rows:
        return Part("outliers", title, (t("cycle.absent.outliers"),))
    columns = (("", t("cycle.column.who")), ("", t("cycle.column.fact")), ("", t("column.action")))
    return Part(
        "outliers", title, grid=Grid(columns, [cells(row["key"], row["fact"], row["action"]) for row in rows])
    )


def _steps(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    rows, title = step_rows(inputs, t, f), t("cycle.standup.steps")
    if not rows:
        return Part("steps", title, (t("cycle.absent.steps"),))
    columns = (
        ("", t("cycle.column.step")),
        ("", t("column.state")),
        ("", t("cycle.column.due")),
        ("", t("column.owner")),
    )
    made = [
        cells(f"{row['number']}. {row['label']}", row["state_label"], row["due"], row["owner"])
        for row in rows
    ]
    return Part("steps", title, grid=Grid(columns, made))
