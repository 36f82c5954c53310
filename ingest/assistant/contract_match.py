"""Columns of a file against the columns of a contract: by name, by content, with a score and what supports it.

What does NOT belong here: spellings (spelling.py and its YAML), and writing.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ingest.assistant.columns import ENUM_VALUES, Profile
from ingest.assistant.questions import Said, said
from ingest.assistant.spelling import header_names, normalised
from ingest.contract import Column, Contract, load_contracts

NAME, NEAR_NAME, CONTENT = 0.6, 0.3, 0.4
NEAR, PROVED, WORTH_SHOWING = 0.85, 0.75, 0.35
_CONTENT_OF = {
    "email": ("email",),
    "phone": ("phone", "integer"),
    "boolean": ("boolean",),
    "integer": ("integer",),
    "decimal": ("number", "integer"),
    "date": ("date", "epoch", "excel_serial"),
    "timestamp": ("date", "epoch", "excel_serial"),
}
_CONTENT_OF_NAME = {
    "registration_number": ("registration",),
    "vat_number": ("vat",),
    "currency": ("currency",),
    "from_currency": ("currency",),
    "to_currency": ("currency",),
}
# Types that a value shows by itself, so that content alone is worth a question.
TELLING = {"email", "phone", "registration_number", "vat_number"}


@dataclass(frozen=True)
class Match:
    """One column of the file that may fill one column of the contract."""

    column: str
    at: int
    header: str
    score: float
    by_name: bool
    said: Said


def matches_of(contract: Contract, column: Column, profiles: list[Profile], is_named: bool) -> list[Match]:
    """Candidates for one contract column, best first. is_named: false when the header names were made up."""
    names = header_names(contract.name)
    known = names.get(column.name, {})
    found = []
    for profile in profiles:
        if not profile.name:
            continue
        spelled = normalised(profile.name)
        origin = known.get(spelled) if is_named else None
        name = NAME if origin else 0.0
        if (
            is_named
            and not origin
            and len(spelled) > 3
            and difflib.get_close_matches(spelled, known, 1, NEAR)
        ):
            name, origin = NEAR_NAME, "near"
        share = _content(column, profile)
        if share is None:
            # Text: the content can neither support nor contradict.
            score, shown = (name + 0.5 * CONTENT if name == NAME else name), "-"
        elif share < 0.5 and profile.n_filled:
            continue
        else:
            score, shown = name + CONTENT * (share if profile.n_filled else 0.25), f"{100 * share:.0f} %"
        # Content alone is worth a question where it tells much and the name says nothing else.
        if not name and (
            not (column.name in TELLING or column.type in TELLING)
            or (is_named and any(spelled in spellings for spellings in names.values()))
        ):
            continue
        if score >= WORTH_SHOWING:
            support = said("supported_by", name=origin or "-", content=shown, score=f"{score:.2f}")
            found.append(Match(column.name, profile.at, profile.name, score, name == NAME, support))
    return sorted(found, key=lambda m: (-m.score, m.at))


def _content(column: Column, profile: Profile) -> float | None:
    """Share of the values that are of the column's type; None when its type says nothing."""
    kinds = _CONTENT_OF_NAME.get(column.name) or _CONTENT_OF.get(column.type)
    if kinds is None:
        return None
    if column.name in _CONTENT_OF_NAME or column.type != "boolean":
        return max(profile.votes.get(kind, 0.0) for kind in kinds)
    # Few values: a yes/no list in another language is still a boolean that somebody can map.
    return max(profile.votes["boolean"], 0.6 if 0 < profile.n_distinct <= 3 else 0.0)


def looks_like(column: Column, profile: Profile) -> bool:
    """True when the values alone may be those of `column`: of its type, or few enough for a list of names."""
    if column.type in ("enum", "text"):
        is_list = 2 <= profile.n_distinct <= min(ENUM_VALUES, profile.n_filled // 2)
        return is_list and profile.kind == "text"
    if column.type == "decimal" and max(profile.votes["phone"], profile.votes["date"]) >= 0.5:
        return False
    share = _content(column, profile)
    return share is not None and share >= 0.9 and profile.n_filled > 0


def is_proved(matches: list[Match]) -> bool:
    """True when one column of the file, by its name and not against its content, stands alone."""
    named = [m for m in matches if m.by_name and m.score >= PROVED]
    return len(named) == 1 and matches[0] is named[0]


@dataclass(frozen=True)
class ContractScore:
    """How many columns of a contract a file fills by name; required ones count double."""

    name: str
    score: float
    n_matched: int
    n_required: int
    n_required_matched: int

    @property
    def said(self) -> Said:
        """The score as a sentence."""
        return said("contract_score", contract=self.name, score=f"{self.score:.2f}", n=self.n_matched,
                    required=f"{self.n_required_matched}/{self.n_required}")  # fmt: skip


def score_contracts(profiles: list[Profile], is_named: bool) -> list[ContractScore]:
    """All contracts, best first."""
    scores = []
    for contract in load_contracts().values():
        required = [c.name for c in contract.columns if c.required]
        matched, used = [], set()
        for column in contract.columns:
            best = next((m for m in matches_of(contract, column, profiles, is_named) if m.by_name), None)
            if best:
                matched.append(column.name)
                used.add(best.at)
        n_required = sum(1 for name in matched if name in required)
        covered = len(used) / max(1, len(profiles))
        needed = n_required / len(required)
        scores.append(
            ContractScore(
                contract.name, 0.5 * covered + 0.5 * needed, len(matched), len(required), n_required
            )
        )
    return sorted(scores, key=lambda s: (-s.score, -s.n_matched, s.name))
