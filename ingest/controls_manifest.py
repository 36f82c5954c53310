"""Control totals that come beside a file: what a manifest may say, and holding it against the text of the file.

Totals are taken over the cells of the file as they stand, read in the notation of their column and before any zone
is applied: a vendor announces what it wrote, not what it becomes.
What does NOT belong here: other controls while a file lands (controls.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from ingest.casting import cast_of, instants_sql
from ingest.contract import Column
from ingest.controls import control_result
from ingest.discovery import MANIFEST_SUFFIX
from ingest.errors import RefusedFile
from ingest.mapping import ColumnSpec, FileSpec
from ingest.mapping import Mapping as MappingFile
from ingest.reading import Records
from ingest.sql import ident, literal

MANIFEST_KEYS = {"rows", "sums", "min", "max"}
_NUMBERS, _TIMES = {"integer", "decimal"}, {"date", "timestamp"}
# Formats of which the mapping reads fields, not a table: a name that it does not read may still be in the file.
_OPEN_FORMATS = {"json", "jsonl", "ics"}
# A shorter text is the beginning of too many times to prove one.
_SHORTEST_DAY = 8


class _Total(Column):
    """A decimal column wide enough for any amount, whatever the contract rounds to."""

    @property
    def duckdb_type(self) -> str:
        return "DECIMAL(38,10)"


_TOTAL = _Total("total", "decimal", False, (), None, "", 10)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Content of <file>.manifest.json beside an extract, None when there is none, {'error': why} when unusable.

    Numbers with decimals are kept as the text that stands there.
    """
    manifest = path.with_name(path.name + MANIFEST_SUFFIX)
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"), parse_float=str, parse_constant=_no_number)
    except FileNotFoundError:
        return None
    except (ValueError, OSError, RecursionError) as error:
        return {"error": str(error)}
    problem = _problem(content)
    return {"error": problem} if problem else content


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _problem(content: Any) -> str | None:
    """Why a manifest cannot be used, None for one that can."""
    if not isinstance(content, dict) or not content or set(content) - MANIFEST_KEYS:
        return f"it holds one or more of the keys {', '.join(sorted(MANIFEST_KEYS))}, and no other"
    if "rows" in content:
        rows = content["rows"]
        if isinstance(rows, bool) or not re.fullmatch("[0-9]+", str(rows)):
            return f"rows is a whole number from 0 on, not {rows!r}"
    for measure in ("sums", "min", "max"):
        if measure not in content:
            continue
        values = content[measure]
        if not isinstance(values, dict) or not values:
            return f"{measure} holds one or more columns of the file, each with its value"
        for column, value in values.items():
            if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
                return f"{measure} {column} is a number or a text"
            if measure == "sums" and _decimal(str(value)) is None:
                return f"{measure} {column} is a number such as 4510.20, not {value!r}"
    return None


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def merged_manifest(manifests: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The control totals announced for one content, whatever the path and order they came in.

    manifests: path -> content. One unusable manifest, or two that announce different values, make
    {'error': why}.
    """
    merged: dict[str, Any] = {}
    origin: dict[tuple[str, str], str] = {}
    for path, content in sorted(manifests.items()):
        if "error" in content:
            return {"error": f"{path}: {content['error']}"}
        for measure, announced in content.items():
            values = announced if isinstance(announced, dict) else {"": announced}
            for column, value in values.items():
                first = origin.setdefault((measure, column), path)
                target = merged.setdefault(measure, {}) if column else merged
                if target.setdefault(column or measure, value) != value:
                    return {"error": f"{first} and {path} announce different {measure} {column}".rstrip()}
    return merged if manifests else None


@dataclass(frozen=True)
class ManifestCheck:
    """What holding a manifest against one file needs.

    streams: its records, still open. clean: internal column -> SQL of its trimmed text. n_records: records of the
    file. where: place named in messages.
    """

    connection: duckdb.DuckDBPyConnection
    mapping: MappingFile
    file_key: str
    streams: Mapping[str | None, Records]
    clean: Callable[[str], str]
    n_records: int
    where: str

    @property
    def spec(self) -> FileSpec:
        """Entry of the mapping that declares the file."""
        return self.mapping.model.files[self.file_key]

    def run(self, manifest: dict[str, Any] | None) -> list[dict[str, str]]:
        """Compare the announced totals with the cells of the file.

        rows: its records; sums, min, max: column of the file -> value. A column that fills no number, date or
        timestamp is not assessed. Raises RefusedFile: E-ING-009 on a difference, E-ING-017 for a manifest that
        cannot be used or names a column which the file does not have.
        """
        if manifest is None:
            return []
        # A record of an older delivery may hold what read_manifest no longer lets through.
        problem = manifest.get("error") or _problem(manifest)
        if problem:
            raise RefusedFile("E-ING-017", self.where, detail=problem)
        results = []
        if "rows" in manifest:
            is_same = int(manifest["rows"]) == self.n_records
            results.append(self._result("rows", str(manifest["rows"]), str(self.n_records), is_same))
        for measure in ("sums", "min", "max"):
            for name, announced in manifest.get(measure, {}).items():
                results.append(self._column(measure, name, str(announced).strip()))
        return results

    def _column(self, measure: str, announced_name: str, announced: str) -> dict[str, str]:
        control, spec = f"{measure} {announced_name}", self.spec
        name = spec.header_aliases.get(announced_name, announced_name)
        records = next((r for r in self.streams.values() if name in r.names), None)
        dropped = spec.privacy is not None and name in {*spec.privacy.drop, *spec.privacy.hash}
        if records is None and not dropped and spec.format not in _OPEN_FORMATS:
            detail = f"{measure} names the column {announced_name}, which the file does not have"
            raise RefusedFile("E-ING-017", self.where, detail=detail)
        found = self._filled_by(name, _NUMBERS if measure == "sums" else _NUMBERS | _TIMES)
        if records is None or found is None or dropped:
            return control_result(control, "not_assessed", announced, "", "fills no column")
        column, kind = found
        cell = self.clean(ident(records.names[name]))
        if column.null_values:
            nulls = ", ".join(literal(text) for text in column.null_values)
            cell = f"CASE WHEN {cell} NOT IN ({nulls}) THEN {cell} END"
        cells = f"SELECT {cell} AS t FROM ({records.relation})"
        if kind in _NUMBERS:
            return self._number(control, measure, announced, cells, column)
        return self._time(control, measure, announced, cells, column, kind)

    def _filled_by(self, name: str, types: set[str]) -> tuple[ColumnSpec, str] | None:
        """How the first contract column of such a type that a column of the file fills is read, and its type."""
        for _, table, contract in self.mapping.tables_of(self.file_key):
            for filled, column in table.columns.items():
                if column.source == name and filled != "is_deleted":
                    kind = contract.column(filled).type
                    if kind in types:
                        return column, kind
        return None

    def _number(
        self, control: str, measure: str, announced: str, cells: str, column: ColumnSpec
    ) -> dict[str, str]:
        plain = column.model_copy(update={"type": None})
        cast = cast_of("total", "t", _TOTAL, plain, self.mapping.defaults)

        def read(texts: str) -> str:
            prepared = f"SELECT {', '.join(['t', *cast.prepared])} FROM ({texts})"
            return f"SELECT {cast.value} AS v FROM ({prepared})"

        function = "sum" if measure == "sums" else measure
        observed = self._value(f"SELECT {function}(v) FROM ({read(cells)})")
        # The notation of the file, or the plain one.
        written = self._value(read(f"SELECT CAST({literal(announced)} AS VARCHAR) AS t"))
        is_same = observed is not None and observed in (_decimal(announced), written)
        return self._result(
            control, announced, "" if observed is None else f"{observed.normalize():f}", is_same
        )

    def _time(
        self, control: str, measure: str, announced: str, cells: str, column: ColumnSpec, kind: str
    ) -> dict[str, str]:
        read = instants_sql("t", column, column.type or kind)
        place = f"arg_{measure}"
        query = (
            f"SELECT {place}(t, v), CAST({measure}(v) AS VARCHAR) FROM (SELECT t, {read} AS v FROM ({cells}))"
        )
        text, moment = self.connection.execute(query).fetchall()[0]
        if text is None:
            return self._result(control, announced, "", False)
        other = instants_sql("t", ColumnSpec(source="t", formats=["iso"]), kind)
        ((own, iso),) = self.connection.execute(
            f"SELECT CAST({read} AS VARCHAR), CAST({other} AS VARCHAR) "
            f"FROM (SELECT CAST({literal(announced)} AS VARCHAR) AS t)"
        ).fetchall()
        is_same = (
            announced == text
            or own == moment
            or (iso == moment and not _is_day(announced))
            or _begins(text, announced)
            or _begins(moment, announced.replace("T", " ").rstrip("Z"))
        )
        return self._result(control, announced, text, is_same)

    def _value(self, query: str) -> Decimal | None:
        """One number; None for none, and for a total beyond what a decimal holds."""
        try:
            ((value,),) = self.connection.execute(query).fetchall()
        except (duckdb.OutOfRangeException, duckdb.ConversionException):
            return None
        return None if value is None else Decimal(str(value))

    def _result(self, control: str, announced: str, observed: str, is_same: bool) -> dict[str, str]:
        if not is_same:
            raise RefusedFile(
                "E-ING-009", self.where, control=control, expected=announced, observed=observed or "none"
            )
        return control_result(control, "pass", announced, observed, "")


def _begins(text: str, beginning: str) -> bool:
    """True when `beginning` is `text` up to a whole part of it: a day of a timestamp, a time without seconds."""
    is_whole = not text[len(beginning) :][:1].isdigit()
    return len(beginning) >= _SHORTEST_DAY and text.startswith(beginning) and is_whole


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text) is not None
