"""Errors of roles.

What does NOT belong here: what access.yml may say (declaring.py raises the errors of configuration), printing.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.coded_errors import CodedError


class AccessError(CodedError):
    """A role names what the publication does not have, or there is nothing to read it from."""

    SENTENCES = Path(__file__).with_name("errors.yml")
