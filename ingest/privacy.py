"""Columns that a mapping keeps away from raw: dropped, or replaced by a salted hash, before anything reads them.

The archive keeps the extract as delivered; lines that are no record keep their place and reason, not their text.
What does NOT belong here: who may read work/ (private_files.py), erasure and publication.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.reading import Records
from ingest.sql import ident
from ingest.strict_yaml import nearest

# The salt is a variable of the connection: it stands in no statement, so in no message of an error either.
_SALT = "privacy_salt"


def masked(
    connection: duckdb.DuckDBPyConnection, streams: dict[str | None, Records], spec: FileSpec, salt: str | None,
    clean: Callable[[str], str], where: str,
) -> dict[str | None, Records]:  # fmt: skip
    """`streams` without the columns and texts that privacy of the file names; the same object without privacy.

    clean: internal column -> SQL of its trimmed text. Raises RefusedFile E-ING-007 when a named column is not
    there: under another name it would get through.
    """
    privacy = spec.privacy
    if privacy is None:
        return streams
    known = {name for records in streams.values() for name in records.names}
    for name in [*privacy.drop, *privacy.hash]:
        if name not in known:
            close = nearest(name, known)
            hint = f" (nearest found: {close!r})" if close else ""
            raise RefusedFile("E-ING-007", where, detail=f"privacy names {name!r}, which is missing{hint}")
    if privacy.hash:
        connection.execute(f"SET VARIABLE {_SALT} = ?", [salt])
    for records in streams.values():
        replaced = [
            f"CAST(NULL AS VARCHAR) AS {ident(records.names[n])}" for n in privacy.drop if n in records.names
        ]
        for name in privacy.hash:
            if name in records.names:
                column = ident(records.names[name])
                salted = f"sha256(getvariable('{_SALT}') || chr(31) || {clean(column)})"
                replaced.append(f"CASE WHEN {clean(column)} IS NOT NULL THEN {salted} END AS {column}")
        if replaced:
            records.relation = f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({records.relation})"
        records.names = {n: c for n, c in records.names.items() if n not in privacy.drop}
        records.quarantine = [
            (line, reason, "", "" if spec.format == "ics" else detail)
            for line, reason, _, detail in records.quarantine
        ]
        records.repaired = [replace(line, raw_line="", repaired_line="") for line in records.repaired]
    return streams
