-- Kept or not is known when the promised day is over; still owed is what is owed at the end of the cycle. A line
-- cancelled by then was not owed any more.
select
    orders.order_line_id,
    orders.account_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    orders.promised_on,
    {{ first_of_month('orders.promised_on') }} as period_month,
    orders.shipped_on is null or orders.shipped_on > orders.promised_on as is_late,
    (orders.shipped_on is null or orders.shipped_on >= settings.cycle_end)
    and (orders.cancelled_on is null or orders.cancelled_on >= settings.cycle_end) as is_still_owed
from {{ ref('fct_order_lines') }} as orders
cross join {{ run_settings() }} as settings
left join {{ ref('dim_accounts') }} as accounts on orders.account_id = accounts.account_id
where
    not orders.is_intercompany
    and orders.promised_on < settings.cycle_end
    and (orders.cancelled_on is null or orders.cancelled_on > orders.promised_on)
