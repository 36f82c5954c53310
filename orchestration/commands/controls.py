"""`etalon controls`: what the controls of deliveries measured in the last run."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from orchestration.commands.output import cli_command, emit_json, say, wording
from orchestration.masking import masked

_EPILOG = """\b
Examples:
  etalon controls
  etalon controls --failed
  etalon controls --source pbx --json
  etalon journal --rule pbx/zone

\b
Passed controls are counted; with --json each of them is listed.
"""

_ORDER = ("fail", "warn", "not_assessed", "waived", "pass")
_LEVELS = ("error", "warn", "info")


@cli_command("controls", epilog=_EPILOG)
@click.option("--source", default=None, help="Source instance of company.yml.")
@click.option("--failed", is_flag=True, help="Only those beyond their threshold.")
def command(company: Path, as_json: bool, language: str, source: str | None, failed: bool) -> None:
    """List the controls of what was delivered: those beyond their threshold first."""
    from expectations.control_findings import judged, read_controls
    from expectations.policy import POLICY_FILE, load_policy
    from ingest import load_company
    from ingest.errors import NoRunYetError
    from orchestration.run_lock import reading
    from orchestration.settings import run_settings, waivers_path

    settings = load_company(company)
    names = [each.instance for each in settings.sources]
    if source is not None and source not in names:
        nearest = ", ".join(difflib.get_close_matches(source, names, n=3, cutoff=0.3) or names[:3])
        text = wording("unknown_value", language, value=source, nearest=nearest or "-")
        raise click.BadParameter(text, param_hint="--source")
    if not (settings.work / "collect" / "control_results.parquet").is_file():
        raise NoRunYetError("no run has been made here yet")
    with reading(settings.work):
        results = read_controls(settings.work)
    policy = load_policy(POLICY_FILE, waivers_path(settings))
    found = judged(results, policy, run_settings(settings).cycle_end)
    found = [each for each in found if source in (None, each.result.source_instance)]
    found.sort(key=lambda f: (_ORDER.index(f.status), _LEVELS.index(f.severity), f.rule_id))
    shown = [each for each in found if each.status in ("fail", "warn", "waived") or not failed]
    if as_json:
        emit_json({"controls": [_entry(each, language) for each in shown]})
        return
    for each in shown:
        if each.status != "pass":
            places = f"  ({', '.join(each.result.examples)})" if each.result.examples else ""
            say(
                f"{each.status:<12}  {each.severity:<5}  {each.rule_id}  {masked(each.fact(language))}{masked(places)}"
            )
    counts = {status: sum(each.status == status for each in found) for status in _ORDER}
    say("  ".join(f"{wording(f'control_{status}', language)} {n}" for status, n in counts.items() if n))


def _entry(finding: Any, language: str) -> dict[str, Any]:
    return {
        **asdict(finding.result),
        "status": finding.status,
        "waived_until": finding.waived_until,
        "control_id": finding.rule_id,
        "sentence": masked(finding.fact(language)),
    }
