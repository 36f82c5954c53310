"""Errors of cycles.

What does NOT belong here: what a note may say (note.py raises the errors of configuration), printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class CycleError(CodedError):
    """A cycle cannot be framed, approved or closed."""

    SENTENCES = Path(__file__).with_name("errors.yml")
