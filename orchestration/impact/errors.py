"""Errors of measuring what decisions do to the KPIs.

What does NOT belong here: finding them, printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class ImpactError(CodedError):
    """What was asked cannot be measured."""

    SENTENCES = Path(__file__).with_name("errors.yml")
