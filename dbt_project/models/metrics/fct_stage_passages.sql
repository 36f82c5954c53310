-- A skipped stage counts as reached, at the instant of the first later stage; winning reaches every stage.
-- Losing reaches nothing. Maturity is age alone: waiting for the outcome would keep the quick winners only.
with funnel as (
    select
        stage_code,
        stage_rank
    from {{ ref('opportunity_stages') }}
    where not is_closed
),

entries as (
    select
        stages.opportunity_id,
        stages.stage_rank,
        stages.first_entered_at as entered_at
    from {{ ref('fct_opportunity_stages') }} as stages
    where stages.stage_code not in ('won', 'lost')
    union all
    select
        opportunities.opportunity_id,
        won.stage_rank,
        opportunities.closed_at as entered_at
    from {{ ref('fct_opportunities') }} as opportunities
    inner join {{ ref('opportunity_stages') }} as won on won.stage_code = 'won'
    where opportunities.is_won
),

passages as (
    select
        entries.opportunity_id,
        funnel.stage_code,
        funnel.stage_rank,
        min(entries.entered_at) as entered_at,
        max(entries.stage_rank) > funnel.stage_rank as is_next_reached
    from entries
    cross join {{ run_settings() }} as settings
    inner join funnel on entries.stage_rank >= funnel.stage_rank
    where entries.entered_at < settings.as_of
    group by entries.opportunity_id, funnel.stage_code, funnel.stage_rank
)

select
    passages.opportunity_id || '/' || passages.stage_code as stage_passage_key,
    passages.opportunity_id,
    passages.stage_code,
    passages.stage_rank,
    passages.entered_at,
    {{ local_day('passages.entered_at', 'settings.timezone') }} as entered_on,
    passages.is_next_reached,
    {{ seconds_between('passages.entered_at', 'settings.as_of') }}
    >= cast(settings.conversion_window_days as bigint) * 86400 as is_matured,
    coalesce(opportunities.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code
from passages
cross join {{ run_settings() }} as settings
inner join {{ ref('fct_opportunities') }} as opportunities
    on passages.opportunity_id = opportunities.opportunity_id
left join {{ ref('fct_leads') }} as leads on opportunities.lead_id = leads.lead_id
