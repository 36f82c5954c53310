"""Text columns -> typed canonical rows, as one generated SQL query per table; no value is read in Python.

Stages: cleaned text -> origin (source, expr, hash, lookup) -> text (map) -> prepared -> value -> row with its
issues. A value that cannot be read gives null and an issue; a required one sets the record aside.
What does NOT belong here: reading files (reading.py, json_reading.py, calendar_reading.py) and dispositions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from ingest.casting import Cast, cast_of
from ingest.column_use import column_reads, table_reads, used_names
from ingest.contract import PROVENANCE, Column, Contract
from ingest.errors import ConfigurationError
from ingest.expressions import compile_expression
from ingest.lookup_joins import LookupTable, column_join, named_alias, named_join
from ingest.lookup_model import lookup_order
from ingest.mapping import ColumnSpec, Defaults, FileSpec, Mapping, TableSpec, UnmappedDefault
from ingest.row_shapes import DELIVERED_ON, DELIVERY_ID, SHAPE, part_column, shaped
from ingest.shape_model import SHAPES
from ingest.sql import ident, literal
from ingest.strict_yaml import nearest

ITEM_SEPARATOR, PART_SEPARATOR = "\u001e", "\u001f"
# One file can fill one contract through several tables (a wide row gives several events): each table's
# records get their own range of _record_part.
PART_RANGE = 100_000
MAX_RAW = 500
BOM_TEXT = "\ufeff"

Resolver = Callable[[str], str]
PASSED_ON = ("_row", "_part", DELIVERY_ID, DELIVERED_ON)


@dataclass(frozen=True)
class Provenance:
    """Values written beside each row of one source. What differs by delivery comes with the rows."""

    source_system: str
    source_instance: str


@dataclass
class _Stages:
    """SQL of one table, stage by stage; every list holds 'sql AS alias' items."""

    cleaned: dict[str, str] = field(default_factory=dict)
    origin: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    shifted: list[str] = field(default_factory=list)
    value: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    named_joins: list[str] = field(default_factory=list)  # before joins, which may match their columns
    joined: list[str] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)  # named lookup -> its columns that are read


@dataclass(frozen=True)
class _Filled:
    """SQL names of one filled column: raw text, value, when it failed and why, flags that keep the value.

    can_fail: False where the value is the raw text. is_doubtful: SQL test of the rows that have the flag.
    """

    name: str
    raw: str
    value: str
    required: bool
    reason: str
    flag: str | None
    is_doubtful: str | None
    can_fail: bool


def cleaned_sql(column: str, spec: FileSpec, defaults: Defaults) -> str:
    """Text of an internal column: trimmed when declared, null values replaced by null."""
    text = _trimmed(column) if spec.trim else column
    nulls = sorted({"", *(spec.null_values if spec.null_values is not None else defaults.null_values)})
    if nulls == [""]:
        return f"nullif({text}, '')"
    return f"CASE WHEN {text} IN ({', '.join(literal(n) for n in nulls)}) THEN NULL ELSE {text} END"


def _trimmed(column: str) -> str:
    """SQL of trim(column). trim looks up the category of every character; ASCII text without a space at either end,
    which is nearly all text, is passed on for less than half of that.
    """
    is_bare = f"strlen({column}) = length({column}) AND {column} >= '!' AND NOT ends_with({column}, ' ')"
    return f"CASE WHEN {is_bare} THEN {column} ELSE trim({column}) END"


def declared_names(spec: FileSpec, stream_names: tuple[str, ...] = ()) -> list[str] | None:
    """Column names that the mapping itself declares for a file, or None when only the header knows them."""
    if spec.format in {"json", "jsonl"}:
        return list(spec.field_paths())
    if spec.format == "ics":
        return list(stream_names)
    if spec.format == "fixed_width":
        return list(spec.field_places())
    return spec.declared_columns


def resolver(names: dict[str, str], where: str) -> Resolver:
    """Function giving the quoted internal column of a source name. Raises ConfigurationError E-ING-109."""

    def resolve(name: str) -> str:
        if name not in names:
            close = nearest(name, names) or ", ".join(list(names)[:8])
            raise ConfigurationError("E-ING-109", where, key=name, nearest=close)
        return ident(names[name])

    return resolve


def table_query(
    relation: str, names: dict[str, str], spec: FileSpec, table: TableSpec, contract: Contract,
    mapping: Mapping,
    provenance: Provenance, lookups: dict[str, LookupTable], part_index: int = 0,
) -> str:  # fmt: skip
    """SQL of the raw rows of one table: one row per record of `relation`, set aside or not.

    relation: SQL of records_of_delivery, for one delivery or several; names: source name -> internal column.
    Raises ConfigurationError when a name or an expression of the mapping does not fit.
    """
    where = f"mapping {mapping.name}: {contract.name}"
    stages = _Stages()
    shape = shaped(
        relation, names, table, table_reads(table, where) if table.pair else set(),
        lambda c: cleaned_sql(c, spec, mapping.defaults), resolver(names, where), where,
    )  # fmt: skip
    relation, names = shape.relation, shape.names
    _check_parts(table, where)

    def used(name: str) -> str:
        pair = table.looked_up(name)
        if pair and table.lookups[pair[0]].file not in lookups:
            return "CAST(NULL AS VARCHAR)"  # the file is not required and was not delivered
        if pair:
            columns = stages.named.setdefault(pair[0], [])
            if pair[1] not in columns:
                columns.append(pair[1])
            return ident(f"j_{pair[0]}_{columns.index(pair[1])}")
        column = resolver(names, where)(name)
        stages.cleaned[column] = cleaned_sql(column, spec, mapping.defaults)
        return column

    def own(name: str) -> str:
        column, pair = used(name), table.looked_up(name)
        if pair is None:
            return f"base.{column}"
        if pair[0] not in stages.named:
            return column  # the null of a file that is not there
        return f"{named_alias(pair[0])}.v{stages.named[pair[0]].index(pair[1])}"

    filled = []
    for column in contract.columns:
        column_spec = table.columns.get(column.name)
        if column_spec is not None:
            filled.append(
                _fill(
                    column.name, column, column_spec, stages, used, own, mapping, lookups, provenance, where
                )
            )
    deleted = None
    if "is_deleted" in table.columns:
        flag = Column("is_deleted", "boolean", False, (), None, "", 4)
        deleted = _fill(
            "is_deleted",
            flag,
            table.columns["is_deleted"],
            stages,
            used,
            own,
            mapping,
            lookups,
            provenance,
            where,
        )
    has_shape = any(getattr(table, name) is not None for name in SHAPES)
    repeated = None if has_shape else _repeated_header_sql(spec, names)
    if repeated:
        stages.cleaned["_repeated"] = repeated
    set_aside = _set_aside_sql(spec, table, filled, used, where, shape.has_reasons, repeated is not None)
    _join_named(table, stages, used, own, mapping, lookups, where)
    issues = _issues_sql([*filled, deleted] if deleted else filled)
    if repeated:
        issues = f"CASE WHEN _repeated THEN NULL ELSE {issues} END"
    if shape.has_reasons:
        # The cells of a row that its shape leaves over are not used as they stand.
        issues = f"CASE WHEN {SHAPE} IS NULL THEN {issues} END"
    return _assemble(
        relation, stages, contract, table, filled, mapping, provenance,
        set_aside=set_aside, issues=issues, deleted=deleted, part_index=part_index,
        passed_on=(*PASSED_ON, SHAPE) if shape.has_reasons else PASSED_ON,
    )  # fmt: skip


def _check_parts(table: TableSpec, where: str) -> None:
    """Rows of one record must not share their key: they would count as versions of each other."""
    apart = part_column(table)
    if apart is None:
        return
    keys = [table.columns[name] for name in table.key if name in table.columns]
    reads = {name for column in keys for name in column_reads(column, where)}
    if apart not in reads and not any(column.row_number for column in keys):
        detail = f"one record gives several rows: {', '.join(table.key)} must be filled from {apart} too"
        raise ConfigurationError("E-ING-105", where, detail=detail)


def _fill(
    name: str, column: Column, spec: ColumnSpec, stages: _Stages, used: Resolver, own: Resolver,
    mapping: Mapping,
    lookups: dict[str, LookupTable], provenance: Provenance, where: str,
) -> _Filled:  # fmt: skip
    origin, lookup_reason = _origin(name, spec, stages, used, own, mapping, lookups, where)
    if spec.null_values:
        nulls = ", ".join(literal(n) for n in spec.null_values)
        origin = f"CASE WHEN {origin} IN ({nulls}) THEN NULL ELSE {origin} END"
    raw, text, value = ident(f"o_{name}"), ident(f"o_{name}"), ident(f"v_{name}")
    reason = lookup_reason
    if lookup_reason is None:
        stages.origin.append(f"CAST({origin} AS VARCHAR) AS {raw}")
    else:
        matched = " || ' ' || ".join(f"coalesce({used(c)}, '')" for c in (spec.lookup.matched.values()))  # type: ignore[union-attr]
        stages.origin.append(f"nullif(trim({matched}), '') AS {raw}")
        text = ident(f"t_{name}")
        stages.text.append(f"CAST({origin} AS VARCHAR) AS {text}")
    if spec.map is not None:
        source, text = text, ident(f"m_{name}")
        # A lookup is already a column of the text stage, so its map is the next nesting of the same stage.
        mapped = _map_sql(source if lookup_reason is None else f"CAST({origin} AS VARCHAR)", spec, column)
        stages.text.append(f"{mapped} AS {text}")
        reason = reason or "'unmapped_value'"
    cast: Cast = cast_of(name, text, column, spec, mapping.defaults)
    stages.prepared += cast.prepared
    stages.shifted += cast.shifted
    stages.value.append(f"{cast.value} AS {value}")
    if reason is None:
        reason = literal(cast.reason)
    elif lookup_reason is not None or spec.map is not None:
        reason = f"CASE WHEN {text} IS NULL THEN {reason} ELSE {literal(cast.reason)} END"
    return _Filled(
        name, raw, value, column.required or spec.required, reason, cast.flag, cast.is_doubtful,
        can_fail=cast.value != raw,
    )  # fmt: skip


def _origin(
    name: str, spec: ColumnSpec, stages: _Stages, used: Resolver, own: Resolver, mapping: Mapping,
    lookups: dict[str, LookupTable], where: str,
) -> tuple[str, str | None]:  # fmt: skip
    """SQL of the text a column starts from, and for a lookup the SQL of the reason when it finds nothing."""
    if spec.source is not None:
        return used(spec.source), None
    if spec.const is not None:
        value = spec.const
        return literal(str(value).lower() if isinstance(value, bool) else str(value)), None
    if spec.expr is not None:
        return f"({compile_expression(spec.expr, used, f'{where}.{name}')})", None
    if spec.hash is not None:
        columns = [used(n) for n in spec.hash]
        joined = ", ".join(f"coalesce({c}, '')" for c in columns)
        digest = f"substr(sha256(concat_ws(chr(31), {joined})), 1, 32)"
        empty = " AND ".join(f"{c} IS NULL" for c in columns)
        if spec.occurrence:
            same = ", ".join([DELIVERY_ID, *columns])
            order = f"row_number() OVER (PARTITION BY {same} ORDER BY _row, _part)"
            digest = f"CASE WHEN {order} > 1 THEN {digest} || '-' || {order} ELSE {digest} END"
        return f"CASE WHEN {empty} THEN NULL ELSE {digest} END", None
    if spec.row_number:
        if name == "source_record_id":
            part = "CASE WHEN _part > 0 THEN '.' || CAST(_part AS VARCHAR) ELSE '' END"
            return f"{DELIVERY_ID} || ':' || CAST(_row AS VARCHAR) || {part}", None
        return "CAST(_row AS VARCHAR)", None
    return _lookup(name, spec, stages, used, own, mapping, lookups, where)


def _lookup(
    name: str, spec: ColumnSpec, stages: _Stages, used: Resolver, own: Resolver, mapping: Mapping,
    lookups: dict[str, LookupTable], where: str,
) -> tuple[str, str]:  # fmt: skip
    lookup = spec.lookup
    assert lookup is not None  # the only origin left
    alias = f"lookup_{len(stages.joins)}"
    table = lookups[lookup.file]
    stages.joins.append(column_join(lookup, table, _cell(table, mapping, f"{where}.{name}"), own, alias))
    for column in lookup.matched.values():
        used(column)
    found, several = ident(f"lv_{name}"), ident(f"ln_{name}")
    stages.joined += [f"{alias}.v AS {found}", f"coalesce({alias}.n, 0) AS {several}"]
    reason = (
        f"CASE {several} WHEN 0 THEN 'lookup_not_found' WHEN 1 THEN 'unmapped_value' "
        f"ELSE 'lookup_ambiguous' END"
    )
    return f"CASE WHEN {several} = 1 THEN {found} END", reason


def _cell(table: LookupTable, mapping: Mapping, where: str) -> Resolver:
    """Function giving the cleaned text of a column of a looked-up file."""
    find = resolver(table.names, where)
    return lambda name: cleaned_sql(find(name), table.spec, mapping.defaults)


def _join_named(
    table: TableSpec, stages: _Stages, used: Resolver, own: Resolver, mapping: Mapping,
    lookups: dict[str, LookupTable], where: str,
) -> None:  # fmt: skip
    """Add the joins of the named lookups that are read, each after those that it matches."""
    order = lookup_order(table.lookups)
    for label in reversed(order):
        if label in stages.named:
            for name in table.lookups[label].matched.values():
                used(name)
    for label in filter(stages.named.__contains__, order):
        lookup, columns = table.lookups[label], stages.named[label]
        other = lookups[lookup.file]
        cell = _cell(other, mapping, f"{where}.lookups.{label}")
        stages.named_joins.append(named_join(label, columns, lookup, other, cell, own))
        alias = named_alias(label)
        stages.joined += [f"{alias}.v{i} AS {ident(f'j_{label}_{i}')}" for i in range(len(columns))]


def _map_sql(text: str, spec: ColumnSpec, column: Column) -> str:
    pairs = {str(k): str(v).lower() if isinstance(v, bool) else str(v) for k, v in (spec.map or {}).items()}
    for value in column.values:
        pairs.setdefault(value, value)
    missing = pairs.pop("", None)
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in pairs.items())
    if isinstance(spec.on_unmapped, UnmappedDefault):
        other = f"CASE WHEN {text} IS NOT NULL THEN {literal(spec.on_unmapped.default)} END"
    else:
        other = text if spec.on_unmapped == "keep" else "NULL"
    mapped = f"CASE {text} {cases} ELSE {other} END" if cases else other
    # The key "" stands for a missing value.
    return (
        mapped if missing is None else f"CASE WHEN {text} IS NULL THEN {literal(missing)} ELSE {mapped} END"
    )


def _repeated_header_sql(spec: FileSpec, names: dict[str, str]) -> str | None:
    """SQL of the records that are the header again, as exports put behind each other have it, or None.

    Every column holds its own name, in the spelling of the mapping or of the file; a hashed one cannot be compared.
    """
    if spec.format != "delimited" or spec.header is not True:
        return None
    spellings: dict[str, set[str]] = {}
    for written, name in spec.header_aliases.items():
        spellings.setdefault(name, set()).add(written)
    tests = []
    for name, column in names.items():
        if name and not (spec.privacy and name in spec.privacy.hash):
            texts = {name, *spellings.get(name, ())}
            if column == "c0":  # each export brings its own byte-order mark
                texts |= {BOM_TEXT + text for text in texts}
            tests.append(f"trim({ident(column)}) IN ({', '.join(literal(text) for text in sorted(texts))})")
    return " AND ".join(tests) or None


def _set_aside_sql(
    spec: FileSpec, table: TableSpec, filled: list[_Filled], used: Resolver, where: str, has_reasons: bool,
    has_header: bool,
) -> str:  # fmt: skip
    """SQL of the reason why a record is set aside,
    or null. Unknown (null) conditions never remove a record.
    """
    cases = [f"WHEN {SHAPE} IS NOT NULL THEN {SHAPE}"] if has_reasons else []
    if has_header:
        cases.append("WHEN _repeated THEN 'repeated_header'")
    if spec.drop_rows_where:
        cases.append(f"WHEN ({compile_expression(spec.drop_rows_where, used, where)}) THEN 'summary_row'")
    for code, condition in table.exclude.items():
        cases.append(f"WHEN ({compile_expression(condition, used, where)}) THEN {literal(code)}")
    if table.where:
        cases.append(f"WHEN NOT ({compile_expression(table.where, used, where)}) THEN 'kept_out_by_mapping'")
    required = [column for column in filled if column.required]
    if required:
        # One test for the usual row; which column it is matters only for the others.
        which = " ".join(
            f"WHEN {column.value} IS NULL THEN CASE WHEN {column.raw} IS NULL "
            f"THEN 'required_value_missing' ELSE 'required_value_invalid' END"
            for column in required
        )
        is_missing = " OR ".join(f"{column.value} IS NULL" for column in required)
        cases.append(f"WHEN {is_missing} THEN CASE {which} END")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _issues_sql(filled: list[_Filled]) -> str:
    """SQL of the packed issues of a row; the packing runs only on rows that have one."""
    tests, items = [], []
    for column in filled:
        # The rarer test first: the other one then runs on the rows that are left.
        failed = f"({column.value} IS NULL AND {column.raw} IS NOT NULL)"
        clean = f"left(translate({column.raw}, {literal(ITEM_SEPARATOR + PART_SEPARATOR)}, '  '), {MAX_RAW})"
        prefix = literal(column.name + PART_SEPARATOR)
        if column.can_fail:
            tests.append(failed)
            items.append(
                f"CASE WHEN {failed} THEN {prefix} || {column.reason} || {literal(PART_SEPARATOR)} || {clean} END"
            )
        if column.flag and column.is_doubtful:
            tests.append(column.is_doubtful)
            items.append(f"{prefix} || {column.flag} || {literal(PART_SEPARATOR)} || {clean}")
    if not tests:
        return "NULL"
    return f"CASE WHEN {' OR '.join(tests)} THEN concat_ws({literal(ITEM_SEPARATOR)}, {', '.join(items)}) END"


def _assemble(
    relation: str, stages: _Stages, contract: Contract, table: TableSpec, filled: list[_Filled],
    mapping: Mapping,
    provenance: Provenance, *, set_aside: str, issues: str, deleted: _Filled | None, part_index: int,
    passed_on: tuple[str, ...],
) -> str:  # fmt: skip
    cleaned = ", ".join([*passed_on, *(f"{sql} AS {column}" for column, sql in stages.cleaned.items())])
    query = f"SELECT {cleaned} FROM ({relation})"
    if joins := " ".join([*stages.named_joins, *stages.joins]):
        query = f"SELECT base.*, {', '.join(stages.joined)} FROM ({query}) base {joins}"
    for items in (stages.origin, stages.text, stages.prepared, stages.shifted, stages.value):
        if items:
            query = f"SELECT *, {', '.join(items)} FROM ({query})"
    key = table.columns.get("source_record_id")
    is_surrogate = bool(key and (key.hash is not None or key.row_number))
    values = {
        "source_system": literal(provenance.source_system),
        "source_instance": literal(provenance.source_instance),
        "_delivery_id": DELIVERY_ID,
        "_source_row_id": "_row",
        "_record_part": f"_part + {part_index * PART_RANGE}" if part_index else "_part",
        "is_surrogate_key": str(is_surrogate).lower(),
        "is_deleted": f"coalesce({deleted.value}, false)" if deleted else "false",
        "_set_aside": set_aside,
        "_issues": issues,
        "delivered_on": DELIVERED_ON,
    }
    by_name = {column.name: column for column in filled}
    selected = [f"CAST({values[name]} AS {kind}) AS {ident(name)}" for name, _, kind in PROVENANCE]
    for column in contract.columns:
        if column.name in by_name:
            value = by_name[column.name].value
        else:
            value = _unmapped(column.name, table, by_name, mapping)
        selected.append(f"CAST({value} AS {column.duckdb_type}) AS {ident(column.name)}")
    return f"SELECT {', '.join(selected)} FROM ({query})"


def _unmapped(name: str, table: TableSpec, filled: dict[str, _Filled], mapping: Mapping) -> str:
    """Value of a contract column that the table does not fill: the precision of its sibling, the currency,
    null.
    """
    sibling = name.removesuffix("_precision")
    if name.endswith("_precision") and sibling in filled:
        spec = table.columns[sibling]
        precision = spec.precision or ("day" if spec.type == "date" else "second")
        return f"CASE WHEN {filled[sibling].value} IS NOT NULL THEN {literal(precision)} END"
    if name == "currency" and mapping.defaults.currency:
        return literal(mapping.defaults.currency)
    return "NULL"


def records_of_delivery(relation: str, delivery_id: str, delivered_on: dt.date | None) -> str:
    """SQL of the records of `relation` (_row, _part, internal columns) beside the delivery they came in."""
    day = f"DATE {literal(delivered_on.isoformat())}" if delivered_on else "CAST(NULL AS DATE)"
    return f"SELECT {literal(delivery_id)} AS {DELIVERY_ID}, {day} AS {DELIVERED_ON}, * FROM ({relation})"


def check_mapping(mapping: Mapping, stream_names: Callable[[str | None], tuple[str, ...]]) -> None:
    """Compile every table of a mapping on an empty relation, so that a wrong mapping fails before any byte.

    stream_names: calendar stream -> its column names. Raises ConfigurationError.
    """
    connection = duckdb.connect()
    try:
        for file_key, spec in mapping.model.files.items():
            _check_privacy(mapping, file_key, spec)
            for contract_name, table, contract in mapping.tables_of(file_key):
                where = f"mapping {mapping.name}: tables.{contract_name}"
                names = _names_for_check(mapping, file_key, spec, stream_names(table.stream))
                lookups = {
                    key: LookupTable(
                        _empty_relation(n := _names_for_check(mapping, key, mapping.model.files[key], ())), n,
                        mapping.model.files[key],
                    )
                    for key in mapping.lookup_files(file_key)
                }  # fmt: skip
                query = table_query(
                    _empty_relation(names), names, spec, table, contract, mapping,
                    Provenance(mapping.system, "check"), lookups,
                )  # fmt: skip
                try:
                    connection.execute(query)
                except duckdb.Error as error:
                    detail = " ".join(str(error).split())[:300]
                    raise ConfigurationError("E-ING-108", where, detail=detail) from None
    finally:
        connection.close()


def _check_privacy(mapping: Mapping, file_key: str, spec: FileSpec) -> None:
    """A dropped column cannot be read, and a misspelt one would get through."""
    if spec.privacy is None:
        return
    where = f"mapping {mapping.name}: files.{file_key}.privacy"
    read = sorted(set(spec.privacy.drop) & used_names(mapping, file_key))
    if read:
        raise ConfigurationError("E-ING-105", where, detail=f"{read[0]} is dropped, but the mapping reads it")
    declared = declared_names(spec) if spec.format != "ics" else None
    for name in [*spec.privacy.drop, *spec.privacy.hash]:
        if declared is not None and name not in declared:
            close = nearest(name, declared) or ", ".join(declared[:8])
            raise ConfigurationError("E-ING-109", where, key=name, nearest=close)


def _names_for_check(
    mapping: Mapping, file_key: str, spec: FileSpec, stream: tuple[str, ...]
) -> dict[str, str]:
    declared = declared_names(spec, stream)
    names = declared if declared is not None else sorted(used_names(mapping, file_key))
    return {name: f"c{index}" for index, name in enumerate(names)}


def _empty_relation(names: dict[str, str]) -> str:
    columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in names.values())
    rows = f"SELECT CAST(1 AS BIGINT) AS _row, 0 AS _part{', ' + columns if columns else ''} WHERE false"
    return records_of_delivery(rows, "", None)
