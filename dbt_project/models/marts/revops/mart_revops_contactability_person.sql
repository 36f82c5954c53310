select
    cast(person_id as string) as person_id,
    cast(account_id as string) as account_id,
    is_consumer,
    cast(legal_basis_code as string) as legal_basis_code,
    is_voice_allowed,
    cast(voice_reason_code as string) as voice_reason_code,
    voice_next_slot_at,
    is_mail_allowed,
    cast(mail_reason_code as string) as mail_reason_code,
    mail_next_slot_at,
    is_social_allowed,
    cast(social_reason_code as string) as social_reason_code,
    social_next_slot_at
from {{ ref('dq_contactability') }}
