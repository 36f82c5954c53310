"""What stewards decided about the records of a run, as node numbers.

What does NOT belong here: which decisions are in force (see stewardship.standing), obeying them (see resolution).
Decisions are some hundreds and handled one by one; the records that one takes apart may be thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.matching import edge_arrays as arrays
from orchestration.matching.apart import Apart
from orchestration.matching.contradictions import Fight, Joined, fights_with_decisions, fights_with_parts


@dataclass(frozen=True)
class Decided:
    """must, cannot: left_node < right_node, decision_ids. parts: node, part, decision_ids (the one that parts them)."""

    must: pa.Table
    cannot: pa.Table
    parts: pa.Table

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection, constraints: pa.Table, entity: str) -> Decided:
        """The decisions between records of table `records` (node, record_key). constraints: see stewardship.tables."""
        con.register("constraints_given", constraints)
        try:
            pairs = (
                con.sql(
                    "select cast(least(a.node, b.node) as bigint) as left_node, "
                    "cast(greatest(a.node, b.node) as bigint) as right_node, "
                    "list(distinct c.decision_id order by c.decision_id) as decision_ids "
                    "from constraints_given as c join records as a on a.record_key = c.left_record_key "
                    "join records as b on b.record_key = c.right_record_key "
                    "where c.entity = $entity and c.kind = $kind and a.node <> b.node "
                    "group by all order by left_node, right_node",
                    params={"entity": entity, "kind": kind},
                ).to_arrow_table()
                for kind in ("must", "cannot")
            )
            # The record that names a part may be gone; its key still tells the parts apart.
            parts = con.sql(
                "select cast(r.node as bigint) as node, "
                "cast(dense_rank() over (order by c.right_record_key) as bigint) as part, "
                "[c.decision_id] as decision_ids from constraints_given as c "
                "join records as r on r.record_key = c.left_record_key "
                "where c.entity = $entity and c.kind = 'part' order by c.decision_id, node",
                params={"entity": entity},
            ).to_arrow_table()
            return cls(*pairs, parts)
        finally:
            con.unregister("constraints_given")

    def must_pairs(self) -> list[tuple[int, int, str]]:
        """(left node, right node, decision) of what is decided to be one."""
        return _named(self.must)

    def fights(self, joined: Joined) -> set[Fight]:
        """Decisions that keep apart what others join."""
        if not joined:
            return set()
        parted: dict[str, dict[int, int]] = {}
        for row in self.parts.to_pylist():
            parted.setdefault(row["decision_ids"][0], {})[row["node"]] = row["part"]
        return fights_with_decisions(joined, _named(self.cannot)) | fights_with_parts(joined, parted)

    def without(self, fights: Iterable[Fight]) -> Decided:
        """The decisions that take part in none of the fights."""
        in_doubt = {name for fight in fights for name in fight.decision_ids}
        return Decided(*(_without(each, in_doubt) for each in (self.must, self.cannot, self.parts)))

    def apart(self) -> Apart:
        """Records that these decisions keep apart; one that takes records apart is one group."""
        names = pc.list_element(self.parts["decision_ids"], 0)
        group = arrays.codes(names).astype(np.int64)
        node, part = (np.asarray(self.parts[name], np.int64) for name in ("node", "part"))
        return Apart.of_pairs(*arrays.ends(self.cannot)) + Apart(node, group, part)


def _named(decided: pa.Table) -> list[tuple[int, int, str]]:
    return [
        (row["left_node"], row["right_node"], name)
        for row in decided.to_pylist()
        for name in row["decision_ids"]
    ]


def _without(decided: pa.Table, in_doubt: set[str]) -> pa.Table:
    if not in_doubt:
        return decided
    return decided.filter(
        pa.array([not in_doubt & set(names) for names in decided["decision_ids"].to_pylist()], pa.bool_())
    )
