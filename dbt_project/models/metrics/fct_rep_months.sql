-- Every event is counted once, with its seller or with the unknown one, so that sellers add up to the company.
-- Where the CRM gives no dates of employment, a seller is employed from the first month with a target or something done
-- to the last one with something done; one who is still active, up to the cycle. The team is today's.
with settings as (
    select * from {{ run_settings() }} as settings
),

first_wins as (
    select
        coalesce(rep_id, 'unknown') as rep_id,
        closed_on,
        row_number() over (partition by account_id order by closed_on, opportunity_id) as nth_win
    from {{ ref('fct_opportunity_closings') }}
    where is_won and account_id <> 'unknown'
),

events as (
    select
        rep_id,
        {{ first_of_month('occurred_on') }} as period_month,
        sum(n_activities) > 0 as is_deed,
        sum(n_activities) as n_activities,
        sum(n_meetings) as n_meetings,
        0 as n_opened,
        0 as n_closed,
        0 as n_won,
        0 as won_amount,
        0 as n_won_unconverted,
        0 as n_new_customers,
        0 as revenue_amount,
        0 as n_revenue_unconverted
    from {{ ref('fct_activity_days') }}
    where handling_code = 'human'
    group by rep_id, {{ first_of_month('occurred_on') }}
    union all
    select
        coalesce(opportunities.rep_id, 'unknown') as rep_id,
        {{ first_of_month('opportunities.opened_on') }} as period_month,
        true as is_deed,
        0 as n_activities,
        0 as n_meetings,
        count(*) as n_opened,
        0 as n_closed,
        0 as n_won,
        0 as won_amount,
        0 as n_won_unconverted,
        0 as n_new_customers,
        0 as revenue_amount,
        0 as n_revenue_unconverted
    from {{ ref('fct_opportunities') }} as opportunities
    cross join settings
    where opportunities.opened_on < settings.cycle_end
    group by coalesce(opportunities.rep_id, 'unknown'), {{ first_of_month('opportunities.opened_on') }}
    union all
    select
        coalesce(rep_id, 'unknown') as rep_id,
        {{ first_of_month('closed_on') }} as period_month,
        true as is_deed,
        0 as n_activities,
        0 as n_meetings,
        0 as n_opened,
        count(*) as n_closed,
        count(*) filter (where is_won) as n_won,
        coalesce(sum(case when is_won then amount_reporting end), 0) as won_amount,
        count(*) filter (where is_won and is_unconverted) as n_won_unconverted,
        0 as n_new_customers,
        0 as revenue_amount,
        0 as n_revenue_unconverted
    from {{ ref('fct_opportunity_closings') }}
    group by coalesce(rep_id, 'unknown'), {{ first_of_month('closed_on') }}
    union all
    select
        rep_id,
        {{ first_of_month('closed_on') }} as period_month,
        true as is_deed,
        0 as n_activities,
        0 as n_meetings,
        0 as n_opened,
        0 as n_closed,
        0 as n_won,
        0 as won_amount,
        0 as n_won_unconverted,
        count(*) as n_new_customers,
        0 as revenue_amount,
        0 as n_revenue_unconverted
    from first_wins
    where nth_win = 1
    group by rep_id, {{ first_of_month('closed_on') }}
    union all
    -- recognised revenue of the accounts that a seller owns: nothing the seller did in that month
    select
        coalesce(accounts.owner_rep_id, 'unknown') as rep_id,
        lines.period_month,
        false as is_deed,
        0 as n_activities,
        0 as n_meetings,
        0 as n_opened,
        0 as n_closed,
        0 as n_won,
        0 as won_amount,
        0 as n_won_unconverted,
        0 as n_new_customers,
        coalesce(sum(lines.net_amount_reporting), 0) as revenue_amount,
        count(*) filter (where lines.net_amount_reporting is null) as n_revenue_unconverted
    from {{ ref('fct_revenue_lines') }} as lines
    left join {{ ref('dim_accounts') }} as accounts on lines.account_id = accounts.account_id
    group by coalesce(accounts.owner_rep_id, 'unknown'), lines.period_month
),

first_months as (
    select min(period_month) as first_month
    from events
    where is_deed
),

-- a target is asked of somebody who is there, though it never tells who has left
first_targets as (
    select
        quotas.rep_id,
        min({{ first_of_month('quotas.period_start') }}) as first_month
    from {{ ref('fct_quotas') }} as quotas
    cross join settings
    where quotas.period_start < settings.cycle_end
    group by quotas.rep_id
),

deeds as (
    select
        rep_id,
        min(period_month) as first_month,
        max(period_month) as last_month
    from events
    where is_deed
    group by rep_id
),

employments as (
    select
        reps.rep_id,
        reps.team_name,
        reps.role_code,
        reps.hired_on,
        reps.left_on,
        coalesce(
            {{ first_of_month('reps.hired_on') }},
            least(
                coalesce(deeds.first_month, first_targets.first_month),
                coalesce(first_targets.first_month, deeds.first_month)
            )
        ) as start_month,
        case
            when reps.left_on is not null then {{ first_of_month('reps.left_on') }}
            when reps.is_active then settings.cycle_start
            else deeds.last_month
        end as end_month,
        reps.left_on is not null or not reps.is_active as has_left,
        first_months.first_month as company_first_month
    from {{ ref('dim_reps') }} as reps
    left join deeds on reps.rep_id = deeds.rep_id
    left join first_targets on reps.rep_id = first_targets.rep_id
    cross join settings
    cross join first_months
    where reps.rep_id <> 'unknown'
),

months as (
    select distinct dates.period_month
    from {{ ref('dim_dates') }} as dates
    cross join settings
    where dates.period_month <= settings.cycle_start
),

employed as (
    select
        employments.rep_id,
        months.period_month
    from employments
    inner join months
        on employments.start_month <= months.period_month and employments.end_month >= months.period_month
),

counted as (
    select
        rep_id,
        period_month,
        cast(sum(n_activities) as bigint) as n_activities,
        cast(sum(n_meetings) as bigint) as n_meetings,
        cast(sum(n_opened) as bigint) as n_opened,
        cast(sum(n_closed) as bigint) as n_closed,
        cast(sum(n_won) as bigint) as n_won,
        cast(sum(won_amount) as decimal(18, 4)) as won_amount,
        cast(sum(n_won_unconverted) as bigint) as n_won_unconverted,
        cast(sum(n_new_customers) as bigint) as n_new_customers,
        cast(sum(revenue_amount) as decimal(18, 4)) as revenue_amount,
        cast(sum(n_revenue_unconverted) as bigint) as n_revenue_unconverted
    from events
    where period_month is not null
    group by rep_id, period_month
),

rep_months as (
    select
        rep_id,
        period_month
    from counted
    union
    select
        rep_id,
        period_month
    from employed
),

-- whole days of the month within the dates that the CRM states; without dates, all of them
placed as (
    select
        rep_months.rep_id,
        rep_months.period_month,
        employments.team_name,
        coalesce(employments.role_code, 'unknown') as role_code,
        employed.rep_id is not null as is_employed,
        employed.rep_id is not null
        and employments.has_left
        and rep_months.period_month = employments.end_month as is_leaving,
        coalesce(
            (employments.hired_on is not null or employments.start_month > employments.company_first_month)
            and rep_months.period_month < {{ add_months('employments.start_month', 3) }}, false
        ) as is_ramping,
        {{ days_between('rep_months.period_month', add_months('rep_months.period_month', 1)) }} as n_days,
        greatest(
            coalesce({{ days_between('rep_months.period_month', 'employments.hired_on') }}, 0), 0
        ) as n_days_before,
        greatest(
            coalesce(
                {{ days_between('employments.left_on', add_months('rep_months.period_month', 1)) }} - 1, 0
            ), 0
        ) as n_days_after
    from rep_months
    left join employments on rep_months.rep_id = employments.rep_id
    left join employed
        on rep_months.rep_id = employed.rep_id and rep_months.period_month = employed.period_month
)

select
    placed.rep_id || '/' || {{ year_month_text('placed.period_month') }} as rep_month_key,
    placed.rep_id,
    placed.period_month,
    coalesce(placed.team_name, 'unknown') as team_name,
    placed.role_code,
    placed.rep_id <> 'unknown'
    and placed.role_code not in ('manager', 'customer_success', 'integration') as is_selling,
    placed.is_employed,
    placed.is_employed and placed.is_ramping as is_ramping,
    coalesce(placed.is_leaving, false) as is_leaving,
    cast(placed.n_days as bigint) as n_days,
    cast(
        case
            when placed.is_employed then placed.n_days - placed.n_days_before - placed.n_days_after
            else 0
        end as bigint
    ) as n_employed_days,
    coalesce(counted.n_activities, 0) as n_activities,
    coalesce(counted.n_meetings, 0) as n_meetings,
    coalesce(counted.n_opened, 0) as n_opened,
    coalesce(counted.n_closed, 0) as n_closed,
    coalesce(counted.n_won, 0) as n_won,
    coalesce(counted.won_amount, 0) as won_amount,
    coalesce(counted.n_won_unconverted, 0) as n_won_unconverted,
    coalesce(counted.n_new_customers, 0) as n_new_customers,
    coalesce(counted.revenue_amount, 0) as revenue_amount,
    coalesce(counted.n_revenue_unconverted, 0) as n_revenue_unconverted
from placed
left join counted on placed.rep_id = counted.rep_id and placed.period_month = counted.period_month
