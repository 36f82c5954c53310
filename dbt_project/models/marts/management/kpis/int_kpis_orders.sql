{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set orders = ref('mart_finance_orders_month') %}

{{ kpi_rows('order_backlog', orders, 'backlog_amount', reason_code='backlog_reason_code') }}
union all
{{ kpi_rows(
    'late_delivery_rate', orders, 'late_delivery_rate', 'n_late', 'n_promised', 'late_delivery_reason_code'
) }}
