"""The mapping language: how one vendor's files fill the canonical contracts. Strict, nothing is sniffed.

One YAML per vendor (ingest/mappings/, or in the company's own directory). docs/mapping.md explains each key.
What does NOT belong here: SQL (conversion.py, expressions.py) and bytes (reading.py).
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingest.company import Company, Source, known_zone
from ingest.contract import Contract, load_contract
from ingest.errors import ConfigurationError
from ingest.phone_numbers import known_region
from ingest.reasons import reasons
from ingest.strict_yaml import nearest, read_yaml, validate

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
DATE_CODES = set("YymdHIMSpfgnbBaAjz%")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SourceInfo(_Strict):
    """Which vendor system this mapping reads."""

    system: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    domain: str = ""
    owner: str = ""


class Defaults(_Strict):
    """Values used where a column does not say otherwise; `options` of company.yml override them."""

    timezone: str = "UTC"
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    phone_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    null_values: list[str] = Field(default_factory=lambda: [""])

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)


class Volume(_Strict):
    """Largest drop of the record count against the previous delivery that passes without a warning."""

    max_drop: float = Field(gt=0, lt=1)


class FileSpec(_Strict):
    """One kind of file: where it lies and how its bytes become records."""

    path: str
    format: Literal["delimited", "jsonl", "json", "ics"]
    encoding: str = "utf-8"
    newline: Literal["auto", "lf"] = "auto"
    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    header: Literal[True] | list[str] = True
    header_aliases: dict[str, str] = Field(default_factory=dict)
    expected_columns: list[int] | list[str] | None = None
    fields: dict[str, str] | list[str] | None = None
    skip_rows: int = Field(default=0, ge=0)
    drop_rows_where: str | None = None
    on_bad_line: Literal["quarantine", "refuse"] = "quarantine"
    on_undecodable: Literal["refuse", "quarantine"] = "refuse"
    final_newline: Literal["required", "optional"] | None = None
    trim: bool = True
    null_values: list[str] | None = None
    required: bool = True
    cadence: Literal["monthly", "on_change"] | None = None
    volume: Volume | None = None

    @field_validator("encoding")
    @classmethod
    def _codec(cls, value: str) -> str:
        try:
            info = codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no Python codec") from None
        if not getattr(info, "_is_text_encoding", True):
            raise ValueError(f"{value!r} does not turn bytes into text")
        return info.name

    @field_validator("path")
    @classmethod
    def _relative(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("path is relative to the source's folder")
        if value.count("{date}") > 1 or "{" in value.replace("{date}", ""):
            raise ValueError("path may hold {date} once and no other braces")
        return value

    @model_validator(mode="after")
    def _by_format(self) -> FileSpec:
        given = self.model_fields_set
        only_delimited = {"delimiter", "quote", "escape", "header", "header_aliases", "expected_columns"}
        only_delimited |= {"skip_rows", "final_newline"}
        if self.format != "delimited":
            wrong = sorted(given & only_delimited - ({"final_newline"} if self.format == "jsonl" else set()))
            if wrong:
                raise ValueError(f"{wrong[0]} has no meaning for format {self.format}")
        if (self.format in {"json", "jsonl"}) != (self.fields is not None):
            raise ValueError("fields (name: path) belongs to json and jsonl, and only to them")
        if self.format == "delimited":
            self._check_dialect()
        if self.cadence == "monthly" and "{date}" not in self.path:
            raise ValueError("cadence: monthly needs {date} in the path")
        return self

    def _check_dialect(self) -> None:
        if not self.delimiter or len(self.delimiter) != 1 or self.delimiter in "\r\n":
            raise ValueError("delimiter must be one character")
        for name in ("quote", "escape"):
            value = getattr(self, name)
            if value is not None and len(value) != 1:
                raise ValueError(f"{name} must be one character or null")
        if self.quote is None and self.escape is not None:
            raise ValueError("escape needs a quote")
        if self.header is True and self.expected_columns is None:
            raise ValueError("expected_columns is required with a header: counts [13] or the list of names")
        if self.header is not True:
            if len(set(self.header)) != len(self.header) or not self.header:
                raise ValueError("header lists each column name once")
            if self.expected_columns is not None or self.header_aliases:
                raise ValueError(
                    "a listed header already fixes the columns: no expected_columns, no header_aliases"
                )

    @property
    def is_monthly(self) -> bool:
        """True when a month without a delivery is incomplete: required and dated, unless declared otherwise."""
        if self.cadence:
            return self.cadence == "monthly"
        return self.required and "{date}" in self.path

    @property
    def escape_character(self) -> str | None:
        """The declared escape; a doubled quote where none is declared."""
        return self.escape or self.quote

    @property
    def needs_final_newline(self) -> bool:
        """True when a file without a newline at its end counts as cut."""
        return (
            self.final_newline or ("required" if self.format == "delimited" else "optional")
        ) == "required"

    def field_paths(self) -> dict[str, str]:
        """Record field -> JSON path, for json and jsonl."""
        if isinstance(self.fields, dict):
            return self.fields
        return {name: name for name in self.fields or []}


class Lookup(_Strict):
    """Value taken from another file of the same source: match {column of that file: column of this one}."""

    file: str
    match: dict[str, str] = Field(min_length=1)
    value: str


class NamedLookup(_Strict):
    """Another file of the source joined to the rows of a table; its columns are read as "<name>.<column>".

    match: {column of that file: column of this one}. Where no row matches, or several with different values,
    the column is null; nothing is journalled. split: the first match column of that file is a list with this
    separator.
    """

    file: str
    match: dict[str, str] = Field(min_length=1)
    split: str | None = Field(default=None, min_length=1)


class UnmappedDefault(_Strict):
    """on_unmapped: {default: value}."""

    default: str


class ColumnSpec(_Strict):
    """How one column of a contract is filled: exactly one origin, then map, then type."""

    source: str | None = None
    const: str | int | float | bool | None = None
    expr: str | None = None
    hash: list[str] | None = Field(default=None, min_length=1)
    occurrence: bool = False
    row_number: Literal[True] | None = None
    lookup: Lookup | None = None
    map: dict[str, str | bool | int] | None = None
    on_unmapped: Literal["journal", "refuse", "keep"] | UnmappedDefault = "journal"
    type: Literal[
        "text", "email", "phone", "boolean", "integer", "decimal",
        "timestamp", "date", "epoch_s", "epoch_ms", "excel_serial",
    ] | None = None  # fmt: skip
    formats: list[str] = Field(default_factory=list)
    precision: Literal["second", "minute", "day"] | None = None
    timezone: str | None = None
    decimal: str | None = Field(default=None, min_length=1, max_length=1)
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    strip: str | list[str] | None = None
    suffixes: dict[str, int] | None = None
    region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    null_values: list[str] | None = None
    required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return known_zone(value) if value else value

    @model_validator(mode="after")
    def _consistent(self) -> ColumnSpec:
        origins = [n for n in ORIGINS if getattr(self, n) is not None]
        if len(origins) != 1:
            raise ValueError(f"exactly one of {', '.join(ORIGINS)} is needed, found {origins or 'none'}")
        if self.occurrence and self.hash is None:
            raise ValueError("occurrence belongs to hash")
        if "on_unmapped" in self.model_fields_set and self.map is None:
            raise ValueError("on_unmapped needs a map")
        check_formats(self.formats)
        return self


ORIGINS = ("source", "const", "expr", "hash", "row_number", "lookup")


def check_formats(formats: list[str]) -> None:
    """ValueError for an unknown date code, and for day-month beside month-day in one list."""
    orders = set()
    for text in formats:
        if text == "iso":
            continue
        codes = re.findall(r"%(-?.)", text)
        if not codes:
            raise ValueError(f"{text!r} holds no date code: write iso or a pattern such as %Y-%m-%d")
        unknown = [c for c in codes if c.lstrip("-") not in DATE_CODES]
        if unknown:
            raise ValueError(f"unknown date code %{unknown[0]} in {text!r}")
        plain = [c.lstrip("-") for c in codes]
        if "d" in plain and "m" in plain:
            year = next((plain.index(y) for y in "Yy" if y in plain), len(plain))
            first = min(plain.index("d"), plain.index("m")) > year
            orders.add((first, plain.index("d") < plain.index("m")))
    if len({day_first for year_first, day_first in orders if not year_first}) > 1 or (
        len({day_first for year_first, day_first in orders if year_first}) > 1
    ):
        raise ValueError(
            "day-month and month-day formats in one list: 03/04 would be read both ways; declare the one "
            "in use"
        )


class Dedupe(_Strict):
    """A declared key on which two records of one source are one, whatever their ids."""

    key: list[str] = Field(min_length=1)
    keep: Literal["first", "last"] = "last"
    order_by: list[str] = Field(default_factory=list)


class TableSpec(_Strict):
    """One contract filled from one file or from the union of several."""

    contract: str | None = None
    from_: str | list[str] = Field(alias="from")
    stream: Literal["events", "attendees"] | None = None
    where: str | None = None
    exclude: dict[str, str] = Field(default_factory=dict)
    lookups: dict[str, NamedLookup] = Field(default_factory=dict)
    key: list[str] = Field(default_factory=lambda: ["source_record_id"], min_length=1)
    dedupe: Dedupe | None = None
    columns: dict[str, ColumnSpec]

    @property
    def files(self) -> list[str]:
        """File keys that the table reads."""
        return [self.from_] if isinstance(self.from_, str) else self.from_

    def looked_up(self, name: str) -> tuple[str, str] | None:
        """(lookup, column of its file) when `name` reads a column of a named lookup, else None."""
        lookup, dot, column = name.partition(".")
        return (lookup, column) if dot and lookup in self.lookups else None


class MappingModel(_Strict):
    """The whole mapping file."""

    version: int = Field(ge=1)
    source: SourceInfo
    defaults: Defaults = Field(default_factory=Defaults)
    files: dict[str, FileSpec]
    tables: dict[str, TableSpec]


@dataclass(frozen=True)
class Mapping:
    """A checked mapping with the company's options applied. `hash` covers everything that changes rows."""

    name: str
    model: MappingModel
    hash: str

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
    return build_mapping(path.stem, read_yaml(path), source.option_values())


def filled_contracts(company: Company) -> frozenset[str]:
    """Contracts that at least one source of a company fills. Raises ConfigurationError like load_mapping."""
    return frozenset(
        table.contract or name
        for source in company.sources
        for name, table in load_mapping(source, company.root).model.tables.items()
    )


def build_mapping(name: str, content: Any, options: dict[str, Any] | None = None) -> Mapping:
    """A Mapping from parsed YAML. `options` override `defaults`. Raises ConfigurationError."""
    where = f"mapping {name}"
    model = validate(MappingModel, content, where)
    if options:
        merged = {**model.defaults.model_dump(), **options}
        model = model.model_copy(update={"defaults": validate(Defaults, merged, f"{where}: options")})
    for table_name, table in model.tables.items():
        _check_table(f"{where}: tables.{table_name}", table_name, table, model)
    # How often a file comes changes no row: it must not make every delivery land again.
    rows_alone = {"files": {"__all__": {"cadence"}}}
    canonical = json.dumps(model.model_dump(mode="json", by_alias=True, exclude=rows_alone), sort_keys=True)
    return Mapping(name, model, hashlib.sha256(canonical.encode()).hexdigest()[:16])


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
        if any(table.looked_up(own) for own in lookup.match.values()):
            raise ConfigurationError(
                "E-ING-105", f"{where}.lookups.{label}", detail="match names columns of the table's own file"
            )
    columns = set(contract.names)
    for name, column in table.columns.items():
        if name != "is_deleted":
            _known(where, "columns", name, columns)
            _check_column(f"{where}.columns.{name}", contract, name, column, model)
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
    excluding = {code for code, reason in reasons().items() if reason.disposition == "excluded"}
    for code in table.exclude:
        _known(where, "exclude", code, excluding)
    for other_name, other in model.tables.items():
        same = (other.contract or other_name) == contract.name
        if same and (other.key != table.key or other.dedupe != table.dedupe):
            raise ConfigurationError(
                "E-ING-105", where, detail=f"tables of the contract {contract.name} must share key and dedupe"
            )


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
