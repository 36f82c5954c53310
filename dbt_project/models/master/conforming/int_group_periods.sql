-- Links to parents become periods, periods are walked to the top. Only accounts that a link names are here: an account
-- without any link is its own group for all time (bridge_account_groups). A source says a parent without a date, so
-- the first parent known of a record counts since 1900-01-01 and a later one since the day its version shows it. A
-- steward's link wins over the source's for its time; a link to itself says that the account stood alone.
with recursive versions as (
    select
        record_key,
        source_instance,
        parent_account_id,
        modified_at,
        is_kept,
        row_number() over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
        ) as version_number,
        max(known_on) over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
            rows between unbounded preceding and current row
        ) as known_on
    from {{ ref('stg_crm__account_versions') }}
    where
        record_key in (
            select linked.record_key from {{ ref('stg_crm__account_versions') }} as linked
            where linked.parent_account_id is not null
        )
),

parented as (
    select
        xref.account_id,
        versions.record_key,
        versions.version_number,
        versions.known_on,
        versions.is_kept,
        versions.modified_at,
        nullif(nullif(parents.account_id, xref.account_id), 'unknown') as parent_id
    from versions
    inner join {{ ref('xref_accounts') }} as xref on versions.record_key = xref.record_key
    left join {{ ref('xref_accounts') }} as parents
        on
            {{ record_key('versions.source_instance', 'crm_account', 'versions.parent_account_id') }}
            = parents.record_key
    where xref.account_id <> 'unknown'
),

-- Of several records of one account the one speaks that has a parent now, then the most recent, then the first key.
speaking as (
    select
        account_id,
        record_key,
        row_number() over (
            partition by account_id
            order by
                max(case when is_kept and parent_id is not null then 1 else 0 end) desc,
                max(case when is_kept then modified_at end) desc nulls last,
                record_key asc
        ) as record_rank
    from parented
    group by account_id, record_key
    having count(parent_id) > 0
),

changes as (
    select
        parented.account_id,
        parented.parent_id,
        parented.known_on,
        parented.version_number,
        lag(parented.parent_id) over (partition by parented.record_key order by parented.version_number) as before_id
    from parented
    inner join speaking on parented.record_key = speaking.record_key and speaking.record_rank = 1
),

crm_links as (
    select
        account_id,
        parent_id,
        case when version_number = 1 then cast('1900-01-01' as date) else known_on end as valid_from,
        coalesce(
            lead(known_on) over (partition by account_id order by version_number), cast('9999-12-31' as date)
        ) as valid_to
    from changes
    where version_number = 1 or parent_id is distinct from before_id
),

links as (
    select
        account_id,
        'legal' as kind_code,
        parent_id,
        valid_from,
        valid_to,
        'crm' as link_source,
        2 as source_rank,
        cast(null as timestamp) as decided_at,
        cast(null as string) as decision_id
    from crm_links
    where parent_id is not null and valid_from < valid_to
    union all
    select
        children.account_id,
        stewards.kind_code,
        nullif(parents.account_id, children.account_id) as parent_id,
        coalesce(stewards.valid_from, cast('1900-01-01' as date)) as valid_from,
        coalesce(stewards.valid_to, cast('9999-12-31' as date)) as valid_to,
        'steward' as link_source,
        1 as source_rank,
        stewards.decided_at,
        stewards.decision_id
    from {{ source('stewardship', 'group_links') }} as stewards
    inner join {{ ref('xref_accounts') }} as children on stewards.child_record_key = children.record_key
    inner join {{ ref('xref_accounts') }} as parents on stewards.parent_record_key = parents.record_key
    where
        stewards.status in ('active', 'to_confirm')
        and children.account_id <> 'unknown'
        and parents.account_id <> 'unknown'
),

boundaries as (
    select
        account_id,
        kind_code,
        valid_from as boundary_on
    from links
    union
    select
        account_id,
        kind_code,
        valid_to as boundary_on
    from links
    union
    select
        account_id,
        kind_code,
        cast('1900-01-01' as date) as boundary_on
    from links
    union
    select
        account_id,
        kind_code,
        cast('9999-12-31' as date) as boundary_on
    from links
    union
    select
        parent_id as account_id,
        kind_code,
        cast('1900-01-01' as date) as boundary_on
    from links
    where parent_id is not null
    union
    select
        parent_id as account_id,
        kind_code,
        cast('9999-12-31' as date) as boundary_on
    from links
    where parent_id is not null
),

spans as (
    select
        account_id,
        kind_code,
        boundary_on as valid_from,
        lead(boundary_on) over (partition by account_id, kind_code order by boundary_on) as valid_to
    from boundaries
),

-- One parent, or none, for every account of a link and every day.
timelines as (
    select
        spans.account_id,
        spans.kind_code,
        spans.valid_from,
        spans.valid_to,
        links.parent_id,
        coalesce(links.link_source, 'own') as link_source
    from spans
    left join links
        on
            spans.account_id = links.account_id
            and spans.kind_code = links.kind_code
            and spans.valid_from >= links.valid_from
            and spans.valid_from < links.valid_to
    where spans.valid_to is not null
    qualify
        row_number() over (
            partition by spans.account_id, spans.kind_code, spans.valid_from
            order by
                links.source_rank asc nulls last,
                links.decided_at desc nulls last,
                links.decision_id desc nulls last,
                links.valid_from desc nulls last,
                links.parent_id asc nulls last
        ) = 1
),

-- A walk of 20 steps reaches the top of any real hierarchy; one that moves on is in a loop, whose smallest member
-- (of the next 40 steps, so of loops of up to 40) stands for it.
walk as (
    select
        account_id,
        kind_code,
        valid_from,
        valid_to,
        link_source,
        coalesce(parent_id, account_id) as ancestor_id,
        parent_id is null as is_top,
        1 as n_steps,
        cast(null as string) as loop_id
    from timelines
    union all
    select
        walk.account_id,
        walk.kind_code,
        greatest(walk.valid_from, timelines.valid_from) as valid_from,
        least(walk.valid_to, timelines.valid_to) as valid_to,
        walk.link_source,
        coalesce(timelines.parent_id, walk.ancestor_id) as ancestor_id,
        timelines.parent_id is null as is_top,
        walk.n_steps + 1 as n_steps,
        case
            when walk.n_steps >= 20
                then least(coalesce(walk.loop_id, timelines.parent_id), timelines.parent_id)
        end as loop_id
    from walk
    inner join timelines
        on
            walk.ancestor_id = timelines.account_id
            and walk.kind_code = timelines.kind_code
            and walk.valid_from < timelines.valid_to
            and walk.valid_to > timelines.valid_from
    where not walk.is_top and walk.n_steps < 60
),

tops as (
    select
        account_id,
        kind_code,
        case when is_top then ancestor_id else loop_id end as root_account_id,
        valid_from,
        valid_to,
        link_source,
        not is_top as is_in_loop
    from walk
    where is_top or n_steps = 60
),

-- The head of a buying group belongs to it from its first member to its last; others without a link to none.
buying_heads as (
    select
        root_account_id,
        min(valid_from) as first_on,
        max(valid_to) as last_on
    from tops
    where kind_code = 'buying' and root_account_id <> account_id
    group by root_account_id
),

memberships as (
    select
        tops.account_id,
        tops.kind_code,
        tops.root_account_id,
        case when heads.first_on > tops.valid_from then heads.first_on else tops.valid_from end as valid_from,
        case when heads.last_on < tops.valid_to then heads.last_on else tops.valid_to end as valid_to,
        tops.link_source,
        tops.is_in_loop
    from tops
    left join buying_heads as heads
        on
            tops.kind_code = 'buying'
            and tops.account_id = tops.root_account_id
            and tops.account_id = heads.root_account_id
    where tops.kind_code = 'legal' or tops.account_id <> tops.root_account_id or heads.root_account_id is not null
),

marked as (
    select
        *,
        case
            when
                lag(valid_to) over (partition by account_id, kind_code order by valid_from) = valid_from
                and lag(root_account_id) over (partition by account_id, kind_code order by valid_from) = root_account_id
                and lag(link_source) over (partition by account_id, kind_code order by valid_from) = link_source
                then 0
            else 1
        end as is_change
    from memberships
    where valid_from < valid_to
),

numbered as (
    select
        *,
        sum(is_change) over (partition by account_id, kind_code order by valid_from) as period_number
    from marked
),

periods as (
    select
        account_id,
        kind_code,
        root_account_id,
        link_source,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        bool_or(is_in_loop) as is_in_loop
    from numbered
    group by account_id, kind_code, period_number, root_account_id, link_source
)

select
    periods.account_id,
    periods.kind_code,
    periods.root_account_id,
    periods.valid_from,
    case when periods.valid_to < cast('9999-12-31' as date) then periods.valid_to end as valid_to,
    periods.link_source,
    periods.is_in_loop,
    periods.valid_from < settings.cycle_end and periods.valid_to >= settings.cycle_end as is_as_is,
    periods.valid_to >= settings.cycle_end
    and row_number() over (partition by periods.account_id, periods.kind_code order by periods.valid_from desc) = 1
        as is_pro_forma
from periods
cross join {{ run_settings() }} as settings
