-- Judged out of time only: a deal that the model has learned from says nothing about it. A model that does not beat the
-- base rate of the stages has no score; the month of the cycle then says why.
with judged as (
    select
        closed_month as period_month,
        stage_code,
        is_won,
        cast(win_probability as double) as win_probability,
        cast(base_probability as double) as base_probability,
        case when is_won then 1.0 else 0.0 end as outcome
    from {{ source('statistics', 'deal_scores') }}
    where set_code = 'held_out'
),

segmented as (
    {{ segment_rows('judged', {'stage': 'stage_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_passages,
        count(*) filter (where is_won) as n_won,
        sum((win_probability - outcome) * (win_probability - outcome)) as squared_error,
        sum((base_probability - outcome) * (base_probability - outcome)) as base_squared_error
    from segmented
    group by period_month, segment_kind_code, segment_code
),

company_months as (
    select period_month
    from cells
    where segment_kind_code = 'all'
),

said as (
    select * from cells
    union all
    select
        settings.cycle_start as period_month,
        'all' as segment_kind_code,
        'all' as segment_code,
        0 as n_passages,
        0 as n_won,
        cast(null as double) as squared_error,
        cast(null as double) as base_squared_error
    from {{ run_settings() }} as settings
    left join company_months on settings.cycle_start = company_months.period_month
    where company_months.period_month is null
)

select
    said.period_month,
    cast(said.segment_kind_code as string) as segment_kind_code,
    cast(said.segment_code as string) as segment_code,
    cast(said.n_passages as bigint) as n_passages,
    cast(said.n_won as bigint) as n_won,
    case when models.is_published then {{ rounded('said.squared_error', 10) }} end as squared_error,
    {{ rounded('said.base_squared_error', 10) }} as base_squared_error,
    case when models.is_published then {{ metric_ratio('said.squared_error', 'said.n_passages') }} end as brier_score,
    {{ metric_ratio('said.base_squared_error', 'said.n_passages') }} as base_brier_score,
    case
        when not models.is_published then models.reason_code
        when said.n_passages = 0 then 'no_judged_deal'
    end as brier_reason_code
from said
cross join {{ source('statistics', 'deal_models') }} as models
