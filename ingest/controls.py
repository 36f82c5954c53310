"""Controls while one file lands: final newline, lines that are no record, unmapped values.

A control either refuses the file or leaves a result (pass, warn, not_assessed); none of them changes a row.
What does NOT belong here: totals that came with a file (controls_manifest.py), controls over what has landed
(controls_run.py), rules on the meaning of the data
(expectations/).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingest.controls_result import ControlResult, sentences
from ingest.conversion import ITEM_SEPARATOR, PART_SEPARATOR
from ingest.deliveries import Delivery
from ingest.errors import RefusedFile
from ingest.json_reading import is_whole_line
from ingest.mapping import FileSpec, Mapping
from ingest.reading import MAX_RECORD_BYTES
from ingest.sql import literal
from ingest.strict_reader import Quarantined


def check_final_newline(text: Path, spec: FileSpec, where: str) -> None:
    """Refuse a text without a newline at its end, unless the mapping says that this vendor writes none.

    JSON tells by itself: a last line that is a whole object was not cut, and writers that put newlines between the
    lines end so. A mapping that says `required` asks for the newline all the same.
    """
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
    line, start, read = 1, 0, 0
    with text.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            line += chunk.count(b"\n")
            start = read + chunk.rfind(b"\n") + 1 if b"\n" in chunk else start
            read += len(chunk)
        if spec.format == "jsonl" and spec.final_newline is None:
            stream.seek(start)
            if is_whole_line(stream.read(MAX_RECORD_BYTES)):
                return
    raise RefusedFile("E-ING-003", where, line=line)


def check_bad_lines(quarantine: list[Quarantined], spec: FileSpec, where: str) -> None:
    """Refuse a file with lines that are no record when the mapping says so."""
    if quarantine and spec.on_bad_line == "refuse":
        line, reason, _, detail = quarantine[0]
        raise RefusedFile("E-ING-008", where, count=len(quarantine), line=line, detail=detail or reason)


def check_some_record(n_records: int, quarantine: list[Quarantined], spec: FileSpec, where: str) -> None:
    """Refuse a file of which every line is no record (E-ING-035): damage leaves some, another layout leaves none.

    A calendar proves its layout by its own first line; its few events are often all of one kind, such as one
    invitation in a zone that nobody knows, and are set aside one by one.
    """
    if spec.format != "ics" and quarantine and not n_records:
        line, reason, _, detail = quarantine[0]
        raise RefusedFile("E-ING-035", where, count=len(quarantine), line=line, detail=detail or reason)


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
