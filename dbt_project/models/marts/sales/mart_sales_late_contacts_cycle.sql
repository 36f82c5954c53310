-- The leads that mart_sales_adherence_cycle counts as breaches of the time to first contact, by name and owner. A lead
-- that nobody has reached is late up to as_of; whether somebody has to call it still, its status says.
-- Without a time of creation there is no due moment: the lead is late, for how long nobody knows. Who refuses contact
-- at as_of need not be called; a refusal that has ended, or comes after it, closes nothing.
with refusing as (
    select distinct refusals.person_id
    from {{ ref('int_contact_refusals') }} as refusals
    cross join {{ run_settings() }} as settings
    where refusals.refused_at < settings.as_of and (refusals.ends_at is null or refusals.ends_at > settings.as_of)
    union
    select person_id
    from {{ ref('int_undated_refusals') }}
),

late as (
    select
        adherences.lead_id,
        adherences.rep_id,
        adherences.channel_code,
        adherences.size_band_code,
        adherences.threshold_value,
        adherences.threshold_version,
        cadences.account_id,
        cadences.created_at,
        cadences.created_on,
        cadences.first_effective_at,
        cadences.first_touch_at,
        cadences.ttf_observed_hours,
        cadences.ttf_business_observed_hours,
        cadences.ttf_status_code = 'contacted' as is_contacted,
        cadences.is_converted or leads.status_code = 'disqualified' or refusing.person_id is not null as is_closed
    from {{ ref('fct_lead_adherences') }} as adherences
    inner join {{ ref('fct_lead_cadences') }} as cadences on adherences.lead_id = cadences.lead_id
    inner join {{ ref('fct_leads') }} as leads on adherences.lead_id = leads.lead_id
    left join refusing on leads.person_id = refusing.person_id
    where adherences.rule_code = 'ttf_max_hours' and not adherences.is_within
)

select
    cast(lead_id as string) as lead_id,
    cast(account_id as string) as account_id,
    cast(rep_id as string) as rep_id,
    cast(channel_code as string) as channel_code,
    cast(size_band_code as string) as size_band_code,
    created_on,
    threshold_value as target_hours,
    cast(threshold_version as string) as threshold_version,
    case
        when ttf_observed_hours is not null
            then
                {{ from_epoch_micros(
                    epoch_micros('created_at')
                    ~ ' + cast(threshold_value * cast(3600000000 as decimal(10, 0)) as bigint)'
                ) }}
    end as due_at,
    first_touch_at as first_attempt_at,
    case when is_contacted then first_effective_at end as first_contact_at,
    case
        when is_contacted then 'contacted_late'
        when is_closed then 'closed'
        else 'waiting'
    end as status_code,
    cast(ttf_observed_hours - threshold_value as decimal(18, 4)) as hours_late,
    case
        when ttf_business_observed_hours is not null
            then cast(greatest(ttf_business_observed_hours - threshold_value, 0) as decimal(18, 4))
    end as business_hours_late,
    case when ttf_observed_hours is null then 'created_day_only' end as hours_late_reason_code
from late
