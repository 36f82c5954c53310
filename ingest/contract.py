"""Canonical source contracts: one YAML per raw table, read into types, Arrow schemas and zero-row files.

What does NOT belong here: how a vendor fills a contract (mappings/) and how values are cast (conversion.py).
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from ingest.errors import ConfigurationError
from ingest.strict_yaml import nearest, read_yaml, validate

CONTRACTS = Path(__file__).with_name("contracts")

ColumnType = Literal["text", "email", "phone", "enum", "boolean", "integer", "decimal", "date", "timestamp"]

_ARROW = {
    "text": pa.string(),
    "email": pa.string(),
    "phone": pa.string(),
    "enum": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 4),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_DUCKDB = {
    "text": "VARCHAR",
    "email": "VARCHAR",
    "phone": "VARCHAR",
    "enum": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,4)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

# Columns that the loader writes before the columns of every contract: name, Arrow type, DuckDB type.
PROVENANCE: tuple[tuple[str, pa.DataType, str], ...] = (
    ("source_system", pa.string(), "VARCHAR"),
    ("source_instance", pa.string(), "VARCHAR"),
    ("_delivery_id", pa.string(), "VARCHAR"),
    ("_source_row_id", pa.int64(), "BIGINT"),
    ("_record_part", pa.int32(), "INTEGER"),
    ("is_surrogate_key", pa.bool_(), "BOOLEAN"),
    ("is_deleted", pa.bool_(), "BOOLEAN"),
    ("_set_aside", pa.string(), "VARCHAR"),
    ("_issues", pa.string(), "VARCHAR"),
    ("delivered_on", pa.date32(), "DATE"),
)

# A record of any contract: the id that its source gives it, within one source instance.
KEY = ("source_instance", "source_record_id")


@dataclass(frozen=True)
class Column:
    """One column of a contract; `scale` is the number of decimals of a decimal column.

    pii: `direct` names a person, `restricted` is free text or a link that may, `indirect` describes one.
    """

    name: str
    type: str
    required: bool
    values: tuple[str, ...]
    pii: str | None
    description: str
    scale: int

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type of the column in raw Parquet."""
        return pa.decimal128(18, self.scale) if self.type == "decimal" else _ARROW[self.type]

    @property
    def duckdb_type(self) -> str:
        """DuckDB type of the column in raw Parquet."""
        return f"DECIMAL(18,{self.scale})" if self.type == "decimal" else _DUCKDB[self.type]

    @property
    def names_people(self) -> bool:
        """True when a value may name a person: it is masked on screen and no key of a rule."""
        return self.pii in {"direct", "restricted"}


@dataclass(frozen=True)
class Contract:
    """One canonical source table. `update` says how versions of a key converge (see dispositions.py).

    A record is known by KEY in every contract. references: (column, contract): a filled value is the
    source_record_id of a record of that contract, in the same source instance. order: (earlier, later): two
    date or timestamp columns, the second never before the first where both are filled; where the column
    `<name>_precision` of either says `day`, calendar days are compared. freshness_days: days after which the
    newest delivery is late. event: columns that date the record itself, and its last change where changes are what
    a month is told by; a reference among them dates it by the record named. Empty: no month can be missed by it.
    """

    name: str
    grain: str
    domain: str
    update: str
    order_by: tuple[str, ...]
    freshness_days: int
    references: tuple[tuple[str, str], ...]
    order: tuple[tuple[str, str], ...]
    event: tuple[str, ...]
    columns: tuple[Column, ...]
    fingerprint: str

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError when the contract has none."""
        found = {column.name: column for column in self.columns}
        return found[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order, without the provenance columns."""
        return tuple(c.name for c in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """Schema of raw/<contract>/*.parquet: provenance columns, then the columns of the contract."""
        fields = [pa.field(name, arrow) for name, arrow, _ in PROVENANCE]
        return pa.schema(fields + [pa.field(c.name, c.arrow_type) for c in self.columns])


class _ColumnModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: ColumnType
    required: bool = False
    values: list[str] = Field(default_factory=list)
    pii: Literal["direct", "restricted", "indirect"] | None = None
    description: str = ""
    scale: int = Field(default=4, ge=0, le=10)


class _ContractModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    contract: str
    grain: str
    domain: str
    update: Literal["latest", "append"]
    order_by: list[str] = Field(default_factory=list)
    freshness_days: int = Field(ge=1)
    references: dict[str, str] = Field(default_factory=dict)
    order: list[tuple[str, str]] = Field(default_factory=list)
    event: list[str] = Field(default_factory=list)
    columns: dict[str, _ColumnModel]


@functools.cache
def load_contracts(folder: Path = CONTRACTS) -> dict[str, Contract]:
    """All contracts by name. Raises ConfigurationError when a file is wrong or misnamed."""
    contracts = {path.stem: _read(path) for path in sorted(folder.glob("*.yml"))}
    for contract in contracts.values():
        for column, target in contract.references:
            if target not in contracts:
                raise ConfigurationError(
                    "E-ING-131",
                    f"contracts/{contract.name}.yml: references.{column}",
                    key=target,
                    nearest=nearest(target, contracts) or ", ".join(contracts),
                )
    return contracts


def load_contract(name: str) -> Contract:
    """The contract called `name`. Raises ConfigurationError naming the nearest one when there is none."""
    contracts = load_contracts()
    if name not in contracts:
        raise ConfigurationError(
            "E-ING-106", name, key=name, nearest=nearest(name, contracts) or ", ".join(contracts)
        )
    return contracts[name]


def _read(path: Path) -> Contract:
    model = validate(_ContractModel, read_yaml(path), f"contracts/{path.name}")
    where = f"contracts/{path.name}"
    if model.contract != path.stem:
        raise ConfigurationError("E-ING-105", where, detail=f"contract must be {path.stem}, as the file is")
    if "source_record_id" not in model.columns:
        raise ConfigurationError("E-ING-105", where, detail="source_record_id is missing")
    _check_named_columns(model, where)
    for name, column in model.columns.items():
        if (column.type == "enum") != bool(column.values):
            raise ConfigurationError(
                "E-ING-105", f"{where}: {name}", detail="an enum, and only it, lists values"
            )
    return Contract(
        name=model.contract,
        grain=model.grain,
        domain=model.domain,
        update=model.update,
        order_by=tuple(model.order_by),
        freshness_days=model.freshness_days,
        references=tuple(model.references.items()),
        order=tuple(model.order),
        event=tuple(model.event),
        columns=tuple(
            Column(name, c.type, c.required, tuple(c.values), c.pii, c.description, c.scale)
            for name, c in model.columns.items()
        ),
        fingerprint=_fingerprint(model),
    )


def _check_named_columns(model: _ContractModel, where: str) -> None:
    named = [("order_by", name) for name in model.order_by]
    named += [("references", name) for name in model.references]
    named += [("order", name) for pair in model.order for name in pair]
    named += [("event", name) for name in model.event]
    for key, name in named:
        if name not in model.columns:
            raise ConfigurationError(
                "E-ING-130",
                f"{where}: {key}",
                key=name,
                nearest=nearest(name, model.columns) or ", ".join(model.columns),
            )
    for earlier, later in model.order:
        kinds = {model.columns[name].type for name in (earlier, later)}
        if earlier == later or not kinds <= {"date", "timestamp"}:
            raise ConfigurationError("E-ING-132", f"{where}: order", earlier=earlier, later=later)
    for name in model.event:
        if name not in model.references and model.columns[name].type not in {"date", "timestamp"}:
            detail = f"event {name} is neither a date nor a reference"
            raise ConfigurationError("E-ING-105", where, detail=detail)


def _fingerprint(model: _ContractModel) -> str:
    """Hash of what changes rows: not descriptions, controls, freshness or personal-data classes."""
    columns = [[name, c.type, c.required, c.values, c.scale] for name, c in model.columns.items()]
    text = json.dumps([model.contract, model.update, model.order_by, columns])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_schema_files(work: Path) -> list[Path]:
    """Write raw/<contract>/_schema.parquet (zero rows) so that globs over raw always match.

    Returns the files, one per contract. A file with the right schema is left alone.
    """
    written = []
    for contract in load_contracts().values():
        target = work / "raw" / contract.name / "_schema.parquet"
        if not _has_schema(target, contract.arrow_schema):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(".tmp")
            pq.write_table(contract.arrow_schema.empty_table(), temporary, compression="lz4")
            temporary.replace(target)
        written.append(target)
    return written


def _has_schema(path: Path, schema: pa.Schema) -> bool:
    try:
        return pq.read_schema(path).equals(schema)
    except (OSError, pa.ArrowException):  # absent or damaged
        return False
