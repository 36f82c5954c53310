-- What should be there and is not, day by day; rule_id names the rule whose failing rows are the events themselves.
-- A company whose CRM gives no history at all lacks an extract, not the history of single deals.
with call_days as (
    select
        log_days.source_instance,
        log_days.called_on as missing_on,
        log_days.usual_calls
    from {{ ref('fct_call_log_days') }} as log_days
    cross join {{ run_settings() }} as settings
    where
        log_days.day_status_code = 'missing'
        and log_days.called_on >= settings.cycle_start
        and log_days.called_on < settings.cycle_end
),

meetings as (
    select
        meetings.occurrence_key,
        min(meetings.starts_on) as missing_on,
        max(case when meetings.person_id <> 'unknown' then 1 else 0 end) as is_known
    from {{ ref('fct_meetings') }} as meetings
    cross join {{ run_settings() }} as settings
    where meetings.is_held and meetings.starts_on >= settings.cycle_start and meetings.starts_on < settings.cycle_end
    group by meetings.occurrence_key
),

histories as (
    select
        opportunity_id,
        sum(n_source_rows) as n_source_rows
    from {{ ref('fct_opportunity_stages') }}
    where n_source_rows > 0
    group by opportunity_id
),

known_histories as (
    select count(*) as n_opportunities
    from histories
),

deals as (
    select
        closings.opportunity_id,
        closings.closed_on as missing_on,
        case when histories.opportunity_id is not null then 1 else 0 end as is_known
    from {{ ref('fct_opportunity_closings') }} as closings
    cross join {{ run_settings() }} as settings
    cross join known_histories
    left join histories on closings.opportunity_id = histories.opportunity_id
    where closings.is_won and closings.closed_on >= settings.cycle_start and known_histories.n_opportunities > 0
),

found as (
    select
        'call_day' as kind_code,
        'R-TEL-020' as rule_id,
        source_instance,
        missing_on,
        usual_calls as usual_events,
        cast(null as bigint) as n_judged,
        cast(null as bigint) as n_missing
    from call_days
    union all
    select
        'meeting_person' as kind_code,
        'R-FCT-261' as rule_id,
        'all' as source_instance,
        missing_on,
        null as usual_events,
        count(*) as n_judged,
        count(*) - sum(is_known) as n_missing
    from meetings
    group by missing_on
    union all
    select
        'stage_history' as kind_code,
        'R-FCT-262' as rule_id,
        split_part(opportunity_id, '/', 1) as source_instance,
        missing_on,
        null as usual_events,
        count(*) as n_judged,
        count(*) - sum(is_known) as n_missing
    from deals
    group by split_part(opportunity_id, '/', 1), missing_on
)

select
    cast(kind_code as string) as kind_code,
    cast(source_instance as string) as source_instance,
    missing_on,
    cast(usual_events as decimal(18, 4)) as usual_events,
    cast(n_judged as bigint) as n_judged,
    cast(n_missing as bigint) as n_missing,
    cast(rule_id as string) as rule_id
from found
where kind_code = 'call_day' or n_missing > 0
