"""The matching step: exchange Parquet in, clusters with golden ids out.

What does NOT belong here: Dagster, dbt, the warehouse. The step reads and writes Parquet only, because a
matching engine and dbt must never share a DuckDB connection.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.matching.golden_ids import Assigned, assign_golden_ids
from orchestration.matching.member_history import day_after
from orchestration.matching.registry_files import read_history, read_registry
from orchestration.matching.resolution import Resolution, resolve_accounts, resolve_persons

#: What matching reads of the decisions of stewards (see stewardship.tables).
_CONSTRAINTS = pa.schema(
    [(name, pa.string()) for name in ("entity", "kind", "left_record_key", "right_record_key", "decision_id")]
)


@dataclass(frozen=True)
class EntityReport:
    """What matching did to one entity. n_edges: (evidence_code, decision) -> number of edges.

    n_review: questions for a steward. engine: what the linkage engine did (pairs, blocks, model, thresholds).
    id_changes: cause -> records whose golden id is not the one of the cycle before.
    """

    n_records: int
    n_clusters: int
    largest_cluster: int
    n_edges: dict[tuple[str, str], int] = field(default_factory=dict)
    n_review: int = 0
    engine: dict[str, Any] = field(default_factory=dict)
    id_changes: dict[str, int] = field(default_factory=dict)

    @property
    def id_churn(self) -> float:
        """Share of the records whose golden id is another one than in the cycle before."""
        changed = sum(n for cause, n in self.id_changes.items() if cause != "first_seen")
        return changed / self.n_records if self.n_records else 0.0

    @property
    def n_merged(self) -> int:
        """Records that joined another record's cluster."""
        return self.n_records - self.n_clusters

    @property
    def dropped_blocks(self) -> int:
        """Blocks of records too large to be compared, which blocking reported and left out."""
        return sum(rule["dropped_blocks"] for rule in self.engine.get("blocking", ()))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: counts, edges by evidence and decision, the engine's own report."""
        by_evidence: dict[str, dict[str, int]] = {}
        decisions: Counter[str] = Counter()
        for (code, decision), n in self.n_edges.items():
            by_evidence.setdefault(code, {})[decision] = n
            decisions[decision] += n
        return {
            "records": self.n_records,
            "golden": self.n_clusters,
            "merged": self.n_merged,
            "largest_cluster": self.largest_cluster,
            "review_items": self.n_review,
            "id_changes": self.id_changes,
            "edges": dict(sorted(decisions.items())),
            "by_evidence": by_evidence,
            "engine": self.engine,
        }


@dataclass(frozen=True)
class MatchReport:
    """Counts of one matching run, per entity."""

    accounts: EntityReport
    persons: EntityReport

    @property
    def n_merged(self) -> int:
        """Records of both entities that joined another record's cluster."""
        return self.accounts.n_merged + self.persons.n_merged


def match(
    account_records: Path,
    person_records: Path,
    registry: Path | None,
    cycle: str,
    out: Path,
    *,
    constraints: Path | None = None,
    threads: int = 2,
) -> MatchReport:
    """Cluster account and person records and give each cluster its golden id.

    account_records, person_records: Parquet of the exchange models. registry: golden_ids.parquet of the
    last publication, with members_accounts.parquet and members_persons.parquet beside it, or None.
    cycle: `yyyy-mm`, written on the ids minted now. out: folder that receives account_members, person_members,
    account_history, person_history, id_changes, edges, review_items, valid_vat_numbers and golden_ids (.parquet),
    replaced one by one by rename, and match_report.json.
    constraints: decisions of stewards in force (constraints.parquet of stewardship.tables), or None.
    The result does not depend on row order or on the number of threads.
    Raises FileNotFoundError when an exchange file is missing.
    """
    for path in (account_records, person_records):
        if not path.is_file():
            raise FileNotFoundError(f"exchange file {path.name} is missing: run the staging step first")
    out.mkdir(parents=True, exist_ok=True)
    known = _Known.read(registry)
    decided = (
        pq.read_table(constraints).select(_CONSTRAINTS.names).cast(_CONSTRAINTS)
        if constraints is not None and constraints.is_file()
        else _CONSTRAINTS.empty_table()
    )
    # Persons first: who works for whom is evidence about companies.
    persons = resolve_persons(person_records, account_records, decided, known.live("person", cycle), threads)
    with ThreadPoolExecutor(1) as pool:
        person_ids = pool.submit(_write_ids, persons, "person", known, cycle, out)
        accounts = resolve_accounts(
            account_records, person_records, persons.clusters, decided, known.live("account", cycle), threads
        )
        matched = (_write_ids(accounts, "account", known, cycle, out), person_ids.result())
    _write(pa.concat_tables([accounts.edges, persons.edges]), out / "edges.parquet")
    _write(pa.concat_tables([accounts.review_items, persons.review_items]), out / "review_items.parquet")
    _write(accounts.valid_vat_numbers, out / "valid_vat_numbers.parquet")
    _write(pa.concat_tables(ids.changes for _, ids in matched), out / "id_changes.parquet")
    _write(pa.concat_tables(ids.registry for _, ids in matched), out / "golden_ids.parquet")
    report = MatchReport(accounts=matched[0][0], persons=matched[1][0])
    _write_report(report, out / "match_report.json")
    return report


def _write_report(report: MatchReport, path: Path) -> None:
    content = {"account": report.accounts.as_json(), "person": report.persons.as_json()}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    temporary.replace(path)


def _write_ids(
    resolved: Resolution, entity: str, known: _Known, cycle: str, out: Path
) -> tuple[EntityReport, Assigned]:
    """Give the clusters of one entity their golden ids; write its members and their history."""
    ids = assign_golden_ids(resolved.clusters, known.ids(entity), known.histories[entity], entity, cycle)
    _write(ids.members.rename_columns(["record_key", f"{entity}_id"]), out / f"{entity}_members.parquet")
    _write(ids.history, out / f"{entity}_history.parquet")
    return _report(resolved, ids), ids


@dataclass(frozen=True)
class _Known:
    """The published registry: every golden id, and which record of an entity held which id when."""

    registry: pa.Table
    histories: dict[str, pa.Table]

    @classmethod
    def read(cls, path: Path | None) -> _Known:
        registry = read_registry(path)
        known = cls(registry, {})
        for entity in ("account", "person"):
            known.histories[entity] = read_history(path, entity, known.ids(entity))
        return known

    def ids(self, entity: str) -> pa.Table:
        """The ids of one entity."""
        return self.registry.filter(pc.equal(self.registry["entity"], entity))

    def live(self, entity: str, cycle: str) -> pa.Table:
        """Records with the golden id published just before the cycle: two of them are merged with care only.

        What the cycle itself or a later one published does not count, so that a cycle run again ends the same.
        """
        history = self.histories[entity]
        as_of = pa.scalar(day_after(cycle), pa.date32())
        still = pc.or_kleene(pc.is_null(history["valid_to"]), pc.greater_equal(history["valid_to"], as_of))
        return history.filter(pc.and_(pc.less(history["valid_from"], as_of), still)).select(
            ["record_key", "golden_id"]
        )


def _report(resolved: Resolution, ids: Assigned) -> EntityReport:
    clusters, edges = resolved.clusters, resolved.edges
    sizes = np.unique(clusters["label"].to_numpy(), return_counts=True)[1]
    pairs = edges.group_by(["evidence_code", "decision"]).aggregate([([], "count_all")]).to_pylist()
    counted = Counter({(row["evidence_code"], row["decision"]): row["count_all"] for row in pairs})
    return EntityReport(
        n_records=clusters.num_rows,
        n_clusters=len(sizes),
        largest_cluster=int(sizes.max()) if len(sizes) else 0,
        n_edges=dict(sorted(counted.items())),
        n_review=resolved.review_items.num_rows,
        engine=resolved.engine,
        id_changes={
            row["values"]: row["counts"] for row in pc.value_counts(ids.changes["cause"]).to_pylist()
        },
    )


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="lz4")
    temporary.replace(path)
