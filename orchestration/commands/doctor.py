"""`etalon doctor`: versions, room, configuration, integrity of what was collected and published."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from orchestration.commands import exit_codes
from orchestration.commands.output import cli_command, emit_json, say

_EPILOG = """\b
Examples:
  etalon doctor
  etalon doctor --company my-company --json

\b
Exit code 2 when something is bad; nothing is changed.
"""

_SIGNS = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}


@cli_command("doctor", epilog=_EPILOG)
def command(company: Path, as_json: bool, language: str) -> None:
    """Look at the tools, the company and what is published; say what is wrong and what to do."""
    from orchestration.diagnosis import diagnose

    findings = diagnose(company)
    is_bad = any(finding.state == "bad" for finding in findings)
    if as_json:
        emit_json(
            {"status": "bad" if is_bad else "ok", "findings": [asdict(finding) for finding in findings]}
        )
    else:
        for finding in findings:
            say(f"{_SIGNS[finding.state]}  {finding.name:<20} {finding.text}")
    raise SystemExit(exit_codes.USAGE if is_bad else exit_codes.DONE)
