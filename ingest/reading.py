"""Delimited files: header check, fast reader, and the strict reader when the fast one cannot be believed.

Both readers give the same thing: a SQL relation of `_row` (physical line where the record begins), `_part`
and the text columns c0..cN, so that one conversion serves both.
What does NOT belong here: decoding (text_preparation.py), types (conversion.py), where state lies
(landing.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.mapping_model import AtLeast
from ingest.record_count import (
    BUCKET,
    RecordCount,
    breaks_by_bucket,
    count_records,
)
from ingest.sql import literal, write_parquet
from ingest.strict_reader import (
    SUSPECT_FROM_COLUMNS,
    Quarantined,
    RecordParser,
    StrictOutcome,
    read_strictly,
    write_records,
)
from ingest.strict_yaml import nearest
from ingest.text_preparation import BOM, Prepared

MAX_RECORD_BYTES = 16 << 20
HEAD_BYTES = 1 << 20
HEAD_LINES = 20
# Below this much text (bytes) a Parquet file between reading and typing costs more than idle cores.
STAGED_BYTES = 64 << 20


@dataclass(frozen=True)
class LineCounts:
    """Term B of the ledger for one file: physical = header + blank + record + quarantined + repaired."""

    physical: int
    header: int
    blank: int
    record: int
    quarantined: int
    repaired: int = 0  # quarantined lines that a person repaired: each one is a record


@dataclass(frozen=True)
class RepairedLine:
    """A quarantined line of the file that stands for the record a person wrote in its place."""

    line: int
    reason_code: str
    raw_line: str
    detail: str
    repaired_line: str
    author: str
    comment: str
    decided_on: str


@dataclass(frozen=True)
class Note:
    """Something that reading a file found and people must see, though it refuses nothing: a control result.

    status: info or warn. observed: how many. detail: names or a place, never a value.
    """

    control: str
    status: str
    observed: int
    detail: str = ""


@dataclass
class Records:
    """Records of one file as a relation, with the counts that account for every line.

    relation: SQL giving _row BIGINT, _part INTEGER and the internal columns. names: source name -> internal
    column. expected: number of records that the relation must give, counted independently of it.
    """

    relation: str
    names: dict[str, str]
    expected: int
    lines: LineCounts
    reader: str
    n_bytes_read: int
    quarantine: list[Quarantined] = field(default_factory=list)
    repaired: list[RepairedLine] = field(default_factory=list)
    temporary: list[Path] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    is_header_only: bool = False
    notes: list[Note] = field(default_factory=list)

    def close(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Remove temporary files and registered tables."""
        for path in self.temporary:
            path.unlink(missing_ok=True)
        for name in self.registered:
            connection.unregister(name)


class FastReaderDisagrees(Exception):  # noqa: N818 - a signal between two readers
    """The fast reader failed, or its counts differ from the independent ones: read strictly."""


@dataclass(frozen=True)
class Layout:
    """Where data begin and what the columns are called, after the header was checked."""

    names: tuple[str, ...]
    header_lines: int
    header_records: int
    data_offset: int
    problem: str | None = None


def read_layout(text: Path, spec: FileSpec, used: set[str], where: str) -> Layout:
    """Check the header (or the first record of a header-less file) against the declaration.

    used: column names that the mapping reads. Raises RefusedFile E-ING-006 (wrong separator or column count)
    or E-ING-007 (drifted header, naming each missing and unknown column with the nearest expected one).
    """
    with text.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    mark = len(BOM) if head.startswith(BOM) else 0
    lines = head[mark:].split(b"\n")
    offset = mark + sum(len(line) + 1 for line in lines[: spec.skip_rows])
    parser = RecordParser(spec.delimiter or ",", spec.quote, spec.escape_character)
    n_lines, body = 0, ""
    fields: list[str] | str = "unclosed_quote"
    for line in lines[spec.skip_rows : spec.skip_rows + HEAD_LINES]:
        body = (
            line.decode("utf-8", "replace") if not n_lines else body + "\n" + line.decode("utf-8", "replace")
        )
        n_lines += 1
        offset_after = offset + len(body.encode("utf-8", "surrogatepass")) + 1
        fields = parser.split(body)
        if fields != "unclosed_quote":
            break
    if isinstance(spec.header, list) and _most_fit(parser, lines, spec, len(head) == HEAD_BYTES):
        return Layout(tuple(spec.header), spec.skip_rows, spec.skip_rows, offset)
    if isinstance(fields, str):
        raise RefusedFile("E-ING-007", where, detail="a quote opens in it and never closes")
    if isinstance(spec.header, list):
        check_width(len(fields), [len(spec.header)], body, spec, where)
        return Layout(tuple(spec.header), spec.skip_rows, spec.skip_rows, offset)
    names = [spec.header_aliases.get(name.strip(), name.strip()) for name in fields]
    check_header(names, body, spec, used, where)
    return Layout(tuple(names), spec.skip_rows + n_lines, spec.skip_rows + 1, offset_after)


def _most_fit(parser: RecordParser, lines: list[bytes], spec: FileSpec, is_cut: bool) -> bool:
    """True when more than half of the first lines of a file without header have the declared number of columns: then
    the first one may be damaged and the layout is still the declared one.
    """
    first = lines[spec.skip_rows : len(lines) - is_cut][:HEAD_LINES]
    texts = [line.decode("utf-8", "replace") for line in first if line.strip()]
    widths = [len(fields) for fields in map(parser.split, texts) if isinstance(fields, list)]
    return 2 * widths.count(len(spec.header)) > len(texts)


def _expected_text(spec: FileSpec) -> str:
    expected = spec.declared_columns or spec.expected_columns or []
    if isinstance(expected, list) and expected and isinstance(expected[0], int):
        return " or ".join(str(n) for n in expected)
    return str(len(expected))


def check_width(found: int, allowed: list[int], body: str, spec: FileSpec, where: str) -> None:
    """Hold a number of columns against the allowed ones. body: the line, for a hint at its separator.

    Raises RefusedFile E-ING-006.
    """
    if found in allowed:
        return
    counts = {c: body.count(c) for c in ",;\t|" if c != spec.delimiter}
    best = max(counts, key=lambda c: counts[c])
    hint = ""
    if found == 1 and counts[best]:
        names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
        hint = f" (the line holds {counts[best]} of the separator {names[best]})"
    raise RefusedFile("E-ING-006", where, expected=_expected_text(spec), found=f"{found}{hint}")


def check_header(names: list[str], body: str, spec: FileSpec, used: set[str], where: str) -> None:
    """Hold the column names of a file, after aliases, against those declared and those used.

    body: the header line, empty where there is none. Raises RefusedFile E-ING-006, E-ING-007.
    """
    expected = spec.expected_columns or []
    if isinstance(expected, AtLeast):
        wanted, closed = expected.at_least, False
        if len(names) == 1 and len(wanted) > 1:
            check_width(len(names), [len(wanted)], body, spec, where)
    elif not expected or isinstance(expected[0], int):
        wanted, closed = sorted(used), False
        if len(names) == 1 and len(wanted) > 1 and expected:
            check_width(len(names), list(expected), body, spec, where)
    else:
        wanted, closed = [str(name) for name in expected], True
        if len(names) == 1 and len(wanted) > 1:
            check_width(len(names), [len(wanted)], body, spec, where)
    missing = [name for name in wanted if name not in names]
    known = {*wanted, *spec.optional_columns}
    unknown = [name for name in names if name not in known] if closed else []
    if missing or unknown:
        strangers = [name for name in names if name not in known]
        parts = [f"missing {m!r}" + _near(m, strangers, "found") for m in missing]
        parts += [f"unknown {u!r}" + _near(u, missing, "expected") for u in unknown]
        raise RefusedFile("E-ING-007", where, detail="; ".join(parts))
    twice = sorted({name for name in names if names.count(name) > 1 and name in used})
    if twice:
        raise RefusedFile("E-ING-007", where, detail=f"column {twice[0]!r} occurs twice")
    if isinstance(expected, list) and expected and not closed:
        check_width(len(names), list(expected), body, spec, where)


def _near(name: str, candidates: list[str], word: str) -> str:
    close = nearest(name, candidates)
    return f" (nearest {word}: {close!r})" if close else ""


def fast_records(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, spec: FileSpec, layout: Layout, scratch: Path
) -> Records:
    """The file through DuckDB's reader, all columns declared as text, nothing sniffed.

    Raises FastReaderDisagrees when the text is known beforehand to need the strict reader.
    """
    n_columns = len(layout.names)
    delimiter = spec.delimiter or ","
    if prepared.undecodable or n_columns == 1:
        raise FastReaderDisagrees
    count = count_records(prepared.path, layout.data_offset, delimiter, spec.quote)
    if count.delimiters != count.records * (n_columns - 1) or count.ends_inside_quotes:
        raise FastReaderDisagrees
    if n_columns >= SUSPECT_FROM_COLUMNS and count.most_in_continuation >= n_columns - 1:
        raise FastReaderDisagrees
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(n_columns))
    scan = (
        f"read_csv({literal(str(prepared.path))}, auto_detect=false, header=false, "
        f"skip={layout.header_records}, "
        f"delim={literal(delimiter)}, quote={literal(spec.quote or '')}, "
        f"escape={literal(spec.escape_character or '')}, columns={{{columns}}}, new_line='\\n', "
        f"null_padding=false, strict_mode=true, max_line_size={MAX_RECORD_BYTES})"
    )
    records = Records(
        relation="",
        names=positions(layout.names),
        expected=count.records,
        lines=_fast_lines(count, layout),
        reader="fast",
        n_bytes_read=prepared.n_bytes_read,
        is_header_only=count.records == 0,
    )
    number_lines(
        connection, records, scan, [f"c{i}" for i in range(n_columns)], count, prepared.path, scratch
    )
    return records


def number_lines(
    connection: duckdb.DuckDBPyConnection, records: Records, scan: str, selected: list[str],
    count: RecordCount, text: Path, scratch: Path,
) -> None:  # fmt: skip
    """Give `records` their relation: the columns of `scan` beside _row, the physical line of each record.

    A large text becomes Parquet first, where the connection has more than one core: numbering rows while text is read
    keeps all but one waiting, the rows of Parquet have their numbers. Raises FastReaderDisagrees when the Parquet has
    not the counted records.
    """
    columns = ", ".join(selected)
    record = "row_number() OVER ()"
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchall()[0]
    if threads > 1 and text.stat().st_size >= STAGED_BYTES:
        target = scratch / f"{text.name}.text.parquet"
        records.temporary.append(target)
        if write_parquet(connection, f"SELECT {columns} FROM {scan}", target) != count.records:
            raise FastReaderDisagrees
        scan, record = f"read_parquet({literal(str(target))}, file_row_number=true)", "file_row_number + 1"
        columns = ", ".join(name.rpartition(" AS ")[2] for name in selected)
    before = records.lines.header
    if not len(count.after_breaks):
        records.relation = f"SELECT {record} + {before} AS _row, 0 AS _part, {columns} FROM {scan}"
        return
    # Blank lines and newlines inside quotes: record and line numbers drift apart.
    name = "breaks_" + "".join(c if c.isalnum() else "_" for c in text.name)
    connection.register(name, breaks_by_bucket(count))
    records.registered.append(name)
    records.relation = (
        f"SELECT r._record + {before} + b.before + CASE WHEN len(b.within) = 0 THEN 0 "
        f"ELSE len(list_filter(b.within, lambda x: x <= r._record)) END AS _row, 0 AS _part, "
        f"r.* EXCLUDE (_record) FROM (SELECT {record} AS _record, {columns} FROM {scan}) r "
        f'JOIN "{name}" b ON b.bucket = r._record // {BUCKET}'
    )


def _fast_lines(count: RecordCount, layout: Layout) -> LineCounts:
    physical = count.physical_lines + layout.header_lines
    record = count.records + count.inner_newlines
    return LineCounts(physical, layout.header_lines, count.blank_lines, record, 0)


def strict_records(prepared: Prepared, spec: FileSpec, layout: Layout, scratch: Path, where: str) -> Records:
    """The file through the strict reader; lines that are no record are in `quarantine`.

    Raises RefusedFile E-ING-190, E-ING-191 for a text that is no table.
    """
    outcome = StrictOutcome()
    n_columns = len(layout.names)
    parser = RecordParser(spec.delimiter or ",", spec.quote, spec.escape_character)
    target = scratch / f"{prepared.path.name}.strict.parquet"
    tables = read_strictly(
        prepared.path, layout.data_offset, layout.header_lines + 1, n_columns, parser, prepared.undecodable,
        outcome, where,
    )  # fmt: skip
    write_records(tables, n_columns, target)
    return Records(
        relation=f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        names=positions(layout.names),
        expected=outcome.n_records,
        lines=LineCounts(
            layout.header_lines + outcome.n_physical_lines,
            layout.header_lines,
            outcome.n_blank_lines,
            outcome.n_record_lines,
            len(outcome.quarantine),
        ),
        reader="strict",
        n_bytes_read=prepared.n_bytes_read,
        quarantine=outcome.quarantine,
        temporary=[target],
        is_header_only=outcome.n_records == 0 and not outcome.quarantine,
    )


def positions(names: tuple[str, ...]) -> dict[str, str]:
    """Source column name -> internal column name, by position (the first of two equal names wins)."""
    result: dict[str, str] = {}
    for index, name in enumerate(names):
        result.setdefault(name, f"c{index}")
    return result


def with_optional(records: Records, spec: FileSpec) -> Records:
    """`records` with an empty column for each optional one that the file does not have."""
    missing = [name for name in spec.optional_columns if name not in records.names]
    if not missing:
        return records
    columns = {name: f"o{index}" for index, name in enumerate(missing)}
    empty = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in columns.values())
    return replace(
        records, relation=f"SELECT *, {empty} FROM ({records.relation})", names={**records.names, **columns}
    )
