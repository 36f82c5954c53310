-- Deals close by the day, so what customer success did is compared by the day. A deal won while nobody of customer
-- success was there is no loss: nobody was to take the customer over.
with success as (
    select
        rep_id,
        hired_on,
        left_on,
        is_active
    from {{ ref('dim_reps') }}
    where role_code = 'customer_success'
),

success_touches as (
    select
        touches.rep_id,
        touches.account_id,
        touches.touch_key,
        touches.channel_code,
        touches.occurred_at,
        touches.occurred_on
    from {{ ref('fct_touches') }} as touches
    inner join success on touches.rep_id = success.rep_id
    cross join {{ run_settings() }} as settings
    where touches.occurred_at < settings.as_of
),

touch_days as (
    select
        rep_id,
        min(occurred_on) as first_on,
        max(occurred_on) as last_on
    from success_touches
    group by rep_id
),

-- Who has no dates in the CRM is there from the first touch on, and once inactive until the last one. One interval for
-- each: between one who left and the next who came nobody was there.
presences as (
    select
        coalesce(success.hired_on, touch_days.first_on) as first_on,
        case
            when success.left_on is not null then success.left_on
            when success.is_active then settings.cycle_end
            else touch_days.last_on
        end as last_on
    from success
    cross join {{ run_settings() }} as settings
    left join touch_days on success.rep_id = touch_days.rep_id
),

-- a renewal hands nobody over: the customer has been there
handed as (
    select
        deals.opportunity_id,
        deals.account_id,
        deals.lead_id,
        deals.rep_id,
        deals.size_band_code,
        deals.closed_at,
        deals.closed_on,
        settings.cycle_end,
        cast(definitions.sla_hours as bigint) as sla_hours
    from {{ ref('fct_opportunities') }} as deals
    cross join {{ run_settings() }} as settings
    left join {{ ref('lead_definitions') }} as definitions
        on
            definitions.definition_code = 'cs_handoff'
            and definitions.event_code = 'deal_won'
            and deals.closed_on >= definitions.valid_from
            and deals.closed_on < coalesce(definitions.valid_to, cast('9999-12-31' as date))
    where
        deals.is_won
        and deals.closed_on < settings.cycle_end
        and coalesce(deals.opportunity_type_code, 'other') <> 'renewal'
),

days_won as (
    select distinct closed_on
    from handed
),

attended as (
    select distinct days_won.closed_on
    from days_won
    inner join presences on days_won.closed_on >= presences.first_on and days_won.closed_on <= presences.last_on
),

won as (
    select
        handed.*,
        case
            when attended.closed_on is null then 'no_customer_success'
            when handed.account_id = 'unknown' then 'account_unknown'
            when handed.sla_hours is null then 'definition_missing'
        end as reason_code
    from handed
    left join attended on handed.closed_on = attended.closed_on
),

taken_over as (
    select
        won.opportunity_id,
        success_touches.rep_id,
        success_touches.channel_code,
        success_touches.occurred_at,
        success_touches.occurred_on,
        row_number() over (
            partition by won.opportunity_id
            order by success_touches.occurred_on asc, success_touches.occurred_at asc, success_touches.touch_key asc
        ) as touch_rank
    from won
    inner join success_touches
        on won.account_id = success_touches.account_id and won.closed_on <= success_touches.occurred_on
    where won.reason_code is null
)

select
    'sales/' || cadences.lead_id as handoff_key,
    'marketing' as from_code,
    'sales' as to_code,
    cadences.lead_id,
    cast(null as string) as opportunity_id,
    cadences.account_id,
    cadences.rep_id,
    cadences.rep_id as taken_by_rep_id,
    cadences.channel_code,
    cadences.size_band_code,
    cadences.source_code,
    cadences.mql_at as handed_at,
    cadences.mql_on as handed_on,
    cadences.handoff_touched_at as touched_at,
    case when cadences.is_handoff_accepted then cadences.sql_at end as accepted_at,
    case when cadences.is_handoff_accepted then cadences.sql_on end as accepted_on,
    case when cadences.is_handoff_accepted then 'sql' end as accepted_by_code,
    cadences.handoff_sla_hours as sla_hours,
    {{ add_days('cadences.mql_on', 'ceil(cadences.handoff_sla_hours / 24.0)') }} as due_on,
    cadences.is_handoff_sla_over as is_sla_over,
    cadences.is_handoff_touched_in_sla as is_touched_in_sla,
    cadences.is_handoff_sla_over and not cadences.is_handoff_touched_in_sla as is_lost,
    cadences.handoff_lag_hours as lag_hours,
    cast(null as decimal(18, 4)) as lag_days,
    cadences.is_handoff_matured as is_matured,
    cadences.is_handoff_matured and cadences.is_handoff_accepted as is_accepted_in_window,
    cast(null as string) as reason_code
from {{ ref('fct_lead_cadences') }} as cadences
where cadences.mql_on is not null
union all
select
    'customer_success/' || won.opportunity_id as handoff_key,
    'sales' as from_code,
    'customer_success' as to_code,
    won.lead_id,
    won.opportunity_id,
    won.account_id,
    coalesce(won.rep_id, 'unknown') as rep_id,
    taken_over.rep_id as taken_by_rep_id,
    coalesce(leads.channel_code, 'unknown') as channel_code,
    coalesce(won.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.source_code, 'unknown') as source_code,
    won.closed_at as handed_at,
    won.closed_on as handed_on,
    taken_over.occurred_at as touched_at,
    taken_over.occurred_at as accepted_at,
    taken_over.occurred_on as accepted_on,
    case when taken_over.channel_code = 'meeting' then 'meeting' when taken_over.rep_id is not null then 'touch' end
        as accepted_by_code,
    won.sla_hours,
    {{ add_days('won.closed_on', 'ceil(won.sla_hours / 24.0)') }} as due_on,
    won.reason_code is null and {{ days_between('won.closed_on', 'won.cycle_end') }} * 24 > won.sla_hours
        as is_sla_over,
    coalesce({{ days_between('won.closed_on', 'taken_over.occurred_on') }} * 24 <= won.sla_hours, false)
        as is_touched_in_sla,
    won.reason_code is null
    and {{ days_between('won.closed_on', 'won.cycle_end') }} * 24 > won.sla_hours
    and not coalesce({{ days_between('won.closed_on', 'taken_over.occurred_on') }} * 24 <= won.sla_hours, false)
        as is_lost,
    cast(null as decimal(18, 4)) as lag_hours,
    cast({{ days_between('won.closed_on', 'taken_over.occurred_on') }} as decimal(18, 4)) as lag_days,
    false as is_matured,
    false as is_accepted_in_window,
    won.reason_code
from won
left join taken_over on won.opportunity_id = taken_over.opportunity_id and taken_over.touch_rank = 1
left join {{ ref('fct_lead_cadences') }} as leads on won.lead_id = leads.lead_id
