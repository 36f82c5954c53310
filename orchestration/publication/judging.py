"""The verdict on a candidate, from the files of its work directory; the gate writes it, the publisher decides again.

What does NOT belong here: the decision itself (expectations.gate), putting anything in place (see publishing).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from expectations.contact_policies import kept_contact_policies
from expectations.thresholds import kept_thresholds
from orchestration.cycles.standing import standing_for
from orchestration.dbt_running import WAREHOUSE
from orchestration.experiments.kept import kept_experiments
from orchestration.publication.history import last_publication, read_baseline, read_log, row_accounts
from orchestration.settings import RunSettings, fingerprint, waivers_path
from orchestration.stewardship.tables import decisions_in_force

if TYPE_CHECKING:
    from pathlib import Path

    from expectations.catalogue import Catalogue
    from expectations.gate import Verdict
    from expectations.policy import Policy
    from expectations.ratchet import Counted, Progress
    from expectations.results import RuleResult
    from ingest.company import Company

#: Layers of rules that the gate judges; those of the marts are looked at by the publisher.
BEFORE_THE_GATE = frozenset({"raw", "master", "fact"})


def run_fingerprint(work: Path, settings: RunSettings) -> str:
    """64 hex over what the candidate was made of: its first twelve end the id of its publication."""
    from orchestration.survivorship import own_rules

    path = work / "collect" / "deliveries.parquet"
    delivered = pq.read_table(path, columns=["_delivery_id"])["_delivery_id"].to_pylist()
    # A policy of the company's own is part of it; the project's is part of the code.
    kept = (*(kept_contact_policies(work) or ()), *(kept_thresholds(work) or ()))
    policies = [json.dumps(row, sort_keys=True) for row in kept]
    decisions = decisions_in_force(work / "stewardship")
    experiments = [json.dumps(each, sort_keys=True) for each in kept_experiments(work)]
    rules = own_rules(work / "stewardship")
    return fingerprint(settings, [*delivered, *decisions, *policies, *experiments, *rules])


def id_of(settings: RunSettings, run_fingerprint: str) -> str:
    """The id of the publication that a fingerprint becomes."""
    return f"{settings.cycle}-{run_fingerprint[:12]}"


def company_policy(company: Company) -> Policy:
    """policy.yml with the company's own waivers."""
    from expectations.policy import POLICY_FILE, load_policy

    return load_policy(POLICY_FILE, waivers_path(company))


def decided(
    company: Company,
    settings: RunSettings,
    *,
    filled: frozenset[str],
    catalogue: Catalogue | None = None,
) -> tuple[Verdict, Progress]:
    """The verdict on the candidate, and how it compares with the publication before it. Nothing is written.

    filled: contracts that some mapping of the company fills (ingest.mapping.filled_contracts).
    """
    from expectations.assessment_index import completed
    from expectations.catalogue import load_catalogue
    from expectations.confirming import confirmed
    from expectations.control_findings import read_controls
    from expectations.gate import decide, read_balances, read_collect_warnings, read_refusals
    from expectations.results import read_results

    work, policy, catalogue = company.work, company_policy(company), catalogue or load_catalogue()
    found = read_results(work / "quality" / "rule_results.parquet")
    results = completed(found, catalogue, BEFORE_THE_GATE)
    results = confirmed(results, catalogue, policy, settings.cycle_end)
    progress = compared(company, settings, results, catalogue, policy)
    verdict = decide(
        results,
        read_balances(work / WAREHOUSE),
        read_refusals(work),
        policy,
        cycle=settings.cycle,
        cycle_end=settings.cycle_end,
        collect_warnings=read_collect_warnings(work),
        controls=read_controls(work),
        filled=filled,
        progress=progress,
        framing_note=standing_for(company, settings),
    )
    return verdict, progress


def compared(
    company: Company,
    settings: RunSettings,
    results: list[RuleResult],
    catalogue: Catalogue,
    policy: Policy,
) -> Progress:
    """The results beside those of the publication that stood before this candidate."""
    from expectations.ratchet import compare, definition_versions

    events = read_log(company.published)
    publication_id = id_of(settings, run_fingerprint(company.work, settings))
    former = last_publication(events, publication_id, settings.cycle)
    baseline = read_baseline(company.published, former) if former else None
    return compare(results, definition_versions(catalogue), _accounts(company.work), baseline, policy)


def compared_marts(company: Company, settings: RunSettings, catalogue: Catalogue) -> Progress:
    """The rules on the marts beside those of the publication before; the gate has compared all others by then."""
    from expectations.assessment_index import completed
    from expectations.confirming import confirmed
    from expectations.results import read_results

    policy = company_policy(company)
    results = read_results(company.work / "quality" / "rule_results.parquet")
    of_marts = confirmed(completed(results, catalogue, {"mart"}), catalogue, policy, settings.cycle_end)
    return marts_alone(compared(company, settings, of_marts, catalogue, policy))


def marts_alone(found: Progress) -> Progress:
    """What was compared without quarantine and rules that are gone: the gate has told those."""
    return replace(
        found, comparisons=tuple(each for each in found.comparisons if not each.is_quarantine), gone=()
    )


def _accounts(work: Path) -> dict[tuple[str, str], Counted]:
    from expectations.ratchet import Counted

    if not (work / "collect" / "ledger_terms.parquet").is_file():
        return {}
    with duckdb.connect() as con:
        rows = row_accounts(con, work).to_pylist()
    return {
        (row["source_instance"], row["contract"]): Counted(row["records_in"], row["quarantined"])
        for row in rows
    }
