with segmented as (
    {{ segment_rows(ref('fct_opportunity_closings'), {
        'channel': 'channel_code', 'size_band': 'size_band_code'
    }) }}
),

cells as (
    select
        {{ first_of_month('closed_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_closed,
        count(*) filter (where is_won) as n_won,
        count(*) filter (where is_lost) as n_lost,
        count(*) filter (where is_unconverted) as n_unconverted,
        case when count(*) filter (where is_unconverted) = 0 then coalesce(sum(amount_reporting), 0) end
            as closed_amount,
        case
            when count(*) filter (where is_unconverted and is_won) = 0
                then coalesce(sum(case when is_won then amount_reporting end), 0)
        end as won_amount,
        count(case when is_won then sales_cycle_days end) as n_won_with_cycle,
        {{ metric_median('case when is_won then sales_cycle_days end') }} as sales_cycle_days_median,
        sum(case when is_won then sales_cycle_days end) as won_cycle_days,
        {{ metric_median('case when is_lost then sales_cycle_days end') }} as lost_cycle_days_median
    from segmented
    group by {{ first_of_month('closed_on') }}, segment_kind_code, segment_code
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.n_closed as bigint) as n_closed,
    cast(cells.n_won as bigint) as n_won,
    cast(cells.n_lost as bigint) as n_lost,
    {{ metric_ratio('cells.n_won', 'cells.n_closed') }} as win_rate,
    cast(cells.closed_amount as decimal(38, 4)) as closed_amount,
    cast(cells.won_amount as decimal(38, 4)) as won_amount,
    {{ metric_ratio('cells.won_amount', 'cells.closed_amount') }} as win_amount_rate,
    case
        when cells.closed_amount = 0 then 'no_closed_amount'
        when cells.closed_amount is null then 'exchange_rate_missing'
    end as win_amount_reason_code,
    cast(
        cast(cells.won_amount as double) / nullif(cast(cells.n_won as double), 0) as decimal(38, 10)
    ) as avg_deal_amount,
    case
        when cells.n_won = 0 then 'no_won_opportunity'
        when cells.won_amount is null then 'exchange_rate_missing'
    end as avg_deal_reason_code,
    cast(cells.n_unconverted as bigint) as n_unconverted,
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(cells.n_won_with_cycle as bigint) as n_won_with_cycle,
    cells.sales_cycle_days_median,
    {{ metric_ratio('cells.won_cycle_days', 'cells.n_won_with_cycle') }} as sales_cycle_days_mean,
    case when cells.n_won_with_cycle = 0 then 'no_won_opportunity' end as sales_cycle_reason_code,
    cells.lost_cycle_days_median
from cells
cross join {{ run_settings() }} as settings
