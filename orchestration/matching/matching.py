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

from orchestration.matching.golden_ids import MEMBERS_SCHEMA, REGISTRY_SCHEMA, assign_golden_ids
from orchestration.matching.resolution import Resolution, resolve_accounts, resolve_persons

#: What matching reads of the decisions of stewards (see stewardship.tables).
_CONSTRAINTS = pa.schema(
    [(name, pa.string()) for name in ("entity", "kind", "left_record_key", "right_record_key", "decision_id")]
)


@dataclass(frozen=True)
class EntityReport:
    """What matching did to one entity. n_edges: (evidence_code, decision) -> number of edges.

    n_review: questions for a steward. engine: what the linkage engine did (pairs, blocks, model, thresholds).
    """

    n_records: int
    n_clusters: int
    largest_cluster: int
    n_edges: dict[tuple[str, str], int] = field(default_factory=dict)
    n_review: int = 0
    engine: dict[str, Any] = field(default_factory=dict)

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
    cycle: `yyyy-mm`, written on the ids minted now. out: folder that receives account_members, person_members, edges,
    review_items and golden_ids (.parquet), replaced one by one by rename, and match_report.json.
    constraints: decisions of stewards in force (constraints.parquet of stewardship.tables), or None.
    The result does not depend on row order or on the number of threads.
    Raises FileNotFoundError when an exchange file is missing.
    """
    for path in (account_records, person_records):
        if not path.is_file():
            raise FileNotFoundError(f"exchange file {path.name} is missing: run the staging step first")
    out.mkdir(parents=True, exist_ok=True)
    known = _read(registry, REGISTRY_SCHEMA)
    decided = _read(constraints, _CONSTRAINTS)
    live = {
        entity: _live(known, _previous(registry, entity)) for entity in ("account", "person")
    }  # Persons first: who works for whom is evidence about companies.
    persons = resolve_persons(person_records, decided, live["person"], threads)
    with ThreadPoolExecutor(1) as pool:
        person_ids = pool.submit(_write_ids, persons, "person", known, registry, cycle, out)
        accounts = resolve_accounts(
            account_records, person_records, persons.clusters, decided, live["account"], threads
        )
        matched = (_write_ids(accounts, "account", known, registry, cycle, out), person_ids.result())
    _write(pa.concat_tables([accounts.edges, persons.edges]), out / "edges.parquet")
    _write(pa.concat_tables([accounts.review_items, persons.review_items]), out / "review_items.parquet")
    _write(pa.concat_tables(ids for _, ids in matched), out / "golden_ids.parquet")
    report = MatchReport(accounts=matched[0][0], persons=matched[1][0])
    _write_report(report, out / "match_report.json")
    return report


def _write_report(report: MatchReport, path: Path) -> None:
    content = {"account": report.accounts.as_json(), "person": report.persons.as_json()}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    temporary.replace(path)


def _write_ids(
    resolved: Resolution, entity: str, known: pa.Table, registry: Path | None, cycle: str, out: Path
) -> tuple[EntityReport, pa.Table]:
    """Give the clusters of one entity their golden ids. Returns (report, registry of the entity)."""
    own = known.filter(pc.equal(known["entity"], entity))
    members, renewed = assign_golden_ids(resolved.clusters, own, _previous(registry, entity), entity, cycle)
    _write(members.rename_columns(["record_key", f"{entity}_id"]), out / f"{entity}_members.parquet")
    return _report(resolved), renewed


def _previous(registry: Path | None, entity: str) -> pa.Table:
    """Which record held which id last (MEMBERS_SCHEMA)."""
    return _read(registry.parent / f"members_{entity}s.parquet" if registry else None, MEMBERS_SCHEMA)


def _live(known: pa.Table, previous: pa.Table) -> pa.Table:
    """Records that hold a published id which is still in use: two of them are merged with care only."""
    active = known.filter(pc.equal(known["status"], "active"))["golden_id"]
    return previous.filter(pc.is_in(previous["golden_id"], active.combine_chunks()))


def _report(resolved: Resolution) -> EntityReport:
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
    )


def _read(path: Path | None, schema: pa.Schema) -> pa.Table:
    if path is None or not path.is_file():
        return schema.empty_table()
    return pq.read_table(path).select(schema.names).cast(schema)


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="lz4")
    temporary.replace(path)
