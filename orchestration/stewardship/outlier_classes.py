"""What people say of outliers: <company>/stewardship/outlier_classes.csv, which only grows.

A line gives the value of a record in a metric a class, or gives it back to the rules (class `rule`); the last line
about a value holds. Only the class `error` takes a value out of the data; any other keeps one that a rule calls so.
What does NOT belong here: which values are outliers (quality_dbt.dq_outliers), the command line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from orchestration.stewardship.decisions import decision_id
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.growing_files import append_line, read_lines, wrong_value

FILE = "outlier_classes.csv"
COLUMNS = ("decision_id", "metric_code", "record_key", "class_code", "author", "reason", "decided_at")
CLASSES = ("error", "risk", "exceptional", "opportunity", "risk_to_review")
#: The class by which a person takes back what people said: the rules decide again.
AS_RULED = "rule"
#: Metrics whose outliers people can class. A repeated event is set aside when it is collected, before any class.
METRICS = (
    "opportunity_amount",
    "touches_per_lead",
    "touches_per_hour_of_rep",
    "touches_per_hour_to_person",
    "call_duration_s",
    "meeting_duration_s",
)
#: Columns in which people write what they like.
_FREE = ("author", "reason")

SCHEMA = pa.schema(
    [
        ("decision_id", pa.string()),
        ("metric_code", pa.string()),
        ("record_key", pa.string()),
        ("class_code", pa.string()),
        ("author", pa.string()),
        ("reason", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("status", pa.string()),
    ]
)


@dataclass(frozen=True)
class OutlierClass:
    """One line: the class of the value of a record in a metric. decided_at: naive UTC."""

    decision_id: str
    metric_code: str
    record_key: str
    class_code: str
    author: str
    reason: str
    decided_at: dt.datetime

    @property
    def outlier_key(self) -> str:
        """The key that dq_outliers gives the value."""
        return f"{self.metric_code}:{self.record_key}"


def decide(
    outlier_key: str, class_code: str, author: str, reason: str, decided_at: dt.datetime
) -> OutlierClass:
    """The line that gives a value a class. Raises StewardshipError E-STW-018 for a value nobody can class."""
    metric, _, record = outlier_key.partition(":")
    if metric not in METRICS or not record:
        raise StewardshipError("E-STW-018", outlier_key, is_usage=True, possible=", ".join(METRICS))
    name = decision_id(
        "outlier", metric, record, class_code, author, reason, f"{decided_at:%Y-%m-%dT%H:%M:%S}"
    )
    return OutlierClass(name, metric, record, class_code, author, reason, decided_at)


def read_outlier_classes(folder: Path) -> tuple[OutlierClass, ...]:
    """Every line below `folder`, in the order of the file; none without a file.

    Raises StewardshipError E-STW-001, 002, 003 or 005: other columns, a wrong value, a repeated id, no text.
    """
    found: list[OutlierClass] = []
    places: dict[str, str] = {}
    for where, cells in read_lines(folder, FILE, COLUMNS, _FREE):
        line = _line(cells, where)
        if line.decision_id in places:
            other = places[line.decision_id]
            raise StewardshipError("E-STW-003", where, is_usage=True, decision=line.decision_id, other=other)
        places[line.decision_id] = where
        found.append(line)
    return tuple(found)


def append_outlier_class(folder: Path, made: OutlierClass) -> None:
    """Add a line. The file is replaced by rename, readable by its owner only."""
    cells = {name: getattr(made, name) for name in COLUMNS}
    append_line(folder, FILE, COLUMNS, cells | {"decided_at": f"{made.decided_at:%Y-%m-%dT%H:%M:%SZ}"}, _FREE)


def statuses(lines: Sequence[OutlierClass]) -> dict[str, str]:
    """Id of each line -> active, replaced (a later line is about the same value) or withdrawn (back to the rules)."""
    last = {line.outlier_key: line for line in lines}
    return {
        line.decision_id: "replaced"
        if last[line.outlier_key] is not line
        else ("withdrawn" if line.class_code == AS_RULED else "active")
        for line in lines
    }


def outlier_table(lines: Sequence[OutlierClass]) -> pa.Table:
    """The lines with their status (SCHEMA)."""
    status = statuses(lines)
    rows = [
        {name: getattr(line, name) for name in COLUMNS} | {"status": status[line.decision_id]}
        for line in lines
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _line(meant: dict[str, str], where: str) -> OutlierClass:
    for name in COLUMNS:
        if not meant[name]:
            raise wrong_value(where, name, "", "...")
    for name, possible in (("metric_code", METRICS), ("class_code", (*CLASSES, AS_RULED))):
        if meant[name] not in possible:
            raise wrong_value(where, name, meant[name], ", ".join(possible))
    try:
        decided_at = dt.datetime.fromisoformat(meant["decided_at"].removesuffix("Z"))
    except ValueError:
        decided_at = None
    if decided_at is None or decided_at.tzinfo is not None:
        raise wrong_value(where, "decided_at", meant["decided_at"], "yyyy-mm-ddThh:mm:ssZ")
    return OutlierClass(**{**meant, "decided_at": decided_at})
