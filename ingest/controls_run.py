"""All controls of all sources: results and failing rows, computed again only when something they read changed.

Rows are those kept by ingest, read from raw Parquet; nothing is written but results.
What does NOT belong here: the checks of one source (controls_source.py), deliveries (controls_deliveries.py).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from ingest.contract import load_contract
from ingest.controls_deliveries import Source, delivery_controls
from ingest.controls_result import ControlResult, result_of
from ingest.controls_source import SourceControls
from ingest.deliveries import Delivery, fingerprint, sha256_of
from ingest.dispositions import union_query
from ingest.mapping import Mapping
from ingest.sql import literal, write_parquet

CONTROLS_VERSION = "3"
FAILURE_COLUMNS = {
    "control_id": "VARCHAR", "contract": "VARCHAR", "source_instance": "VARCHAR", "record_key": "VARCHAR",
    "field": "VARCHAR", "_delivery_id": "VARCHAR", "_source_row_id": "BIGINT", "_record_part": "INTEGER",
    "reason_code": "VARCHAR", "action": "VARCHAR",
}  # fmt: skip
_N_EXAMPLES = 3


def run_controls(
    connection: duckdb.DuckDBPyConnection, work: Path, mappings: dict[str, Mapping],
    deliveries: list[Delivery], as_of: dt.datetime, damaged: list[Path],
) -> list[ControlResult]:  # fmt: skip
    """Results of every check and contract control, and collect/control_failures.parquet with the failing rows.

    as_of: naive UTC instant at which the cycle ends. damaged: gets the file when it was not what had been written.
    """
    target, marker = work / "collect" / "control_failures.parquet", work / "collect" / "controls.json"
    state = _state(work, mappings, deliveries, as_of)
    known = _known_results(marker, state, target, damaged)
    if known is not None:
        return known
    marker.unlink(missing_ok=True)
    results, parts = [], list[Path]()
    folder = work / "tmp" / "ingest" / "controls"
    folder.mkdir(parents=True, exist_ok=True)
    for source in _sources(mappings, deliveries):
        found, lists = SourceControls(connection, work, source, folder).run()
        results += [*found, *delivery_controls(connection, work, source, as_of)]
        parts += lists
    results.sort(key=lambda r: (r.source_instance, r.control, r.contract or "", r.delivery_id or ""))
    ordered = "control_id, _delivery_id, _source_row_id, _record_part"
    write_parquet(
        connection, f"SELECT * FROM ({union_query(parts, FAILURE_COLUMNS)}) ORDER BY {ordered}", target
    )
    results = _with_examples(connection, target, results, {d.delivery_id: d.file_path for d in deliveries})
    content = {"state": state, "sha256": sha256_of(target), "results": [r.row() for r in results]}
    temporary = marker.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    temporary.replace(marker)
    return results


def _state(work: Path, mappings: dict[str, Mapping], deliveries: list[Delivery], as_of: dt.datetime) -> str:
    contracts = sorted({name for d in deliveries for name in d.tables})
    parts = [work / "collect" / "parts" / f"{name}.json" for name in contracts]
    return fingerprint(
        CONTROLS_VERSION,
        as_of,
        sorted((d.delivery_id, d.fingerprint, d.delivered_on, d.file_path) for d in deliveries),
        [path.read_text() for path in parts],
        [(c.name, c.references, c.order, c.freshness_days) for c in map(load_contract, contracts)],
        {
            instance: [
                mapping.hash,
                [check.model_dump(mode="json") for check in mapping.model.checks],
                {key: spec.cadence for key, spec in mapping.model.files.items()},
            ]
            for instance, mapping in mappings.items()
        },
    )


def _known_results(marker: Path, state: str, target: Path, damaged: list[Path]) -> list[ControlResult] | None:
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
        if content["state"] != state:
            return None
        results = [result_of(row) for row in content["results"]]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if content.get("sha256") != sha256_of(target):
        damaged.append(target)
        return None
    return results


def _sources(mappings: dict[str, Mapping], deliveries: list[Delivery]) -> Iterator[Source]:
    for instance in sorted(mappings):
        own = tuple(d for d in deliveries if d.source_instance == instance)
        if own:
            yield Source(instance, mappings[instance], own)


def _with_examples(
    connection: duckdb.DuckDBPyConnection, failures: Path, results: list[ControlResult], paths: dict[str, str]
) -> list[ControlResult]:
    """The first failing rows of each result as `file:line`: places, never values."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for control, delivery, line in connection.execute(
        "SELECT control_id, _delivery_id, _source_row_id FROM (SELECT *, row_number() OVER (PARTITION BY control_id, "
        f"_delivery_id ORDER BY _source_row_id) AS k FROM read_parquet({literal(str(failures))})) "
        f"WHERE k <= {_N_EXAMPLES} ORDER BY ALL"
    ).fetchall():
        place = f"{paths.get(delivery, delivery)}:{line}"
        found.setdefault((control, delivery), []).append(place)
        found.setdefault((control, None), []).append(place)
    return [
        replace(r, examples=tuple(found.get((r.control_id, r.delivery_id), ())[:_N_EXAMPLES]))
        for r in results
    ]
