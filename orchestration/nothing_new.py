"""Is the last publication already the answer to what lies in the company directory?

What does NOT belong here: running anything. Neither Dagster nor dbt is imported, the answer takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.dbt_running import WAREHOUSE
from orchestration.inputs import scan_inputs
from orchestration.publication.building import MARTS
from orchestration.publication.files import file_sha256
from orchestration.publication.receipts import current_publication, read_receipt
from orchestration.publication.report_stamp import missing_reports
from orchestration.run_state import RunState
from orchestration.settings import read_settings, run_settings

if TYPE_CHECKING:
    from ingest.company import Company


@dataclass(frozen=True)
class Unchanged:
    """The publication that stands. rolled_back_from: id a person rolled back, None otherwise.

    has_reports: False when a run died, or failed, between its publication and the last of its reports.
    """

    publication_id: str
    receipt: dict[str, Any]
    rolled_back_from: str | None
    has_reports: bool


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
    live_id = current["publication_id"]
    # What was rolled back to keeps the pages it got in its time; the tables to write them from are gone.
    has_reports = bool(rolled_back_from) or not missing_reports(company.published, live_id)
    return Unchanged(live_id, live, rolled_back_from, has_reports)


def holds_tables_of(company: Company, publication_id: str) -> bool:
    """Whether the work directory still is what this publication was made of, so that its reports can be written."""
    from orchestration.publication.judging import id_of, run_fingerprint

    try:
        settings = read_settings(company.work)
        is_same = id_of(settings, run_fingerprint(company.work, settings)) == publication_id
    except (OSError, ValueError):  # no run yet, or a file of it is damaged
        return False
    state = RunState.resume(company.work).content
    # The last step before a publication. A run begun since has forgotten it, and the warehouse with it.
    is_judged = state["steps"].get("mart_rules", {}).get("status") == "done"
    return (
        is_same and is_judged and state["run_id"] == settings.run_id and (company.work / WAREHOUSE).is_file()
    )


def _is_decision(path: str) -> bool:
    """A decision that is taken away counts no longer; an extract that is taken away does."""
    return path.startswith(("decisions/", "stewardship/")) or path == "waivers.csv"


def _is_intact(marts: Path, sha256: str) -> bool:
    return marts.is_file() and file_sha256(marts) == sha256
