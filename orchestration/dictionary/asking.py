"""A metric asked of a published file: value, halves, reason and trust, month by month, without any engine beside it.

What does NOT belong here: the definition (metric), text for people (orchestration.commands.metrics). The file is opened
read-only for the time of the question, so that a publication can be swapped in under it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.sql import literal

WHOLE = ("all", "all")
#: The published table that is asked.
MART = "mart_management_kpis_month"


class UnknownNameError(LookupError):
    """A metric, cut, segment or month that the publication does not have. nearest: names like it."""

    def __init__(self, what: str, value: str, nearest: Sequence[str]) -> None:
        super().__init__(f"{what} {value}")
        self.what, self.value, self.nearest = what, value, tuple(nearest)


@dataclass(frozen=True)
class Asked:
    """What is asked. cut: segment kind; segment: one of it, None for all. first, last: months, None without a bound."""

    metric_name: str
    cut: str = "all"
    segment: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Answer:
    """One figure as published. metric_value is None with a reason_code; trust_code is that of the month."""

    period_month: date
    segment_kind_code: str
    segment_code: str
    metric_value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    unit_code: str
    reporting_currency: str | None
    n_immature: int | None
    reason_code: str | None
    caveat_code: str | None
    trust_code: str | None
    is_too_few: bool | None
    rule_ids: str | None
    caveat_fr: str | None
    caveat_en: str | None


#: One pass over the mart, filtered on its key; the trust of a month is one row of the metric.
_QUESTION = """
    select
        kpis.period_month, kpis.segment_kind_code, kpis.segment_code, kpis.metric_value, kpis.numerator,
        kpis.denominator, kpis.unit_code, kpis.reporting_currency, kpis.n_immature, kpis.reason_code,
        kpis.caveat_code, trust.trust_code, trust.is_too_few, trust.rule_ids, trust.caveat_fr, trust.caveat_en
    from m.mart_management_kpis_month as kpis
    left join m.kpi_trust as trust
        on kpis.metric_name = trust.metric_name and kpis.period_month = trust.period_month
    where kpis.metric_name = $metric and kpis.segment_kind_code = $cut
        and ($segment is null or kpis.segment_code = $segment)
        and ($first is null or kpis.period_month >= $first)
        and ($last is null or kpis.period_month <= $last)
    order by kpis.period_month, kpis.segment_code
"""


@contextmanager
def opened(marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the published file as catalogue `m`, read-only. Raises duckdb.IOException when it is none."""
    con = duckdb.connect()
    try:
        con.execute(f"attach {literal(str(marts))} as m (read_only)")
        yield con
    finally:
        con.close()


def ask(con: duckdb.DuckDBPyConnection, asked: Asked) -> list[Answer]:
    """The figures, by month and segment. con: see `opened`. Raises UnknownNameError, never an empty list."""
    rows = con.execute(
        _QUESTION,
        {
            "metric": asked.metric_name,
            "cut": asked.cut,
            "segment": asked.segment,
            "first": asked.first,
            "last": asked.last,
        },
    ).fetchall()
    if not rows:
        _explain_nothing(con, asked)
    return [Answer(*row) for row in rows]


def standing(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """publication_id, cycle, company and verdict of the publication that the file is."""
    cursor = con.execute(
        "select publication_id, cycle, company, verdict, reporting_currency from m.dim_publication where is_current"
    )
    names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchone() or (), strict=False))


def _explain_nothing(con: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    known = _values(con, "metric_name", "true", asked)
    if asked.metric_name not in known:
        raise UnknownNameError("metric", asked.metric_name, nearest(asked.metric_name, known))
    cuts = _values(con, "segment_kind_code", "metric_name = $metric", asked)
    if asked.cut not in cuts:
        raise UnknownNameError("cut", asked.cut, [cut for cut in cuts if cut != "all"])
    segments = _values(con, "segment_code", "metric_name = $metric and segment_kind_code = $cut", asked)
    if asked.segment is not None and asked.segment not in segments:
        raise UnknownNameError("segment", asked.segment, nearest(asked.segment, segments))
    months = _values(con, "strftime(period_month, '%Y-%m')", "metric_name = $metric", asked)
    raise UnknownNameError("month", _span(asked), [f"{months[0]} .. {months[-1]}"])


def _values(con: duckdb.DuckDBPyConnection, column: str, condition: str, asked: Asked) -> list[str]:
    given = {"metric": asked.metric_name, "cut": asked.cut}
    rows = con.execute(
        f"select distinct {column} from m.mart_management_kpis_month where {condition} order by 1",
        {name: value for name, value in given.items() if f"${name}" in condition},
    ).fetchall()
    return [value for (value,) in rows]


def _span(asked: Asked) -> str:
    bounds = [f"{month:%Y-%m}" if month else "" for month in (asked.first, asked.last)]
    return bounds[0] if bounds[0] == bounds[1] else " .. ".join(bounds)


def nearest(value: str, known: Sequence[str]) -> list[str]:
    """Up to three names like `value`: those that contain it first, then those written alike."""
    inside = [name for name in known if value and value in name]
    alike = difflib.get_close_matches(value, known, n=3, cutoff=0.4)
    return list(dict.fromkeys([*inside, *alike]))[:3] or list(known)[:3]
