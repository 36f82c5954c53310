"""One delivery: archived bytes -> raw Parquet of each contract, or a refusal. Nothing is half landed.

Everything is written under work/tmp first; raw files are renamed into place, then the delivery record is
written.
What does NOT belong here: which deliveries to land (collecting.py), in which company (landing_together.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import astuple, dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.calendar_reading import read_calendar
from ingest.column_use import used_names
from ingest.compressed import expand
from ingest.contract import Contract
from ingest.controls import (
    check_bad_lines,
    check_final_newline,
    check_some_record,
    check_unmapped_values,
    control_result,
)
from ingest.controls_manifest import ManifestCheck
from ingest.conversion import (
    PART_RANGE,
    Provenance,
    cleaned_sql,
    records_of_delivery,
    resolver,
    table_query,
)
from ingest.deliveries import Delivery, DeliveryStore, archived_file, raw_file
from ingest.errors import ConfigurationError, RefusedFile
from ingest.fixed_width import fixed_width_records
from ingest.json_reading import fast_json_lines, json_array, strict_json_lines
from ingest.lookup_joins import LookupTable
from ingest.mapping import FileSpec, Mapping, TableSpec
from ingest.mapping_model import AtLeast
from ingest.privacy import masked
from ingest.reading import (
    FastReaderDisagrees,
    Records,
    fast_records,
    read_layout,
    strict_records,
    with_optional,
)
from ingest.repairs import Repairs, apply_repairs
from ingest.row_shapes import exploded_rows
from ingest.spreadsheets import spreadsheet_records
from ingest.sql import literal, planned_as_written, write_parquet
from ingest.table_files import parquet_records
from ingest.text_preparation import ByteFacts, Prepared, inspect_bytes, prepare

# Optimising the conversion of fewer records than this takes longer than running it.
SMALL_FILE = 2_000
QUARANTINE_SCHEMA = pa.schema(
    [
        ("source_instance", pa.string()),
        ("_delivery_id", pa.string()),
        ("_source_row_id", pa.int64()),
        ("reason_code", pa.string()),
        ("raw_line", pa.string()),
        ("detail", pa.string()),
        # Null while the line waits; a repaired one keeps what it was.
        ("repaired_line", pa.string()),
        ("author", pa.string()),
        ("comment", pa.string()),
        ("decided_on", pa.string()),
    ]
)

REPAIR_COLUMNS = ("repaired_line", "author", "comment", "decided_on")


@dataclass
class Landing:
    """Everything that landing one delivery needs. `planned` is its record before anything is known of it.

    lookups: file key -> the delivery whose rows values are looked up in. facts: those of the archived bytes,
    when they were just inspected. conversions: queries made once for the deliveries of one
    connection. text_bytes: size of what a compressed file holds, once it was expanded. repairs: those of all files.
    """

    connection: duckdb.DuckDBPyConnection
    store: DeliveryStore
    mapping: Mapping
    planned: Delivery
    lookups: dict[str, Delivery] = field(default_factory=dict)
    facts: ByteFacts | None = None
    conversions: dict[Any, Any] = field(default_factory=dict)
    text_bytes: int | None = None
    repairs: Repairs = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """Work directory of the company."""
        return self.store.work

    @property
    def scratch(self) -> Path:
        """Temporary files of this delivery."""
        return self.work / "tmp" / "ingest" / self.planned.delivery_id

    @property
    def spec(self) -> FileSpec:
        """Entry of the mapping that declares the file."""
        return self.mapping.model.files[self.planned.file_key]

    @property
    def where(self) -> str:
        """Place named in messages."""
        return f"{self.planned.source_instance}: {self.planned.file_path}"

    def land(self, was_landed: bool) -> Delivery:
        """Land the delivery and return its record, already saved; a refusal is a record too."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.conclude(self._land, was_landed)

    def conclude(self, land: Callable[[], Delivery], was_landed: bool) -> Delivery:
        """Record of what `land` gives, or of its refusal, saved; nothing of this delivery is left in scratch."""
        try:
            delivery = land()
        except RefusedFile as refusal:
            self._withdraw()
            delivery = self.planned.refused(refusal.problem, was_landed)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.store.save(delivery)
        return delivery

    def _land(self) -> Delivery:
        prepared, streams = self.prepared(), {}
        try:
            lookups = self.lookup_tables()
            try:
                streams = self.opened(prepared)
                written = self._write(streams, lookups)
            except (FastReaderDisagrees, duckdb.Error) as error:
                if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                    raise
                self.close(streams)
                streams = self.opened(prepared, strictly=True)
                check_bad_lines(next(iter(streams.values())).quarantine, self.spec, self.where)
                try:
                    written = self._write(streams, lookups)
                except duckdb.Error as strict_error:
                    if isinstance(strict_error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                        raise
                    detail = str(strict_error).splitlines()[0]
                    raise RefusedFile("E-ING-015", self.where, detail=detail) from None
                except FastReaderDisagrees as counts:
                    relation, expected = counts.args
                    raise RefusedFile("E-ING-014", self.where, relation=relation, expected=expected) from None
            return self.settled(streams, written)
        finally:
            self.close(streams)
            prepared.close()

    def prepared(self) -> Prepared:
        """Text of the archived bytes. Raises RefusedFile when empty, mis-encoded or cut."""
        if self.planned.file_bytes == 0:
            raise RefusedFile("E-ING-002", self.where)
        prepared = prepare_delivery(self.work, self.planned, self.spec, self.where, self.scratch, self.facts)
        self.text_bytes = prepared.expanded_bytes
        try:
            if self.text_bytes == 0:
                raise RefusedFile("E-ING-002", self.where)
            check_final_newline(prepared.path, self.spec, self.where)
        except RefusedFile:
            prepared.close()
            raise
        return prepared

    def settled(self, streams: dict[str | None, Records], written: dict[str, Path]) -> Delivery:
        """Check the written rows and put them in place. Raises RefusedFile."""
        main = next(iter(streams.values()))
        check_some_record(main.expected, main.quarantine, self.spec, self.where)
        check_unmapped_values(self.connection, self.mapping, self.planned.file_key, written, self.where)
        manifest = ManifestCheck(
            self.connection,
            self.mapping,
            self.planned.file_key,
            streams,
            self._clean,
            main.expected,
            self.where,
        )
        controls = manifest.run(self.planned.manifest)
        if main.is_header_only:
            controls.append(control_result("header_only", "warn", ">= 1", "0", "no record in the file"))
        controls += _extra_columns(self.spec, main)
        controls += [control_result(n.control, n.status, "", str(n.observed), n.detail) for n in main.notes]
        return self._commit(main, written, tuple(controls))

    def opened(self, prepared: Prepared, strictly: bool = False) -> dict[str | None, Records]:
        """Streams of the file, without what its privacy keeps away: one (None) for most formats, events and
        attendees for a calendar.

        Raises RefusedFile, and FastReaderDisagrees when the text needs the strict reader.
        """
        streams = self._read(prepared, strictly)
        try:
            own = self.repairs.get((self.planned.source_instance, self.planned.file_sha256), ())
            for records in streams.values() if own else ():
                apply_repairs(self.connection, records, own, prepared, self.spec, self.scratch, self.where)
            return masked(self.connection, streams, self.spec, self.mapping.salt, self._clean, self.where)
        except (RefusedFile, duckdb.Error):
            self.close(streams)
            raise

    def _clean(self, column: str) -> str:
        return cleaned_sql(column, self.spec, self.mapping.defaults)

    def _read(self, prepared: Prepared, strictly: bool) -> dict[str | None, Records]:
        spec, scratch = self.spec, self.scratch
        if spec.format == "ics":
            streams = read_calendar(self.connection, prepared, self.mapping.defaults.timezone, self.where)
            check_bad_lines(streams["events"].quarantine, spec, self.where)
            return dict(streams)
        if spec.format == "json":
            try:
                records = json_array(prepared, spec, scratch, self.where)
            except RecursionError:
                raise RefusedFile(
                    "E-ING-013", self.where, format="JSON", detail="nested too deeply"
                ) from None
            check_bad_lines(records.quarantine, spec, self.where)
            return {None: records}
        if spec.format == "parquet":
            used = self._used_names()
            records = parquet_records(self.connection, prepared, spec, used, scratch, self.where)
            return {None: with_optional(records, spec)}
        if spec.format == "xlsx":
            records = spreadsheet_records(prepared, spec, self._used_names(), scratch, self.where)
            check_bad_lines(records.quarantine, spec, self.where)
            return {None: with_optional(records, spec)}
        if spec.format == "fixed_width":
            records = fixed_width_records(prepared, spec, scratch, self.where)
            check_bad_lines(records.quarantine, spec, self.where)
            return {None: records}
        if spec.format == "jsonl":
            if strictly:
                return {None: strict_json_lines(self.connection, prepared, spec, scratch, self.where)}
            return {None: fast_json_lines(self.connection, prepared, spec, scratch, self.where)}
        layout = read_layout(prepared.path, spec, self._used_names(), self.where)
        if strictly:
            return {None: with_optional(strict_records(prepared, spec, layout, scratch, self.where), spec)}
        return {None: with_optional(fast_records(self.connection, prepared, spec, layout, scratch), spec)}

    def records(self, streams: dict[str | None, Records]) -> dict[str | None, str]:
        """SQL of the records of each stream beside their delivery."""
        planned = self.planned
        return {
            stream: records_of_delivery(records.relation, planned.delivery_id, planned.day)
            for stream, records in streams.items()
        }

    def expected(self, streams: dict[str | None, Records]) -> dict[str, int]:
        """Rows that each contract must get, counted independently of their reading."""
        expected: dict[str, int] = {}
        for contract_name, table, _ in self.mapping.tables_of(self.planned.file_key):
            rows = self._rows_of(table, streams[table.stream])
            expected[contract_name] = expected.get(contract_name, 0) + rows
        return expected

    def _rows_of(self, table: TableSpec, records: Records) -> int:
        """Rows that the records give in the shape of a table."""
        if table.unpivot:
            return records.expected * len(table.unpivot.columns)
        if table.explode:
            return exploded_rows(
                self.connection, records.relation, resolver(records.names, self.where)(table.explode.column),
                self._clean, table.explode, PART_RANGE, self.where,
            )  # fmt: skip
        return records.expected

    def queries(
        self,
        records: dict[str | None, str],
        streams: dict[str | None, Records],
        lookups: dict[str, LookupTable],
    ) -> dict[str, str]:
        """SQL of the raw rows of each contract, made of the SQL of the records of each stream."""
        for stream, relation in records.items():
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {_records_view(stream)} AS {relation}")
        queries: dict[str, list[str]] = {}
        for contract_name, table, contract in self.mapping.tables_of(self.planned.file_key):
            parts = queries.setdefault(contract_name, [])
            parts.append(self._conversion(table, contract, streams[table.stream], lookups, len(parts)))
        return {contract_name: " UNION ALL ".join(parts) for contract_name, parts in queries.items()}

    def _write(self, streams: dict[str | None, Records], lookups: dict[str, LookupTable]) -> dict[str, Path]:
        """Raw rows of each contract under the scratch directory. Raises FastReaderDisagrees on a wrong count."""
        queries = self.queries(self.records(streams), streams, lookups)
        written = {}
        for contract_name, expected in self.expected(streams).items():
            target = self.raw_scratch(contract_name)
            is_small = not lookups and expected <= SMALL_FILE
            with planned_as_written(self.connection) if is_small else nullcontext():
                n_rows = write_parquet(self.connection, self._as_constants(queries[contract_name]), target)
            if n_rows != expected:
                raise FastReaderDisagrees(n_rows, expected)
            written[contract_name] = target
        if not queries:
            # A file that only serves lookups is still counted. The result is read to its end: an open one would
            # refuse the next file its table on this connection.
            records = next(iter(streams.values()))
            [(counted,)] = self.connection.execute(f"SELECT count(*) FROM ({records.relation})").fetchall()
            if counted != records.expected:
                raise FastReaderDisagrees(counted, records.expected)
        return written

    def _as_constants(self, query: str) -> str:
        """`query` with what is the same in every row typed as such: Parquet need not look each text up again."""
        planned = self.planned
        constants = {
            "source_system": planned.source_system,
            "source_instance": planned.source_instance,
            "_delivery_id": planned.delivery_id,
        }
        typed = ", ".join(
            f"CAST({name} AS ENUM({literal(text)})) AS {name}" for name, text in constants.items()
        )
        return f"SELECT * REPLACE ({typed}) FROM ({query})"

    def raw_scratch(self, contract_name: str) -> Path:
        """Where the raw rows of a contract wait until they are put in place."""
        return self.scratch / f"{contract_name}.parquet"

    def _used_names(self) -> set[str]:
        """Columns of the file that the mapping reads; found once per run."""
        key = ("used", self.mapping.hash, self.planned.file_key)
        if key not in self.conversions:
            self.conversions[key] = used_names(self.mapping, self.planned.file_key)
        return self.conversions[key]

    def _conversion(
        self,
        table: TableSpec,
        contract: Contract,
        records: Records,
        lookups: dict[str, LookupTable],
        part_index: int,
    ) -> str:
        """SQL of the raw rows of one table.

        Without lookups it is the same for every delivery with these columns, so it is a view made once:
        parsing such a query takes longer than running it on a small file.
        """
        provenance = Provenance(self.planned.source_system, self.planned.source_instance)
        key = (
            self.mapping.hash,
            provenance,
            id(table),
            contract.name,
            part_index,
            tuple(records.names.items()),
        )
        if key in self.conversions:
            return self.conversions[key]
        try:
            query = table_query(
                f"SELECT * FROM {_records_view(table.stream)}", records.names, self.spec, table, contract,
                self.mapping, provenance, lookups, part_index,
            )  # fmt: skip
        except ConfigurationError as error:
            problem = error.problem
            raise RefusedFile(problem.code, self.where, **dict(problem.params)) from None
        if lookups:
            return query
        view = f"conversion_{len(self.conversions)}"
        self.connection.execute(f"CREATE TEMP VIEW {view} AS {query}")
        self.conversions[key] = f"SELECT * FROM {view}"
        return self.conversions[key]

    def lookup_tables(self) -> dict[str, LookupTable]:
        """Rows of the files that values are looked up in, read anew."""
        tables = {}
        for key, delivery in self.lookups.items():
            tables[key] = read_for_lookup(self, key, delivery)
        return tables

    def _commit(
        self, main: Records, written: dict[str, Path], controls: tuple[dict[str, str], ...]
    ) -> Delivery:
        planned = self.planned
        quarantine = self.work / "quarantine" / f"{planned.delivery_id}.parquet"
        if main.quarantine or main.repaired:
            quarantine.parent.mkdir(parents=True, exist_ok=True)
            lines = [(*line, None, None, None, None) for line in main.quarantine]
            lines += [astuple(line) for line in main.repaired]
            rows = [
                (planned.source_instance, planned.delivery_id, *line)
                for line in sorted(lines, key=itemgetter(0))
            ]
            arrays = [pa.array([row[i] for row in rows], f.type) for i, f in enumerate(QUARANTINE_SCHEMA)]
            temporary = self.scratch / "quarantine.parquet"
            pq.write_table(
                pa.Table.from_arrays(arrays, schema=QUARANTINE_SCHEMA), temporary, compression="lz4"
            )
            temporary.replace(quarantine)
        else:
            quarantine.unlink(missing_ok=True)
        tables = {}
        for contract_name, path in written.items():
            target = raw_file(self.work, contract_name, planned.source_instance, planned.delivery_id)
            target.parent.mkdir(parents=True, exist_ok=True)
            tables[contract_name] = pq.read_metadata(path).num_rows
            path.replace(target)
        return replace(
            planned,
            status="landed",
            text_bytes=self.text_bytes,
            n_bytes_read=main.n_bytes_read,
            n_physical_lines=main.lines.physical,
            n_header_lines=main.lines.header,
            n_blank_lines=main.lines.blank,
            n_record_lines=main.lines.record,
            n_quarantined_lines=main.lines.quarantined,
            n_repaired_lines=main.lines.repaired,
            n_records=main.expected,
            reader=main.reader,
            tables=tables,
            controls=controls,
        )

    def _withdraw(self) -> None:
        """Remove what an earlier landing of the same delivery left."""
        planned = self.planned
        for path in self.work.glob(f"raw/*/{planned.source_instance}__{planned.delivery_id}.parquet"):
            path.unlink(missing_ok=True)
        (self.work / "quarantine" / f"{planned.delivery_id}.parquet").unlink(missing_ok=True)

    def close(self, streams: dict[str | None, Records]) -> None:
        """Remove what reading left: temporary files and registered tables."""
        for records in streams.values():
            records.close(self.connection)


def _extra_columns(spec: FileSpec, main: Records) -> list[dict[str, str]]:
    """Columns beyond those that must be there: not read, and said so."""
    if not isinstance(spec.expected_columns, AtLeast):
        return []
    known = {*spec.expected_columns.at_least, *spec.optional_columns}
    extra = [name for name in main.names if name not in known]
    if not extra:
        return []
    return [control_result("extra_columns", "info", "0", str(len(extra)), ", ".join(extra)[:500])]


def _records_view(stream: str | None) -> str:
    """Name of the view on the records that are being landed."""
    return f"records_{stream or 'now'}"


def prepare_delivery(
    work: Path, delivery: Delivery, spec: FileSpec, where: str, scratch: Path, facts: ByteFacts | None = None
) -> Prepared:
    """Text of an archived delivery. Raises RefusedFile when it cannot be expanded, or when its bytes are not the
    declared encoding.
    """
    path = archived_file(work, delivery.file_sha256)
    size = None
    if spec.compression:
        expanded = scratch / f"expanded-{delivery.delivery_id}"
        size = expand(path, spec, expanded, where)
        path, facts = expanded, None
    prepared = _prepared_text(path, facts or inspect_bytes(path), spec, where, scratch)
    if size is None:
        return prepared
    if prepared.path != path:
        path.unlink()
    return replace(prepared, is_temporary=True, expanded_bytes=size)


def _prepared_text(path: Path, facts: ByteFacts, spec: FileSpec, where: str, scratch: Path) -> Prepared:
    if spec.is_binary:
        return Prepared(path, False, facts.size)
    return prepare(
        path,
        facts,
        encoding=spec.encoding,
        repair_newlines=spec.newline == "auto",
        quarantine_undecodable=spec.on_undecodable == "quarantine",
        accept_utf8=spec.on_utf8 == "accept",
        strip_bom=spec.format != "delimited",
        scratch=scratch,
        where=where,
    )


def read_for_lookup(landing: Landing, key: str, delivery: Delivery) -> LookupTable:
    """Rows of another delivery as a table of text, written under the scratch directory of this landing."""
    other = Landing(landing.connection, landing.store, landing.mapping, delivery, repairs=landing.repairs)
    other.scratch.mkdir(parents=True, exist_ok=True)
    # A file may look itself up: its own text must not be removed with this one.
    texts = landing.scratch / f"lookup_{key}"
    prepared = prepare_delivery(landing.work, delivery, other.spec, other.where, texts)
    target = landing.scratch / f"lookup_{key}.parquet"
    streams: dict[str | None, Records] = {}
    try:
        try:
            streams = other.opened(prepared)
            records = next(iter(streams.values()))
            if write_parquet(landing.connection, records.relation, target) != records.expected:
                raise FastReaderDisagrees
        except (FastReaderDisagrees, duckdb.InvalidInputException):
            other.close(streams)
            streams = other.opened(prepared, strictly=True)
            records = next(iter(streams.values()))
            write_parquet(landing.connection, records.relation, target)
        return LookupTable(f"SELECT * FROM read_parquet({literal(str(target))})", records.names, other.spec)
    finally:
        other.close(streams)
        prepared.close()
        shutil.rmtree(texts, ignore_errors=True)
        if other.scratch != landing.scratch:
            shutil.rmtree(other.scratch, ignore_errors=True)
