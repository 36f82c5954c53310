-- The framing note as the statistics step counted it: codes and figures, no text and no name.
select
    kind_code,
    item_code,
    item_order,
    detail_code,
    period_start,
    period_end,
    n_in,
    n_out,
    out_rate,
    setting_value,
    delivered_on,
    reason_code
from {{ source('statistics', 'cycle_framing') }}
