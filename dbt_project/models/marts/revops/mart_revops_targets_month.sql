-- Targets of the sellers, else of their team, else of the company (is_judged), whichever each measure has. A target or
-- a deal without an exchange rate leaves the money unknown, and the seller out of those who are judged; a growth over
-- months that nobody knows is out too. Every measure, with the months before: mart_revops_objectives_month.
{% set counted = {'activity': 'activities', 'customer': 'new_customers', 'meeting': 'meetings', 'sql': 'sql'} %}

with segmented as (
    {{ segment_rows(ref('fct_quota_months'), {'team': 'team_name', 'role': 'role_code'}) }}
),

flagged as (
    select
        *,
        scope_code = 'rep' as is_personal,
        {% for measure, metric_code in counted.items() -%}
            is_judged and metric_code = '{{ metric_code }}' and not is_unconverted as is_{{ measure }},
        {% endfor -%}
        is_judged and metric_code = 'revenue' as is_quota
    from segmented
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) filter (where is_personal and not is_unconverted) as n_targets,
        count(*) filter (where is_personal and is_attained) as n_targets_attained,
        count(*) filter (where is_personal and is_unconverted) as n_targets_unconverted,
        min(case when is_personal then reason_code end) as target_reason_code,
        min(case when is_quota then reason_code end) as quota_reason_code,
        count(*) filter (where is_quota) as n_quotas,
        count(*) filter (where is_quota and is_unconverted) as n_quotas_unconverted,
        {% for measure, metric_code in counted.items() -%}
            min(case when is_judged and metric_code = '{{ metric_code }}' then reason_code end)
                as {{ measure }}_reason_code,
            count(*) filter (where is_{{ measure }}) as n_{{ measure }}_targets,
            min(case when is_{{ measure }} then scope_code end) as first_{{ measure }}_scope_code,
            max(case when is_{{ measure }} then scope_code end) as last_{{ measure }}_scope_code,
            sum(case when is_{{ measure }} then target_amount end) as {{ measure }}_target,
            sum(case when is_{{ measure }} then actual_amount end) as {{ measure }}_actual,
        {% endfor -%}
        min(case when is_quota then scope_code end) as first_quota_scope_code,
        max(case when is_quota then scope_code end) as last_quota_scope_code,
        sum(case when is_quota then target_amount end) as quota_target_amount,
        sum(case when is_quota then actual_amount end) as quota_actual_amount
    from flagged
    group by period_month, segment_kind_code, segment_code
),

summed as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        n_targets,
        n_targets_attained,
        n_targets_unconverted,
        target_reason_code,
        quota_reason_code,
        n_quotas,
        n_quotas_unconverted,
        {% for measure in ['quota'] + counted | list -%}
            case
                when first_{{ measure }}_scope_code = last_{{ measure }}_scope_code then first_{{ measure }}_scope_code
                when first_{{ measure }}_scope_code is not null then 'mixed'
            end as {{ measure }}_scope_code,
        {% endfor -%}
        {% for measure in counted -%}
            n_{{ measure }}_targets,
            {{ measure }}_reason_code,
            coalesce({{ measure }}_target, 0) as {{ measure }}_target,
            coalesce({{ measure }}_actual, 0) as {{ measure }}_actual,
        {% endfor -%}
        case when n_quotas_unconverted = 0 then coalesce(quota_target_amount, 0) end as quota_target_amount,
        case when n_quotas_unconverted = 0 then coalesce(quota_actual_amount, 0) end as quota_actual_amount
    from cells
)

select
    summed.period_month,
    cast(summed.segment_kind_code as string) as segment_kind_code,
    cast(summed.segment_code as string) as segment_code,
    cast(summed.n_targets as bigint) as n_targets,
    cast(summed.n_targets_attained as bigint) as n_targets_attained,
    cast(summed.n_targets_unconverted as bigint) as n_targets_unconverted,
    {{ metric_ratio('summed.n_targets_attained', 'summed.n_targets') }} as target_attained_rate,
    case
        when summed.n_targets = 0 and summed.n_targets_unconverted > 0 then summed.target_reason_code
        when summed.n_targets = 0 then 'no_target'
    end as target_attained_reason_code,
    cast(summed.n_quotas as bigint) as n_quotas,
    cast(summed.n_quotas_unconverted as bigint) as n_quotas_unconverted,
    cast(summed.quota_scope_code as string) as quota_scope_code,
    cast(summed.quota_target_amount as decimal(38, 4)) as quota_target_amount,
    cast(summed.quota_actual_amount as decimal(38, 4)) as quota_actual_amount,
    {{ metric_ratio('summed.quota_actual_amount', 'summed.quota_target_amount') }} as quota_attainment_rate,
    case
        when summed.n_quotas = 0 then 'no_target'
        when summed.n_quotas_unconverted > 0 then summed.quota_reason_code
    end as quota_reason_code,
    {% for measure in counted -%}
        cast(summed.n_{{ measure }}_targets as bigint) as n_{{ measure }}_targets,
        cast(summed.{{ measure }}_scope_code as string) as {{ measure }}_scope_code,
        cast(summed.{{ measure }}_target as decimal(38, 4)) as {{ measure }}_target,
        cast(summed.{{ measure }}_actual as decimal(38, 4)) as {{ measure }}_actual,
        {{ metric_ratio('summed.' ~ measure ~ '_actual', 'summed.' ~ measure ~ '_target') }}
            as {{ measure }}_attainment_rate,
        case when summed.n_{{ measure }}_targets = 0 then coalesce(summed.{{ measure }}_reason_code, 'no_target') end
            as {{ measure }}_reason_code,
    {% endfor -%}
    settings.reporting_currency
from summed
cross join {{ run_settings() }} as settings
