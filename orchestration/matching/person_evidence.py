"""Certain evidence about persons: CRM merges and conversions, a personal mailbox, a telephone under one name.

What does NOT belong here: golden ids, accounts, scores. Names alone never merge persons.
Each query gives stars to the smallest record of a key (left_node, right_node, is_sure) over table `records`.
"""

from __future__ import annotations

from orchestration.matching import evidence as ev

# The target may have vanished from the extracts: the records that point to it still belong together.
MUST_LINK = """
    select node, must_link_key as key from records where must_link_key is not null
    union
    select node, record_key from records where record_key in (select must_link_key from records)
"""

# A mailbox under two names may be shared by a couple or corrected: it joins each name's records, and the scores see
# the rest.
EMAIL = f"""
    select node, case when n_names > 1 then email || '|' || name_set else email end as key
    from (
        select node, email, name_set, count(distinct name_set) over (partition by email) as n_names,
               count(*) over (partition by email) as n_records
        from named where email is not null and not coalesce(is_generic_email, false)
    )
    where n_names <= {ev.MAX_NAMES_PER_EMAIL} and n_records <= {ev.MAX_RECORDS_PER_VALUE}
"""

# `jean martin` and `martin jean` are one name.
PHONE = f"""
    select node, number || '|' || name_set as key
    from (
        select node, number, name_set, count(distinct name_set) over (partition by number) as n_names,
               count(*) over (partition by number) as n_records
        from (
            select node, name_set, phone as number from named where phone is not null and name_set is not null
            union
            select node, name_set, mobile from named where mobile is not null and name_set is not null
        )
    )
    where n_names <= {ev.MAX_NAMES_PER_PHONE} and n_records <= {ev.MAX_RECORDS_PER_VALUE}
"""

#: Names whose words are sorted; null without a name.
NAMED = """
    create temp table named as
    select node, email, is_generic_email, phone, mobile,
           nullif(array_to_string(list_sort(string_split(trim(name_key), ' ')), ' '), '') as name_set
    from records
"""

#: What the engine compares: one row per certain cluster and distinct content, of the clusters that share with another
#: one a mailbox, a number, or the beginning of a name within a company: no others can be accepted.
PROFILES = """
    with clustered as (
        select r.* replace (case when not coalesce(r.is_generic_email, false) then r.email end as email), l.label
        from records as r join labels as l using (node)
    ),
    words as (
        select label, left(unnest(string_split(name_key, ' ')), 4) as start, company_name_key, email
        from clustered where name_key is not null
    ),
    keys as (
        select label, email as key from clustered where email is not null
        union all select label, phone from clustered where phone is not null
        union all select label, mobile from clustered where mobile is not null
        union all select label, start || '|' || company_name_key from words where company_name_key is not null
        union all select label, start || '@' || split_part(email, '@', 2) from words where email is not null
    ),
    shared as (select key from keys group by key having min(label) <> max(label)),
    open_ones as (select distinct label from keys where key in (select key from shared))
    select min(node) as node, label, min(given_name) as given_name, min(family_name) as family_name, email, phone,
           mobile, min(company_name) as company_name
    from clustered
    where label in (select label from open_ones)
    group by label, name_key, email, phone, mobile, company_name_key
"""

TIERS = ((ev.MUST_LINK, MUST_LINK), (ev.SAME_EMAIL, EMAIL), (ev.SAME_PHONE_AND_NAME, PHONE))
