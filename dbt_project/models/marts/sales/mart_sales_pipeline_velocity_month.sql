-- open x win rate x average deal / cycle days, with the rates of the 90 days before the end of the month. A closing
-- lies in the 90 days before at most four ends of months, so each is placed in those and no other.
with month_ends (n_months) as (
    values
    (1), (2), (3), (4)
),

recent as (
    select
        {{ add_months(first_of_month('closings.closed_on'), 'month_ends.n_months - 1') }} as period_month,
        closings.is_won,
        closings.is_unconverted,
        closings.amount_reporting,
        closings.sales_cycle_days,
        closings.channel_code,
        closings.size_band_code
    from {{ ref('fct_opportunity_closings') }} as closings
    cross join month_ends
    where
        {{ days_between(
            'closings.closed_on', add_months(first_of_month('closings.closed_on'), 'month_ends.n_months')
        ) }} <= 90
),

segmented as (
    {{ segment_rows('recent', {'channel': 'channel_code', 'size_band': 'size_band_code'}) }}
),

closed_cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_closed,
        sum(case when is_won then 1 else 0 end) as n_won,
        sum(case when is_won and is_unconverted then 1 else 0 end) as n_unconverted,
        sum(case when is_won then coalesce(amount_reporting, 0) else 0 end) as won_amount,
        count(case when is_won then sales_cycle_days end) as n_cycles,
        coalesce(sum(case when is_won then sales_cycle_days end), 0) as cycle_days
    from segmented
    group by period_month, segment_kind_code, segment_code
),

joined as (
    select
        open_cells.period_month,
        open_cells.segment_kind_code,
        open_cells.segment_code,
        open_cells.n_open,
        coalesce(closed_cells.n_closed, 0) as n_closed_90d,
        coalesce(closed_cells.n_won, 0) as n_won_90d,
        coalesce(closed_cells.n_unconverted, 0) as n_unconverted_90d,
        coalesce(closed_cells.n_cycles, 0) as n_cycles_90d,
        coalesce(closed_cells.cycle_days, 0) as cycle_days_90d,
        case when coalesce(closed_cells.n_unconverted, 0) = 0 then coalesce(closed_cells.won_amount, 0) end
            as won_amount_90d
    from {{ ref('mart_sales_pipeline_month') }} as open_cells
    left join closed_cells
        on
            open_cells.period_month = closed_cells.period_month
            and open_cells.segment_kind_code = closed_cells.segment_kind_code
            and open_cells.segment_code = closed_cells.segment_code
    where open_cells.segment_kind_code in ('all', 'channel', 'size_band')
)

select
    joined.period_month,
    joined.segment_kind_code,
    joined.segment_code,
    joined.n_open,
    cast(joined.n_closed_90d as bigint) as n_closed_90d,
    cast(joined.n_won_90d as bigint) as n_won_90d,
    cast(joined.n_unconverted_90d as bigint) as n_unconverted_90d,
    cast(joined.n_cycles_90d as bigint) as n_cycles_90d,
    cast(joined.cycle_days_90d as decimal(38, 4)) as cycle_days_90d,
    cast(joined.won_amount_90d as decimal(38, 4)) as won_amount_90d,
    {{ metric_ratio('joined.n_won_90d', 'joined.n_closed_90d') }} as win_rate_90d,
    -- the number of wins cancels out of win rate x average deal, but without one there is no average deal
    case
        when joined.n_won_90d > 0
            then cast(
                cast(joined.n_open as double) * cast(joined.won_amount_90d as double)
                * cast(joined.n_cycles_90d as double)
                / nullif(cast(joined.n_closed_90d as double) * cast(joined.cycle_days_90d as double), 0)
                as decimal(38, 10)
            )
    end as velocity_amount_per_day,
    case
        when joined.n_closed_90d = 0 then 'no_closed_opportunity'
        when joined.n_won_90d = 0 then 'no_won_opportunity'
        when joined.won_amount_90d is null then 'exchange_rate_missing'
        when joined.cycle_days_90d = 0 then 'no_cycle_days'
    end as velocity_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from joined
cross join {{ run_settings() }} as settings
