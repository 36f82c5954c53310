-- Incident: a difference between CRM, ERP and books was explained twice by two causes, and by none elsewhere.
with causes as (
    select
        cast(sum(n_opportunities) as bigint) as n_opportunities,
        cast(sum(n_lines) as bigint) as n_lines,
        coalesce(sum(crm_amount), 0) as crm_amount,
        coalesce(sum(erp_amount), 0) as erp_amount,
        coalesce(sum(difference), 0) as difference
    from {{ ref('dq_reconciliation') }}
),

delivered as (
    select
        (select count(*) from {{ ref('stg_erp__invoices') }}) > 0
        and (select count(*) from {{ ref('stg_crm__opportunities') }}) > 0 as is_comparable
),

won as (
    select
        count(*) as n_opportunities,
        coalesce(sum(opportunities.amount), 0) as crm_amount
    from {{ ref('fct_opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    where opportunities.is_won and (opportunities.closed_on is null or opportunities.closed_on < settings.cycle_end)
),

invoiced as (
    select
        count(*) as n_lines,
        coalesce(sum(invoice_lines.net_amount), 0) as erp_amount,
        coalesce(sum(invoice_lines.net_amount_reporting), 0) as erp_amount_reporting
    from {{ ref('fct_invoice_lines') }} as invoice_lines
    cross join {{ run_settings() }} as settings
    where invoice_lines.invoiced_on is null or invoice_lines.invoiced_on < settings.cycle_end
),

ledger_causes as (
    select
        cast(coalesce(sum(n_lines), 0) as bigint) as n_lines,
        cast(coalesce(sum(n_entries) filter (where cause_code <> 'opening_entry'), 0) as bigint) as n_entries,
        coalesce(sum(erp_amount), 0) as erp_amount,
        coalesce(sum(ledger_amount) filter (where cause_code <> 'opening_entry'), 0) as ledger_amount
    from {{ ref('dq_ledger_reconciliation') }}
),

booked as (
    select
        count(*) as n_entries,
        coalesce(sum(entries.revenue_amount), 0) as ledger_amount
    from {{ ref('fct_ledger_revenues') }} as entries
    cross join {{ run_settings() }} as settings
    where entries.entry_on < settings.cycle_end
)

select
    causes.*,
    ledger_causes.ledger_amount
from causes
cross join won
cross join invoiced
cross join ledger_causes
cross join booked
cross join delivered
where
    (
        delivered.is_comparable
        and (
            coalesce(causes.n_opportunities, 0) <> won.n_opportunities
            or coalesce(causes.n_lines, 0) <> invoiced.n_lines
            or causes.crm_amount <> won.crm_amount
            or causes.erp_amount <> invoiced.erp_amount
            or causes.difference <> won.crm_amount - invoiced.erp_amount
        )
    )
    or ledger_causes.n_lines <> invoiced.n_lines
    or ledger_causes.n_entries <> booked.n_entries
    or ledger_causes.erp_amount <> invoiced.erp_amount_reporting
    or ledger_causes.ledger_amount <> booked.ledger_amount
