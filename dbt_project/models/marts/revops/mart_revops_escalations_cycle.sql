select
    cast(exclusion_id as string) as exclusion_id,
    cast(list_code as string) as list_code,
    cast(reason_code as string) as reason_code,
    cast(subject_kind_code as string) as subject_kind_code,
    cast(person_id as string) as person_id,
    cast(account_id as string) as account_id,
    cast(channel_code as string) as channel_code,
    cast(escalated_to_code as string) as escalated_to_code,
    valid_from,
    valid_to,
    is_in_force,
    n_contacts_outside,
    cast(contacts_reason_code as string) as contacts_reason_code
from {{ ref('dq_escalations') }}
