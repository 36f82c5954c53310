with segmented as (
    {{ segment_rows(ref('fct_stage_passages'), {'channel': 'channel_code', 'size_band': 'size_band_code'}) }}
),

cells as (
    select
        {{ first_of_month('entered_on') }} as period_month,
        segment_kind_code,
        segment_code,
        stage_code,
        stage_rank,
        count(*) as n_reached,
        count(*) filter (where is_matured) as n_matured,
        count(*) filter (where not is_matured) as n_immature,
        count(*) filter (where is_matured and is_next_reached) as n_reached_next
    from segmented
    group by {{ first_of_month('entered_on') }}, segment_kind_code, segment_code, stage_code, stage_rank
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(stage_code as string) as stage_code,
    cast(stage_rank as integer) as stage_rank,
    cast(n_reached as bigint) as n_reached,
    cast(n_matured as bigint) as n_matured,
    cast(n_immature as bigint) as n_immature,
    cast(n_reached_next as bigint) as n_reached_next,
    {{ metric_ratio('n_reached_next', 'n_matured') }} as stage_conversion_rate,
    case when n_matured = 0 then 'cohort_immature' end as stage_conversion_reason_code
from cells
