-- Each line once in every view of a kind: as_was by the group of its day, as_is by that of the cycle's last day,
-- pro_forma by the last link known, even one that starts later. Lines are read once, by account and day.
with account_days as (
    select
        account_id,
        invoiced_on,
        period_month,
        coalesce(sum(net_amount_reporting), 0) as revenue_amount,
        count(*) as n_lines,
        count(*) filter (where net_amount_reporting is null) as n_unconverted_lines
    from {{ ref('fct_revenue_lines') }}
    group by account_id, invoiced_on, period_month
),

attributed as (
    select
        bridge.kind_code,
        bridge.group_id,
        bridge.is_as_is,
        bridge.is_pro_forma,
        account_days.invoiced_on >= bridge.valid_from
        and account_days.invoiced_on < coalesce(bridge.valid_to, cast('9999-12-31' as date)) as is_as_was,
        account_days.period_month,
        sum(account_days.revenue_amount) as revenue_amount,
        sum(account_days.n_lines) as n_lines,
        sum(account_days.n_unconverted_lines) as n_unconverted_lines
    from account_days
    inner join {{ ref('bridge_account_groups') }} as bridge on account_days.account_id = bridge.account_id
    group by all
),

viewed as (
    select
        'as_was' as view_code,
        attributed.*
    from attributed
    where attributed.is_as_was
    union all
    select
        'as_is' as view_code,
        attributed.*
    from attributed
    where attributed.is_as_is
    union all
    select
        'pro_forma' as view_code,
        attributed.*
    from attributed
    where attributed.is_pro_forma
),

-- Outside every buying group: the whole without what a buying group has, so that each kind adds up to the whole.
shared as (
    select
        view_code,
        kind_code,
        group_id,
        period_month,
        revenue_amount,
        n_lines,
        n_unconverted_lines
    from viewed
    union all
    select
        view_code,
        'buying' as kind_code,
        case when group_id = 'unknown' then 'unknown' else 'none' end as group_id,
        period_month,
        case when kind_code = 'legal' then revenue_amount else -revenue_amount end as revenue_amount,
        case when kind_code = 'legal' then n_lines else -n_lines end as n_lines,
        case when kind_code = 'legal' then n_unconverted_lines else -n_unconverted_lines end as n_unconverted_lines
    from viewed
)

select
    cast(shared.view_code as string) as view_code,
    cast(shared.kind_code as string) as kind_code,
    shared.group_id,
    shared.period_month,
    case
        when sum(shared.n_unconverted_lines) = 0 then cast(sum(shared.revenue_amount) as decimal(38, 4))
    end as revenue_amount,
    cast(case when sum(shared.n_unconverted_lines) > 0 then 'exchange_rate_missing' end as string)
        as revenue_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(sum(shared.n_lines) as bigint) as n_lines,
    cast(sum(shared.n_unconverted_lines) as bigint) as n_unconverted_lines
from shared
cross join {{ run_settings() }} as settings
group by shared.view_code, shared.kind_code, shared.group_id, shared.period_month, settings.reporting_currency
having sum(shared.n_lines) > 0
