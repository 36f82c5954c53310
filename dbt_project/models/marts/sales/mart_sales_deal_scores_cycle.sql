-- Open deals only, in the stage where they stand; without a published model there is no row.
select
    cast(scores.opportunity_id as string) as opportunity_id,
    coalesce(opportunities.rep_id, 'unknown') as rep_id,
    cast(scores.stage_code as string) as stage_code,
    scores.entered_at as stage_entered_at,
    scores.win_probability,
    scores.base_probability,
    cast(scores.win_probability - scores.base_probability as decimal(18, 10)) as probability_over_base
from {{ source('statistics', 'deal_scores') }} as scores
left join {{ ref('fct_opportunities') }} as opportunities on scores.opportunity_id = opportunities.opportunity_id
where scores.set_code = 'open'
