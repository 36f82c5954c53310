"""The collect step: land what is new, account for everything, write collect/*.parquet.

Idempotent: the same bytes twice change nothing, deliveries converge in any order, and a run killed anywhere
is repaired by the next one. Bad data never raise: they are refused, quarantined or set aside, and counted.
What does NOT belong here: reading (landing.py), convergence (dispositions.py).
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.calendar_reading import stream_columns
from ingest.company import Company, Source, load_company
from ingest.contract import load_contract, write_schema_files
from ingest.controls import landed_result
from ingest.controls_manifest import merged_manifest, read_manifest
from ingest.controls_month import came_for_cycle, tells_of_month
from ingest.controls_replaced import replaced_volumes
from ingest.controls_result import CONTROL_SCHEMA, ControlResult
from ingest.controls_run import run_controls
from ingest.conversion import check_mapping
from ingest.deliveries import Delivery, DeliveryStore, fingerprint
from ingest.delivery_decisions import load_delivery_decisions
from ingest.discovery import Discovery, Received, discover, inside_folder, match_paths, receive_all
from ingest.dispositions import join_parts, refresh_part, union_query
from ingest.errors import Problem
from ingest.integrity import Archive, lost_deliveries
from ingest.landing import QUARANTINE_SCHEMA, REPAIR_COLUMNS, Landing
from ingest.landing_together import land_together
from ingest.ledger import RECORD_TERMS, Imbalance, Term, imbalances, ledger_terms
from ingest.lookup_choice import chosen_lookups
from ingest.mapping import FileSpec, Mapping, load_mapping
from ingest.private_files import private_files
from ingest.repairs import Repairs, load_repairs, repair_states
from ingest.snapshots import (
    SNAPSHOT_SCHEMA,
    SnapshotFile,
    judge_snapshots,
    open_questions,
    snapshot_rows,
)
from ingest.sql import connect, write_parquet
from ingest.withdrawals import REPLACED, Replacements, replacements, withdrawal

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Refusal:
    """One refused extract, in the words of errors.yml."""

    source_instance: str
    file_path: str
    problem: Problem


@dataclass(frozen=True)
class SourceTotals:
    """Records of one source over all its deliveries; `set_aside` counts them by disposition."""

    source_instance: str
    deliveries: int
    records_in: int
    kept: int
    set_aside: dict[str, int]
    quarantined_lines: int


@dataclass(frozen=True)
class CollectReport:
    """What collect did. landed and refused name this run's work;
    totals cover every delivery ever received.
    """

    landed: tuple[str, ...]
    unchanged: int
    refusals: tuple[Refusal, ...]
    totals: tuple[SourceTotals, ...]
    warnings: tuple[dict[str, Any], ...] = ()
    imbalances: tuple[Imbalance, ...] = ()
    changed: bool = field(default=False)
    repaired: tuple[str, ...] = ()  # damaged files of work/ that this run made again, below the company

    @property
    def records_in(self) -> int:
        """Records read from all deliveries."""
        return sum(t.records_in for t in self.totals)

    @property
    def kept(self) -> int:
        """Records kept."""
        return sum(t.kept for t in self.totals)

    @property
    def set_aside(self) -> int:
        """Records set aside, duplicates and superseded versions included."""
        return sum(sum(t.set_aside.values()) for t in self.totals)


def load_mappings(company: Company) -> dict[str, Mapping]:
    """Source instance -> Mapping, every table compiled. Raises ConfigurationError before any byte is read."""
    mappings = {}
    checked: set[str] = set()
    for source in company.sources:
        mapping = load_mapping(source, company.root)
        if mapping.hash not in checked:
            check_mapping(mapping, stream_columns)
            checked.add(mapping.hash)
        mappings[source.instance] = mapping
    return mappings


def collect(company: Path | Company, *, progress: Progress | None = None) -> CollectReport:
    """Land new deliveries of a company and recompute collect/*.parquet.

    company: the company directory, or a Company. progress(step, done, total) is called as work advances.
    Raises ConfigurationError (E-ING-1xx) only; everything about the data is in the report.
    """
    settings = company if isinstance(company, Company) else load_company(company)
    mappings = load_mappings(settings)
    with private_files(settings.work):
        return _Collection(settings, mappings, progress or (lambda step, done, total: None)).run()


class _Collection:
    """One run of collect."""

    def __init__(self, company: Company, mappings: dict[str, Mapping], progress: Progress) -> None:
        self.company, self.mappings, self.progress = company, mappings, progress
        self.work = company.work
        self.sources: dict[str, Source] = {s.instance: s for s in company.sources}
        self.repairs: Repairs = load_repairs(company.decisions)
        self.decisions = load_delivery_decisions(company.decisions)
        self.store = DeliveryStore(self.work)
        shutil.rmtree(self.work / "tmp" / "ingest", ignore_errors=True)
        self.connection: duckdb.DuckDBPyConnection = connect(self.work)
        self.repaired: list[str] = []
        self.conversions: dict[Any, Any] = {}  # views of the connection, shared by all landings

    def run(self) -> CollectReport:
        try:
            write_schema_files(self.work)
            found = discover(self.company, self.mappings)
            received, problems = receive_all(found, self.work, self.progress)
            lost, forgotten = lost_deliveries(self.store)
            known = {
                key: delivery
                for key, delivery in {**self.store.load(), **lost}.items()
                if delivery.source_instance in self.mappings
                and delivery.file_key in self.mappings[delivery.source_instance].model.files
            }
            self.repaired = [f"work/deliveries/{key}.json" for key in lost if key in known]
            self.archive = Archive(self.work, received)
            self.store.remove_strays(known)
            replaced = replacements(known, received, self.decisions)
            planned = self._plan(known, received, replaced)
            landed = set(self._land_all(planned, known))
            really_replaced = replacements(known, received, self.decisions)
            if (
                really_replaced != replaced
            ):  # a new content was refused, or one that was refused is not any more
                planned = self._plan(known, received, really_replaced)
                landed |= set(self._land_all(planned, known))
            present = {r.delivery_id for r in received}
            active = sorted((d for d in known.values() if d.status == "landed"), key=lambda d: d.delivery_id)
            self.repaired += [f"work/deliveries/{key}.json" for key in forgotten if key in present]
            self.repaired += sorted(self.archive.repaired)
            problems += [
                ("", path, Problem("E-ING-022", path, (("file", path),)))
                for path in (f"work/deliveries/{key}.json" for key in forgotten if key not in present)
            ]
            refusals = self._refusals(found, problems, known, present)
            lying = [d for d in active if d.withdrawn != REPLACED]
            snapshots = judge_snapshots(self.connection, self.work, lying, self.mappings, self.decisions)
            refusals += [Refusal(*question) for question in open_questions(snapshots, self.mappings)]
            refusals.sort(key=lambda r: (r.source_instance, r.file_path, r.problem.code))
            return self._account(found, active, refusals, sorted(landed), len(planned), snapshots)
        finally:
            self.connection.close()
            shutil.rmtree(self.work / "tmp" / "ingest", ignore_errors=True)

    def _plan(
        self, known: dict[str, Delivery], received: list[Received], replaced: Replacements
    ) -> dict[str, Delivery]:
        """The record that each delivery should have: known ones with new paths merged, and new ones."""
        paths: dict[str, set[str]] = {key: set(d.file_paths) for key, d in known.items()}
        first: dict[str, Received] = {}
        present = {(item.delivery_id, item.file.relative) for item in received}
        # Control totals stay with the path they came with. Those of a refused file that was taken away go too.
        manifests = {
            key: {p: m for p, m in d.manifests.items() if d.status == "landed" or (key, p) in present}
            for key, d in known.items()
        }
        for item in received:
            key, path = item.delivery_id, item.file.relative
            paths.setdefault(key, set()).add(path)
            first.setdefault(key, item)
            of_delivery = manifests.setdefault(key, {})
            of_delivery.pop(path, None)
            manifest = read_manifest(item.file.path)
            if manifest is not None:
                of_delivery[path] = manifest
        planned = {}
        for key in sorted(paths):
            instance = known[key].source_instance if key in known else first[key].file.source.instance
            file_key = known[key].file_key if key in known else first[key].file.file_key
            mapping, source = self.mappings[instance], self.sources[instance]
            spec = mapping.model.files[file_key]
            # The same bytes at two places count from the earliest date, whichever was seen first. A place that
            # holds other bytes now tells no date, unless all do.
            gone = replaced.get(key, {})
            dated = []
            for path in paths[key] - set(gone) or paths[key]:
                day = match_paths(spec.paths, inside_folder(source, path))
                dated.append((day.isoformat() if day and day is not True else "9999-12-31", path))
            # A snapshot tells the state at its date: that of the latest one still holds.
            real = [item for item in dated if item[0] != "9999-12-31"]
            day_text, path = max(real) if spec.snapshot and real else min(dated)
            days = sorted(day for day, _ in real)
            plan = Delivery(
                delivery_id=key,
                status="planned",
                source_system=mapping.system,
                source_instance=instance,
                mapping=mapping.name,
                mapping_version=mapping.model.version,
                mapping_hash=mapping.hash,
                file_key=file_key,
                file_paths=tuple(sorted(paths[key])),
                file_path=path,
                file_sha256=known[key].file_sha256 if key in known else first[key].sha256,
                file_bytes=known[key].file_bytes if key in known else first[key].size,
                delivered_on=None if day_text == "9999-12-31" else day_text,
                last_delivered_on=days[-1] if days else None,
                encoding="binary" if spec.is_binary else spec.encoding,
                fingerprint="",
                manifest=merged_manifest(manifests[key]),
                manifests=manifests[key],
            )
            planned[key] = replace(plan, **withdrawal(plan, gone, self.decisions))
        return planned

    def _land_all(self, planned: dict[str, Delivery], known: dict[str, Delivery]) -> list[str]:
        """Land every planned delivery whose record is missing or out of date; `known` is kept up to date."""
        served = {
            (instance, other)
            for instance, mapping in self.mappings.items()
            for key in mapping.model.files
            for other in mapping.lookup_files(key)
        }
        # Files that others look values up in come first: a refused one must not be used.
        order = sorted(
            planned.values(), key=lambda d: ((d.source_instance, d.file_key) not in served, d.delivery_id)
        )
        finished: list[Delivery] = []
        waiting: list[tuple[Landing, bool]] = []
        for done, plan in enumerate(order):
            self.progress("land", done, len(order))
            mapping = self.mappings[plan.source_instance]
            lookups, missing = chosen_lookups(plan, mapping, planned, known)
            contracts = sorted(name for name, _, _ in mapping.tables_of(plan.file_key))
            state = fingerprint(
                mapping.hash, [load_contract(name).fingerprint for name in contracts], plan.delivered_on,
                {key: d.delivery_id for key, d in lookups.items()}, missing, plan.manifest,
                [self.repairs.get((d.source_instance, d.file_sha256), ()) for d in (plan, *lookups.values())],
            )  # fmt: skip
            plan = replace(plan, fingerprint=state)
            before = known.get(plan.delivery_id)
            damaged = self.store.damaged_files(before) if before and before.fingerprint == state else []
            self.repaired += [f"work/{name}" for name in damaged]
            if before and before.fingerprint == state and not damaged:
                seen_at = {
                    "file_paths": plan.file_paths, "file_path": plan.file_path, "manifests": plan.manifests,
                    "last_delivered_on": plan.last_delivered_on, "withdrawn": plan.withdrawn,
                    "replaced_by": plan.replaced_by,
                }  # fmt: skip
                if replace(before, **seen_at) != before:
                    known[plan.delivery_id] = replace(before, **seen_at)
                    self.store.save(known[plan.delivery_id])
                continue
            was_landed = before is not None and (before.status == "landed" or before.was_landed)
            if missing:
                problem = Problem(
                    "E-ING-011", f"{plan.source_instance}: {plan.file_path}",
                    (("key", missing[0]), ("column", missing[1])),
                )  # fmt: skip
                known[plan.delivery_id] = plan.refused(problem, was_landed)
                self.store.save(known[plan.delivery_id])
                self.store.remove_strays(known)
                continue
            gone = [d for d in (plan, *lookups.values()) if self.archive.facts(d) is None]
            if gone:
                values = (("path", gone[0].file_path), ("sha256", gone[0].file_sha256))
                problem = Problem("E-ING-021", f"{plan.source_instance}: {plan.file_path}", values)
                # No fingerprint: the next run looks again whether the bytes have come back.
                known[plan.delivery_id] = replace(plan, fingerprint="").refused(problem, was_landed)
                self.store.save(known[plan.delivery_id])
                self.store.remove_strays(known)
                continue
            facts = self.archive.facts(plan)
            landing = Landing(
                self.connection,
                self.store,
                mapping,
                plan,
                lookups,
                facts,
                self.conversions,
                repairs=self.repairs,
            )
            if (plan.source_instance, plan.file_key) in served:
                finished.append(landing.land(was_landed))
                known[plan.delivery_id] = finished[-1]
            else:
                waiting.append((landing, was_landed))
        n_before = len(order) - len(waiting)
        for done, delivery in enumerate(land_together(waiting)):
            self.progress("land", n_before + done, len(order))
            finished.append(delivery)
            known[delivery.delivery_id] = delivery
        self.progress("land", len(order), len(order))
        return sorted(delivery.delivery_id for delivery in finished if delivery.status == "landed")

    def _refusals(
        self,
        found: Discovery,
        problems: list[tuple[str, str, Problem]],
        known: dict[str, Delivery],
        present: set[str],
    ) -> list[Refusal]:
        refusals = [Refusal(*problem) for problem in (*found.problems, *problems)]
        for delivery in known.values():
            problem = delivery.refusal()
            # A refused file that was replaced or removed is no longer anyone's problem, unless it once
            # counted.
            if (
                delivery.status == "refused"
                and problem
                and (delivery.delivery_id in present or delivery.was_landed)
                and delivery.withdrawn != REPLACED
            ):
                refusals.append(Refusal(delivery.source_instance, delivery.file_path, problem))
        received = {(d.source_instance, d.file_key) for d in known.values()}
        for instance, mapping in self.mappings.items():
            for key, spec in mapping.model.files.items():
                if spec.required and (instance, key) not in received:
                    pattern = f"{self.sources[instance].folder}/{spec.paths[0]}"
                    problem = Problem("E-ING-001", f"{instance}: {pattern}", (("pattern", pattern),))
                    refusals.append(Refusal(instance, pattern, problem))
        return refusals

    def _account(
        self,
        found: Discovery,
        active: list[Delivery],
        refusals: list[Refusal],
        landed: list[str],
        n_planned: int,
        snapshots: list[SnapshotFile],
    ) -> CollectReport:
        """Dispositions, ledger and the tables of collect/."""
        by_contract: dict[str, list[Delivery]] = {}
        for delivery in active:
            for name in delivery.tables:
                by_contract.setdefault(name, []).append(delivery)
        changed, damaged = False, list[Path]()
        for done, (name, deliveries) in enumerate(sorted(by_contract.items())):
            self.progress("converge", done, len(by_contract))
            changed |= refresh_part(
                self.connection, self.work, load_contract(name), deliveries, self.mappings,
                self.company.as_of, damaged, snapshots,
            )  # fmt: skip
        join_parts(self.connection, self.work, list(by_contract), damaged)
        self.repaired += [path.relative_to(self.company.root).as_posix() for path in damaged]
        terms = ledger_terms(self.connection, self.work, active, list(by_contract))
        wrong = imbalances(terms, active)
        self.progress("control", 0, 1)
        unsound: list[Path] = []
        # A replaced or rejected content must not fill up what its correction lacks.
        counting = [delivery for delivery in active if not delivery.withdrawn]
        checked = run_controls(
            self.connection, self.work, self.mappings, counting, self.company.as_of, unsound
        )
        self.repaired += [path.relative_to(self.company.root).as_posix() for path in unsound]
        others, missed = self._controls(found, active, refusals, snapshots)
        controls = [result.row() for result in (*others, *checked)]
        self._write_tables(active, refusals, terms, controls, missed)
        self.progress("control", 1, 1)
        _write_rows(self.work / "collect" / "snapshots.parquet", SNAPSHOT_SCHEMA, snapshot_rows(snapshots))
        self.progress("converge", len(by_contract), len(by_contract))
        warnings = tuple(c for c in controls if c["status"] in {"warn", "fail"} and c["level"] != "info")
        unchanged = n_planned - len(landed)
        return CollectReport(
            tuple(landed), unchanged, tuple(refusals), tuple(_totals(self.company, active, terms)), warnings,
            tuple(wrong), changed, tuple(self.repaired),
        )  # fmt: skip

    def _controls(
        self,
        found: Discovery,
        active: list[Delivery],
        refusals: list[Refusal],
        snapshots: list[SnapshotFile],
    ) -> tuple[list[ControlResult], set[tuple[str, str]]]:
        """Controls of files as such, and the (instance, file key) that did not come for the month of the cycle."""
        missed: set[tuple[str, str]] = set()
        results = [landed_result(of, each) for of in active if not of.withdrawn for each in of.controls]
        results += replaced_volumes(self.work, active, self.decisions)
        for judged in (each for file in snapshots for each in file.judgements):
            if judged.state == "incomplete":
                name, of = "snapshot_incomplete", judged.delivery
                results.append(
                    ControlResult(
                        of.source_instance, name, name, "warn", "warn", name, of.delivery_id, of.file_path
                    )
                )
        for repair, state, delivery in repair_states(self.work, self.repairs, active):
            if state != "applied":
                name = "repair_not_applied"
                params = {
                    "line": repair.line,
                    "author": repair.author,
                    "stated_in": repair.stated_in,
                    "state": state,
                }
                results.append(
                    ControlResult(
                        repair.source_instance, name, name, "warn", "warn", name, delivery, repair.file_path,
                        measured=state, params=params,
                    )
                )  # fmt: skip
        for instance, path in found.unmapped:
            name = "unmapped_file"
            results.append(ControlResult(instance, name, name, "info", "warn", name, file_path=path))
        for instance, mapping in self.mappings.items():
            for key, spec in mapping.model.files.items():
                mine = [d for d in active if (d.source_instance, d.file_key) == (instance, key)]
                # Where all are rejected, the file did not come, but is one that comes.
                deliveries = [d for d in mine if not d.withdrawn]
                if spec.is_monthly and mine:
                    came = self._is_delivered(instance, spec, deliveries, active, refusals)
                    missed |= set() if came else {(instance, key)}
                    path = f"{self.sources[instance].folder}/{spec.paths[0]}"
                    results.append(
                        came_for_cycle(instance, key, path, came, deliveries, self.company.cycle, spec)
                    )
        return results, missed

    def _is_delivered(
        self, instance: str, spec: FileSpec, deliveries: list[Delivery], active: list[Delivery],
        refusals: list[Refusal],
    ) -> bool:  # fmt: skip
        """Whether a monthly file came for the month of the cycle.

        The bytes of an earlier month under the path of this one are no delivery of this month, unless they hold no
        record: two quiet months look the same. Nor are late or corrected records of earlier months alone. A refused
        file came; its refusal speaks for itself.
        """

        def is_of_month(path: str) -> bool:
            day = match_paths(spec.paths, inside_folder(self.sources[instance], path))
            return isinstance(day, dt.date) and spec.month_told(day) == self.company.cycle

        came = [d for d in deliveries if d.day and spec.month_told(d.day) == self.company.cycle]
        return (
            any(not d.n_records and any(map(is_of_month, d.file_paths)) for d in deliveries)
            or any(r.source_instance == instance and is_of_month(r.file_path) for r in refusals)
            or tells_of_month(self.connection, self.company, self.mappings[instance], came, active)
        )

    def _write_tables(
        self,
        active: list[Delivery],
        refusals: list[Refusal],
        terms: list[Term],
        controls: list[dict[str, Any]],
        missed: set[tuple[str, str]],
    ) -> None:
        folder = self.work / "collect"
        _write_rows(
            folder / "deliveries.parquet", DELIVERY_SCHEMA, [_delivery_row(d, missed) for d in active]
        )
        _write_rows(
            folder / "refusals.parquet",
            REFUSAL_SCHEMA,
            [
                {
                    "source_instance": r.source_instance,
                    "file_path": r.file_path,
                    "error_code": r.problem.code,
                    "what": r.problem.text("what"),
                    "where_": r.problem.where,
                    "why": r.problem.text("why"),
                    "next_command": r.problem.text("next"),
                    "params": json.dumps(dict(r.problem.params), ensure_ascii=False, sort_keys=True),
                }
                for r in refusals
            ],
        )
        _write_rows(
            folder / "ledger_terms.parquet",
            LEDGER_SCHEMA,
            [
                {
                    "source_instance": t.source_instance,
                    "_delivery_id": t.delivery_id,
                    "contract": t.contract,
                    "term": t.term,
                    "name": t.name,
                    "value": t.value,
                }
                for t in terms
            ],
        )
        _write_rows(folder / "control_results.parquet", CONTROL_SCHEMA, controls)
        quarantined = [
            self.work / "quarantine" / f"{d.delivery_id}.parquet" for d in active if d.has_quarantine
        ]
        columns = {f.name: "BIGINT" if f.type == pa.int64() else "VARCHAR" for f in QUARANTINE_SCHEMA}
        lines = union_query(quarantined, columns)
        waiting = ", ".join(name for name in columns if name not in REPAIR_COLUMNS)
        for table, query in (
            ("quarantine_lines", f"SELECT {waiting} FROM ({lines}) WHERE repaired_line IS NULL"),
            ("repaired_lines", f"SELECT * FROM ({lines}) WHERE repaired_line IS NOT NULL"),
        ):
            write_parquet(self.connection, query, folder / f"{table}.parquet")


DELIVERY_SCHEMA = pa.schema(
    [
        ("_delivery_id", pa.string()), ("source_system", pa.string()), ("source_instance", pa.string()),
        ("mapping", pa.string()), ("mapping_version", pa.int64()), ("mapping_hash", pa.string()),
        ("file_key", pa.string()), ("file_path", pa.string()), ("file_sha256", pa.string()),
        ("file_bytes", pa.int64()), ("text_bytes", pa.int64()),
        ("delivered_on", pa.date32()), ("encoding", pa.string()),
        ("n_physical_lines", pa.int64()), ("n_header_lines", pa.int64()), ("n_blank_lines", pa.int64()),
        ("n_record_lines", pa.int64()), ("n_quarantined_lines", pa.int64()),
        ("n_repaired_lines", pa.int64()), ("n_records", pa.int64()),
        ("reader", pa.string()), ("is_missed", pa.bool_()),
    ]
)  # fmt: skip
REFUSAL_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in (
            "source_instance", "file_path", "error_code", "what", "where_", "why", "next_command", "params",
        )
    ]
)  # fmt: skip
LEDGER_SCHEMA = pa.schema(
    [
        ("source_instance", pa.string()), ("_delivery_id", pa.string()), ("contract", pa.string()),
        ("term", pa.string()), ("name", pa.string()), ("value", pa.int64()),
    ]
)  # fmt: skip


def _delivery_row(delivery: Delivery, missed: set[tuple[str, str]]) -> dict:
    row = {name: getattr(delivery, name, None) for name in DELIVERY_SCHEMA.names}
    is_missed = (delivery.source_instance, delivery.file_key) in missed
    return {**row, "_delivery_id": delivery.delivery_id, "delivered_on": delivery.day, "is_missed": is_missed}


def _write_rows(target: Path, schema: pa.Schema, rows: list[dict]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary, compression="lz4")
    temporary.replace(target)


def _totals(company: Company, active: list[Delivery], terms: list[Term]) -> list[SourceTotals]:
    totals = []
    for source in company.sources:
        own = [t for t in terms if t.source_instance == source.instance]
        summed = {
            name: sum(t.value for t in own if t.term == "C" and t.name == name)
            for name in ("records_in", *RECORD_TERMS)
        }
        totals.append(
            SourceTotals(
                source.instance,
                sum(d.source_instance == source.instance for d in active),
                summed["records_in"],
                summed["kept"],
                {name: summed[name] for name in RECORD_TERMS if name != "kept"},
                sum(t.value for t in own if t.name == "quarantined_lines"),
            )
        )
    return totals
