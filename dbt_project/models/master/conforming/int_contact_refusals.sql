with {{ contact_refusals() }}

select
    person_id,
    channel_code,
    refused_at,
    ends_at,
    is_dispute,
    is_of_flag
from refusals
