"""The blocks of the cycle's pages that other marts fill: first contact, accounts, rails, thresholds, tests, steps.

One function a block; None where its mart does not stand. What does not belong here: lines and tiles
(dashboard_inputs.py), wording, figures of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestration.cycles.acts import find_acts
from orchestration.cycles.note import read_note
from orchestration.cycles.steps import AFTER_THE_MONTH, Evidence, steps_of
from orchestration.reporting.cycle_figures import (
    AccountRow,
    Bucket,
    CycleStep,
    Experiment,
    Note,
    OutlierRow,
    Quality,
    Question,
    Rail,
    Response,
    Threshold,
)
from orchestration.reporting.formatting import add_months
from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.reporting.inputs import Reader

RAIL_WEEKS = 13
ACTION_RULES = (
    *("min_touches", "max_touches", "min_channels", "min_contacts", "max_mails_a_day", "warm_intro_after"),
    *("ttf_max_hours", "hot_min_touches", "hot_cool_down_days"),
)
_SEGMENT_KINDS = ("all", "channel", "size_band", "channel_size")
_CUTS = "('all', 'channel', 'size_band')"


def _rows(reader: Reader, name: str, query: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]] | None:
    """Rows of a mart; None where it does not stand."""
    return reader.table(f"marts.{name}", query, values) if reader.has(f"marts.{name}") else None


def delays(reader: Reader) -> tuple[Bucket, ...] | None:
    """Conversion by delay of the first effective contact, all leads of the half year."""
    rows = _rows(
        reader,
        "mart_sales_ttf_buckets_cycle",
        "select * from relation where period_code = 'half_year' and segment_kind_code = 'all' and n_leads > 0"
        " order by bucket_rank",
    )
    if rows is None:
        return None
    return tuple(
        Bucket(
            row["bucket_code"], row["until_hours"], row["n_leads"], row["n_converted"], row["conversion_rate"],
            row["conversion_low"], row["conversion_high"],
        )
        for row in rows
    )  # fmt: skip


def responses(reader: Reader) -> tuple[Response, ...] | None:
    """Time to first contact by segment of the half year, and of all leads of the cycle's month."""
    rows = _rows(
        reader,
        "mart_sales_ttf_cycle",
        f"select * from relation where segment_kind_code in {_CUTS}"
        " order by period_code, segment_kind_code, segment_code",
    )
    if rows is None:
        return None
    return tuple(
        Response(
            row["period_code"], row["segment_kind_code"], row["segment_code"], row["n_leads"],
            row["ttf_hours_median"], row["ttf_hours_low"], row["ttf_hours_high"], row["target_hours_min"],
            row["target_hours_max"], row["n_target_due"], row["target_met_rate"],
        )
        for row in rows
    )  # fmt: skip


def accounts(reader: Reader) -> tuple[AccountRow, ...] | None:
    """Accounts on the lists of recurring Q3 and Q1."""
    rows = _rows(
        reader,
        "mart_accounts_quadrants_cycle",
        "select * from relation where list_rank is not null"
        " order by recurring_quadrant_code, list_rank, account_id",
    )
    if rows is None:
        return None
    return tuple(
        AccountRow(
            row["account_id"], (row["recurring_quadrant_code"] or row["quadrant_code"]).upper(), row["list_rank"],
            row["touches_per_lead"], row["conversion_rate"], row["n_leads"],
        )
        for row in rows
    )  # fmt: skip


def outliers(reader: Reader) -> tuple[OutlierRow, ...] | None:
    """The top five of the cycle."""
    rows = _rows(reader, "mart_sales_top_outliers_cycle", "select * from relation order by top_rank")
    if rows is None:
        return None
    return tuple(
        OutlierRow(
            row["top_rank"], row["record_key"], row["metric_code"], row["metric_value"], row["class_code"],
            row["reason_code"], row["action_code"],
        )
        for row in rows
    )  # fmt: skip


def rails(reader: Reader, cycle: date) -> tuple[Rail, ...] | None:
    """Guard rails of the last whole weeks up to the end of the cycle, oldest first."""
    end = add_months(cycle, 1)
    rows = _rows(
        reader,
        "mart_revops_guard_rails_week",
        "select * from relation where is_complete and iso_week_start_on between ? and ?"
        " order by iso_week_start_on, rail_code",
        (end - timedelta(weeks=RAIL_WEEKS), end - timedelta(days=7)),
    )
    if rows is None:
        return None
    return tuple(
        Rail(
            row["rail_code"], row["iso_week_start_on"], row["n_events"], row["n_trials"], row["event_rate"],
            row["rate_upper"], row["bar_rate"], row["status_code"], row["action_code"], row["change_status_code"],
        )
        for row in rows
    )  # fmt: skip


def thresholds(company: Company, reader: Reader) -> tuple[Threshold, ...] | None:
    """Thresholds that people keep to, in force and proposed, by segment."""
    rows = _rows(reader, "mart_sales_thresholds_cycle", "select * from relation where is_action")
    if rows is None:
        return None
    approvers = _approvers(company)
    found = [
        Threshold(
            kind=row["segment_kind_code"],
            segment=row["segment_code"],
            rule=row["rule_code"],
            window_days=row["window_days"],
            value=row["in_force_value"],
            origin=row["in_force_origin_code"],
            proposed=row["proposed_value"],
            low=row["data_low"],
            high=row["data_high"],
            n=row["n_units"],
            method=row["method_code"],
            reason=row["reason_code"],
            decision=row["decision_code"],
            approved_by=approvers.get((row["rule_code"], row["in_force_version"])),
            valid_from=row["in_force_from"],
        )
        for row in rows
        if row["in_force_value"] is not None or row["decision_code"] in ("first", "change")
    ]
    found.sort(key=_by_segment)
    return tuple(each for each in found if not _is_inherited(each, found))


def _is_inherited(each: Threshold, every: list[Threshold]) -> bool:
    """A segment without a row of its own, where that of a wider one holds: the wider one says it already."""
    if each.kind == "all" or each.is_change:
        return False
    channel, _, size = each.segment.partition("/")
    wider = {("all", "all")} | (
        {("channel", channel), ("size_band", size)} if each.kind == "channel_size" else set()
    )
    held = (each.value, each.window_days, each.origin, each.valid_from)
    return any(
        other.rule == each.rule
        and (other.kind, other.segment) in wider
        and (other.value, other.window_days, other.origin, other.valid_from) == held
        for other in every
    )


def _by_segment(each: Threshold) -> tuple[int, str, int]:
    return (
        _SEGMENT_KINDS.index(each.kind) if each.kind in _SEGMENT_KINDS else len(_SEGMENT_KINDS),
        each.segment,
        ACTION_RULES.index(each.rule) if each.rule in ACTION_RULES else len(ACTION_RULES),
    )


def _approvers(company: Company) -> Mapping[tuple[str, str], str]:
    """(rule, version) -> who approved the company's own rows; the defaults of the method have nobody here."""
    import json

    kept = company.work / "run" / "thresholds.json"
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    return {(row["rule_code"], row["version"]): row["approved_by"] for row in rows}


def experiments(reader: Reader) -> tuple[Experiment, ...] | None:
    """Registered experiments with their read-out, the last to end first."""
    rows = _rows(
        reader,
        "mart_sales_experiments_cycle",
        "select * from relation order by end_on desc nulls first, experiment_code",
    )
    if rows is None:
        return None

    def share(points: Decimal | None) -> Decimal | None:
        return None if points is None else points / 100

    return tuple(
        Experiment(
            code=row["experiment_code"],
            state=row["status_code"],
            colour=row["colour_code"],
            reasons=tuple(filter(None, (row["reason_codes"] or "").split(","))),
            flags=tuple(filter(None, (row["flag_codes"] or "").split(","))),
            delta=share(row["delta_points"]),
            low=share(row["delta_low_points"]),
            high=share(row["delta_high_points"]),
            n_leads=(row["n_test_leads"] or 0) + (row["n_control_leads"] or 0),
            starts_on=row["start_on"],
            ends_on=row["end_on"],
        )
        for row in rows
    )


def steps(company: Company, reader: Reader, cycle: str) -> tuple[CycleStep, ...] | None:
    """The seven steps: up to the figures as published, what people did after the month as it stands now."""
    rows = _rows(reader, "mart_management_steps_cycle", "select * from relation order by step_order")
    if rows is None:
        return None
    end, note = cycle_bounds(cycle)[1], read_note(company.root, cycle)
    acts = find_acts(company.root, end)
    since = Evidence(
        n_decisions=acts.n_decisions,
        n_experiments=acts.n_experiments,
        is_closed=bool(note and note.framing.closed),
    )
    now = {each.code: each.status_code for each in steps_of(since, end) if each.code in AFTER_THE_MONTH}
    return tuple(
        CycleStep(
            row["step_order"],
            row["step_code"],
            now.get(row["step_code"], row["status_code"]),
            row["due_on"],
            row["owner_role_code"],
        )
        for row in rows
    )


def questions(reader: Reader) -> tuple[Question, ...] | None:
    """The ten questions of the express diagnosis."""
    rows = _rows(
        reader, "mart_management_express_questions_cycle", "select * from relation order by question_number"
    )
    if rows is None:
        return None
    return tuple(
        Question(
            row["question_number"], row["question_code"], row["answer_code"], row["answer_value"],
            row["value_low"], row["value_high"], row["n_units"], row["reason_code"],
        )
        for row in rows
    )  # fmt: skip


def quality(reader: Reader) -> tuple[Quality, ...] | None:
    """Answers and meetings by channel of the touch, all leads of the half year."""
    rows = _rows(
        reader,
        "mart_sales_touch_quality_cycle",
        "select * from relation where period_code = 'half_year' and segment_kind_code = 'all' and n_touches > 0"
        " order by touch_channel_code = 'all' desc, touch_channel_code",
    )
    if rows is None:
        return None
    return tuple(
        Quality(row["touch_channel_code"], row["n_touches"], row["answer_rate"], row["meetings_per_touch"])
        for row in rows
    )


def note(company: Company, cycle: str) -> Note | None:
    """What people wrote in the framing note of the cycle; None without one."""
    found = read_note(company.root, cycle)
    if found is None:
        return None
    framing, closing = found.framing, found.framing.closing
    approval = framing.approval if found.standing == "approved" else None
    return Note(
        decision_sought=framing.decision_sought,
        approved_by=approval.approved_by if approval else None,
        approved_on=approval.approved_on if approval else None,
        lessons=closing.lessons if closing else (),
        business_story=(closing.business_story or "") if closing else "",
        retrospective=(closing.retrospective or "") if closing else "",
        scripts=dict(closing.scripts) if closing else {},
        raci=tuple(framing.raci.items()),
    )
