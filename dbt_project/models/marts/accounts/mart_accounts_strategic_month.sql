-- The list of a month is that of the first day of the same month a year before, where the comparison begins: an account
-- that is put on the list because it grew does not make the list grow. The rest is the whole less the list. Owners are
-- known as they are, so accounts by owner stand in the month of the cycle only.
with months as (
    select
        period_month,
        {{ add_months('period_month', -12) }} as base_month,
        revenue_amount,
        base_amount,
        yoy_growth_reason_code
    from {{ ref('mart_finance_revenue_growth_month') }}
    where segment_kind_code = 'all'
),

listed as (
    select distinct
        months.period_month,
        accounts.group_id
    from {{ ref('bridge_strategic_accounts') }} as bridge
    inner join {{ ref('dim_accounts') }} as accounts on bridge.account_id = accounts.account_id
    inner join months
        on
            bridge.valid_from <= months.base_month
            and coalesce(bridge.valid_to, cast('9999-12-31' as date)) > months.base_month
),

list_sizes as (
    select
        period_month,
        count(*) as n_strategic_groups
    from listed
    group by period_month
),

list_parts as (
    select
        listed.period_month,
        case when group_months.period_month = listed.period_month then group_months.revenue_amount else 0 end
            as revenue_amount,
        case when group_months.period_month <> listed.period_month then group_months.revenue_amount else 0 end
            as base_amount
    from listed
    inner join {{ ref('fct_revenue_group_months') }} as group_months
        on
            listed.group_id = group_months.group_id
            and (
                listed.period_month = group_months.period_month
                or {{ add_months('listed.period_month', -12) }} = group_months.period_month
            )
),

list_amounts as (
    select
        period_month,
        sum(revenue_amount) as revenue_amount,
        sum(base_amount) as base_amount
    from list_parts
    group by period_month
),

owners as (
    select
        accounts.owner_rep_id,
        count(*) as n_accounts
    from {{ ref('dim_accounts') }} as accounts
    where accounts.is_strategic and accounts.account_id <> 'unknown'
    group by accounts.owner_rep_id
),

portfolios as (
    select
        coalesce(sum(n_accounts), 0) as n_strategic_accounts,
        coalesce(sum(case when owner_rep_id <> 'unknown' then n_accounts else 0 end), 0) as n_owned_accounts,
        count(case when owner_rep_id <> 'unknown' then 1 end) as n_owners,
        max(case when owner_rep_id <> 'unknown' then n_accounts end) as n_accounts_of_largest
    from owners
),

compared as (
    select
        months.period_month,
        months.period_month = settings.cycle_start as is_cycle,
        settings.reporting_currency,
        coalesce(list_sizes.n_strategic_groups, 0) as n_strategic_groups,
        coalesce(list_amounts.revenue_amount, 0) as strategic_amount,
        coalesce(list_amounts.base_amount, 0) as strategic_base_amount,
        months.revenue_amount - coalesce(list_amounts.revenue_amount, 0) as rest_amount,
        months.base_amount - coalesce(list_amounts.base_amount, 0) as rest_base_amount,
        coalesce(months.yoy_growth_reason_code = 'exchange_rate_missing', false) as is_unconverted
    from months
    cross join {{ run_settings() }} as settings
    left join list_sizes on months.period_month = list_sizes.period_month
    left join list_amounts on months.period_month = list_amounts.period_month
),

judged as (
    select
        *,
        case
            when is_unconverted then 'exchange_rate_missing'
            when n_strategic_groups = 0 then 'no_strategic_account'
            when strategic_base_amount <= 0 then 'no_base'
        end as strategic_growth_reason_code,
        case
            when is_unconverted then 'exchange_rate_missing'
            when rest_base_amount <= 0 then 'no_base'
        end as rest_growth_reason_code
    from compared
)

select
    judged.period_month,
    cast('all' as string) as segment_kind_code,
    cast('all' as string) as segment_code,
    cast(judged.n_strategic_groups as bigint) as n_strategic_groups,
    cast(case when not judged.is_unconverted then judged.strategic_amount end as decimal(38, 4)) as strategic_amount,
    cast(case when not judged.is_unconverted then judged.strategic_base_amount end as decimal(38, 4))
        as strategic_base_amount,
    cast(
        case when not judged.is_unconverted then judged.strategic_amount - judged.strategic_base_amount end
        as decimal(38, 4)
    ) as strategic_growth_amount,
    case
        when judged.strategic_growth_reason_code is null
            then {{ metric_ratio('judged.strategic_amount - judged.strategic_base_amount',
                'judged.strategic_base_amount') }}
    end as strategic_growth_rate,
    cast(judged.strategic_growth_reason_code as string) as strategic_growth_reason_code,
    cast(case when not judged.is_unconverted then judged.rest_amount end as decimal(38, 4)) as rest_amount,
    cast(case when not judged.is_unconverted then judged.rest_base_amount end as decimal(38, 4)) as rest_base_amount,
    cast(
        case when not judged.is_unconverted then judged.rest_amount - judged.rest_base_amount end as decimal(38, 4)
    ) as rest_growth_amount,
    case
        when judged.rest_growth_reason_code is null
            then {{ metric_ratio('judged.rest_amount - judged.rest_base_amount', 'judged.rest_base_amount') }}
    end as rest_growth_rate,
    cast(judged.rest_growth_reason_code as string) as rest_growth_reason_code,
    case
        when
            judged.strategic_growth_reason_code is null
            and judged.rest_growth_reason_code is null
            and judged.rest_amount > judged.rest_base_amount
            then {{ metric_ratio(
                'cast(judged.strategic_amount - judged.strategic_base_amount as double)'
                ~ ' * cast(judged.rest_base_amount as double)',
                'cast(judged.strategic_base_amount as double)'
                ~ ' * cast(judged.rest_amount - judged.rest_base_amount as double)'
            ) }}
    end as strategic_growth_ratio,
    cast(
        coalesce(
            judged.strategic_growth_reason_code,
            judged.rest_growth_reason_code,
            case when judged.rest_amount <= judged.rest_base_amount then 'rest_not_growing' end
        ) as string
    ) as strategic_growth_ratio_reason_code,
    cast(case when judged.is_cycle then portfolios.n_strategic_accounts end as bigint) as n_strategic_accounts,
    cast(case when judged.is_cycle then portfolios.n_owned_accounts end as bigint) as n_owned_accounts,
    cast(case when judged.is_cycle then portfolios.n_owners end as bigint) as n_owners,
    cast(case when judged.is_cycle then portfolios.n_accounts_of_largest end as bigint) as n_accounts_of_largest,
    case
        when judged.is_cycle then {{ metric_ratio('portfolios.n_owned_accounts', 'portfolios.n_owners') }}
    end as accounts_per_kam,
    cast(
        case
            when not judged.is_cycle then 'known_for_the_cycle_only'
            when portfolios.n_owners = 0 then 'no_strategic_account'
        end as string
    ) as accounts_per_kam_reason_code,
    cast(judged.reporting_currency as string) as reporting_currency
from judged
cross join portfolios
