"""rules/*.yml -> rules. Each rule exists once, by id; everything else (suites, gate, journal, report) reads
it here.

What does not belong here: evaluating a rule (runner.py), deciding about a cycle (gate.py). Errors:
CatalogueError names the file, the rule and the reason; nothing is repaired silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError, field_validator

from expectations.checks import AnyCheck, Check, Code, Column, Relation, Strict, exact
from ingest.contract import load_contract, load_contracts
from ingest.errors import ConfigurationError
from ingest.reasons import reasons
from ingest.strict_yaml import read_yaml
from ingest.typography import french_spaces

RULES = Path(__file__).with_name("rules")

Layer = Literal["raw", "master", "fact", "mart"]
Severity = Literal["critical", "warning", "info"]
LAYERS: tuple[Layer, ...] = ("raw", "master", "fact", "mart")
Dimension = Literal[
    "completeness",
    "validity",
    "uniqueness",
    "consistency",
    "timeliness",
    "volume",
    "integrity",
    "reconciliation",
    "plausibility",
]
SHARE_MIN_ROWS = 20  # a share of fewer rows says nothing: one of two is half of them
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


class CatalogueError(ValueError):
    """E-EXP-001: the catalogue, the policy or a waiver cannot be read as written."""


class Wording(Strict):
    fr: Annotated[str, StringConstraints(min_length=10)]
    en: Annotated[str, StringConstraints(min_length=10)]


class TableEntry(Strict):
    """A relation that must be assessed: its layer, the key of its rows, the contracts of which any feeds it.

    assess: how many rules of each dimension speak about it. A run with fewer results than that shows the
    table as not assessed, so that a rule that got lost is missed.
    """

    layer: Layer
    key: tuple[Column, ...] = Field(min_length=1)
    fed_by: tuple[Code, ...] = Field(min_length=1)
    may_be_empty: bool = False  # sources with rows can rightly give none
    assess: Mapping[Dimension, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)


class RuleHead(BaseModel):
    """The keys of a rule that are not parameters of its kind."""

    id: Annotated[
        str, StringConstraints(pattern=r"^R-(CRM|ERP|FIN|LED|TEL|EML|CAL|SVY|USE|MST|FCT|MRT)-[0-9]{3}$")
    ]
    dimension: Dimension
    severity: Severity
    tolerance: Decimal = Decimal(0)  # largest share of failing rows that still passes
    min_rows: int | None = Field(default=None, ge=1)  # None: 1 without a tolerance, else SHARE_MIN_ROWS
    owner: str = Field(min_length=2)
    reason_code: Code
    question: Wording

    @field_validator("tolerance", mode="before")
    @classmethod
    def _tolerance(cls, value: object) -> Decimal:
        share = exact(value)
        if not 0 <= share < 1:
            raise ValueError("tolerance is a share from 0 to less than 1")
        return share


@dataclass(frozen=True)
class Rule:
    """One rule: its head and one check per table it speaks about."""

    id: str
    dimension: Dimension
    severity: Severity
    tolerance: Decimal
    min_rows: int
    owner: str
    reason_code: str
    question_fr: str
    question_en: str
    checks: tuple[Check, ...]

    def question(self, language: str) -> str:
        """What the rule asks, in 'fr' or 'en', to be shown; published tables have it as typed."""
        return french_spaces(self.question_fr) if language == "fr" else self.question_en


@dataclass(frozen=True)
class Catalogue:
    """All rules and the index of what must be assessed. `version` changes with any byte of the files."""

    rules: tuple[Rule, ...]
    tables: Mapping[str, TableEntry]
    version: str

    def layer(self, check: Check) -> Layer:
        return self.tables[check.table].layer

    def absent(self, check: Check, kept: Mapping[str, int]) -> tuple[str, ...]:
        """Contracts without kept rows, if that leaves the check nothing to judge."""
        if check.needs:
            return tuple(name for name in check.needs if not kept.get(name))
        fed_by = self.tables[check.table].fed_by
        return () if any(kept.get(name) for name in fed_by) else fed_by

    def may_be_empty(self, check: Check) -> bool:
        """Whether no row to judge is an ordinary state of the company's data."""
        return self.tables[check.table].may_be_empty

    def rule(self, rule_id: str) -> Rule:
        return next(rule for rule in self.rules if rule.id == rule_id)


_HEAD = frozenset(RuleHead.model_fields)
_CHECK: TypeAdapter[Check] = TypeAdapter(AnyCheck)


def read_document(path: Path) -> tuple[dict[str, Any], str]:
    """A YAML file as a mapping, and the short hash of its bytes.

    Errors: CatalogueError when it is missing, is no mapping, or repeats a key.
    """
    try:
        document = read_yaml(path)
    except ConfigurationError as error:
        raise CatalogueError(f"E-EXP-001 {error}") from error
    if not isinstance(document, dict):
        raise CatalogueError(f"E-EXP-001 {path.name}: a mapping was expected")
    return document, hashlib.sha256(path.read_bytes()).hexdigest()[:12]


#: Kind of a pydantic error -> what a person is told, where its own words speak of models and inputs.
_PLAIN = {"missing": "is missing", "extra_forbidden": "is no key that is known here"}


def explain(error: ValidationError) -> str:
    """The first problem of a pydantic error in one line: the row or item counted from 1, the key, what is wrong."""
    first = error.errors()[0]
    place = ".".join(f"row {part + 1}, " if isinstance(part, int) else f"{part}" for part in first["loc"])
    place = place.replace(", .", ", ").removesuffix(", ")
    told = _PLAIN.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return f"{place}: {told}" if place else told


def load_catalogue(path: Path = RULES) -> Catalogue:
    """Read and verify the rule catalogue: a folder of files, or one file.

    Contracts named by a table exist, reason codes are in the closed list, no key holds a direct identifier.
    Errors: CatalogueError.
    """
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path]
    documents = {file: _rule_document(file) for file in files}
    tables: dict[str, TableEntry] = {}
    for file, (document, _) in documents.items():
        for name, entry in (document.get("tables") or {}).items():
            if name in tables:
                raise CatalogueError(f"E-EXP-001 {file.name}: table {name} is written twice")
            tables[name] = _table(file, name, entry)
    rules = tuple(
        _rule(file, raw, tables)
        for file, (document, _) in documents.items()
        for raw in document.get("rules") or ()
    )
    _refuse_repeated(path, [rule.id for rule in rules])
    for rule in rules:
        if rule.reason_code not in reasons():
            raise CatalogueError(
                f"E-EXP-001 {path.name}: {rule.id}: reason_code {rule.reason_code} is not in reasons.yml"
            )
    version = hashlib.sha256("".join(each for _, each in documents.values()).encode()).hexdigest()[:12]
    return Catalogue(rules=rules, tables=MappingProxyType(tables), version=version)


def _rule_document(path: Path) -> tuple[dict[str, Any], str]:
    document, version = read_document(path)
    unknown = set(document) - {"version", "tables", "rules"}
    if unknown or document.get("version") != 1:
        raise CatalogueError(
            f"E-EXP-001 {path.name}: version 1 with tables and rules expected, not {sorted(unknown)}"
        )
    return document, version


def _table(path: Path, name: str, entry: Any) -> TableEntry:
    try:
        TypeAdapter(Relation).validate_python(name)
        table = TableEntry.model_validate(entry)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: table {name}: {explain(error)}") from error
    missing = set(table.fed_by) - set(load_contracts())
    if missing:
        raise CatalogueError(f"E-EXP-001 {path.name}: table {name}: no contract {sorted(missing)}")
    return table


def _refuse_repeated(path: Path, ids: list[str]) -> None:
    repeated = sorted({each for each in ids if ids.count(each) > 1})
    if repeated:
        raise CatalogueError(f"E-EXP-001 {path.name}: rule ids written twice: {', '.join(repeated)}")


def _rule(path: Path, raw: Any, tables: Mapping[str, TableEntry]) -> Rule:
    if not isinstance(raw, dict):
        raise CatalogueError(f"E-EXP-001 {path.name}: a rule is a mapping, not {raw!r}")
    name = raw.get("id", "rule without id")
    try:
        head = RuleHead.model_validate({key: value for key, value in raw.items() if key in _HEAD})
        parameters = {key: value for key, value in raw.items() if key not in _HEAD and key != "targets"}
        targets = raw.get("targets", [{}])
        if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
            raise CatalogueError(f"E-EXP-001 {path.name}: {name}: targets is a list of mappings")
        checks = tuple(_check({**parameters, **target}, tables) for target in targets)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: {name}: {explain(error)}") from error
    except KeyError as error:
        raise CatalogueError(
            f"E-EXP-001 {path.name}: {name}: table {error} is not in the index of tables"
        ) from error
    names = [check.table for check in checks]
    if len(set(names)) != len(names):
        raise CatalogueError(
            f"E-EXP-001 {path.name}: {name}: one check per table, a second one is another rule"
        )
    contracts = load_contracts()
    direct = {column.name for each in contracts.values() for column in each.columns if column.names_people}
    for check in checks:
        if direct & set(check.key):
            raise CatalogueError(f"E-EXP-001 {path.name}: {name}: key {check.key} holds a direct identifier")
        missing = set(check.needs) - set(contracts)
        if missing:
            raise CatalogueError(f"E-EXP-001 {path.name}: {name}: no contract {sorted(missing)}")
    return Rule(
        id=head.id,
        dimension=head.dimension,
        severity=head.severity,
        tolerance=head.tolerance,
        min_rows=head.min_rows or (SHARE_MIN_ROWS if head.tolerance else 1),
        owner=head.owner,
        reason_code=head.reason_code,
        question_fr=head.question.fr,
        question_en=head.question.en,
        checks=checks,
    )


def _check(parameters: dict[str, Any], tables: Mapping[str, TableEntry]) -> Check:
    check = _CHECK.validate_python(parameters)
    entry = tables[check.table]
    return check if check.key else check.model_copy(update={"key": entry.key})


def freshness_days(contract: str) -> int:
    """The declared freshness of a contract, in days."""
    return load_contract(contract).freshness_days
