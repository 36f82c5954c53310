"""The framing note as a page: what is decided, who answers for what, who is counted, when each step is due (row FR1).

What does not belong here: reading (cycle_inputs.py), HTML (templates), words of codes (orchestration.cycles).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expectations.owners import owner_name
from orchestration.cycles.note import Framing, Segment
from orchestration.cycles.words import word_or_code, words
from orchestration.dictionary import dictionary
from orchestration.reporting.cycle_inputs import CycleNote
from orchestration.reporting.formatting import Formats
from orchestration.reporting.sections.impact import shown_effect, shown_value
from orchestration.reporting.wording import Wording

_LIGHTS = {"approved": "pass", "changed": "fail", "not_approved": "warn"}
_STATUS_LIGHTS = {"done": "pass", "open": "none", "held": "hold"}


def cycle_context(inputs: CycleNote, t: Wording, f: Formats) -> dict[str, Any]:
    """What the template reads: texts and figures, nothing to compute."""
    framing, language = inputs.note.framing, t.language
    return {
        "run": inputs.run,
        "other": "en" if language == "fr" else "fr",
        "framing": framing,
        "standing": (_LIGHTS[inputs.note.standing], _standing(inputs, t, f)),
        "facts": _facts(framing, t, f),
        "duties": _duties(framing, t),
        "segments": [
            (each.code, _filters(each, t), *_counted(inputs, "segment", each.code, f))
            for each in framing.segments
        ],
        "phases": [
            (
                _phase(each.code, each.stage_code, t),
                word_or_code("event", each.conversion_event, language),
                _counted(inputs, "phase", each.item_code, f)[0],
            )
            for each in framing.phases
        ],
        "sources": [
            (
                row["item_code"],
                owner_name(row["detail_code"], language) if row["detail_code"] else "–",
                f.date(row["delivered_on"]),
                *_figures(row, f),
            )
            for (kind, _), row in inputs.counts.items()
            if kind == "source"
        ],
        "bases": [
            (
                each.purpose,
                t(f"cycle_note.channel_{each.channel}"),
                word_or_code("basis", each.basis, language),
                *_counted(inputs, "legal_basis", each.purpose, f),
            )
            for each in framing.legal_basis
        ],
        "kpis": _kpis(inputs, t, f),
        "steps": [
            (
                words(f"step_{each.code}", language),
                word_or_code("role", each.owner_role_code, language),
                f.date(each.due_on),
                (_STATUS_LIGHTS[each.status_code], words(f"status_{each.status_code}", language)),
                words(f"reason_{each.reason_code}", language) if each.reason_code else "",
            )
            for each in inputs.steps
        ],
        "stand_ups": [(name, f.date(day)) for name, day in inputs.calendar.stand_ups.items()],
        "capacities": [(team, f.integer(touches)) for team, touches in framing.team_capacity.items()],
        "closing": framing.closing,
        "closed": framing.closed
        and t("cycle_note.closed", by=framing.closed.closed_by, on=f.date(framing.closed.closed_on)),
    }


def _standing(inputs: CycleNote, t: Wording, f: Formats) -> str:
    approval = inputs.note.framing.approval
    if inputs.note.standing != "approved" or approval is None:
        return words(f"standing_{inputs.note.standing}", t.language)
    return t("cycle_note.approved", by=approval.approved_by, on=f.date(approval.approved_on))


def _facts(framing: Framing, t: Wording, f: Formats) -> list[tuple[str, str]]:
    first, end = framing.bounds
    contact, conversion = framing.contact, framing.conversion
    texts = {
        "period": t("cycle_note.period_text", start=f.date(first), end=f.date(end)),
        "unit": words(f"unit_{framing.unit}", t.language),
        "contact": t("cycle_note.contact_text", seconds=f.integer(contact.min_conversation_seconds)),
        "contact_approved": t("cycle_note.approved", by=contact.approved_by, on=f.date(contact.approved_on)),
        "conversion": t("cycle_note.conversion_text"),
        "conversion_approved": t(
            "cycle_note.approved", by=conversion.approved_by, on=f.date(conversion.approved_on)
        ),
        "window": t("cycle_note.days", n=f.integer(framing.attribution_window_days)),
        "landmarks": ", ".join(
            t("cycle_note.landmark", day=f.integer(day)) for day in framing.landmarks_days
        ),
        "minimum": t(
            "cycle_note.minimum_text",
            n=f.integer(framing.minimum_n),
            events=f.integer(framing.minimum_events),
        ),
        "bars": t(
            "cycle_note.bars_text",
            green=f.exact(framing.bars.r_green, 2),
            amber=f.exact(framing.bars.r_amber, 2),
            points=f.exact(framing.bars.delta_points),
        ),
        "thresholds": framing.thresholds_in_force,
    }
    return [(t(f"cycle_note.{name}"), text) for name, text in texts.items()]


def _duties(framing: Framing, t: Wording) -> list[tuple[str, str, str, str]]:
    found = []
    for role, duty in framing.raci.items():
        said = ", ".join(words(f"duty_{letter}", t.language) for letter in duty.split("/"))
        audiences = [t(f"cycle_note.audience_{name}") for name in framing.audiences.get(role, ())]
        found.append((word_or_code("role", role, t.language), duty, said, ", ".join(audiences) or "–"))
    return found


def _filters(segment: Segment, t: Wording) -> str:
    words_of = {"channel_code": "channel", "size_band_code": "size_band"}
    parts = [
        f"{t(f'cycle_note.filter_{name}')} = {', '.join(t.or_raw(words_of.get(name, ''), value) for value in values)}"
        for name, values in segment.filters.items()
    ]
    return " · ".join(parts) or t("cycle_note.no_filter")


def _phase(code: str, stage: str | None, t: Wording) -> str:
    word = words(f"phase_{code}", t.language)
    return f"{word} ({t.or_raw('stage', stage)})" if stage else word


def _counted(inputs: CycleNote, kind: str, item: str, f: Formats) -> tuple[str, str, str]:
    return _figures(inputs.counts.get((kind, item), {}), f)


def _figures(row: Mapping[str, Any], f: Formats) -> tuple[str, str, str]:
    """In, out, share out; a dash where nothing was counted."""
    return f.integer(row.get("n_in")), f.integer(row.get("n_out")), f.share(row.get("out_rate"))


def _kpis(inputs: CycleNote, t: Wording, f: Formats) -> list[tuple[str, str, str, str]]:
    """Name, value, value of the month before, change; dashes where the publication gives none."""
    found, currency = {each.metric_name: each for each in inputs.deltas}, inputs.run.reporting_currency
    rows = []
    for name in inputs.note.framing.kpis:
        metric, delta = dictionary().get(name), found.get(name)
        label = t.pick(metric.label_fr, metric.label_en) if metric else name
        value, before, moved = (
            (delta.value, delta.value_before, delta.change) if delta else (None, None, None)
        )
        unit = (delta.unit_code if delta else None) or ""
        shown = (shown_value(each, unit, currency, t, f) for each in (value, before))
        rows.append((label, *shown, shown_effect(moved, unit, currency, t, f)))
    return rows
