"""What was published when, and on what it stood: the log of publications, and per publication its rules, row accounts
and KPIs.

published/registry holds four files. `publication_log.parquet` has one row per event (published, rolled back) and says
what counts; rows of `rule_history`, `account_history` and `kpi_history` whose publication it does not name were left
by a run that died, and go with the next publication. The log is written last: a process killed anywhere leaves the
former history or the new one, and the same publication again changes nothing.
What does NOT belong here: receipts (see receipts), the comparison with an earlier publication (expectations.ratchet).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.ratchet import Baseline, Counted
from ingest.sql import literal
from orchestration.crash_points import crash_point
from orchestration.publication.files import replace_file
from orchestration.publication.receipts import now_text, receipts

if TYPE_CHECKING:
    from expectations.control_findings import ControlFinding

LOG = "publication_log.parquet"
RULES, ACCOUNTS, KPIS = "rule_history.parquet", "account_history.parquet", "kpi_history.parquet"

_OF_PUBLICATION = [("sequence", pa.int32()), ("publication_id", pa.string()), ("cycle", pa.string())]
#: One row per publication, rule and table. rule_version: of the definition (expectations.ratchet), null without one.
RULE_SCHEMA = pa.schema(
    [
        *_OF_PUBLICATION,
        ("rule_id", pa.string()),
        ("table_name", pa.string()),
        ("dimension", pa.string()),
        ("layer", pa.string()),
        ("severity", pa.string()),
        ("owner", pa.string()),
        ("status", pa.string()),
        ("n_evaluated", pa.int64()),
        ("n_failed", pa.int64()),
        ("rule_version", pa.string()),
    ]
)
#: Dimension of a control by its kind, of any other validity.
DIMENSIONS_OF_CONTROLS = {
    "clock": "consistency",
    "constant": "plausibility",
    "control_total": "reconciliation",
    "freshness": "timeliness",
    "hours": "consistency",
    "key": "uniqueness",
    "last_timestamp": "timeliness",
    "order": "consistency",
    "orphan": "integrity",
    "required": "completeness",
    "volume": "volume",
}
_WORST_FIRST = ("fail", "warn", "waived", "pass", "not_assessed")
_LEVELS = ("error", "warn", "info")
_FATES = ("records_in", "kept", "quarantined", "excluded", "exact_duplicate", "superseded", "suppressed")
#: One row per publication, source and contract: term C of the ledger.
ACCOUNT_SCHEMA = pa.schema(
    [
        *_OF_PUBLICATION,
        ("source_instance", pa.string()),
        ("contract", pa.string()),
        *((name, pa.int64()) for name in _FATES),
    ]
)
#: One row per publication, metric and month, of the whole company; value is null where the publication gave none.
KPI_SCHEMA = pa.schema(
    [
        *_OF_PUBLICATION,
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("value", pa.decimal128(38, 10)),
        ("unit_code", pa.string()),
    ]
)
_SCHEMAS = {RULES: RULE_SCHEMA, ACCOUNTS: ACCOUNT_SCHEMA, KPIS: KPI_SCHEMA}


@dataclass(frozen=True)
class Publication:
    """One publication of the log. sequence: 1 for the first one of the company; the same again keeps its number."""

    sequence: int
    publication_id: str
    company: str
    cycle: str
    as_of: datetime
    verdict: str
    reporting_currency: str
    code_version: str
    policy_version: str
    ledger_hash: str
    n_deliveries: int
    last_delivery_on: date | None


@dataclass(frozen=True)
class Event:
    """One change of what readers see. event_code: published or rolled_back, to `publication`."""

    event_code: str
    publication: Publication
    left_publication_id: str | None
    recorded_at: str


_TYPES = {
    "sequence": pa.int32(),
    "as_of": pa.timestamp("us"),
    "n_deliveries": pa.int32(),
    "last_delivery_on": pa.date32(),
}
LOG_SCHEMA = pa.schema(
    [
        ("event_code", pa.string()),
        *((each.name, _TYPES.get(each.name, pa.string())) for each in fields(Publication)),
        ("left_publication_id", pa.string()),
        ("recorded_at", pa.string()),  # UTC; no published table has it
    ]
)


def read_log(published: Path) -> list[Event]:
    """Every event, oldest first. Without the file, the publications of the receipts in the order of their dates."""
    path = published / "registry" / LOG
    if not path.is_file():
        found = [_of_receipt(number, each) for number, each in enumerate(receipts(published), start=1)]
        return [Event("published", each, None, moment) for each, moment in found]
    names = [each.name for each in fields(Publication)]
    return [
        Event(
            row["event_code"], Publication(**{name: row[name] for name in names}), row["left_publication_id"],
            row["recorded_at"],
        )
        for row in pq.read_table(path).to_pylist()
    ]  # fmt: skip


def _of_receipt(number: int, receipt: Mapping[str, Any]) -> tuple[Publication, str]:
    settings = receipt["settings"]
    delivered = [each["delivered_on"] for each in receipt["deliveries"] if each["delivered_on"]]
    publication = Publication(
        sequence=number,
        as_of=datetime.fromisoformat(settings["as_of"]),
        reporting_currency=settings["reporting_currency"],
        n_deliveries=len(receipt["deliveries"]),
        last_delivery_on=date.fromisoformat(max(delivered)) if delivered else None,
        **{
            name: receipt[name]
            for name in (
                "publication_id", "company", "cycle", "verdict", "code_version", "policy_version", "ledger_hash"
            )
        },
    )  # fmt: skip
    return publication, receipt["published_at"]


def before(events: Sequence[Event], publication_id: str) -> list[Event]:
    """The events before a publication was made for the first time; all of them when it never was."""
    for number, event in enumerate(events):
        if event.event_code == "published" and event.publication.publication_id == publication_id:
            return list(events[:number])
    return list(events)


def sequence_of(events: Sequence[Event], publication_id: str) -> int:
    """The number of a publication, the next free one when it is new."""
    numbers = {event.publication.publication_id: event.publication.sequence for event in events}
    return numbers.get(publication_id) or max(numbers.values(), default=0) + 1


def standing(events: Iterable[Event]) -> list[Publication]:
    """Publications that no rollback took back, in the order they were put in place; the last one is live."""
    stack: list[Publication] = []
    for event in events:
        ids = [each.publication_id for each in stack]
        if event.publication.publication_id in ids:
            number = ids.index(event.publication.publication_id)
            if event.event_code == "rolled_back":
                stack = stack[: number + 1]
                continue
            stack.pop(number)
        stack.append(event.publication)
    return stack


def last_publication(events: Sequence[Event], publication_id: str, cycle: str) -> Publication | None:
    """What a run is compared with: of the publications that stood before it, the last one of the latest earlier
    month; without one, the first of its own month.

    Not the last of its own month: published twice, what got worse would be its own measure. A run that is made again
    is compared with what it was compared with the first time.
    """
    stood = standing(before(events, publication_id))
    earlier = [each for each in stood if each.cycle < cycle]
    if earlier:
        return max(reversed(earlier), key=lambda each: each.cycle)
    own = (each for each in stood if each.cycle == cycle)
    return min(own, key=lambda each: each.sequence, default=None)


def publications_until(events: Sequence[Event], publication: Publication) -> list[dict[str, Any]]:
    """Rows of dim_publication: what was published up to `publication`, itself last, as it was known then."""
    past = before(events, publication.publication_id)
    known = {event.publication.publication_id: event.publication for event in past}
    stand = {each.publication_id for each in standing(past)}
    rows = [asdict(each) | {"is_rolled_back": each.publication_id not in stand} for each in known.values()]
    rows.append(asdict(publication) | {"is_rolled_back": False})
    rows.sort(key=lambda row: row["sequence"])
    return [row | {"is_current": row["publication_id"] == publication.publication_id} for row in rows]


def read_baseline(published: Path, publication: Publication) -> Baseline:
    """What a publication counted: rules that were assessed, and records quarantined by source and contract."""
    of_it = pc.field("publication_id") == publication.publication_id
    rules = _rows(published, RULES, of_it & (pc.field("status") != "not_assessed"))
    accounts = _rows(published, ACCOUNTS, of_it)
    return Baseline(
        publication.publication_id,
        {
            (row["rule_id"], row["table_name"]): Counted(
                row["n_evaluated"], row["n_failed"], row["rule_version"] or ""
            )
            for row in rules
        },
        {
            (row["source_instance"], row["contract"]): Counted(row["records_in"], row["quarantined"])
            for row in accounts
        },
    )


def _rows(published: Path, name: str, condition: pc.Expression) -> list[dict[str, Any]]:
    path = published / "registry" / name
    return pq.read_table(path, filters=condition).to_pylist() if path.is_file() else []


def row_accounts(con: duckdb.DuckDBPyConnection, work: Path) -> pa.Table:
    """Term C of collect/ledger_terms.parquet by source and contract, one column per fate."""
    path = work / "collect" / "ledger_terms.parquet"
    sums = ", ".join(
        f"cast(coalesce(sum(value) filter (name = {literal(name)}), 0) as bigint) as {name}"
        for name in _FATES
    )
    return con.sql(
        f"select source_instance, contract, {sums} from read_parquet({literal(str(path))})"
        " where term = 'C' and contract is not null group by all order by all"
    ).to_arrow_table()


def rule_rows(results: Path, versions: Mapping[tuple[str, str], str]) -> pa.Table:
    """rule_results.parquet with the version of each rule's definition."""
    found = pq.read_table(results)
    keys = zip(found["rule_id"].to_pylist(), found["table_name"].to_pylist(), strict=True)
    return found.append_column("rule_version", pa.array([versions.get(key) for key in keys], pa.string()))


def with_controls(rules: pa.Table, controls: Iterable[ControlFinding]) -> pa.Table:
    """Rows of rule_history: those of rule_rows, and one per control of what was delivered and contract.

    Several deliveries of one control are one row: their counts together, and the worst status that any of them has.
    """
    schema = pa.schema([column for column in RULE_SCHEMA if column.name not in dict(_OF_PUBLICATION)])
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for each in controls:
        row = found.setdefault(
            (each.rule_id, each.table_name),
            {
                "rule_id": each.rule_id,
                "table_name": each.table_name,
                "dimension": DIMENSIONS_OF_CONTROLS.get(each.result.kind, "validity"),
                "layer": "delivery",
                "severity": each.severity,
                "status": each.status,
                "n_evaluated": 0,
                "n_failed": 0,
            },
        )
        row["n_evaluated"] += each.result.n_evaluated or 0
        row["n_failed"] += each.result.n_failed or 0
        row["status"] = min(row["status"], each.status, key=_WORST_FIRST.index)
        row["severity"] = min(row["severity"], each.severity, key=_LEVELS.index)
    added = pa.Table.from_pylist([found[key] for key in sorted(found)], schema=schema)
    return pa.concat_tables([rules.select(schema.names).cast(schema), added])


def kpi_rows(con: duckdb.DuckDBPyConnection, relation: str) -> pa.Table:
    """Company rows of the management mart that the publication tells a figure or a reason for.

    A metric known for the month of the cycle only has no figure of earlier months: nothing moved there since the
    publication of that month, which keeps its own.
    """
    return con.sql(
        "select metric_name, period_month, cast(metric_value as decimal(38, 10)) as value, unit_code"
        f" from {relation} where segment_kind_code = 'all'"
        " and reason_code is distinct from 'known_for_the_cycle_only' order by all"
    ).to_arrow_table()


def kpis_as_published(
    published: Path, metric: str, period_month: date | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """A metric as each publication gave it (for its own month, or for `period_month`), and the metrics there are.

    Rows: publication_id, period_month, value, unit_code.
    """
    path = published / "registry" / KPIS
    if not path.is_file():
        return [], []
    table = pq.read_table(
        path, columns=["publication_id", "cycle", "metric_name", "period_month", "value", "unit_code"]
    )
    names = sorted(pc.unique(table["metric_name"]).to_pylist())
    rows = table.filter(pc.field("metric_name") == metric).to_pylist()
    return [
        row
        for row in rows
        if row["period_month"] == (period_month or date.fromisoformat(f"{row['cycle']}-01"))
    ], names


def kpis_of(published: Path, publications: set[str]) -> pa.Table:
    """Rows of kpi_history of the given publications; none before the first one."""
    path = published / "registry" / KPIS
    if not path.is_file():
        return KPI_SCHEMA.empty_table()
    table = pq.read_table(path, schema=KPI_SCHEMA)
    return table.filter(pc.is_in(table["publication_id"], pa.array(sorted(publications), pa.string())))


def record_publication(published: Path, publication: Publication, shares: Mapping[str, pa.Table]) -> None:
    """Add a publication to the history; `shares`: file name -> its rows, without the columns of the publication."""
    folder = published / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    events = read_log(published)
    others = {event.publication.publication_id for event in events} - {publication.publication_id}
    for name, rows in shares.items():
        _replace_share(folder / name, _SCHEMAS[name], publication, rows, others)
        crash_point("publication.history_appended")
    left = events[-1].publication.publication_id if events else None
    if left != publication.publication_id or not (folder / LOG).is_file():
        known = (
            events
            if left == publication.publication_id
            else [*events, Event("published", publication, left, now_text())]
        )
        _write_log(folder / LOG, known)
    crash_point("publication.log_appended")


def record_rollback(published: Path, publication_id: str) -> None:
    """Note that readers are given an earlier publication again; nothing when they have it."""
    events = read_log(published)
    live = events[-1].publication.publication_id if events else None
    known = {event.publication.publication_id: event.publication for event in events}
    if live == publication_id or publication_id not in known:
        return
    event = Event("rolled_back", known[publication_id], live, now_text())
    (published / "registry").mkdir(parents=True, exist_ok=True)
    _write_log(published / "registry" / LOG, [*events, event])


def _write_log(path: Path, events: Sequence[Event]) -> None:
    rows = [
        asdict(event.publication)
        | {name: getattr(event, name) for name in ("event_code", "left_publication_id", "recorded_at")}
        for event in events
    ]
    _write(pa.Table.from_pylist(rows, schema=LOG_SCHEMA), path)


def _replace_share(
    path: Path, schema: pa.Schema, publication: Publication, rows: pa.Table, others: set[str]
) -> None:
    """The rows of one publication in a history file: those of `others` stay, every other one goes."""
    constant = {name: pa.scalar(getattr(publication, name), kind) for name, kind in _OF_PUBLICATION}
    columns = []
    for column in schema:
        if column.name in constant:
            columns.append(pa.repeat(constant[column.name], rows.num_rows))
        elif column.name in rows.column_names:
            columns.append(rows[column.name].cast(column.type))
        else:
            columns.append(pa.nulls(rows.num_rows, column.type))
    share = pa.Table.from_arrays(columns, schema=schema)
    if path.is_file():
        former = pq.read_table(path, schema=schema)
        former = former.filter(pc.is_in(former["publication_id"], pa.array(sorted(others), pa.string())))
        share = pa.concat_tables([former, share])
    _write(share.sort_by("sequence"), path)


def _write(table: pa.Table, path: Path) -> None:
    aside = path.with_suffix(".aside")
    pq.write_table(table, aside, compression="zstd")
    replace_file(aside, path)
