"""Which record held which golden id from when to when, and why an id changed.

What does NOT belong here: which id a cluster gets (see golden_ids), where the files lie (see
orchestration.publication.registry).

A period begins at `as_of` of the cycle that gave the id (the first day of the next month) and ends at that of the cycle
that gave another one or no longer met the record. Cycles are the clock: a cycle that is run again replaces its own
periods; a past cycle sees the history as it stood then and is not written into it.
The functions share one connection with golden_ids: `read` makes `known_history`, `held` and cycle_date(); `carry_on`
makes `carried` out of `assigned`. The variables entity and cycle are set.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import pyarrow as pa

#: home_id: the id to which the record goes back when the merges in force are undone; null when it is golden_id.
#: valid_to: exclusive; null for the period in force; valid_from when a cycle was run again without the record.
HISTORY_SCHEMA = pa.schema(
    [
        ("record_key", pa.string()),
        ("golden_id", pa.string()),
        ("home_id", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ]
)

#: cause: first_seen (no id before); merge (its id was retired into another one); split (its id stayed with another
#: part, a new one was minted); unmerge (it holds again the id it had before a merge); restored (it follows such
#: records); moved (from one cluster to another, both of which stay).
CHANGES_SCHEMA = pa.schema(
    [
        ("entity", pa.string()),
        ("record_key", pa.string()),
        ("previous_id", pa.string()),
        ("golden_id", pa.string()),
        ("cause", pa.string()),
    ]
)


def day_after(cycle: str) -> dt.date:
    """The day from which the ids of a cycle `yyyy-mm` are in force: the first one of the next month."""
    year, month = map(int, cycle.split("-"))
    return dt.date(year + month // 12, month % 12 + 1, 1)


def read(con: duckdb.DuckDBPyConnection) -> None:
    """Make `held` (record_key, home_id: one row per record ever met) and `known_history` out of `history`.

    A record that the registry met only after the cycle holds the first id it was given.
    """
    con.execute(_READ)


def carry_on(con: duckdb.DuckDBPyConnection) -> None:
    """Make `carried`, the history with what `assigned` (record_key, golden_id, home_id) says of the cycle."""
    con.execute(_CARRIED)


def changes(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Records whose id differs from the one they held before the cycle, with the cause; sorted by record_key."""
    return con.sql(_CHANGES).to_arrow_table()


def upgraded(members: pa.Table, registry: pa.Table) -> pa.Table:
    """History out of the former members file (record_key, golden_id): each id held since it was minted."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        con.register("members", members)
        con.register("registry", registry)
        return con.sql(_UPGRADED).to_arrow_table().cast(HISTORY_SCHEMA)
    finally:
        con.close()


_READ = """
    create macro cycle_date(cycle) as cast(cast(cycle || '-01' as date) + interval 1 month as date);

    set variable as_of = cycle_date(getvariable('cycle'));

    -- a past cycle is given the ids of that time, whatever was merged and undone since
    set variable is_past = (
        select coalesce(max(greatest(valid_from, valid_to)) > getvariable('as_of'), false) from history);

    create temp table known_history as
    select record_key, golden_id, if(getvariable('is_past'), golden_id, coalesce(home_id, golden_id)) as home_id,
           valid_from,
           case when valid_to <= getvariable('as_of') then valid_to end as valid_to
    from history where valid_from <= getvariable('as_of');

    create temp table held as
    select record_key, home_id from known_history where valid_to is null;

    insert into held
    select record_key, home_id from known_history
    where valid_to is not null and record_key not in (select record_key from held)
    qualify row_number() over (partition by record_key order by valid_from desc) = 1;

    insert into held
    select record_key, golden_id from history
    where getvariable('is_past') and valid_from > getvariable('as_of')
        and record_key not in (select record_key from held)
    qualify row_number() over (partition by record_key order by valid_from) = 1
"""

_CARRIED = """
    create temp view prior as
    select record_key, golden_id, home_id, valid_from,
           case when valid_to < getvariable('as_of') then valid_to end as valid_to
    from known_history where valid_from < getvariable('as_of');

    create temp table crossed as
    select coalesce(p.record_key, a.record_key) as record_key, p.golden_id as old_id, p.home_id as old_home,
           p.valid_from, a.golden_id as new_id, a.home_id as new_home
    from (select * from prior where valid_to is null) as p
    full join assigned as a on p.record_key = a.record_key;

    create temp view carried as
    select record_key, old_id as golden_id, if(old_id = new_id, new_home, nullif(old_home, old_id)) as home_id,
           valid_from, case when new_id is distinct from old_id then getvariable('as_of') end as valid_to
    from crossed where old_id is not null
    union all
    select record_key, new_id, new_home, getvariable('as_of'), null
    from crossed where new_id is not null and old_id is distinct from new_id
    union all
    select record_key, golden_id, nullif(home_id, golden_id), valid_from, valid_to
    from prior where valid_to is not null
    union all
    -- met by an earlier run of this very cycle only: an empty period, so that it gets its id back
    select record_key, golden_id, nullif(home_id, golden_id), valid_from, valid_from
    from known_history
    where valid_from = getvariable('as_of') and record_key not in (select record_key from prior)
        and record_key not in (select record_key from assigned)
"""

_CHANGES = """
    with gone as (
        select record_key, golden_id from prior where valid_to is not null
        qualify row_number() over (partition by record_key order by valid_from desc) = 1
    ),

    begun as (
        select c.record_key, c.new_id as golden_id, coalesce(c.old_id, g.golden_id) as previous_id
        from crossed as c left join gone as g on c.record_key = g.record_key
        where c.new_id is not null and c.old_id is distinct from c.new_id
    ),

    explained as (
        select b.*,
               case when b.previous_id is null then 'first_seen'
                    when l.reached is not null then 'merge'
                    when r.reason = 'split' and r.minted_in_cycle = getvariable('cycle') then 'split'
                    when r.reason = 'unmerge' and h.record_key is not null then 'unmerge'
                    else 'moved' end as cause
        from (select * from begun where previous_id is distinct from golden_id) as b
        left join leads as l on b.previous_id = l.golden_id and b.golden_id = l.reached and l.is_active
        left join renewed as r on b.previous_id is not null and b.golden_id = r.golden_id
        left join (select distinct record_key, golden_id from prior
                   where record_key in (select record_key from begun where previous_id is not null)) as h
            on b.record_key = h.record_key and b.golden_id = h.golden_id
    )

    select getvariable('entity') as entity, e.record_key, e.previous_id, e.golden_id,
           if(e.cause = 'moved' and u.golden_id is not null, 'restored', e.cause) as cause
    from explained as e
    left join (select distinct previous_id, golden_id from explained where cause = 'unmerge') as u
        on e.previous_id = u.previous_id and e.golden_id = u.golden_id
    order by e.record_key
"""

_UPGRADED = """
    select m.record_key, m.golden_id, null as home_id,
           cast(cast(r.minted_in_cycle || '-01' as date) + interval 1 month as date) as valid_from,
           null as valid_to
    from members as m join registry as r on m.golden_id = r.golden_id
"""
