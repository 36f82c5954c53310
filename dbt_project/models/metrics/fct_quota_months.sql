-- A month is judged by the targets of the shortest periods that hold it, so that a year and its months are not added;
-- dq_quota_sums compares them. A longer period counts by its days, and a seller's target by the days of employment.
-- A target given twice for one period counts once: a rule (R-CRM-146) names both.
-- Companies give targets to sellers, to teams or to the whole: for each measure and month those of the sellers are
-- judged, in a team without any the team's own, and the company's where there is neither. No unit is asked twice.
with settings as (
    select * from {{ run_settings() }} as settings
),

quotas as (
    select
        quota_key,
        case when scope_code = 'team' and team_name is null then 'company' else scope_code end as scope_code,
        case when scope_code = 'rep' then rep_id else coalesce(team_name, 'company') end as holder_code,
        metric_code,
        period_start,
        period_end,
        {{ days_between('period_start', 'period_end') }} + 1 as n_period_days,
        {{ first_of_month('period_start') }} as first_month,
        {{ first_of_month('period_end') }} as last_month,
        case when metric_code = 'revenue' then target_reporting else target end as period_target,
        row_number() over (
            partition by scope_code, rep_id, team_name, metric_code, period_start, period_end order by quota_key
        ) as nth_target
    from {{ ref('fct_quotas') }}
    where scope_code = 'team' or (scope_code = 'rep' and rep_id <> 'unknown')
),

months as (
    select
        dates.period_month,
        cast(count(*) as int) as n_month_days
    from {{ ref('dim_dates') }} as dates
    cross join settings
    where dates.period_month <= settings.cycle_start
    group by dates.period_month
),

quota_months as (
    select
        quotas.*,
        months.period_month,
        least({{ days_between('months.period_month', 'quotas.period_end') }} + 1, months.n_month_days)
        - greatest({{ days_between('months.period_month', 'quotas.period_start') }}, 0) as n_days_within,
        case when quotas.n_period_days <= 31 then 1 when quotas.n_period_days <= 92 then 2 else 3 end as length_rank
    from quotas
    inner join months on quotas.first_month <= months.period_month and quotas.last_month >= months.period_month
    where quotas.nth_target = 1
),

ranked as (
    select
        *,
        min(length_rank) over (partition by scope_code, holder_code, metric_code, period_month) as shortest_rank
    from quota_months
),

targets as (
    select
        scope_code,
        holder_code,
        metric_code,
        period_month,
        min(length_rank) as length_rank,
        max(case when period_target is null then 1 else 0 end) = 1 as is_target_unknown,
        sum(
            case
                when n_days_within = n_period_days then period_target
                else cast(cast(period_target as double) * n_days_within / n_period_days as decimal(18, 4))
            end
        ) as month_target
    from ranked
    where length_rank = shortest_rank
    group by scope_code, holder_code, metric_code, period_month
),

reps as (
    select
        'rep' as scope_code,
        rep_id as holder_code,
        period_month,
        team_name,
        role_code,
        n_days,
        n_employed_days,
        n_activities,
        n_new_customers,
        won_amount,
        n_won_unconverted
    from {{ ref('fct_rep_months') }}
    where rep_id <> 'unknown'
    union all
    select
        'team' as scope_code,
        team_name as holder_code,
        period_month,
        team_name,
        cast(null as string) as role_code,
        1 as n_days,
        1 as n_employed_days,
        cast(sum(n_activities) as bigint) as n_activities,
        cast(sum(n_new_customers) as bigint) as n_new_customers,
        cast(sum(won_amount) as decimal(18, 4)) as won_amount,
        cast(sum(n_won_unconverted) as bigint) as n_won_unconverted
    from {{ ref('fct_rep_months') }}
    where rep_id <> 'unknown'
    group by team_name, period_month
    union all
    select
        'company' as scope_code,
        'company' as holder_code,
        period_month,
        'unknown' as team_name,
        cast(null as string) as role_code,
        1 as n_days,
        1 as n_employed_days,
        cast(sum(n_activities) as bigint) as n_activities,
        cast(sum(n_new_customers) as bigint) as n_new_customers,
        cast(sum(won_amount) as decimal(18, 4)) as won_amount,
        cast(sum(n_won_unconverted) as bigint) as n_won_unconverted
    from {{ ref('fct_rep_months') }}
    group by period_month
),

judged as (
    select
        targets.scope_code,
        targets.holder_code,
        targets.metric_code,
        targets.period_month,
        targets.length_rank,
        coalesce(reps.team_name, case when targets.scope_code = 'team' then targets.holder_code end, 'unknown')
            as team_name,
        coalesce(reps.role_code, 'unknown') as role_code,
        coalesce(reps.n_employed_days, case when targets.scope_code = 'rep' then 0 else 1 end) as n_employed_days,
        case
            when targets.is_target_unknown then null
            when coalesce(reps.n_employed_days, 1) = coalesce(reps.n_days, 1)
                then cast(targets.month_target as decimal(18, 4))
            else cast(
                cast(targets.month_target as double) * reps.n_employed_days / reps.n_days as decimal(18, 4)
            )
        end as target_amount,
        case
            when targets.metric_code = 'activities' then cast(coalesce(reps.n_activities, 0) as decimal(18, 4))
            when targets.metric_code = 'new_customers' then cast(coalesce(reps.n_new_customers, 0) as decimal(18, 4))
            when coalesce(reps.n_won_unconverted, 0) = 0 then coalesce(reps.won_amount, 0)
        end as actual_amount
    from targets
    left join reps
        on
            targets.scope_code = reps.scope_code
            and targets.holder_code = reps.holder_code
            and targets.period_month = reps.period_month
),

asked as (
    select
        *,
        case scope_code when 'rep' then 1 when 'team' then 2 else 3 end as scope_rank
    from judged
    where n_employed_days > 0 and (target_amount is null or target_amount > 0)
),

chosen as (
    select
        *,
        min(scope_rank) over (partition by metric_code, team_name, period_month) as team_scope_rank,
        min(scope_rank) over (partition by metric_code, period_month) as company_scope_rank
    from asked
)

select
    scope_code || '/' || holder_code || '/' || metric_code || '/' || {{ year_month_text('period_month') }}
        as quota_month_key,
    scope_code,
    holder_code,
    metric_code,
    period_month,
    team_name,
    role_code,
    case length_rank when 1 then 'month' when 2 then 'quarter' else 'year' end as target_period_code,
    target_amount,
    actual_amount,
    target_amount is null or actual_amount is null as is_unconverted,
    coalesce(actual_amount >= target_amount, false) as is_attained,
    case when scope_rank = 3 then company_scope_rank = 3 else scope_rank = team_scope_rank end as is_judged
from chosen
