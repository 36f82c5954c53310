with segmented as (
    {{ segment_rows(ref('fct_opportunity_openings'), {
        'channel': 'channel_code', 'size_band': 'size_band_code'
    }) }}
),

cells as (
    select
        {{ first_of_month('opened_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_opened,
        sum(case when is_closed then 1 else 0 end) as n_closed,
        sum(case when is_won then 1 else 0 end) as n_won
    from segmented
    group by {{ first_of_month('opened_on') }}, segment_kind_code, segment_code
)

-- The bar of 80 % is compared on the counts: 0.8 has no exact double.
select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_opened as bigint) as n_opened,
    cast(n_closed as bigint) as n_closed,
    cast(n_opened - n_closed as bigint) as n_immature,
    cast(n_won as bigint) as n_won,
    {{ metric_ratio('n_won', 'n_opened') }} as win_rate,
    {{ metric_ratio('n_closed', 'n_opened') }} as maturity_rate,
    n_closed * 10 >= n_opened * 8 as is_comparable
from cells
