select
    cast(lead_id as string) as lead_id,
    cast(account_id as string) as account_id,
    cast(rep_id as string) as rep_id,
    cast(channel_code as string) as channel_code,
    cast(size_band_code as string) as size_band_code,
    cast(template_code as string) as template_code,
    created_on,
    n_steps_due,
    n_steps_done,
    days_late,
    last_touch_on,
    is_contactable,
    next_slot_at
from {{ ref('dq_due_followups') }}
