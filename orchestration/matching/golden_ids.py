"""Golden ids: minted once, carried from run to run by the records that held them, retired on a merge.

What does NOT belong here: how clusters are found (see accounts, persons), where the registry is stored
(see orchestration.publication.registry).

Rules. An id goes to the cluster that holds most of the records that held it (ties: the older record, then
the smaller key). A cluster that was given several ids keeps the oldest (minted earliest, then most
records, then the smaller id); the others are retired with a pointer to it. A cluster that was given none
mints `<prefix>_<12 hex>` from its anchor: the record seen first. The id is minted from the record key,
never from a value that can change, and never minted again. An id minted from the same anchor that no record
holds is taken again: a publication cut short between its files leaves such ids.
"""

from __future__ import annotations

import hashlib

import duckdb
import pyarrow as pa

PREFIXES = {"account": "acc", "person": "per"}

REGISTRY_SCHEMA = pa.schema(
    [
        ("golden_id", pa.string()),
        ("entity", pa.string()),
        ("anchor_record_key", pa.string()),
        ("minted_in_cycle", pa.string()),
        ("status", pa.string()),
        ("merged_into", pa.string()),
        ("reason", pa.string()),
    ]
)
MEMBERS_SCHEMA = pa.schema([("record_key", pa.string()), ("golden_id", pa.string())])


def assign_golden_ids(
    clusters: pa.Table, registry: pa.Table, previous_members: pa.Table, entity: str, cycle: str
) -> tuple[pa.Table, pa.Table]:
    """Give every cluster its golden id.

    clusters: record_key, label, first_seen_on (one row per record). registry: REGISTRY_SCHEMA, all rows of
    the entity so far. previous_members: MEMBERS_SCHEMA, every record that ever held an id and the id it
    held last. Returns (members: MEMBERS_SCHEMA sorted by record_key, registry: REGISTRY_SCHEMA sorted by
    golden_id, old rows kept).
    """
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        for name, table in (
            ("clusters", clusters), ("registry", registry), ("previous_members", previous_members)
        ):  # fmt: skip
            con.register(name, table)
        con.execute(_CARRIED)
        con.execute(_NEEDING, {"entity": entity, "prefix": PREFIXES[entity]})
        _settle_taken_ids(con, entity)
        members = con.sql(_MEMBERS).to_arrow_table().cast(MEMBERS_SCHEMA)
        renewed = con.sql(_REGISTRY, params={"entity": entity, "cycle": cycle}).to_arrow_table()
        return members, renewed.cast(REGISTRY_SCHEMA)
    finally:
        con.close()


def _settle_taken_ids(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    """Give the next attempts to the few rows of `minted` whose id is taken (a split whose anchor minted before)."""
    taken = con.execute(_TAKEN).fetchall()
    if not taken:
        return
    known = dict(con.execute(_KNOWN).fetchall())
    settled = []
    for label, anchor in taken:
        attempt = 1
        while known.get(golden_id := _golden_id(entity, anchor, attempt), anchor) != anchor:
            attempt += 1
        known[golden_id] = None
        settled.append((golden_id, label))
    con.executemany("update minted set golden_id = ? where label = ?", settled)


def _golden_id(entity: str, anchor: str, attempt: int) -> str:
    """The id of an anchor at an attempt after the first; _NEEDING says the first one in SQL."""
    digest = hashlib.sha256(f"{entity}\n{anchor}\n{attempt}".encode()).hexdigest()
    return f"{PREFIXES[entity]}_{digest[:12]}"


# One new id per cluster that keeps none: of its oldest record, so that a rebuilt registry mints the same.
_NEEDING = """
    create temp table minted as
    with needing as (
        select label,
               arg_min(record_key, (coalesce(first_seen_on, date '9999-12-31'), record_key)) as anchor_record_key,
               bool_or(label in (select label from votes)) as is_split
        from clusters where label not in (select label from kept) group by label
    )
    select label, anchor_record_key,
           $prefix || '_' || left(sha256($entity || chr(10) || anchor_record_key), 12) as golden_id,
           case when is_split then 'split' else 'first_seen' end as reason
    from needing
"""

# Ids that another anchor holds or held, and all but the first of two anchors with one id. An id that is active and that
# no record votes for is free for the anchor it was minted for.
_TAKEN = """
    select m.label, m.anchor_record_key
    from minted as m left join registry as r using (golden_id)
    qualify row_number() over (partition by m.golden_id order by m.anchor_record_key) > 1
        or (r.golden_id is not null and not coalesce(
            r.status = 'active' and r.anchor_record_key = m.anchor_record_key
            and r.golden_id not in (select golden_id from votes), false))
    order by m.anchor_record_key
"""

# Every id and the anchor it is free for, null when it is held.
_KNOWN = """
    select golden_id, null as free_for from minted
    union all
    select r.golden_id, case when r.status = 'active' and v.golden_id is null then r.anchor_record_key end
    from registry as r left join (select distinct golden_id from votes) as v using (golden_id)
    where r.golden_id not in (select golden_id from minted)
"""

# `awarded`: each id to one cluster; `kept`: each cluster to one id.
_CARRIED = """
    create temp table live as
    with recursive chain as (
        select golden_id, golden_id as active_id, merged_into from registry
        union all
        select c.golden_id, r.golden_id, r.merged_into
        from chain as c join registry as r on c.merged_into = r.golden_id
    )
    select golden_id, active_id from chain where merged_into is null;

    create temp table votes as
    select c.label, l.active_id as golden_id, count(*) as n_records,
           min(coalesce(c.first_seen_on, date '9999-12-31')) as oldest_on, min(c.record_key) as first_key
    from clusters as c
    join previous_members as p using (record_key)
    join live as l on p.golden_id = l.golden_id
    group by c.label, l.active_id;

    create temp table awarded as
    select * from votes
    qualify row_number() over (partition by golden_id order by n_records desc, oldest_on, first_key) = 1;

    create temp table kept as
    select a.label, a.golden_id
    from awarded as a join registry as r using (golden_id)
    qualify row_number() over (
        partition by a.label order by r.minted_in_cycle, a.n_records desc, a.golden_id) = 1;
"""

_MEMBERS = """
    select c.record_key, coalesce(k.golden_id, m.golden_id) as golden_id
    from clusters as c left join kept as k using (label) left join minted as m using (label)
    order by c.record_key
"""

_REGISTRY = """
    with retired as (
        select a.golden_id, k.golden_id as merged_into
        from awarded as a join kept as k using (label) where a.golden_id <> k.golden_id
    )
    select r.golden_id, r.entity, r.anchor_record_key, r.minted_in_cycle,
           case when t.golden_id is null then r.status else 'retired' end as status,
           coalesce(t.merged_into, r.merged_into) as merged_into,
           case when t.golden_id is null then r.reason else 'merge' end as reason
    from registry as r left join retired as t using (golden_id)
    union all
    select golden_id, $entity, anchor_record_key, $cycle, 'active', null, reason
    from minted where golden_id not in (select golden_id from registry)
    order by golden_id
"""
