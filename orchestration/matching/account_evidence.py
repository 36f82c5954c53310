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
import pyarrow.compute as pc

from orchestration.matching import evidence as ev
from orchestration.matching.standardise.identifiers import vat_numbers

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
# A code is the ERP's: it says one company where one ERP and one CRM speak of it and nothing contradicts. Anything else
# that bears it (a second ERP, CRM or ledger with numbers of its own, another name) needs a second proof. The first
# record of the ERP is what the others are compared with.
_NAMES_AGREE = """coalesce(
    name_key = its_name
    or (least(length(name_key), length(its_name)) >= 8
        and (starts_with(name_key, its_name) or starts_with(its_name, name_key)))
    or jaro_winkler_similarity(name_key, its_name) >= 0.93, false)"""
_NAMES_DIFFER = f"""coalesce(not {_NAMES_AGREE}
    and not list_has_any(list_filter(string_split(name_key, ' '), lambda w: length(w) > 3), string_split(its_name, ' '))
    and jaro_winkler_similarity(name_key, its_name) < 0.85, false)"""
_ACCOUNTANCY = f"""
    select node, accountancy_code as key,
           n_records <= {ev.MAX_RECORDS_PER_ACCOUNTANCY_CODE} and (
               node = its_node or {_NAMES_AGREE}
               or coalesce(registration_number = its_number, false) or coalesce(domain = its_domain, false)
               or (first_erp = last_erp and first_crm is not distinct from last_crm
                   and first_ledger is not distinct from last_ledger and not {_NAMES_DIFFER}
                   and not coalesce(country_code <> its_country, false)
                   and not coalesce(domain <> its_domain, false))
           ) as is_sure
    from (
        select node, accountancy_code, name_key, registration_number, domain, country_code,
               first_value(node) over owners as its_node, first_value(name_key) over owners as its_name,
               first_value(registration_number) over owners as its_number,
               first_value(domain) over owners as its_domain, first_value(country_code) over owners as its_country,
               count(*) over codes as n_records,
               min(case when contract = 'erp_customer' then source_instance end) over codes as first_erp,
               max(case when contract = 'erp_customer' then source_instance end) over codes as last_erp,
               min(case when contract = 'ledger_customer' then source_instance end) over codes as first_ledger,
               max(case when contract = 'ledger_customer' then source_instance end) over codes as last_ledger,
               min(case when contract like 'crm%' then source_instance end) over codes as first_crm,
               max(case when contract like 'crm%' then source_instance end) over codes as last_crm
        from records where accountancy_code is not null
        window codes as (partition by accountancy_code),
               owners as (partition by accountancy_code order by contract = 'erp_customer' desc, node
                          rows between unbounded preceding and unbounded following)
    )
"""
_MUST_LINK = """
    select node, must_link_key as key from records where must_link_key is not null
    union
    select node, record_key from records where record_key in (select must_link_key from records)
"""

#: Legal numbers, the stronger first.
NUMBER_TIERS = (
    (
        ev.SAME_REGISTRATION_NUMBER,
        "select node, registration_number as key from records where registration_number is not null",
    ),
    (ev.SAME_VAT_NUMBER, "select node, vat_number as key from records where vat_number is not null"),
)

#: Links between records, the stronger first. A parent and its child are not one company by these.
LINK_TIERS = (
    (ev.SAME_ACCOUNTANCY_CODE, _OWN_LEDGER),
    (ev.SAME_ACCOUNTANCY_CODE, _ACCOUNTANCY),
    (ev.MUST_LINK, _MUST_LINK),
)

# On one domain: records of one name in one country and place, unless two companies with legal numbers bear it, or two
# VAT numbers of one country are stated, even wrong ones. A parent and its child are left out; so is, where several
# places or switchboards are named (agencies of a franchise), what names none of them. All that is left to the scores.
_DOMAIN_AND_NAME = f"""
    with named as (
        select r.node, r.domain, r.name_key, r.country_code, r.postal_code, r.stated_vat, l.label, l.legal,
               case when r.contract <> 'crm_lead' then r.phone end as phone
        from records as r join labels as l using (node)
        where r.domain is not null and r.name_key is not null
    ),
    kin as (
        select c.node as child, p.node as parent
        from records as r join named as c using (node)
        join records as head on head.record_key = r.parent_record_key join named as p on p.node = head.node
        where p.domain = c.domain and p.name_key = c.name_key and p.label <> c.label
    ),
    contradicted as (
        select domain, name_key from named where stated_vat is not null
        group by domain, name_key, left(stated_vat, 2)
        having min(stated_vat) <> max(stated_vat) and min(label) <> max(label)
    ),
    known as (
        select *, min(country_code) over names as n_low, max(country_code) over names as n_high,
               coalesce(min(postal_code) over names <> max(postal_code) over names, false) as has_places,
               coalesce(min(phone) over names <> max(phone) over names, false) as has_phones,
               min(legal) over names as first_legal, max(legal) over names as last_legal,
               count(*) over names as n_records, row_number() over (names order by node) as place
        from named
        where node not in (select child from kin) and node not in (select parent from kin)
            and (domain, name_key) not in (select domain, name_key from contradicted)
        window names as (partition by domain, name_key)
    )
    select node, domain || '|' || name_key || case
               when n_records > {ev.MAX_RECORDS_PER_NAME} then ''
               else case when n_low <> n_high then '|' || country_code else '' end
                   || case when has_places then '|' || postal_code else '' end
                   || case when has_phones then '|' || phone else '' end
           end as key,
           n_records <= {ev.MAX_RECORDS_PER_NAME} as is_sure
    from known
    where first_legal is not distinct from last_legal and (n_records <= {ev.MAX_RECORDS_PER_NAME} or place <= 2)
"""

# A person who is on two records of one country, found by one mailbox or mobile, whose companies bear one name of two
# words works for one company, unless a domain or a place says otherwise.
_PERSON_AND_NAME = f"""
    select node, key, coalesce(first_domain = last_domain, true) and coalesce(first_place = last_place, true)
           and first_country = last_country and n_countries = n_records
           and n_records <= {ev.MAX_RECORDS_PER_VALUE} as is_sure
    from (
        select node, key, min(domain) over keys as first_domain, max(domain) over keys as last_domain,
               min(postal_code) over keys as first_place, max(postal_code) over keys as last_place,
               min(country_code) over keys as first_country, max(country_code) over keys as last_country,
               count(country_code) over keys as n_countries, count(*) over keys as n_records
        from (
            select distinct r.node, p.person || '|' || p.contact || '|' || r.name_key as key, r.domain, r.postal_code,
                   r.country_code
            from people as p join records as r on r.record_key = p.account_record_key
            where r.name_key like '% %'
        )
        window keys as (partition by key)
    )
"""

#: A name and one thing more.
NAME_TIERS = ((ev.SAME_DOMAIN_AND_NAME, _DOMAIN_AND_NAME), (ev.SAME_PERSON_AND_NAME, _PERSON_AND_NAME))

# Records without number, code or domain of their own join the only known company of their name and country when the
# head count is the same number too, unless it is one that people round to or the numbers of the two differ. A name of
# one word, or one that two companies bear, decides nothing. Ledgers know neither country nor size.
NAME_AND_SIZE = f"""
    with clustered as (
        select r.node, r.name_key, r.country_code, r.employee_count, r.postal_code, l.label,
               case when r.contract <> 'crm_lead' then r.phone end as phone,
               bool_or(r.domain is not null or r.registration_number is not null or r.vat_number is not null
                       or r.accountancy_code is not null) over (partition by l.label) as is_anchored
        from records as r join labels as l using (node)
        where r.name_key like '% %' and r.contract <> 'ledger_customer'
    ),
    names as (
        select name_key, min(label) filter (where is_anchored) as anchor
        from clustered
        group by name_key
        having count(distinct label) > 1
            and count(distinct case when is_anchored then label end) <= 1
            and count(distinct country_code) = 1 and count(country_code) = count(*)
            and count(*) <= {ev.MAX_RECORDS_PER_VALUE}
    ),
    bare as (
        select c.label, n.name_key, n.anchor, min(c.node) as node,
               list_distinct(list(c.employee_count) filter (where c.employee_count > 1)) as sizes,
               list_distinct(list(c.phone) filter (where c.phone is not null)) as phones,
               list_distinct(list(c.postal_code) filter (where c.postal_code is not null)) as places
        from clustered as c join names as n using (name_key)
        group by c.label, n.name_key, n.anchor
    ),
    hubs as (
        select name_key, node, sizes, phones, places, anchor is not null as is_anchored from bare
        qualify row_number() over (
            partition by name_key order by (label = anchor) desc nulls last, len(sizes) > 0 desc, node) = 1
    )
    select least(h.node, b.node) as left_node, greatest(h.node, b.node) as right_node,
           h.is_anchored
           and coalesce(len(list_filter(list_intersect(h.sizes, b.sizes),
                                        lambda n: n % 10 <> 0 and (n <= 50 or n % 5 <> 0))) > 0, false)
           and not coalesce(len(h.phones) > 0 and len(b.phones) > 0 and not list_has_any(h.phones, b.phones), false)
           and not coalesce(len(h.places) > 0 and len(b.places) > 0 and not list_has_any(h.places, b.places), false)
           as is_sure
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


#: Words that tell two companies of one family apart: "Veria Nord" is not "Veria Sud", a holding not what it holds.
_TELLING = (
    "nord sud est ouest north south east west nord-est nord-ouest sud-est sud-ouest centre ost west sued "
    "i ii iii iv v vi vii viii ix holding holdings group groupe gruppe gruppo grupo"
)
#: Scored pairs (position, left_node, right_node, near, far = clusters) that only a person may join.
DOUBTS = f"""
    with stated as (
        select distinct l.label, r.stated_vat, left(r.stated_vat, 2) as country
        from records as r join labels as l using (node) where r.stated_vat is not null
    ),
    names as (
        select s.left_node, s.right_node, string_split(a.name_key, ' ') as one, string_split(b.name_key, ' ') as other
        from scored as s join records as a on a.node = s.left_node join records as b on b.node = s.right_node
    )
    select s.left_node, s.right_node, '{ev.TWO_STATED_NUMBERS}' as reason
    from scored as s join stated as a on a.label = s.near join stated as b on b.label = s.far and b.country = a.country
    group by s.left_node, s.right_node having not bool_or(a.stated_vat = b.stated_vat)
    union all
    select left_node, right_node, '{ev.NAMES_TELL_APART}'
    from names
    where len(list_filter(list_concat(list_filter(one, lambda w: not list_contains(other, w)),
                                      list_filter(other, lambda w: not list_contains(one, w))),
                          lambda w: regexp_matches(w, '[0-9]')
                              or list_contains(string_split('{_TELLING.upper()}', ' '), upper(w)))) > 0
"""


#: Valid VAT numbers as records state them, and in one spelling.
VALID_VAT_NUMBERS = pa.schema([("stated_number", pa.string()), ("vat_number", pa.string())])


def check_numbers(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Leave in `records` the VAT numbers that are valid, in one spelling; what was stated stays as stated_vat.

    A country that nobody states is that of the number: a SIREN is French. Returns the valid ones: stated_number,
    vat_number; survivorship reads them, so that a number is valid or not in one place.
    """
    stated = con.sql("select distinct vat_number from records where vat_number is not null").to_arrow_table()
    checked = vat_numbers(stated["vat_number"])
    con.register("checked_vat", checked)
    con.execute(
        "create or replace temp table records as select r.* replace (c.vat_number as vat_number, "
        "coalesce(r.country_code, case when r.registration_number is not null then 'FR' end, "
        "replace(replace(left(c.vat_number, 2), 'EL', 'GR'), 'XI', 'GB')) as country_code), "
        "r.vat_number as stated_vat from records as r left join checked_vat as c on c.value = r.vat_number"
    )
    con.unregister("checked_vat")
    valid = checked.filter(pc.is_valid(checked["vat_number"])).rename_columns(VALID_VAT_NUMBERS.names)
    return valid.sort_by("stated_number").cast(VALID_VAT_NUMBERS)


def legal_identities(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    """Numbers that tell companies apart, one (n,) array each, -1 where a record has none; see check_numbers.

    The SIREN, and one array per country with several valid VAT numbers: a company may be registered for VAT in many
    countries, once in each. A French VAT number says no more than its SIREN.
    """
    countries = con.execute(
        "select left(vat_number, 2) as country from records where vat_number is not null "
        "and left(vat_number, 2) <> 'FR' group by country having count(distinct vat_number) > 1 order by country"
    ).fetchall()
    columns = [f"case when left(vat_number, 2) = '{country}' then vat_number end" for (country,) in countries]
    return tuple(_numbered(con, column) for column in ("registration_number", *columns))


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
    """Give the queries table `people`: person (its cluster), contact and account_record_key of each person record.

    contact: a mailbox of its own or a mobile; a number of the house says nothing about who a person is.
    """
    con.register("person_clusters", clusters)
    con.execute(
        "create temp table people as select c.label as person, p.account_record_key, unnest(list_distinct("
        "[case when not coalesce(p.is_generic_email, false) then p.email end, p.mobile])) as contact "
        "from read_parquet($path) as p join person_clusters as c using (record_key) "
        "where p.account_record_key is not null and coalesce(p.email, p.mobile) is not null",
        {"path": str(persons)},
    )
    con.unregister("person_clusters")
