"""Rows of a file -> rows of a table: explode, unpivot, fill_down, pair, fold, as SQL around the records.

No row disappears here. What explode and unpivot add are parts of their record (_part); what pair and fold
leave over, and the blank cells of unpivot, keep a row that carries the reason in _shape. Every window stays in
one delivery: rows of several may be converted by one query.
What does NOT belong here: types and conditions (conversion.py), the keys (shape_model.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import ConfigurationError, RefusedFile
from ingest.mapping import TableSpec
from ingest.shape_model import Explode, FillDown, Fold, Pair, Priority, Unpivot
from ingest.sql import literal

END = "end."
# Columns of every relation that is converted: one query serves one delivery or several side by side.
DELIVERY_ID, DELIVERED_ON = "_delivery", "_delivered_on"
SHAPE = "_shape"
WHOLE = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_NUMBER = "DECIMAL(38, 6)"
# What trim of DuckDB removes: the characters of Unicode category Zs.
SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

Clean = Callable[[str], str]  # internal column -> SQL of its text, trimmed, null values null
Find = Callable[[str], str]  # column of the file -> internal column; raises ConfigurationError


@dataclass(frozen=True)
class Shaped:
    """The relation after its shape. names: as before, with the new columns. has_reasons: it has _shape."""

    relation: str
    names: dict[str, str]
    has_reasons: bool = False


def source_columns(table: TableSpec, names: set[str]) -> set[str]:
    """Columns of the file behind the columns that a table reads, and those that its shape needs."""
    found = set(names)
    if table.unpivot:
        found -= {table.unpivot.name, table.unpivot.value}
        found |= set(table.unpivot.columns)
    if table.explode:
        found.add(table.explode.column)
    if table.fill_down:
        found |= {*table.fill_down.columns, *filter(None, [table.fill_down.group])}
    if table.pair:
        found = {name.removeprefix(END) for name in found}
        found |= {*table.pair.key, table.pair.event, *table.pair.order_by}
    if table.fold:
        found |= {*table.fold.key, *table.fold.take, *table.fold.order_by}
    return found


def part_column(table: TableSpec) -> str | None:
    """The column that tells the rows of one record apart, when a record gives several."""
    return table.explode.column if table.explode else table.unpivot.name if table.unpivot else None


def shaped(
    relation: str,
    names: dict[str, str],
    table: TableSpec,
    reads: set[str],
    clean: Clean,
    find: Find,
    where: str,
) -> Shaped:
    """`relation` (_row, _part, internal columns, beside their delivery) in the shape that the table declares.

    reads: names that the table reads. Raises ConfigurationError when a column is not there, or is there already.
    """
    result = Shaped(relation, dict(names))
    if table.fill_down:
        result = _filled_down(result, table.fill_down, clean, find)
    if table.explode:
        return _exploded(result, table.explode, clean, find)
    if table.unpivot:
        return _unpivoted(result, table.unpivot, clean, find, where)
    if table.pair:
        return _paired(result, table.pair, reads, clean, find)
    if table.fold:
        return _folded(result, table.fold, clean, find)
    return result


def _filled_down(before: Shaped, spec: FillDown, clean: Clean, find: Find) -> Shaped:
    columns = {find(name) for name in spec.columns}
    by_line = f"PARTITION BY {DELIVERY_ID} ORDER BY _row, _part {SO_FAR}"
    if spec.group is None:
        filled = [f"last_value({clean(c)} IGNORE NULLS) OVER ({by_line}) AS {c}" for c in sorted(columns)]
        return Shaped(f"SELECT * REPLACE ({', '.join(filled)}) FROM ({before.relation})", before.names)
    numbered = (
        f"SELECT *, count({clean(find(spec.group))}) OVER ({by_line}) AS _group FROM ({before.relation})"
    )
    head = f"OVER (PARTITION BY {DELIVERY_ID}, _group ORDER BY _row, _part)"
    filled = [
        f"CASE WHEN {clean(c)} IS NULL AND _group > 0 THEN first_value({clean(c)}) {head} ELSE {clean(c)} END AS {c}"
        for c in sorted(columns)
    ]
    return Shaped(
        f"SELECT * EXCLUDE (_group) REPLACE ({', '.join(filled)}) FROM ({numbered})",
        before.names,
    )


def _exploded(before: Shaped, spec: Explode, clean: Clean, find: Find) -> Shaped:
    column = find(spec.column)
    cell = clean(column)
    if spec.json_array:
        items = (
            f"CASE WHEN json_valid({cell}) AND json_type({cell}) = 'ARRAY' "
            f"THEN json_extract_string({cell}, '$[*]') ELSE [{cell}] END"
        )
    else:
        items = (
            f"[trim(item) FOR item IN string_split({cell}, {literal(spec.separator)}) IF trim(item) <> '']"
        )
    listed = f"SELECT *, {items} AS _found FROM ({before.relation})"
    # A cell without an item keeps its record.
    never_empty = f"SELECT *, CASE WHEN len(_found) > 0 THEN _found ELSE [NULL] END AS _items FROM ({listed})"
    query = (
        f"SELECT * EXCLUDE (_found, _items) REPLACE (CAST(unnest(_items) AS VARCHAR) AS {column}, "
        f"unnest(range(len(_items))) AS _part) FROM ({never_empty})"
    )
    return Shaped(query, before.names)


def exploded_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, clean: Clean, spec: Explode, limit: int,
    where: str,
) -> int:  # fmt: skip
    """Rows that `relation` explodes into, counted by another engine than the one that explodes them.

    Raises RefusedFile E-ING-034 when one cell holds more than `limit` items.
    """
    if spec.json_array:
        cell = clean(column)
        length = (
            f"CASE WHEN json_valid({cell}) AND json_type({cell}) = 'ARRAY' THEN json_array_length({cell}) END"
        )
        [(total, most)] = connection.execute(
            f"SELECT coalesce(sum(greatest(1, n)), 0), coalesce(max(n), 0) "
            f"FROM (SELECT coalesce({length}, 1) AS n FROM ({relation}))"
        ).fetchall()
    else:
        total = most = 0
        for batch in connection.sql(f"SELECT {clean(column)} AS cell FROM ({relation})").to_arrow_reader(
            50_000
        ):
            pieces = pc.split_pattern(batch.column(0).cast(pa.string()), spec.separator)
            parents = pc.list_parent_indices(pieces)
            filled = parents.filter(pc.not_equal(pc.utf8_trim(pc.list_flatten(pieces), SPACES), ""))
            counts = pc.value_counts(filled).field("counts")
            total += batch.num_rows - len(counts) + (pc.sum(counts).as_py() or 0)
            most = max(most, pc.max(counts).as_py() or 0)
    if most > limit:
        raise RefusedFile("E-ING-034", where, column=spec.column, found=most, limit=limit)
    return int(total)


def _unpivoted(before: Shaped, spec: Unpivot, clean: Clean, find: Find, where: str) -> Shaped:
    for new in (spec.name, spec.value):
        if new in before.names:
            raise ConfigurationError(
                "E-ING-105", where, detail=f"unpivot makes {new}, which the file has already"
            )
    labels = ", ".join(f"({i}, {literal(label)})" for i, label in enumerate(spec.columns.values()))
    values = " ".join(f"WHEN {i} THEN {clean(find(name))}" for i, name in enumerate(spec.columns))
    spread = (
        f"SELECT r.* REPLACE (label._at AS _part), label._label AS u_name, CASE label._at {values} END AS u_value "
        f"FROM ({before.relation}) r CROSS JOIN (VALUES {labels}) label(_at, _label)"
    )
    query = f"SELECT *, CASE WHEN u_value IS NULL THEN 'blank_cell' END AS {SHAPE} FROM ({spread})"
    return Shaped(query, {**before.names, spec.name: "u_name", spec.value: "u_value"}, True)


def _partition(key: list[str], clean: Clean, find: Find) -> str:
    """Rows of one key of one delivery; a row without a whole key is alone."""
    columns = [clean(find(name)) for name in key]
    alone = " OR ".join(f"{c} IS NULL" for c in columns)
    return ", ".join([DELIVERY_ID, *columns, f"CASE WHEN {alone} THEN _row END"])


def _order(columns: list[str], clean: Clean, find: Find) -> str:
    return ", ".join([*(f"{clean(find(name))} NULLS LAST" for name in columns), "_row", "_part"])


def _paired(before: Shaped, spec: Pair, reads: set[str], clean: Clean, find: Find) -> Shaped:
    event = clean(find(spec.event))
    kinds = ", ".join(map(literal, spec.start)), ", ".join(map(literal, spec.end))
    marked = (
        f"SELECT *, CASE WHEN {event} IN ({kinds[0]}) THEN 'start' WHEN {event} IN ({kinds[1]}) THEN 'end' END "
        f"AS _event FROM ({before.relation})"
    )
    window = (
        f"OVER (PARTITION BY _event IS NULL, {_partition(spec.key, clean, find)} "
        f"ORDER BY {_order(spec.order_by, clean, find)})"
    )
    wanted = sorted(name.removeprefix(END) for name in reads if name.startswith(END))
    ends = [f"lead({clean(find(name))}) {window} AS e{i}" for i, name in enumerate(wanted)]
    around = [f"lag(_event) {window} AS _before", f"lead(_event) {window} AS _after"]
    looked = f"SELECT *, {', '.join([*around, *ends])} FROM ({marked})"
    own = [f"CASE WHEN _event = 'start' AND _after = 'end' THEN e{i} END AS e{i}" for i in range(len(wanted))]
    replaced = f" REPLACE ({', '.join(own)})" if own else ""
    query = (
        f"SELECT * EXCLUDE (_event, _before, _after){replaced}, CASE WHEN _event IS NULL THEN 'other_event' "
        f"WHEN _event = 'start' THEN NULL WHEN _before = 'start' THEN 'joined_to_start' "
        f"ELSE 'end_without_start' END AS {SHAPE} FROM ({looked})"
    )
    return Shaped(query, {**before.names, **{END + name: f"e{i}" for i, name in enumerate(wanted)}}, True)


def _folded(before: Shaped, spec: Fold, clean: Clean, find: Find) -> Shaped:
    group = f"PARTITION BY {_partition(spec.key, clean, find)}"
    order = _order(spec.order_by, clean, find)
    ranked = f"SELECT *, row_number() OVER ({group} ORDER BY {order}) AS _rank"
    taken = []
    for i, (name, how) in enumerate(spec.take.items()):
        taken.append(f"{_taken(clean(find(name)), how, group, order)} AS f{i}")
    inner = f"{', '.join([ranked, *taken])} FROM ({before.relation})"
    own = [
        f"CASE WHEN _rank = 1 THEN f{i} ELSE {find(name)} END AS {find(name)}"
        for i, name in enumerate(spec.take)
    ]
    extra = ", ".join(["_rank", *(f"f{i}" for i in range(len(spec.take)))])
    replaced = f" REPLACE ({', '.join(own)})" if own else ""
    query = (
        f"SELECT * EXCLUDE ({extra}){replaced}, CASE WHEN _rank > 1 THEN 'folded_into_first' END AS {SHAPE} "
        f"FROM ({inner})"
    )
    return Shaped(query, before.names, True)


def _taken(cell: str, how: str | Priority, group: str, order: str) -> str:
    """SQL of the value of a group. A sum, min or max of something that is no number says so, and the cast of the
    column journals it.
    """
    first = f"first_value({cell} IGNORE NULLS) OVER ({group} ORDER BY {order} {WHOLE})"
    if isinstance(how, Priority):
        tests = [
            f"WHEN bool_or({cell} = {literal(v)}) OVER ({group}) THEN {literal(v)}" for v in how.priority
        ]
        return f"CASE {' '.join(tests)} ELSE {first} END"
    if how in {"first", "last"}:
        return first if how == "first" else first.replace("first_value", "last_value", 1)
    if how == "count":
        return f"CAST(count({cell}) OVER ({group}) AS VARCHAR)"
    number = f"try_cast({cell} AS {_NUMBER})"
    bad = f"min(CASE WHEN {number} IS NULL THEN {cell} END) OVER ({group})"
    result = f"{how}({number}) OVER ({group})"
    plain = f"regexp_replace(CAST({result} AS VARCHAR), '\\.?0+$', '')"
    text = (
        f"CASE WHEN contains(CAST({result} AS VARCHAR), '.') THEN {plain} ELSE CAST({result} AS VARCHAR) END"
    )
    return f"CASE WHEN {bad} IS NOT NULL THEN 'no number: ' || {bad} ELSE {text} END"
