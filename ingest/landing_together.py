"""Deliveries that look nothing up in each other, in company: large ones side by side, small ones in one query.

Landing is the same as alone (landing.py): each delivery has its own rows, counts, checks, files and record, and
one that its company cannot carry is landed alone.
What does NOT belong here: what landing is, and which deliveries to land (collecting.py).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingest.deliveries import Delivery
from ingest.errors import RefusedFile
from ingest.landing import Landing
from ingest.reading import STAGED_BYTES, FastReaderDisagrees, Records
from ingest.sql import connect, planned_as_written

# Below this much text (bytes) further workers cost more than they save.
WORTH_A_WORKER = 16 << 20
# Planning the conversion of a file of this size (bytes) takes longer than running it.
SMALL_FILE_BYTES = 128 << 10
# Deliveries in one query: beyond this the plan grows and the saving does not.
GROUP = 64

Waiting = tuple[Landing, bool]  # a delivery, and whether it was landed before


@dataclass
class _Opened:
    """A small delivery whose streams are open."""

    landing: Landing
    was_landed: bool
    streams: dict[str | None, Records]

    @property
    def columns(self) -> list[tuple[str | None, dict[str, str]]]:
        return [(stream, records.names) for stream, records in self.streams.items()]


def land_together(landings: list[Waiting]) -> Iterator[Delivery]:
    """Land deliveries, the largest first; their records come in no order.

    A reader that keeps the order of a file uses one core, so files side by side use them all; each worker has its own
    connection and its share of the memory. A file that becomes Parquet first and outweighs the share of a worker has
    all cores and all memory to itself: the others would wait for it.
    """
    groups = _groups(landings)
    total = sum(_bytes(group) for group in groups)
    workers = min(os.cpu_count() or 1, len(groups), 8)
    outweighs = 0 if total <= WORTH_A_WORKER else max(STAGED_BYTES, total / workers)
    for group in groups:
        if _bytes(group) >= outweighs:
            yield from _land_group(group)
    groups = [group for group in groups if _bytes(group) < outweighs]
    if not groups:
        return
    workers = min(workers, len(groups))
    own = threading.local()
    connections: list[duckdb.DuckDBPyConnection] = []

    def land(group: list[Waiting]) -> list[Delivery]:
        if not hasattr(own, "connection"):
            own.connection, own.conversions = connect(group[0][0].work, share=workers), {}
            connections.append(own.connection)
        return _land_group(
            [
                (replace(landing, connection=own.connection, conversions=own.conversions), was_landed)
                for landing, was_landed in group
            ]
        )

    pool = ThreadPoolExecutor(workers)
    try:
        for landed in pool.map(land, groups):
            yield from landed
    finally:
        pool.shutdown(cancel_futures=True)
        for connection in connections:
            connection.close()


def _groups(landings: list[Waiting]) -> list[list[Waiting]]:
    """Small deliveries of one file of one source in groups, the others alone; the most bytes first."""

    def kind(item: Waiting) -> tuple[str, str]:
        return item[0].planned.source_instance, item[0].planned.file_key

    def is_small(item: Waiting) -> bool:
        landing = item[0]
        return landing.planned.file_bytes <= SMALL_FILE_BYTES and not (
            landing.lookups or landing.spec.compression
        )

    groups = [[item] for item in landings if not is_small(item)]
    for _, members in groupby(sorted(filter(is_small, landings), key=kind), key=kind):
        alike = list(members)
        groups += [alike[start : start + GROUP] for start in range(0, len(alike), GROUP)]
    return sorted(groups, key=_bytes, reverse=True)


def _bytes(group: list[Waiting]) -> int:
    return sum(landing.planned.file_bytes for landing, _ in group)


def _land_group(group: list[Waiting]) -> list[Delivery]:
    """Land deliveries of one kind with one query for all of them, those that it cannot carry alone."""
    if len(group) == 1:
        return [landing.land(was_landed) for landing, was_landed in group]
    landed: list[Delivery] = []
    opened: list[_Opened] = []
    alone: list[Waiting] = []
    with ExitStack() as readers:
        for landing, was_landed in group:
            landing.scratch.mkdir(parents=True, exist_ok=True)
            try:
                prepared = landing.prepared()
                readers.callback(prepared.close)
                streams = landing.opened(prepared)
                readers.callback(landing.close, streams)
            except (RefusedFile, FastReaderDisagrees, duckdb.Error):
                alone.append((landing, was_landed))
                continue
            opened.append(_Opened(landing, was_landed, streams))
        alike = [item for item in opened if item.columns == opened[0].columns]
        try:
            written = _write_group(alike) if alike else []
        except (RefusedFile, FastReaderDisagrees, duckdb.Error):
            written = []
        for item, files in zip(alike, written, strict=False):
            landed.append(
                item.landing.conclude(
                    lambda item=item, files=files: item.landing.settled(item.streams, files), item.was_landed
                )
            )
    done = {delivery.delivery_id for delivery in landed}
    alone += [
        (item.landing, item.was_landed) for item in opened if item.landing.planned.delivery_id not in done
    ]
    return landed + [landing.land(was_landed) for landing, was_landed in alone]


def _write_group(group: list[_Opened]) -> list[dict[str, Path]]:
    """Raw rows of each contract of each delivery under its scratch directory.

    Raises FastReaderDisagrees when a delivery does not have the rows it must have.
    """
    first = group[0]
    connection = first.landing.connection
    members = [item.landing.records(item.streams) for item in group]
    together = {}
    for position, stream in enumerate(first.streams):
        # One table, not a union: a query takes its rows in full vectors then, not file by file.
        together[stream] = f"SELECT * FROM together_{position}"
        union = " UNION ALL ".join(member[stream] for member in members)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE together_{position} AS {union}")
    written: list[dict[str, Path]] = [{} for _ in group]
    for contract_name, query in first.landing.queries(together, first.streams, {}).items():
        with planned_as_written(connection):
            rows = connection.sql(query).to_arrow_table()
        rows = rows.sort_by(
            [(name, "ascending") for name in ("_delivery_id", "_source_row_id", "_record_part")]
        )
        counts = rows.group_by("_delivery_id").aggregate([([], "count_all")]).to_pydict()
        found = dict(zip(counts["_delivery_id"], counts["count_all"], strict=True))
        first_row = dict(
            zip(sorted(found), accumulate((found[name] for name in sorted(found)), initial=0), strict=False)
        )
        for item, files in zip(group, written, strict=True):
            name, expected = (
                item.landing.planned.delivery_id,
                item.landing.expected(item.streams)[contract_name],
            )
            if found.get(name, 0) != expected:
                raise FastReaderDisagrees(found.get(name, 0), expected)
            files[contract_name] = item.landing.raw_scratch(contract_name)
            own_rows = rows.slice(first_row.get(name, 0), expected)
            pq.write_table(own_rows, files[contract_name], compression="lz4")
    return written
