select
    activities.record_key,
    activities.source_instance,
    activities._delivery_id,
    activities._source_row_id,
    activities._record_part,
    {{ applies('deleted_in_source', 'activities.is_deleted') }} as is_deleted,
    activities.activity_type,
    case activities.activity_type when 'call' then 'voice' else activities.activity_type end as channel_code,
    activities.direction,
    {{ instant_of('activities.occurred_at', 'activities.occurred_at_precision', 'settings.timezone') }} as occurred_at,
    coalesce(activities.occurred_at_precision = 'day', false) as is_day_only,
    activities.duration_s,
    activities.external_call_id,
    activities.template_id,
    activities.objection_code,
    {{ is_warm_intro('activities.subject') }} as is_warm_intro,
    {{ applies('automated_activity', 'coalesce(activities.is_automated, false)') }} as is_automated,
    coalesce(persons.person_id, 'unknown') as person_id,
    coalesce(persons.lead_id, 'unknown') as lead_id,
    coalesce(nullif(persons.account_id, 'unknown'), accounts.account_id, 'unknown') as account_id,
    coalesce(reps.rep_id, 'unknown') as rep_id
from {{ ref('stg_crm__activities') }} as activities
cross join {{ run_settings() }} as settings
left join {{ ref('xref_persons') }} as xref
    on
        xref.record_key = case activities.person_type
            when 'lead' then {{ record_key('activities.source_instance', 'crm_lead', 'activities.person_id') }}
            when 'contact' then {{ record_key('activities.source_instance', 'crm_contact', 'activities.person_id') }}
        end
left join {{ ref('dim_persons') }} as persons on xref.person_id = persons.person_id
left join {{ ref('xref_accounts') }} as accounts
    on accounts.record_key = {{ record_key('activities.source_instance', 'crm_account', 'activities.account_id') }}
left join {{ ref('dim_reps') }} as reps
    on reps.rep_id = {{ record_key('activities.source_instance', 'crm_user', 'activities.owner_id') }}
