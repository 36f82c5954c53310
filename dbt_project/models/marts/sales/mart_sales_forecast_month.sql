with segmented as (
    {{ segment_rows(ref('fct_forecast_periods'), {'team': 'team_name'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(n_expected) as n_expected,
        sum(n_without_category) as n_without_category,
        sum(n_not_frozen) as n_not_frozen,
        sum(n_unconverted) as n_unconverted,
        sum(n_won) as n_won,
        sum(case when is_tested then 1 else 0 end) as n_tested,
        sum(case when is_within_10pct then 1 else 0 end) as n_within_10pct,
        sum(expected_amount) as expected_amount,
        sum(committed_amount) as committed_amount,
        sum(weighted_amount) as weighted_amount,
        sum(won_amount) as won_amount,
        sum(error_amount) as error_amount,
        sum(absolute_error_amount) as absolute_error_amount
    from segmented
    group by period_month, segment_kind_code, segment_code
),

-- A CRM that gave no category to anything expected in the month has forecast nothing, which is not a forecast of zero.
reasoned as (
    select
        cells.*,
        case
            when cells.n_unconverted > 0 then 'exchange_rate_missing'
            when cells.n_expected > 0 and cells.n_without_category = cells.n_expected then 'forecast_category_missing'
            when cells.n_expected > 0 and cells.n_not_frozen = cells.n_expected then 'forecast_not_frozen'
        end as unknown_code
    from cells
)

select
    reasoned.period_month,
    cast(reasoned.segment_kind_code as string) as segment_kind_code,
    cast(reasoned.segment_code as string) as segment_code,
    cast(reasoned.n_expected as bigint) as n_expected,
    cast(reasoned.n_without_category as bigint) as n_without_category,
    cast(reasoned.n_not_frozen as bigint) as n_not_frozen,
    cast(reasoned.n_unconverted as bigint) as n_unconverted,
    cast(reasoned.n_won as bigint) as n_won,
    cast(case when reasoned.n_unconverted = 0 then reasoned.expected_amount end as decimal(38, 4)) as expected_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.weighted_amount end as decimal(38, 4)) as weighted_amount,
    cast(case when reasoned.unknown_code is null then reasoned.committed_amount end as decimal(38, 4))
        as committed_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.won_amount end as decimal(38, 4)) as won_amount,
    cast(case when reasoned.unknown_code is null then reasoned.error_amount end as decimal(38, 4)) as error_amount,
    cast(case when reasoned.unknown_code is null then reasoned.absolute_error_amount end as decimal(38, 4))
        as absolute_error_amount,
    case
        when reasoned.unknown_code is null
            then {{ metric_ratio(
                '(reasoned.won_amount - reasoned.absolute_error_amount)', 'reasoned.won_amount'
            ) }}
    end as accuracy_rate,
    case
        when reasoned.unknown_code is null then {{ metric_ratio('reasoned.error_amount', 'reasoned.won_amount') }}
    end as bias_rate,
    coalesce(reasoned.unknown_code, case when reasoned.won_amount = 0 then 'no_won_amount' end)
        as accuracy_reason_code,
    cast(case when reasoned.n_unconverted = 0 then reasoned.n_tested end as bigint) as n_tested,
    cast(case when reasoned.n_unconverted = 0 then reasoned.n_within_10pct end as bigint) as n_within_10pct,
    case
        when reasoned.unknown_code is null then {{ metric_ratio('reasoned.n_within_10pct', 'reasoned.n_tested') }}
    end as within_10pct_rate,
    coalesce(reasoned.unknown_code, case when reasoned.n_tested = 0 then 'no_won_amount' end) as within_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from reasoned
cross join {{ run_settings() }} as settings
