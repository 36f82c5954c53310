"""Link records: from a table and its roles to clusters, edges and a report. The only entry point of the engine.

standardise -> shared values -> certain evidence -> bounded blocking -> scores -> gates and thresholds -> average
linkage under constraints -> clusters. A pure function of its arguments: row order and threads change nothing.
What does NOT belong here: golden ids, survivorship, the pipeline's files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa

from ingest.sql import ident
from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage import clustering, similar_names
from orchestration.matching.linkage.blocking import (
    DROPPED_BLOCKS,
    BlockingCount,
    largest_dropped,
    make_candidates,
    make_candidates_of_touched,
)
from orchestration.matching.linkage.certain import DISTINGUISHING, Certain, certain_evidence
from orchestration.matching.linkage.estimation import estimate, possible_pairs
from orchestration.matching.linkage.model import Model, load_model
from orchestration.matching.linkage.preparation import (
    filled_columns,
    load_records,
    prepare_records,
    usable_roles,
)
from orchestration.matching.linkage.scoring import add_unseen_terms, count_terms, judge, score
from orchestration.matching.linkage.shared_values import set_shared_values_aside
from orchestration.matching.linkage.state import (
    Settings,
    State,
    add_known_pairs,
    changed_records,
    join_known,
    keep_state,
    load_state,
    model_digest,
)
from orchestration.matching.standardise import standardise
from orchestration.matching.standardise.roles import Entity

#: Company names alone: cosine from which a pair is kept, reviewed, accepted, and the mean inside a cluster.
NAME_COSINES = {"retain": 0.3, "review": 0.45, "accept": 0.6, "cluster": 0.55}
#: Pairs accepted inside the sources, per pair accepted between them, up to which the sources repeat nothing.
DUPLICATES_OF_A_CLEAN_SOURCE = 0.01
#: Weights that a capped decision counts for inside a cluster: a gate is not outvoted by a high score.
_CAPPED = {"review": 0.0, "rejected": -8.0}


@dataclass(frozen=True)
class LinkReport:
    """What the engine did. Counts are records or pairs; unused: role -> why its column was left out.

    n_standardised: records new or changed since the state, all without one; n_gone: records of it that vanished.
    one_to_one: a cluster took one record of each source at most.
    """

    entity: str
    method: str
    n_records: int
    n_clusters: int
    largest_cluster: int
    n_candidates: int
    n_scored: int
    decisions: dict[str, int]
    blocking: list[BlockingCount] = field(default_factory=list)
    shared_values: list[dict[str, object]] = field(default_factory=list)
    training: list[dict[str, object]] = field(default_factory=list)
    expected_matches: float | None = None
    unused: dict[str, str] = field(default_factory=dict)
    contradictions: list[dict[str, str]] = field(default_factory=list)
    n_standardised: int = 0
    n_gone: int = 0
    one_to_one: bool = False


@dataclass(frozen=True)
class Linked:
    """clusters: record_key, cluster_key (smallest record_key of the cluster), in record_key order; a row is a node.

    edges: left_node, right_node, evidence_code, weight, decision (accepted, review, rejected), reason and, for scored
    pairs, gamma_* and term_* (see explanation). candidates: left_node, right_node of every pair blocking gave.
    dropped: blocks too large to compare (see blocking.largest_dropped).
    model: the parameters that were used, None for names alone.
    """

    clusters: pa.Table
    edges: pa.Table
    candidates: pa.Table
    dropped: pa.Table
    report: LinkReport
    model: Model | None


def link(
    records: Path | pa.Table,
    entity: Entity,
    roles: Mapping[str, str],
    *,
    model: Model | None = None,
    parameters: Literal["stored", "estimated"] = "stored",
    region: str | None = None,
    between_sources: bool = False,
    population: int | None = None,
    given_names: Sequence[str] = (),
    one_to_one: bool | None = None,
    must_link: pa.Table | None = None,
    cannot_link: pa.Table | None = None,
    state: Path | None = None,
    keep: Path | None = None,
    recompute: bool = False,
    threads: int = 2,
    memory: str = "1500MB",
) -> Linked:
    """Find which records are the same.

    records: Arrow table or Parquet file. roles: role -> column (see standardise.roles.ROLES; record_key and source
    besides). parameters: those of the stored model, or estimated from these records by a fixed recipe.
    region: country of phones without a prefix. between_sources: only pairs of different sources.
    population: records that these were picked from, where those that share nothing were left out: the prior is theirs.
    given_names: names that several families of the population bear, besides those of the records themselves.
    one_to_one: between sources, a cluster takes one record of each at most; None: where no source repeats itself.
    must_link: table (left_record_key, right_record_key). cannot_link: table (record_key, group, part): no record of
    one part of a group meets one of another part.
    state: folder that a run kept: only records that are new or changed since are standardised and compared, with
    the statistics of the kept run. keep: folder to write the state of this run to (may be the same). recompute: with
    `state`, take its statistics only and compare every pair again; the pairs and weights are the same.
    memory: what DuckDB may hold before it writes to a temporary folder.
    Raises MatchingError: a role or column that does not exist, keys that repeat, no usable column, a wrong model.
    """
    model = model or load_model(entity)
    if model.entity != entity:
        raise MatchingError(
            "E-MAT-007", "model", is_usage=True, detail=f"it is for {model.entity}, not {entity}"
        )
    settings = Settings(
        entity,
        model_digest(model),
        dict(roles),
        region,
        between_sources,
        one_to_one,
        parameters,
        population,
        sorted(given_names),
    )
    with tempfile.TemporaryDirectory() as spill:
        con = duckdb.connect(config={"threads": threads, "memory_limit": memory, "temp_directory": spill})
        try:
            con.execute(
                "SET TimeZone='UTC'; SET preserve_insertion_order=false; SET enable_progress_bar=false"
            )
            held = load_state(state, settings) if state is not None else None
            run = _prepared_run(con, records, model, settings, held, keep is not None, recompute)
            run.certain = certain_evidence(con, entity, run.columns, must_link, cannot_link)
            active = model.restricted(run.columns)
            if not active.comparisons and not len(run.certain.left):
                raise MatchingError("E-MAT-003", entity, detail="nothing is left to compare")
            by_names = [c.name for c in active.comparisons] == ["name"]
            linked = run.by_names() if by_names else run.by_scores(active, parameters)
            if keep is not None:
                keep_state(
                    con,
                    keep,
                    settings,
                    linked.model,
                    run.used,
                    run.columns,
                    run.unseen,
                    one_to_one=run.one_to_one,
                )
            return linked
        finally:
            con.close()


def _prepared_run(
    con: duckdb.DuckDBPyConnection,
    records: Path | pa.Table,
    model: Model,
    settings: Settings,
    state: State | None,
    is_kept: bool,
    recompute: bool,
) -> _Run:
    """Create `prepared`, `touched` and `shared_found`: the records in one spelling, shared values set aside."""
    compared = load_records(con, records, settings.entity, settings.roles)
    n_gone = 0
    used, unused = usable_roles(con, settings.entity, compared) if state is None else (state.used, {})
    if state is not None or is_kept:
        values = ", ".join(f"coalesce({ident(role)}, chr(0))" for role in used)
        con.execute(
            "CREATE TEMP TABLE contents AS SELECT record_key, hash(concat_ws(chr(31), source, "
            f"{values})) AS content FROM source_records"
        )
    if state is not None:
        _, n_gone = changed_records(con, state, every=recompute)
    n_standardised = con.execute("SELECT count(*) FROM source_records").fetchall()[0][0]
    columns = set(standardise(con, "source_records", used, settings.region))
    con.execute("DROP TABLE source_records")
    prepare_records(con, settings.entity, columns, state, settings.given_names)
    if state is None:
        con.execute(
            "CREATE TEMP TABLE touched AS SELECT node FROM prepared;"
            "CREATE TEMP TABLE shared_found (column_ VARCHAR, value VARCHAR)"
        )
    else:
        join_known(con, state)
        con.execute(f"CREATE TEMP TABLE shared_found AS SELECT * FROM {state.table('shared')}")
    shared = set_shared_values_aside(con, model, columns)
    columns = filled_columns(con, columns) if state is None else state.columns
    return _Run(con, model, settings, columns, used, unused, shared, state, n_standardised, n_gone)


@dataclass
class _Run:
    """One run over a connection whose tables are prepared."""

    con: duckdb.DuckDBPyConnection
    model: Model
    settings: Settings
    columns: set[str]
    used: dict[str, str]
    unused: dict[str, str]
    shared: list[dict[str, object]]
    state: State | None
    n_standardised: int
    n_gone: int
    certain: Certain = field(init=False)
    unseen: dict[str, float] = field(default_factory=dict)
    one_to_one: bool = False
    dropped: pa.Table = field(default_factory=DROPPED_BLOCKS.empty_table)

    def by_scores(self, active: Model, parameters: str) -> Linked:
        con, state, between_sources = self.con, self.state, self.settings.between_sources
        counts: list[BlockingCount] = []
        training, expected = [], None
        con.execute(
            "CREATE TEMP TABLE candidates (left_node INTEGER, right_node INTEGER);"
            "CREATE TEMP TABLE large_keys (rule VARCHAR, stage TINYINT, key VARCHAR);"
            "CREATE TEMP TABLE frequencies_used (column_ VARCHAR, value VARCHAR, share DOUBLE)"
        )
        if active.comparisons:
            if state is None:
                counts = make_candidates(con, active, between_sources=between_sources)
                n_records = self.settings.population or len(self.certain.labels)
                active = active.prior_for(possible_pairs(con, n_records, between_sources), n_records)
                if parameters == "estimated":
                    found = estimate(con, active, between_sources=between_sources)
                    active, training, expected = found.model, found.rules, found.expected_matches
                self.unseen = count_terms(con, active)
            else:
                con.execute(
                    f"INSERT INTO large_keys SELECT * FROM {state.table('blocks')};"
                    f"INSERT INTO frequencies_used SELECT * FROM {state.table('frequencies')}"
                )
                counts = make_candidates_of_touched(con, active, between_sources=between_sources)
                active, self.unseen = state.model_of(active), state.unseen
                add_unseen_terms(con, active, self.unseen)
            self.dropped = largest_dropped(con)
            score(con, active, "candidates", "scored", active.thresholds.retain)
            judge(con, self.model, active, "scored", "judged")
            con.execute("DROP TABLE scored")
            if state is not None:
                add_known_pairs(con, state)
                self.one_to_one = state.one_to_one
            elif between_sources:
                self.one_to_one = self._is_one_to_one(active)
            labels = self._cluster(active)
        else:
            con.execute(
                "CREATE TEMP TABLE judged (left_node INTEGER, right_node INTEGER, weight DOUBLE, reason VARCHAR, "
                "evidence_code VARCHAR, decision VARCHAR)"
            )
            labels = self.certain.labels
        return self._result(labels, counts, active, training, expected, "scores")

    def by_names(self) -> Linked:
        con, limits = self.con, NAME_COSINES
        vectors = similar_names.name_vectors(con, "prepared")
        left, right, cosine = similar_names.similar_pairs(vectors, limits["retain"])
        if self.settings.between_sources:
            source = self._sources()
            across = source[left] != source[right]
            alike = cosine >= limits["accept"]
            self.one_to_one = self._says_one_to_one((alike & ~across).sum(), (alike & across).sum())
            left, right, cosine = left[across], right[across], cosine[across]
        edges = clustering.Edges(left, right, cosine)
        strong = edges.where(cosine >= limits["accept"])
        components = clustering.bounded_components(vectors.shape[0], strong)
        gaps = clustering.missing_pairs(components.labels, edges)
        every = clustering.Edges(
            np.concatenate([left, gaps[0]]),
            np.concatenate([right, gaps[1]]),
            np.concatenate([cosine, similar_names.cosines(vectors, *gaps)]),
        )
        labels = clustering.average_linkage(
            components.labels,
            every,
            limits["cluster"],
            0.0,
            self.certain.identities,
            self.certain.apart.pairs_within(components.labels),
            single=self._sources() if self.one_to_one else None,
        )
        con.register("named", pa.table({"left_node": left, "right_node": right, "weight": cosine}))
        con.execute(
            "CREATE TEMP TABLE candidates AS SELECT CAST(left_node AS INTEGER) AS left_node, "
            "CAST(right_node AS INTEGER) AS right_node FROM named;"
            "CREATE TEMP TABLE judged AS SELECT CAST(left_node AS INTEGER) AS left_node, "
            "CAST(right_node AS INTEGER) AS right_node, weight, "
            f"CASE WHEN weight >= {limits['accept']} THEN 'score' WHEN weight >= {limits['review']} "
            "THEN 'between_thresholds' ELSE 'low_score' END AS reason, 'name_alone' AS evidence_code, "
            f"CASE WHEN weight >= {limits['accept']} THEN 'accepted' WHEN weight >= {limits['review']} "
            "THEN 'review' ELSE 'rejected' END AS decision FROM named"
        )
        con.unregister("named")
        return self._result(labels, [], None, [], None, "names")

    def _sources(self) -> np.ndarray:
        """(n,) one bit per source, the 62 first by name; the others share the last."""
        found = self.con.execute(
            "SELECT least(dense_rank() OVER (ORDER BY source), 62) AS s FROM prepared ORDER BY node"
        ).fetchnumpy()["s"]
        return np.left_shift(np.int64(1), np.asarray(found, dtype=np.int64))

    def _is_one_to_one(self, active: Model) -> bool:
        """Whether the sources hold no duplicates of their own, by what the model says of pairs inside them."""
        con, labels, source = self.con, self.certain.labels, self._sources()
        pairs = labels * 64 + np.log2(source).astype(np.int64)
        if self.settings.one_to_one is None and len(np.unique(pairs)) < len(pairs):
            return False  # certain evidence joins two records of one source
        if self.settings.one_to_one is not None:
            return self.settings.one_to_one
        across = con.execute("SELECT count(*) FROM judged WHERE decision = 'accepted'").fetchall()[0][0]
        con.execute(
            "ALTER TABLE candidates RENAME TO candidates_across; ALTER TABLE large_keys RENAME TO large_across"
        )
        make_candidates(con, active, between_sources=False)
        con.execute(
            "CREATE TEMP TABLE inside AS SELECT c.* FROM candidates AS c JOIN prepared AS l ON l.node = left_node "
            "JOIN prepared AS r ON r.node = right_node WHERE l.source = r.source"
        )
        score(con, active, "inside", "scored", active.thresholds.review)
        judge(con, self.model, active, "scored", "judged_inside")
        inside = con.execute("SELECT count(*) FROM judged_inside WHERE decision = 'accepted'").fetchall()[0][
            0
        ]
        con.execute(
            "DROP TABLE candidates; DROP TABLE large_keys; DROP TABLE inside; DROP TABLE scored; "
            "DROP TABLE judged_inside; ALTER TABLE candidates_across RENAME TO candidates; "
            "ALTER TABLE large_across RENAME TO large_keys"
        )
        return self._says_one_to_one(inside, across)

    def _says_one_to_one(self, inside: int, across: int) -> bool:
        given = self.settings.one_to_one
        return inside <= DUPLICATES_OF_A_CLEAN_SOURCE * across if given is None else given

    def _cluster(self, active: Model) -> np.ndarray:
        """Average linkage over what certain evidence has joined already: the cluster label of each node."""
        con, certain = self.con, self.certain
        groups, group_of = np.unique(certain.labels, return_inverse=True)
        n_groups = len(groups)
        held = np.bincount(group_of, minlength=n_groups)
        identities = np.full((len(certain.identities), n_groups), -1, dtype=np.int64)
        for row, identity in zip(identities, certain.identities, strict=True):
            np.maximum.at(row, group_of, identity)

        edges, accepted = self._group_edges("judged", group_of)
        clash = np.zeros(len(edges.left), dtype=bool)
        for identity in identities:
            near, far = identity[edges.left], identity[edges.right]
            clash |= (near >= 0) & (far >= 0) & (near != far)
        components = clustering.bounded_components(n_groups, edges.where(accepted & ~clash))
        gaps = clustering.missing_pairs(components.labels, edges)
        if len(gaps[0]):
            con.register(
                "gaps_found",
                pa.table({"a": groups[gaps[0]].astype(np.int32), "b": groups[gaps[1]].astype(np.int32)}),
            )
            con.execute(
                "CREATE TEMP TABLE gaps AS SELECT least(a, b) AS left_node, greatest(a, b) AS right_node "
                "FROM gaps_found"
            )
            con.unregister("gaps_found")
            score(con, active, "gaps", "scored_gaps", None)
            judge(con, self.model, active, "scored_gaps", "judged_gaps")
            more, _ = self._group_edges("judged_gaps", group_of)
            con.execute("DROP TABLE gaps; DROP TABLE scored_gaps; DROP TABLE judged_gaps")
            edges = clustering.Edges(
                np.concatenate([edges.left, more.left]),
                np.concatenate([edges.right, more.right]),
                np.concatenate([edges.weight, more.weight]),
            )
        limits = active.thresholds
        single = None
        if self.one_to_one:
            single = np.zeros(n_groups, dtype=np.int64)
            np.bitwise_or.at(single, group_of, self._sources())
        labels = clustering.average_linkage(
            components.labels,
            edges,
            limits.cluster,
            limits.retain,
            identities,
            certain.apart.at(group_of).pairs_within(components.labels),
            weights=held,
            single=single,
        )
        return groups[labels][group_of]

    def _group_edges(self, judged: str, group_of: np.ndarray) -> tuple[clustering.Edges, np.ndarray]:
        """Mean weight between groups of records that belong together for certain, and whether any pair is accepted."""
        caps = " ".join(f"WHEN '{decision}' THEN least(weight, {cap})" for decision, cap in _CAPPED.items())
        rows = self.con.execute(
            f"SELECT left_node, right_node, CASE decision {caps} ELSE weight END AS weight, "
            f"decision = 'accepted' AS accepted FROM {judged} ORDER BY left_node, right_node"
        ).fetchnumpy()
        left, right = group_of[rows["left_node"]], group_of[rows["right_node"]]
        weight, accepted = np.asarray(rows["weight"], np.float64), np.asarray(rows["accepted"], bool)
        apart = left != right
        left, right, weight, accepted = left[apart], right[apart], weight[apart], accepted[apart]
        n = len(self.certain.labels)
        key, place = np.unique(np.minimum(left, right) * n + np.maximum(left, right), return_inverse=True)
        count = np.bincount(place, minlength=len(key))
        mean = np.bincount(place, weights=weight, minlength=len(key)) / np.maximum(count, 1)
        any_accepted = np.bincount(place, weights=accepted, minlength=len(key)) > 0
        return clustering.Edges(key // n, key % n, np.round(mean, 6)), any_accepted

    def _result(
        self,
        labels: np.ndarray,
        counts: list[BlockingCount],
        model: Model | None,
        training: list[dict[str, object]],
        expected: float | None,
        method: str,
    ) -> Linked:
        con, certain = self.con, self.certain
        con.register(
            "labels_found", pa.table({"node": np.arange(len(labels), dtype=np.int32), "label": labels})
        )
        con.execute("CREATE TEMP TABLE labelled AS SELECT * FROM labels_found")
        con.unregister("labels_found")
        con.register(
            "certain_edges",
            pa.table(
                {
                    "left_node": certain.left.astype(np.int32),
                    "right_node": certain.right.astype(np.int32),
                    "evidence_code": pa.array(certain.evidence, pa.string()),
                    "decision": pa.array(certain.decision, pa.string()),
                }
            ),
        )
        identity = " OR ".join(
            f"(l.{column} IS NOT NULL AND r.{column} IS NOT NULL AND l.{column} <> r.{column})"
            for column in DISTINGUISHING[self.model.entity]
        )
        identity = identity or "FALSE"
        # An accepted pair whose ends were not joined: another legal number, or a bridge too weak for its neighbours.
        edges = con.sql(
            f"""
            WITH placed AS (
                SELECT j.*, a.label = b.label AS is_together, {identity} AS is_other
                FROM judged AS j JOIN labelled AS a ON a.node = j.left_node JOIN labelled AS b ON b.node = j.right_node
                JOIN prepared AS l ON l.node = j.left_node JOIN prepared AS r ON r.node = j.right_node
            )
            SELECT * EXCLUDE (is_together, is_other) REPLACE (
                CASE WHEN is_other THEN 'rejected' WHEN decision = 'accepted' AND NOT is_together THEN 'review'
                     ELSE decision END AS decision,
                CASE WHEN is_other THEN 'different_registration_number'
                     WHEN decision = 'accepted' AND NOT is_together THEN 'weak_bridge' ELSE reason END AS reason)
            FROM placed
            UNION ALL BY NAME
            SELECT left_node, right_node, evidence_code, decision, NULL AS weight,
                   CASE WHEN decision = 'accepted' THEN 'certain' ELSE 'contradictory_decisions' END AS reason
            FROM certain_edges
            ORDER BY left_node, right_node, evidence_code
            """
        ).to_arrow_table()
        con.unregister("certain_edges")
        clusters = con.sql(
            "SELECT p.record_key, first.record_key AS cluster_key FROM prepared AS p JOIN labelled AS l USING (node) "
            "JOIN prepared AS first ON first.node = l.label ORDER BY p.node"
        ).to_arrow_table()
        candidates = con.sql("SELECT * FROM candidates ORDER BY left_node, right_node").to_arrow_table()
        _, sizes = np.unique(labels, return_counts=True)
        keys = clusters["record_key"]
        decided = edges.group_by("decision").aggregate([([], "count_all")]).to_pylist()
        report = LinkReport(
            entity=self.model.entity,
            method=method,
            n_records=len(labels),
            n_clusters=len(sizes),
            largest_cluster=int(sizes.max(initial=0)),
            n_candidates=candidates.num_rows,
            n_scored=edges.num_rows - len(certain.left),
            decisions={
                row["decision"]: row["count_all"] for row in sorted(decided, key=lambda r: r["decision"])
            },
            blocking=counts,
            shared_values=self.shared,
            training=training,
            expected_matches=expected,
            unused=self.unused,
            contradictions=[
                {"left_record_key": keys[a].as_py(), "right_record_key": keys[b].as_py(), "reason": reason}
                for a, b, reason in certain.contradictions
            ],
            n_standardised=self.n_standardised,
            n_gone=self.n_gone,
            one_to_one=self.one_to_one,
        )
        return Linked(clusters, edges, candidates, self.dropped, report, model)
