-- What a CRM said of a seller and from when. The first version known counts since 1900-01-01, a later one since the day
-- that shows it; of several that came to be known on one day the last one counts.
with histories as (
    select
        record_key as rep_id,
        case
            when nullif(trim(manager_id), '') is not null
                then {{ record_key('source_instance', 'crm_user', 'manager_id') }}
        end as manager_rep_id,
        role_name,
        team_name,
        region as region_name,
        coalesce(is_active, true) as is_active,
        row_number() over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
        ) as version_number,
        max(known_on) over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
            rows between unbounded preceding and current row
        ) as known_on
    from {{ ref('stg_crm__user_versions') }}
    where record_key in (select reps.rep_id from {{ ref('dim_reps') }} as reps)
),

dated as (
    select
        *,
        min(version_number) over (partition by rep_id, known_on) as first_of_day,
        max(version_number) over (partition by rep_id, known_on) as last_of_day
    from histories
),

-- One state a day. The day of the first version is all the time before it.
states as (
    select
        rep_id,
        manager_rep_id,
        role_name,
        team_name,
        region_name,
        is_active,
        case when first_of_day = 1 then cast('1900-01-01' as date) else known_on end as valid_from
    from dated
    where version_number = last_of_day
),

keyed as (
    select
        *,
        coalesce(manager_rep_id, '') || '|' || coalesce(role_name, '') || '|' || coalesce(team_name, '') || '|'
        || coalesce(region_name, '') || '|' || cast(is_active as string) as state_key
    from states
),

compared as (
    select
        *,
        lag(state_key) over (partition by rep_id order by valid_from) as former_key
    from keyed
),

changes as (
    select
        *,
        lead(valid_from) over (partition by rep_id order by valid_from) as valid_to
    from compared
    where former_key is null or former_key <> state_key
)

select
    rep_id || '/' || cast(valid_from as string) as rep_version_key,
    rep_id,
    manager_rep_id,
    role_name,
    team_name,
    region_name,
    is_active,
    valid_from,
    valid_to,
    valid_to is null as is_current
from changes
union all
select
    'unknown/1900-01-01' as rep_version_key,
    'unknown' as rep_id,
    cast(null as string) as manager_rep_id,
    cast(null as string) as role_name,
    cast(null as string) as team_name,
    cast(null as string) as region_name,
    false as is_active,
    cast('1900-01-01' as date) as valid_from,
    cast(null as date) as valid_to,
    true as is_current
