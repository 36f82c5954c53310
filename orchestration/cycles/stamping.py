"""Draft a framing note, stamp its approval or its closing into the file; everything a person wrote stays as it is.

What does NOT belong here: what a note may say (note.py), printing (commands.cycle).
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ingest.approved_content import content_hash
from ingest.strict_yaml import read_yaml, validate
from orchestration.cycles.errors import CycleError
from orchestration.cycles.note import (
    CONTACT_CHANNELS,
    CONTACT_DIRECTIONS,
    FOLDER,
    NOT_APPROVED_CONTENT,
    Framing,
    Note,
    note_path,
    read_note,
)

if TYPE_CHECKING:
    from ingest.company import Company

_HEADER = """\
# Framing note of the audit cycle {cycle}: what the cycle is for, and what its figures are computed with.
# Read it, change what is not so, then: etalon cycle approve --cycle {cycle} --by NAME
# A change after the approval ends the approval. `closing` is written when the cycle is over and needs no new approval.
"""


def draft_note(company: Company, cycle: str, decision: str, author: str, today: date) -> Path:
    """Write a note with the values that hold now; those of the month before where it has a note.

    decision: the decision sought. author: who defines contact and conversion. Raises CycleError E-CYC-002 when the
    cycle has a note.
    """
    path = note_path(company.root, cycle)
    if path.exists():
        raise CycleError("E-CYC-002", f"{FOLDER}/{path.name}", is_usage=True, cycle=cycle)
    earlier = note_path(company.root, _month_before(cycle))
    content = _earlier(company, earlier) or _defaults(company, author, today)
    content = {"version": 1, "cycle": cycle, "decision_sought": decision} | {
        name: value for name, value in content.items() if name not in ("version", "cycle", "decision_sought")
    }
    validate(Framing, content, f"{FOLDER}/{path.name}")  # before anything is written
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    path.parent.mkdir(exist_ok=True)
    _replace(path, _HEADER.format(cycle=cycle) + text)
    return path


def _month_before(cycle: str) -> str:
    year, month = (int(part) for part in cycle.split("-"))
    return f"{year - (month == 1)}-{(month - 2) % 12 + 1:02d}"


def _earlier(company: Company, path: Path) -> dict[str, Any] | None:
    if read_note(company.root, path.stem, company.timezone) is None:
        return None
    content = read_yaml(path)
    return {name: value for name, value in content.items() if name not in (*NOT_APPROVED_CONTENT, "period")}


def _defaults(company: Company, author: str, today: date) -> dict[str, Any]:
    defined = {"approved_by": author, "approved_on": today}
    return {
        "unit": "lead",
        "segments": [
            {"code": "all"},
            {"code": "smb_inbound", "channel_code": ["inbound"], "size_band_code": ["smb"]},
            {"code": "mid_outbound", "channel_code": ["outbound"], "size_band_code": ["mid"]},
            {"code": "enterprise", "size_band_code": ["enterprise"]},
        ],
        "phases": [
            {"code": "lead", "conversion_event": "conversion"},
            {"code": "mql", "conversion_event": "meeting"},
            {"code": "sql", "conversion_event": "conversion"},
        ],
        "contact": {
            "channels": list(CONTACT_CHANNELS),
            "directions": list(CONTACT_DIRECTIONS),
            "min_conversation_seconds": company.conversation_min_s,
            **defined,
        },
        "conversion": {"event": "lead_converted", **defined},
        "attribution_window_days": company.conversion_window_days,
        "landmarks_days": [day for day in (3, 5, 10) if day < company.conversion_window_days] or [1],
        "kpis": ["cr", "ttf_hours", "touches_per_lead"],
        "raci": {
            "vp_sales": "A",
            "revops": "R",
            "data": "C",
            "managers": "C/I",
            "sales_reps": "I",
            "support_legal": "C",
        },
        "audiences": {
            "vp_sales": ["management", "sales"],
            "revops": ["accounts", "finance", "management", "marketing", "revops", "sales"],
            "data": ["accounts", "finance", "management", "marketing", "revops", "sales"],
            "managers": ["sales"],
            "support_legal": ["marketing"],
        },
        "legal_basis": [
            {"purpose": "prospecting_by_mail", "channel": "email", "basis": "legitimate_interest"},
            {"purpose": "prospecting_by_call", "channel": "call", "basis": "legitimate_interest"},
        ],
        "thresholds_in_force": "method-defaults",
        "minimum_n": 30,
        "minimum_events": 10,
    }


def approve_note(company: Company, cycle: str, author: str, today: date) -> Note:
    """Stamp the approval of the content as it is; that of a note changed since its approval is replaced.

    Raises CycleError E-CYC-001 without a note, E-CYC-006 when the content is approved, and as read_note.
    """
    note = _existing(company, cycle)
    if note.standing == "approved":
        stands = note.framing.approval
        where = f"{FOLDER}/{cycle}.yml"
        raise CycleError(
            "E-CYC-006", where, is_usage=True, cycle=cycle, name=stands.approved_by, day=stands.approved_on
        )
    stamp = {"approved_by": author, "approved_on": today, "note_hash": note.content_hash}
    return _stamp(company, cycle, "approval", stamp)


def close_cycle(company: Company, cycle: str, author: str, today: date) -> Note:
    """Stamp the end of the cycle. Raises CycleError: E-CYC-003 while the closing lacks a text, E-CYC-004 without
    an approved note.
    """
    note = _existing(company, cycle)
    where = f"{FOLDER}/{cycle}.yml"
    if note.standing != "approved":
        raise CycleError("E-CYC-004", where, is_usage=True, cycle=cycle)
    closing = note.framing.closing
    missing = closing.missing if closing else ("business_story", "retrospective", "lessons")
    if missing:
        raise CycleError("E-CYC-003", where, is_usage=True, keys=", ".join(missing))
    return _stamp(company, cycle, "closed", {"closed_by": author, "closed_on": today})


def _existing(company: Company, cycle: str) -> Note:
    note = read_note(company.root, cycle, company.timezone)
    if note is None:
        raise CycleError("E-CYC-001", f"{FOLDER}/{cycle}.yml", is_usage=True, cycle=cycle)
    return note


def _stamp(company: Company, cycle: str, key: str, stamp: dict[str, Any]) -> Note:
    """Replace one top-level block at the end of the file; comments and order of the others stay."""
    path = note_path(company.root, cycle)
    text = path.read_text(encoding="utf-8")
    kept = re.sub(rf"(?m)^{key}:.*\n?(?:^(?:[ \t]+.*|[ \t]*)(?:\n|\Z))*", "", text).rstrip("\n")
    block = yaml.safe_dump({key: stamp}, sort_keys=False, allow_unicode=True, width=110)
    written = f"{kept}\n{block}"
    before = {name: value for name, value in read_yaml(path).items() if name != key}
    if content_hash(_parsed(written), (key,)) != content_hash(before):
        raise CycleError("E-CYC-005", f"{FOLDER}/{path.name}", key=key)
    _replace(path, written)
    return _existing(company, cycle)


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
