"""Prints pages to PDF with the Chromium of the machine, each as its own style says (row DA10).

Nothing is fetched: the pages stand alone and their policy lets nothing load. What does not belong here: the pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.coded_errors import CodedError

if TYPE_CHECKING:
    from ingest.company import Company

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 120
#: Pages made for paper: those of a cycle. The data-quality report is long, its reader prints what they need.
PRINTED = ("sales_audit", "decision", "contact_charter", "monthly_note", "standup", "pipeline_review")
_SWITCHES = (
    *(
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-pdf-header-footer",
    ),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
    ),
    *("--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


class PrintError(CodedError):
    """No browser (E-REP-001), or it printed nothing (E-REP-002)."""

    SENTENCES = Path(__file__).with_name("errors.yml")


def find_browser() -> str | None:
    """Path of a Chromium, None without one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def print_pages(pages: Sequence[Path]) -> list[Path]:
    """Writes <page>.pdf beside each `<page>.html`; returns them. Raises PrintError."""
    program = find_browser()
    if program is None:
        raise PrintError("E-REP-001", "PDF")
    made = []
    with tempfile.TemporaryDirectory(prefix="etalon-print-") as profile:
        for page in pages:
            aside = Path(profile) / "page.pdf"
            aside.unlink(missing_ok=True)
            # the sandbox of Chromium refuses to start for root
            switches = (*_SWITCHES, *(("--no-sandbox",) if os.geteuid() == 0 else ()))
            command = [
                program,
                *switches,
                f"--user-data-dir={profile}/profile",
                f"--print-to-pdf={aside}",
                page.as_uri(),
            ]
            try:
                done = subprocess.run(  # noqa: S603 - a program of the machine and our own file
                    command, capture_output=True, timeout=PATIENCE, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise PrintError("E-REP-002", page.name, detail=f"{PATIENCE} s") from error
            if done.returncode or not aside.is_file() or not aside.read_bytes().startswith(b"%PDF-"):
                raise PrintError("E-REP-002", page.name, detail=f"exit {done.returncode}")
            target = page.with_suffix(".pdf")
            beside = target.with_name(f".{target.name}.writing")
            shutil.copyfile(aside, beside)
            beside.replace(target)
            made.append(target)
    return made


def print_reports(company: Company, written: Sequence[Path]) -> list[Path]:
    """Prints the pages among `written`, puts them into reports/latest too and lists them in both indexes.

    Returns the PDF files beside the pages. Raises PrintError.
    """
    from orchestration.reporting.inputs import reading, run_facts
    from orchestration.reporting.publishing import write_index

    pages = [path for path in written if path.suffix == ".html" and path.name.split(".")[0] in PRINTED]
    made = print_pages(pages)
    latest = company.published / "reports" / "latest"
    for path in made:
        beside = latest / f".{path.name}.writing"
        shutil.copyfile(path, beside)
        beside.replace(latest / path.name)
    with reading(company.work) as reader:
        facts = run_facts(company, reader)
    for folder in {path.parent for path in made} | ({latest} if made else set()):
        write_index(folder, facts)
    return made
