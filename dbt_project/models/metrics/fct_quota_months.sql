-- A month is judged by the targets of the shortest periods that hold it, so that a year and its months are not added;
-- dq_quota_sums compares them. A longer period counts by its days, and a seller's target by the days of employment.
-- A target given twice for one period counts once: a rule (R-CRM-145) names both.
-- Companies give targets to sellers, to teams or to the whole: for each measure and month those of the sellers are
-- judged, in a team without any the team's own, and the company's where there is neither. No unit is asked twice.
-- A target of growth asks for every month of its period the holder's monthly mean of 12 months before, and so much
-- more; where a value is given for the same months too, the value counts. The 12 months of a month or a quarter end
-- with the year before: those just before it would already hold the growth that was asked of the months of its year.
-- A longer period, which may be a business year, is measured on those just before it.
with settings as (
    select * from {{ run_settings() }} as settings
),

quotas as (
    select
        quota_key,
        case when scope_code = 'team' and team_name is null then 'company' else scope_code end as scope_code,
        case when scope_code = 'rep' then rep_id else coalesce(team_name, 'company') end as holder_code,
        metric_code,
        coalesce(stage_code, 'all') as stage_code,
        basis_code,
        period_start,
        period_end,
        {{ days_between('period_start', 'period_end') }} + 1 as n_period_days,
        {{ first_of_month('period_start') }} as first_month,
        {{ first_of_month('period_end') }} as last_month,
        case
            when {{ days_between('period_start', 'period_end') }} < 92
                then cast(date_trunc('year', period_start) as date)
            else {{ first_of_month('period_start') }}
        end as baseline_end,
        case
            when metric_code = 'revenue' and basis_code = 'value' then target_reporting else target
        end as period_target,
        row_number() over (
            partition by scope_code, rep_id, team_name, metric_code, stage_code, basis_code, period_start, period_end
            order by quota_key
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

-- What sellers did, by measure and stage. The unknown seller counts for the company.
asked_stages as (
    select distinct stage_code
    from quotas
    where metric_code = 'stage_activities' and stage_code <> 'all'
),

stage_spans as (
    select
        changes.opportunity_id,
        changes.stage_code,
        changes.changed_at as entered_at,
        lead(changes.changed_at) over (
            partition by changes.opportunity_id
            order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as left_at
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join settings
    where changes.stage_code is not null and changes.changed_at < settings.as_of
),

accounts_in_stages as (
    select
        deals.account_id,
        spans.stage_code,
        spans.entered_at,
        least(
            coalesce(spans.left_at, settings.as_of), coalesce(deals.closed_at, settings.as_of), settings.as_of
        ) as left_at
    from stage_spans as spans
    inner join asked_stages on spans.stage_code = asked_stages.stage_code
    inner join {{ ref('fct_opportunities') }} as deals on spans.opportunity_id = deals.opportunity_id
    cross join settings
    where deals.account_id <> 'unknown'
),

done as (
    select
        rep_id,
        period_month,
        'activities' as metric_code,
        'all' as stage_code,
        n_activities as n_done,
        0 as n_unconverted
    from {{ ref('fct_rep_months') }}
    union all
    select
        rep_id,
        period_month,
        'new_customers' as metric_code,
        'all' as stage_code,
        n_new_customers as n_done,
        0 as n_unconverted
    from {{ ref('fct_rep_months') }}
    union all
    select
        rep_id,
        period_month,
        'meetings' as metric_code,
        'all' as stage_code,
        n_meetings as n_done,
        0 as n_unconverted
    from {{ ref('fct_rep_months') }}
    union all
    select
        rep_id,
        period_month,
        'revenue' as metric_code,
        'all' as stage_code,
        won_amount as n_done,
        n_won_unconverted as n_unconverted
    from {{ ref('fct_rep_months') }}
    union all
    select
        coalesce(rep_id, 'unknown') as rep_id,
        {{ first_of_month('sql_on') }} as period_month,
        'sql' as metric_code,
        'all' as stage_code,
        count(*) as n_done,
        0 as n_unconverted
    from {{ ref('fct_lead_cadences') }}
    where sql_on is not null
    group by coalesce(rep_id, 'unknown'), {{ first_of_month('sql_on') }}
    union all
    select
        coalesce(opportunities.rep_id, 'unknown') as rep_id,
        {{ first_of_month('passages.entered_on') }} as period_month,
        'stage_entries' as metric_code,
        passages.stage_code,
        count(*) as n_done,
        0 as n_unconverted
    from {{ ref('fct_stage_passages') }} as passages
    inner join {{ ref('fct_opportunities') }} as opportunities
        on passages.opportunity_id = opportunities.opportunity_id
    group by
        coalesce(opportunities.rep_id, 'unknown'), {{ first_of_month('passages.entered_on') }}, passages.stage_code
    union all
    select
        coalesce(rep_id, 'unknown') as rep_id,
        {{ first_of_month('closed_on') }} as period_month,
        'stage_entries' as metric_code,
        'won' as stage_code,
        count(*) as n_done,
        0 as n_unconverted
    from {{ ref('fct_opportunity_closings') }}
    where is_won
    group by coalesce(rep_id, 'unknown'), {{ first_of_month('closed_on') }}
    union all
    select
        coalesce(touches.rep_id, 'unknown') as rep_id,
        {{ first_of_month('touches.occurred_on') }} as period_month,
        'stage_activities' as metric_code,
        accounts.stage_code,
        count(distinct touches.touch_key) as n_done,
        0 as n_unconverted
    from accounts_in_stages as accounts
    inner join {{ ref('fct_touches') }} as touches
        on
            accounts.account_id = touches.account_id
            and accounts.entered_at <= touches.occurred_at
            and accounts.left_at > touches.occurred_at
    group by coalesce(touches.rep_id, 'unknown'), {{ first_of_month('touches.occurred_on') }}, accounts.stage_code
),

done_by_seller as (
    select
        done.*,
        coalesce(reps.team_name, 'unknown') as team_name
    from done
    left join {{ ref('dim_reps') }} as reps on done.rep_id = reps.rep_id
),

measures as (
    select
        'rep' as scope_code,
        rep_id as holder_code,
        metric_code,
        stage_code,
        period_month,
        cast(n_done as decimal(18, 4)) as n_done,
        n_unconverted
    from done_by_seller
    where rep_id <> 'unknown'
    union all
    select
        'team' as scope_code,
        team_name as holder_code,
        metric_code,
        stage_code,
        period_month,
        cast(sum(n_done) as decimal(18, 4)) as n_done,
        sum(n_unconverted) as n_unconverted
    from done_by_seller
    where rep_id <> 'unknown'
    group by team_name, metric_code, stage_code, period_month
    union all
    select
        'company' as scope_code,
        'company' as holder_code,
        metric_code,
        stage_code,
        period_month,
        cast(sum(n_done) as decimal(18, 4)) as n_done,
        sum(n_unconverted) as n_unconverted
    from done_by_seller
    group by metric_code, stage_code, period_month
),

-- Months of a holder: of employment or with something done for a seller.
units as (
    select
        'rep' as scope_code,
        rep_id as holder_code,
        period_month,
        team_name,
        role_code,
        n_days,
        n_employed_days
    from {{ ref('fct_rep_months') }}
    where rep_id <> 'unknown'
    union all
    select distinct
        'team' as scope_code,
        team_name as holder_code,
        period_month,
        team_name,
        cast(null as string) as role_code,
        1 as n_days,
        1 as n_employed_days
    from {{ ref('fct_rep_months') }}
    where rep_id <> 'unknown'
    union all
    select distinct
        'company' as scope_code,
        'company' as holder_code,
        period_month,
        'unknown' as team_name,
        cast(null as string) as role_code,
        1 as n_days,
        1 as n_employed_days
    from {{ ref('fct_rep_months') }}
),

-- Nothing done before the first month in which anybody did any of it is no sign of a poor month: nothing was recorded.
first_months as (
    select
        metric_code,
        stage_code,
        min(period_month) as first_month
    from measures
    where scope_code = 'company' and n_done > 0
    group by metric_code, stage_code
),

baseline_starts as (
    select distinct
        scope_code,
        holder_code,
        metric_code,
        stage_code,
        baseline_end,
        {{ add_months('baseline_end', -12) }} as window_start
    from quotas
    where nth_target = 1
),

baselines as (
    select
        wanted.scope_code,
        wanted.holder_code,
        wanted.metric_code,
        wanted.stage_code,
        wanted.baseline_end,
        count(*) as n_baseline_months,
        sum(coalesce(past.n_unconverted, 0)) as n_unconverted,
        sum(coalesce(past.n_done, 0)) as baseline_sum
    from baseline_starts as wanted
    inner join first_months
        on wanted.metric_code = first_months.metric_code and wanted.stage_code = first_months.stage_code
    inner join units as known_months
        on
            wanted.scope_code = known_months.scope_code
            and wanted.holder_code = known_months.holder_code
            and wanted.window_start <= known_months.period_month
            and wanted.baseline_end > known_months.period_month
            and first_months.first_month <= known_months.period_month
    left join measures as past
        on
            known_months.scope_code = past.scope_code
            and known_months.holder_code = past.holder_code
            and known_months.period_month = past.period_month
            and wanted.metric_code = past.metric_code
            and wanted.stage_code = past.stage_code
    where known_months.n_employed_days > 0
    group by
        wanted.scope_code, wanted.holder_code, wanted.metric_code, wanted.stage_code, wanted.baseline_end
),

quota_months as (
    select
        quotas.*,
        months.period_month,
        months.n_month_days,
        least({{ days_between('months.period_month', 'quotas.period_end') }} + 1, months.n_month_days)
        - greatest({{ days_between('months.period_month', 'quotas.period_start') }}, 0) as n_days_within,
        case when quotas.n_period_days <= 31 then 1 when quotas.n_period_days <= 92 then 2 else 3 end as length_rank
    from quotas
    inner join months on quotas.first_month <= months.period_month and quotas.last_month >= months.period_month
    where quotas.nth_target = 1
),

ranked as (
    select
        quota_months.*,
        case when baselines.n_baseline_months >= 3 then baselines.n_baseline_months end as n_baseline_months,
        case when baselines.n_baseline_months >= 3 and baselines.n_unconverted = 0 then baselines.baseline_sum end
            as baseline_sum,
        coalesce(baselines.n_unconverted, 0) as n_baseline_unconverted,
        quota_months.length_rank * 2 + case when quota_months.basis_code = 'growth' then 1 else 0 end as choice_rank
    from quota_months
    left join baselines
        on
            quota_months.scope_code = baselines.scope_code
            and quota_months.holder_code = baselines.holder_code
            and quota_months.metric_code = baselines.metric_code
            and quota_months.stage_code = baselines.stage_code
            and quota_months.baseline_end = baselines.baseline_end
),

chosen_periods as (
    select
        *,
        min(choice_rank) over (
            partition by scope_code, holder_code, metric_code, stage_code, period_month
        ) as first_choice_rank
    from ranked
),

targets as (
    select
        scope_code,
        holder_code,
        metric_code,
        stage_code,
        period_month,
        min(length_rank) as length_rank,
        min(basis_code) as basis_code,
        min(n_baseline_months) as n_baseline_months,
        min(baseline_sum) as baseline_sum,
        max(n_baseline_unconverted) as n_baseline_unconverted,
        max(case when period_target is null then 1 else 0 end) = 1 as is_target_unconverted,
        max(case when basis_code = 'growth' and coalesce(baseline_sum, 0) <= 0 then 1 else 0 end) = 1
            as is_baseline_missing,
        sum(
            case
                when basis_code = 'growth'
                    then cast(
                        cast(baseline_sum as double) / n_baseline_months * (1 + cast(period_target as double))
                        * n_days_within / n_month_days as decimal(18, 4)
                    )
                when n_days_within = n_period_days then period_target
                else cast(cast(period_target as double) * n_days_within / n_period_days as decimal(18, 4))
            end
        ) as month_target
    from chosen_periods
    where choice_rank = first_choice_rank
    group by scope_code, holder_code, metric_code, stage_code, period_month
),

valued as (
    select
        targets.scope_code,
        targets.holder_code,
        targets.metric_code,
        targets.stage_code,
        targets.period_month,
        targets.length_rank,
        targets.basis_code,
        coalesce(units.team_name, case when targets.scope_code = 'team' then targets.holder_code end, 'unknown')
            as team_name,
        coalesce(units.role_code, 'unknown') as role_code,
        coalesce(units.n_employed_days, case when targets.scope_code = 'rep' then 0 else 1 end) as n_employed_days,
        case
            when targets.is_target_unconverted or targets.is_baseline_missing then null
            when coalesce(units.n_employed_days, 1) = coalesce(units.n_days, 1)
                then cast(targets.month_target as decimal(18, 4))
            else cast(
                cast(targets.month_target as double) * units.n_employed_days / units.n_days as decimal(18, 4)
            )
        end as target_amount,
        case
            when targets.metric_code in ('stage_entries', 'stage_activities') and targets.stage_code = 'all' then null
            when coalesce(measures.n_unconverted, 0) = 0 then coalesce(measures.n_done, 0)
        end as actual_amount,
        targets.n_baseline_months,
        targets.baseline_sum,
        case
            when targets.metric_code in ('stage_entries', 'stage_activities') and targets.stage_code = 'all'
                then 'stage_missing'
            when targets.is_target_unconverted or coalesce(measures.n_unconverted, 0) > 0 then 'exchange_rate_missing'
            when targets.is_baseline_missing and targets.n_baseline_unconverted > 0 then 'exchange_rate_missing'
            when targets.is_baseline_missing and targets.baseline_sum is not null then 'baseline_zero'
            when targets.is_baseline_missing then 'baseline_short'
        end as reason_code
    from targets
    left join units
        on
            targets.scope_code = units.scope_code
            and targets.holder_code = units.holder_code
            and targets.period_month = units.period_month
    left join measures
        on
            targets.scope_code = measures.scope_code
            and targets.holder_code = measures.holder_code
            and targets.metric_code = measures.metric_code
            and targets.stage_code = measures.stage_code
            and targets.period_month = measures.period_month
),

asked as (
    select
        *,
        case scope_code when 'rep' then 1 when 'team' then 2 else 3 end as scope_rank
    from valued
    where n_employed_days > 0 and (target_amount is null or target_amount > 0)
),

chosen as (
    select
        *,
        min(scope_rank) over (partition by metric_code, stage_code, team_name, period_month) as team_scope_rank,
        min(scope_rank) over (partition by metric_code, stage_code, period_month) as company_scope_rank
    from asked
)

select
    scope_code || '/' || holder_code || '/' || metric_code
    || case when stage_code = 'all' then '' else '/' || stage_code end
    || '/' || {{ year_month_text('period_month') }} as quota_month_key,
    scope_code,
    holder_code,
    metric_code,
    stage_code,
    basis_code,
    period_month,
    team_name,
    role_code,
    case length_rank when 1 then 'month' when 2 then 'quarter' else 'year' end as target_period_code,
    target_amount,
    actual_amount,
    cast(n_baseline_months as bigint) as n_baseline_months,
    cast(baseline_sum as decimal(28, 4)) as baseline_sum,
    target_amount is null or actual_amount is null as is_unconverted,
    reason_code,
    coalesce(actual_amount >= target_amount, false) as is_attained,
    case when scope_rank = 3 then company_scope_rank = 3 else scope_rank = team_scope_rank end as is_judged
from chosen
