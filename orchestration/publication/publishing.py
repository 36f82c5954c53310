"""Write, audit, publish: marts built aside from the audited candidate, swapped in by one rename.

What does NOT belong here: the gate's decision (see expectations.gate), reports, Dagster.

Order of a publication: tables built aside, Parquet folder renamed, receipt written, golden-id registry
promoted, evidence of the figures kept, history appended, marts.duckdb replaced, `current.json` written.
Readers follow marts.duckdb only; a process killed anywhere leaves the old publication or the new one complete,
and the next run with the same inputs ends with the same tables.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from ingest.private_files import shared_files
from ingest.sql import ident, literal
from orchestration.bridge.evidence import Evidence
from orchestration.crash_points import crash_point
from orchestration.dbt_running import WAREHOUSE
from orchestration.explaining.definitions import definitions
from orchestration.masking import without_calendar_names
from orchestration.publication import trust
from orchestration.publication.building import MARTS, build_marts, connection, export_parquet
from orchestration.publication.files import (
    file_sha256,
    give,
    read_json,
    replace_file,
    replace_folder,
    write_json,
)
from orchestration.publication.hashing import logical_hash
from orchestration.publication.history import (
    ACCOUNTS,
    KPIS,
    RULES,
    Event,
    Publication,
    kpi_rows,
    publications_until,
    read_log,
    record_publication,
    record_rollback,
    row_accounts,
    rule_rows,
    sequence_of,
    with_controls,
)
from orchestration.publication.journal_history import promote_journal
from orchestration.publication.judging import (
    company_policy,
    compared,
    compared_marts,
    decided,
    id_of,
    marts_alone,
    run_fingerprint,
)
from orchestration.publication.metric_table import DIM_METRIC, metric_rows, metric_table
from orchestration.publication.moved_figures import keep_evidence, moved_tables
from orchestration.publication.reach import KPI_MART, reach
from orchestration.publication.receipts import (
    CURRENT,
    chain,
    current_publication,
    live_publication_id,
    now_text,
    read_receipt,
    receipts,
    refusal_path,
    write_receipt,
)
from orchestration.publication.registry import promote_registry
from orchestration.publication.tables import Table, published_tables
from orchestration.settings import RunSettings, read_settings
from orchestration.worklists.history import promote_worklist

if TYPE_CHECKING:
    from expectations.catalogue import Catalogue
    from expectations.ratchet import Progress
    from ingest.company import Company

MANIFEST = "manifest.json"
_KPIS = f"warehouse.marts.{ident(KPI_MART)}"


class NotAdmittedError(RuntimeError):
    """The candidate may not be published; str() says why and what to do."""


class UnknownPublicationError(LookupError):
    """No publication of this id is kept. kept: the ids that are, oldest first."""

    def __init__(self, publication_id: str, kept: list[str]) -> None:
        self.publication_id, self.kept = publication_id, kept
        super().__init__(f"no publication {publication_id} is kept here; kept: {', '.join(kept) or 'none'}")


@dataclass(frozen=True)
class Receipt:
    """A publication that is in place. tables: name -> rows. content: the receipt file."""

    publication_id: str
    marts: Path
    parquet: Path
    tables: Mapping[str, int]
    content: Mapping[str, Any]


@shared_files()
def publish(
    company: Company,
    manifest: Mapping[str, Any],
    *,
    inputs: list[dict[str, str]] | None = None,
    catalogue: Catalogue | None = None,
) -> Receipt:
    """Publish the candidate of `company`'s work directory.

    manifest: the dbt manifest. inputs: (path, sha256) of the files under extracts/ this run looked at. catalogue: the
    rules, read here when the caller has not.
    Raises NotAdmittedError when the verdict, the ledger or a mart rule does not admit the candidate, and
    PrivateColumnError when a table would show a person; nothing is in place then.
    """
    work, published = company.work, company.published
    current_publication(published)  # a damaged record stops here, before anything is written
    settings = read_settings(work)
    from expectations.catalogue import load_catalogue
    from expectations.control_findings import judged, read_controls
    from expectations.ratchet import definition_versions
    from ingest.mapping import filled_contracts

    catalogue, filled = catalogue or load_catalogue(), filled_contracts(company)
    verdict = admit(company, settings, catalogue)
    progress = confirm_verdict(company, settings, verdict, filled, catalogue)
    progress = progress.beside(compared_marts(company, settings, catalogue))
    fingerprint = run_fingerprint(work, settings)
    publication_id = id_of(settings, fingerprint)
    events = read_log(published)
    aside = _emptied(published / ".building")
    with connection(work / WAREHOUSE, work / "tmp") as con:
        deliveries = _deliveries(con, work)
        ledger_hash = logical_hash(con, "warehouse.quality_dbt.dq_ledger_terms")
        tables = published_tables(manifest)
        publication = _publication(
            settings, verdict, deliveries, publication_id, ledger_hash, sequence_of(events, publication_id)
        )
        shares = {
            RULES: with_controls(
                rule_rows(work / "quality" / "rule_results.parquet", definition_versions(catalogue)),
                judged(read_controls(work), company_policy(company), settings.cycle_end),
            ),
            ACCOUNTS: row_accounts(con, work),
            KPIS: kpi_rows(con, _KPIS),
        }
        extra, evidence = moved_tables(
            con, published, work, settings, publication, events, manifest, deliveries, shares[KPIS], aside
        )
        extra += _trust_tables(
            con, manifest, company, settings, publication, events, progress, filled, catalogue, evidence
        )
        extra += _impact_table(work, fingerprint)
        marts = build_marts(
            con, tables, lambda table: f"warehouse.{ident(table.schema)}.{ident(table.name)}", aside, extra
        )
        crash_point("publication.tables_built")
        every_table = sorted([*tables, *(table for table, _ in extra)], key=lambda table: table.name)
        written = export_parquet(con, marts, every_table, aside / "parquet")
    identity = {"publication_id": publication_id, "cycle": settings.cycle, "fingerprint": fingerprint}
    write_json(aside / "parquet" / MANIFEST, identity | {"tables": written})
    crash_point("publication.parquet_written")
    parquet = published / "parquet" / publication_id
    replace_folder(aside / "parquet", parquet)
    crash_point("publication.parquet_renamed")
    previous = _previous(published, publication_id)
    receipt = write_receipt(
        published,
        identity
        | {
            "company": settings.company,
            "run_id": settings.run_id,
            "settings": settings.identity(),
            "verdict": verdict["verdict"],
            "reasons": verdict["reasons"],
            "rule_ids": verdict["rule_ids"],
            "code_version": settings.code_version,
            "policy_version": settings.policy_version,
            "ledger_hash": ledger_hash,
            "previous_publication_id": previous.get("publication_id"),
            "chain_hash": chain(
                previous.get("chain_hash"), ledger_hash, settings.code_version, settings.policy_version
            ),
            "metric_versions": {row["metric_name"]: row["metric_version"] for row in metric_rows(manifest)},
            "row_counts": {name: table["n_rows"] for name, table in written.items()},
            "logical_hashes": {name: table["logical_hash"] for name, table in written.items()},
            "deliveries": deliveries,
            "inputs": inputs or [],
            "published_at": now_text(),
        },
    )
    crash_point("publication.receipt_written")
    promote_registry(work / "matching", published, settings.cycle)
    promote_worklist(work, published, settings.cycle)
    with connection(work / WAREHOUSE, work / "tmp") as con:
        promote_journal(con, published, publication_id, settings.cycle)
    crash_point("publication.registry_promoted")
    keep_evidence(aside, published, events, publication)
    record_publication(published, publication, shares)
    admit(company, settings, catalogue)
    _swap(published, marts, publication_id)
    shutil.rmtree(aside, ignore_errors=True)
    return Receipt(publication_id, published / MARTS, parquet, receipt["row_counts"], receipt)


@shared_files()
def refuse(company: Company, verdict: Mapping[str, Any]) -> Path:
    """Write the refusal receipt of a held run. The last publication is not touched. Returns the receipt."""
    settings = read_settings(company.work)
    current = current_publication(company.published) or {}
    path = refusal_path(company.published, settings.run_id)
    write_json(
        path,
        {
            "run_id": settings.run_id,
            "company": settings.company,
            "cycle": settings.cycle,
            "verdict": "hold",
            "reasons": verdict.get("reasons"),
            "rule_ids": verdict.get("rule_ids"),
            "ledger_imbalances": verdict.get("ledger_imbalances"),
            "sentences_fr": [without_calendar_names(each) for each in verdict.get("sentences_fr") or ()],
            "sentences_en": [without_calendar_names(each) for each in verdict.get("sentences_en") or ()],
            "code_version": settings.code_version,
            "policy_version": settings.policy_version,
            "still_published": current.get("publication_id"),
            "refused_at": now_text(),
        },
    )
    return path


@shared_files()
def rollback(company: Company, publication_id: str) -> Receipt:
    """Put an earlier publication back from its Parquet folder.

    Raises UnknownPublicationError without a receipt of that id, FileNotFoundError when its folder is gone,
    OSError when a file is not the one that was published. The golden-id registry stays as it is: ids are
    never taken back.
    """
    published = company.published
    folder = published / "parquet" / publication_id
    kept = [item["publication_id"] for item in receipts(published)]
    if publication_id not in kept:
        raise UnknownPublicationError(publication_id, kept)
    manifest, receipt = read_json(folder / MANIFEST), read_receipt(published, publication_id)
    if manifest is None or receipt is None:
        raise FileNotFoundError(
            f"the Parquet folder of publication {publication_id} is gone or has no manifest"
        )
    damaged = damaged_files(folder, manifest)
    if damaged:
        raise OSError(f"publication {publication_id}: {', '.join(damaged)} differ from what was published")
    leaving = live_publication_id(published)
    tables = [Table.from_json(entry["declaration"]) for entry in manifest["tables"].values()]
    aside = _emptied(published / ".building")
    with connection(None, company.work / "tmp") as con:
        marts = build_marts(
            con,
            tables,
            lambda table: f"read_parquet({literal(str(folder / f'{table.name}.parquet'))})",
            aside,
        )
    record_rollback(published, publication_id)
    _swap(published, marts, publication_id, rolled_back_from=leaving if leaving != publication_id else None)
    shutil.rmtree(aside, ignore_errors=True)
    return Receipt(publication_id, published / MARTS, folder, receipt["row_counts"], receipt)


def damaged_files(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Files of a Parquet folder that are absent or whose bytes are not those of the manifest."""
    return [
        entry["file"]
        for entry in manifest["tables"].values()
        if not (folder / entry["file"]).is_file() or file_sha256(folder / entry["file"]) != entry["sha256"]
    ]


def admit(company: Company, settings: RunSettings, catalogue: Catalogue) -> dict[str, Any]:
    """The verdict that admits the candidate. Raises NotAdmittedError when anything speaks against it.

    Read again from the files and the warehouse, because a check in another process proves nothing here.
    """
    from expectations.assessment_index import completed
    from expectations.confirming import confirmed
    from expectations.gate import read_balances
    from expectations.results import read_results

    work = company.work
    verdict = read_verdict(work)
    if verdict is None or verdict["cycle"] != settings.cycle:
        raise NotAdmittedError(f"no verdict exists for cycle {settings.cycle}: run `etalon check`")
    if verdict["verdict"] not in ("publish", "publish_with_warnings"):
        raise NotAdmittedError(
            f"the gate holds cycle {settings.cycle} ({verdict['reasons']}): run `etalon check`"
        )
    balances = read_balances(work / WAREHOUSE)
    unbalanced = sum(balance.difference != 0 for balance in balances)
    if unbalanced or not balances:
        raise NotAdmittedError(f"the row ledger has {unbalanced} imbalance(s) in {len(balances)} identities")
    results = read_results(work / "quality" / "rule_results.parquet")
    if not any(result.layer == "mart" for result in results):
        raise NotAdmittedError("the mart rules were not assessed: run `etalon run`")
    policy = company_policy(company)
    of_marts = confirmed(completed(results, catalogue, {"mart"}), catalogue, policy, settings.cycle_end)
    holding = [each for each in of_marts if policy.effect(each) == "hold"]
    if holding:
        failed = sorted({each.rule_id for each in holding if each.status != "not_assessed"})
        unassessed = sorted({each.rule_id for each in holding if each.status == "not_assessed"})
        said = [f"{', '.join(failed)} fail"] if failed else []
        said += [f"{', '.join(unassessed)} could not be assessed"] if unassessed else []
        raise NotAdmittedError(f"mart rule(s) {'; '.join(said)}: see the data-quality report")
    progress = marts_alone(compared(company, settings, of_marts, catalogue, policy))
    worse = sorted(
        {
            each.rule_id
            for each in progress.worse
            if each.effect == "hold" and policy.waiver(each, settings.cycle_end) is None
        }
    )
    if worse:
        raise NotAdmittedError(
            f"mart rule(s) {', '.join(worse)} are worse than in publication {progress.baseline_id}:"
            " see the data-quality report"
        )
    return verdict


def confirm_verdict(
    company: Company,
    settings: RunSettings,
    verdict: Mapping[str, Any],
    filled: frozenset[str],
    catalogue: Catalogue,
) -> Progress:
    """Decide again and compare with the verdict on file, which anybody could have written.

    Returns the comparison with the last publication. Raises NotAdmittedError when they differ in anything.
    """
    from expectations.gate import verdict_row

    again, progress = decided(company, settings, filled=filled, catalogue=catalogue)
    found = verdict_row(again)
    differing = sorted(name for name in found if found[name] != verdict.get(name))
    if differing:
        raise NotAdmittedError(
            f"the verdict on file is not what the gate finds now ({', '.join(differing)}; it finds"
            f" {found['verdict']}): run `etalon check`"
        )
    return progress


def read_verdict(work: Path) -> dict[str, Any] | None:
    """The row of quality/gate_verdicts.parquet; None before the gate."""
    import pyarrow.parquet as pq

    path = work / "quality" / "gate_verdicts.parquet"
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return rows[0] if rows else None


def _emptied(aside: Path) -> Path:
    """A new folder, its owner's alone: who may not read the published file may not read it in the making."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    return aside


def _swap(published: Path, marts: Path, publication_id: str, rolled_back_from: str | None = None) -> None:
    sha256, live = file_sha256(marts), published / MARTS
    if live.is_file():  # who may read it was decided once, for every publication
        standing = live.stat()
        give(marts, standing.st_gid, stat.S_IMODE(standing.st_mode))
    replace_file(marts, live)
    crash_point("publication.swapped")
    write_json(
        published / CURRENT,
        {"publication_id": publication_id, "marts_sha256": sha256, "rolled_back_from": rolled_back_from},
    )
    crash_point("publication.recorded")


def _previous(published: Path, publication_id: str) -> dict[str, Any]:
    """Receipt of the publication that is live now; of the one before when this one is live already."""
    live = (current_publication(published) or {}).get("publication_id")
    receipt = read_receipt(published, live) if live else None
    if receipt and live == publication_id:
        earlier = receipt.get("previous_publication_id")
        receipt = read_receipt(published, earlier) if earlier else None
    return receipt or {}


def _deliveries(con: duckdb.DuckDBPyConnection, work: Path) -> list[dict[str, Any]]:
    """What went in, by delivery id and content hash; paths stay in work/, for a calendar's names its person."""
    path = work / "collect" / "deliveries.parquet"
    rows = con.execute(
        "select _delivery_id, source_instance, mapping, mapping_version, mapping_hash,"
        " file_sha256, file_bytes, cast(delivered_on as varchar)"
        f" from read_parquet({literal(str(path))}) order by _delivery_id"
    ).fetchall()
    names = (
        "delivery_id", "source_instance", "mapping", "mapping_version", "mapping_hash",
        "file_sha256", "file_bytes", "delivered_on",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in rows]


def _publication(
    settings: RunSettings,
    verdict: Mapping[str, Any],
    deliveries: list[dict[str, Any]],
    publication_id: str,
    ledger_hash: str,
    sequence: int,
) -> Publication:
    delivered = [row["delivered_on"] for row in deliveries if row["delivered_on"]]
    return Publication(
        sequence=sequence,
        publication_id=publication_id,
        company=settings.company,
        cycle=settings.cycle,
        as_of=settings.as_of,
        verdict=verdict["verdict"],
        reporting_currency=settings.reporting_currency,
        code_version=settings.code_version,
        policy_version=settings.policy_version,
        ledger_hash=ledger_hash,
        n_deliveries=len(deliveries),
        last_delivery_on=date.fromisoformat(max(delivered)) if delivered else None,
    )


def _impact_table(work: Path, fingerprint: str) -> list[tuple[Table, pa.Table]]:
    """dq_kpi_impact where `etalon impact` has measured these inputs."""
    from orchestration.impact.results import DQ_KPI_IMPACT, read_impact

    measured = read_impact(work, fingerprint)
    return [(DQ_KPI_IMPACT, measured)] if measured.num_rows else []


def _trust_tables(
    con: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    company: Company,
    settings: RunSettings,
    publication: Publication,
    events: Sequence[Event],
    progress: Progress,
    filled: frozenset[str],
    catalogue: Catalogue,
    evidence: Evidence,
) -> list[tuple[Table, pa.Table]]:
    from expectations.assessment_index import is_due
    from expectations.control_findings import judged, read_controls
    from expectations.results import read_results

    controls = judged(read_controls(company.work), company_policy(company), settings.cycle_end)
    results = read_results(company.work / "quality" / "rule_results.parquet")
    findings = trust.Findings(
        # A control that passes proves nothing of a figure; one that does not makes it doubtful.
        judged=(
            *results,
            *(
                each
                for each in controls
                if each.severity != "info" and each.status in ("fail", "warn", "waived")
            ),
        ),
        unassessed=tuple(
            each
            for each in results
            if each.severity == "critical" and each.status == "not_assessed" and is_due(each, filled)
        ),
        worse=tuple(each for each in progress.worse if each.effect != "note"),
    )
    deliveries = trust.newest_deliveries(con, company.work)
    behind = trust.tables_behind(manifest)
    where = reach(
        con,
        company.work,
        manifest,
        behind,
        {name: each for name, each in definitions().items() if name in behind},
        catalogue,
        findings.judged,
        evidence,
    )
    return [
        (trust.DIM_PUBLICATION, trust.publication_table(publications_until(events, publication))),
        (DIM_METRIC, metric_table(manifest)),
        (
            trust.KPI_TRUST,
            trust.trust_table(con, manifest, findings, publication, deliveries, _KPIS, where),
        ),
    ]
