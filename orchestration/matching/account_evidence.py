"""Certain evidence about accounts: legal numbers, accountancy codes, CRM merges, a name with a second proof.

What does NOT belong here: golden ids, scores, persons. Source of the rules: master data specification, evidence rules
for B2B. Every query reads table `records` (see the exchange model int_account_records) with `node` = dense integer in
record_key order, and gives the records of a key: node, key and, where the key may be doubtful, is_sure.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.matching import evidence as ev
from orchestration.matching.standardise.identifiers import vat_numbers

# One code may exist in two ERPs for two customers; a CRM account does not say which ERP it means. Two ledgers mean one
# customer when they call it alike: books cut names.
_ACCOUNTANCY = f"""
    select node, accountancy_code as key,
           min(erp) over codes is not distinct from max(erp) over codes
           and (min(ledger) over codes is not distinct from max(ledger) over codes
                or min(ledger_name) over codes is not distinct from max(ledger_name) over codes)
           and count(*) over codes <= {ev.MAX_RECORDS_PER_ACCOUNTANCY_CODE} as is_sure
    from (
        select node, accountancy_code, case when contract = 'erp_customer' then source_instance end as erp,
               case when contract = 'ledger_customer' then source_instance end as ledger,
               case when contract = 'ledger_customer' then coalesce(left(name_key, 10), '') end as ledger_name
        from records where accountancy_code is not null
    )
    window codes as (partition by accountancy_code)
"""
# Within one system a code has one meaning, whatever other systems call so.
_OWN_LEDGER = """
    select node, source_instance || '|' || accountancy_code as key
    from (
        select node, source_instance, accountancy_code, bool_or(contract = 'ledger_customer') over codes as has_ledger
        from records
        where accountancy_code is not null and contract in ('erp_customer', 'ledger_customer')
        window codes as (partition by source_instance, accountancy_code)
    )
    where has_ledger
"""
_MUST_LINK = """
    select node, must_link_key as key from records where must_link_key is not null
    union
    select node, record_key from records where record_key in (select must_link_key from records)
"""

#: Legal numbers and links, the stronger first.
LEGAL_TIERS = (
    (
        ev.SAME_REGISTRATION_NUMBER,
        "select node, registration_number as key from records where registration_number is not null",
    ),
    (ev.SAME_VAT_NUMBER, "select node, vat_number as key from records where vat_number is not null"),
    (ev.SAME_ACCOUNTANCY_CODE, _OWN_LEDGER),
    (ev.SAME_ACCOUNTANCY_CODE, _ACCOUNTANCY),
    (ev.MUST_LINK, _MUST_LINK),
)

# On one domain: records of one name in one country, unless two companies with legal numbers, or a parent and its child,
# bear it. Records of the group's other names are left to the scores.
_DOMAIN_AND_NAME = """
    select node, domain || '|' || name_key || case when n_low <> n_high then '|' || country_code else '' end as key
    from (
        select r.node, r.domain, r.name_key, r.country_code,
               min(r.country_code) over names as n_low, max(r.country_code) over names as n_high,
               min(l.legal) over names as first_legal, max(l.legal) over names as last_legal
        from records as r join labels as l using (node)
        where r.domain is not null and r.name_key is not null
        window names as (partition by r.domain, r.name_key)
    )
    where first_legal is not distinct from last_legal
        and (domain, name_key) not in (
            select child.domain, child.name_key
            from records as child join records as parent on child.parent_record_key = parent.record_key
            join labels as c on c.node = child.node join labels as p on p.node = parent.node
            where child.domain = parent.domain and child.name_key = parent.name_key and c.label <> p.label
        )
"""

# A person who is on two records whose companies bear one name works for one company.
_PERSON_AND_NAME = """
    select distinct r.node, p.person || '|' || r.name_key as key
    from people as p join records as r on r.record_key = p.account_record_key
    where r.name_key is not null
"""

#: A name and one thing more.
NAME_TIERS = ((ev.SAME_DOMAIN_AND_NAME, _DOMAIN_AND_NAME), (ev.SAME_PERSON_AND_NAME, _PERSON_AND_NAME))

# Records without number, code or domain of their own join the only known company of their name and country when the
# head count is the same number too; a name of one word, or one that two companies bear, decides nothing. Ledgers know
# neither country nor size.
NAME_AND_SIZE = f"""
    with clustered as (
        select r.node, r.name_key, r.country_code, r.employee_count, r.postal_code, l.label,
               bool_or(r.domain is not null or r.registration_number is not null or r.vat_number is not null
                       or r.accountancy_code is not null) over (partition by l.label) as is_anchored
        from records as r join labels as l using (node)
        where r.name_key like '% %' and r.contract <> 'ledger_customer'
    ),
    names as (
        select name_key, min(country_code) as country_code, min(label) filter (where is_anchored) as anchor,
               min(postal_code) as postal_code
        from clustered
        group by name_key
        having count(distinct label) > 1
            and count(distinct case when is_anchored then label end) <= 1
            and count(distinct country_code) = 1 and count(country_code) = count(*)
            and count(distinct postal_code) <= 1 and count(*) <= {ev.MAX_RECORDS_PER_VALUE}
    ),
    bare as (
        select c.label, n.name_key, n.anchor, min(c.node) as node,
               list_distinct(list(c.employee_count) filter (where c.employee_count > 1)) as sizes
        from clustered as c join names as n using (name_key)
        group by c.label, n.name_key, n.anchor
    ),
    hubs as (
        select name_key, node, sizes, anchor is not null as is_anchored from bare
        qualify row_number() over (
            partition by name_key order by (label = anchor) desc nulls last, len(sizes) > 0 desc, node) = 1
    )
    select least(h.node, b.node) as left_node, greatest(h.node, b.node) as right_node,
           coalesce(list_has_any(h.sizes, b.sizes), false) as is_sure
    from bare as b join hubs as h using (name_key)
    where b.node <> h.node and (h.is_anchored or coalesce(list_has_any(h.sizes, b.sizes), false))
"""

#: What the engine compares: one row per certain cluster and distinct content, what a record lacks taken from its
#: cluster. A number that no other cluster has is a person's own line on a lead: it says nothing about the company.
PROFILES = """
    with shared as (
        select r.phone from records as r join labels as l using (node)
        where r.phone is not null group by r.phone having min(l.label) <> max(l.label)
    ),
    filled as (
        select r.node, l.label, r.name, r.name_key, s.phone,
               coalesce(r.registration_number, min(r.registration_number) over clusters) as registration_number,
               coalesce(r.domain, min(r.domain) over clusters) as domain,
               coalesce(r.postal_code, min(r.postal_code) over clusters) as postal_code,
               coalesce(r.city, min(r.city) over clusters) as city,
               coalesce(r.country_code, min(r.country_code) over clusters) as country_code,
               r.contract = 'ledger_customer' and bool_or(r.contract <> 'ledger_customer') over clusters as is_told
        from records as r join labels as l using (node) left join shared as s using (phone)
        window clusters as (partition by l.label)
    )
    select min(node) as node, label, min(name) as name, registration_number, domain, phone, postal_code,
           min(city) as city, country_code
    from filled
    where not is_told
    group by label, name_key, registration_number, domain, phone, postal_code, upper(city), country_code
"""

#: Pairs that the CRM calls parent and child.
PARENTS = """
    select c.node as left_node, p.node as right_node
    from records as c join records as p on c.parent_record_key = p.record_key
    where c.node <> p.node
"""


def legal_identities(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    """Numbers that tell companies apart, one (n,) array each, -1 where a record has none.

    The SIREN, and one array per country with several valid VAT numbers: a company may be registered for VAT in many
    countries, once in each. A French VAT number says no more than its SIREN.
    """
    columns = ["registration_number"]
    foreign = con.sql(
        "select distinct vat_number from records where vat_number is not null and left(vat_number, 2) <> 'FR'"
    ).to_arrow_table()
    con.register("checked_vat", vat_numbers(foreign["vat_number"]))
    con.execute(
        "create temp table valid_vat as select value, vat_number, left(vat_number, 2) as country from checked_vat "
        "where vat_number is not null"
    )
    con.unregister("checked_vat")
    countries = con.execute(
        "select country from valid_vat group by country having count(distinct vat_number) > 1 order by country"
    ).fetchall()
    columns += [
        f"case when left(vat_number, 2) = '{country}' and vat_number in (select value from valid_vat) "
        "then vat_number end"
        for (country,) in countries
    ]
    return tuple(_numbered(con, column) for column in columns)


def _numbered(con: duckdb.DuckDBPyConnection, column: str) -> np.ndarray:
    found = con.execute(
        f"select node, dense_rank() over (order by value) as rank_ from (select node, {column} as value from records) "
        "where value is not null"
    ).fetchnumpy()
    n = con.execute("select count(*) from records").fetchall()[0][0]
    identity = np.full(n, -1, dtype=np.int64)
    identity[np.asarray(found["node"], np.int64)] = np.asarray(found["rank_"], np.int64)
    return identity


def register_people(con: duckdb.DuckDBPyConnection, persons: Path, clusters: pa.Table) -> None:
    """Give the queries table `people`: person (its cluster) and account_record_key of each person record."""
    con.register("person_clusters", clusters)
    con.execute(
        "create temp table people as select c.label as person, p.account_record_key from read_parquet($path) as p "
        "join person_clusters as c using (record_key) where p.account_record_key is not null",
        {"path": str(persons)},
    )
    con.unregister("person_clusters")
