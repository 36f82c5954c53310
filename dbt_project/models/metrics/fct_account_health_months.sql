-- What is known of an account at a month end, one row each, gathered by moving rows to the months that look back on
-- them; then points by component. A component without a value leaves the score, its weight goes to the others. Use is
-- known from the month of the account's first use on: a mean of the three months before needs all three of them. An
-- account whose MRR no rate converts pays, and its trend is unknown.
{%- set components = ['usage_recency', 'usage_trend', 'nps', 'mrr_trend'] %}

with usage_months as (
    select
        usages.account_id,
        {{ first_of_month('usages.used_on') }} as period_month,
        sum(usages.n_uses) as n_uses,
        max(usages.used_on) as last_used_on
    from {{ ref('fct_product_usages') }} as usages
    cross join {{ run_settings() }} as settings
    where usages.account_id <> 'unknown' and usages.used_on < settings.cycle_end and usages.n_uses > 0
    group by usages.account_id, {{ first_of_month('usages.used_on') }}
),

paying as (
    select
        account_id,
        period_month,
        closing_mrr
    from {{ ref('fct_mrr_account_months') }}
    where is_known_account and coalesce(closing_mrr, 1) > 0
),

months_back (n_back) as (
    values (1), (2), (3)
),

-- An answer speaks for twelve months or until the same person answers again.
answers as (
    select
        account_id,
        score,
        period_month as valid_from,
        least(
            {{ add_months('period_month', 12) }},
            coalesce(
                lead(period_month) over (partition by respondent_key order by period_month),
                {{ add_months('period_month', 12) }}
            )
        ) as valid_to
    from {{ ref('fct_nps_answers') }}
),

scores as (
    select
        paying.account_id,
        paying.period_month,
        cast(sum(answers.score) as double) / count(*) as mean_score
    from paying
    inner join answers
        on
            paying.account_id = answers.account_id
            and paying.period_month >= answers.valid_from
            and paying.period_month < answers.valid_to
    group by paying.account_id, paying.period_month
),

sides as (
    select
        account_id,
        period_month,
        1 as is_paying,
        closing_mrr,
        cast(null as decimal(18, 4)) as former_mrr,
        cast(null as bigint) as n_uses,
        cast(null as bigint) as n_former_uses,
        cast(null as date) as last_used_on
    from paying
    union all
    select
        account_id,
        {{ add_months('period_month', 3) }} as period_month,
        0 as is_paying,
        cast(null as decimal(18, 4)) as closing_mrr,
        closing_mrr as former_mrr,
        cast(null as bigint) as n_uses,
        cast(null as bigint) as n_former_uses,
        cast(null as date) as last_used_on
    from paying
    union all
    select
        account_id,
        period_month,
        0 as is_paying,
        cast(null as decimal(18, 4)) as closing_mrr,
        cast(null as decimal(18, 4)) as former_mrr,
        n_uses,
        cast(null as bigint) as n_former_uses,
        last_used_on
    from usage_months
    union all
    select
        usage_months.account_id,
        {{ add_months('usage_months.period_month', 'months_back.n_back') }} as period_month,
        0 as is_paying,
        cast(null as decimal(18, 4)) as closing_mrr,
        cast(null as decimal(18, 4)) as former_mrr,
        cast(null as bigint) as n_uses,
        usage_months.n_uses as n_former_uses,
        cast(null as date) as last_used_on
    from usage_months
    cross join months_back
),

account_months as (
    select
        account_id,
        period_month,
        max(is_paying) as is_paying,
        max(closing_mrr) as closing_mrr,
        max(former_mrr) as former_mrr,
        sum(n_uses) as n_uses,
        sum(n_former_uses) as n_former_uses,
        max(last_used_on) as last_used_on
    from sides
    group by account_id, period_month
),

followed as (
    select
        account_id,
        period_month,
        is_paying,
        closing_mrr,
        former_mrr,
        n_uses,
        n_former_uses,
        max(last_used_on) over (
            partition by account_id order by period_month rows between unbounded preceding and current row
        ) as last_used_on,
        min(case when last_used_on is not null then period_month end) over (partition by account_id)
            as first_used_month
    from account_months
),

measured as (
    select
        followed.account_id,
        followed.period_month,
        followed.closing_mrr,
        cast({{ days_between('followed.last_used_on', add_months('followed.period_month', 1)) }} as double)
            as usage_recency_value,
        case
            when followed.period_month >= {{ add_months('followed.first_used_month', 3) }}
                then cast(coalesce(followed.n_uses, 0) as double) * 3 / followed.n_former_uses
        end as usage_trend_value,
        case
            when followed.first_used_month is null or followed.first_used_month > followed.period_month then 'no_use'
            when followed.period_month < {{ add_months('followed.first_used_month', 3) }} then 'use_under_3_months'
            when followed.n_former_uses is null then 'no_use_in_3_months'
        end as usage_trend_reason_code,
        scores.mean_score as nps_value,
        cast(followed.closing_mrr as double) / cast(followed.former_mrr as double) as mrr_trend_value
    from followed
    left join scores
        on followed.account_id = scores.account_id and followed.period_month = scores.period_month
    where followed.is_paying = 1
),

scales as (
    select
        definition_version,
        valid_from,
        valid_to,
    {% for component in components -%}
        max(case when component_code = '{{ component }}' then cast(weight as double) end)
            as {{ component }}_weight,
        max(case when component_code = '{{ component }}' then cast(value_at_0 as double) end)
            as {{ component }}_at_0,
        max(case when component_code = '{{ component }}' then cast(value_at_100 as double) end)
            as {{ component }}_at_100{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('health_components') }}
    group by definition_version, valid_from, valid_to
),

pointed as (
    select
        measured.*,
        scales.*,
    {% for component in components -%}
        case
            when measured.{{ component }}_value is not null
                then least(100.0, greatest(
                    0.0,
                    100 * (measured.{{ component }}_value - scales.{{ component }}_at_0)
                    / (scales.{{ component }}_at_100 - scales.{{ component }}_at_0)
                    ))
        end as {{ component }}_points{{ ',' if not loop.last }}
    {% endfor %}
    from measured
    inner join scales on measured.period_month >= scales.valid_from and measured.period_month < scales.valid_to
),

weighed as (
    select
        *,
        {% for component in components -%}
            case when {{ component }}_points is null then 0 else {{ component }}_weight end
            {{- ' + ' if not loop.last }}
        {% endfor %} as weight_known,
        {% for component in components -%}
            {{ component }}_weight{{ ' + ' if not loop.last }}
        {%- endfor %} as weight_all,
        {% for component in components -%}
            coalesce({{ component }}_points * {{ component }}_weight, 0.0){{ ' + ' if not loop.last }}
        {% endfor %} as weighed_points,
        {% for component in components -%}
            case when {{ component }}_points is null then 0 else 1 end{{ ' + ' if not loop.last }}
        {%- endfor %} as n_components
    from pointed
),

losses as (
    select distinct
        lost.account_id,
        {{ add_months('lost.period_month', '-months_back.n_back') }} as period_month
    from {{ ref('fct_mrr_account_months') }} as lost
    cross join months_back
    where coalesce(lost.churn_mrr, -1) < 0
)

select
    weighed.account_id || '/' || {{ year_month_text('weighed.period_month') }} as account_month_key,
    weighed.account_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    weighed.period_month,
    weighed.closing_mrr,
    weighed.definition_version,
    {% for component in components -%}
        {{ rounded('weighed.' ~ component ~ '_points', 4) }} as {{ component }}_points,
    {% endfor -%}
    weighed.usage_trend_reason_code,
    cast(weighed.n_components as bigint) as n_components,
    {{ metric_ratio('weighed.weight_known', 'weighed.weight_all') }} as weight_known_rate,
    weighed.n_components > 0 and weighed.n_components < {{ components | length }} as is_renormalised,
    case
        when weighed.n_components > 0 then {{ rounded('weighed.weighed_points / weighed.weight_known', 4) }}
    end as health_score,
    coalesce(losses.account_id is not null, false) as is_lost_within_3_months,
    {{ add_months('weighed.period_month', 3) }} < settings.cycle_end as is_outcome_known
from weighed
left join {{ ref('dim_accounts') }} as accounts on weighed.account_id = accounts.account_id
cross join {{ run_settings() }} as settings
left join losses
    on weighed.account_id = losses.account_id and weighed.period_month = losses.period_month
