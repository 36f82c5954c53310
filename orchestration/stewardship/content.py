"""The records a steward decides about, and the hash that tells whether one has changed since.

The hash covers what speaks of identity, by name: a column that the exchange gains later changes no hash of before, a
new delivery of equal values neither.
What does NOT belong here: decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.sql import ident, literal

#: Columns of the exchange that a decision depends on; those that the exchange does not hold count for nothing.
CONTENT = {
    "account": (
        "name",
        "registration_number",
        "vat_number",
        "domain",
        "website",
        "email",
        "phone",
        "address",
        "postal_code",
        "city",
        "country_code",
        "accountancy_code",
    ),
    "person": (
        "name_key",
        "given_name",
        "family_name",
        "email",
        "phone",
        "mobile",
        "company_name",
        "account_record_key",
    ),
}
#: Columns that say nothing to a person who compares two records.
_TECHNICAL = ("record_key", "contract", "source_record_id", "name_key", "company_name_key", "must_link_key")


@dataclass(frozen=True)
class Record:
    """One source record as the last run read it. values: column -> text, without empty ones."""

    record_key: str
    content_hash: str
    values: dict[str, str]


def exchange_path(work: Path, entity: str) -> Path:
    """The records of an entity as the staging step left them."""
    return work / "exchange" / f"int_{entity}_records.parquet"


def content_hashes(work: Path, entity: str, keys: Iterable[str]) -> dict[str, str]:
    """Record key -> 12 hex of its content, for those of `keys` that the last run holds."""
    wanted = pa.table({"record_key": pa.array(sorted(set(keys)), pa.string())})
    path = exchange_path(work, entity)
    if not wanted.num_rows or not path.is_file():
        return {}
    with duckdb.connect() as con:
        con.register("wanted", wanted)
        source = f"read_parquet({literal(str(path))})"
        query = f"select record_key, {_hash_of(con, source, entity)} from {source} semi join wanted using (record_key)"
        return dict(con.execute(query).fetchall())


def read_records(work: Path, entity: str, keys: Iterable[str]) -> dict[str, Record]:
    """Record key -> record with its values, for those of `keys` that the last run holds. Values are personal data."""
    wanted = pa.table({"record_key": pa.array(sorted(set(keys)), pa.string())})
    path = exchange_path(work, entity)
    if not wanted.num_rows or not path.is_file():
        return {}
    with duckdb.connect() as con:
        con.register("wanted", wanted)
        source = f"read_parquet({literal(str(path))})"
        found = con.execute(
            f"select record_key, {_hash_of(con, source, entity)}, columns(*)::varchar"
            f" from {source} semi join wanted using (record_key)"
        )
        names = [column[0] for column in found.description][2:]
        return {
            key: Record(
                key,
                content_hash,
                {
                    name: value
                    for name, value in zip(names, values, strict=True)
                    if value is not None and not name.startswith("_") and name not in _TECHNICAL
                },
            )
            for key, content_hash, *values in found.fetchall()
        }


def _hash_of(con: duckdb.DuckDBPyConnection, source: str, entity: str) -> str:
    held = {row[0] for row in con.execute(f"describe select * from {source}").fetchall()}
    parts = [
        f"{literal(name + '=')} || cast({ident(name)} as varchar)" for name in CONTENT[entity] if name in held
    ]
    return f"substr(sha256(concat_ws(chr(31), {', '.join(parts)})), 1, 12)"
