"""Controls while one file lands: final newline, lines that are no record, manifest totals, unmapped values.

A control either refuses the file or leaves a result (pass, warn, not_assessed); none of them changes a row.
What does NOT belong here: controls over what has landed (controls_run.py), rules on the meaning of the data
(expectations/).
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from ingest.contract import load_contract
from ingest.controls_result import ControlResult, sentences
from ingest.conversion import ITEM_SEPARATOR, PART_SEPARATOR
from ingest.deliveries import Delivery
from ingest.discovery import MANIFEST_SUFFIX
from ingest.errors import RefusedFile
from ingest.mapping import FileSpec, Mapping
from ingest.sql import ident, literal
from ingest.strict_reader import Quarantined

MANIFEST_KEYS = {"rows", "sums", "min", "max"}


def check_final_newline(text: Path, spec: FileSpec, where: str) -> None:
    """Refuse a text without a newline at its end, unless the mapping says that this vendor writes none."""
    if not spec.needs_final_newline:
        return
    with text.open("rb") as stream:
        stream.seek(0, 2)
        size = stream.tell()
        if size == 0:
            raise RefusedFile("E-ING-002", where)
        stream.seek(size - 1)
        if stream.read(1) == b"\n":
            return
    with text.open("rb") as stream:
        line = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b"")) + 1
    raise RefusedFile("E-ING-003", where, line=line)


def check_bad_lines(quarantine: list[Quarantined], spec: FileSpec, where: str) -> None:
    """Refuse a file with lines that are no record when the mapping says so."""
    if quarantine and spec.on_bad_line == "refuse":
        line, reason, _, detail = quarantine[0]
        raise RefusedFile("E-ING-008", where, count=len(quarantine), line=line, detail=detail or reason)


def check_unmapped_values(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    file_key: str,
    written: dict[str, Path],
    where: str,
) -> None:
    """Refuse a file with unmapped values in a column whose mapping says on_unmapped: refuse."""
    for contract_name, table, _ in mapping.tables_of(file_key):
        for name, column in table.columns.items():
            if column.on_unmapped != "refuse":
                continue
            prefix = f"{name}{PART_SEPARATOR}unmapped_value{PART_SEPARATOR}"
            found = connection.execute(
                f"SELECT count(*), min(item) FROM (SELECT unnest(string_split(_issues, "
                f"{literal(ITEM_SEPARATOR)})) "
                f"AS item FROM read_parquet({literal(str(written[contract_name]))}) WHERE _issues IS NOT "
                f"NULL) "
                f"WHERE starts_with(item, {literal(prefix)})"
            ).fetchone()
            if found and found[0]:
                example = found[1].removeprefix(prefix)
                raise RefusedFile("E-ING-010", where, column=name, count=found[0], example=repr(example))


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Content of <file>.manifest.json beside an extract, None when there is none, {'error': why} when
    unusable.
    """
    manifest = path.with_name(path.name + MANIFEST_SUFFIX)
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        return {"error": str(error)}
    except RecursionError:
        return {"error": "nested too deeply"}
    if not isinstance(content, dict) or set(content) - MANIFEST_KEYS:
        return {"error": f"its keys must be among {', '.join(sorted(MANIFEST_KEYS))}"}
    return content


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


def check_manifest(
    connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any] | None, mapping: Mapping, file_key: str,
    written: dict[str, Path], n_records: int, where: str,
) -> list[dict[str, str]]:  # fmt: skip
    """Compare the control totals that came with a file with the rows read.

    rows: records of the file; sums, min, max: source column -> value, compared on the contract column that it
    fills. A column that fills none is not assessed. Raises RefusedFile E-ING-009 on a difference.
    """
    if manifest is None:
        return []
    if "error" in manifest:
        raise RefusedFile("E-ING-017", where, detail=manifest["error"])
    results = []
    if "rows" in manifest:
        results.append(_compare("rows", str(manifest["rows"]), str(n_records), where))
    for measure in ("sums", "min", "max"):
        for source, announced in manifest.get(measure, {}).items():
            control = f"{measure} {source}"
            place = _column_filled_by(mapping, file_key, source, measure)
            if place is None:
                results.append(control_result(control, "not_assessed", str(announced), "", "fills no column"))
                continue
            contract_name, column = place
            function = "sum" if measure == "sums" else measure
            found = connection.execute(
                f"SELECT CAST({function}({ident(column)}) AS VARCHAR) "
                f"FROM read_parquet({literal(str(written[contract_name]))})"
            ).fetchone()
            observed = found[0] if found and found[0] is not None else ""
            results.append(_compare(control, str(announced), observed, where))
    return results


def _column_filled_by(mapping: Mapping, file_key: str, source: str, measure: str) -> tuple[str, str] | None:
    types = {"integer", "decimal"} if measure == "sums" else {"integer", "decimal", "date", "timestamp"}
    for contract_name, table, _ in mapping.tables_of(file_key):
        if table.fill_down or table.explode or table.unpivot or table.fold:
            continue  # the cells of its rows are not those of the file
        for name, column in table.columns.items():
            fills = column.source == source and name != "is_deleted"
            if fills and load_contract(contract_name).column(name).type in types:
                return contract_name, name
    return None


def _compare(control: str, announced: str, observed: str, where: str) -> dict[str, str]:
    try:
        same = Decimal(announced) == Decimal(observed)
    except InvalidOperation:
        same = observed.startswith(announced.replace("T", " ").rstrip("Z"))
    if not same:
        raise RefusedFile(
            "E-ING-009", where, control=control, expected=announced, observed=observed or "none"
        )
    return control_result(control, "pass", announced, observed, "")


def control_result(control: str, status: str, expected: str, observed: str, detail: str) -> dict[str, str]:
    """What a control of a landing file found, as its delivery record keeps it (see landed_result)."""
    return {
        "control": control,
        "status": status,
        "expected": expected,
        "observed": observed,
        "detail": detail,
    }


def landed_result(delivery: Delivery, found: dict[str, str]) -> ControlResult:
    """A control that the record of a delivery keeps, as a row of control_results."""
    code, status = found["control"], found["status"]
    params = {name: found[name] for name in ("expected", "observed", "detail")} | {"measure": code}
    if code not in sentences()["en"]:
        code = "manifest_no_column" if status == "not_assessed" else "manifest"
    # A note is worth a look at its own level; a result says pass or not.
    level, status = ("info", "warn") if status == "info" else ("warn", status)
    return ControlResult(
        delivery.source_instance, found["control"], code.removesuffix("_no_column"), level, status, code,
        delivery.delivery_id, delivery.file_path, measured=found["observed"] or None,
        threshold=found["expected"] or None, params=params,
    )  # fmt: skip
