-- Days an opportunity spent in a stage, re-entries added. Equal successive stages are one stay. A stay that nothing
-- ended before as_of is censored: it lasted at least so long. Without a history there is no stay, only a present stage.
-- The last stage of an opportunity closed on no known day ended nobody knows when: no duration, and no censored one.
with entries as (
    select
        changes.opportunity_id,
        changes.stage_code,
        changes.changed_at,
        changes.opportunity_change_key,
        lag(changes.stage_code) over (
            partition by changes.opportunity_id
            order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as earlier_stage_code
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    where changes.stage_code is not null and changes.changed_at < settings.as_of
),

moves as (
    select
        opportunity_id,
        stage_code,
        changed_at as entered_at,
        lead(changed_at) over (
            partition by opportunity_id order by changed_at asc, opportunity_change_key asc
        ) as left_at
    from entries
    where earlier_stage_code is null or earlier_stage_code <> stage_code
),

spans as (
    select
        moves.opportunity_id,
        moves.stage_code,
        moves.entered_at,
        coalesce(
            moves.left_at,
            case
                when opportunities.closed_at < settings.as_of
                    then greatest(opportunities.closed_at, moves.entered_at)
            end
        ) as left_at,
        moves.left_at is null and not opportunities.is_open and opportunities.closed_at is null as is_end_unknown,
        settings.as_of,
        settings.timezone,
        opportunities.lead_id,
        opportunities.size_band_code
    from moves
    cross join {{ run_settings() }} as settings
    inner join {{ ref('fct_opportunities') }} as opportunities
        on moves.opportunity_id = opportunities.opportunity_id
    where moves.stage_code not in ('won', 'lost')
),

stays as (
    select
        opportunity_id,
        stage_code,
        lead_id,
        size_band_code,
        count(*) as n_entries,
        bool_or(left_at is null and not is_end_unknown) as is_censored,
        bool_or(is_end_unknown) as is_end_unknown,
        {{ local_day('min(entered_at)', 'min(timezone)') }} as entered_on,
        sum({{ seconds_between('entered_at', 'coalesce(left_at, as_of)') }}) as stay_seconds
    from spans
    group by opportunity_id, stage_code, lead_id, size_band_code
)

select
    stays.opportunity_id || '/' || stays.stage_code as stage_stay_key,
    stays.opportunity_id,
    stays.stage_code,
    stays.entered_on,
    cast(stays.n_entries as bigint) as n_entries,
    stays.is_censored,
    stays.is_end_unknown,
    case when not stays.is_end_unknown then {{ metric_ratio('stays.stay_seconds', '86400') }} end as stay_days,
    coalesce(stays.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code
from stays
left join {{ ref('fct_leads') }} as leads on stays.lead_id = leads.lead_id
