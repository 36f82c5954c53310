"""From the given table to `prepared`: one row per record, with every column the models know.

What does NOT belong here: spelling values alike (see standardise), values that many names share (see shared_values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.sql import ident, literal
from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage.model import KNOWN_COLUMNS
from orchestration.matching.linkage.state import State
from orchestration.matching.standardise.persons import given_name
from orchestration.matching.standardise.roles import ROLES

#: Families that make a given name a known one: two known names that differ are two names.
FAMILIES_OF_A_KNOWN_NAME = 5
#: ... and one record in so many must bear it: in a million records misspellings repeat.
RECORDS_PER_KNOWN_NAME = 4000


def load_records(
    con: duckdb.DuckDBPyConnection, records: Path | pa.Table, entity: str, roles: Mapping[str, str]
) -> dict[str, str]:
    """Create `source_records` (record_key, source, a text column per role). Returns role -> column of the records."""
    if isinstance(records, Path):
        con.execute(f"CREATE TEMP VIEW given_records AS SELECT * FROM read_parquet({literal(str(records))})")
    else:
        con.register("given_records", records)
    held = [row[0] for row in con.execute("DESCRIBE given_records").fetchall()]
    for role, column in roles.items():
        if role not in (*ROLES[entity], "record_key", "source"):
            listed = ", ".join(("record_key", "source", *ROLES[entity]))
            raise MatchingError("E-MAT-002", role, is_usage=True, role=role, entity=entity, roles=listed)
        if column not in held:
            raise MatchingError("E-MAT-001", role, is_usage=True, column=column, columns=", ".join(held))
    compared = {role: column for role, column in roles.items() if role in ROLES[entity]}
    texts = {column: f"CAST({ident(column)} AS VARCHAR)" for column in dict.fromkeys(roles.values())}
    if not compared:
        raise MatchingError("E-MAT-003", entity, is_usage=True, detail="no column has a role")
    source = texts[roles["source"]] if "source" in roles else "''"
    if "record_key" in roles:
        key = texts[roles["record_key"]]
    else:
        # Rows are named by what they hold; equal rows are numbered, and it does not matter which is which.
        everything = ", ".join(f"coalesce(CAST({ident(column)} AS VARCHAR), chr(0))" for column in held)
        content = f"md5(concat_ws(chr(31), {everything}))"
        key = f"{content} || '-' || row_number() OVER (PARTITION BY {content})"
    values = ", ".join(f"{texts[column]} AS {ident(role)}" for role, column in compared.items())
    con.execute(
        f"CREATE TEMP TABLE source_records AS SELECT {key} AS record_key, coalesce({source}, '') AS source, {values} "
        "FROM given_records"
    )
    if "record_key" in roles:
        n, example = con.execute(
            "SELECT coalesce(sum(n), 0), min(record_key) FROM (SELECT record_key, count(*) AS n FROM source_records "
            "GROUP BY record_key HAVING n > 1 OR record_key IS NULL)"
        ).fetchall()[0]
        if n:
            raise MatchingError(
                "E-MAT-008", "record_key", column=roles["record_key"], n=int(n), example=example or "(empty)"
            )
    return compared


def usable_roles(
    con: duckdb.DuckDBPyConnection, entity: str, compared: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """(role -> column of `source_records` that can be compared, role -> why its column is left out)."""
    unused = {}
    for role in compared:
        n_distinct, n_filled = con.execute(
            f"SELECT count(DISTINCT nullif(trim({ident(role)}), '')), count(nullif(trim({ident(role)}), '')) "
            "FROM source_records"
        ).fetchall()[0]
        if not n_distinct:
            unused[role] = "empty"
        elif n_distinct == 1 and n_filled > 2:
            unused[role] = "constant"
    used = {role: role for role in compared if role not in unused}
    if not used:
        detail = ", ".join(f"{compared[role]} ({why})" for role, why in unused.items())
        raise MatchingError("E-MAT-003", entity, detail=detail)
    return used, unused


def prepare_records(
    con: duckdb.DuckDBPyConnection,
    entity: str,
    columns: set[str],
    state: State | None,
    given_names: Sequence[str] = (),
) -> None:
    """Create `prepared`: every column the models know, those that are not there as NULL; and `given_names`.

    given_names: known ones in any spelling, besides those that the records show to be known.
    """
    expressions = {column: column for column in columns}
    for column in ("phone", "mobile"):
        if column in columns:
            # The national part: the same number with and without its country prefix.
            expressions[column] = f"right({column}, 9)"
    if entity == "person" and "is_generic_email" in columns:
        expressions["email"] = "CASE WHEN NOT is_generic_email THEN email END"
    if "name_words" in columns:
        expressions["name_tokens"] = "list_distinct(string_split(name_words, ' '))"
    kept = KNOWN_COLUMNS | {"siren", "siret", "vat_number"}
    names = "SELECT NULL::VARCHAR AS given WHERE FALSE"
    if state is not None:
        names = f"SELECT given FROM {state.table('given_names')}"
    elif {"given", "family"} <= columns:
        # A given name that several families use is a name, not a misspelling of another one.
        names = (
            "SELECT given FROM standardised WHERE length(given) > 1 GROUP BY given "
            f"HAVING count(DISTINCT family) >= greatest({FAMILIES_OF_A_KNOWN_NAME}, "
            f"(SELECT count(*) FROM standardised) / {RECORDS_PER_KNOWN_NAME})"
        )
        if given_names:
            con.register("names_told", pa.table({"name": pa.array(given_names, pa.string())}))
            names += f" UNION SELECT {given_name('name')} FROM names_told"
    con.execute(f"CREATE TEMP TABLE given_names AS {names}")
    if {"given", "family"} <= columns:
        expressions["given_known"] = "coalesce(given IN (SELECT given FROM given_names), false)"
    kinds = {"name_tokens": "VARCHAR[]", "given_known": "BOOLEAN"}
    listed = []
    for column in sorted(kept):
        if column in expressions:
            listed.append(f"{expressions[column]} AS {column}")
        else:
            listed.append(f"CAST(NULL AS {kinds.get(column, 'VARCHAR')}) AS {column}")
    con.execute(
        "CREATE TEMP TABLE prepared AS SELECT CAST(node AS INTEGER) AS node, record_key, source, "
        f"{', '.join(listed)} FROM standardised ORDER BY node; DROP TABLE standardised"
    )


def filled_columns(con: duckdb.DuckDBPyConnection, columns: set[str]) -> set[str]:
    """The columns of `prepared` that hold a value somewhere."""
    known = sorted(columns & (KNOWN_COLUMNS | {"siren", "siret", "vat_number"}))
    counts = con.execute(
        f"SELECT {', '.join(f'count({column})' for column in known)} FROM prepared"
    ).fetchall()[0]
    return {column for column, count in zip(known, counts, strict=True) if count}
