with order_lines as (
    select
        order_lines.record_key as order_line_id,
        {{ record_key('order_lines.source_instance', 'erp_product', 'order_lines.product_id') }} as product_key,
        {{ record_key('order_lines.source_instance', 'erp_customer', 'order_lines.customer_id') }} as customer_key,
        order_lines.status as status_code,
        order_lines.ordered_on,
        order_lines.promised_on,
        case when order_lines.status = 'shipped' then order_lines.shipped_on end as shipped_on,
        case when order_lines.status = 'cancelled' then order_lines.cancelled_on end as cancelled_on,
        upper(order_lines.currency) as currency,
        order_lines.net_amount
    from {{ ref('stg_erp__order_lines') }} as order_lines
    where {{ order_line_exclusion('order_lines') }} is null
)

select
    order_lines.order_line_id,
    coalesce(xref.account_id, 'unknown') as account_id,
    coalesce(products.product_id, 'unknown') as product_id,
    order_lines.status_code,
    order_lines.ordered_on,
    order_lines.promised_on,
    order_lines.shipped_on,
    order_lines.cancelled_on,
    order_lines.currency,
    order_lines.net_amount,
    rates.exchange_rate,
    rates.exchange_rate_key,
    {{ converted("order_lines.net_amount") }} as net_amount_reporting,
    coalesce(customers.is_intercompany, false) as is_intercompany
from order_lines
left join {{ ref('stg_erp__customers') }} as customers on order_lines.customer_key = customers.record_key
left join {{ ref('xref_accounts') }} as xref on order_lines.customer_key = xref.record_key
left join {{ ref('dim_products') }} as products on order_lines.product_key = products.product_id
left join {{ ref('int_month_rates') }} as rates
    on
        order_lines.currency = rates.currency
        and {{ first_of_month('order_lines.ordered_on') }} >= rates.valid_from_month
        and {{ first_of_month('order_lines.ordered_on') }} < rates.valid_to_month
