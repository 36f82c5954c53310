with invoice_lines as (
    select
        invoice_lines.record_key as invoice_line_id,
        {{ record_key('invoice_lines.source_instance', 'erp_invoice', 'invoice_lines.invoice_id') }} as invoice_id,
        {{ record_key('invoice_lines.source_instance', 'erp_product', 'invoice_lines.product_id') }} as product_key,
        {{ record_key('invoices.source_instance', 'erp_customer', 'invoices.customer_id') }} as customer_key,
        invoices.document_number,
        coalesce(invoices.document_type, 'unknown') as document_type_code,
        invoices.invoice_date as invoiced_on,
        upper(invoices.currency) as currency,
        invoice_lines.net_amount,
        invoice_lines.cost_amount,
        invoice_lines.is_recurring
    from {{ ref('stg_erp__invoice_lines') }} as invoice_lines
    left join {{ ref('stg_erp__invoices') }} as invoices
        on
            invoices.record_key
            = {{ record_key('invoice_lines.source_instance', 'erp_invoice', 'invoice_lines.invoice_id') }}
    where {{ invoice_line_exclusion('invoice_lines', 'invoices') }} is null
)

select
    invoice_lines.invoice_line_id,
    invoice_lines.invoice_id,
    invoice_lines.document_number,
    invoice_lines.document_type_code,
    coalesce(xref.account_id, 'unknown') as account_id,
    coalesce(accounts.group_id, 'unknown') as group_id,
    coalesce(products.product_id, 'unknown') as product_id,
    invoice_lines.invoiced_on,
    invoice_lines.currency,
    invoice_lines.net_amount,
    rates.exchange_rate,
    rates.exchange_rate_key,
    {{ converted("invoice_lines.net_amount") }} as net_amount_reporting,
    coalesce(customers.is_intercompany, false) as is_intercompany,
    coalesce(invoice_lines.is_recurring, products.is_recurring, false) as is_recurring,
    invoice_lines.cost_amount,
    {{ converted("invoice_lines.cost_amount") }} as cost_amount_reporting
from invoice_lines
left join {{ ref('stg_erp__customers') }} as customers on invoice_lines.customer_key = customers.record_key
left join {{ ref('xref_accounts') }} as xref on invoice_lines.customer_key = xref.record_key
left join {{ ref('dim_accounts') }} as accounts on xref.account_id = accounts.account_id
left join {{ ref('dim_products') }} as products on invoice_lines.product_key = products.product_id
left join {{ ref('int_month_rates') }} as rates
    on
        invoice_lines.currency = rates.currency
        and {{ first_of_month('invoice_lines.invoiced_on') }} >= rates.valid_from_month
        and {{ first_of_month('invoice_lines.invoiced_on') }} < rates.valid_to_month
