"""What a decision of a steward is, whichever file it stands in, and which ones were undone.

What does NOT belong here: files (files.py), whether a decision is in force in a run (standing.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Kinds of decisions; the first three answer a pair of records.
PAIR_KINDS = ("same", "different", "cannot_say")
KINDS = (*PAIR_KINDS, "unmerge", "override", "group_link", "undo")
#: Kinds of questions; the first four are answered by a pair decision.
QUESTION_KINDS = (
    *("pair", "weak_bridge", "conflict", "live_merge"),
    *("to_confirm", "contradiction", "oversized", "survivorship", "missing_parent"),
)
ENTITIES = ("account", "person")
LINK_KINDS = ("legal", "buying")
#: Entity -> attributes whose golden value a steward can set.
ATTRIBUTES = {
    "account": (
        "account_name",
        "registration_number",
        "vat_number",
        "country_code",
        "postal_code",
        "city",
        "industry",
        "employee_count",
        "owner_rep_id",
        "is_strategic",
    ),
    "person": ("first_name", "last_name", "email", "phone", "is_email_opted_out", "is_call_opted_out"),
}
#: Attribute -> (pattern of a possible value, the same in words); the others take any text.
VALUES = {
    "country_code": (r"[A-Z]{2}", "FR"),
    "employee_count": (r"\d{1,9}", "1200"),
    "is_strategic": ("true|false", "true, false"),
    "is_email_opted_out": ("true|false", "true, false"),
    "is_call_opted_out": ("true|false", "true, false"),
    "email": (r"[^@\s]+@[^@\s]+", "name@company.example"),
}


@dataclass(frozen=True)
class Decision:
    """One decision. record_keys: the source records it is about; content_hashes: what was seen of each, '' unknown.

    parts: of an unmerge, the part of each record. attribute, value: of an override. link_kind, valid_from, valid_to
    (exclusive): of a group link from record_keys[0] to record_keys[1]. undone_id: of an undo. place: file and line.
    decided_at: naive UTC. expires_on: last day in force.
    """

    decision_id: str
    kind: str
    entity: str
    record_keys: tuple[str, ...]
    content_hashes: tuple[str, ...]
    author: str
    reason: str
    decided_at: dt.datetime
    expires_on: dt.date | None = None
    item_id: str = ""
    parts: tuple[str, ...] = ()
    attribute: str = ""
    value: str = ""
    link_kind: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    undone_id: str = ""
    place: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Both keys of a pair, the smaller one first."""
        left, right = sorted(self.record_keys[:2])
        return left, right


def possible_value(attribute: str, value: str) -> str | None:
    """What a value of an attribute looks like when `value` is none, else None."""
    pattern, possible = VALUES.get(attribute, (r".+", "..."))
    return None if re.fullmatch(pattern, value, re.DOTALL) else possible


def undone_by(decisions: Iterable[Decision]) -> dict[str, str]:
    """Id of each undone decision -> id of the undo. An undo that was itself undone undoes nothing."""
    found: dict[str, str] = {}
    # An undo names what stood before it, so that the last one is judged first.
    for undo in reversed([each for each in decisions if each.kind == "undo"]):
        if undo.decision_id not in found:
            found[undo.undone_id] = undo.decision_id
    return found


def decision_id(*parts: str) -> str:
    """`dec_` and 12 hex of what was decided, by whom and when."""
    return f"dec_{_digest(*parts)}"


def item_id(entity: str, kind: str, *keys: str) -> str:
    """`rev_` and 12 hex of entity, kind, smaller and greater key: the same item has the same id in every run."""
    return f"rev_{_digest(entity, kind, *sorted(keys))}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
