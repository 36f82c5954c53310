-- The list for the weekly review: what is open at the end of the cycle, what speaks for giving it up, and what its
-- stage should have left as evidence. Bars: 30 days without a touch or a change, 3 pushes of the planned day, the
-- longest tenth of the stays of won opportunities in that stage.
-- Evidence is what extracts show of any CRM: an amount, a planned day, people who answered, a meeting to come. The
-- fields of MEDDIC, which few CRMs have, are judged by gate (mart_sales_stage_gates_month).
with open_deals as (
    select
        snapshots.*,
        opportunities.opened_on
    from {{ ref('fct_opportunity_snapshots') }} as snapshots
    cross join {{ run_settings() }} as settings
    inner join {{ ref('fct_opportunities') }} as opportunities
        on snapshots.opportunity_id = opportunities.opportunity_id
    where snapshots.period_month = settings.cycle_start
),

planned as (
    select
        changes.opportunity_id,
        changes.changed_at,
        changes.expected_close_on,
        lag(changes.expected_close_on) over (
            partition by changes.opportunity_id
            order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as earlier_close_on
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    where changes.expected_close_on is not null and changes.changed_at < settings.as_of
),

pushes as (
    select
        opportunity_id,
        sum(case when expected_close_on > earlier_close_on then 1 else 0 end) as n_close_date_pushes
    from planned
    group by opportunity_id
),

last_changes as (
    select
        changes.opportunity_id,
        max(changes.changed_at) as last_change_at
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    where changes.changed_at < settings.as_of
    group by changes.opportunity_id
),

won_stays as (
    select
        stays.stage_code,
        count(*) as n_won_stays,
        {{ metric_quantile('stays.stay_days', 0.9) }} as stay_days_bar
    from {{ ref('fct_stage_stays') }} as stays
    inner join {{ ref('fct_opportunity_closings') }} as closings on stays.opportunity_id = closings.opportunity_id
    where closings.is_won
    group by stays.stage_code
),

next_meetings as (
    select
        meetings.account_id,
        min(meetings.starts_on) as next_meeting_on
    from {{ ref('fct_meetings') }} as meetings
    cross join {{ run_settings() }} as settings
    where meetings.starts_at >= settings.as_of and meetings.account_id <> 'unknown'
    group by meetings.account_id
),

evidenced as (
    select
        open_deals.*,
        settings.cycle,
        settings.cycle_end,
        settings.reporting_currency,
        stages.stage_rank,
        stays.stay_days,
        won_stays.stay_days_bar,
        coalesce(pushes.n_close_date_pushes, 0) as n_close_date_pushes,
        coalesce(engagements.n_touches, 0) as n_touches,
        coalesce(engagements.n_persons, 0) as n_persons,
        next_meetings.next_meeting_on,
        greatest(
            open_deals.opened_on,
            coalesce({{ local_day('last_changes.last_change_at', 'settings.timezone') }}, open_deals.opened_on),
            coalesce({{ local_day('engagements.last_contact_at', 'settings.timezone') }}, open_deals.opened_on)
        ) as last_activity_on
    from open_deals
    cross join {{ run_settings() }} as settings
    left join {{ ref('opportunity_stages') }} as stages on open_deals.stage_code = stages.stage_code
    left join {{ ref('fct_stage_stays') }} as stays
        on open_deals.opportunity_id = stays.opportunity_id and open_deals.stage_code = stays.stage_code
    left join won_stays on open_deals.stage_code = won_stays.stage_code
    left join pushes on open_deals.opportunity_id = pushes.opportunity_id
    left join last_changes on open_deals.opportunity_id = last_changes.opportunity_id
    left join {{ ref('fct_opportunity_engagements') }} as engagements
        on open_deals.opportunity_id = engagements.opportunity_id
    left join next_meetings on open_deals.account_id = next_meetings.account_id
),

judged as (
    select
        evidenced.*,
        {{ days_between('evidenced.last_activity_on', 'evidenced.cycle_end') }} as n_silent_days,
        {{ days_between('evidenced.last_activity_on', 'evidenced.cycle_end') }} >= 30 as is_silent,
        coalesce(evidenced.expected_close_on < evidenced.cycle_end, false) as is_close_date_passed,
        evidenced.n_close_date_pushes >= 3 as is_often_pushed,
        coalesce(evidenced.stay_days > evidenced.stay_days_bar, false) as is_slower_than_won,
        evidenced.next_meeting_on is not null as has_next_step,
        coalesce(evidenced.amount > 0, false) as has_amount,
        coalesce(evidenced.expected_close_on >= evidenced.cycle_end, false) as has_planned_day,
        case when evidenced.stage_rank >= 3 and evidenced.n_persons < 1 then 'two_way_contact' end as lacks_contact,
        case when evidenced.stage_rank >= 4 and coalesce(evidenced.amount, 0) <= 0 then 'amount' end as lacks_amount,
        case when evidenced.stage_rank >= 5 and evidenced.n_persons < 2 then 'second_person' end as lacks_second,
        case
            when
                evidenced.stage_rank >= 5
                and coalesce(evidenced.expected_close_on < evidenced.cycle_end, true)
                then 'planned_day'
        end as lacks_day,
        case when evidenced.stage_rank >= 6 and evidenced.next_meeting_on is null then 'next_step' end as lacks_step
    from evidenced
)

select
    judged.cycle,
    cast(judged.opportunity_id as string) as opportunity_id,
    cast(judged.account_id as string) as account_id,
    cast(judged.rep_id as string) as rep_id,
    cast(judged.size_band_code as string) as size_band_code,
    cast(judged.channel_code as string) as channel_code,
    cast(judged.stage_code as string) as stage_code,
    cast(judged.forecast_category_code as string) as forecast_category_code,
    judged.expected_close_on,
    judged.amount_reporting,
    judged.win_probability,
    judged.weighted_amount,
    cast(judged.reporting_currency as string) as reporting_currency,
    judged.stay_days,
    judged.stay_days_bar,
    judged.last_activity_on,
    cast(judged.n_silent_days as bigint) as n_silent_days,
    cast(judged.n_close_date_pushes as bigint) as n_close_date_pushes,
    judged.is_silent,
    judged.is_close_date_passed,
    judged.is_often_pushed,
    judged.is_slower_than_won,
    judged.is_silent or judged.is_close_date_passed or judged.is_often_pushed or judged.is_slower_than_won as is_stale,
    cast(judged.n_touches as bigint) as n_touches,
    cast(judged.n_persons as bigint) as n_persons,
    judged.has_amount,
    judged.has_planned_day,
    judged.has_next_step,
    coalesce(
        judged.lacks_contact, judged.lacks_amount, judged.lacks_second, judged.lacks_day, judged.lacks_step
    ) is null as is_evidenced,
    cast(
        nullif(
            concat_ws(
                ', ', judged.lacks_contact, judged.lacks_amount, judged.lacks_second, judged.lacks_day,
                judged.lacks_step
            ),
            ''
        ) as string
    ) as missing_evidence_codes
from judged
