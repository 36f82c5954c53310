{{ config(materialized="view") }}

-- Revenue as the marts and MetricFlow count it: no intercompany sale, no line of a later month.
select
    invoice_lines.invoice_line_id,
    invoice_lines.account_id,
    invoice_lines.group_id,
    invoice_lines.product_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    coalesce(products.product_family, 'unknown') as product_family,
    invoice_lines.invoiced_on,
    {{ first_of_month('invoice_lines.invoiced_on') }} as period_month,
    invoice_lines.currency,
    invoice_lines.net_amount,
    invoice_lines.net_amount_reporting,
    invoice_lines.cost_amount,
    invoice_lines.cost_amount_reporting,
    coalesce(invoice_lines.is_recurring, false) as is_recurring
from {{ ref('fct_invoice_lines') }} as invoice_lines
cross join {{ run_settings() }} as settings
left join {{ ref('dim_accounts') }} as accounts on invoice_lines.account_id = accounts.account_id
left join {{ ref('dim_products') }} as products on invoice_lines.product_id = products.product_id
where
    not coalesce(invoice_lines.is_intercompany, false)
    and invoice_lines.invoiced_on < settings.cycle_end
