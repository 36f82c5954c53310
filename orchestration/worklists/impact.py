"""What hangs on a record that is to be mended, and which seller owns it.

Money of the deal, document or company concerned; leads or touches where no money hangs on the record. Only the records
of the worklist are looked up: the tables are probed, never grouped as a whole. What does NOT belong here: which
records are to be mended (building.py).
"""

from __future__ import annotations

import duckdb

#: Contracts whose records are events: one record is one touch.
_EVENTS = ("crm_activity", "telephony_call_leg", "email_event", "calendar_event", "calendar_attendee")
_OWNED = ("crm_account", "crm_contact", "crm_lead", "crm_opportunity", "crm_activity")


def find_impacts(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `impacts` (item_id, impact_value, impact_unit, assignee) for the items of temp table `found`."""
    con.execute(
        "create temp table wanted as select distinct contract, record_key from found where contract is not null"
    )
    present = {name for (name,) in con.execute("select distinct contract from wanted").fetchall()}
    amounts = [select for contracts, select in _AMOUNTS if contracts & present]
    con.execute(f"create temp table amounts as {' union all '.join([_NO_AMOUNT, *amounts])}")
    con.execute(f"create temp table account_keys as {' union all '.join([_NO_ACCOUNT, *_accounts(present)])}")
    con.execute(_ACCOUNT_MONEY)
    owners = [_owner(contract) for contract in _OWNED if contract in present]
    con.execute(f"create temp table assignees as {' union all '.join([_NO_ASSIGNEE, *owners])}")
    con.execute(_IMPACTS)


_NO_AMOUNT = "select cast(null as varchar) as record_key, cast(null as decimal(38, 4)) as amount where false"
_NO_ACCOUNT = "select cast(null as varchar) as record_key, cast(null as varchar) as account_id where false"
_NO_ASSIGNEE = "select cast(null as varchar) as record_key, cast(null as varchar) as rep_id where false"

#: Contracts -> select of (record_key, amount): the money of the deal or document itself, in reporting currency.
_AMOUNTS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"crm_opportunity"}),
        "select w.record_key, abs(o.amount_reporting) from wanted as w"
        " inner join master.fct_opportunities as o on w.record_key = o.opportunity_id",
    ),
    (
        frozenset({"crm_opportunity_line"}),
        "select w.record_key, abs(o.amount_reporting) from wanted as w"
        " inner join staging.stg_crm__opportunity_lines as l on w.record_key = l.record_key"
        " inner join master.fct_opportunities as o"
        " on l.source_instance || '/crm_opportunity/' || l.opportunity_id = o.opportunity_id",
    ),
    (
        frozenset({"crm_opportunity_event"}),
        "select w.record_key, abs(o.amount_reporting) from wanted as w"
        " inner join staging.stg_crm__opportunity_events as e on w.record_key = e.record_key"
        " inner join master.fct_opportunities as o"
        " on e.source_instance || '/crm_opportunity/' || e.opportunity_id = o.opportunity_id",
    ),
    (
        frozenset({"crm_lead", "crm_contact"}),
        "select w.record_key, sum(abs(o.amount_reporting)) from wanted as w"
        " inner join master.xref_persons as x on w.record_key = x.record_key"
        " inner join master.dim_persons as p on x.person_id = p.person_id and p.lead_id <> 'unknown'"
        " inner join master.fct_opportunities as o on p.lead_id = o.lead_id"
        " where o.is_open or o.is_won group by w.record_key",
    ),
    (
        frozenset({"erp_invoice"}),
        "select w.record_key, abs(sum(l.net_amount_reporting)) from wanted as w"
        " inner join master.fct_invoice_lines as l on w.record_key = l.invoice_id group by w.record_key",
    ),
    (
        frozenset({"erp_invoice_line"}),
        "select w.record_key, abs(l.net_amount_reporting) from wanted as w"
        " inner join master.fct_invoice_lines as l on w.record_key = l.invoice_line_id",
    ),
    (
        frozenset({"erp_payment"}),
        "select w.record_key, abs(sum(l.net_amount_reporting)) from wanted as w"
        " inner join staging.stg_erp__payments as p on w.record_key = p.record_key"
        " inner join master.fct_invoice_lines as l"
        " on p.source_instance || '/erp_invoice/' || p.invoice_id = l.invoice_id group by w.record_key",
    ),
    (
        frozenset({"erp_ledger_entry"}),
        "select w.record_key, greatest(e.debit, e.credit) from wanted as w"
        " inner join staging.stg_erp__ledger_entries as e on w.record_key = e.record_key",
    ),
)


def _accounts(present: set[str]) -> list[str]:
    """Selects of (record_key, account_id) for records whose money is that of their company."""
    selects = []
    if present & {"crm_account", "erp_customer"}:
        selects.append(
            "select w.record_key, x.account_id from wanted as w"
            " inner join master.xref_accounts as x on w.record_key = x.record_key"
            " where w.contract in ('crm_account', 'erp_customer')"
        )
    if present & {"crm_contact", "crm_lead"}:
        selects.append(
            "select w.record_key, p.account_id from wanted as w"
            " inner join master.xref_persons as x on w.record_key = x.record_key"
            " inner join master.dim_persons as p on x.person_id = p.person_id"
            " where w.contract in ('crm_contact', 'crm_lead')"
        )
    if "crm_opportunity" in present:
        selects.append(
            "select w.record_key, o.account_id from wanted as w"
            " inner join master.fct_opportunities as o on w.record_key = o.opportunity_id"
        )
    if "erp_subscription" in present:
        selects.append(
            "select w.record_key, x.account_id from wanted as w"
            " inner join staging.stg_erp__subscriptions as s on w.record_key = s.record_key"
            " inner join master.xref_accounts as x"
            " on s.source_instance || '/erp_customer/' || s.customer_id = x.record_key"
        )
    return selects


#: Revenue of the last twelve months, open deals and recurring revenue of the month, as the review queue counts it.
_ACCOUNT_MONEY = """
create temp table account_money as
with concerned as (
    select distinct account_id from account_keys where account_id <> 'unknown'
),
amounts_of_accounts as (
    select l.account_id, sum(l.net_amount_reporting) as amount
    from master.fct_invoice_lines as l
    inner join concerned on l.account_id = concerned.account_id
    cross join run.settings as s
    where l.invoiced_on >= s.cycle_end - interval 12 months and l.invoiced_on < s.cycle_end and not l.is_intercompany
    group by l.account_id
    union all
    select o.account_id, sum(o.amount_reporting) as amount
    from master.fct_opportunities as o
    inner join concerned on o.account_id = concerned.account_id
    where o.is_open
    group by o.account_id
    union all
    select m.account_id, sum(m.mrr) as amount
    from master.fct_subscription_months as m
    inner join concerned on m.account_id = concerned.account_id
    cross join run.settings as s
    where m.period_month = s.cycle_start
    group by m.account_id
)
select account_id, sum(amount) as amount from amounts_of_accounts group by account_id
"""


def _owner(contract: str) -> str:
    table = {"crm_activity": "activities", "crm_opportunity": "opportunities"}.get(
        contract, f"{contract[4:]}s"
    )
    return (
        "select w.record_key, r.rep_id from wanted as w"
        f" inner join staging.stg_crm__{table} as t on w.record_key = t.record_key"
        " inner join master.dim_reps as r on t.source_instance || '/crm_user/' || t.owner_id = r.rep_id"
        f" where w.contract = '{contract}'"
    )


_IMPACTS = f"""
create temp table impacts as
with own as (
    select record_key, max(amount) as amount from amounts group by record_key
),
company as (
    select k.record_key, max(m.amount) as amount
    from account_keys as k
    inner join account_money as m on k.account_id = m.account_id
    group by k.record_key
),
assigned as (
    select record_key, min(rep_id) as rep_id from assignees group by record_key
),
valued as (
    select
        f.item_id, f.contract, assigned.rep_id,
        coalesce(nullif(own.amount, 0), nullif(abs(company.amount), 0)) as amount
    from found as f
    left join own on f.record_key = own.record_key
    left join company on f.record_key = company.record_key
    left join assigned on f.record_key = assigned.record_key
)
select
    v.item_id,
    cast(coalesce(v.amount, 1) as decimal(18, 2)) as impact_value,
    case
        when v.amount is not null then s.reporting_currency
        when v.contract in ('crm_lead', 'crm_contact') then 'leads'
        when v.contract in {_EVENTS} then 'touches'
        else 'records'
    end as impact_unit,
    v.rep_id as assignee
from valued as v
cross join run.settings as s
"""
