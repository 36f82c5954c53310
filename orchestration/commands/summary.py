"""What a run did, as data for machines and as a page for people.

What does NOT belong here: running anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.typography import COLON
from orchestration.commands.output import say, shown, wording
from orchestration.masking import masked

if TYPE_CHECKING:
    from ingest.company import Company

#: Refused files and verdict sentences shown before "and n more".
_SHOWN = 12


def run_summary(company: Company, state: dict[str, Any], status: str, language: str) -> dict[str, Any]:
    """JSON-ready summary of a finished run. status: published, checked, held or refused."""
    from orchestration.publication import read_verdict
    from orchestration.publication.building import MARTS
    from orchestration.publication.receipts import current_publication

    steps = state.get("steps", {})
    counts = steps.get("extracts", {}).get("counts", {})
    verdict = read_verdict(company.work) or {}
    current = current_publication(company.published) or {}
    reports = company.published / "reports" / "latest"
    return {
        "status": status,
        "company": company.company,
        "run_id": state.get("run_id"),
        "publication_id": state.get("publication_id"),
        "still_published": current.get("publication_id"),
        "verdict": verdict.get("verdict"),
        "reasons": [code for code in (verdict.get("reasons") or "").split(",") if code],
        "sentences": list(verdict.get(f"sentences_{language}") or ()),
        "rows": {
            "in": counts.get("records_in", 0),
            "kept": counts.get("kept", 0),
            "set_aside": sum(counts.get(name, 0) for name in ("quarantined", "excluded", "suppressed")),
            "repeated": counts.get("exact_duplicate", 0) + counts.get("superseded", 0),
            "merged": _merged(company.work),
            "quarantined_lines": counts.get("quarantined_lines", 0),
        },
        "refusals": read_refusals(company.work),
        "repaired": state.get("repaired", []),
        "marts": str(company.published / MARTS) if current else None,
        "reports": [str(path) for path in sorted(reports.glob("*.html"))] if reports.is_dir() else [],
        "impact_measured": _is_impact_measured(company),
        "seconds": {name: step["seconds"] for name, step in steps.items()},
    }


def _merged(work: Path) -> int:
    """Records kept that joined another one, each once, as the row account of the reports counts them."""
    from orchestration.reporting.inputs import reading, row_accounts

    with reading(work) as reader:
        return sum(account.merged or 0 for account in row_accounts(reader))


def _is_impact_measured(company: Company) -> bool:
    """Whether `etalon impact` has measured the inputs of this run, or had nothing yet to measure."""
    from orchestration.impact.results import inputs_fingerprint, read_impact

    if not (company.work / "run" / "settings.parquet").is_file():
        return True
    return read_impact(company.work, inputs_fingerprint(company.work)).num_rows > 0


def read_refusals(work: Path) -> list[dict[str, str]]:
    """Refused files of the last run: what, where, why and the next command."""
    import pyarrow.parquet as pq

    path = work / "collect" / "refusals.parquet"
    return pq.read_table(path).to_pylist() if path.is_file() else []


def print_summary(summary: dict[str, Any], language: str, next_commands: list[str]) -> None:
    """The page for people."""

    def text(key: str, **values: Any) -> str:
        return wording(key, language, **values)

    head = {
        "published": lambda: text("published", publication_id=summary["publication_id"]),
        "held": lambda: text("held", still_published=summary["still_published"] or "-"),
        "refused": lambda: text("held", still_published=summary["still_published"] or "-"),
        "checked": lambda: text(
            "checked", publishable=text("not_publishable" if summary["verdict"] == "hold" else "publishable")
        ),
    }
    say(head[summary["status"]]())
    rows = summary["rows"]
    say(f"\n{text('rows')}")
    for key, label in (
        ("in", "records_in"),
        ("kept", "kept"),
        ("set_aside", "set_aside"),
        ("repeated", "repeated"),
        ("merged", "merged"),
        ("quarantined_lines", "quarantined_lines"),
    ):
        say(f"  {_grouped(rows[key]):>14}  {text(label)}")
    if summary["verdict"]:
        say(f"\n{text('verdict')}{COLON[language]}{text(summary['verdict'])}")
        _some(summary["sentences"], lambda sentence: say(f"  - {sentence}"), language)
    print_refusals(summary["refusals"], language)
    if summary["repaired"]:
        say(f"\n{text('repaired')}{COLON[language]}{len(summary['repaired'])}")
        _some(summary["repaired"], lambda path: say(f"  {path}"), language)
    say()
    if summary["marts"]:
        say(f"{text('marts')}{COLON[language]}{shown(Path(summary['marts']))}")
    if summary["reports"]:
        folder = Path(summary["reports"][0]).parent
        names = ", ".join(sorted({Path(path).name.split(".")[0] for path in summary["reports"]}))
        say(f"{text('reports')}{COLON[language]}{shown(folder)} ({names}; fr, en)")
    say(f"{text('duration')}{COLON[language]}{sum(summary['seconds'].values()):.1f} s")
    if summary["status"] == "published" and not summary["impact_measured"]:
        say(text("impact_hint"))
    if next_commands:
        say(f"{text('next')}{COLON[language]}" + " | ".join(next_commands))


def print_refusals(refusals: list[dict[str, str]], language: str) -> None:
    """Each refused file: what, where, why, next."""
    if not refusals:
        return
    say(f"\n{wording('refused', language)}{COLON[language]}{len(refusals)}")

    def one(item: dict[str, str]) -> None:
        say(f"  {item['error_code']} {item['where_'] or item['file_path']}: {masked(item['what'])}")
        say(f"    {wording('why', language)}{COLON[language]}{masked(item['why'])}")
        say(f"    {wording('do', language)}{COLON[language]}{item['next_command']}")

    _some(refusals, one, language)


def _some(items: list[Any], show: Any, language: str) -> None:
    for item in items[:_SHOWN]:
        show(item)
    if len(items) > _SHOWN:
        say("  " + wording("more", language, n=len(items) - _SHOWN))


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
