-- A month is compared with the same month a year before. Each cell is written into its own month and into the twelve
-- after it, so that a month without an invoice still has its year to date and its fall to zero.
with cells as (
    select * from {{ ref('fct_revenue_month_cells') }}
),

segmented as (
    {{ segment_rows('cells', {
        'size_band': 'size_band_code', 'product_family': 'product_family', 'currency': 'currency',
        'channel': 'channel_code', 'lead_source': 'lead_source'
    }) }}
),

segment_months as (
    select
        segment_kind_code,
        segment_code,
        period_month,
        sum(revenue_amount) as revenue_amount,
        sum(n_lines) as n_lines,
        sum(n_unconverted_lines) as n_unconverted_lines,
        sum(case when is_like_for_like then revenue_amount else 0 end) as like_for_like_amount,
        sum(case when is_like_for_like then n_unconverted_lines else 0 end) as n_like_for_like_unconverted
    from segmented
    group by segment_kind_code, segment_code, period_month
),

distances (n_months) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)
),

placed as (
    select
        segment_months.*,
        distances.n_months,
        {{ add_months('segment_months.period_month', 'distances.n_months') }} as placed_month
    from segment_months
    cross join distances
),

summed as (
    select
        placed_month as period_month,
        segment_kind_code,
        segment_code,
        sum(case when n_months = 0 then revenue_amount else 0 end) as revenue_amount,
        sum(case when n_months = 0 then n_lines else 0 end) as n_lines,
        sum(case when n_months = 0 then n_unconverted_lines else 0 end) as n_unconverted_lines,
        sum(case when n_months = 0 then like_for_like_amount else 0 end) as like_for_like_amount,
        sum(case when n_months = 0 then n_like_for_like_unconverted else 0 end) as n_like_for_like_unconverted,
        sum(case when n_months = 12 then revenue_amount else 0 end) as base_amount,
        sum(case when n_months = 12 then n_unconverted_lines else 0 end) as n_base_unconverted,
        sum(case when extract(year from placed_month) = extract(year from period_month) then revenue_amount else 0 end)
            as year_to_date_amount,
        sum(
            case
                when extract(year from placed_month) = extract(year from period_month) then n_unconverted_lines
                else 0
            end
        ) as n_year_unconverted
    from placed
    group by placed_month, segment_kind_code, segment_code
),

-- A sum over a line without an exchange rate is no revenue: it is null and says why.
honest as (
    select
        summed.period_month,
        summed.segment_kind_code,
        summed.segment_code,
        summed.n_lines,
        case when summed.n_unconverted_lines = 0 then summed.revenue_amount end as revenue_amount,
        case when summed.n_like_for_like_unconverted = 0 then summed.like_for_like_amount end as like_for_like_amount,
        case when summed.n_base_unconverted = 0 then summed.base_amount end as base_amount,
        case when summed.n_year_unconverted = 0 then summed.year_to_date_amount end as year_to_date_amount,
        totals.revenue_amount as company_amount,
        totals.n_unconverted_lines > 0 as is_company_unconverted
    from summed
    cross join {{ run_settings() }} as settings
    inner join summed as totals
        on summed.period_month = totals.period_month and totals.segment_kind_code = 'all'
    where summed.period_month < settings.cycle_end
)

select
    honest.period_month,
    cast(honest.segment_kind_code as string) as segment_kind_code,
    cast(honest.segment_code as string) as segment_code,
    cast(honest.revenue_amount as decimal(38, 4)) as revenue_amount,
    case when honest.revenue_amount is null then 'exchange_rate_missing' end as revenue_reason_code,
    cast(honest.base_amount as decimal(38, 4)) as base_amount,
    cast(honest.revenue_amount - honest.base_amount as decimal(38, 4)) as growth_amount,
    case
        when honest.base_amount > 0
            then {{ metric_ratio('honest.revenue_amount - honest.base_amount', 'honest.base_amount') }}
    end as yoy_growth_rate,
    case
        when honest.base_amount is null or honest.revenue_amount is null then 'exchange_rate_missing'
        when honest.base_amount <= 0 then 'no_base'
    end as yoy_growth_reason_code,
    cast(honest.like_for_like_amount as decimal(38, 4)) as like_for_like_amount,
    cast(honest.like_for_like_amount - honest.base_amount as decimal(38, 4)) as like_for_like_growth_amount,
    case
        when honest.base_amount > 0
            then {{ metric_ratio('honest.like_for_like_amount - honest.base_amount', 'honest.base_amount') }}
    end as like_for_like_growth_rate,
    case
        when honest.base_amount is null or honest.like_for_like_amount is null then 'exchange_rate_missing'
        when honest.base_amount <= 0 then 'no_base'
    end as like_for_like_growth_reason_code,
    cast(honest.year_to_date_amount as decimal(38, 4)) as year_to_date_amount,
    case when honest.year_to_date_amount is null then 'exchange_rate_missing' end as year_to_date_reason_code,
    case
        when not honest.is_company_unconverted
            then {{ metric_ratio('honest.revenue_amount', 'honest.company_amount') }}
    end as revenue_share_rate,
    cast(case when not honest.is_company_unconverted then honest.company_amount end as decimal(38, 4))
        as company_amount,
    case
        when honest.is_company_unconverted then 'exchange_rate_missing'
        when honest.company_amount = 0 then 'no_revenue'
    end as revenue_share_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(honest.n_lines as bigint) as n_lines
from honest
cross join {{ run_settings() }} as settings
