-- An activity without an objection stands apart and has no share among the objections.
with segmented as (
    {{ segment_rows(ref('fct_objection_months'), {'size_band': 'size_band_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        objection_code,
        sum(n_activities) as n_activities
    from segmented
    group by period_month, segment_kind_code, segment_code, objection_code
),

shared as (
    select
        *,
        sum(n_activities) over (partition by period_month, segment_kind_code, segment_code) as n_activities_month,
        sum(case when objection_code <> 'none' then n_activities else 0 end) over (
            partition by period_month, segment_kind_code, segment_code
        ) as n_noted
    from cells
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(objection_code as string) as objection_code,
    cast(n_activities as bigint) as n_activities,
    cast(n_noted as bigint) as n_noted,
    case
        when objection_code <> 'none' then {{ metric_ratio('n_activities', 'n_noted') }}
    end as objection_share_rate,
    cast(case when objection_code = 'none' then 'no_objection_noted' end as string) as objection_share_reason_code,
    cast(n_activities_month as bigint) as n_activities_month,
    {{ metric_ratio('n_noted', 'n_activities_month') }} as objection_noted_rate
from shared
