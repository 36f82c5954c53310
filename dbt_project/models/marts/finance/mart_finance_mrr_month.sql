-- A segment that has lost all its accounts keeps its rows, of zeros, to the end of the year: what it gained in the year
-- stays gained.
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
        sum(opening_mrr) as opening_mrr,
        sum(new_mrr) as new_mrr,
        sum(reactivation_mrr) as reactivation_mrr,
        sum(expansion_mrr) as expansion_mrr,
        sum(contraction_mrr) as contraction_mrr,
        sum(churn_mrr) as churn_mrr,
        sum(closing_mrr) as closing_mrr,
        count(*) filter (where is_known_account and opening_mrr > 0) as n_accounts_opening,
        count(*) filter (where is_known_account and new_mrr > 0) as n_accounts_new,
        count(*) filter (where is_known_account and reactivation_mrr > 0) as n_accounts_reactivated,
        count(*) filter (where is_known_account and churn_mrr < 0) as n_accounts_churned,
        count(*) filter (where is_known_account and closing_mrr > 0) as n_accounts_closing
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
)

select
    filled.period_month,
    cast(filled.segment_kind_code as string) as segment_kind_code,
    cast(filled.segment_code as string) as segment_code,
    {% for column in [
        'opening_mrr', 'new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr', 'closing_mrr'
    ] -%}
        cast(coalesce(cells.{{ column }}, 0) as decimal(38, 4)) as {{ column }},
    {% endfor -%}
    cast(coalesce(cells.closing_mrr, 0) * 12 as decimal(38, 4)) as arr,
    cast(
        sum(coalesce(cells.new_mrr, 0)) over (
            partition by filled.segment_kind_code, filled.segment_code, filled.year_number
            order by filled.period_month
            rows between unbounded preceding and current row
        ) as decimal(38, 4)
    ) as new_mrr_ytd,
    cast(settings.reporting_currency as string) as reporting_currency,
    {% for column in [
        'n_accounts_opening', 'n_accounts_new', 'n_accounts_reactivated', 'n_accounts_churned', 'n_accounts_closing'
    ] -%}
    cast(coalesce(cells.{{ column }}, 0) as bigint) as {{ column }}{{ ',' if not loop.last }}
{% endfor %}
from filled
cross join {{ run_settings() }} as settings
left join cells
    on
        filled.period_month = cells.period_month
        and filled.segment_kind_code = cells.segment_kind_code
        and filled.segment_code = cells.segment_code
