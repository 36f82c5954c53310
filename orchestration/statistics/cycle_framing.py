"""What the framing note of the cycle names, counted; and its seven steps (rows FR3-FR6, FR9, FR13, FR14, PB9).

Table `cycle_framing`: one row per kind and item of the note: leads in and out of each segment, population of each
phase, persons with and without the legal basis of each purpose, rows of each source, duties, bars. Table `cycle_steps`:
one row per step. Without a note there is nothing to count, and the steps say so.
What does NOT belong here: the note (orchestration.cycles.note), conversion and touches of a segment (touch_lines), any
text that a person wrote, any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from ingest.sql import literal
from orchestration.cycles.note import Framing, Segment
from orchestration.cycles.standing import framing_in
from orchestration.cycles.steps import Evidence, steps_of
from orchestration.settings import RunSettings
from orchestration.worklists.building import contract_owners

RATE = pa.decimal128(18, 10)
SCHEMAS: Mapping[str, pa.Schema] = {
    "cycle_framing": pa.schema(
        [
            ("kind_code", pa.string()),
            ("item_code", pa.string()),
            ("item_order", pa.int64()),
            ("detail_code", pa.string()),
            ("period_start", pa.date32()),
            ("period_end", pa.date32()),
            ("n_in", pa.int64()),
            ("n_out", pa.int64()),
            ("out_rate", RATE),
            ("setting_value", RATE),
            ("delivered_on", pa.date32()),
            ("reason_code", pa.string()),
        ]
    ),
    "cycle_steps": pa.schema(
        [
            ("cycle", pa.string()),
            ("step_code", pa.string()),
            ("step_order", pa.int64()),
            ("owner_role_code", pa.string()),
            ("due_on", pa.date32()),
            ("status_code", pa.string()),
            ("reason_code", pa.string()),
        ]
    ),
}
DESCRIPTIONS = {
    "cycle_framing": "What the framing note of the cycle names, with what is in and out of it.",
    "cycle_steps": "The seven steps of the cycle: owner, due date, status.",
}

_COLUMNS = {
    "channel_code": "c.channel_code",
    "size_band_code": "c.size_band_code",
    "team_code": "c.team_code",
}
_PHASES = {"lead": "true", "mql": "c.mql_on is not null", "sql": "c.sql_on is not null"}
# One pass over the leads: those of the period by segment, and the entries into each phase.
_LEADS = """
with c as (
  select l.created_on, l.mql_on, l.sql_on, l.channel_code, l.size_band_code,
    coalesce(r.team_name, 'unknown') as team_code,
    coalesce(l.created_on >= $start and l.created_on < $end, false) as is_in_period
  from metrics.fct_lead_cadences as l left join master.dim_reps as r on r.rep_id = l.rep_id
)
select count(*) filter (where c.is_in_period),
  count(*) filter (where c.mql_on >= $start and c.mql_on < $end),
  count(*) filter (where c.sql_on >= $start and c.sql_on < $end){segments}
from c
"""
_STAGES = """
select stage_code, count(distinct opportunity_id) from metrics.fct_stage_passages
where entered_on >= $start and entered_on < $end group by all
"""
_SOURCES = """
with delivered as (
  select source_instance, max(delivered_on) as delivered_on from collect.deliveries group by all),
counted as (
  select source_instance, cast(coalesce(sum(value) filter (where name = 'kept'), 0) as bigint) as n_kept,
    cast(coalesce(sum(value) filter (where name = 'records_in'), 0) as bigint) as n_records,
    first(contract order by value desc, contract) filter (where name = 'records_in') as main_contract
  from collect.ledger_terms where term = 'C' group by source_instance)
select d.source_instance, d.delivered_on, coalesce(c.n_kept, 0), coalesce(c.n_records, 0), c.main_contract
from delivered as d left join counted as c using (source_instance) order by d.source_instance
"""
_PERSONS = """
select count(*), count(*) filter (where not p.is_email_opted_out), count(*) filter (where not p.is_call_opted_out),
  count(*) filter (where not p.is_email_opted_out and coalesce(a.is_customer, false)),
  count(*) filter (where not p.is_call_opted_out and coalesce(a.is_customer, false))
from master.dim_persons as p left join master.dim_accounts as a using (account_id) where p.person_id <> 'unknown'
"""
# An opt-in of a record of the person or of its address that still holds, and no refusal beside it.
_CONSENTS = """
with said as (
  select * from staging.stg_crm__consents
  where not is_deleted and status = 'opt_in' and channel in ('{channel}', 'all') and effective_at < $as_of
    and (expires_at is null or expires_at >= $as_of)),
reached as (
  select x.person_id from said as s join master.xref_persons as x
    on x.record_key = s.source_instance || '/crm_' || s.person_type || '/' || s.person_id
  union
  select b.person_id from said as s join conforming.int_person_attributes as b on b.email = s.email)
select count(distinct p.person_id) from reached join master.dim_persons as p using (person_id)
where p.person_id <> 'unknown' and not p.is_{channel}_opted_out
"""


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """cycle_framing and cycle_steps of the cycle. Raises duckdb.Error when a table that the note names is missing."""
    standing, framing = framing_in(con, settings.cycle)
    rows = [] if framing is None else [*_counted(con, framing, settings), *_declared(framing)]
    evidence = Evidence(
        note=standing,
        is_collected=True,
        n_late=_late(con) if framing else 0,
        verdict="publish",  # nothing is estimated from a held cycle
        has_estimates=True,
        has_pages=True,
        # A month run again later publishes what it published: what people did since is asked by etalon cycle status.
        n_decisions=None,
        n_experiments=None,
    )
    steps = [
        {
            "cycle": settings.cycle,
            "step_code": each.code,
            "step_order": each.position,
            "owner_role_code": each.owner_role_code,
            "due_on": each.due_on,
            "status_code": each.status_code,
            "reason_code": each.reason_code,
        }
        for each in steps_of(evidence, settings.cycle_end)
    ]
    return {
        "cycle_framing": pa.Table.from_pylist(rows, schema=SCHEMAS["cycle_framing"]),
        "cycle_steps": pa.Table.from_pylist(steps, schema=SCHEMAS["cycle_steps"]),
    }


def _counted(
    con: duckdb.DuckDBPyConnection, framing: Framing, settings: RunSettings
) -> Iterable[dict[str, Any]]:
    """Segments, phases, sources and legal bases of the note."""
    start, end = framing.bounds
    bind = {"start": start, "end": end}
    segments = "".join(
        f",\n  count(*) filter (where c.is_in_period and {_predicate(each)})" for each in framing.segments
    )
    n_leads, n_mqls, n_sqls, *inside = con.execute(_LEADS.format(segments=segments), bind).fetchall()[0]
    days = {"period_start": start, "period_end": end}
    for order, (segment, n_in) in enumerate(zip(framing.segments, inside, strict=True), start=1):
        yield _row("segment", segment.code, order, **days, **_shares(n_in, n_leads - n_in))
    stages = dict(con.execute(_STAGES, bind).fetchall())
    population = {"lead": n_leads, "mql": n_mqls, "sql": n_sqls}
    for order, phase in enumerate(framing.phases, start=1):
        n_in = stages.get(phase.stage_code, 0) if phase.stage_code else population[phase.code]
        yield _row("phase", phase.item_code, order, detail_code=phase.conversion_event, n_in=n_in, **days)
    owners = contract_owners()
    for order, (source, delivered_on, n_kept, n_records, contract) in enumerate(
        con.execute(_SOURCES).fetchall(), start=1
    ):
        said = {"delivered_on": delivered_on, "detail_code": owners.get(contract)}
        yield _row("source", source, order, **said, **_shares(n_kept, n_records - n_kept))
    yield from _legal(con, framing, settings)


def _predicate(segment: Segment) -> str:
    """Filters of a segment over the leads `c`: declared columns and quoted values, never text of the note as SQL."""
    parts = []
    for name, values in segment.filters.items():
        if name == "phase":
            parts.append("(" + " or ".join(_PHASES[value] for value in values) + ")")
        else:
            parts.append(f"{_COLUMNS[name]} in ({', '.join(map(literal, values))})")
    return " and ".join(parts) or "true"


def _legal(
    con: duckdb.DuckDBPyConnection, framing: Framing, settings: RunSettings
) -> Iterable[dict[str, Any]]:
    persons, *known = con.execute(_PERSONS).fetchall()[0]
    mailable, callable_, mailed_customers, called_customers = known
    with_basis = {
        ("email", "legitimate_interest"): mailable,
        ("call", "legitimate_interest"): callable_,
        ("email", "contract"): mailed_customers,
        ("call", "contract"): called_customers,
    }
    for order, each in enumerate(framing.legal_basis, start=1):
        if each.basis == "consent":
            query = _CONSENTS.format(channel=each.channel)
            n_in = con.execute(query, {"as_of": settings.as_of}).fetchall()[0][0]
        else:
            n_in = with_basis[each.channel, each.basis]
        yield _row(
            "legal_basis", each.purpose, order, detail_code=each.basis, **_shares(n_in, persons - n_in)
        )


def _declared(framing: Framing) -> Iterable[dict[str, Any]]:
    """Duties, settings, KPIs and capacities: what the note says without a count."""
    for order, (role, duty) in enumerate(framing.raci.items(), start=1):
        yield _row("role", role, order, detail_code=duty)
    for order, (role, audiences) in enumerate(framing.audiences.items(), start=1):
        yield _row("audience", role, order, detail_code=",".join(audiences))
    for order, name in enumerate(framing.kpis, start=1):
        yield _row("kpi", name, order)
    for order, (team, touches) in enumerate(framing.team_capacity.items(), start=1):
        yield _row("team_capacity", team, order, setting_value=Decimal(touches))
    settings = {
        "attribution_window_days": framing.attribution_window_days,
        "min_conversation_seconds": framing.contact.min_conversation_seconds,
        "minimum_n": framing.minimum_n,
        "minimum_events": framing.minimum_events,
        "r_green": framing.bars.r_green,
        "r_amber": framing.bars.r_amber,
        "delta_points": framing.bars.delta_points,
    } | {f"landmark_{place}_days": day for place, day in enumerate(framing.landmarks_days, start=1)}
    for order, (name, value) in enumerate(settings.items(), start=1):
        yield _row("setting", name, order, setting_value=Decimal(value))


def _row(kind: str, item: str, order: int, **values: Any) -> dict[str, Any]:
    return {"kind_code": kind, "item_code": item, "item_order": order, **values}


def _shares(n_in: int, n_out: int) -> dict[str, Any]:
    """Both sides and the share that is out; null with its reason when there is nobody."""
    n = n_in + n_out
    rate = (Decimal(n_out) / Decimal(n)).quantize(Decimal("1e-10")) if n else None
    return {"n_in": n_in, "n_out": n_out, "out_rate": rate, "reason_code": None if n else "no_units"}


def _late(con: duckdb.DuckDBPyConnection) -> int:
    query = "select count(*) from collect.deliveries where is_missed"
    return con.execute(query).fetchall()[0][0]
