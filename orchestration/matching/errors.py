"""Errors of linkage, survivorship and evaluation.

What does NOT belong here: errors of reading extracts (ingest.errors), printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class MatchingError(CodedError):
    """Records, roles, a model, a policy or rules cannot be used."""

    SENTENCES = Path(__file__).with_name("errors.yml")
