"""JSON lines and JSON arrays -> records of declared fields. A line that is no object goes to quarantine.

What does NOT belong here: types (conversion.py) and decoding (text_preparation.py).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import ConfigurationError, RefusedFile
from ingest.mapping import FileSpec
from ingest.reading import MAX_RECORD_BYTES, FastReaderDisagrees, LineCounts, Records, number_lines, positions
from ingest.record_count import WINDOW, RecordCount, count_records
from ingest.sql import ident, literal
from ingest.strict_reader import (
    BATCH,
    RAW_LINE_LIMIT,
    Quarantined,
    check_quarantine,
    records_schema,
    text_blocks,
)
from ingest.text_preparation import Prepared

MAX_ARRAY_BYTES = 256 << 20
NEWLINE, BRACE = 10, 123
_STEP = re.compile(r'"((?:[^"\\]|\\.)*)"|\[(\d+)\]|([^.\[\]"]+)')


def path_steps(path: str, where: str) -> list[str | int]:
    """Keys and positions of a JSON path: `$.user.email`, `user.email`, `category[0]`, `$."smtp-id"`.

    Raises ConfigurationError E-ING-105 when it is none of these.
    """
    text = path.removeprefix("$").removeprefix(".")
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        if text[position] == "." and steps:
            position += 1
        found = _STEP.match(text, position)
        if not found:
            raise ConfigurationError("E-ING-105", where, detail=f"{path!r} is no JSON path")
        quoted, index, plain = found.groups()
        steps.append(int(index) if index is not None else (quoted if quoted is not None else plain))
        position = found.end()
    if not steps or isinstance(steps[0], int):
        raise ConfigurationError("E-ING-105", where, detail=f"{path!r} names no key")
    return steps


def _sql_path(steps: list[str | int]) -> str:
    """Steps as the JSON path of DuckDB."""
    return "$" + "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in steps)


def fast_json_lines(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, spec: FileSpec, scratch: Path, where: str
) -> Records:
    """The file through DuckDB's JSON reader with declared keys; FastReaderDisagrees when it cannot be
    believed.

    Believed when every non-blank line begins with '{': then each line is one object or the reader raises.
    """
    paths = {name: path_steps(path, where) for name, path in spec.field_paths().items()}
    keys = {str(steps[0]) for steps in paths.values()}
    lines, blank, objects = count_objects(prepared.path)
    if prepared.undecodable or lines - blank != objects or len({k.lower() for k in keys}) != len(keys):
        raise FastReaderDisagrees
    whole = {key for key in keys if all(len(s) == 1 for s in paths.values() if s[0] == key)}
    declared = ", ".join(f"{literal(key)}: '{'VARCHAR' if key in whole else 'JSON'}'" for key in sorted(keys))
    selected = []
    for index, steps in enumerate(paths.values()):
        key = ident(str(steps[0]))
        if steps[0] in whole:
            selected.append(f"{key} AS c{index}")
        else:
            selected.append(f"json_extract_string({key}, {literal(_sql_path(steps[1:]))}) AS c{index}")
    scan = (
        f"read_json({literal(str(prepared.path))}, format='newline_delimited', auto_detect=false, "
        f"maximum_object_size={MAX_RECORD_BYTES}, columns={{{declared}}})"
    )
    # Without blank lines record and line numbers are the same: no second pass over the text.
    count = (
        count_records(prepared.path, 0, ",", None) if blank else RecordCount(objects, lines, 0, 0, 0, True)
    )
    records = Records(
        "", positions(tuple(paths)), objects, LineCounts(lines, 0, blank, objects, 0), "fast",
        prepared.n_bytes_read, is_header_only=objects == 0,
    )  # fmt: skip
    number_lines(connection, records, scan, selected, count, prepared.path, scratch)
    return records


def count_objects(path: Path) -> tuple[int, int, int]:
    """(physical lines, blank lines, lines that begin with '{') of a text with LF ends, by bytes."""
    newlines = blank = objects = total = 0
    starts_line = True
    with path.open("rb") as stream:
        while chunk := stream.read(WINDOW):
            view = np.frombuffer(chunk, dtype=np.uint8)
            ends = np.flatnonzero(view == NEWLINE)
            first = view[ends[:-1] + 1 if len(ends) and ends[-1] == len(view) - 1 else ends + 1]
            newlines += len(ends)
            objects += int(np.count_nonzero(first == BRACE)) + int(starts_line and view[0] == BRACE)
            blank += int(np.count_nonzero(first == NEWLINE)) + int(starts_line and view[0] == NEWLINE)
            total += len(view)
            starts_line = bool(view[-1] == NEWLINE)
    return newlines + (0 if starts_line or not total else 1), blank, objects


def strict_json_lines(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, spec: FileSpec, scratch: Path, where: str
) -> Records:
    """Line by line: each line is one JSON object, blank, or quarantined with its text.

    DuckDB judges and reads the lines, as in the fast reader; Python has the last word on those it refuses. A block
    of the text is held at a time. Raises RefusedFile E-ING-190, E-ING-191 for a text that is no table.
    """
    paths = {name: path_steps(path, where) for name, path in spec.field_paths().items()}
    schema = records_schema(len(paths))
    target = scratch / f"{prepared.path.name}.json.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    quarantine: list[Quarantined] = []
    n_lines = n_blank = n_objects = 0
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for block, _ in text_blocks(prepared.path, 0, where):
            lines = block.decode("utf-8").split("\n")[:-1]
            table, blank = _objects_of_lines(connection, lines, n_lines + 1, paths, prepared, quarantine)
            writer.write_table(table)
            n_lines, n_blank, n_objects = n_lines + len(lines), n_blank + blank, n_objects + table.num_rows
            check_quarantine(quarantine, where)
    return Records(
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        positions(tuple(paths)), n_objects, LineCounts(n_lines, 0, n_blank, n_objects, len(quarantine)), "strict",
        prepared.n_bytes_read, quarantine=quarantine, temporary=[target],
        is_header_only=not n_objects and not quarantine,
    )  # fmt: skip


def _objects_of_lines(
    connection: duckdb.DuckDBPyConnection, lines: list[str], first: int, paths: dict[str, list[str | int]],
    prepared: Prepared, quarantine: list[Quarantined],
) -> tuple[pa.Table, int]:  # fmt: skip
    """(table of _row and the fields of the objects, number of blank lines) of lines numbered from `first`.

    Lines that are no object are added to `quarantine`.
    """
    set_aside: list[Quarantined] = []
    numbers, texts = [], []
    for number, line in enumerate(lines, start=first):
        if number in prepared.undecodable:
            set_aside.append(
                (number, "undecodable_bytes", line[:RAW_LINE_LIMIT], prepared.undecodable[number])
            )
        elif line and not line.isspace():
            numbers.append(number)
            texts.append(line.removeprefix("\ufeff"))
    n_blank = len(lines) - len(numbers) - len(set_aside)
    found = pa.table({"_row": pa.array(numbers, pa.int64()), "line": pa.array(texts, pa.string())})
    name = "lines_" + "".join(c if c.isalnum() else "_" for c in prepared.path.name)
    connection.register(name, found)
    try:
        doubtful = connection.execute(
            f"SELECT _row FROM {ident(name)} WHERE NOT coalesce("
            "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END, false) ORDER BY _row"
        ).fetchall()
        refused = {number for (number,) in doubtful}
        objects: list[tuple[int, dict]] = []
        for number in sorted(refused):
            line = lines[number - first]
            read = _object_of(line.removeprefix("\ufeff"))
            if isinstance(read, str):
                set_aside.append((number, "not_a_json_object", line[:RAW_LINE_LIMIT], read))
            else:
                objects.append((number, read))
        if refused:
            connection.unregister(name)
            doubt = pa.array(refused, pa.int64())
            connection.register(name, found.filter(pc.invert(pc.is_in(found["_row"], value_set=doubt))))
        wanted = ", ".join(literal(_sql_path(steps)) for steps in paths.values())
        columns = ", ".join(f"fields[{i + 1}] AS c{i}" for i in range(len(paths)))
        read_by_set = connection.sql(
            f"SELECT _row, {columns} FROM (SELECT _row, json_extract_string(line, [{wanted}]) AS fields "
            f"FROM {ident(name)})"
        ).to_arrow_table()
    finally:
        connection.unregister(name)
    quarantine.extend(sorted(set_aside))
    by_set = read_by_set.cast(records_schema(len(paths)))
    if not objects:
        return by_set, n_blank
    return pa.concat_tables([by_set, _table_of(objects, list(paths.values()))]).sort_by("_row"), n_blank


def is_whole_line(line: bytes) -> bool:
    """Whether a last line of JSON lines is blank or a whole object: of one that was cut, the closing brace is gone."""
    try:
        return not line.strip() or isinstance(json.loads(line.decode("utf-8").removeprefix("\ufeff")), dict)
    except (ValueError, RecursionError):
        return False


def _object_of(line: str) -> dict | str:
    try:
        found = json.loads(line)
    except ValueError as error:
        return str(error)
    return found if isinstance(found, dict) and _is_text(found) else _why_no_object(found)


def _is_text(element: object) -> bool:
    """False for an element that holds half a surrogate pair: JSON can write it, no text can hold it."""
    try:
        json.dumps(element, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _why_no_object(element: object) -> str:
    return (
        "half a surrogate pair"
        if isinstance(element, dict)
        else f"a JSON {type(element).__name__}, no object"
    )


def json_array(prepared: Prepared, spec: FileSpec, scratch: Path, where: str) -> Records:
    """A JSON array of objects (or one object). A 'line' of the ledger is one element of the array.

    Raises RefusedFile E-ING-012 above 256 MB, E-ING-013 when the text is no JSON array.
    """
    size = prepared.path.stat().st_size
    if size > MAX_ARRAY_BYTES:
        raise RefusedFile("E-ING-012", where, size=size >> 20, limit=MAX_ARRAY_BYTES >> 20)
    try:
        content = json.loads(prepared.path.read_bytes().decode("utf-8").removeprefix("\ufeff"))
    except ValueError as error:
        raise RefusedFile("E-ING-013", where, format="JSON", detail=error) from None
    elements = content if isinstance(content, list) else [content]
    objects, quarantine = [], []
    for ordinal, element in enumerate(elements, start=1):
        if isinstance(element, dict) and _is_text(element):
            objects.append((ordinal, element))
        else:
            text = json.dumps(element, ensure_ascii=not _is_text(element))[:RAW_LINE_LIMIT]
            quarantine.append((ordinal, "not_a_json_object", text, _why_no_object(element)))
    counts = LineCounts(len(elements), 0, 0, len(objects), len(quarantine))
    return _from_objects(objects, spec, prepared, scratch, counts, quarantine, where)


def _from_objects(
    objects: list[tuple[int, dict]], spec: FileSpec, prepared: Prepared, scratch: Path, counts: LineCounts,
    quarantine: list[Quarantined], where: str,
) -> Records:  # fmt: skip
    paths = {name: path_steps(path, where) for name, path in spec.field_paths().items()}
    target = scratch / f"{prepared.path.name}.json.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, records_schema(len(paths)), compression="lz4") as writer:
        for start in range(0, len(objects), BATCH):
            writer.write_table(_table_of(objects[start : start + BATCH], list(paths.values())))
    return Records(
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        positions(tuple(paths)), len(objects), counts, "strict", prepared.n_bytes_read,
        quarantine=quarantine, temporary=[target], is_header_only=not objects and not quarantine,
    )  # fmt: skip


def _table_of(objects: list[tuple[int, dict]], paths: list[list[str | int]]) -> pa.Table:
    """Table of _row and the text at each path, from (number, object)."""
    arrays = [pa.array([number for number, _ in objects], pa.int64())]
    for steps in paths:
        arrays.append(pa.array([_text(_at(item, steps)) for _, item in objects], pa.string()))
    return pa.Table.from_arrays(arrays, schema=records_schema(len(paths)))


def json_cells(line: str, spec: FileSpec, where: str) -> list[str | None] | str:
    """Texts of the declared fields of one JSON object, or why `line` is none. Raises RefusedFile like reading."""
    found = _object_of(line)
    if isinstance(found, str):
        return found
    return [_text(_at(found, path_steps(path, where))) for path in spec.field_paths().values()]


def _at(item: object, steps: list[str | int]) -> object:
    for step in steps:
        if isinstance(step, int):
            item = item[step] if isinstance(item, list) and step < len(item) else None
        else:
            item = item.get(step) if isinstance(item, dict) else None
    return item


def _text(value: object) -> str | None:
    """A JSON value as the text that DuckDB's reader gives: strings as they are, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
