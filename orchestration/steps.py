"""The steps of a cycle, in order, as plain functions over one company directory.

What does NOT belong here: Dagster (see defs, which calls these), the insides of a step. Steps hand data over
through the company directory only, so any of them can be run again alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.private_files import shared_files
from orchestration.begun import Begun
from orchestration.crash_points import crash_point
from orchestration.dbt_running import WAREHOUSE, DbtOutcome, DbtStepFailedError, manifest, run_dbt
from orchestration.publication.registry import registry_path
from orchestration.run_state import RunState
from orchestration.settings import (
    RunSettings,
    make_run_id,
    read_settings,
    run_settings,
    write_settings,
)

if TYPE_CHECKING:
    from expectations.catalogue import Catalogue
    from expectations.gate import Verdict
    from expectations.results import RuleResult
    from ingest.company import Company
    from orchestration.cycles.steps import Step
    from orchestration.impact.measuring import Measured
    from orchestration.matching import MatchReport
    from orchestration.publication import Receipt
    from orchestration.worklists.building import WorklistCounts

#: Outputs of later steps: they go when a run starts, so that no stale verdict can admit a new candidate.
_STALE = (
    f"{WAREHOUSE}",
    f"{WAREHOUSE}.wal",
    "exchange/int_account_records.parquet",
    "exchange/int_person_records.parquet",
    "matching/account_members.parquet",
    "matching/person_members.parquet",
    "matching/account_history.parquet",
    "matching/person_history.parquet",
    "matching/id_changes.parquet",
    "matching/edges.parquet",
    "matching/review_items.parquet",
    "matching/valid_vat_numbers.parquet",
    "matching/match_report.json",
    "matching/golden_ids.parquet",
    "quality/rule_results.parquet",
    "quality/rule_failures.parquet",
    "quality/assessment_index.parquet",
    "quality/ratchet.parquet",
    "quality/worklist.parquet",
    "quality/gate_verdicts.parquet",
)


@dataclass
class Run:
    """One run of one company. on_progress: called with (step, text); inputs: files looked at.

    collecting: the first step, when it was begun before whoever executes the steps was ready.
    """

    company: Company
    settings: RunSettings
    state: RunState
    on_progress: Callable[[str, str], None] = lambda step, text: None
    inputs: list[dict[str, str]] = field(default_factory=list)
    collecting: Begun[Any] | None = None

    @property
    def work(self) -> Path:
        return self.company.work

    @property
    def warehouse(self) -> Path:
        return self.work / WAREHOUSE

    @cached_property
    def filled(self) -> frozenset[str]:
        """Contracts that some mapping of the company fills; reading the mappings takes a tenth of a second."""
        from ingest.mapping import filled_contracts

        return filled_contracts(self.company)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The rules; reading them takes half a second, and they stay the same for the whole run."""
        from expectations.catalogue import load_catalogue

        return load_catalogue()


def open_run(
    company_directory: Path,
    *,
    cycle: str | None = None,
    run_id: str | None = None,
    on_progress: Callable[[str, str], None] = lambda step, text: None,
) -> Run:
    """A new run of a company; nothing is read but company.yml. Raises the errors of load_company."""
    from ingest import load_company

    company = load_company(company_directory)
    settings = run_settings(company, cycle=cycle, run_id=run_id or make_run_id())
    # What was delivered is judged for the month that runs, which may not be the company's own.
    company = replace(company, cycle=settings.cycle)
    return Run(company, settings, RunState.start(company.work, settings.run_id), on_progress)


def resume_run(
    company_directory: Path, on_progress: Callable[[str, str], None] = lambda step, text: None
) -> Run:
    """The last run of a company, to continue it. Raises FileNotFoundError before the first run."""
    from ingest import load_company

    company = load_company(company_directory)
    return Run(company, read_settings(company.work), RunState.resume(company.work), on_progress)


def begin_collecting(run: Run) -> None:
    """Begin the first step; collect_extracts waits for its end."""
    import ingest  # noqa: F401 - in this thread: two threads must not load one package from two ends

    run.collecting = Begun(lambda: _collect(run))


def collect_extracts(run: Run) -> Any:
    """Land new deliveries, recompute collect/*, write the settings. Refused files are not raised."""
    return run.collecting.result() if run.collecting else _collect(run)


def _collect(run: Run) -> Any:
    with run.state.step("extracts") as counts:
        from expectations.contact_policies import keep_contact_policies
        from expectations.thresholds import keep_thresholds
        from ingest import collect
        from ingest.discovery import SeenFiles
        from orchestration.cycles.standing import keep_framing
        from orchestration.experiments.kept import keep_experiments
        from orchestration.inputs import hash_inputs, list_inputs

        for name in _STALE:
            (run.work / name).unlink(missing_ok=True)
        shutil.rmtree(run.work / "statistics", ignore_errors=True)
        inputs = list_inputs(run.company)  # what comes while collect works is news for the next run
        report = collect(
            run.company,
            progress=lambda step, done, total: run.on_progress("extracts", f"{step} {done}/{total}"),
        )
        run.state.note(repaired=list(report.repaired))
        run.inputs = hash_inputs(run.company, inputs, SeenFiles(run.work).hashes())
        run.state.note(inputs=run.inputs)
        write_settings(run.settings, run.work)
        keep_contact_policies(run.company.root, run.work, run.settings.cycle_end)
        keep_thresholds(run.company.root, run.work, run.settings.cycle_end)
        keep_framing(run.company, run.settings, run.work)
        keep_experiments(run.company.root, run.work, run.settings.cycle_end)
        counts.update(row_counts(run.work))
    crash_point("extracts.collected")
    return report


def build_staging(run: Run) -> DbtOutcome:
    """dbt tag:staging into a warehouse started from nothing; leaves the exchange records for matching."""
    (run.work / "exchange").mkdir(parents=True, exist_ok=True)
    outcome = _dbt(run, "staging")
    crash_point("staging.built")
    return outcome


def prepare_decisions(run: Run) -> None:
    """What stewards decided, and the rules of survivorship, as tables for matching and dbt.

    Raises StewardshipError for a file of decisions that cannot be read.
    """
    with run.state.step("decisions") as counts:
        from orchestration.stewardship.files import SURVIVORSHIP
        from orchestration.stewardship.preparing import prepare
        from orchestration.survivorship import write_rules

        standing = prepare(run.company.stewardship, run.work, run.settings.cycle_end)
        for status in standing.statuses.values():
            counts[status] = counts.get(status, 0) + 1
        write_rules(run.company.stewardship / SURVIVORSHIP, run.work / "stewardship")


def match_records(run: Run) -> MatchReport:
    """Golden ids for account and person records, carried on from the published registry."""
    prepare_decisions(run)
    with run.state.step("matching") as counts:
        from orchestration.matching import match

        run.on_progress("matching", "accounts and persons")
        exchange = run.work / "exchange"
        report = match(
            exchange / "int_account_records.parquet",
            exchange / "int_person_records.parquet",
            registry_path(run.company.published),
            run.settings.cycle,
            run.work / "matching",
            constraints=run.work / "stewardship" / "constraints.parquet",
        )
        for name, entity in (("accounts", report.accounts), ("persons", report.persons)):
            counts[name] = {
                "records": entity.n_records,
                "golden": entity.n_clusters,
                "merged": entity.n_merged,
                "largest_cluster": entity.largest_cluster,
                "for_review": entity.n_review,
            }
    crash_point("matching.written")
    return report


def build_master(run: Run) -> DbtOutcome:
    """dbt tag:master: golden records, facts, metrics, ledgers."""
    outcome = _dbt(run, "master")
    crash_point("master.built")
    return outcome


def assess_rules(run: Run) -> list[RuleResult]:
    """Rules on raw, master and facts. A failing or unassessable rule is data; nothing raises."""
    return _assess(run, "rules", {"raw", "master", "fact"})


def list_work(run: Run) -> WorklistCounts:
    """What is to be mended at the source, after the rules and before the gate: it exists when the gate holds."""
    with run.state.step("worklist") as counts:
        from orchestration.worklists.building import build_worklist

        found = build_worklist(run.work, run.company.published)
        counts |= {"open": found.n_open, "opened": found.n_opened, "closed": found.n_closed}
    return found


def assess_mart_rules(run: Run) -> list[RuleResult]:
    """Rules on the marts, also beside those of the publication before."""
    from expectations.ratchet import Progress, read_progress, write_progress
    from orchestration.publication.judging import compared_marts

    found = _assess(run, "mart_rules", {"mart"})
    path = run.work / "quality" / "ratchet.parquet"
    progress = compared_marts(run.company, run.settings, run.catalogue)
    layers = {(each.rule_id, each.table_name) for each in progress.comparisons}
    before = tuple(each for each in read_progress(path) if (each.rule_id, each.table_name) not in layers)
    write_progress(Progress(progress.baseline_id, before).beside(progress), run.settings.cycle, path)
    return found


def judge_cycle(run: Run) -> Verdict:
    """The gate's verdict, written for dbt and the publisher; a hold leaves a refusal receipt."""
    with run.state.step("gate") as counts:
        from orchestration.publication import read_verdict, refuse

        verdict = _decide(run)
        counts |= {"holds": sum(each.effect == "hold" for each in verdict.sentences)}
        run.state.note(verdict=verdict.verdict, reasons=list(verdict.reasons))
        if verdict.verdict == "hold":
            run.state.note(refusal=refuse(run.company, read_verdict(run.work) or {}).name)
    crash_point("quality.judged")
    return verdict


def ensure_verdict(run: Run) -> None:
    """Write the verdict when the gate has not yet: the report and the gate both follow the rule results."""
    if not (run.work / "quality" / "gate_verdicts.parquet").is_file():
        _decide(run)


def compute_statistics(run: Run) -> dict[str, int]:
    """Estimates that SQL cannot make, from the judged master tables, as work/statistics; rows by table."""
    with run.state.step("statistics") as counts:
        from orchestration.statistics import compute_all

        run.on_progress("statistics", "baselines and models")
        counts |= compute_all(run.warehouse, run.settings, run.work / "statistics")
    crash_point("statistics.written")
    return counts


def build_marts(run: Run) -> DbtOutcome:
    """dbt tag:mart; every model refuses by itself when the verdict does not admit the cycle."""
    outcome = _dbt(run, "mart")
    crash_point("marts.built")
    return outcome


def publish_marts(run: Run) -> Receipt:
    """Swap the audited marts in. Raises NotAdmittedError when anything speaks against it."""
    with run.state.step("publication") as counts:
        from orchestration.access.role_files import build_role_files, check_roles
        from orchestration.publication import publish

        run.on_progress("publication", "marts")
        described = manifest()
        check_roles(run.company.root, described)
        inputs = run.inputs or run.state.content.get("inputs")
        receipt = publish(run.company, described, inputs=inputs, catalogue=run.catalogue)
        counts |= {"tables": len(receipt.tables), "rows": sum(receipt.tables.values())}
        run.state.note(publication_id=receipt.publication_id)
        if made := build_role_files(run.company):
            counts["role_files"] = len(made)
    return receipt


def write_reports(run: Run, *names: str) -> list[Path]:
    """Write reports (names of reporting.publishing.REPORTS) in both languages; returns the files.

    Without names all of them. They lie under the publication's id once there is one, under the run's until then and
    when the gate holds.
    """
    with run.state.step("report") as counts:
        from orchestration.reporting import REPORTS, render_reports

        names = names or REPORTS
        run.on_progress("report", ", ".join(names[:2]))
        publication_id = run.state.content.get("publication_id")
        with shared_files():
            paths = render_reports(run.company, publication_id or run.settings.run_id, names)
        if publication_id:
            shutil.rmtree(run.company.published / "reports" / run.settings.run_id, ignore_errors=True)
        counts["files"] = len(paths)
    return paths


def cycle_steps(run: Run) -> list[Step]:
    """The seven steps of the run's cycle, after its publication."""
    from orchestration.cycles.evidence import evidence_within
    from orchestration.cycles.steps import steps_of

    return steps_of(evidence_within(run.company, run.settings.cycle), run.settings.cycle_end)


def measure_impact(run: Run) -> list[Measured]:
    """Measure every decision of the last run that can go the other way; what is measured already is not again."""
    from orchestration.impact.measuring import measure
    from orchestration.impact.switches import switches

    wanted = [each for each in switches(run.work) if not each.obstacle]
    return measure(run.company, wanted, run.on_progress)


def row_counts(work: Path) -> dict[str, int]:
    """Rows of the C term of the ledger, all sources (records_in, kept, ...), and refused files."""
    import duckdb

    ledger, refusals = work / "collect" / "ledger_terms.parquet", work / "collect" / "refusals.parquet"
    con = duckdb.connect()
    try:
        rows = con.execute(
            "select name, cast(sum(value) as bigint) from read_parquet($path)"
            " where term = 'C' or name = 'quarantined_lines' group by name order by name",
            {"path": str(ledger)},
        ).fetchall()
        counts = dict(rows)
        if refusals.is_file():
            counts["refused_files"] = con.execute(
                "select count(*) from read_parquet($path)", {"path": str(refusals)}
            ).fetchone()[0]
        return counts
    finally:
        con.close()


def _assess(run: Run, step: str, layers: set[str]) -> list[RuleResult]:
    with run.state.step(step) as counts:
        from expectations.assessment_index import completed, write_index
        from expectations.runner import validate
        from orchestration.publication.judging import company_policy

        run.on_progress(step, ", ".join(sorted(layers)))
        catalogue, policy = run.catalogue, company_policy(run.company)
        results = validate(run.warehouse, layers, catalogue=catalogue, policy=policy)
        write_index(
            completed(results, catalogue, {each.layer for each in results} | layers),
            run.filled,
            run.settings.cycle,
            run.work / "quality" / "assessment_index.parquet",
        )
        found = [each for each in results if each.layer in layers]
        for result in found:
            counts[result.status] = counts.get(result.status, 0) + 1
    return found


def _decide(run: Run) -> Verdict:
    from expectations.gate import write_verdict
    from expectations.ratchet import write_progress
    from orchestration.publication.judging import decided

    verdict, progress = decided(run.company, run.settings, filled=run.filled, catalogue=run.catalogue)
    write_progress(progress, run.settings.cycle, run.work / "quality" / "ratchet.parquet")
    write_verdict(verdict, run.work / "quality" / "gate_verdicts.parquet")
    return verdict


def _dbt(run: Run, tag: str) -> DbtOutcome:
    with run.state.step(tag) as counts:
        try:
            outcome = run_dbt(tag, run.work, on_node=lambda node: run.on_progress(tag, node.name))
        except DbtStepFailedError as error:
            if error.outcome:
                _record_structure(run, error.outcome)
            raise
        _record_structure(run, outcome)
        counts |= {"models": outcome.count("model", "seed"), "tests": outcome.count("test", "unit_test")}
    return outcome


def _record_structure(run: Run, outcome: DbtOutcome) -> None:
    """What constraints and tests of a dbt operation say, beside the results of the rules."""
    from expectations.structure import Executed, record, structural_results, table_sizes

    executed = [
        Executed(node.unique_id, node.status, node.n_failures, node.message) for node in outcome.nodes
    ]
    found = structural_results(manifest(), executed, outcome.tag, table_sizes(run.warehouse))
    record(found, run.work / "quality" / "rule_results.parquet")
