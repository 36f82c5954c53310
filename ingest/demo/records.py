"""What the CRM holds about true companies and persons: also duplicates, merges, deletions, test records.

What does NOT belong here: file layouts (salesforce.py) and the ERP's customers (billing.py).
"""

from __future__ import annotations

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY, Size, stream

# Shares of leads. The counts of the small sizes are held above zero by the modulus rules below.
_KINDS = """
    create or replace table lead_records as
    with base as (select p.*, l.converted, l.is_disqualified, l.has_warm_intro, t.first_touch
      from persons p join lead_lives l using (per)
      left join (select per, min(at_s) as first_touch from touches group by per) t using (per)),
    drawn as (select b.*, d.u_mail, d.u_phone, d.u_hard, d.gap, d.u_merge,
        converted > 0 and converted + 20 * {day} < {as_of} and (d.u_gone < 0.002 or per in (
          select min(per) from lead_lives where converted > 0 and converted + 20 * {day} < {as_of})) as
            is_gone
      from base b join draws d using (per))
    select per as rec, per, 'original' as kind, created, converted, email, own_phone, phone_kind, fmt,
      case when is_gone then converted + 20 * {day} else -1 end as deleted_s, -1 as master_rec
    from drawn
    union all
    select {n} + per, per, 'same_mail', created + gap, case when converted > 0 and u_merge > 0.9 and created
      + gap < converted
        then converted else -1 end,
      upper(substr(email, 1, 1)) || substr(email, 2), own_phone, 3, fmt, case when u_merge < 0.4 then created
        + gap + 3 * {day}
        else -1 end, per
    from drawn where not is_gone and u_mail < 0.026 and mail_kind in (0, 1) and created + gap + 4 * {day} <
      {as_of}
    union all
    select 2 * {n} + per, per, 'same_phone', created + gap, -1, first_plain || '.' || last_plain || '.pro' ||
      per || '@webmail.example',
      own_phone, 0, (fmt + 2) % 5, -1, -1
    from drawn where not is_gone and u_phone < 0.016 and phone_kind < 3 and created + gap < {as_of}
    union all
    select 3 * {n} + per, per, 'no_strong_key', created + gap, -1, first_plain || '.' || last_plain || '.bis'
      || per || '@freemail.example',
      null, 3, fmt, -1, -1
    from drawn where not is_gone and u_hard < 0.006 and created + gap < {as_of}
    union all
    select 4 * {n} + per, -1, 'test', created + 60, -1, 'qa' || per || '@etalon-demo.example', null, 3, 0,
      -1, -1
    from drawn where per % 97 = 13
    union all
    select 5 * {n} + per, -1, 'junk', created + 90, -1, 'x' || per || '@nowhere-' || (per % 7) || '.example',
      null, 3, 0,
      created + 5 * {day}, -1
    from drawn where per % 113 = 29 and created + 5 * {day} < {as_of}
"""


def make_lead_records(scratch: Scratch, size: Size, seed: int) -> None:
    """Table lead_records: `kind` says why a record exists; `deleted_s`, `converted` are -1 for never."""
    rng = stream(seed, "lead records")
    n = size.leads
    gap = rng.integers(2, 120, n) * DAY + rng.integers(0, 9000, n)
    small = 5.0 if size.leads < 1000 else 1.0
    scratch.store(
        "draws",
        {
            "per": range(n),
            "u_mail": rng.random(n) / small,
            "u_phone": rng.random(n) / small,
            "u_hard": rng.random(n) / small,
            "u_gone": rng.random(n),
            "u_merge": rng.random(n),
            "gap": gap,
        },
    )
    scratch.run(_KINDS.format(n=n, day=DAY, as_of=AS_OF))
    scratch.run("""
        create or replace table lead_records as
        select row_number() over (order by created, rec) - 1 as lead_no, r.*
        from lead_records r order by lead_no;
        alter table lead_records add column master_no bigint;
        update lead_records set master_no = m.lead_no from (select rec, lead_no from lead_records) m
        where lead_records.kind = 'same_mail' and lead_records.deleted_s > 0 and m.rec =
          lead_records.master_rec;
        create or replace table golden_leads as
        select p.per, p.acc, r.created, r.converted, p.size_code, p.channel from lead_records r join persons
          p using (per)
        where r.kind = 'original' and r.deleted_s < 0 order by p.per""")


def make_account_records(scratch: Scratch, size: Size, seed: int) -> None:
    """Table account_records: one per known company, plus duplicates by SIREN, by domain, by nothing."""
    rng = stream(seed, "account records")
    n = size.accounts
    small = 5.0 if size.leads < 1000 else 1.0
    scratch.store(
        "account_draws",
        {
            "acc": range(n),
            "made": size.first_event_s - rng.integers(1, 300, n) * DAY + rng.integers(25_000, 60_000, n),
            "u": rng.random(n),
            "u_copy": rng.random(n) / small,
            "u_hard": rng.random(n) / small,
            "delay": rng.integers(10, 200, n) * DAY,
            "u_merge": rng.random(n),
            "u_dirt": rng.random(n),
        },
    )
    scratch.run(f"""
        create or replace table account_records as
        with known as (
          select c.acc, case when c.is_base or c.parent_acc >= 0 or c.root_acc <> c.acc or c.acc in (select
            root_acc from companies
              where parent_acc >= 0) then d.made
            when v.converted is not null then v.converted - 600 when d.u < 0.06 then d.made end as created
          from companies c join account_draws d using (acc)
          left join (select acc, min(converted) as converted from golden_conversions group by acc) v using
            (acc))
        select acc as rec, acc, 'main' as kind, created, -1 as deleted_s from known where created is not null
        union all
        select {n} + acc, acc, case when u_merge < 0.5 then 'same_siren' else 'same_domain' end, k.created +
          delay,
          case when u_merge < 0.25 then k.created + delay + 4 * {DAY} else -1 end
        from known k join account_draws d using (acc) join companies c using (acc)
        where u_copy < 0.03 and k.created + delay + 5 * {DAY} < {AS_OF} and c.country = 'FR' and c.domain =
          c.own_domain
        union all
        select 2 * {n} + acc, acc, 'no_strong_key', k.created + delay, -1
        from known k join account_draws d using (acc) where u_hard < 0.008 and k.created + delay < {AS_OF};
        create or replace table account_records as
        select row_number() over (order by created, rec) - 1 as account_no, * from account_records order by
          account_no;
        alter table account_records add column main_no bigint;
        update account_records set main_no = m.account_no from (select acc, account_no from account_records
          where kind = 'main') m
        where m.acc = account_records.acc""")


def make_contact_records(scratch: Scratch, size: Size, seed: int) -> None:
    """Table contact_records: converted leads and customers' staff, plus duplicates by the same e-mail."""
    rng = stream(seed, "contact records")
    people = scratch.arrays("select count(*) as n from persons")["n"][0]
    scratch.store(
        "contact_draws",
        {
            "per": range(people),
            "made": size.first_event_s
            - rng.integers(1, 300, people) * DAY
            + rng.integers(25_000, 60_000, people),
            "u_copy": rng.random(people) / (5.0 if size.leads < 1000 else 1.0),
            "delay": rng.integers(5, 150, people) * DAY,
            "u_merge": rng.random(people),
        },
    )
    scratch.run(f"""
        create or replace table contact_records as
        with known as (select p.per, p.acc, case when p.is_lead then v.converted else d.made end as created,
          p.mail_kind
          from persons p join contact_draws d using (per) left join golden_conversions v using (per)
          where not p.is_lead or v.converted is not null)
        select per as rec, per, acc, 'main' as kind, created, -1 as deleted_s from known
        union all
        select {people} + per, per, acc, 'same_mail', created + delay, case when u_merge < 0.4 then created +
          delay + 2 * {DAY}
          else -1 end
        from known join contact_draws using (per) where u_copy < 0.03 and mail_kind in (0, 1) and created +
          delay + 3 * {DAY} < {AS_OF};
        create or replace table contact_records as
        select row_number() over (order by created, rec) - 1 as contact_no, * from contact_records order by
          contact_no""")


def make_records(scratch: Scratch, size: Size, seed: int) -> None:
    """All record tables; golden_conversions (per, acc, converted) is every conversion that happened."""
    scratch.run("""create or replace table golden_conversions as
        select per, acc, converted from lead_lives join persons using (per) where converted > 0 order by
          per""")
    make_lead_records(scratch, size, seed)
    make_account_records(scratch, size, seed)
    make_contact_records(scratch, size, seed)
