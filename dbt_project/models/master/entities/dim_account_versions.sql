-- The account as it was: its corporate group by the periods of bridge_account_groups, its owner, size and strategic
-- flag by the versions of the CRM record that speaks for it (the one changed last). The last version is dim_accounts.
with recorded as (
    select
        xref.account_id,
        versions.record_key,
        versions.source_instance,
        versions.owner_id,
        versions.employee_count,
        versions.is_strategic,
        versions.is_kept,
        versions.modified_at,
        row_number() over (
            partition by versions.record_key
            order by
                versions.is_kept asc, versions.known_on asc, versions._delivery_id asc, versions._source_row_id asc
        ) as version_number,
        max(versions.known_on) over (
            partition by versions.record_key
            order by
                versions.is_kept asc, versions.known_on asc, versions._delivery_id asc, versions._source_row_id asc
            rows between unbounded preceding and current row
        ) as known_on
    from {{ ref('stg_crm__account_versions') }} as versions
    inner join {{ ref('xref_accounts') }} as xref on versions.record_key = xref.record_key
    where xref.account_id <> 'unknown'
),

speaking as (
    select
        account_id,
        record_key,
        row_number() over (
            partition by account_id
            order by max(case when is_kept then modified_at end) desc nulls last, record_key asc
        ) as record_rank
    from recorded
    group by account_id, record_key
),

dated as (
    select
        recorded.*,
        min(recorded.version_number) over (partition by recorded.account_id, recorded.known_on) as first_of_day,
        max(recorded.version_number) over (partition by recorded.account_id, recorded.known_on) as last_of_day
    from recorded
    inner join speaking on recorded.record_key = speaking.record_key and speaking.record_rank = 1
),

states as (
    select
        account_id,
        case
            when nullif(trim(owner_id), '') is null then 'unknown'
            else {{ record_key('source_instance', 'crm_user', 'owner_id') }}
        end as owner_rep_id,
        employee_count,
        coalesce(is_strategic, false) as is_strategic,
        case when first_of_day = 1 then cast('1900-01-01' as date) else known_on end as valid_from,
        lead(known_on) over (partition by account_id order by known_on) as valid_to
    from dated
    where version_number = last_of_day
    union all
    select
        accounts.account_id,
        accounts.owner_rep_id,
        accounts.employee_count,
        accounts.is_strategic,
        cast('1900-01-01' as date) as valid_from,
        cast(null as date) as valid_to
    from {{ ref('dim_accounts') }} as accounts
    left join speaking on accounts.account_id = speaking.account_id
    where speaking.account_id is null
),

boundaries as (
    select
        account_id,
        valid_from
    from states
    union
    select
        account_id,
        valid_from
    from {{ ref('bridge_account_groups') }}
    where kind_code = 'legal'
),

spans as (
    select
        account_id,
        valid_from,
        lead(valid_from) over (partition by account_id order by valid_from) as valid_to
    from boundaries
),

placed as (
    select
        spans.account_id,
        memberships.group_id,
        case when states.valid_to is null then accounts.owner_rep_id else states.owner_rep_id end as owner_rep_id,
        case
            when states.valid_to is null then accounts.size_band_code
            else coalesce(bands.size_band_code, 'unknown')
        end as size_band_code,
        coalesce(
            case when states.valid_to is null then accounts.is_strategic else states.is_strategic end, false
        ) as is_strategic,
        spans.valid_from,
        spans.valid_to
    from spans
    inner join {{ ref('dim_accounts') }} as accounts on spans.account_id = accounts.account_id
    inner join states
        on
            spans.account_id = states.account_id
            and spans.valid_from >= states.valid_from
            and spans.valid_from < coalesce(states.valid_to, cast('9999-12-31' as date))
    inner join {{ ref('bridge_account_groups') }} as memberships
        on
            spans.account_id = memberships.account_id
            and memberships.kind_code = 'legal'
            and spans.valid_from >= memberships.valid_from
            and spans.valid_from < coalesce(memberships.valid_to, cast('9999-12-31' as date))
    left join {{ ref('size_bands') }} as bands
        on
            states.employee_count >= bands.min_employees
            and states.employee_count <= coalesce(bands.max_employees, states.employee_count)
),

keyed as (
    select
        *,
        group_id || '|' || coalesce(owner_rep_id, '') || '|' || size_band_code || '|' || cast(is_strategic as string)
            as state_key
    from placed
),

compared as (
    select
        *,
        lag(state_key) over (partition by account_id order by valid_from) as former_key
    from keyed
),

changes as (
    select
        *,
        lead(valid_from) over (partition by account_id order by valid_from) as next_from
    from compared
    where former_key is null or former_key <> state_key
)

select
    account_id || '/' || cast(valid_from as string) as account_version_key,
    account_id,
    group_id,
    owner_rep_id,
    size_band_code,
    is_strategic,
    valid_from,
    next_from as valid_to,
    next_from is null as is_current
from changes
