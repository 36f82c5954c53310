"""What hangs on a record that is to be mended, and which seller owns it.

The record's own money; that of its deal, lead or company where it has none of its own; leads or touches where no money
hangs on it. impact_key names whose amount it is, so that a sum takes each amount once: rules on one record, events of
one deal and records of one company share theirs. Only the records of the worklist are looked up: the tables are
probed, never grouped as a whole. What does NOT belong here: which records are to be mended (building.py).
"""

from __future__ import annotations

import duckdb

from orchestration.worklists.staging import staging_tables

#: Contracts whose records are events: one record is one touch.
_EVENTS = ("crm_activity", "telephony_call_leg", "email_event", "calendar_event", "calendar_attendee")
_OWNED = ("crm_account", "crm_contact", "crm_lead", "crm_opportunity", "crm_activity")


def find_impacts(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `impacts` (item_id, impact_value, impact_unit, impact_key, assignee) for the items of `found`."""
    con.execute(
        "create temp table wanted as select distinct contract, record_key from found where contract is not null"
    )
    present = {name for (name,) in con.execute("select distinct contract from wanted").fetchall()}
    amounts = [select for contracts, select in _AMOUNTS if contracts & present]
    con.execute(f"create temp table amounts as {' union all '.join([_NO_AMOUNT, *amounts])}")
    con.execute(f"create temp table account_keys as {' union all '.join([_NO_ACCOUNT, *_accounts(present)])}")
    con.execute(_ACCOUNT_MONEY)
    tables = staging_tables(con, [contract for contract in _OWNED if contract in present])
    owners = [_owner(contract, table) for contract, table in tables.items()]
    con.execute(f"create temp table assignees as {' union all '.join([_NO_ASSIGNEE, *owners])}")
    con.execute(_IMPACTS)


_NO_AMOUNT = (
    "select cast(null as varchar) as record_key, cast(null as decimal(38, 4)) as amount,"
    " cast(null as varchar) as impact_key where false"
)
_NO_ACCOUNT = "select cast(null as varchar) as record_key, cast(null as varchar) as account_id where false"
_NO_ASSIGNEE = "select cast(null as varchar) as record_key, cast(null as varchar) as rep_id where false"

#: DuckDB gives the product of two decimals of 18 digits 18 digits: one more, and a million has room.
_CONVERTED = "abs(cast({} as decimal(19, 4)) * {})"
#: Contracts -> select of (record_key, amount, impact_key): the money of the record itself, else of its deal, in the
#: reporting currency; impact_key is whose amount it is.
_AMOUNTS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"crm_opportunity"}),
        "select w.record_key, abs(o.amount_reporting), w.record_key from wanted as w"
        " inner join master.fct_opportunities as o on w.record_key = o.opportunity_id",
    ),
    (
        frozenset({"crm_opportunity_line"}),
        f"select w.record_key, {_CONVERTED.format('l.amount', 'o.exchange_rate')}, w.record_key from wanted as w"
        " inner join staging.stg_crm__opportunity_lines as l on w.record_key = l.record_key"
        " inner join master.fct_opportunities as o"
        " on l.source_instance || '/crm_opportunity/' || l.opportunity_id = o.opportunity_id"
        " where coalesce(upper(l.currency), o.currency) = o.currency",
    ),
    (
        frozenset({"crm_opportunity_event"}),
        "select w.record_key, abs(o.amount_reporting), o.opportunity_id from wanted as w"
        " inner join staging.stg_crm__opportunity_events as e on w.record_key = e.record_key"
        " inner join master.fct_opportunities as o"
        " on e.source_instance || '/crm_opportunity/' || e.opportunity_id = o.opportunity_id",
    ),
    (
        frozenset({"crm_lead", "crm_contact"}),
        "select w.record_key, sum(abs(o.amount_reporting)), p.lead_id from wanted as w"
        " inner join master.xref_persons as x on w.record_key = x.record_key"
        " inner join master.dim_persons as p on x.person_id = p.person_id and p.lead_id <> 'unknown'"
        " inner join master.fct_opportunities as o on p.lead_id = o.lead_id"
        " where o.is_open or o.is_won group by w.record_key, p.lead_id",
    ),
    (
        frozenset({"erp_invoice"}),
        "select w.record_key, abs(sum(l.net_amount_reporting)), w.record_key from wanted as w"
        " inner join master.fct_invoice_lines as l on w.record_key = l.invoice_id group by w.record_key",
    ),
    (
        frozenset({"erp_invoice_line"}),
        "select w.record_key, abs(l.net_amount_reporting), w.record_key from wanted as w"
        " inner join master.fct_invoice_lines as l on w.record_key = l.invoice_line_id",
    ),
    (
        frozenset({"erp_payment"}),
        f"select w.record_key, max({_CONVERTED.format('p.amount', 'l.exchange_rate')}), w.record_key"
        " from wanted as w inner join staging.stg_erp__payments as p on w.record_key = p.record_key"
        " inner join master.fct_invoice_lines as l"
        " on p.source_instance || '/erp_invoice/' || p.invoice_id = l.invoice_id"
        " where coalesce(upper(p.currency), l.currency) = l.currency group by w.record_key",
    ),
    (
        frozenset({"erp_ledger_entry"}),
        "select w.record_key, greatest(abs(e.debit), abs(e.credit)), w.record_key from wanted as w"
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


def _owner(contract: str, table: str) -> str:
    return (
        "select w.record_key, r.rep_id from wanted as w"
        f" inner join {table} as t on w.record_key = t.record_key"
        " inner join master.dim_reps as r on t.source_instance || '/crm_user/' || t.owner_id = r.rep_id"
        f" where w.contract = '{contract}'"
    )


_IMPACTS = f"""
create temp table impacts as
with own as (
    select record_key, max(amount) as amount, arg_max(impact_key, amount) as impact_key
    from amounts where amount <> 0 group by record_key
),
company as (
    select k.record_key, max(m.amount) as amount, arg_max(k.account_id, m.amount) as impact_key
    from account_keys as k
    inner join account_money as m on k.account_id = m.account_id
    where m.amount <> 0
    group by k.record_key
),
assigned as (
    select record_key, min(rep_id) as rep_id from assignees group by record_key
),
valued as (
    select
        f.item_id, f.contract, assigned.rep_id,
        coalesce(own.amount, abs(company.amount)) as amount,
        coalesce(own.impact_key, company.impact_key, f.record_key) as impact_key
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
    v.impact_key,
    v.rep_id as assignee
from valued as v
cross join run.settings as s
"""
