"""A checked mapping: the keys of one vendor's YAML held against the contracts. Strict, nothing is sniffed.

One YAML per vendor (ingest/mappings/, or in the company's own directory). docs/mapping.md explains each key.
What does NOT belong here: the keys (mapping_model.py), SQL (conversion.py, expressions.py), bytes (reading.py).
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.check_names import check_checks
from ingest.company import Company, Source
from ingest.contract import Contract, load_contract
from ingest.errors import ConfigurationError
from ingest.expressions import check_condition
from ingest.mapping_model import (
    ColumnSpec,
    Dedupe,
    Defaults,
    FileSpec,
    MappingModel,
    TableSpec,
    UnmappedDefault,
)
from ingest.phone_numbers import known_region
from ingest.reasons import competing_codes
from ingest.strict_yaml import nearest, read_yaml, validate

__all__ = [
    "MAPPINGS", "ColumnSpec", "Dedupe", "Defaults", "FileSpec", "Mapping", "MappingModel",
    "TableSpec", "UnmappedDefault", "build_mapping", "filled_contracts", "load_mapping", "path_pattern",
]  # fmt: skip

MAPPINGS = Path(__file__).with_name("mappings")
TEMPORAL = {"timestamp", "date", "epoch_s", "epoch_ms", "excel_serial"}
# What a mapping may declare for a contract column of each type: how the source writes the value.
SOURCE_TYPES: dict[str, set[str]] = {
    "text": {"text", "email", "phone"},
    "email": {"email"},
    "phone": {"phone"},
    "enum": {"text"},
    "boolean": {"boolean"},
    "integer": {"integer"},
    "decimal": {"decimal"},
    "date": TEMPORAL,
    "timestamp": TEMPORAL,
}


@dataclass(frozen=True)
class Mapping:
    """A checked mapping with the company's options applied. `hash` covers everything that changes rows."""

    name: str
    model: MappingModel
    hash: str
    salt: str | None = field(default=None, repr=False)

    @property
    def system(self) -> str:
        """Vendor system, written to source_system."""
        return self.model.source.system

    @property
    def defaults(self) -> Defaults:
        """Defaults after the company's options."""
        return self.model.defaults

    def tables_of(self, file_key: str) -> list[tuple[str, TableSpec, Contract]]:
        """(contract name, table, contract) of the tables that read `file_key`,
        in the order of the mapping.
        """
        return [
            (table.contract or name, table, load_contract(table.contract or name))
            for name, table in self.model.tables.items()
            if file_key in table.files
        ]

    def lookup_files(self, file_key: str) -> list[str]:
        """Other files whose content the rows of `file_key` take values from."""
        found = {
            column.lookup.file
            for _, table, _ in self.tables_of(file_key)
            for column in table.columns.values()
            if column.lookup
        }
        found |= {
            lookup.file for _, table, _ in self.tables_of(file_key) for lookup in table.lookups.values()
        }
        return sorted(found)

    def columns_looked_up(self, file_key: str, other: str) -> list[str]:
        """Columns that the rows of `file_key` cannot be read without `other`: none for a file that is not
        required and only serves named lookups, whose columns are null without it.
        """
        tables = [table for _, table, _ in self.tables_of(file_key)]
        needed = [n for t in tables for n, c in t.columns.items() if c.lookup and c.lookup.file == other]
        if self.model.files[other].required:
            needed += [
                f"lookups.{n}" for t in tables for n, lookup in t.lookups.items() if lookup.file == other
            ]
        return needed


def load_mapping(source: Source, company_root: Path) -> Mapping:
    """The mapping of one source of company.yml, checked against the contracts.

    A name is looked up in ingest/mappings; a value ending in .yml is a path relative to the company
    directory.
    Raises ConfigurationError (E-ING-1xx) naming the key.
    """
    if source.mapping.endswith((".yml", ".yaml")):
        path = company_root / source.mapping
        if not path.resolve().is_relative_to(company_root.resolve()):
            raise ConfigurationError(
                "E-ING-105", f"sources.{source.instance}.mapping", detail="outside the company"
            )
    else:
        path = MAPPINGS / f"{source.mapping}.yml"
        if not path.exists():
            known = sorted(p.stem for p in MAPPINGS.glob("*.yml"))
            raise ConfigurationError(
                "E-ING-107", f"company.yml: {source.instance}", key=source.mapping,
                nearest=nearest(source.mapping, known) or ", ".join(known),
            )  # fmt: skip
    mapping = build_mapping(path.stem, read_yaml(path), source.option_values(), source.privacy_salt)
    hashing = [key for key, spec in mapping.model.files.items() if spec.privacy and spec.privacy.hash]
    if hashing and not mapping.salt:
        raise ConfigurationError(
            "E-ING-120", f"mapping {mapping.name}: files.{hashing[0]}.privacy", detail="none"
        )
    return mapping


def filled_contracts(company: Company) -> frozenset[str]:
    """Contracts that at least one source of a company fills. Raises ConfigurationError like load_mapping."""
    return frozenset(
        table.contract or name
        for source in company.sources
        for name, table in load_mapping(source, company.root).model.tables.items()
    )


def build_mapping(
    name: str, content: Any, options: dict[str, Any] | None = None, salt: str | None = None
) -> Mapping:
    """A Mapping from parsed YAML. `options` override `defaults`. Raises ConfigurationError."""
    where = f"mapping {name}"
    model = validate(MappingModel, content, where)
    if options:
        merged = {**model.defaults.model_dump(), **options}
        model = model.model_copy(update={"defaults": validate(Defaults, merged, f"{where}: options")})
    for table_name, table in model.tables.items():
        _check_table(f"{where}: tables.{table_name}", table_name, table, model)
    for key, spec in model.files.items():
        if spec.drop_rows_where is not None:
            check_condition(spec.drop_rows_where, f"{where}: files.{key}.drop_rows_where")
    check_checks(model, where)
    # What changes no row of raw must not make every delivery land again.
    rows_alone = {
        "files": {"__all__": {"cadence", "covers", "lookup_version", "snapshot"}},
        "tables": {"__all__": {"retention"}},
        "checks": True,
    }
    canonical = json.dumps(model.model_dump(mode="json", by_alias=True, exclude=rows_alone), sort_keys=True)
    if any(spec.privacy and spec.privacy.hash for spec in model.files.values()):
        canonical += salt or ""
    return Mapping(name, model, hashlib.sha256(canonical.encode()).hexdigest()[:16], salt)


def _check_table(where: str, table_name: str, table: TableSpec, model: MappingModel) -> None:
    contract = load_contract(table.contract or table_name)
    for key in table.files:
        _known(where, "from", key, model.files)
        is_calendar = model.files[key].format == "ics"
        if is_calendar != (table.stream is not None):
            raise ConfigurationError(
                "E-ING-105", where, detail="stream (events or attendees) belongs to ics files"
            )
    for label, lookup in table.lookups.items():
        _known(where, f"lookups.{label}.file", lookup.file, model.files)
        for own in lookup.matched.values():
            name, dot, _ = own.partition(".")
            if dot and name not in table.lookups and (close := nearest(name, table.lookups)):
                raise ConfigurationError(
                    "E-ING-104", f"{where}.lookups.{label}.match", key=name, nearest=close
                )
    columns = set(contract.names)
    conditions = {"where": table.where} | {f"exclude.{code}": text for code, text in table.exclude.items()}
    for label, text in conditions.items():
        if text is not None:
            check_condition(text, f"{where}.{label}")
    identity = table.columns.get("source_record_id")
    if identity is not None and identity.const is not None and table.key == ["source_record_id"]:
        detail = (
            f"source_record_id is the constant {identity.const}: all rows would be versions of one record"
        )
        raise ConfigurationError("E-ING-105", where, detail=detail)
    if table.retention:
        _known(where, "retention.column", table.retention.column, columns)
        if contract.column(table.retention.column).type not in {"date", "timestamp"}:
            detail = f"retention.column {table.retention.column} is no date"
            raise ConfigurationError("E-ING-105", where, detail=detail)
        if table.retention.column not in table.columns:
            detail = f"retention.column {table.retention.column} is filled by no column of the table"
            raise ConfigurationError("E-ING-105", where, detail=detail)
    for name, column in table.columns.items():
        if name != "is_deleted":
            _known(where, "columns", name, columns)
            _check_column(f"{where}.columns.{name}", contract, name, column, model)
            hashed = [
                spec.privacy.hash for spec in map(model.files.get, table.files) if spec and spec.privacy
            ]
            is_text = contract.column(name).type == "text" and column.type in {None, "text"}
            if column.source and any(column.source in names for names in hashed) and not is_text:
                detail = f"privacy hashes {column.source}: it can only fill text"
                raise ConfigurationError("E-ING-105", f"{where}.columns.{name}", detail=detail)
    for column in contract.columns:
        if column.required and column.name not in table.columns and not _has_default(column.name, model):
            raise ConfigurationError(
                "E-ING-105", where, detail=f"{contract.name} requires {column.name}, which no column fills"
            )
    lists = {"key": table.key}
    if table.dedupe:
        lists |= {"dedupe.key": table.dedupe.key, "dedupe.order_by": table.dedupe.order_by}
    for label, names in lists.items():
        for name in names:
            _known(where, label, name, columns)
    excluding = competing_codes()
    for code in table.exclude:
        _known(where, "exclude", code, excluding)
    for other_name, other in model.tables.items():
        same = (other.contract or other_name) == contract.name
        shared = [n for n in ("key", "dedupe", "retention") if getattr(other, n) != getattr(table, n)]
        if same and shared:
            detail = f"tables of the contract {contract.name} must share {shared[0]}"
            raise ConfigurationError("E-ING-105", where, detail=detail)


def _has_default(name: str, model: MappingModel) -> bool:
    return name == "currency" and model.defaults.currency is not None


def _check_column(where: str, contract: Contract, name: str, column: ColumnSpec, model: MappingModel) -> None:
    wanted = contract.column(name)
    allowed = SOURCE_TYPES[wanted.type]
    given = column.type or ("text" if wanted.type == "enum" else wanted.type)
    if given not in allowed:
        raise ConfigurationError(
            "E-ING-105",
            where,
            detail=f"type {given} cannot fill {wanted.type}; use {', '.join(sorted(allowed))}",
        )
    groups = {
        ("formats",): {"timestamp", "date"},
        ("timezone", "precision"): TEMPORAL,
        ("decimal", "thousands", "strip", "suffixes"): {"integer", "decimal"},
        ("region",): {"phone"},
    }
    for keys, types in groups.items():
        for key in keys:
            if key in column.model_fields_set and given not in types:
                raise ConfigurationError("E-ING-105", where, detail=f"{key} has no meaning for type {given}")
    region = column.region or model.defaults.phone_region
    if given == "phone" and region and not known_region(region):
        raise ConfigurationError("E-ING-105", where, detail=f"{region} is no country with a number plan")
    if given == "phone" and not region:
        raise ConfigurationError("E-ING-105", where, detail="a phone needs region, or defaults.phone_region")
    if column.precision == "minute" and f"{name}_precision" not in contract.names:
        raise ConfigurationError(
            "E-ING-105", where, detail=f"precision minute has no effect: the contract has no {name}_precision"
        )
    if column.lookup:
        _known(where, "lookup.file", column.lookup.file, model.files)
    if wanted.type == "enum":
        _check_enum(where, wanted.values, column)


def _check_enum(where: str, values: tuple[str, ...], column: ColumnSpec) -> None:
    targets = [str(v) for v in (column.map or {}).values()]
    if isinstance(column.on_unmapped, UnmappedDefault):
        targets.append(column.on_unmapped.default)
    if column.const is not None:
        targets.append(str(column.const))
    for target in targets:
        _known(where, "value", target, values)


def _known(where: str, label: str, name: str, known: Any) -> None:
    if name not in known:
        raise ConfigurationError(
            "E-ING-104",
            f"{where}: {label}",
            key=name,
            nearest=nearest(name, known) or ", ".join(sorted(known)),
        )


@functools.cache
def path_pattern(path: str) -> re.Pattern[str]:
    """Regular expression of a mapping path: * and ? stay in one folder, ** crosses folders, {date} is
    captured.
    """
    pieces = []
    for piece in re.split(r"(\*\*/|\*|\?|\{date\})", path):
        pieces.append(
            {
                "**/": r"(?:[^/]+/)*",
                "*": r"[^/]*",
                "?": r"[^/]",
                "{date}": r"(?P<date>\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|\d{8}|\d{6})",
            }.get(piece, re.escape(piece))
        )
    return re.compile("".join(pieces))
