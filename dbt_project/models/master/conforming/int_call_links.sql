-- A CRM names a call by the id of its telephony, not by the telephony: where two instances use one id, it names none.
-- A leg that cannot be true is no call: the CRM's own entry is then all that is known of it.
select
    legs.call_id,
    min(legs.source_instance) as source_instance
from {{ ref('stg_telephony__call_legs') }} as legs
left join {{ outlier_decisions(['call_duration_s']) }} as decided on legs.record_key = decided.record_key
where
    legs.call_id in (
        select activities.external_call_id
        from {{ ref('stg_crm__activities') }} as activities
        where activities.external_call_id is not null
    )
    and not {{ is_outlier_error('decided', is_backward_leg('legs')) }}
group by legs.call_id
having min(legs.source_instance) = max(legs.source_instance)
