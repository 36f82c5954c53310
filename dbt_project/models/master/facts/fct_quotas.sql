-- A sheet names its sellers by mailbox, a CRM by user: the first that leads to one seller counts.
with quotas as (
    select
        quotas.record_key as quota_key,
        case when quotas.owner_id is null and quotas.owner_email is null then 'team' else 'rep' end as scope_code,
        {{ record_key('quotas.source_instance', 'crm_user', 'quotas.owner_id') }} as owner_key,
        quotas.owner_email,
        quotas.team_name,
        quotas.period_start,
        quotas.period_end,
        quotas.metric as metric_code,
        case when quotas.metric in ('stage_entries', 'stage_activities') then quotas.stage_code end as stage_code,
        coalesce(quotas.basis, 'value') as basis_code,
        cast(quotas.target as decimal(18, 4)) as target,  -- noqa: RF04
        upper(quotas.currency) as currency,
        {{ first_of_month('quotas.period_start') }} as first_month,
        {{ first_of_month('quotas.period_end') }} as last_month,
        {{ days_between('quotas.period_start', 'quotas.period_end') }} + 1 as n_days
    from {{ ref('stg_crm__quotas') }} as quotas
    where {{ quota_exclusion('quotas') }} is null
),

placed as (
    select
        quotas.*,
        -- from the first day of a month to the last day of one
        quotas.period_start = quotas.first_month
        and {{ days_between('quotas.period_start', add_months('quotas.last_month', 1)) }} = quotas.n_days as is_whole,
        {{ add_months('quotas.first_month', 2) }} as third_month,
        {{ add_months('quotas.first_month', 11) }} as twelfth_month
    from quotas
)

select
    placed.quota_key,
    placed.scope_code,
    coalesce(owners.rep_id, handles.rep_id, 'unknown') as rep_id,
    coalesce(placed.team_name, owners.team_name) as team_name,
    case
        when not placed.is_whole then 'other'
        when placed.last_month = placed.first_month then 'month'
        when
            placed.last_month = placed.third_month
            and {{ first_of_quarter('placed.period_start') }} = placed.period_start
            then 'quarter'
        when placed.last_month = placed.twelfth_month then 'year'
        else 'other'
    end as period_kind_code,
    placed.period_start,
    placed.period_end,
    placed.metric_code,
    placed.stage_code,
    placed.basis_code,
    placed.target,
    placed.currency,
    rates.exchange_rate,
    rates.exchange_rate_key,
    case when placed.basis_code = 'value' then {{ converted('placed.target') }} end as target_reporting
from placed
left join {{ ref('dim_reps') }} as owners on placed.owner_key = owners.rep_id
left join {{ ref('int_rep_handles') }} as handles on placed.owner_email = handles.handle_value
left join {{ ref('int_month_rates') }} as rates
    on
        placed.currency = rates.currency
        and placed.first_month >= rates.valid_from_month
        and placed.first_month < rates.valid_to_month
