"""Certain evidence about persons: CRM merges and conversions, a personal mailbox, a mobile under one name.

What does NOT belong here: golden ids, accounts, scores. Names alone never merge persons.
Each query gives stars to the smallest record of a key (left_node, right_node, is_sure) over table `records`.
"""

from __future__ import annotations

from orchestration.matching import evidence as ev
from orchestration.matching.linkage.preparation import FAMILIES_OF_A_KNOWN_NAME, RECORDS_PER_KNOWN_NAME

# The target may have vanished from the extracts: the records that point to it still belong together.
MUST_LINK = """
    select node, must_link_key as key from records where must_link_key is not null
    union
    select node, record_key from records where record_key in (select must_link_key from records)
"""

# A mailbox under two names may be shared by a couple or corrected: it joins each name's records, and the scores see
# the rest. A record without a name belongs to the only name of a mailbox that says this name, else to nobody; what
# mails and meetings tell of an address that nobody bears is one party.
EMAIL = f"""
    with boxes as (
        select email, count(distinct name_set) as n_names, min(name_set) as only_name, count(*) as n_records,
               lower(split_part(email, '@', 1)) as local_part
        from named where email is not null group by email
    )
    select node, email || '|' || coalesce(name_set, only_name, '') as key
    from named join boxes using (email)
    where n_names <= {ev.MAX_NAMES_PER_EMAIL} and n_records <= {ev.MAX_RECORDS_PER_VALUE}
        and (name_set is not null or (n_names = 0 and is_contact_point) or (n_names = 1 and len(list_filter(
            string_split(lower(only_name), ' '), lambda w: length(w) >= 3 and contains(local_part, w))) > 0))
"""

# `jean martin` and `martin jean` are one name. A landline is shared by a house, a mobile that companies publish is
# shared by its staff, and one number beside two mailboxes or two mobiles may be a father's and his son's.
MOBILE = f"""
    with numbers as (
        select node, name_set, email, mobile, phone as number from named where phone is not null
        union
        select node, name_set, email, mobile, mobile from named where mobile is not null
    ),
    personal as (
        select number from numbers group by number
        having count(distinct name_set) = 1 and count(distinct email) <= 1 and count(distinct mobile) = 1
            and bool_or(mobile = number) and count(*) <= {ev.MAX_RECORDS_PER_VALUE}
    )
    select node, number || '|' || name_set as key from numbers
    where name_set is not null and number in (select number from personal)
        and number not in (select number from company_numbers)
"""

#: Names whose words are sorted, null without a name; mailboxes of persons only. Landlines that are a company's, or
#: that stand beside two names or two mobiles, are switchboards or family lines.
NAMED = f"""
    create temp table named as
    select node, contract in {ev.CONTACT_POINTS} as is_contact_point,
           case when not coalesce(is_generic_email, false) then email end as email, phone, mobile,
           lower(strip_accents(given_name)) as given,
           nullif(array_to_string(list_sort(string_split(trim(name_key), ' ')), ' '), '') as name_set
    from records;
    create temp table shared_lines as
    select phone as number from named where phone is not null group by phone
    having count(distinct name_set) > 1 or count(distinct mobile) > 1
    union
    select number from company_numbers
"""

#: Given names that several families bear, of all records and not only of those that are compared.
KNOWN_GIVEN_NAMES = f"""
    select given from (
        select distinct lower(strip_accents(given_name)) as given, lower(strip_accents(family_name)) as family
        from records where length(given_name) > 1 and family_name is not null
    ) group by given
    having count(*) >= greatest({FAMILIES_OF_A_KNOWN_NAME}, (select count(*) from records) / {RECORDS_PER_KNOWN_NAME})
    order by given
"""

#: What the engine compares: one row per certain cluster and distinct content, of the clusters that share with another
#: one a mailbox, a number, or the beginning of a name within a company: no others can be accepted.
PROFILES = """
    with clustered as (
        select r.* replace (n.email as email,
                            case when r.phone not in (select number from shared_lines) then r.phone end as phone),
               l.label
        from records as r join named as n using (node) join labels as l using (node)
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

TIERS = ((ev.MUST_LINK, MUST_LINK), (ev.SAME_EMAIL, EMAIL), (ev.SAME_PHONE_AND_NAME, MOBILE))

#: Pairs of table `scored` (left_node, right_node) that a score must not join, whatever else agrees, and why.
DOUBTS = f"""
    select left_node, right_node,
           case when a.mobile <> b.mobile and a.mobile is distinct from b.phone and b.mobile is distinct from a.phone
                    then '{ev.TWO_MOBILES}'
                when a.email <> b.email and split_part(a.email, '@', 2) = split_part(b.email, '@', 2)
                    and not coalesce(a.mobile = b.mobile, false) and not (
                        least(strpos(a.email, '@'), strpos(b.email, '@')) > 5
                        and damerau_levenshtein(a.email, b.email) <= 1 and regexp_replace(a.email, '[^0-9]', '', 'g')
                            = regexp_replace(b.email, '[^0-9]', '', 'g'))
                    then '{ev.TWO_MAILBOXES}'
                when a.email = b.email and a.name_set <> b.name_set and a.given <> b.given
                    and least(length(a.given), length(b.given)) > 1
                    and not (length(a.given) >= 3 and contains(split_part(lower(a.email), '@', 1), a.given))
                    and not (length(b.given) >= 3 and contains(split_part(lower(a.email), '@', 1), b.given))
                    then '{ev.FAMILY_MAILBOX}'
           end as reason
    from scored join named as a on a.node = left_node join named as b on b.node = right_node
"""

#: Reasons that hold for two people also when a third record resembles both.
LASTING_DOUBTS = (
    ev.TWO_MOBILES,
    ev.TWO_MAILBOXES,
    ev.FAMILY_MAILBOX,
    "given_names_differ",
    "inexact_given_name",
)
