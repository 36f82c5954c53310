-- A segment that has lost all its accounts keeps its rows, of zeros, to the end of the year: what it gained in the year
-- stays gained. A sum with an amount that no rate converts is unknown; the account counts.
with movements as (
    select
        movements.*,
        movements.account_id <> 'unknown' as is_known_account
    from {{ ref('fct_mrr_movements') }} as movements
    cross join {{ run_settings() }} as settings
    where movements.period_month < settings.cycle_end
),

segmented as (
    {{ segment_rows('movements', {'size_band': 'size_band_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        cast(extract(year from period_month) as int) as year_number,
        {{ complete_sum('opening_mrr', 'true') }} as opening_mrr,
        {{ complete_sum('new_mrr', 'true') }} as new_mrr,
        {{ complete_sum('reactivation_mrr', 'true') }} as reactivation_mrr,
        {{ complete_sum('expansion_mrr', 'true') }} as expansion_mrr,
        {{ complete_sum('contraction_mrr', 'true') }} as contraction_mrr,
        {{ complete_sum('churn_mrr', 'true') }} as churn_mrr,
        {{ complete_sum('closing_mrr', 'true') }} as closing_mrr,
        count(*) filter (where is_known_account and coalesce(opening_mrr, 1) > 0) as n_accounts_opening,
        count(*) filter (where is_known_account and coalesce(new_mrr, 1) > 0) as n_accounts_new,
        count(*) filter (where is_known_account and coalesce(reactivation_mrr, 1) > 0) as n_accounts_reactivated,
        count(*) filter (where is_known_account and coalesce(churn_mrr, -1) < 0) as n_accounts_churned,
        count(*) filter (where is_known_account and coalesce(closing_mrr, 1) > 0) as n_accounts_closing
    from segmented
    group by period_month, segment_kind_code, segment_code
),

years as (
    select
        segment_kind_code,
        segment_code,
        year_number,
        min(period_month) as first_month
    from cells
    group by segment_kind_code, segment_code, year_number
),

months as (
    select distinct
        cast(extract(year from dates.period_month) as int) as year_number,
        dates.period_month
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    where dates.period_month < settings.cycle_end
),

filled as (
    select
        months.period_month,
        years.segment_kind_code,
        years.segment_code,
        years.year_number
    from years
    inner join months on years.year_number = months.year_number and years.first_month <= months.period_month
),

placed as (
    select
        filled.period_month,
        filled.segment_kind_code,
        filled.segment_code,
        filled.year_number,
        {% for column in [
            'opening_mrr', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr', 'closing_mrr'
        ] -%}
            case when cells.period_month is null then 0 else cells.{{ column }} end as {{ column }},
        {% endfor -%}
        {% for column in [
            'n_accounts_opening', 'n_accounts_new', 'n_accounts_reactivated', 'n_accounts_churned', 'n_accounts_closing'
        ] -%}
        coalesce(cells.{{ column }}, 0) as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
    from filled
    left join cells
        on
            filled.period_month = cells.period_month
            and filled.segment_kind_code = cells.segment_kind_code
            and filled.segment_code = cells.segment_code
),

summed as (
    select
        *,
        sum(new_mrr) over (
            partition by segment_kind_code, segment_code, year_number
            order by period_month
            rows between unbounded preceding and current row
        ) as known_new_mrr_ytd,
        count(case when new_mrr is null then 1 end) over (
            partition by segment_kind_code, segment_code, year_number
            order by period_month
            rows between unbounded preceding and current row
        ) as n_months_unconverted
    from placed
)

select
    summed.period_month,
    cast(summed.segment_kind_code as string) as segment_kind_code,
    cast(summed.segment_code as string) as segment_code,
    {% for column in [
        'opening_mrr', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr', 'closing_mrr'
    ] -%}
        cast(summed.{{ column }} as decimal(38, 4)) as {{ column }},
    {% endfor -%}
    cast(
        case when summed.opening_mrr is null or summed.closing_mrr is null then 'exchange_rate_missing' end as string
    ) as mrr_reason_code,
    cast(summed.closing_mrr * 12 as decimal(38, 4)) as arr,
    cast(case when summed.n_months_unconverted = 0 then summed.known_new_mrr_ytd end as decimal(38, 4)) as new_mrr_ytd,
    cast(case when summed.n_months_unconverted > 0 then 'exchange_rate_missing' end as string)
        as new_mrr_ytd_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency,
    {% for column in [
        'n_accounts_opening', 'n_accounts_new', 'n_accounts_reactivated', 'n_accounts_churned', 'n_accounts_closing'
    ] -%}
    cast(summed.{{ column }} as bigint) as {{ column }}{{ ',' if not loop.last }}
{% endfor %}
from summed
cross join {{ run_settings() }} as settings
