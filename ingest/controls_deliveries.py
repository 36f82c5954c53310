"""Controls of deliveries as such: volume and last timestamp against the delivery before, repeated keys, required
values, age of the newest delivery.

What does NOT belong here: checks of rows (controls_measures.py), controls that refuse a file (controls.py).
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb

from ingest.check_model import CheckSpec
from ingest.check_names import contract_of
from ingest.contract import load_contract
from ingest.controls_judging import share_text
from ingest.controls_result import ControlResult, breached
from ingest.deliveries import Delivery, raw_file
from ingest.mapping import FileSpec, Mapping
from ingest.sql import files_literal, ident, literal

DEFAULT_MAX_DROP = 0.5
# A file of which half the records repeat a key has a key that does not tell its records apart.
MAX_REPEATED = 0.5
# One record in a hundred without its required values is the noise of any source.
MAX_UNREADABLE = 0.01
FEW_RECORDS = 20
# Half of a handful is chance, unless a mapping asks.
FEW_BEFORE = 10
# A month is held against the smallest of a year, so that every August is no alarm; one month is no history.
HISTORY, SHORT_HISTORY = 12, 2
_UNREADABLE = ("required_value_missing", "required_value_invalid")


@dataclass(frozen=True)
class Source:
    """One source: its mapping and its landed deliveries."""

    instance: str
    mapping: Mapping
    deliveries: tuple[Delivery, ...]

    @property
    def by_contract(self) -> dict[str, list[Delivery]]:
        """Contract -> deliveries with rows of it, by name."""
        found: dict[str, list[Delivery]] = {}
        for delivery in self.deliveries:
            for name in delivery.tables:
                found.setdefault(name, []).append(delivery)
        return dict(sorted(found.items()))

    def files(self, work: Path, contract: str) -> str:
        """SQL list of the raw files of a contract."""
        deliveries = self.by_contract[contract]
        return files_literal([raw_file(work, contract, self.instance, d.delivery_id) for d in deliveries])


def delivery_controls(
    connection: duckdb.DuckDBPyConnection, work: Path, source: Source, as_of: dt.datetime
) -> list[ControlResult]:
    """Every control of this module for one source. as_of: naive UTC instant at which the cycle ends."""
    results = list(_volumes(source))
    results += _last_timestamps(connection, work, source, as_of)
    for contract in source.by_contract:
        results += _of_records(connection, work, source, contract)
        results += _freshness(source, contract, as_of)
    return results


@dataclass(frozen=True)
class Batch:
    """What came for one entry of the mapping on one date; several files may match its path."""

    key: str
    deliveries: tuple[Delivery, ...]
    is_newest: bool

    @property
    def day(self) -> dt.date | None:
        return self.deliveries[0].day

    @property
    def n_records(self) -> int:
        return sum(d.n_records for d in self.deliveries)

    @property
    def place(self) -> tuple[str | None, str]:
        """Delivery and path when it is one file, else the folder of the first."""
        if len(self.deliveries) == 1:
            return self.deliveries[0].delivery_id, self.deliveries[0].file_path
        return None, f"{PurePosixPath(self.deliveries[0].file_path).parent}/ ({len(self.deliveries)})"

    def level(self, declared: str) -> str:
        """An older delivery was judged when it was the newest: it only tells."""
        return declared if self.is_newest else "info"


def _batches(source: Source, key: str) -> list[Batch]:
    """Dated deliveries of one entry by date; undated ones have no order."""
    dated = sorted(
        (d for d in source.deliveries if d.file_key == key and d.delivered_on),
        key=lambda d: (d.delivered_on or "", d.file_path),
    )
    groups = [tuple(members) for _, members in itertools.groupby(dated, key=lambda d: d.delivered_on)]
    return [Batch(key, members, members is groups[-1]) for members in groups]


def _months(spec: FileSpec, batches: list[Batch]) -> list[tuple[str, int]]:
    """(month, records) of batches by date: what came on several dates of a month adds up, the late file and the first.

    A snapshot is all there is at its date: the newest one of the month stands for it.
    """
    found: dict[str, int] = {}
    for batch in batches:
        month = spec.month_told(batch.day) if batch.day else ""  # only dated ones become batches
        found[month] = batch.n_records + (0 if spec.snapshot else found.get(month, 0))
    return list(found.items())


def _volumes(source: Source) -> list[ControlResult]:
    """Records of each date against those of the date before, for the same entry of the mapping.

    The newest month of a file that must come every month holds when all that came for it is far fewer than the
    smallest of its year: a file cut between two rows ends like a whole one. The month of the first export is none of
    that history.
    """
    declared = {check.file: check for check in source.mapping.model.checks if check.type == "volume"}
    results = []
    for key in sorted(source.mapping.model.files):
        check = declared.get(key)
        name = check.name if check else f"volume_{key}"
        # A first export often holds all of the past and the next one a month: two kinds of delivery. Only the newest
        # is compared with it, when nothing else came between.
        spec = source.mapping.model.files[key]
        is_snapshot = spec.snapshot is not None
        max_drop = (check.max_drop if check else None) or DEFAULT_MAX_DROP
        batches = _batches(source, key)
        for position, (before, after) in enumerate(itertools.pairwise([None, *batches])):
            assert after is not None  # only the first has none before it
            level = after.level(check.level if check else "warn")
            params: dict[str, object] = {"rows": after.n_records}
            status, code, floor = "not_assessed", "volume_first", None
            if before is not None and check is None and before.n_records < FEW_BEFORE:
                code = "too_few"
                params |= {"n": before.n_records, "fewest": FEW_BEFORE}
            elif before is batches[0] and not after.is_newest and check is None and not is_snapshot:
                code = "volume_after_first"
                params |= {"before": before.n_records, "before_on": str(before.day)}
            elif before is not None:
                floor = before.n_records * (1 - max_drop)
                status = breached(level) if after.n_records < floor else "pass"
                code = "volume"
                params |= {"before": before.n_records, "before_on": str(before.day), "floor": f"{floor:.0f}"}
            n_records = after.n_records
            *history, (month, n_month) = _months(spec, batches[: position + 1])
            history = history[0 if is_snapshot else 1 :][-HISTORY:]
            if check is None and spec.is_monthly and after.is_newest and len(history) >= SHORT_HISTORY:
                least_on, least = min(history, key=lambda told: (told[1], told[0]))
                lowest = least * (1 - max_drop)
                if least >= FEW_BEFORE and n_month < lowest:
                    level, status, code, floor = "error", breached("error"), "volume_history", lowest
                    n_records = n_month
                    params |= {
                        "rows": n_month, "month": month, "dates": len(history), "least": least,
                        "least_on": least_on, "floor": f"{lowest:.0f}", "control": f"{source.instance}/{name}",
                    }  # fmt: skip
            results.append(
                ControlResult(
                    source.instance, name, "volume", level, status, code, *after.place,
                    n_evaluated=n_records, n_failed=0, measured=str(n_records),
                    threshold=None if floor is None else f"{floor:.0f}",
                    previous=None if before is None else str(before.n_records), params=params,
                )
            )  # fmt: skip
    return results


def _last_timestamps(
    connection: duckdb.DuckDBPyConnection, work: Path, source: Source, as_of: dt.datetime
) -> list[ControlResult]:
    results = []
    for check in source.mapping.model.checks:
        if check.type == "last_timestamp" and check.table:
            contract = contract_of(source.mapping.model, check.table).name
            if contract in source.by_contract:
                results += _last_of(connection, work, source, check, contract, as_of)
    return results


def _last_of(
    connection: duckdb.DuckDBPyConnection, work: Path, source: Source, check: CheckSpec, contract: str,
    as_of: dt.datetime,
) -> list[ControlResult]:  # fmt: skip
    """Newest value of each date: later than that of the date before, not in the future of its own date.

    All readable rows count: a record that a later delivery repeats is superseded, and still was delivered.
    """
    column = ident(check.column or "")
    found = connection.execute(
        f"SELECT _delivery_id, CAST(max({column}) AS TIMESTAMP), count({column}) FROM "
        f"read_parquet({source.files(work, contract)}) WHERE _set_aside IS NULL GROUP BY _delivery_id"
    ).fetchall()
    last = {delivery: (moment, n) for delivery, moment, n in found if moment is not None}
    results = []
    for key in sorted({d.file_key for d in source.by_contract[contract]}):
        previous: dt.datetime | None = None
        for batch in _batches(source, key):
            known = [last[d.delivery_id] for d in batch.deliveries if d.delivery_id in last]
            if not known:
                continue
            moment, n = max(moment for moment, _ in known), sum(n for _, n in known)
            # Two days are the room that zones and a delivery made after midnight need.
            day = batch.day or as_of.date()
            bound = max(as_of, dt.datetime.combine(day, dt.time()) + dt.timedelta(days=2))
            params = {"column": check.column, "last": _minute(moment), "bound": _minute(bound)}
            params |= {"before": _minute(previous)} if previous else {}
            code, is_breach = ("last_timestamp" if previous else "last_timestamp_first"), False
            if moment >= bound:
                code, is_breach = "last_timestamp_ahead", True
            elif previous and moment <= previous:
                code, is_breach = "last_timestamp_not_later", True
            level = batch.level(check.level)
            results.append(
                ControlResult(
                    source.instance, check.name, check.type, level, breached(level) if is_breach else "pass", code,
                    *batch.place, contract, check.column, n, 0, _minute(moment), _minute(bound),
                    _minute(previous) if previous else None, params,
                )
            )  # fmt: skip
            previous = moment
    return results


def _of_records(
    connection: duckdb.DuckDBPyConnection, work: Path, source: Source, contract: str
) -> list[ControlResult]:
    """Repeated keys inside one file, and records set aside for want of a required value.

    A file that fills several contracts repeats by nature what is not its own record: the customer of each line.
    """
    n = sum(d.tables[contract] for d in source.by_contract[contract])
    parts = work / "collect" / "parts" / f"{contract}.dispositions.parquet"
    counted = connection.execute(
        "SELECT _delivery_id, count(*) FILTER (WHERE winner_delivery_id = _delivery_id), "
        f"count(*) FILTER (WHERE reason_code IN ({', '.join(literal(code) for code in _UNREADABLE)})) "
        f"FROM read_parquet({literal(str(parts))}) WHERE source_instance = {literal(source.instance)} GROUP BY ALL"
    ).fetchall()
    unreadable = sum(row[2] for row in counted)
    sizes = {d.delivery_id: d for d in source.by_contract[contract]}
    repeated = {row[0]: row[1] for row in counted}
    enough = [d for d in sizes.values() if d.tables[contract] >= FEW_RECORDS and len(d.tables) == 1]
    worst = max(
        enough,
        key=lambda d: (repeated.get(d.delivery_id, 0) / d.tables[contract], d.delivery_id),
        default=None,
    )
    shares = [
        ("key", repeated.get(worst.delivery_id, 0), worst.tables[contract], MAX_REPEATED, worst)
        if worst
        else ("key", 0, 0, MAX_REPEATED, None),
        ("required", unreadable, n, MAX_UNREADABLE, None),
    ]
    return [_share(source, contract, *each) for each in shares]


def _share(
    source: Source, contract: str, kind: str, failed: int, n: int, allowed: float, delivery: Delivery | None
) -> ControlResult:
    code, status = kind, breached("warn") if failed > allowed * n else "pass"
    params = {"failed": failed, "n": n, "contract": contract, "allowed": allowed, "fewest": FEW_RECORDS}
    if n < FEW_RECORDS:
        code, status = "too_few", "not_assessed"
    return ControlResult(
        source.instance, f"{kind}_{contract}", kind, "warn", status, code,
        delivery.delivery_id if delivery else None, delivery.file_path if delivery else "", contract, None,
        n, failed, share_text(failed, n), f"{allowed:g}", None, params,
    )  # fmt: skip


def _freshness(source: Source, contract: str, as_of: dt.datetime) -> list[ControlResult]:
    """Age of the newest delivery against the contract's deadline.

    A file that must come every month has `delivered_for_cycle`; one that comes when it changes is never late.
    """
    files = source.mapping.model.files
    dated = [
        d.day
        for d in source.by_contract[contract]
        if d.day and not files[d.file_key].is_monthly and files[d.file_key].cadence != "on_change"
    ]
    if not dated:
        return []
    days, last = load_contract(contract).freshness_days, max(dated)
    age = (as_of.date() - last).days
    params = {"contract": contract, "last": last.isoformat(), "age": age, "days": days}
    return [
        ControlResult(
            source.instance, f"freshness_{contract}", "freshness", "warn",
            breached("warn") if age > days else "pass", "freshness", contract=contract, measured=str(age),
            threshold=str(days), params=params,
        )
    ]  # fmt: skip


def _minute(moment: dt.datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes")
