-- What enters the backlog and what leaves it: the backlog of the end of a month is the sum of all flows up to it. A
-- closing day before the order is the day of the order.
with order_lines as (
    select
        orders.order_line_id,
        orders.account_id,
        coalesce(accounts.size_band_code, 'unknown') as size_band_code,
        orders.ordered_on,
        case
            when orders.status_code = 'shipped' then greatest(orders.shipped_on, orders.ordered_on)
            when orders.status_code = 'cancelled' then greatest(orders.cancelled_on, orders.ordered_on)
        end as closed_on,
        orders.status_code,
        orders.net_amount_reporting
    from {{ ref('fct_order_lines') }} as orders
    left join {{ ref('dim_accounts') }} as accounts on orders.account_id = accounts.account_id
    where not orders.is_intercompany
),

flows as (
    select
        order_line_id,
        account_id,
        size_band_code,
        'ordered' as flow_code,
        ordered_on as flowed_on,
        net_amount_reporting as backlog_amount,
        1 as n_lines
    from order_lines
    union all
    select
        order_line_id,
        account_id,
        size_band_code,
        status_code as flow_code,
        closed_on as flowed_on,
        -net_amount_reporting as backlog_amount,
        -1 as n_lines
    from order_lines
    where closed_on is not null
)

select
    flows.order_line_id || '/' || flows.flow_code as order_flow_key,
    flows.order_line_id,
    flows.account_id,
    flows.size_band_code,
    flows.flow_code,
    flows.flowed_on,
    {{ first_of_month('flows.flowed_on') }} as period_month,
    cast(flows.backlog_amount as decimal(18, 4)) as backlog_amount,
    cast(flows.n_lines as bigint) as n_lines,
    cast(case when flows.backlog_amount is null then flows.n_lines else 0 end as bigint) as n_unconverted_lines
from flows
cross join {{ run_settings() }} as settings
where flows.flowed_on < settings.cycle_end
