"""Errors of experiments.

What does NOT belong here: deciding that something is wrong, printing (the CLI does).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class ExperimentError(CodedError):
    """A protocol, its registration or its assignment cannot be used."""

    SENTENCES = Path(__file__).with_name("errors.yml")
