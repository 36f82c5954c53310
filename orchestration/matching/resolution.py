"""Resolving one entity: certain evidence, then scores of what it leaves open, then clusters under every constraint.

Records that certain evidence joins and that hold the same values are one row to the engine, so that most records take
no part in scoring. What does NOT belong here: which evidence is certain (see account_evidence, person_evidence), golden
ids, files that are written (see matching).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.matching import account_evidence, person_evidence
from orchestration.matching import edge_arrays as arrays
from orchestration.matching import evidence as ev
from orchestration.matching.components import component_labels
from orchestration.matching.contradictions import fights_with_numbers, joined_by
from orchestration.matching.decided import Decided
from orchestration.matching.errors import MatchingError
from orchestration.matching.joining import Constraints, join
from orchestration.matching.linkage import Linked, link
from orchestration.matching.policy import Policy, load_policy
from orchestration.matching.review import (
    EDGE_NODES,
    contradicted,
    edge_nodes,
    not_compared,
    record_edges,
    review_items,
    scored_edges,
)


@dataclass(frozen=True)
class Resolution:
    """clusters: record_key, label (smallest node of the cluster), first_seen_on, in record_key order.

    edges, review_items: see review.EDGES and review.ITEMS. engine: what the linkage engine did, plain JSON values.
    valid_vat_numbers: of accounts, see account_evidence.check_numbers.
    """

    clusters: pa.Table
    edges: pa.Table
    review_items: pa.Table
    engine: dict[str, object]
    valid_vat_numbers: pa.Table | None = None


def resolve_persons(
    records: Path, accounts: Path, constraints: pa.Table, live: pa.Table, threads: int = 2
) -> Resolution:
    """Persons of an exchange file. accounts: that of the companies, whose numbers are nobody's own.

    constraints: see stewardship.tables. live: record_key, golden_id as published.
    """
    with _Work.opened(records, "person", constraints, live, threads) as work:
        if len(work.labels) > 1:
            work.con.execute(
                "create temp table company_numbers as "
                "select distinct phone as number from read_parquet($path) where phone is not null",
                {"path": str(accounts)},
            )
            work.con.execute(person_evidence.NAMED)
            work.join_certain(person_evidence.TIERS)
            work.join_scored(
                person_evidence.PROFILES,
                work.con.execute(person_evidence.KNOWN_GIVEN_NAMES).fetchnumpy()["given"].tolist(),
                person_evidence.DOUBTS,
                person_evidence.LASTING_DOUBTS,
            )
        return work.resolution()


def resolve_accounts(
    records: Path,
    persons: Path,
    person_clusters: pa.Table,
    constraints: pa.Table,
    live: pa.Table,
    threads: int = 2,
) -> Resolution:
    """Accounts of an exchange file. persons, person_clusters: the persons' exchange file and their clusters."""
    with _Work.opened(records, "account", constraints, live, threads) as work:
        valid_vat_numbers = account_evidence.check_numbers(work.con)
        if len(work.labels) > 1:
            account_evidence.register_people(work.con, persons, person_clusters)
            work.constraints = Constraints(
                account_evidence.legal_identities(work.con), work.constraints.apart
            )
            work.join_certain(account_evidence.NUMBER_TIERS)
            work.keep_apart(account_evidence.PARENTS)
            work.join_certain(account_evidence.LINK_TIERS)
            work.join_certain(account_evidence.NAME_TIERS)
            work.join_scored(account_evidence.PROFILES, doubts=account_evidence.DOUBTS, lasting=ev.TOLD_APART)
            work.join_bare_names(account_evidence.NAME_AND_SIZE)
        return replace(work.resolution(), valid_vat_numbers=valid_vat_numbers)


@dataclass
class _Work:
    """One entity on one connection. labels: smallest node of the cluster so far. live: published id, -1 for none."""

    con: duckdb.DuckDBPyConnection
    entity: str
    policy: Policy
    labels: np.ndarray
    live: np.ndarray
    constraints: Constraints
    decided: Decided
    threads: int
    edges: list[pa.Table] = field(default_factory=list)
    contradictions: list[pa.Table] = field(default_factory=list)
    blocks: list[pa.Table] = field(default_factory=list)
    engine: dict[str, object] = field(default_factory=dict)

    @classmethod
    def opened(cls, records: Path, entity: str, constraints: pa.Table, live: pa.Table, threads: int) -> _Work:
        """Table `records` with dense `node` numbers, and the decisions in force. Raises ValueError: keys repeat."""
        con = duckdb.connect(config={"threads": threads})
        con.execute("SET TimeZone='UTC'; SET enable_progress_bar=false")
        con.execute(
            "create temp table records as select "
            "cast((row_number() over (order by record_key)) - 1 as integer) as node, * from read_parquet($path)",
            {"path": str(records)},
        )
        n, n_keys = con.execute("select count(*), count(distinct record_key) from records").fetchall()[0]
        if n != n_keys:
            con.close()
            raise ValueError(f"{records.name}: {n} rows, {n_keys} record keys; one row per key expected")
        work = cls(
            con=con,
            entity=entity,
            policy=load_policy(entity),
            labels=np.arange(n, dtype=np.int64),
            live=_live_ids(con, live, n),
            constraints=Constraints(),
            decided=Decided.read(con, constraints, entity),
            threads=threads,
        )
        return work

    def __enter__(self) -> _Work:
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def join_certain(self, tiers: Sequence[tuple[str, str]]) -> None:
        """Join by keys, the first tier first, what stewards decided before all."""
        parts = []
        if not self.edges:
            parts.append(self._decisions())
        self._register_labels()
        parts += [self._stars(code, query) for code, query in tiers]
        edges = pa.concat_tables(parts)
        left, right = arrays.ends(edges)
        sure = np.asarray(edges["decision"]) == ev.ACCEPTED
        # Published ids meet by proof of identity alone: the other tiers join what no report has named yet.
        is_proof = np.isin(np.asarray(edges["evidence_code"]), ev.PROOFS)
        refused = []
        for positions in np.split(np.arange(len(left)), np.flatnonzero(np.diff(is_proof)) + 1):
            constraints = self.constraints
            if len(positions) and not is_proof[positions[0]]:
                constraints = constraints.and_identity(self._live_identity())
            refused.append(self._join(left, right, positions[sure[positions]], constraints))
        self.edges.append(self._refused(edges, np.concatenate(refused)))

    def _join(
        self, left: np.ndarray, right: np.ndarray, positions: np.ndarray, constraints: Constraints
    ) -> np.ndarray:
        """Join by the edges at `positions`, in that order; returns the positions of those refused."""
        self.labels, kept = join(self.labels, left[positions], right[positions], constraints)
        return positions[~kept]

    def keep_apart(self, query: str) -> None:
        """Never join these pairs, unless certain evidence has."""
        left, right = arrays.ends(self.con.sql(query).to_arrow_table())
        self.constraints = self.constraints.and_apart(left, right)

    def join_scored(
        self,
        profiles: str,
        given_names: Sequence[str] = (),
        doubts: str | None = None,
        lasting: Sequence[str] = (),
    ) -> None:
        """Score what certain evidence left open and join what the engine puts into one cluster.

        given_names: known ones. doubts: query over `scored` (left_node, right_node, near and far: their clusters)
        of accepted pairs that are a question (left_node, right_node, reason or null). lasting: reasons for which a
        pair in question is not joined through others either.
        """
        self._register_labels()
        records = self.con.sql(
            f"select p.*, r.record_key from ({profiles}) as p join records as r using (node) order by node"
        ).to_arrow_table()
        linked = self._linked(records, given_names)
        if linked is None:
            return
        nodes = np.asarray(records["node"], np.int64)
        self.blocks.append(not_compared(linked.dropped, nodes))
        edges = scored_edges(linked, nodes, self.labels)
        cluster = arrays.codes(linked.clusters["cluster_key"])
        near, far = (cluster[np.searchsorted(nodes, end)] for end in arrays.ends(edges))
        together = near == far
        if doubts is not None:
            edges = self._doubted(edges, doubts)
        asked = edges.filter(
            pc.and_(
                pc.not_equal(edges["decision"], ev.ACCEPTED),
                pc.is_in(edges["reason"], pa.array(lasting, pa.string())),
            )
        )
        decided = self.constraints
        self.constraints = decided.and_apart(*arrays.ends(asked))
        edges = self._without_ambiguous(edges)
        self.edges.append(self._join_by_weight(edges, together))
        self.constraints = decided

    def join_bare_names(self, query: str) -> None:
        """Join or show to a steward the records of which little more than the name is known."""
        self._register_labels()
        found = self.con.sql(query).to_arrow_table()
        left, right = arrays.ends(found)
        sure = np.asarray(found["is_sure"], bool)
        edges = edge_nodes(
            left,
            right,
            np.where(sure, ev.SAME_NAME_AND_SIZE, ev.NAME_ALONE),
            np.where(sure, ev.ACCEPTED, ev.REVIEW),
            np.where(sure, ev.CERTAIN, ev.NAMES_ALONE),
        )
        self.edges.append(self._join_by_weight(edges, sure))

    def resolution(self) -> Resolution:
        """Clusters, edges with their last word, questions for a steward."""
        edges = pa.concat_tables([*self.edges, EDGE_NODES.empty_table()])
        edges = self._without_oversized(edges)
        near, far = (self.labels[end] for end in arrays.ends(edges))
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        open_question = decision == ev.REVIEW
        apart = self._are_apart(near, far)
        decision[open_question & apart] = ev.REJECTED
        reason[open_question & apart] = ev.DECIDED_DIFFERENT
        edges = arrays.replaced(edges, decision=decision, reason=reason)
        # a question about two records that other evidence joined is answered
        edges = edges.filter(pa.array((decision == ev.ACCEPTED) | (near != far)))
        self._register_labels()
        return Resolution(
            clusters=self.con.sql(
                "select r.record_key, l.label, cast(r.first_seen_on as date) as first_seen_on "
                "from records as r join labels as l using (node) order by r.node"
            ).to_arrow_table(),
            edges=record_edges(self.con, self.entity, edges),
            review_items=review_items(self.con, self.entity, edges, [*self.contradictions, *self.blocks]),
            engine=self.engine,
        )

    def _decisions(self) -> pa.Table:
        """What stewards decided to be one. What contradicts other decisions or a legal number is obeyed by none."""
        joined = joined_by(self.decided.must_pairs())
        fights = self.decided.fights(joined)
        self.constraints = Constraints(self.constraints.identities, self.decided.without(fights).apart())
        ends = np.unique(np.concatenate(arrays.ends(self.decided.must)))
        for identity in self.constraints.identities:
            known = ends[identity[ends] >= 0]
            numbers = dict(zip(known.tolist(), identity[known].tolist(), strict=True))
            fights |= fights_with_numbers(joined, numbers)
        self.contradictions.append(contradicted(fights))
        obeyed = self.decided.without(fights).must
        return edge_nodes(*arrays.ends(obeyed), ev.DECIDED_SAME, ev.ACCEPTED, ev.CERTAIN)

    def _stars(self, code: str, query: str) -> pa.Table:
        """Edges from the first record of each key to its others. query: node, key and perhaps is_sure."""
        is_sure = "is_sure" if "is_sure" in query else "true"
        keyed = f"select node, key, {is_sure} as is_sure from ({query}) where key is not null"
        # A record in doubt is no centre of those that are not.
        stars = (
            "select least(first_node, node) as left_node, greatest(first_node, node) as right_node, is_sure "
            "from keyed join (select key, coalesce(min(case when is_sure then node end), min(node)) as first_node "
            "from keyed group by key having count(*) > 1) using (key) where node <> first_node"
        )
        split = ""
        apart = self.constraints.apart
        if len(apart):
            self.con.register(
                "kept_apart", pa.table({"node": apart.node, "grp": apart.group, "part": apart.part})
            )
            split = (
                ", foes as (select k.key, k.node, k.is_sure, a.grp, a.part from keyed as k "
                "join kept_apart as a using (node) qualify min(a.part) over (partition by k.key, a.grp) "
                "< max(a.part) over (partition by k.key, a.grp)), "
                "heads as (select key, grp, min(node) as node, arg_min(is_sure, node) as is_sure from foes "
                "group by key, grp, part), "
                "free as (select key, min(node) as centre from (select * from keyed as k anti join foes as f "
                "on f.key = k.key and f.node = k.node) where key in (select key from foes) group by key)"
            )
            # A key that holds records kept apart must not hang on one of them: its first free record is a second
            # centre, and so is the first record of each part. Those of two decisions are tried pair by pair.
            stars += (
                " union select head, node, is_sure from (select node, is_sure, "
                "min(node) over (partition by key, grp, part) as head from foes) where node <> head "
                "union select least(a.node, b.node), greatest(a.node, b.node), a.is_sure and b.is_sure "
                "from heads as a join heads as b on a.key = b.key and a.grp < b.grp and a.node <> b.node "
                "union select least(centre, node), greatest(centre, node), is_sure "
                "from free join keyed using (key) where node <> centre"
            )
        found = self.con.sql(
            f"with keyed as materialized ({keyed}){split} "
            f"select left_node, right_node, bool_and(is_sure) as is_sure from ({stars}) "
            "group by left_node, right_node order by left_node, right_node"
        ).to_arrow_table()
        left, right = arrays.ends(found)
        sure = np.asarray(found["is_sure"], bool)
        return edge_nodes(
            left,
            right,
            code,
            np.where(sure, ev.ACCEPTED, ev.REVIEW),
            np.where(sure, ev.CERTAIN, ev.IN_DOUBT.get(code, ev.SEVERAL_COMPANIES)),
        )

    def _refused(self, edges: pa.Table, refused: np.ndarray) -> pa.Table:
        """Certain edges with their last word: those refused stand against a legal number or a decision."""
        if not len(refused):
            return edges
        left, right = arrays.ends(edges)
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        near, far = self.labels[left[refused]], self.labels[right[refused]]
        apart = self._are_apart(near, far)
        live = self._are_published(near, far) & ~apart & ~self._have_numbers(near, far)
        decision[refused] = np.where(live, ev.REVIEW, ev.REJECTED)
        reason[refused] = np.select(
            [apart, live], [ev.DECIDED_DIFFERENT, ev.LIVE_MERGE], ev.DIFFERENT_NUMBERS
        )
        return arrays.replaced(edges, decision=decision, reason=reason)

    def _linked(self, records: pa.Table, given_names: Sequence[str]) -> Linked | None:
        """The engine's answer on one row per cluster and content; None when there is nothing to compare."""
        labels = self.labels[np.asarray(records["node"], np.int64)]
        first_of = np.full(len(self.labels), -1, dtype=np.int64)
        first_of[labels[::-1]] = np.arange(len(labels))[::-1]  # the first row of each cluster
        if (first_of >= 0).sum() < 2:
            return None
        keys = records["record_key"]
        again = np.flatnonzero(first_of[labels] != np.arange(len(labels)))
        apart = self.constraints.apart.at(self.labels)
        row = first_of[apart.node]
        compared = row >= 0
        try:
            linked = link(
                records,
                self.policy.model.entity,
                {"record_key": "record_key", **self.policy.roles},
                model=self.policy.model,
                must_link=arrays.key_pairs(keys, first_of[labels[again]], again),
                cannot_link=pa.table(
                    {
                        "record_key": keys.take(pa.array(row[compared])),
                        "group": apart.group[compared],
                        "part": apart.part[compared],
                    }
                ),
                threads=self.threads,
                population=self._population(),
                given_names=given_names,
            )
        except MatchingError as error:
            if error.code != "E-MAT-003":
                raise
            self.engine = {"not_scored": error.text("what")}
            return None
        report = asdict(linked.report)
        for noise in ("training", "contradictions", "expected_matches"):
            report.pop(noise)
        self.engine = {
            **report,
            "model": self.policy.model.entity,
            "model_version": self.policy.model.version,
            "model_hash": self.policy.model_hash,
            "thresholds": asdict(self.policy.model.thresholds),
            "live_merge": {
                "weight": self.policy.live_weight,
                "since": self.policy.live_since,
                "reason": self.policy.live_reason,
            },
        }
        return linked

    def _population(self) -> int:
        """Clusters that could be compared: addresses and numbers without a name would only dilute the prior."""
        listed = ", ".join(f"'{contract}'" for contract in ev.CONTACT_POINTS)
        comparable = self.con.execute(
            f"select node from records where name_key is not null or contract not in ({listed})"
        ).fetchnumpy()["node"]
        return len(np.unique(self.labels[np.asarray(comparable, np.int64)]))

    def _without_ambiguous(self, edges: pa.Table) -> pa.Table:
        """A record that fits two companies with different numbers, or two that must stay apart, is a question."""
        left, right = arrays.ends(edges)
        near, far = self.labels[left], self.labels[right]
        accepted = np.asarray(edges["decision"]) == ev.ACCEPTED
        # the engine has given up all but the likeliest of several already
        accepted |= np.asarray(edges["reason"]) == ev.WEAK_BRIDGE
        doubtful = np.zeros(len(left), dtype=bool)
        for identity in self.constraints.identities:
            held = arrays.held(self.labels, identity)
            several = arrays.with_several(near[accepted], far[accepted], held)
            for bare, known in ((near, far), (far, near)):
                doubtful |= accepted & (held[known] >= 0) & np.isin(bare, several)
        doubtful |= accepted & self._between_foes(near, far, accepted)
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        decision[doubtful], reason[doubtful] = ev.REVIEW, ev.SEVERAL_COMPANIES
        return arrays.replaced(edges, decision=decision, reason=reason)

    def _doubted(self, edges: pa.Table, query: str) -> pa.Table:
        """The accepted edges of which the query gives a reason for doubt are questions."""
        left, right = arrays.ends(edges.filter(pc.equal(edges["decision"], ev.ACCEPTED)))
        scored = {
            "left_node": left,
            "right_node": right,
            "near": self.labels[left],
            "far": self.labels[right],
        }
        self.con.register("scored", pa.table(scored))
        found = self.con.sql(
            f"select left_node, right_node, min(reason) as reason from ({query}) "
            "where reason is not null group by left_node, right_node"
        ).to_arrow_table()
        self.con.unregister("scored")
        keys = self._pair_key(*arrays.ends(found))
        order = np.argsort(keys)
        reasons = np.asarray(found["reason"]).astype(object)[order]
        wanted = self._pair_key(*arrays.ends(edges))
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        doubtful = (decision == ev.ACCEPTED) & np.isin(wanted, keys)
        decision[doubtful] = ev.REVIEW
        reason[doubtful] = reasons[np.searchsorted(keys[order], wanted[doubtful])]
        return arrays.replaced(edges, decision=decision, reason=reason)

    def _between_foes(self, near: np.ndarray, far: np.ndarray, accepted: np.ndarray) -> np.ndarray:
        """(e,) edges of clusters that have accepted edges to two records that must stay apart."""
        apart = self.constraints.apart.at(self.labels)
        if not len(apart) or not accepted.any():
            return np.zeros(len(near), dtype=bool)
        clusters = np.concatenate([near[accepted], far[accepted]])
        others = np.concatenate([far[accepted], near[accepted]])
        self.con.register("towards", pa.table({"cluster": clusters, "other": others}))
        self.con.register(
            "kept_apart", pa.table({"other": apart.node, "grp": apart.group, "part": apart.part})
        )
        found = self.con.execute(
            "with seen as (select t.cluster, t.other, a.grp, a.part "
            "from towards as t join kept_apart as a using (other)), "
            "split as (select cluster, grp from seen group by cluster, grp "
            "having min(part) < max(part) and min(other) < max(other)) "
            "select distinct cluster, other from seen join split using (cluster, grp)"
        ).fetchnumpy()
        keys = self._pair_key(np.asarray(found["cluster"], np.int64), np.asarray(found["other"], np.int64))
        return np.isin(self._pair_key(near, far), keys)

    def _join_by_weight(self, edges: pa.Table, wanted: np.ndarray) -> pa.Table:
        """Join the accepted edges that are wanted, the heaviest first; published ids meet above their bar only."""
        left, right = arrays.ends(edges)
        weight = np.asarray(edges["weight"].fill_null(0.0), np.float64)
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        order = np.lexsort((right, left, -weight))
        order = order[(wanted & (decision == ev.ACCEPTED))[order]]
        strong = weight[order] >= self.policy.live_weight
        refused = [self._join(left, right, order[strong], self.constraints)]
        careful = self.constraints.and_identity(self._live_identity())
        refused.append(self._join(left, right, order[~strong], careful))
        lost = np.concatenate(refused)
        near, far = self.labels[left[lost]], self.labels[right[lost]]
        numbers, published = self._have_numbers(near, far), self._are_published(near, far)
        decision[lost] = np.where(numbers, ev.REJECTED, ev.REVIEW)
        reason[lost] = np.where(
            numbers, ev.DIFFERENT_NUMBERS, np.where(published, ev.LIVE_MERGE, ev.WEAK_BRIDGE)
        )
        return arrays.replaced(edges, decision=decision, reason=reason)

    def _have_numbers(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(e,) pairs of clusters with two legal numbers of one kind. near, far: (e,) labels."""
        differ = np.zeros(len(near), dtype=bool)
        for identity in self.constraints.identities:
            held = arrays.held(self.labels, identity)
            differ |= arrays.differ(held[near], held[far])
        return differ

    def _are_published(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(e,) pairs of clusters with two published ids."""
        held = arrays.held(self.labels, self._live_identity())
        return arrays.differ(held[near], held[far])

    def _live_identity(self) -> np.ndarray:
        """(n,) published id of each record, -1 for none; ids that evidence has joined are one."""
        held = np.flatnonzero(self.live >= 0)
        n = len(self.labels)
        n_ids = int(self.live.max(initial=-1)) + 1
        joined = component_labels(n + n_ids, self.labels[held], n + self.live[held])
        identity = np.full(n, -1, dtype=np.int64)
        identity[held] = joined[n + self.live[held]]
        return identity

    def _without_oversized(self, edges: pa.Table) -> pa.Table:
        """Undo what scores built beyond the largest cluster of the policy: that is a question for a person."""
        left, right = arrays.ends(edges)
        sizes = np.bincount(self.labels, minlength=len(self.labels))
        too_large = sizes[self.labels] > self.policy.largest_cluster
        scored = np.asarray(edges["weight"].is_valid()) | (
            np.asarray(edges["evidence_code"]) == ev.SAME_NAME_AND_SIZE
        )
        accepted = np.asarray(edges["decision"]) == ev.ACCEPTED
        undone = too_large[left] & scored & accepted
        if not undone.any():
            return edges
        kept = accepted & ~undone & too_large[left]
        apart = component_labels(len(self.labels), left[kept], right[kept])
        self.labels = np.where(too_large, apart, self.labels)
        decision = np.asarray(edges["decision"]).astype(object)
        reason = np.asarray(edges["reason"]).astype(object)
        decision[undone], reason[undone] = ev.REVIEW, ev.OVERSIZED
        return arrays.replaced(edges, decision=decision, reason=reason)

    def _pair_key(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        return np.minimum(near, far) * len(self.labels) + np.maximum(near, far)

    def _are_apart(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(e,) pairs of clusters that must stay apart. near, far: (e,) labels."""
        return self.constraints.apart.at(self.labels).are_apart(near, far)

    def _register_labels(self) -> None:
        """Table `labels`: node, label, and legal = the label of a cluster that has a legal number."""
        legal = np.zeros(len(self.labels), dtype=bool)
        for identity in self.constraints.identities:
            legal[self.labels[identity >= 0]] = True
        self.con.register(
            "labels_now",
            pa.table(
                {
                    "node": np.arange(len(self.labels), dtype=np.int32),
                    "label": self.labels,
                    "legal": pa.array(self.labels, mask=~legal[self.labels]),
                }
            ),
        )
        self.con.execute("create or replace temp table labels as select * from labels_now")
        self.con.unregister("labels_now")


def _live_ids(con: duckdb.DuckDBPyConnection, live: pa.Table, n: int) -> np.ndarray:
    """(n,) number of the published golden id that each record holds, -1 for none."""
    con.register("live_given", live)
    found = con.execute(
        "select r.node, dense_rank() over (order by g.golden_id) - 1 as id "
        "from records as r join live_given as g using (record_key)"
    ).fetchnumpy()
    con.unregister("live_given")
    ids = np.full(n, -1, dtype=np.int64)
    ids[np.asarray(found["node"], np.int64)] = np.asarray(found["id"], np.int64)
    return ids
