-- Where a company is better or worse than itself: the conversion of a stage against the passages of the twelve months
-- before. Intervals are Wilson's, that of the difference is Newcombe's of the two (1998, method 10); a difference is
-- told only where that interval is without zero. Fewer than 30 passages on a side say nothing. Without passages the
-- macros give 0 to 1, as greatest and least skip nulls: such a month has no bounds.
{%- set minimum = 30 %}
{%- set share = 'cast(n_reached_next as double) / nullif(cast(n_matured as double), 0)' %}
{%- set before = 'cast(n_reached_next_before as double) / nullif(cast(n_matured_before as double), 0)' %}
with earlier as (
    select
        months.period_month,
        months.segment_kind_code,
        months.segment_code,
        months.stage_code,
        count(*) as n_months_before,
        sum(history.n_matured) as n_matured_before,
        sum(history.n_reached_next) as n_reached_next_before
    from {{ ref('mart_sales_stages_month') }} as months
    inner join {{ ref('mart_sales_stages_month') }} as history
        on
            months.segment_kind_code = history.segment_kind_code
            and months.segment_code = history.segment_code
            and months.stage_code = history.stage_code
            and months.period_month > history.period_month
            and months.period_month <= {{ add_months('history.period_month', 12) }}
    where history.n_matured > 0
    group by months.period_month, months.segment_kind_code, months.segment_code, months.stage_code
),

compared as (
    select
        months.period_month,
        months.segment_kind_code,
        months.segment_code,
        months.stage_code,
        months.stage_rank,
        months.n_matured,
        months.n_reached_next,
        coalesce(earlier.n_months_before, 0) as n_months_before,
        coalesce(earlier.n_matured_before, 0) as n_matured_before,
        coalesce(earlier.n_reached_next_before, 0) as n_reached_next_before
    from {{ ref('mart_sales_stages_month') }} as months
    left join earlier
        on
            months.period_month = earlier.period_month
            and months.segment_kind_code = earlier.segment_kind_code
            and months.segment_code = earlier.segment_code
            and months.stage_code = earlier.stage_code
),

bounded as (
    select
        *,
        {{ share }} as now_share,
        {{ before }} as share_before,
        {{ wilson_low(share, 'nullif(cast(n_matured as double), 0)') }} as low,
        {{ wilson_high(share, 'nullif(cast(n_matured as double), 0)') }} as high,
        {{ wilson_low(before, 'nullif(cast(n_matured_before as double), 0)') }} as low_before,
        {{ wilson_high(before, 'nullif(cast(n_matured_before as double), 0)') }} as high_before
    from compared
),

differences as (
    select
        *,
        now_share - share_before as change_share,
        now_share - share_before
        - sqrt((now_share - low) * (now_share - low) + (high_before - share_before) * (high_before - share_before))
            as change_low,
        now_share - share_before
        + sqrt((high - now_share) * (high - now_share) + (share_before - low_before) * (share_before - low_before))
            as change_high,
        n_matured >= {{ minimum }} and n_matured_before >= {{ minimum }} as is_judged
    from bounded
)

select
    period_month,
    segment_kind_code,
    segment_code,
    stage_code,
    stage_rank,
    n_matured,
    n_reached_next,
    {{ metric_ratio('n_reached_next', 'n_matured') }} as stage_conversion_rate,
    case when n_matured > 0 then {{ rounded('low', 10) }} end as low_rate,
    case when n_matured > 0 then {{ rounded('high', 10) }} end as high_rate,
    cast(n_months_before as bigint) as n_months_before,
    cast(n_matured_before as bigint) as n_matured_before,
    cast(n_reached_next_before as bigint) as n_reached_next_before,
    {{ metric_ratio('n_reached_next_before', 'n_matured_before') }} as before_rate,
    {{ rounded('100 * change_share', 6) }} as change_points,
    {{ rounded('100 * change_low', 6) }} as change_low_points,
    {{ rounded('100 * change_high', 6) }} as change_high_points,
    cast(
        case
            when not is_judged then 'too_few'
            when change_low > 0 then 'strength'
            when change_high < 0 then 'weakness'
            else 'as_usual'
        end as string
    ) as verdict_code
from differences
