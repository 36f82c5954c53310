"""Account clusters from legal keys, accountancy codes, CRM merges and web domains.

What does NOT belong here: golden ids (see golden_ids), names similarity, persons.
Source of the rules: master data specification, evidence rules for B2B.
Input is a table `account_records` (see the exchange model int_account_records) on the connection, with
`node` = dense integer in record_key order. No rule compares all pairs: each key value gives star edges
to the smallest record that carries it.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.matching import evidence as ev
from orchestration.matching.components import add_edges_without_conflict

#: SIREN: 9 digits, Luhn, and not one repeated digit (000000000 passes Luhn and identifies nobody).
_VALID_SIREN = """
    regexp_full_match(registration_number, '[0-9]{9}')
    and registration_number <> repeat(registration_number[1], 9)
    and (list_sum([
        case when i % 2 = 0
             then (case when 2 * cast(registration_number[i] as integer) > 9
                        then 2 * cast(registration_number[i] as integer) - 9
                        else 2 * cast(registration_number[i] as integer) end)
             else cast(registration_number[i] as integer) end
        for i in range(1, 10)]) % 10) = 0
"""


def account_labels(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, list[pa.Table]]:
    """Cluster the accounts of table `account_records`.

    Returns (labels (n,), edge tables with columns left_node, right_node, evidence_code, weight, decision).
    """
    _legal_numbers(con)
    identity = con.execute(
        "select dense_rank() over (order by siren nulls last) as rank_, siren is null as bare"
        " from account_legal order by node"
    ).fetchnumpy()
    identity = np.where(identity["bare"], -1, identity["rank_"]).astype(np.int64)
    labels = np.arange(len(identity), dtype=np.int64)
    tables: list[pa.Table] = []
    for code, query in (
        (ev.SAME_REGISTRATION_NUMBER, _STAR.format(key="siren", table="account_legal")),
        (ev.SAME_VAT_NUMBER, _STAR.format(key="vat_number", table="account_legal")),
        (ev.SAME_ACCOUNTANCY_CODE, _ACCOUNTANCY),
        (ev.MUST_LINK, _MUST_LINK),
    ):
        edges = con.execute(query).fetchnumpy()
        left, right, sure = edges["left_node"], edges["right_node"], edges["is_sure"].astype(bool)
        labels, kept = add_edges_without_conflict(labels, identity, left[sure], right[sure])
        decision = np.full(len(left), ev.REVIEW, dtype=object)
        decision[sure] = np.where(kept, ev.ACCEPTED, ev.REJECTED)
        codes = np.where(decision == ev.REJECTED, ev.DIFFERENT_REGISTRATION_NUMBER, code)
        tables.append(edge_table(left, right, codes, ev.WEIGHTS[code], decision))
    labels, domain_edges = _attach_by_domain(con, labels)
    tables.append(domain_edges)
    return labels, tables


def edge_table(
    left: np.ndarray, right: np.ndarray, code: np.ndarray | str, weight: float, decision: np.ndarray | str
) -> pa.Table:
    """Arrow table of edges between node numbers; scalars are repeated."""
    n = len(left)
    return pa.table(
        {
            "left_node": pa.array(left, pa.int64()),
            "right_node": pa.array(right, pa.int64()),
            "evidence_code": pa.array([code] * n if isinstance(code, str) else code, pa.string()),
            "weight": pa.array(np.full(n, weight), pa.float64()),
            "decision": pa.array([decision] * n if isinstance(decision, str) else decision, pa.string()),
        }
    )


def _legal_numbers(con: duckdb.DuckDBPyConnection) -> None:
    # A French VAT number ends with the SIREN; it stands in for a missing registration number only.
    con.execute(
        f"""
        create or replace temp table account_legal as
        with numbered as (
            select *, case when {_VALID_SIREN} then registration_number end as own_siren
            from account_records
        ),
        completed as (
            select * replace (
                coalesce(
                    own_siren,
                    case when regexp_full_match(vat_number, 'FR[0-9A-Z]{{2}}[0-9]{{9}}')
                         then right(vat_number, 9) end
                ) as registration_number)
            from numbered
        )
        select *, case when {_VALID_SIREN} then registration_number end as siren from completed
        """
    )


#: is_sure: false sends the edge to review instead of merging.
_STAR = """
    with keyed as (
        select node, min(node) over (partition by {key}) as first_node from {table} where {key} is not null
    )
    select first_node as left_node, node as right_node, true as is_sure
    from keyed where node <> first_node order by left_node, right_node
"""

# One code may exist in two ERPs for two customers; a CRM account does not say which ERP it means.
_ACCOUNTANCY = f"""
    with keyed as (
        select node,
               min(node) over (partition by accountancy_code) as first_node,
               count(*) over (partition by accountancy_code) as n_records,
               min(case when contract = 'erp_customer' then source_instance end)
                   over (partition by accountancy_code) as lowest_erp,
               max(case when contract = 'erp_customer' then source_instance end)
                   over (partition by accountancy_code) as highest_erp
        from account_records where accountancy_code is not null
    )
    select first_node as left_node, node as right_node,
           lowest_erp is not distinct from highest_erp
           and n_records <= {ev.MAX_RECORDS_PER_ACCOUNTANCY_CODE} as is_sure
    from keyed where node <> first_node order by left_node, right_node
"""

# The target may have vanished from the extracts: the records that point to it still belong together.
_MUST_LINK = """
    with keyed as (
        select node, must_link_key as link_key from account_records where must_link_key is not null
        union
        select node, record_key from account_records
        where record_key in (select must_link_key from account_records)
    ),
    starred as (select node, min(node) over (partition by link_key) as first_node from keyed)
    select distinct first_node as left_node, node as right_node, true as is_sure
    from starred where node <> first_node order by left_node, right_node
"""


def _attach_by_domain(con: duckdb.DuckDBPyConnection, labels: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """Attach clusters without any legal number to the one legal cluster of their web domain.

    A domain shared by several legal clusters, or by a parent and its subsidiary, is a group domain: its
    edges go to review. So do edges between different countries.
    """
    con.register("labels_now", pa.table({"node": np.arange(len(labels)), "label": labels}))
    edges = con.execute(
        """
        with clustered as (
            select r.node, r.record_key, r.domain, r.country_code, r.parent_record_key, c.label,
                   max(r.siren) over (partition by c.label) is not null
                   or max(r.vat_number) over (partition by c.label) is not null as is_legal,
                   min(r.country_code) over (partition by c.label) as cluster_country
            from account_legal as r join labels_now as c using (node)
        ),
        on_domain as (
            select domain, label, bool_or(is_legal) as is_legal, min(node) as first_node,
                   min(cluster_country) as country_code
            from clustered where domain is not null group by domain, label
        ),
        related as (
            select distinct child.domain
            from clustered as child join clustered as parent
              on child.parent_record_key = parent.record_key
             and child.domain = parent.domain and child.label <> parent.label
        ),
        hub as (
            select domain, count(*) filter (where is_legal) as n_legal,
                   arg_min(first_node, (not is_legal, first_node)) as hub_node,
                   arg_min(struct_pack(country := country_code), (not is_legal, first_node)) as hub
            from on_domain group by domain having count(*) > 1
        )
        select h.hub_node as left_node, d.first_node as right_node,
               h.n_legal <= 1 and r.domain is null
               and coalesce(d.country_code = h.hub.country, true) as is_sure
        from on_domain as d join hub as h using (domain) left join related as r using (domain)
        where d.first_node <> h.hub_node and not d.is_legal
        order by left_node, right_node
        """
    ).fetchnumpy()
    con.unregister("labels_now")
    left, right, sure = edges["left_node"], edges["right_node"], edges["is_sure"].astype(bool)
    # A cluster may own two domains, each leading to another legal cluster: attach it to neither twice.
    identity = _legal_identity(con, labels)
    joined, kept = add_edges_without_conflict(labels, identity, left[sure], right[sure])
    decision = np.full(len(left), ev.REVIEW, dtype=object)
    decision[sure] = np.where(kept, ev.ACCEPTED, ev.REVIEW)
    return joined, edge_table(left, right, ev.SAME_DOMAIN, ev.WEIGHTS[ev.SAME_DOMAIN], decision)


def _legal_identity(con: duckdb.DuckDBPyConnection, labels: np.ndarray) -> np.ndarray:
    """Identity of a node for the domain step: its cluster when the cluster has a legal number, else -1."""
    numbered = con.execute(
        "select siren is not null or vat_number is not null as has_number from account_legal order by node"
    ).fetchnumpy()["has_number"]
    legal = np.zeros(len(labels), dtype=bool)
    np.logical_or.at(legal, labels, numbered.astype(bool))
    return np.where(legal[labels], labels, -1)
