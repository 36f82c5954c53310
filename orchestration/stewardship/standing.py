"""Which decisions are in force in a run, and the tables that matching and dbt read of them.

A decision is undone by another one, expired before the cycle's last day, orphaned while a record of it is gone,
contradicted when others say the opposite, to confirm when a record has changed since, else active. Contradictions are
found among decisions only (see matching.contradictions); matching looks for those with legal numbers.
What does NOT belong here: reading files, what matching makes of constraints. Decisions are some hundreds: they are
handled one by one. An unmerge may name thousands of records: what it keeps apart is a part per record, never pairs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import pyarrow as pa

from orchestration.matching.contradictions import fights_with_decisions, fights_with_parts, joined_by
from orchestration.stewardship.decisions import ENTITIES, Decision, item_id, undone_by
from orchestration.stewardship.tables import SCHEMAS

IN_FORCE = ("active", "to_confirm")


@dataclass(frozen=True)
class Contradiction:
    """Decisions that cannot all be obeyed, and the two records (or twice the one) over which they fight."""

    entity: str
    keys: tuple[str, str]
    decision_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Standing:
    """decisions: all but undos, in reading order. statuses: decision id -> status. contradictions: sorted."""

    decisions: tuple[Decision, ...]
    statuses: Mapping[str, str]
    contradictions: tuple[Contradiction, ...]

    def in_force(self) -> list[Decision]:
        """Decisions that this run obeys."""
        return [each for each in self.decisions if self.statuses[each.decision_id] in IN_FORCE]


def stand(decisions: Iterable[Decision], hashes: Mapping[str, Mapping[str, str]], as_of: dt.date) -> Standing:
    """Give every decision its status.

    hashes: entity -> record key -> content hash now, of every record that is there. as_of: first day
    after the cycle, so that a decision which expires on the cycle's last day is in force in it.
    """
    decisions = tuple(decisions)
    undone = undone_by(decisions)
    made = tuple(each for each in decisions if each.kind != "undo")
    statuses = {each.decision_id: _status(each, undone, hashes[each.entity], as_of) for each in made}
    obeyed = [each for each in made if statuses[each.decision_id] in IN_FORCE]
    contradictions = tuple(
        sorted({*_pairs_that_fight(obeyed), *_values_that_fight(obeyed)}, key=lambda each: each.keys)
    )
    statuses |= {name: "contradicted" for each in contradictions for name in each.decision_ids}
    return Standing(made, statuses, contradictions)


def _status(decision: Decision, undone: Mapping[str, str], hashes: Mapping[str, str], as_of: dt.date) -> str:
    if decision.decision_id in undone:
        return "undone"
    if decision.expires_on is not None and decision.expires_on < as_of - dt.timedelta(days=1):
        return "expired"
    there = [key in hashes for key in decision.record_keys]
    if decision.kind == "unmerge":
        parts_left = {part for part, is_there in zip(decision.parts, there, strict=True) if is_there}
        if len(parts_left) < 2:
            return "orphaned"
    elif not all(there):
        return "orphaned"
    seen = zip(decision.record_keys, decision.content_hashes, strict=True)
    if any(before and before != hashes.get(key, before) for key, before in seen):
        return "to_confirm"
    return "active"


@dataclass(frozen=True)
class Constraint:
    """What matching obeys of a decision. must, cannot: pairs of record keys, the smaller first. parts: record key ->
    smallest record key of its part; no record of one part meets one of another.
    """

    must: tuple[tuple[str, str], ...] = ()
    cannot: tuple[tuple[str, str], ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def constraint_of(decision: Decision) -> Constraint:
    """What a decision joins and keeps apart."""
    if decision.kind == "same":
        return Constraint(must=(decision.pair,))
    if decision.kind == "different":
        return Constraint(cannot=(decision.pair,))
    if decision.kind != "unmerge":
        return Constraint()
    heads: dict[str, str] = {}
    for key, part in zip(decision.record_keys, decision.parts, strict=True):
        heads[part] = min(key, heads.get(part, key))
    parts = {key: heads[part] for key, part in sorted(zip(decision.record_keys, decision.parts, strict=True))}
    return Constraint(must=tuple((head, key) for key, head in parts.items() if key != head), parts=parts)


def _pairs_that_fight(obeyed: Sequence[Decision]) -> set[Contradiction]:
    """Records kept apart by one decision and joined by others, directly or over further records."""
    found = set()
    for entity in ENTITIES:
        made = {each.decision_id: constraint_of(each) for each in obeyed if each.entity == entity}
        joined = joined_by((*pair, name) for name, each in made.items() for pair in each.must)
        apart = [(*pair, name) for name, each in made.items() for pair in each.cannot]
        parted = {name: each.parts for name, each in made.items() if each.parts}
        found |= {
            Contradiction(entity, fight.keys, fight.decision_ids, "contradictory_decisions")
            for fight in fights_with_decisions(joined, apart) | fights_with_parts(joined, parted)
        }
    return found


def _values_that_fight(obeyed: Sequence[Decision]) -> set[Contradiction]:
    """Two values for one attribute of one record; two parents of one kind at one time."""
    found = set()
    overrides: dict[tuple[str, ...], list[Decision]] = {}
    links: dict[tuple[str, ...], list[Decision]] = {}
    for decision in obeyed:
        if decision.kind == "override":
            key = (decision.entity, decision.record_keys[0], decision.attribute)
            overrides.setdefault(key, []).append(decision)
        elif decision.kind == "group_link":
            links.setdefault((decision.record_keys[0], decision.link_kind), []).append(decision)
    for (entity, key, _), together in overrides.items():
        if len({each.value for each in together}) > 1:
            names = tuple(sorted(each.decision_id for each in together))
            found.add(Contradiction(entity, (key, key), names, "contradictory_overrides"))
    for together in links.values():
        for one, other in combinations(together, 2):
            if one.record_keys[1] != other.record_keys[1] and _overlap(one, other):
                names = tuple(sorted((one.decision_id, other.decision_id)))
                left, right = sorted((one.record_keys[1], other.record_keys[1]))
                found.add(Contradiction("account", (left, right), names, "contradictory_links"))
    return found


def _overlap(one: Decision, other: Decision) -> bool:
    first, last = dt.date.min, dt.date.max
    return (one.valid_from or first) < (other.valid_to or last) and (other.valid_from or first) < (
        one.valid_to or last
    )


def decision_tables(standing: Standing) -> dict[str, pa.Table]:
    """The tables of SCHEMAS for a run."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in SCHEMAS}
    for decision in standing.decisions:
        decided = {
            "decision_id": decision.decision_id,
            "entity": decision.entity,
            "author": decision.author,
            "reason": decision.reason,
            "decided_at": decision.decided_at,
            "expires_on": decision.expires_on,
            "status": standing.statuses[decision.decision_id],
        }
        first, other = (*decision.record_keys, None)[:2]
        rows["decisions"].append(
            decided
            | {
                "kind": decision.kind,
                "record_keys": list(decision.record_keys),
                "record_key": first,
                "other_record_key": other,
                "field": decision.attribute or decision.link_kind or None,
                "value": decision.value or None,
                "content_hash": ":".join(decision.content_hashes),
            }
        )
        if decision.kind == "override":
            rows["field_overrides"].append(
                decided | {"record_key": first, "attribute": decision.attribute, "value": decision.value}
            )
        elif decision.kind == "group_link":
            link = {"child_record_key": first, "parent_record_key": other, "kind_code": decision.link_kind}
            rows["group_links"].append(
                decided | link | {"valid_from": decision.valid_from, "valid_to": decision.valid_to}
            )
    for decision in standing.in_force():
        constraint = constraint_of(decision)
        for kind, pairs in (
            ("must", constraint.must),
            ("cannot", constraint.cannot),
            ("part", constraint.parts.items()),
        ):
            rows["constraints"] += [
                {
                    "entity": decision.entity,
                    "kind": kind,
                    "left_record_key": left,
                    "right_record_key": right,
                    "decision_id": decision.decision_id,
                }
                for left, right in pairs
            ]
        status = standing.statuses[decision.decision_id]
        if status == "to_confirm" and decision.kind != "cannot_say":
            rows["review_items"].append(
                _item(decision.entity, "to_confirm", _ends(decision), [decision.decision_id])
            )
        elif status == "active" and decision.kind == "cannot_say":
            left, right = decision.pair
            rows["postponements"].append(
                {
                    "item_id": decision.item_id or item_id(decision.entity, "pair", left, right),
                    "entity": decision.entity,
                    "left_record_key": left,
                    "right_record_key": right,
                    "decision_id": decision.decision_id,
                    "decided_at": decision.decided_at,
                }
            )
    rows["review_items"] += [
        _item(each.entity, "contradiction", each.keys, each.decision_ids, each.reason)
        for each in standing.contradictions
    ]
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def _ends(decision: Decision) -> tuple[str, str]:
    """Two records that stand for a decision: those of a pair, one of each of two parts of an unmerge, or the one."""
    if decision.kind == "unmerge":
        parts = constraint_of(decision).parts
        first = min(parts)
        return first, min(key for key, head in parts.items() if head != parts[first])
    left, right = sorted((decision.record_keys * 2)[:2])
    return left, right


def _item(
    entity: str, kind: str, keys: tuple[str, str], names: Sequence[str], reason: str = "content_changed"
) -> dict[str, object]:
    # Several decisions can fight over the same two records: the ids tell their items apart.
    return {
        "item_id": item_id(entity, kind, *keys, *names),
        "entity": entity,
        "kind": kind,
        "left_record_key": keys[0],
        "right_record_key": keys[1],
        "reason": reason,
        "decision_ids": ",".join(names),
    }
