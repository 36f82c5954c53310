-- Targets of the sellers, else of their team, else of the company (is_judged), whichever each measure has. A target or
-- a deal without an exchange rate leaves the money unknown, and the seller out of those who are judged; a growth over
-- months that nobody knows is out too. Every measure, with the months before: mart_revops_objectives_month.
with segmented as (
    {{ segment_rows(ref('fct_quota_months'), {'team': 'team_name', 'role': 'role_code'}) }}
),

flagged as (
    select
        *,
        scope_code = 'rep' as is_personal,
        is_judged and metric_code = 'revenue' as is_quota,
        is_judged and metric_code = 'activities' and not is_unconverted as is_activity,
        is_judged and metric_code = 'new_customers' and not is_unconverted as is_customer,
        is_judged and metric_code = 'meetings' and not is_unconverted as is_meeting,
        is_judged and metric_code = 'sql' and not is_unconverted as is_sql
    from segmented
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) filter (where is_personal and not is_unconverted) as n_targets,
        count(*) filter (where is_personal and is_attained) as n_targets_attained,
        count(*) filter (where is_personal and is_unconverted) as n_targets_unconverted,
        min(case when is_personal then reason_code end) as target_reason_code,
        min(case when is_quota then reason_code end) as quota_reason_code,
        min(case when is_judged and metric_code = 'activities' then reason_code end) as activity_reason_code,
        min(case when is_judged and metric_code = 'new_customers' then reason_code end) as customer_reason_code,
        min(case when is_judged and metric_code = 'meetings' then reason_code end) as meeting_reason_code,
        min(case when is_judged and metric_code = 'sql' then reason_code end) as sql_reason_code,
        count(*) filter (where is_quota) as n_quotas,
        count(*) filter (where is_quota and is_unconverted) as n_quotas_unconverted,
        min(case when is_quota then scope_code end) as first_quota_scope_code,
        max(case when is_quota then scope_code end) as last_quota_scope_code,
        sum(case when is_quota then target_amount end) as quota_target_amount,
        sum(case when is_quota then actual_amount end) as quota_actual_amount,
        count(*) filter (where is_activity) as n_activity_targets,
        min(case when is_activity then scope_code end) as first_activity_scope_code,
        max(case when is_activity then scope_code end) as last_activity_scope_code,
        sum(case when is_activity then target_amount end) as activity_target,
        sum(case when is_activity then actual_amount end) as activity_actual,
        count(*) filter (where is_customer) as n_customer_targets,
        min(case when is_customer then scope_code end) as first_customer_scope_code,
        max(case when is_customer then scope_code end) as last_customer_scope_code,
        sum(case when is_customer then target_amount end) as customer_target,
        sum(case when is_customer then actual_amount end) as customer_actual,
        count(*) filter (where is_meeting) as n_meeting_targets,
        min(case when is_meeting then scope_code end) as first_meeting_scope_code,
        max(case when is_meeting then scope_code end) as last_meeting_scope_code,
        sum(case when is_meeting then target_amount end) as meeting_target,
        sum(case when is_meeting then actual_amount end) as meeting_actual,
        count(*) filter (where is_sql) as n_sql_targets,
        min(case when is_sql then scope_code end) as first_sql_scope_code,
        max(case when is_sql then scope_code end) as last_sql_scope_code,
        sum(case when is_sql then target_amount end) as sql_target,
        sum(case when is_sql then actual_amount end) as sql_actual
    from flagged
    group by period_month, segment_kind_code, segment_code
),

summed as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        n_targets,
        n_targets_attained,
        n_targets_unconverted,
        target_reason_code,
        quota_reason_code,
        activity_reason_code,
        customer_reason_code,
        meeting_reason_code,
        sql_reason_code,
        n_quotas,
        n_quotas_unconverted,
        {% for measure in ['quota', 'activity', 'customer', 'meeting', 'sql'] -%}
            case
                when first_{{ measure }}_scope_code = last_{{ measure }}_scope_code then first_{{ measure }}_scope_code
                when first_{{ measure }}_scope_code is not null then 'mixed'
            end as {{ measure }}_scope_code,
        {% endfor -%}
        case when n_quotas_unconverted = 0 then coalesce(quota_target_amount, 0) end as quota_target_amount,
        case when n_quotas_unconverted = 0 then coalesce(quota_actual_amount, 0) end as quota_actual_amount,
        n_activity_targets,
        coalesce(activity_target, 0) as activity_target,
        coalesce(activity_actual, 0) as activity_actual,
        n_customer_targets,
        coalesce(customer_target, 0) as customer_target,
        coalesce(customer_actual, 0) as customer_actual,
        n_meeting_targets,
        coalesce(meeting_target, 0) as meeting_target,
        coalesce(meeting_actual, 0) as meeting_actual,
        n_sql_targets,
        coalesce(sql_target, 0) as sql_target,
        coalesce(sql_actual, 0) as sql_actual
    from cells
)

select
    summed.period_month,
    cast(summed.segment_kind_code as string) as segment_kind_code,
    cast(summed.segment_code as string) as segment_code,
    cast(summed.n_targets as bigint) as n_targets,
    cast(summed.n_targets_attained as bigint) as n_targets_attained,
    cast(summed.n_targets_unconverted as bigint) as n_targets_unconverted,
    {{ metric_ratio('summed.n_targets_attained', 'summed.n_targets') }} as target_attained_rate,
    case
        when summed.n_targets = 0 and summed.n_targets_unconverted > 0 then summed.target_reason_code
        when summed.n_targets = 0 then 'no_target'
    end as target_attained_reason_code,
    cast(summed.n_quotas as bigint) as n_quotas,
    cast(summed.n_quotas_unconverted as bigint) as n_quotas_unconverted,
    cast(summed.quota_scope_code as string) as quota_scope_code,
    cast(summed.quota_target_amount as decimal(38, 4)) as quota_target_amount,
    cast(summed.quota_actual_amount as decimal(38, 4)) as quota_actual_amount,
    {{ metric_ratio('summed.quota_actual_amount', 'summed.quota_target_amount') }} as quota_attainment_rate,
    case
        when summed.n_quotas = 0 then 'no_target'
        when summed.n_quotas_unconverted > 0 then summed.quota_reason_code
    end as quota_reason_code,
    cast(summed.n_activity_targets as bigint) as n_activity_targets,
    cast(summed.activity_scope_code as string) as activity_scope_code,
    cast(summed.activity_target as decimal(38, 4)) as activity_target,
    cast(summed.activity_actual as decimal(38, 4)) as activity_actual,
    {{ metric_ratio('summed.activity_actual', 'summed.activity_target') }} as activity_attainment_rate,
    case when summed.n_activity_targets = 0 then coalesce(summed.activity_reason_code, 'no_target') end
        as activity_reason_code,
    cast(summed.n_customer_targets as bigint) as n_customer_targets,
    cast(summed.customer_scope_code as string) as customer_scope_code,
    cast(summed.customer_target as decimal(38, 4)) as customer_target,
    cast(summed.customer_actual as decimal(38, 4)) as customer_actual,
    {{ metric_ratio('summed.customer_actual', 'summed.customer_target') }} as customer_attainment_rate,
    case when summed.n_customer_targets = 0 then coalesce(summed.customer_reason_code, 'no_target') end
        as customer_reason_code,
    cast(summed.n_meeting_targets as bigint) as n_meeting_targets,
    cast(summed.meeting_scope_code as string) as meeting_scope_code,
    cast(summed.meeting_target as decimal(38, 4)) as meeting_target,
    cast(summed.meeting_actual as decimal(38, 4)) as meeting_actual,
    {{ metric_ratio('summed.meeting_actual', 'summed.meeting_target') }} as meeting_attainment_rate,
    case when summed.n_meeting_targets = 0 then coalesce(summed.meeting_reason_code, 'no_target') end
        as meeting_reason_code,
    cast(summed.n_sql_targets as bigint) as n_sql_targets,
    cast(summed.sql_scope_code as string) as sql_scope_code,
    cast(summed.sql_target as decimal(38, 4)) as sql_target,
    cast(summed.sql_actual as decimal(38, 4)) as sql_actual,
    {{ metric_ratio('summed.sql_actual', 'summed.sql_target') }} as sql_attainment_rate,
    case when summed.n_sql_targets = 0 then coalesce(summed.sql_reason_code, 'no_target') end
        as sql_reason_code,
    settings.reporting_currency
from summed
cross join {{ run_settings() }} as settings
