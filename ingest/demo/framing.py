"""Approved framing notes of the demo company, one for each month that it delivers.

What does NOT belong here: what a note may say (orchestration.cycles).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import yaml

from ingest.approved_content import content_hash
from ingest.demo.sizes import CONVERSATION_MIN_S, WINDOW_DAYS

_NOTE = """version: 1
cycle: "%(cycle)s"
decision_sought: "Raise the contact cadence of small inbound leads, or answer them faster?"
unit: lead
segments:
  - {code: all}
  - {code: smb_inbound, channel_code: [inbound], size_band_code: [smb]}
  - {code: mid_outbound, channel_code: [outbound], size_band_code: [mid]}
  - {code: enterprise, size_band_code: [enterprise]}
phases:
  - {code: lead, conversion_event: conversion}
  - {code: mql, conversion_event: meeting}
  - {code: sql, conversion_event: conversion}
  - {code: opportunity, stage_code: negotiation, conversion_event: won}
contact:
  channels: [email, meeting, voice]
  directions: [inbound, outbound]
  min_conversation_seconds: %(conversation_s)d
  approved_by: Data team
  approved_on: 2025-12-15
conversion: {event: lead_converted, approved_by: RevOps, approved_on: 2025-12-15}
attribution_window_days: %(window_days)d
landmarks_days: [3, 5, 10]
kpis: [cr, ttf_hours, touches_per_lead]
raci: {vp_sales: A, revops: R, data: C, managers: C/I, sales_reps: I, support_legal: C}
audiences:
  vp_sales: [management, sales]
  revops: [accounts, finance, management, marketing, revops, sales]
  data: [accounts, finance, management, marketing, revops, sales]
  managers: [sales]
  support_legal: [marketing]
legal_basis:
  - {purpose: prospecting_by_mail, channel: email, basis: legitimate_interest}
  - {purpose: prospecting_by_call, channel: call, basis: legitimate_interest}
thresholds_in_force: method-defaults
minimum_n: 30
minimum_events: 10
"""


def write_notes(
    company_dir: Path,
    cycles: Iterable[str],
    *,
    window_days: int = WINDOW_DAYS,
    conversation_s: int = CONVERSATION_MIN_S,
) -> None:
    """cycles/<yyyy-mm>.yml for every month, approved on its first day."""
    folder = company_dir / "cycles"
    folder.mkdir(exist_ok=True)
    for cycle in cycles:
        text = _NOTE % {
            "cycle": cycle,
            "conversation_s": conversation_s,
            "window_days": window_days,
        }
        stamp = {
            "approved_by": "VP Sales",
            "approved_on": dt.date.fromisoformat(f"{cycle}-01"),
            "note_hash": content_hash(yaml.safe_load(text)),
        }
        block = yaml.safe_dump({"approval": stamp}, sort_keys=False)
        (folder / f"{cycle}.yml").write_text(text + block, encoding="utf-8")
