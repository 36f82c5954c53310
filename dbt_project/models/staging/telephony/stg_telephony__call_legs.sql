select
    records.source_instance,
    {{ record_key('records.source_instance', 'telephony_call_leg', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.call_id,
    records.leg_number,
    records.direction,
    records.caller_number,
    records.callee_number,
    records.external_phone,
    records.agent_key,
    records.started_at,
    records.answered_at,
    records.ended_at,
    records.duration_s,
    records.talk_s,
    records.outcome
from {{ source('raw', 'telephony_call_leg') }} as records
where {{ is_kept('telephony_call_leg', 'records') }}
