"""Errors of worklists.

What does NOT belong here: deciding that something is wrong, printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class WorklistError(CodedError):
    """A worklist cannot be read or written."""

    SENTENCES = Path(__file__).with_name("errors.yml")
