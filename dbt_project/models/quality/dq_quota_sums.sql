-- A year and its quarters and months are kept in different cells of a sheet: each is typed, and each may be forgotten.
-- Growth is no sum: 30 % more in a year is 30 % more in each of its months. Nobody says which year belongs to which
-- month among sellers whom the CRM does not know (R-FCT-090 names them), nor which of more parts than periods.
with quotas as (
    select
        quota_key,
        scope_code,
        rep_id,
        coalesce(team_name, 'unknown') as team_name,
        metric_code,
        coalesce(stage_code, 'all') as stage_code,
        coalesce(currency, 'none') as currency,
        period_kind_code,
        period_start,
        period_end,
        target
    from {{ ref('fct_quotas') }}
    where basis_code = 'value' and (scope_code <> 'rep' or rep_id <> 'unknown')
),

kinds (period_kind_code, part_kind_code, n_expected) as (
    values
    ('year', 'quarter', 4),
    ('year', 'month', 12),
    ('quarter', 'month', 3)
),

sums as (
    select
        longer.quota_key,
        kinds.part_kind_code,
        kinds.n_expected,
        count(parts.quota_key) as n_parts,
        sum(parts.target) as parts_target
    from quotas as longer
    inner join kinds on longer.period_kind_code = kinds.period_kind_code
    left join quotas as parts
        on
            longer.scope_code = parts.scope_code
            and longer.rep_id = parts.rep_id
            and longer.team_name = parts.team_name
            and longer.metric_code = parts.metric_code
            and longer.stage_code = parts.stage_code
            and longer.currency = parts.currency
            and kinds.part_kind_code = parts.period_kind_code
            and longer.period_start <= parts.period_start
            and longer.period_end >= parts.period_end
    group by longer.quota_key, kinds.part_kind_code, kinds.n_expected
)

select
    cast(quotas.quota_key as string) as quota_key,
    cast(sums.part_kind_code as string) as part_kind_code,
    cast(quotas.scope_code as string) as scope_code,
    cast(quotas.rep_id as string) as rep_id,
    cast(quotas.team_name as string) as team_name,
    cast(quotas.metric_code as string) as metric_code,
    cast(quotas.stage_code as string) as stage_code,
    cast(quotas.period_kind_code as string) as period_kind_code,
    quotas.period_start,
    quotas.target,  -- noqa: RF04
    cast(sums.n_parts as bigint) as n_parts,
    cast(sums.n_expected as bigint) as n_expected,
    cast(coalesce(sums.parts_target, 0) as decimal(38, 4)) as parts_target,
    cast(coalesce(sums.parts_target, 0) - quotas.target as decimal(38, 4)) as difference,
    cast(
        case
            when sums.n_parts = 0 then 'no_parts'
            when sums.n_parts < sums.n_expected then 'incomplete'
            when sums.n_parts > sums.n_expected then 'ambiguous'
            when sums.parts_target = quotas.target then 'equal'
            else 'differs'
        end as string
    ) as status_code
from sums
inner join quotas on sums.quota_key = quotas.quota_key
