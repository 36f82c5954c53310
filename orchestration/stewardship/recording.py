"""Taking a decision: checked against the records of the last run and the decisions in force, then added to its file.

A decision that would contradict others is refused with their names, so that contradictions come only from files that
people wrote or merged. The moment of a decision is data: the clock is read here and nowhere else.
What does NOT belong here: the command line, spreadsheets (sheets.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ingest.company import Company
from ingest.sql import literal
from orchestration.settings import read_settings
from orchestration.stewardship.content import content_hashes
from orchestration.stewardship.decisions import ENTITIES, Decision, decision_id, undone_by
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.files import append_decisions, read_decisions
from orchestration.stewardship.queue import ReviewItem, possible_answers
from orchestration.stewardship.standing import Standing, stand


@dataclass(frozen=True)
class Said:
    """Who decides, why, when (naive UTC), and the last day it holds."""

    author: str
    reason: str
    decided_at: dt.datetime
    expires_on: dt.date | None = None


@dataclass(frozen=True)
class Recorded:
    """A decision and whether it had to be written: the same one twice is written once."""

    decision: Decision
    is_new: bool


class Ledger:
    """The decisions of a company as they stand on the records of its last run, and what is added to them."""

    def __init__(self, company: Company) -> None:
        """Raises StewardshipError for files that cannot be read, E-STW-010 before the first run."""
        self._folder: Path = company.stewardship
        self._work: Path = company.work
        try:
            self._as_of = read_settings(company.work).cycle_end
        except FileNotFoundError as error:
            raise StewardshipError("E-STW-010", company.root.name, is_usage=True) from error
        self.decisions: tuple[Decision, ...] = read_decisions(company.stewardship)
        self._hashes: dict[str, dict[str, str]] = {entity: {} for entity in ENTITIES}
        self._look_up(self.decisions)

    def standing(self, added: Sequence[Decision] = ()) -> Standing:
        """Every decision with its status, as if `added` were recorded too."""
        self._look_up(added)
        return stand((*self.decisions, *added), self._hashes, self._as_of)

    def find(self, name: str) -> Decision:
        """The decision of an id. Raises StewardshipError E-STW-004."""
        for decision in self.decisions:
            if decision.decision_id == name:
                return decision
        raise StewardshipError("E-STW-004", name, is_usage=True, decision=name)

    def answers(self, item: ReviewItem, answer: str, said: Said) -> list[Decision]:
        """The decisions that answer a question: one, or the undoing of the former one and a new one.

        Raises StewardshipError E-STW-009 for an answer that its kind does not take, E-STW-008 when a record is gone.
        """
        asked = self.find(item.decision_ids[0]) if item.kind == "to_confirm" else None
        possible = possible_answers(item, asked)
        if answer not in possible:
            raise StewardshipError("E-STW-009", item.item_id, is_usage=True, kind=item.kind, decision=answer)
        if asked is None:
            keys = (item.left_record_key, item.right_record_key or item.left_record_key)
            return [self._made(said, answer, item.entity, keys, item_id=item.item_id)]
        undo = self.undo(asked.decision_id, said)
        kind = asked.kind if answer == "confirm" else answer
        if answer == "confirm":
            said = replace(said, expires_on=said.expires_on or asked.expires_on)
        again = self._made(
            said, kind, asked.entity, asked.record_keys, salt=undo.decision_id, item_id=asked.item_id,
            parts=asked.parts, attribute=asked.attribute, value=asked.value, is_known=asked.kind == "unmerge",
        )  # fmt: skip
        return [undo, again]

    def undo(self, name: str, said: Said) -> Decision:
        """The undoing of a decision. Raises StewardshipError E-STW-004, E-STW-014 when it is undone already."""
        self.find(name)
        before = undone_by(self.decisions)
        if name in before:
            raise StewardshipError("E-STW-014", name, is_usage=True, other=before[name])
        made = self._made(replace(said, expires_on=None), "undo", "", (), undone_id=name)
        return made

    def unmerge(self, entity: str | None, keys: Sequence[str], each_alone: bool, said: Said) -> Decision:
        """Take the records `keys` out of the golden record that holds them: together, or each one alone.

        Raises StewardshipError E-STW-008 for an unknown record, E-STW-015 when they are in several golden records or
        nothing would stay, E-STW-017 when they are persons and companies and `entity` is None.
        """
        keys = tuple(dict.fromkeys(keys))
        entity = self._entity_of(entity, keys)
        together = _golden_records(self._work, entity, keys)
        if len(together) != 1:
            found = ", ".join(sorted(together))
            raise StewardshipError("E-STW-015", keys[0], is_usage=True, detail=found or "-")
        ((golden_id, members),) = together.items()
        stays = [key for key in members if key not in keys]
        if not stays and not (each_alone and len(keys) > 1):
            raise StewardshipError(
                "E-STW-015", golden_id, is_usage=True, detail=f"{len(keys)} / {len(members)}"
            )
        parts = ["1"] * len(stays) + [str(i + 2 if each_alone else 2) for i in range(len(keys))]
        return self._made(said, "unmerge", entity, (*stays, *keys), parts=tuple(parts))

    def override(self, entity: str | None, key: str, attribute: str, value: str, said: Said) -> Decision:
        """Set the golden value of an attribute for whatever golden record holds `key`."""
        return self._made(
            said, "override", self._entity_of(entity, (key,)), (key,), attribute=attribute, value=value
        )

    def link(
        self, child: str, parent: str, kind: str, since: dt.date | None, until: dt.date | None, said: Said
    ) -> Decision:
        """Put the company of one account record under that of another one for a time; until is exclusive."""
        made = self._made(
            said, "group_link", "account", (child, parent), link_kind=kind, valid_from=since, valid_to=until
        )
        return replace(made, content_hashes=("", ""))

    def record(self, made: Sequence[Decision]) -> Recorded:
        """Write what one decision needs. Raises StewardshipError E-STW-007 when it would contradict others."""
        known = self.known(made[-1]) if len(made) == 1 else None
        if known is not None:
            return Recorded(known, False)
        fights = self.contradictions_of(made)
        if fights:
            added = {each.decision_id for each in made}
            others = [name for name in fights[0] if name not in added] or fights[0]
            raise StewardshipError(
                "E-STW-007", made[-1].kind, is_usage=True, decisions=", ".join(others), first=others[0]
            )
        self.write(made)
        return Recorded(made[-1], True)

    def known(self, made: Decision) -> Decision | None:
        """A decision in force that says the same, unless it is one of the last words on changed records."""
        standing = self.standing()
        for each in standing.decisions:
            says_the_same = replace(
                each, decision_id=made.decision_id, author=made.author, reason=made.reason, place=made.place,
                decided_at=made.decided_at, item_id=made.item_id,
            )  # fmt: skip
            if standing.statuses[each.decision_id] == "active" and says_the_same == made:
                return each
        return None

    def contradictions_of(self, made: Sequence[Decision]) -> list[tuple[str, ...]]:
        """The ids of the decisions in each contradiction that `made` would bring."""
        before = {each.decision_ids for each in self.standing().contradictions}
        found = self.standing(made).contradictions
        return [each.decision_ids for each in found if each.decision_ids not in before]

    def write(self, made: Iterable[Decision]) -> None:
        """Add decisions to their files, checked or not."""
        made = tuple(made)
        append_decisions(self._folder, made)
        self.decisions += made

    def _made(
        self, said: Said, kind: str, entity: str, keys: tuple[str, ...], *, salt: str = "", is_known: bool = False,
        **values: object,
    ) -> Decision:  # fmt: skip
        hashes = self._hashes_of(entity, keys) if entity else {}
        unknown = [key for key in keys if key not in hashes]
        if unknown and not is_known:
            raise StewardshipError("E-STW-008", unknown[0], is_usage=True, entity=entity)
        told = (said.author, f"{said.decided_at:%Y-%m-%dT%H:%M:%S}", str(len(self.decisions)), salt)
        name = decision_id(kind, entity, *keys, *map(str, values.values()), *told)
        return Decision(
            name, kind, entity, keys, tuple(hashes.get(key, "") for key in keys), said.author, said.reason,
            said.decided_at, said.expires_on, **values,
        )  # fmt: skip

    def _entity_of(self, entity: str | None, keys: tuple[str, ...]) -> str:
        """The entity that has all of `keys`. Raises StewardshipError E-STW-017 when both have: a lead is a person and
        a company.
        """
        found = [each for each in ENTITIES if all(key in self._hashes_of(each, keys) for key in keys)]
        if entity is None and len(found) > 1:
            raise StewardshipError("E-STW-017", keys[0], is_usage=True)
        wanted = entity or next(iter(found), None)
        if wanted not in found:
            raise StewardshipError("E-STW-008", keys[0], is_usage=True, entity=entity or " / ".join(ENTITIES))
        return wanted

    def _hashes_of(self, entity: str, keys: Iterable[str]) -> dict[str, str]:
        missing = {key for key in keys if key not in self._hashes[entity]}
        if missing:
            self._hashes[entity] |= content_hashes(self._work, entity, missing)
        return self._hashes[entity]

    def _look_up(self, decisions: Iterable[Decision]) -> None:
        wanted: dict[str, set[str]] = {entity: set() for entity in ENTITIES}
        for decision in decisions:
            if decision.entity:
                wanted[decision.entity].update(decision.record_keys)
        for entity, keys in wanted.items():
            self._hashes_of(entity, keys)


def _golden_records(work: Path, entity: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """Golden id -> all its record keys, for the golden records that hold one of `keys`."""
    path = work / "matching" / f"{entity}_members.parquet"
    if not path.is_file():
        return {}
    members = f"read_parquet({literal(str(path))})"
    with duckdb.connect() as con:
        rows = con.execute(
            f"select {entity}_id, list(record_key order by record_key) from {members} where {entity}_id in"
            f" (select {entity}_id from {members} where list_contains($keys, record_key)) group by 1 order by 1",
            {"keys": list(keys)},
        ).fetchall()
    return dict(rows)
