-- Who pulls the company up and who pulls it down: growth over twelve months and margin, each against the company's own.
-- The bars are compared as products of exact amounts, so that an account on the bar is on the high side.
-- DuckDB gives the product of two decimals of 18 digits 18 digits: one more on one side, and it has room.
with years as (
    select
        revenue_lines.account_id,
        revenue_lines.net_amount_reporting,
        revenue_lines.cost_amount,
        revenue_lines.cost_amount_reporting,
        revenue_lines.invoiced_on >= {{ add_months('settings.cycle_end', -12) }} as is_this_year
    from {{ ref('fct_revenue_lines') }} as revenue_lines
    cross join {{ run_settings() }} as settings
    where
        revenue_lines.account_id <> 'unknown'
        and revenue_lines.invoiced_on >= {{ add_months('settings.cycle_end', -24) }}
),

account_years as (
    select
        account_id,
        cast({{ complete_sum('net_amount_reporting', 'is_this_year') }} as decimal(18, 4)) as revenue_amount,
        cast({{ complete_sum('net_amount_reporting', 'not is_this_year') }} as decimal(18, 4)) as year_ago_amount,
        cast({{ complete_sum('net_amount_reporting', 'is_this_year and cost_amount is not null') }} as decimal(18, 4))
            as costed_revenue_amount,
        cast({{ complete_sum('cost_amount_reporting', 'is_this_year and cost_amount is not null') }} as decimal(18, 4))
            as cost_amount,
        count(cost_amount) as n_costed_lines
    from years
    group by account_id
),

companies as (
    select
        cast(sum(revenue_amount) as decimal(18, 4)) as revenue_amount,
        cast(sum(year_ago_amount) as decimal(18, 4)) as year_ago_amount,
        cast(sum(costed_revenue_amount) as decimal(18, 4)) as costed_revenue_amount,
        cast(sum(costed_revenue_amount - cost_amount) as decimal(18, 4)) as margin_amount,
        sum(n_costed_lines) as n_costed_lines
    from account_years
    where revenue_amount is not null and year_ago_amount is not null
),

judged as (
    select
        account_years.account_id,
        account_years.revenue_amount,
        account_years.year_ago_amount,
        case when companies.n_costed_lines > 0 then account_years.costed_revenue_amount end as costed_revenue_amount,
        case when companies.n_costed_lines > 0 then account_years.cost_amount end as cost_amount,
        companies.revenue_amount as company_revenue,
        companies.year_ago_amount as company_year_ago,
        companies.costed_revenue_amount as company_costed_revenue,
        companies.margin_amount as company_margin,
        case
            when companies.n_costed_lines > 0 then account_years.costed_revenue_amount - account_years.cost_amount
        end as margin_amount,
        cast(account_years.revenue_amount as decimal(19, 4)) * companies.year_ago_amount
        >= cast(companies.revenue_amount as decimal(19, 4)) * account_years.year_ago_amount as is_growing,
        cast(account_years.costed_revenue_amount - account_years.cost_amount as decimal(19, 4))
        * companies.costed_revenue_amount
        >= cast(companies.margin_amount as decimal(19, 4)) * account_years.costed_revenue_amount as is_earning,
        case
            when companies.n_costed_lines = 0 then 'costs_not_delivered'
            when account_years.costed_revenue_amount is null then 'exchange_rate_missing'
            when account_years.costed_revenue_amount <= 0 then 'no_costed_revenue'
        end as margin_reason_code,
        case
            when account_years.revenue_amount is null or account_years.year_ago_amount is null
                then 'exchange_rate_missing'
            when companies.year_ago_amount <= 0 then 'no_base'
        end as growth_reason_code
    from account_years
    cross join companies
)

select
    judged.account_id,
    coalesce(accounts.group_id, 'unknown') as group_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    judged.revenue_amount,
    judged.year_ago_amount,
    cast(judged.revenue_amount - judged.year_ago_amount as decimal(18, 4)) as growth_amount,
    case
        when judged.year_ago_amount > 0
            then {{ metric_ratio('judged.revenue_amount - judged.year_ago_amount', 'judged.year_ago_amount') }}
    end as growth_rate,
    cast(
        case
            when judged.revenue_amount is null or judged.year_ago_amount is null then 'exchange_rate_missing'
            when judged.year_ago_amount <= 0 then 'no_base'
        end as string
    ) as growth_rate_reason_code,
    judged.costed_revenue_amount,
    judged.cost_amount,
    cast(judged.margin_amount as decimal(18, 4)) as margin_amount,
    case
        when judged.margin_reason_code is null
            then {{ metric_ratio('judged.margin_amount', 'judged.costed_revenue_amount') }}
    end as margin_rate,
    cast(judged.margin_reason_code as string) as margin_reason_code,
    case
        when judged.margin_reason_code is null and judged.revenue_amount > 0
            then {{ metric_ratio('judged.costed_revenue_amount', 'judged.revenue_amount') }}
    end as cost_shown_rate,
    case
        when judged.company_year_ago > 0
            then {{ metric_ratio('judged.company_revenue - judged.company_year_ago', 'judged.company_year_ago') }}
    end as company_growth_rate,
    case
        when judged.company_costed_revenue > 0
            then {{ metric_ratio('judged.company_margin', 'judged.company_costed_revenue') }}
    end as company_margin_rate,
    cast(
        case
            when coalesce(judged.margin_reason_code, judged.growth_reason_code) is not null then null
            when judged.is_growing and judged.is_earning then 'pulls_up'
            when judged.is_growing then 'grows_thinly'
            when judged.is_earning then 'earns_shrinking'
            else 'pulls_down'
        end as string
    ) as value_class_code,
    cast(coalesce(judged.margin_reason_code, judged.growth_reason_code) as string) as value_class_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from judged
left join {{ ref('dim_accounts') }} as accounts on judged.account_id = accounts.account_id
cross join {{ run_settings() }} as settings
