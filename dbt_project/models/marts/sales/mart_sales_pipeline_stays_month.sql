with segmented as (
    {{ segment_rows(ref('fct_stage_stays'), {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'stage': 'stage_code'
    }) }}
),

dated as (
    select
        *,
        {{ first_of_month('entered_on') }} as period_month,
        not is_censored and not is_end_unknown as is_left
    from segmented
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(case when is_end_unknown then 0 else 1 end) as n_stays,
        sum(case when is_end_unknown then 1 else 0 end) as n_end_unknown,
        sum(case when is_censored then 1 else 0 end) as n_censored,
        sum(case when is_end_unknown then 0 else n_entries end) as n_entries,
        sum(case when is_left then stay_days else 0 end) as left_days
    from dated
    group by period_month, segment_kind_code, segment_code
),

medians as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        duration
    from {{ kaplan_meier_quantile(
        kaplan_meier('dated', ['period_month', 'segment_kind_code', 'segment_code'], 'stay_days', 'is_left'),
        ['period_month', 'segment_kind_code', 'segment_code']
    ) }} as survivors
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.n_stays as bigint) as n_stays,
    cast(cells.n_censored as bigint) as n_censored,
    cast(cells.n_end_unknown as bigint) as n_end_unknown,
    cast(cells.n_entries as bigint) as n_entries,
    cast(cells.left_days as decimal(38, 10)) as left_days,
    {{ metric_ratio('cells.left_days', '(cells.n_stays - cells.n_censored)') }} as left_days_mean,
    cast(medians.duration as decimal(18, 6)) as stay_days_median,
    case
        when cells.n_stays = 0 then 'stage_end_unknown'
        when medians.duration is null then 'half_not_reached'
    end as stay_reason_code
from cells
left join medians
    on
        cells.period_month = medians.period_month
        and cells.segment_kind_code = medians.segment_kind_code
        and cells.segment_code = medians.segment_code
