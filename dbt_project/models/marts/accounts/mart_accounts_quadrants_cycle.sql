-- Figures of the statistics step as they are; what could not be estimated says why.
select
    account_id,
    n_leads,
    n_touches,
    n_converted,
    touches_per_lead,
    conversion_rate,
    quadrant_code,
    is_on_line,
    quadrant_before_code,
    quadrant_two_before_code,
    recurring_quadrant_code,
    is_recurring,
    list_rank,
    quadrant_reason_code
from {{ source('statistics', 'account_quadrants') }}
