"""Person clusters from CRM merges, personal e-mail addresses, and telephones under one name.

What does NOT belong here: golden ids, accounts, name similarity. Names alone never merge persons.
Input is a table `person_records` (see the exchange model int_person_records) with `node` = dense integer
in record_key order.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.matching import evidence as ev
from orchestration.matching.accounts import edge_table
from orchestration.matching.components import component_labels

_MUST_LINK = """
    with keyed as (
        select node, must_link_key as link_key from person_records where must_link_key is not null
        union
        select node, record_key from person_records
        where record_key in (select must_link_key from person_records)
    ),
    starred as (select node, min(node) over (partition by link_key) as first_node from keyed)
    select distinct first_node as left_node, node as right_node, true as is_sure
    from starred where node <> first_node order by left_node, right_node
"""

# Different names on one personal address are one person who married, or a typing error: accepted, up to
# the number of names that only a shared mailbox can have.
_EMAIL = f"""
    with keyed as (
        select node, email, name_key, min(node) over (partition by email) as first_node
        from person_records where email is not null and not coalesce(is_generic_email, false)
    ),
    shared as (
        select email from keyed group by email having count(distinct name_key) > {ev.MAX_NAMES_PER_EMAIL}
    )
    select first_node as left_node, node as right_node, s.email is null as is_sure
    from keyed left join shared as s using (email)
    where node <> first_node order by left_node, right_node
"""

# `jean martin` and `martin jean` are one name. A number under two names sends one edge to review.
_PHONE = f"""
    with named as (
        select node, phone, mobile,
               array_to_string(list_sort(string_split(trim(name_key), ' ')), ' ') as name_set
        from person_records where coalesce(trim(name_key), '') <> ''
    ),
    numbers as (
        select node, name_set, phone as number from named where phone is not null
        union
        select node, name_set, mobile from named where mobile is not null
    ),
    used as (
        select number, name_set, min(node) as first_node from numbers group by number, name_set
    ),
    usable as (
        select number, min(first_node) as hub_node from used
        group by number having count(*) <= {ev.MAX_NAMES_PER_PHONE}
    ),
    edges as (
        select u.first_node as left_node, n.node as right_node, true as is_sure
        from numbers as n join usable using (number) join used as u using (number, name_set)
        where n.node <> u.first_node
        union all
        select b.hub_node, u.first_node, false
        from used as u join usable as b using (number)
        where u.first_node <> b.hub_node
    )
    select left_node, right_node, bool_or(is_sure) as is_sure
    from edges group by left_node, right_node order by left_node, right_node
"""


def person_labels(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, list[pa.Table]]:
    """Cluster the persons of table `person_records`.

    Returns (labels (n,), edge tables with columns left_node, right_node, evidence_code, weight, decision).
    """
    n_nodes = con.execute("select count(*) from person_records").fetchone()[0]
    tables: list[pa.Table] = []
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for code, query in (
        (ev.MUST_LINK, _MUST_LINK),
        (ev.SAME_EMAIL, _EMAIL),
        (ev.SAME_PHONE_AND_NAME, _PHONE),
    ):
        edges = con.execute(query).fetchnumpy()
        left, right, sure = edges["left_node"], edges["right_node"], edges["is_sure"].astype(bool)
        lefts.append(left[sure])
        rights.append(right[sure])
        tables.append(edge_table(left, right, code, ev.WEIGHTS[code], np.where(sure, ev.ACCEPTED, ev.REVIEW)))
    return component_labels(n_nodes, np.concatenate(lefts), np.concatenate(rights)), tables
