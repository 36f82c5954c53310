-- A CRM names a call by the id of its telephony, not by the telephony: where two instances use one id, it names none.
select
    legs.call_id,
    min(legs.source_instance) as source_instance
from {{ ref('stg_telephony__call_legs') }} as legs
where
    legs.call_id in (
        select activities.external_call_id
        from {{ ref('stg_crm__activities') }} as activities
        where activities.external_call_id is not null
    )
group by legs.call_id
having min(legs.source_instance) = max(legs.source_instance)
