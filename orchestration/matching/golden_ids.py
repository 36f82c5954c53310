"""Golden ids: minted once, carried from run to run by the records that held them, retired on a merge, restored on an
unmerge.

What does NOT belong here: how clusters are found (see accounts, persons), which record held which id when (see
member_history), where the registry is stored (see orchestration.publication.registry).

Rules. A record votes for its home: the id it held before the merges that are in force. Retired ids hang below the id
that took them over, so the homes of a cluster lie in the trees of one or more active ids.
- A tree whose records lie in one cluster gives it its active id.
- A tree whose records lie in several clusters is a split. Each id of the tree goes to the cluster with most of its
  records, weighted by their age, then to the one with the oldest record. Records that came to an id after something
  was merged into it do not say which side they belong to, and vote after the others. An id whose own records are all
  gone follows what was merged into it first. A cluster takes the topmost of the ids it was given: when that one is
  retired, the merge is undone and it is active again.
- A cluster that was given ids of several trees keeps the oldest active one; the others are retired with a pointer.
- A cluster that was given none mints `<prefix>_<12 hex>` from its anchor, the record seen first: from a record key,
  never from a value that can change. An id is minted once. An active id that no record holds is taken again by its
  own anchor: a publication cut short, and the replay of a past cycle, leave such ids.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingest.sql import literal
from orchestration.matching import member_history
from orchestration.matching.member_history import CHANGES_SCHEMA, HISTORY_SCHEMA

PREFIXES = {"account": "acc", "person": "per"}

#: reason: first_seen, split (how it was minted), merge (retired), unmerge (active again). retired_in_cycle: null while
#: the id is active, and for ids retired before it was recorded.
REGISTRY_SCHEMA = pa.schema(
    [
        ("golden_id", pa.string()),
        ("entity", pa.string()),
        ("anchor_record_key", pa.string()),
        ("minted_in_cycle", pa.string()),
        ("status", pa.string()),
        ("merged_into", pa.string()),
        ("retired_in_cycle", pa.string()),
        ("reason", pa.string()),
    ]
)
MEMBERS_SCHEMA = pa.schema([("record_key", pa.string()), ("golden_id", pa.string())])


@dataclass(frozen=True)
class Assigned:
    """What a run makes of the registry.

    members: MEMBERS_SCHEMA, sorted by record_key. registry: REGISTRY_SCHEMA, sorted by golden_id, no row lost.
    history: HISTORY_SCHEMA as known at the cycle, sorted by record_key and valid_from. changes: CHANGES_SCHEMA,
    what this cycle changed against the cycle before.
    """

    members: pa.Table
    registry: pa.Table
    history: pa.Table
    changes: pa.Table


def assign_golden_ids(
    clusters: pa.Table, registry: pa.Table, history: pa.Table, entity: str, cycle: str
) -> Assigned:
    """Give every cluster its golden id.

    clusters: record_key, label, first_seen_on (one row per record). registry, history: all rows of the entity so far
    (REGISTRY_SCHEMA, HISTORY_SCHEMA). cycle: `yyyy-mm`; when the registry knows later cycles, the ids are given as
    they stood at this one. Nothing depends on the order of rows.
    """
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        for name, table in (("clusters", clusters), ("registry", registry), ("history", history)):
            con.register(name, table)
        for name, value in (("entity", entity), ("prefix", PREFIXES[entity]), ("cycle", cycle)):
            con.execute(f"set variable {name} = {literal(value)}")
        member_history.read(con)
        con.execute(_KNOWN)
        con.execute(_VOTES)
        if con.execute("select 1 from voters where is_tree limit 1").fetchone():
            con.execute(_SPLIT_TREES)
        con.execute(_KEPT)
        _mint(con)
        con.execute(_RENEWED)
        con.execute(_REPOINTED)
        con.execute(_ASSIGNED)
        member_history.carry_on(con)
        return Assigned(
            members=con.sql("select record_key, golden_id from assigned order by record_key")
            .to_arrow_table()
            .cast(MEMBERS_SCHEMA),
            registry=con.sql("select * from renewed order by golden_id")
            .to_arrow_table()
            .cast(REGISTRY_SCHEMA),
            history=con.sql("select * from carried order by record_key, valid_from")
            .to_arrow_table()
            .cast(HISTORY_SCHEMA),
            changes=member_history.changes(con).cast(CHANGES_SCHEMA),
        )
    finally:
        con.close()


def _mint(con: duckdb.DuckDBPyConnection) -> None:
    """One new id per cluster that keeps none; further attempts for the few whose id is taken."""
    con.execute(_MINTED)
    attempt = 1
    while con.execute(_TAKEN).fetchone():
        con.execute(f"set variable attempt = '{attempt}'")
        con.execute(_NEXT_ATTEMPT)
        attempt += 1


# The registry as it stood at the cycle: what a later cycle retired is active. `leads`: each retired id and every id
# its pointers lead to, with the last id before; `union` ends the search in a registry whose pointers run in a circle.
_LEADS = """
    create or replace temp table leads as
    with recursive chain as (
        select golden_id, merged_into as reached, golden_id as via from {registry} where status = 'retired'
        union
        select c.golden_id, r.merged_into, c.reached
        from chain as c join {registry} as r on c.reached = r.golden_id
        where r.status = 'retired'
    )
    select c.golden_id, c.reached, c.via, r.status = 'active' as is_active
    from chain as c join {registry} as r on c.reached = r.golden_id
"""

_KNOWN = f"""
    create temp table known as
    select row_number() over () as id_no, golden_id, entity, anchor_record_key, minted_in_cycle, reason,
           if(is_later, 'active', status) as status, if(is_later, null, merged_into) as merged_into,
           if(is_later, null, retired_in_cycle) as retired_in_cycle
    from (select *, coalesce(retired_in_cycle > getvariable('cycle'), false) as is_later from registry);
    {_LEADS.format(registry="known")}
"""

# `met`: each record with the id it votes for, as a number because there are many. `votes`: what each tree weighs in
# each cluster. A record of unknown age counts one day.
_VOTES = """
    create macro age(day) as 1 + greatest(coalesce(date_diff('day', day, getvariable('as_of')), 0), 0);
    create temp table met as
    select c.label, c.record_key, c.first_seen_on, h.home_id, k.id_no
    from clusters as c
    left join held as h using (record_key)
    left join leads as l on h.home_id = l.golden_id and l.is_active
    left join known as k on coalesce(l.reached, h.home_id) = k.golden_id and k.status = 'active';
    create temp table votes as
    select id_no, label, sum(age(first_seen_on)) as weight from met where id_no is not null group by id_no, label;
    create temp table parted as select id_no from votes group by id_no having count(*) > 1;
    create temp table voters as
    select m.label, m.record_key, m.first_seen_on, age(m.first_seen_on) as age, m.home_id, m.id_no,
           k.golden_id as live_id, k.golden_id in (select reached from leads) as is_tree
    from met as m join parted as p using (id_no) join known as k using (id_no);
    create temp table given as
    select label, id_no, weight, false as is_restored from votes where id_no not in (select id_no from parted)
    union all
    select label, id_no, weight, false
    from (
        select id_no, label, sum(age) as weight, min(first_seen_on) as oldest_on, min(record_key) as first_key
        from voters where not is_tree group by id_no, label
        qualify row_number() over (
            partition by id_no order by weight desc, oldest_on nulls last, first_key) = 1
    );
    create temp table placed (golden_id varchar, label bigint)
"""

# Only trees with retired ids whose records lie in several clusters. `placed`: the cluster of each of their ids.
_SPLIT_TREES = """
    create temp table split_voters as
    select v.*, s.since
    from voters as v
    join (select record_key, golden_id as home_id, min(valid_from) as since from known_history
          where record_key in (select record_key from voters where is_tree)
          group by record_key, golden_id) as s using (record_key, home_id)
    where v.is_tree;
    insert into split_voters
    select v.*, null from voters as v
    where v.is_tree and v.record_key not in (select record_key from split_voters);
    create temp table standings as
    with first_merges as (
        select merged_into as golden_id, min(cycle_date(retired_in_cycle)) as merged_on
        from known where status = 'retired' group by merged_into
    )
    select v.live_id, v.home_id as golden_id, v.label, min(v.first_seen_on) as oldest_on,
           min(v.record_key) as first_key,
           coalesce(sum(v.age) filter (where coalesce(v.since < m.merged_on, true)), 0) as weight_before_merges,
           sum(v.age) as weight,
           cast(null as varchar) as joined_in, 0 as weight_below
    from split_voters as v left join first_merges as m on v.home_id = m.golden_id
    group by v.live_id, v.home_id, v.label;
    insert into standings
    select v.live_id, l.reached, v.label, min(v.first_seen_on), min(v.record_key), 0, 0, min(k.retired_in_cycle),
           sum(v.age)
    from split_voters as v
    join leads as l on v.home_id = l.golden_id
    join known as k on l.via = k.golden_id
    group by v.live_id, l.reached, v.label;
    create temp table won as
    select golden_id, live_id, label, weight from standings
    qualify row_number() over (
        partition by golden_id
        order by weight_before_merges desc, weight desc, joined_in nulls first, weight_below desc,
                 oldest_on nulls last, first_key) = 1;
    insert into placed select golden_id, label from won;
    insert into given
    select w.label, k.id_no, w.weight, w.golden_id <> w.live_id
    from won as w
    join known as k using (golden_id)
    left join (select golden_id, count(*) as depth from leads group by golden_id) as d using (golden_id)
    qualify row_number() over (
        partition by w.live_id, w.label
        order by coalesce(d.depth, 0), k.minted_in_cycle, w.weight desc, w.golden_id) = 1
"""

# `kept`: one id per cluster that was given any.
_KEPT = """
    create temp table rivals as select label from given group by label having count(*) > 1;
    create temp table kept as
    select label, id_no, is_restored from given where label not in (select label from rivals)
    union all
    select label, id_no, is_restored
    from (
        select g.* from given as g join known as k using (id_no)
        where g.label in (select label from rivals)
        qualify row_number() over (
            partition by g.label order by g.is_restored, k.minted_in_cycle, g.weight desc, k.golden_id) = 1
    )
"""

# Of the oldest record, so that a rebuilt registry mints the same.
_MINTED = """
    create temp table minted as
    with newcomers as (
        select label, record_key, first_seen_on from clusters where label not in (select label from kept)
    ),
    alone as (
        select label, min(record_key) as record_key from newcomers group by label having count(*) = 1
    ),
    anchors as (
        select label, record_key as anchor_record_key from alone
        union all
        select label, record_key from (
            select * from newcomers where label not in (select label from alone)
            qualify row_number() over (partition by label order by first_seen_on nulls last, record_key) = 1)
    )
    select label, anchor_record_key,
           getvariable('prefix') || '_'
           || left(sha256(getvariable('entity') || chr(10) || anchor_record_key), 12) as golden_id
    from anchors
"""

# Ids that another anchor has, or that a record holds, and all but the first of two anchors with one id.
_TAKEN = """
    create or replace temp table taken as
    with found as (
        select m.label, m.golden_id, k.status = 'active' and k.anchor_record_key = m.anchor_record_key as is_own
        from minted as m join known as k using (golden_id)
    )
    select label from found where not is_own
    union
    select f.label from found as f join held as h on f.golden_id = h.home_id
    union
    select f.label from found as f join leads as l on f.golden_id = l.reached join held as h on l.golden_id = h.home_id
    union
    select label from (
        select label, row_number() over (partition by golden_id order by anchor_record_key) as position from minted
        where golden_id in (select golden_id from minted group by golden_id having count(*) > 1)
    ) where position > 1;
    select 1 from taken limit 1
"""

_NEXT_ATTEMPT = """
    update minted
    set golden_id = getvariable('prefix') || '_'
        || left(sha256(getvariable('entity') || chr(10) || anchor_record_key || chr(10) || getvariable('attempt')), 12)
    where label in (select label from taken)
"""

_RENEWED = """
    create temp table moves as
    select gone.golden_id, stays.golden_id as merged_into
    from given as g
    join rivals using (label)
    join kept as k using (label)
    join known as gone on g.id_no = gone.id_no
    join known as stays on k.id_no = stays.id_no
    where g.id_no <> k.id_no and not g.is_restored
    union all
    select known.golden_id, null from kept join known using (id_no) where kept.is_restored;
    create temp table renewed as
    select r.golden_id, r.entity, r.anchor_record_key, r.minted_in_cycle,
           case when m.golden_id is null then r.status when m.merged_into is null then 'active' else 'retired' end
               as status,
           if(m.golden_id is null, r.merged_into, m.merged_into) as merged_into,
           case when m.golden_id is null then r.retired_in_cycle when m.merged_into is not null
               then getvariable('cycle') end as retired_in_cycle,
           case when m.golden_id is null then r.reason when m.merged_into is null then 'unmerge' else 'merge' end
               as reason
    from known as r left join moves as m using (golden_id)
    union all
    select m.golden_id, getvariable('entity'), m.anchor_record_key, getvariable('cycle'), 'active', null, null,
           if(m.label in (
               select c.label from clusters as c join minted as n using (label) where c.record_key in (
                   select record_key from known_history where valid_from < getvariable('as_of'))
               union all select v.label from votes as v join minted as n using (label)), 'split', 'first_seen')
    from minted as m anti join known as k using (golden_id)
"""

# A retired id whose records went elsewhere than its pointers lead now points to where they are.
_REPOINTED = f"""
    {_LEADS.format(registry="renewed")};
    update renewed set merged_into = p.kept_id
    from (
        select p.golden_id, k.golden_id as kept_id
        from placed as p join (select label, golden_id from kept join known using (id_no)) as k using (label)
        left join leads as l on p.golden_id = l.golden_id and l.is_active
        where p.golden_id <> k.golden_id and l.reached is distinct from k.golden_id
    ) as p
    where renewed.golden_id = p.golden_id;
    {_LEADS.format(registry="renewed")}
"""

# Homes outlive a merge and nothing else.
_ASSIGNED = """
    create temp table ids as
    select label, golden_id from kept join known using (id_no) union all select label, golden_id from minted;
    create temp table assigned as
    select m.record_key, i.golden_id, if(l.reached is null, null, m.home_id) as home_id
    from met as m
    join ids as i using (label)
    left join leads as l on m.home_id = l.golden_id and i.golden_id = l.reached;
    drop table met;
    drop table votes;
    drop table given;
    drop table kept;
    drop table ids;
    drop table minted;
    drop table held
"""
