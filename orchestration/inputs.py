"""Which files lie under extracts/ now, by content: what a new run would look at.

What does NOT belong here: reading them (see ingest). Used to tell in a second that nothing is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.contact_policies import FILE
from expectations.thresholds import FILE as THRESHOLDS
from ingest.decisions import decision_files
from ingest.discovery import list_extracts
from orchestration.cycles.note import note_path
from orchestration.experiments.kept import experiment_files
from orchestration.masking import without_calendar_names
from orchestration.publication.files import file_sha256
from orchestration.stewardship.exclusions import FILE as EXCLUSIONS
from orchestration.stewardship.files import steward_files
from orchestration.stewardship.outlier_classes import FILE as OUTLIER_CLASSES

if TYPE_CHECKING:
    from ingest.company import Company


@dataclass(frozen=True)
class Inputs:
    """Extract and configuration files of a company, and the links that collect refuses: (path, error code)."""

    files: tuple[Path, ...]
    refused_links: tuple[tuple[str, str], ...]


def list_inputs(company: Company) -> Inputs:
    """The files that lie there now, by path; nothing is opened."""
    root = company.root
    listed = list_extracts(company.extracts)
    found = [company.extracts / relative for relative in listed.files]
    own_files = (
        root / "company.yml",
        root / "waivers.csv",
        root / FILE,
        root / THRESHOLDS,
        note_path(root, company.cycle),
    )
    found += [path for path in own_files if path.is_file()]
    own = {root / source.mapping for source in company.sources if source.mapping.endswith((".yml", ".yaml"))}
    found += [path for path in own if path.is_file()]
    found += [*decision_files(company.decisions), *steward_files(company.stewardship)]
    growing = (company.stewardship / OUTLIER_CLASSES, company.stewardship / EXCLUSIONS)
    found += [path for path in growing if path.is_file()]
    found += experiment_files(root)
    return Inputs(tuple(sorted(set(found))), listed.refused_links)


def hash_inputs(
    company: Company, inputs: Inputs, received: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Path (relative to the company) and sha256 of every file that is still there, by path, without names of persons.

    received: sha256 of the bytes that collect took in, by path below extracts/. They are what the run looked at, even
    when the file has changed since; the others are read here.
    """
    known = {company.extracts / path: sha256 for path, sha256 in (received or {}).items()}
    scanned = [
        {
            "path": without_calendar_names(path.relative_to(company.root).as_posix()),
            "sha256": known.get(path) or file_sha256(path),
        }
        for path in inputs.files
        if path in known or path.is_file()
    ]
    # A link that collect refuses has no content; it must still be news.
    return scanned + [
        {"path": without_calendar_names(f"extracts/{path}"), "sha256": code}
        for path, code in inputs.refused_links
    ]


def scan_inputs(company: Company) -> list[dict[str, str]]:
    """hash_inputs of what lies there now, all of it read."""
    return hash_inputs(company, list_inputs(company))
