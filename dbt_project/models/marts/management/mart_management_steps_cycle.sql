-- The seven steps as the figures of the month know them; etalon cycle status tells what people did since.
select
    cycle,
    step_code,
    step_order,
    owner_role_code,
    due_on,
    status_code,
    reason_code
from {{ source('statistics', 'cycle_steps') }}
