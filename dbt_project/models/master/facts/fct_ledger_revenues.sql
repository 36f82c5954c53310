-- The customer of a revenue line is the auxiliary account of the receivable line of the same entry. Books that give
-- every line entry number 0 have no entries, hence no customer; an entry with two customers has none either.
with receivables as (
    select
        source_instance,
        journal_code,
        entry_number,
        entry_date,
        case
            when min(customer_code) = max(customer_code) then min(customer_code)
        end as customer_code
    from {{ ref('stg_erp__ledger_entries') }}
    where account_class = 'receivable' and customer_code is not null and entry_number <> '0'
    group by source_instance, journal_code, entry_number, entry_date
)

select
    entries.record_key as ledger_line_key,
    entries.source_instance,
    coalesce(codes.account_id, 'unknown') as account_id,
    entries.entry_date as entry_on,
    entries.account_number,
    cast(entries.credit - entries.debit as decimal(18, 4)) as revenue_amount,
    coalesce(upper(entries.currency), settings.reporting_currency) as currency
from {{ ref('stg_erp__ledger_entries') }} as entries
cross join {{ run_settings() }} as settings
left join receivables
    on
        entries.source_instance = receivables.source_instance
        and entries.journal_code = receivables.journal_code
        and entries.entry_number = receivables.entry_number
        and entries.entry_date = receivables.entry_date
left join {{ ref('int_customer_codes') }} as codes
    on
        entries.source_instance = codes.source_instance
        and {{ identifier_key('coalesce(entries.customer_code, receivables.customer_code)') }} = codes.accountancy_code
where {{ ledger_exclusion('entries') }} is null
