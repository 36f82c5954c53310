-- What an opportunity was from an instant on. A CRM that keeps whole versions fills every value, one that keeps a row a
-- field fills that field: a null says nothing about its value. Texts that are no number or no day are null too.
select
    events.record_key as opportunity_change_key,
    {{ record_key('events.source_instance', 'crm_opportunity', 'events.opportunity_id') }} as opportunity_id,
    events.field as field_code,
    events.changed_at,
    events.stage_code,
    coalesce(
        events.amount, case when events.field = 'amount' then try_cast(events.new_value as decimal(18, 4)) end
    ) as amount,
    coalesce(
        events.expected_close_date, case when events.field = 'close_date' then try_cast(events.new_value as date) end
    ) as expected_close_on,
    events.forecast_category as forecast_category_code
from {{ ref('stg_crm__opportunity_events') }} as events
inner join {{ ref('stg_crm__opportunities') }} as opportunities
    on
        opportunities.record_key
        = {{ record_key('events.source_instance', 'crm_opportunity', 'events.opportunity_id') }}
left join {{ ref('int_opportunities') }} as outliers
    on opportunities.record_key = outliers.opportunity_id and outliers.reason_code is not null
where {{ opportunity_event_exclusion('events', 'opportunities', 'outliers') }} is null
