with segmented as (
    {{ segment_rows(ref('fct_pipeline_coverages'), {'team': 'team_name'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        min(quarter_start) as quarter_start,
        sum(n_open) as n_open,
        sum(n_unconverted) as n_unconverted,
        sum(target_amount) as target_amount,
        sum(won_amount) as won_amount,
        sum(remaining_amount) as remaining_amount,
        sum(open_amount) as open_amount
    from segmented
    group by period_month, segment_kind_code, segment_code
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cells.quarter_start,
    cast(cells.n_open as bigint) as n_open,
    cast(cells.n_unconverted as bigint) as n_unconverted,
    cast(case when cells.n_unconverted = 0 then cells.target_amount end as decimal(38, 4)) as target_amount,
    cast(case when cells.n_unconverted = 0 then cells.won_amount end as decimal(38, 4)) as won_amount,
    cast(case when cells.n_unconverted = 0 then cells.remaining_amount end as decimal(38, 4)) as remaining_amount,
    cast(case when cells.n_unconverted = 0 then cells.open_amount end as decimal(38, 4)) as open_amount,
    case
        when cells.n_unconverted = 0 and cells.remaining_amount > 0
            then {{ metric_ratio('cells.open_amount', 'cells.remaining_amount') }}
    end as coverage_rate,
    case
        when cells.n_unconverted > 0 then 'exchange_rate_missing'
        when cells.remaining_amount <= 0 then 'quota_attained'
    end as coverage_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from cells
cross join {{ run_settings() }} as settings
