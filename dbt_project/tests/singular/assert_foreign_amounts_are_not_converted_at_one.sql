-- A missing rate filled with 1 booked 500 JPY as 500 EUR. Without a rate the reporting amount is null, never a guess.
select
    invoice_line_id as row_key,
    currency,
    net_amount_reporting as amount_reporting
from {{ ref('fct_invoice_lines') }}
where exchange_rate is null and net_amount_reporting is not null
union all
select
    opportunity_id as row_key,
    currency,
    amount_reporting
from {{ ref('fct_opportunities') }}
where exchange_rate is null and amount_reporting is not null
