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

#: What the engine compares: one row per certain cluster and distinct content.
PROFILES = """
    select min(node) as node, label, min(given_name) as given_name, min(family_name) as family_name, own_email as email,
           phone, mobile, min(company_name) as company_name
    from (
        select r.*, l.label, case when not coalesce(is_generic_email, false) then email end as own_email
        from records as r join labels as l using (node)
    )
    group by label, name_key, own_email, phone, mobile, upper(company_name)
"""

TIERS = ((ev.MUST_LINK, MUST_LINK), (ev.SAME_EMAIL, EMAIL), (ev.SAME_PHONE_AND_NAME, PHONE))
