"""The matching step: exchange Parquet in, clusters with golden ids out.

What does NOT belong here: Dagster, dbt, the warehouse. The step reads and writes Parquet only, because a
matching engine and dbt must never share a DuckDB connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.matching.accounts import account_labels
from orchestration.matching.golden_ids import MEMBERS_SCHEMA, REGISTRY_SCHEMA, assign_golden_ids
from orchestration.matching.persons import person_labels

_Labels = Callable[[duckdb.DuckDBPyConnection], tuple[np.ndarray, list[pa.Table]]]

#: Questions for a steward; kind: pair, weak_bridge, conflict, oversized, contradiction, live_merge.
REVIEW_ITEMS_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("entity", pa.string()),
        ("kind", pa.string()),
        ("left_record_key", pa.string()),
        ("right_record_key", pa.string()),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("reason", pa.string()),
        ("evidence_code", pa.string()),
        ("terms", pa.string()),
    ]
)


@dataclass(frozen=True)
class EntityReport:
    """What matching did to one entity. n_edges: (evidence_code, decision) -> number of edges."""

    n_records: int
    n_clusters: int
    largest_cluster: int
    n_edges: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def n_merged(self) -> int:
        """Records that joined another record's cluster."""
        return self.n_records - self.n_clusters


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
    account_records: Path, person_records: Path, registry: Path | None, cycle: str, out: Path
) -> MatchReport:
    """Cluster account and person records and give each cluster its golden id.

    account_records, person_records: Parquet of the exchange models. registry: golden_ids.parquet of the
    last publication, with members_accounts.parquet and members_persons.parquet beside it, or None.
    cycle: `yyyy-mm`, written on the ids minted now. out: folder that receives account_members,
    person_members, edges and golden_ids (.parquet), replaced one by one by rename.
    The result does not depend on row order or on the number of threads.
    Raises FileNotFoundError when an exchange file is missing.
    """
    for path in (account_records, person_records):
        if not path.is_file():
            raise FileNotFoundError(f"exchange file {path.name} is missing: run the staging step first")
    out.mkdir(parents=True, exist_ok=True)
    known = _read(registry, REGISTRY_SCHEMA)
    # Companies and persons know nothing of each other here, and much of the work is not DuckDB's.
    with ThreadPoolExecutor(2) as pool:
        accounts = pool.submit(
            _match_one, account_records, "account", account_labels, known, registry, cycle, out
        )
        persons = pool.submit(
            _match_one, person_records, "person", person_labels, known, registry, cycle, out
        )
        matched = (accounts.result(), persons.result())
    _write(pa.concat_tables(edges for _, _, edges in matched), out / "edges.parquet")
    _write(pa.concat_tables(ids for _, ids, _ in matched), out / "golden_ids.parquet")
    _write(REVIEW_ITEMS_SCHEMA.empty_table(), out / "review_items.parquet")
    return MatchReport(accounts=matched[0][0], persons=matched[1][0])


def _match_one(
    records: Path,
    entity: str,
    label_records: _Labels,
    known: pa.Table,
    registry: Path | None,
    cycle: str,
    out: Path,
) -> tuple[EntityReport, pa.Table, pa.Table]:
    """Cluster one entity and write its members. Returns (report, registry of the entity, edges)."""
    own = known.filter(pc.equal(known["entity"], entity))
    previous = _read(registry.parent / f"members_{entity}s.parquet" if registry else None, MEMBERS_SCHEMA)
    clusters, edges = _clusters(records, entity, label_records)
    members, renewed = assign_golden_ids(clusters, own, previous, entity, cycle)
    _write(members.rename_columns(["record_key", f"{entity}_id"]), out / f"{entity}_members.parquet")
    return _report(clusters, edges), renewed, edges


def _clusters(records: Path, entity: str, label_records: _Labels) -> tuple[pa.Table, pa.Table]:
    """(record_key, label, first_seen_on) per record, and the edges with record keys, sorted."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        con.execute(
            f"create temp table {entity}_records as"
            " select (row_number() over (order by record_key)) - 1 as node, * from read_parquet($path)",
            {"path": str(records)},
        )
        n_rows, n_keys = con.execute(
            f"select count(*), count(distinct record_key) from {entity}_records"
        ).fetchone()
        if n_rows != n_keys:
            raise ValueError(f"{records.name}: {n_rows} rows, {n_keys} record keys; one row per key expected")
        labels, tables = label_records(con)
        con.register("labels", pa.table({"node": np.arange(len(labels)), "label": labels}))
        clusters = con.sql(
            f"select r.record_key, l.label, cast(r.first_seen_on as date) as first_seen_on"
            f" from {entity}_records as r join labels as l using (node) order by r.node"
        ).to_arrow_table()
        con.register("edge_nodes", pa.concat_tables(tables))
        edges = con.sql(
            f"""
            select '{entity}' as entity, a.record_key as left_record_key, b.record_key as right_record_key,
                   e.evidence_code, e.weight, e.decision
            from edge_nodes as e
            join {entity}_records as a on e.left_node = a.node
            join {entity}_records as b on e.right_node = b.node
            order by left_record_key, right_record_key, evidence_code, weight, decision
            """
        ).to_arrow_table()
        return clusters, edges
    finally:
        con.close()


def _report(clusters: pa.Table, edges: pa.Table) -> EntityReport:
    sizes = np.unique(clusters["label"].to_numpy(), return_counts=True)[1]
    pairs = edges.group_by(["evidence_code", "decision"]).aggregate([([], "count_all")]).to_pylist()
    counted = Counter({(row["evidence_code"], row["decision"]): row["count_all"] for row in pairs})
    return EntityReport(
        n_records=clusters.num_rows,
        n_clusters=len(sizes),
        largest_cluster=int(sizes.max()) if len(sizes) else 0,
        n_edges=dict(sorted(counted.items())),
    )


def _read(path: Path | None, schema: pa.Schema) -> pa.Table:
    if path is None or not path.is_file():
        return schema.empty_table()
    return pq.read_table(path).select(schema.names).cast(schema)


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="lz4")
    temporary.replace(path)
