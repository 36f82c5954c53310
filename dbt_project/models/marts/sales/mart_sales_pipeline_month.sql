with segmented as (
    {{ segment_rows(ref('fct_opportunity_snapshots'), {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'stage': 'stage_code',
        'forecast_category': 'forecast_category_code'
    }) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_open,
        sum(case when amount is null then 1 else 0 end) as n_without_amount,
        sum(case when is_unconverted then 1 else 0 end) as n_unconverted,
        sum(case when amount is not null and weighted_amount is null then 1 else 0 end) as n_unweighted,
        sum(case when not is_history_complete then 1 else 0 end) as n_history_incomplete,
        sum(coalesce(amount_reporting, 0)) as converted_amount,
        sum(coalesce(weighted_amount, 0)) as converted_weighted_amount
    from segmented
    group by period_month, segment_kind_code, segment_code
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.n_open as bigint) as n_open,
    cast(cells.n_without_amount as bigint) as n_without_amount,
    cast(cells.n_unconverted as bigint) as n_unconverted,
    cast(cells.n_unweighted as bigint) as n_unweighted,
    cast(cells.n_history_incomplete as bigint) as n_history_incomplete,
    cast(case when cells.n_unconverted = 0 then cells.converted_amount end as decimal(38, 4)) as pipeline_amount,
    case when cells.n_unconverted > 0 then 'exchange_rate_missing' end as pipeline_reason_code,
    cast(
        case when cells.n_unweighted = 0 then cells.converted_weighted_amount end as decimal(38, 4)
    ) as weighted_amount,
    case
        when cells.n_unconverted > 0 then 'exchange_rate_missing'
        when cells.n_unweighted > 0 then 'stage_never_closed'
    end as weighted_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from cells
cross join {{ run_settings() }} as settings
