"""Errors of stewardship.

What does NOT belong here: deciding that something is wrong, printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class StewardshipError(CodedError):
    """A decision, or a file of decisions, cannot be used."""

    SENTENCES = Path(__file__).with_name("errors.yml")
