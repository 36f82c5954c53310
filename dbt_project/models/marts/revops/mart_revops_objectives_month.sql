-- Objectives of means and of results, whatever they count: target, what was done, and how both stand to the months
-- before. Targets as judged in fct_quota_months: the sellers', else their team's, else the company's.
-- The interval compares one month with several as two Poisson counts: given their sum, the month's share of it is a
-- share of so many, and Wilson's interval of that share gives the interval of the growth (Krishnamoorthy and Lee,
-- 2010). Touches of one campaign come together, so that the truth is rather wider.

with judged as (
    select *
    from {{ ref('fct_quota_months') }}
    where is_judged
),

segmented as (
    {{ segment_rows('judged', {'team': 'team_name', 'role': 'role_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        metric_code,
        stage_code,
        sum(case when is_unconverted then 0 else 1 end) as n_targets,
        sum(case when is_unconverted then 1 else 0 end) as n_targets_unknown,
        min(reason_code) as unknown_reason_code,
        min(scope_code) as first_scope_code,
        max(scope_code) as last_scope_code,
        min(basis_code) as first_basis_code,
        max(basis_code) as last_basis_code,
        sum(case when not is_unconverted then target_amount end) as target_amount,
        sum(case when not is_unconverted then actual_amount end) as actual_amount,
        sum(case when not is_unconverted and baseline_sum is null then 1 else 0 end) as n_without_baseline,
        min(case when not is_unconverted then n_baseline_months end) as least_baseline_months,
        max(case when not is_unconverted then n_baseline_months end) as most_baseline_months,
        sum(case when not is_unconverted then baseline_sum end) as baseline_sum,
        sum(
            case when not is_unconverted then cast(baseline_sum as double) / nullif(n_baseline_months, 0) end
        ) as baseline_mean
    from segmented
    group by period_month, segment_kind_code, segment_code, metric_code, stage_code
),

compared as (
    select
        *,
        case
            when n_targets = 0 then unknown_reason_code
            when n_without_baseline > 0 then 'baseline_short'
            when baseline_sum <= 0 then 'baseline_zero'
        end as growth_reason_code,
        nullif(cast(actual_amount as double) + cast(baseline_sum as double), 0) as n_both,
        cast(actual_amount as double)
        / nullif(cast(actual_amount as double) + cast(baseline_sum as double), 0) as month_share
    from cells
),

reasoned as (
    select
        *,
        case
            when growth_reason_code is not null then growth_reason_code
            when metric_code = 'revenue' then 'not_a_count'
            when least_baseline_months <> most_baseline_months then 'baselines_differ'
        end as interval_reason_code
    from compared
),

shares as (
    select
        *,
        {{ wilson_low('month_share', 'n_both') }} as share_low,
        {{ wilson_high('month_share', 'n_both') }} as share_high
    from reasoned
),

bounded as (
    select
        *,
        case
            when interval_reason_code is null
                then {{ rounded('share_low / nullif(1 - share_low, 0) * least_baseline_months - 1', 10) }}
        end as growth_low_rate,
        case
            when interval_reason_code is null
                then {{ rounded('share_high / nullif(1 - share_high, 0) * least_baseline_months - 1', 10) }}
        end as growth_high_rate,
        case
            when growth_reason_code is null
                then {{ rounded('cast(target_amount as double) / nullif(baseline_mean, 0) - 1', 10) }}
        end as asked_growth_rate
    from shares
)

select
    bounded.period_month,
    cast(bounded.segment_kind_code as string) as segment_kind_code,
    cast(bounded.segment_code as string) as segment_code,
    cast(bounded.metric_code as string) as metric_code,
    cast(bounded.stage_code as string) as stage_code,
    cast(bounded.n_targets as bigint) as n_targets,
    cast(bounded.n_targets_unknown as bigint) as n_targets_unknown,
    cast(
        case
            when bounded.first_scope_code = bounded.last_scope_code then bounded.first_scope_code else 'mixed'
        end as string
    ) as scope_code,
    cast(
        case
            when bounded.first_basis_code = bounded.last_basis_code then bounded.first_basis_code else 'mixed'
        end as string
    ) as basis_code,
    cast(bounded.target_amount as decimal(38, 4)) as target_amount,
    cast(bounded.actual_amount as decimal(38, 4)) as actual_amount,
    {{ metric_ratio('bounded.actual_amount', 'bounded.target_amount') }} as attainment_rate,
    case when bounded.n_targets > 0 then bounded.actual_amount >= bounded.target_amount end as is_attained,
    cast(bounded.unknown_reason_code as string) as unknown_reason_code,
    cast(
        case when bounded.least_baseline_months = bounded.most_baseline_months then bounded.least_baseline_months end
        as bigint
    ) as n_baseline_months,
    case
        when bounded.growth_reason_code is null or bounded.growth_reason_code = 'baseline_zero'
            then {{ rounded('bounded.baseline_mean', 4) }}
    end as baseline_amount,
    bounded.asked_growth_rate,
    case
        when bounded.growth_reason_code is null
            then {{ rounded('cast(bounded.actual_amount as double) / nullif(bounded.baseline_mean, 0) - 1', 10) }}
    end as growth_rate,
    cast(bounded.growth_reason_code as string) as growth_reason_code,
    bounded.growth_low_rate,
    bounded.growth_high_rate,
    cast(bounded.interval_reason_code as string) as interval_reason_code,
    case
        when bounded.first_basis_code = 'growth' and bounded.last_basis_code = 'growth'
            then bounded.growth_low_rate >= bounded.asked_growth_rate
    end as is_attainment_proved,
    settings.reporting_currency
from bounded
cross join {{ run_settings() }} as settings
