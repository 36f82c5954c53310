"""Writes the reports of a run beside its publication, and the latest ones under a fixed path.

What does not belong here: what a report says, printing to PDF (printing.py). Each file is written aside and renamed,
so that a reader who has `latest/` open sees one whole report or the other.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestration.crash_points import crash_point
from orchestration.publication.report_stamp import begin_reports, disown_latest, report_folders, stamp_reports
from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.cycle_inputs import load_cycle_note
from orchestration.reporting.dashboard_inputs import load_cycle_inputs
from orchestration.reporting.formatting import LANGUAGES
from orchestration.reporting.index_page import PAGES
from orchestration.reporting.inputs import load_quality_inputs
from orchestration.reporting.render import (
    CYCLE_PAGES,
    render_cycle_note,
    render_data_quality,
    render_glossary,
    render_index,
)

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.reporting.figures import RunFacts

#: Pages of a cycle that was published, and the workbook; data_quality is written for every run.
CYCLE_REPORTS = (*CYCLE_PAGES, "workbook")
REPORTS = ("data_quality", *CYCLE_REPORTS)
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class AnyRun(Protocol):
    """What a run knows of itself: settings.run_id, and state.content with publication_id once it has one."""

    settings: object
    state: object


def render_reports(company: Company, run: AnyRun | str, names: Iterable[str] = REPORTS) -> list[Path]:
    """Writes published/reports/<id>/<report>.<language>.html and refreshes reports/latest/.

    Glossary, framing note and index lie beside.

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
    pages, facts = _pages(company, publication_id, wanted)
    reports = company.published / "reports"
    own, latest = report_folders(company.published, identity)
    listed = [f"index.{language}.html" for language in LANGUAGES] if facts else []
    is_whole = publication_id is not None and wanted == set(REPORTS)
    if is_whole:
        begin_reports(company.published, identity)
    _fill(own, pages, facts)
    if is_whole:
        crash_point("reports.kept")
    disown_latest(company.published, identity)
    _fill(latest, pages, facts)
    if is_whole:
        crash_point("reports.written")
        stamp_reports(company.published, identity, (*pages, *listed))
    if publication_id and run_id and (reports / run_id).is_dir():
        shutil.rmtree(reports / run_id)
    return [own / name for name in (*pages, *listed)]


def _fill(folder: Path, pages: Mapping[str, bytes], facts: RunFacts | None) -> None:
    _write(folder, pages)
    write_index(folder, facts)


def _identities(company: Company, run: AnyRun | str) -> tuple[str | None, str | None]:
    """(publication id, run id), each None when there is none or it is not known."""
    if not isinstance(run, str):
        return run.state.content.get("publication_id"), run.settings.run_id
    is_published = _IDENTITY.fullmatch(run) and (company.published / "receipts" / f"{run}.json").is_file()
    return (run, None) if is_published else (None, run)


def _pages(
    company: Company, publication_id: str | None, wanted: set[str]
) -> tuple[dict[str, bytes], RunFacts | None]:
    pages: dict[str, bytes] = {}
    run = None
    if "data_quality" in wanted:
        quality = load_quality_inputs(company, publication_id)
        run = quality.run
        for language in LANGUAGES:
            pages[f"data_quality.{language}.html"] = render_data_quality(quality, language).encode()
    if wanted & set(CYCLE_REPORTS):
        inputs = load_cycle_inputs(company)
        run = replace(inputs.audit.run, publication_id=publication_id)
        inputs = replace(inputs, audit=replace(inputs.audit, run=run))
        pages |= _cycle_pages(inputs, wanted)
        if "workbook" in wanted and inputs.lines:
            pages |= _workbooks(company, inputs)
    if run is not None:
        for language in LANGUAGES:
            pages[f"glossary.{language}.html"] = render_glossary(run, language).encode()
        note = load_cycle_note(company, run)
        if note is not None:
            for language in LANGUAGES:
                pages[f"cycle_note.{language}.html"] = render_cycle_note(note, language).encode()
    return pages, run


def _cycle_pages(inputs: CycleInputs, wanted: set[str]) -> dict[str, bytes]:
    return {
        f"{name}.{language}.html": render(inputs, language).encode()
        for name, render in CYCLE_PAGES.items()
        if name in wanted
        for language in LANGUAGES
    }


def _workbooks(company: Company, inputs: CycleInputs) -> dict[str, bytes]:
    from orchestration.reporting.workbook import lead_rows, workbook

    rows = lead_rows(company, inputs)
    return {f"sales_audit.{language}.xlsx": workbook(inputs, rows, language) for language in LANGUAGES}


def _write(folder: Path, pages: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages.items():
        aside = folder / f".{name}.writing"
        aside.write_bytes(content)
        aside.replace(folder / name)
    # A printed page tells what its page told before: one that is written again takes the print away.
    for name in pages:
        (folder / name).with_suffix(".pdf").unlink(missing_ok=True)


def write_index(folder: Path, run: RunFacts | None) -> None:
    """The list of what lies in a folder, made of what lies there."""
    if run is not None:
        _write(folder, {f"index.{language}.html": index_of(folder, run, language) for language in LANGUAGES})


def index_of(folder: Path, run: RunFacts, language: str) -> bytes:
    """The page that links every report of a folder, in both languages."""
    present = {path.name for path in folder.iterdir() if path.suffix in (".html", ".pdf", ".xlsx")}
    return render_index(run, {name for name in present if name.split(".")[0] in PAGES}, language).encode()
