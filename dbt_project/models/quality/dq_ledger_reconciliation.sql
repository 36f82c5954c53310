-- What the ERP invoiced beside what the books hold as revenue, in the reporting currency: every invoice line and every
-- revenue line of the ledger has exactly one cause. The document number ties both; each side stays in its own month.
with invoiced as (
    select
        upper(trim(invoice_lines.document_number)) as document_ref,
        {{ first_of_month('invoice_lines.invoiced_on') }} as period_month,
        invoice_lines.invoiced_on,
        invoice_lines.net_amount_reporting
    from {{ ref('fct_invoice_lines') }} as invoice_lines
    cross join {{ run_settings() }} as settings
    where invoice_lines.invoiced_on is null or invoice_lines.invoiced_on < settings.cycle_end
),

booked as (
    select
        upper(trim(entries.document_ref)) as document_ref,
        {{ first_of_month('entries.entry_date') }} as period_month,
        entries.account_class,
        coalesce(entries.is_opening, false) as is_opening,
        cast(entries.credit - entries.debit as decimal(18, 4)) as revenue_amount
    from {{ ref('stg_erp__ledger_entries') }} as entries
    cross join {{ run_settings() }} as settings
    where entries.account_class in ('revenue', 'rebate') and entries.entry_date < settings.cycle_end
),

documents as (
    select
        document_ref,
        min(period_month) as first_month,
        max(period_month) as last_month,
        sum(net_amount_reporting) as amount,
        count(*) as n_lines
    from invoiced
    where document_ref is not null and invoiced_on is not null
    group by document_ref
),

entries_of_documents as (
    select
        document_ref,
        min(period_month) as first_month,
        max(period_month) as last_month,
        sum(revenue_amount) as amount
    from booked
    where document_ref is not null and not is_opening
    group by document_ref
),

-- The books round each line to the cent: a difference of less than a cent a line is rounding.
pairs as (
    select
        documents.document_ref,
        case
            when
                documents.amount is null
                or abs(documents.amount - entries_of_documents.amount) > 0.01 * documents.n_lines
                then 'amount_differs'
            when
                documents.first_month <> entries_of_documents.first_month
                or documents.last_month <> entries_of_documents.last_month
                then 'booked_other_month'
            when documents.amount = entries_of_documents.amount then 'equal'
            else 'rounding'
        end as cause_code
    from documents
    inner join entries_of_documents on documents.document_ref = entries_of_documents.document_ref
),

both_sides as (
    select
        case
            when invoiced.invoiced_on is null then 'document_missing'
            when invoiced.net_amount_reporting is null then 'rate_missing'
            else coalesce(pairs.cause_code, 'not_booked')
        end as cause_code,
        invoiced.period_month,
        1 as n_lines,
        0 as n_entries,
        invoiced.net_amount_reporting as erp_amount,
        cast(0 as decimal(18, 4)) as ledger_amount
    from invoiced
    left join pairs on invoiced.document_ref = pairs.document_ref
    union all
    select
        case
            when booked.is_opening then 'opening_entry'
            when pairs.cause_code is not null then pairs.cause_code
            when booked.account_class = 'rebate' then 'rebate_entry'
            else 'entry_without_invoice'
        end as cause_code,
        booked.period_month,
        0 as n_lines,
        1 as n_entries,
        cast(0 as decimal(18, 4)) as erp_amount,
        booked.revenue_amount as ledger_amount
    from booked
    left join pairs on booked.document_ref = pairs.document_ref
)

select
    both_sides.cause_code,
    both_sides.period_month,
    settings.reporting_currency as currency,
    cast(sum(both_sides.n_lines) as bigint) as n_lines,
    cast(sum(both_sides.n_entries) as bigint) as n_entries,
    cast(coalesce(sum(both_sides.erp_amount), 0) as decimal(38, 4)) as erp_amount,
    cast(sum(both_sides.ledger_amount) as decimal(38, 4)) as ledger_amount,
    cast(coalesce(sum(both_sides.erp_amount), 0) - sum(both_sides.ledger_amount) as decimal(38, 4)) as difference
from both_sides
cross join {{ run_settings() }} as settings
group by both_sides.cause_code, both_sides.period_month, settings.reporting_currency
