"""The files of the registry as matching reads them: golden_ids, members_accounts, members_persons.

What does NOT belong here: writing them (see orchestration.publication.registry), what is made of them.
A file of the former shape is read as if it had always had today's columns.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.matching import member_history
from orchestration.matching.errors import MatchingError
from orchestration.matching.golden_ids import MEMBERS_SCHEMA, REGISTRY_SCHEMA

#: Columns that files written before there was a history lack.
_LATER = {"retired_in_cycle", "home_id", "valid_from", "valid_to"}


def read_registry(path: Path | None) -> pa.Table:
    """Every golden id so far (REGISTRY_SCHEMA); empty before the first publication.

    Raises MatchingError E-MAT-030 when the file is no registry.
    """
    if path is None:
        return REGISTRY_SCHEMA.empty_table()
    found = _read(path, REGISTRY_SCHEMA)
    if "retired_in_cycle" not in found.column_names:
        found = found.append_column("retired_in_cycle", pa.nulls(found.num_rows, pa.string()))
    return _cast(path, found, REGISTRY_SCHEMA)


def read_history(path: Path | None, entity: str, registry: pa.Table) -> pa.Table:
    """Which record of the entity held which id when (HISTORY_SCHEMA). path: the registry's golden_ids file.

    registry: rows of the entity. Raises MatchingError E-MAT-030 when the file is damaged, or gone while ids exist:
    every record would get another id.
    """
    schema = member_history.HISTORY_SCHEMA
    if path is None:
        return schema.empty_table()
    members = path.with_name(f"members_{entity}s.parquet")
    if not members.is_file() and not registry.num_rows:
        return schema.empty_table()
    found = _read(members, schema)
    if "valid_from" not in found.column_names:
        return member_history.upgraded(_cast(members, found, MEMBERS_SCHEMA), registry)
    return _cast(members, found, schema)


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        found = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise MatchingError("E-MAT-030", path.name, detail=type(error).__name__) from error
    lacking = set(schema.names) - set(found.column_names) - _LATER
    if lacking:
        raise MatchingError("E-MAT-030", path.name, detail=f"no column {', '.join(sorted(lacking))}")
    return found


def _cast(path: Path, table: pa.Table, schema: pa.Schema) -> pa.Table:
    try:
        return table.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowException) as error:
        raise MatchingError("E-MAT-030", path.name, detail="columns of another type") from error
