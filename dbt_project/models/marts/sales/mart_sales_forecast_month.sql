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
        sum(n_unweighted) as n_unweighted,
        sum(n_won) as n_won,
        count(*) as n_teams,
        sum(case when is_judged then 0 else 1 end) as n_teams_unjudged,
        min(unjudged_reason_code) as unjudged_reason_code,
        sum(case when is_judged then n_expected else 0 end) as n_judged_expected,
        sum(case when is_tested then 1 else 0 end) as n_tested,
        sum(case when is_within_10pct then 1 else 0 end) as n_within_10pct,
        sum(expected_amount) as expected_amount,
        sum(weighted_amount) as weighted_amount,
        sum(won_amount) as won_amount,
        sum(case when is_judged then committed_amount else 0 end) as committed_amount,
        sum(case when is_judged then won_amount else 0 end) as judged_won_amount,
        sum(case when is_judged then error_amount else 0 end) as error_amount,
        sum(case when is_judged then absolute_error_amount else 0 end) as absolute_error_amount
    from segmented
    group by period_month, segment_kind_code, segment_code
),

-- Teams without a forecast are left out and counted. Where no other team expected anything, nothing was forecast.
reasoned as (
    select
        cells.*,
        case
            when cells.n_unconverted > 0 then 'exchange_rate_missing'
            when cells.n_teams_unjudged > 0 and cells.n_judged_expected = 0 then cells.unjudged_reason_code
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
    cast(reasoned.n_unweighted as bigint) as n_unweighted,
    cast(reasoned.n_won as bigint) as n_won,
    cast(reasoned.n_teams as bigint) as n_teams,
    cast(reasoned.n_teams_unjudged as bigint) as n_teams_unjudged,
    cast(case when reasoned.n_unconverted = 0 then reasoned.expected_amount end as decimal(38, 4)) as expected_amount,
    cast(
        case when reasoned.n_unconverted = 0 and reasoned.n_unweighted = 0 then reasoned.weighted_amount end
        as decimal(38, 4)
    ) as weighted_amount,
    case
        when reasoned.n_unconverted > 0 then 'exchange_rate_missing'
        when reasoned.n_unweighted > 0 then 'stage_never_closed'
    end as weighted_reason_code,
    cast(case when reasoned.unknown_code is null then reasoned.committed_amount end as decimal(38, 4))
        as committed_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.won_amount end as decimal(38, 4)) as won_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.judged_won_amount end as decimal(38, 4))
        as judged_won_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.error_amount end as decimal(38, 4)) as error_amount,
    cast(case when reasoned.n_unconverted = 0 then reasoned.absolute_error_amount end as decimal(38, 4))
        as absolute_error_amount,
    case
        when reasoned.unknown_code is null
            then {{ metric_ratio(
                '(reasoned.judged_won_amount - reasoned.absolute_error_amount)', 'reasoned.judged_won_amount'
            ) }}
    end as accuracy_rate,
    case
        when reasoned.unknown_code is null
            then {{ metric_ratio('reasoned.error_amount', 'reasoned.judged_won_amount') }}
    end as bias_rate,
    coalesce(reasoned.unknown_code, case when reasoned.judged_won_amount = 0 then 'no_won_amount' end)
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
