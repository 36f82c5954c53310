"""Is the last publication already the answer to what lies in the company directory?

What does NOT belong here: running anything. Neither Dagster nor dbt is imported, the answer takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.inputs import scan_inputs
from orchestration.publication.building import MARTS
from orchestration.publication.files import file_sha256
from orchestration.publication.receipts import current_publication, read_receipt
from orchestration.settings import run_settings

if TYPE_CHECKING:
    from ingest.company import Company


@dataclass(frozen=True)
class Unchanged:
    """The publication that stands. rolled_back_from: id a person rolled back, None otherwise."""

    publication_id: str
    receipt: dict[str, Any]
    rolled_back_from: str | None


def unchanged_publication(company: Company, cycle: str | None) -> Unchanged | None:
    """The live publication when a new run would publish the same again; None when a run is needed.

    Same settings, code and policy; every file present now was seen by that publication with the same bytes;
    and the published marts are intact. Files taken away since change nothing: deliveries are kept.
    After a rollback the question is asked of the publication that was left, so that a scheduled run does not
    bring back what a person took back.
    """
    current = current_publication(company.published)
    if not current:
        return None
    rolled_back_from = current.get("rolled_back_from")
    receipt = read_receipt(company.published, rolled_back_from or current["publication_id"])
    live = read_receipt(company.published, current["publication_id"])
    if not receipt or not live or not _is_intact(company.published / MARTS, current["marts_sha256"]):
        return None
    if receipt["settings"] != run_settings(company, cycle=cycle).identity():
        return None
    seen = {(item["path"], item["sha256"]) for item in receipt["inputs"]}
    looked_at = replace(company, cycle=cycle or company.cycle)
    present = {(item["path"], item["sha256"]) for item in scan_inputs(looked_at)}
    if not present <= seen or any(_is_decision(path) for path, _ in seen - present):
        return None
    return Unchanged(current["publication_id"], live, rolled_back_from)


def _is_decision(path: str) -> bool:
    """A decision that is taken away counts no longer; an extract that is taken away does."""
    return path.startswith(("decisions/", "stewardship/")) or path == "waivers.csv"


def _is_intact(marts: Path, sha256: str) -> bool:
    return marts.is_file() and file_sha256(marts) == sha256
