"""The settings of one entity type: comparisons, blocking rules, gates, thresholds. Stored as reviewed JSON.

What does NOT belong here: running them (see blocking, scoring, decisions).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestration.matching.errors import MatchingError

SCHEMA = "etalon-linkage-model/1"
MODELS = Path(__file__).with_name("models")


@dataclass(frozen=True)
class Level:
    """One answer of a comparison, best first. m, u: share of same and of different pairs that give it.

    sql compares <column>_l with <column>_r; "ELSE" is the rest. tf: column whose value frequency refines u.
    """

    code: str
    sql: str
    m: float
    u: float
    tf: str | None = None


@dataclass(frozen=True)
class Comparison:
    """columns: those it reads, at least one must be mapped. null_sql: the pair says nothing."""

    name: str
    columns: tuple[str, ...]
    null_sql: str
    levels: tuple[Level, ...]

    def gamma(self, code: str) -> int:
        """Number of a level as Splink counts it: the best has the highest, the rest 0, no value -1."""
        if code == "null":
            return -1
        for position, level in enumerate(self.levels):
            if level.code == code:
                return len(self.levels) - 1 - position
        raise KeyError(code)

    def level(self, gamma: int) -> Level | None:
        """The level of a number; None for no value."""
        return None if gamma < 0 else self.levels[len(self.levels) - 1 - gamma]


@dataclass(frozen=True)
class BlockingRule:
    """Records with one key are compared. sql: text or list of texts, NULL for no key. uses: comparisons it fixes.

    A block of more than max_block records is split by `refine`; what is still larger is dropped and reported.
    """

    code: str
    sql: str
    uses: tuple[str, ...]
    refine: str | None
    max_block: int


@dataclass(frozen=True)
class Gate:
    """Evidence rule around the score: pairs that satisfy sql are never better than cap (review, reject)."""

    code: str
    cap: str
    sql: str


@dataclass(frozen=True)
class SharedValue:
    """A value of `column` used under more than max_names names (`by`) is a switchboard or a shared mailbox."""

    column: str
    by: str
    max_names: int


@dataclass(frozen=True)
class Thresholds:
    """Match weights (log2 of the odds): accept, review, the least that is kept, and the mean inside a cluster."""

    accept: float
    review: float
    retain: float
    cluster: float


@dataclass(frozen=True)
class Model:
    """matches_per_record: true pairs expected per record, from which the prior of a pair follows (see prior_for).

    prior_probability: that of two records drawn at random being the same, once the number of records is known.
    """

    entity: str
    version: int
    matches_per_record: float
    prior_probability: float
    thresholds: Thresholds
    comparisons: tuple[Comparison, ...]
    blocking: tuple[BlockingRule, ...]
    gates: tuple[Gate, ...]
    evidence: tuple[tuple[str, str], ...]
    shared_values: tuple[SharedValue, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that a comparison, key or refinement may read."""
        texts = [c.null_sql for c in self.comparisons] + [lv.sql for c in self.comparisons for lv in c.levels]
        texts += [rule.sql for rule in self.blocking] + [rule.refine or "" for rule in self.blocking]
        texts += [each.by for each in self.shared_values] + [each.column for each in self.shared_values]
        words = set(re.findall(r"[a-z][a-z_0-9]*", " ".join(texts)))
        bare = {re.sub(r"_[lr]$", "", word) for word in words} | {
            column for c in self.comparisons for column in c.columns
        }
        return sorted(bare & KNOWN_COLUMNS)

    def prior_for(self, n_pairs: float, n_records: int) -> Model:
        """The model with the prior of so many possible pairs: fewer strangers, less proof is needed."""
        prior = min(max(self.matches_per_record * n_records / max(n_pairs, 1.0), 1e-9), 0.3)
        return replace(self, prior_probability=prior)

    def restricted(self, columns: set[str]) -> Model:
        """The model without the comparisons that have no column among those given."""
        return replace(self, comparisons=tuple(c for c in self.comparisons if columns & set(c.columns)))


#: Columns that standardisation or the preparation of linkage may give.
KNOWN_COLUMNS = frozenset(
    """given given_known family family_core name_key birth_date national_id email email_domain domain phone mobile
    company number street postal_code city region country name name_words name_tokens registration_number""".split()  # noqa: SIM905
)


def load_model(source: str | Path) -> Model:
    """A stored model by entity or file. Raises MatchingError E-MAT-007 when it is not of this schema."""
    path = source if isinstance(source, Path) else MODELS / f"{source}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MatchingError("E-MAT-007", path.name, is_usage=True, detail=str(error)) from error
    return model_of(content, path.name)


def model_of(content: Any, where: str = "model") -> Model:
    """The model in a JSON object, checked: schema, shares that sum to 1, thresholds in order, gates name levels."""
    found = content.get("schema") if isinstance(content, Mapping) else None
    if found != SCHEMA:
        raise _bad(where, f"its schema is {found}, expected {SCHEMA}")
    try:
        model = Model(
            entity=content["entity"],
            version=content["version"],
            matches_per_record=content["matches_per_record"],
            prior_probability=1e-6,
            thresholds=Thresholds(**content["thresholds"]),
            comparisons=tuple(
                Comparison(
                    c["name"],
                    tuple(c["columns"]),
                    c["null_sql"],
                    tuple(Level(**each) for each in c["levels"]),
                )
                for c in content["comparisons"]
            ),
            blocking=tuple(BlockingRule(**{**b, "uses": tuple(b["uses"])}) for b in content["blocking"]),
            gates=tuple(Gate(**g) for g in content["gates"]),
            evidence=tuple((e["code"], e["sql"]) for e in content["evidence"]),
            shared_values=tuple(SharedValue(**s) for s in content["shared_values"]),
        )
        _check(model, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise _bad(where, f"{type(error).__name__}: {error}") from error
    return model


def _bad(where: str, detail: str) -> MatchingError:
    return MatchingError("E-MAT-007", where, is_usage=True, detail=detail)


def _check(model: Model, where: str) -> None:
    limits = model.thresholds
    if not limits.retain <= limits.review <= limits.accept:
        raise _bad(where, "thresholds must satisfy retain <= review <= accept")
    if not model.matches_per_record > 0:
        raise _bad(where, "matches_per_record must be positive")
    for comparison in model.comparisons:
        if comparison.levels[-1].sql != "ELSE":
            raise _bad(where, f"the last level of {comparison.name} must be ELSE")
        for side in ("m", "u"):
            shares = [getattr(level, side) for level in comparison.levels]
            if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
                raise _bad(where, f"{side} of {comparison.name} must be positive and sum to 1")
    for code, sql in [(g.code, g.sql) for g in model.gates] + list(model.evidence):
        try:
            conditions_sql(sql, model)
        except KeyError as error:
            raise _bad(where, f"{code} names no level: {error}") from error
    if any(gate.cap not in ("review", "reject") for gate in model.gates):
        raise _bad(where, "the cap of a gate is review or reject")


def conditions_sql(sql: str, model: Model, active: Model | None = None) -> str:
    """SQL over gamma columns for a text with {comparison:level|level}. A comparison that is not active is null."""
    named = {comparison.name: comparison for comparison in model.comparisons}
    running = {c.name for c in (active or model).comparisons}

    def spelled(match: re.Match[str]) -> str:
        name, codes = match[1], match[2].split("|")
        gammas = [str(named[name].gamma(code)) for code in codes]
        if name not in running:
            return "TRUE" if "null" in codes else "FALSE"
        return f"(gamma_{name} IN ({', '.join(gammas)}))"

    return re.sub(r"\{(\w+):([\w|]+)\}", spelled, sql)


def level_case(comparison: Comparison) -> str:
    """SQL of the level number of a pair (Splink's numbering)."""
    cases = [f"WHEN {comparison.null_sql} THEN -1"]
    cases += [f"WHEN {level.sql} THEN {comparison.gamma(level.code)}" for level in comparison.levels[:-1]]
    return f"CASE {' '.join(cases)} ELSE 0 END"
