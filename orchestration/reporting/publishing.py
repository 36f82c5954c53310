"""Writes the reports of a run beside its publication, and the latest ones under a fixed path.

What does not belong here: what a report says. Each file is written aside and renamed, so that a reader who
has `latest/` open sees one whole report or the other.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestration.reporting.cycle_inputs import load_cycle_note
from orchestration.reporting.formatting import LANGUAGES
from orchestration.reporting.inputs import load_audit_inputs, load_quality_inputs
from orchestration.reporting.render import (
    render_cycle_note,
    render_data_quality,
    render_glossary,
    render_sales_audit,
)

if TYPE_CHECKING:
    from ingest.company import Company

REPORTS = ("data_quality", "sales_audit")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class AnyRun(Protocol):
    """What a run knows of itself: settings.run_id, and state.content with publication_id once it has one."""

    settings: object
    state: object


def render_reports(company: Company, run: AnyRun | str, names: Iterable[str] = REPORTS) -> list[Path]:
    """Writes published/reports/<id>/<report>.<language>.html and refreshes reports/latest/.

    The glossary and the framing note of the cycle lie beside.
    `run` is the run, or the id to write under: a publication id, or a run id when nothing was published. What
    a run wrote before its publication gives way to the publication's own reports, which know the rules on the
    marts. Returns the files under <id>. Raises ValueError for an unknown report or an id that is no plain
    name; OSError when a file cannot be written.
    """
    wanted = set(names)
    unknown = wanted - set(REPORTS)
    if unknown:
        raise ValueError(f"unknown report {', '.join(sorted(unknown))}; known: {', '.join(REPORTS)}")
    publication_id, run_id = _identities(company, run)
    identity = publication_id or run_id
    if not _IDENTITY.fullmatch(identity or ""):
        raise ValueError(f"{identity!r} is no publication or run id")
    if publication_id:
        wanted.add("data_quality")
    pages = _pages(company, publication_id, wanted)
    reports = company.published / "reports"
    for folder in (reports / identity, reports / "latest"):
        _write(folder, pages)
    if publication_id and run_id and (reports / run_id).is_dir():
        shutil.rmtree(reports / run_id)
    return [reports / identity / name for name in pages]


def _identities(company: Company, run: AnyRun | str) -> tuple[str | None, str | None]:
    """(publication id, run id), each None when there is none or it is not known."""
    if not isinstance(run, str):
        return run.state.content.get("publication_id"), run.settings.run_id
    is_published = _IDENTITY.fullmatch(run) and (company.published / "receipts" / f"{run}.json").is_file()
    return (run, None) if is_published else (None, run)


def _pages(company: Company, publication_id: str | None, wanted: set[str]) -> dict[str, str]:
    pages, run = {}, None
    if "data_quality" in wanted:
        quality = load_quality_inputs(company, publication_id)
        run = quality.run
        for language in LANGUAGES:
            pages[f"data_quality.{language}.html"] = render_data_quality(quality, language)
    if "sales_audit" in wanted:
        audit = load_audit_inputs(company)
        audit = replace(audit, run=replace(audit.run, publication_id=publication_id))
        run = audit.run
        for language in LANGUAGES:
            pages[f"sales_audit.{language}.html"] = render_sales_audit(audit, language)
    if run is not None:
        pages |= {f"glossary.{language}.html": render_glossary(run, language) for language in LANGUAGES}
        note = load_cycle_note(company, run)
        if note is not None:
            pages |= {
                f"cycle_note.{language}.html": render_cycle_note(note, language) for language in LANGUAGES
            }
    return pages


def _write(folder: Path, pages: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        aside = folder / f".{name}.writing"
        aside.write_bytes(text.encode("utf-8"))
        aside.replace(folder / name)
