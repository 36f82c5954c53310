-- The seven steps as they stood when the cycle was published; etalon cycle status tells how they stand since.
select
    cycle,
    step_code,
    step_order,
    owner_role_code,
    due_on,
    status_code,
    reason_code
from {{ source('statistics', 'cycle_steps') }}
