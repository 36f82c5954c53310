-- The fate of each amount is decided row by row in raw; the kept side of term F is read from the facts instead.
with invoice_lines as (
    select
        'invoice_line' as stream_code,
        'erp_invoice_line' as contract,
        records.source_instance,
        records._delivery_id,
        records._source_row_id,
        records._record_part,
        coalesce(upper(invoices.currency), 'unknown') as currency,
        coalesce(records.net_amount, 0) as amount
    from {{ source('raw', 'erp_invoice_line') }} as records
    left join {{ ref('stg_erp__invoices') }} as invoices
        on invoices.record_key = {{ record_key('records.source_instance', 'erp_invoice', 'records.invoice_id') }}
),

ledger_lines as (
    select
        'ledger' as stream_code,
        'erp_ledger_entry' as contract,
        records.source_instance,
        records._delivery_id,
        records._source_row_id,
        records._record_part,
        coalesce(upper(records.currency), settings.reporting_currency) as currency,
        coalesce(records.credit, 0) - coalesce(records.debit, 0) as amount
    from {{ source('raw', 'erp_ledger_entry') }} as records
    cross join {{ run_settings() }} as settings
    where records.account_class in ('revenue', 'rebate')
),

subscriptions as (
    select
        'subscription' as stream_code,
        'erp_subscription' as contract,
        records.source_instance,
        records._delivery_id,
        records._source_row_id,
        records._record_part,
        coalesce(upper(records.currency), 'unknown') as currency,
        coalesce({{ subscription_amount('records') }}, 0) as amount
    from {{ source('raw', 'erp_subscription') }} as records
),

amounts as (
    select * from invoice_lines
    union all
    select * from ledger_lines
    union all
    select * from subscriptions
),

disposed as (
    select
        contract,
        _delivery_id,
        _source_row_id,
        _record_part
    from {{ source('collect', 'dispositions') }}
    where contract in ('erp_invoice_line', 'erp_ledger_entry', 'erp_subscription')
),

excluded as (
    select
        contract,
        _delivery_id,
        _source_row_id,
        _record_part
    from {{ ref('dq_exclusions') }}
    where
        contract in ('erp_invoice_line', 'erp_ledger_entry', 'erp_subscription')
        and stream <> 'subscription_month'
)

select
    amounts.stream_code,
    amounts.source_instance,
    amounts.currency,
    case
        when disposed._delivery_id is not null then 'set_aside'
        when excluded._delivery_id is not null then 'excluded'
        else 'kept'
    end as fate_code,
    count(*) as n_records,
    cast(sum(amounts.amount) as decimal(38, 4)) as amount
from amounts
left join disposed
    on
        amounts.contract = disposed.contract
        and amounts._delivery_id = disposed._delivery_id
        and amounts._source_row_id = disposed._source_row_id
        and amounts._record_part = disposed._record_part
left join excluded
    on
        amounts.contract = excluded.contract
        and amounts._delivery_id = excluded._delivery_id
        and amounts._source_row_id = excluded._source_row_id
        and amounts._record_part = excluded._record_part
group by
    amounts.stream_code, amounts.source_instance, amounts.currency,
    case
        when disposed._delivery_id is not null then 'set_aside'
        when excluded._delivery_id is not null then 'excluded'
        else 'kept'
    end
