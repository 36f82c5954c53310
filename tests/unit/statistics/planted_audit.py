"""Leads with touches and cadences in a candidate warehouse, as the Quantify step reads them.

What does NOT belong here: what the step must say about them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
from planted_warehouse_of_deals import AS_OF, add

WINDOW = 30


def add_audit_lead(
    con: duckdb.DuckDBPyConnection,
    name: str,
    created: datetime,
    touches: tuple[tuple[float, str, bool], ...] = (),
    converted_after: float | None = None,
    **values: object,
) -> None:
    """A lead and its touches: (days after creation, channel, effective), outbound; the TTF is that of the cadences.

    Business hours are half of the hours by the clock: the calendar is not what is tested here.
    """
    converted = None if converted_after is None else created + timedelta(days=converted_after)
    add(
        con, "master.fct_leads", lead_id=name, channel_code="inbound", converted_at=converted,
        converted_on=converted and converted.date(), is_created_day_only=False, is_converted_day_only=False,
    )  # fmt: skip
    age = (AS_OF - created) / timedelta(hours=1)
    tried = [days * 24 for days, _, _ in touches]
    reached = [days * 24 for days, _, is_effective in touches if is_effective]
    first = min(reached, default=None)
    add(con, "metrics.fct_lead_cadences", **{
        "lead_id": name, "account_id": "a1", "channel_code": "inbound", "size_band_code": "smb", "rep_id": "r1",
        "created_at": created, "created_on": created.date(), "is_dated": True,
        "is_matured": created + timedelta(days=WINDOW) <= AS_OF,
        "is_converted_in_window": converted_after is not None and converted_after < WINDOW,
        "n_effective_touches": sum(hours < WINDOW * 24 for hours in reached),
        "ttf_status_code": "contacted" if reached else "never_contacted",
        "ttf_hours": first, "ttf_observed_hours": age if first is None else first,
        "ttf_business_hours": first and first / 2,
        "ttf_business_observed_hours": age / 2 if first is None else first / 2,
        "attempt_hours": min(tried, default=None), "attempt_observed_hours": min(tried, default=age),
        "first_touch_at": created + timedelta(hours=min(tried)) if tried else None,
        "first_effective_at": None if first is None else created + timedelta(hours=first), **values,
    })  # fmt: skip
    for place, (days, channel, is_effective) in enumerate(touches):
        add(
            con, "master.fct_touches", lead_id=name, occurred_at=created + timedelta(days=days),
            is_effective=is_effective, channel_code=channel, direction_code="outbound",
            source_stream_code={"voice": "call", "email": "email", "meeting": "meeting"}.get(channel, "activity"),
            source_key=f"{name}/{place}",
        )  # fmt: skip


def row(table, **keys: object) -> dict[str, object]:
    """The one row of an Arrow table with these values; period month and the whole unless told otherwise."""
    wanted = {"period_code": "month", "segment_kind_code": "all", "segment_code": "all"} | keys
    wanted = {name: value for name, value in wanted.items() if name in table.schema.names}
    (found,) = [r for r in table.to_pylist() if all(r[name] == value for name, value in wanted.items())]
    return found
