-- Which company a person is with, since when, and what says so. A contact who changes company has a period at each;
-- what a weaker record says of the same company joins the period of the stronger one.
with contact_histories as (
    select
        record_key,
        source_instance,
        account_id as source_account_id,
        row_number() over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
        ) as version_number,
        max(known_on) over (
            partition by record_key order by is_kept asc, known_on asc, _delivery_id asc, _source_row_id asc
            rows between unbounded preceding and current row
        ) as known_on
    from {{ ref('stg_crm__contact_versions') }}
    where
        record_key in (
            select versions.record_key from {{ ref('stg_crm__contact_versions') }} as versions
            group by versions.record_key
            having
                min(coalesce(versions.account_id, '')) <> max(coalesce(versions.account_id, ''))
        )
),

changes as (
    select
        xref.person_id,
        histories.record_key,
        histories.version_number,
        histories.known_on,
        nullif(accounts.account_id, 'unknown') as account_id,
        records.first_seen_on,
        lag(nullif(accounts.account_id, 'unknown')) over (
            partition by histories.record_key order by histories.version_number
        ) as account_before_id
    from contact_histories as histories
    inner join {{ ref('xref_persons') }} as xref on histories.record_key = xref.record_key
    inner join {{ ref('int_person_records') }} as records on histories.record_key = records.record_key
    left join {{ ref('xref_accounts') }} as accounts
        on
            {{ record_key('histories.source_instance', 'crm_account', 'histories.source_account_id') }}
            = accounts.record_key
    where xref.person_id <> 'unknown'
),

moves as (
    select
        person_id,
        account_id,
        record_key,
        case
            when version_number = 1 then least(coalesce(first_seen_on, known_on), known_on)
            else known_on
        end as valid_from,
        coalesce(
            lead(known_on) over (partition by record_key order by version_number), cast('9999-12-31' as date)
        ) as valid_to
    from changes
    where version_number = 1 or account_id is distinct from account_before_id
),

marked as (
    select
        *,
        case
            when
                max(valid_to) over (
                    partition by person_id, account_id order by valid_from asc, valid_to asc
                    rows between unbounded preceding and 1 preceding
                ) >= valid_from
                then 0
            else 1
        end as is_start,
        max(case when account_id is not null then valid_to end) over (partition by person_id) as last_on
    from moves
    where valid_from < valid_to
),

numbered as (
    select
        *,
        sum(is_start) over (partition by person_id, account_id order by valid_from asc, valid_to asc) as period_number
    from marked
    where account_id is not null
),

moved as (
    select
        person_id,
        account_id,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        max(last_on) = cast('9999-12-31' as date) as is_placed
    from numbered
    group by person_id, account_id, period_number
),

statements as (
    select
        xref.person_id,
        accounts.account_id,
        case when records.contract = 'crm_contact' then 1 else 3 end as source_rank,
        records.first_seen_on as valid_from
    from {{ ref('int_person_records') }} as records
    inner join {{ ref('xref_persons') }} as xref on records.record_key = xref.record_key
    inner join {{ ref('xref_accounts') }} as accounts on records.account_record_key = accounts.record_key
    where
        records.record_key not in (select histories.record_key from contact_histories as histories)
        and (records.contract = 'crm_contact' or records.account_record_key = records.record_key)
    union all
    select
        xref.person_id,
        accounts.account_id,
        2 as source_rank,
        coalesce(cast(leads.converted_at as date), cast(leads.created_at as date)) as valid_from
    from {{ ref('stg_crm__leads') }} as leads
    inner join {{ ref('xref_persons') }} as xref on leads.record_key = xref.record_key
    inner join {{ ref('xref_accounts') }} as accounts
        on {{ record_key('leads.source_instance', 'crm_account', 'leads.converted_account_id') }} = accounts.record_key
    where leads.converted_account_id is not null
),

stated as (
    select
        statements.person_id,
        statements.account_id,
        min(statements.source_rank) as source_rank,
        min(statements.valid_from) as valid_from
    from statements
    where statements.person_id <> 'unknown' and statements.account_id <> 'unknown'
    group by statements.person_id, statements.account_id
),

-- The weakest sign, for persons that no record places: a domain that one company alone uses.
domain_accounts as (
    select
        records.domain,
        min(xref.account_id) as account_id
    from {{ ref('int_account_records') }} as records
    inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
    where records.contract <> 'crm_lead' and records.domain is not null
    group by records.domain
    having min(xref.account_id) = max(xref.account_id)
),

-- The domain is a column before it is joined: DuckDB turns an equality with a case into a filter on every pair.
unplaced as (
    select
        xref.person_id,
        {{ registered_domain("split_part(records.email, '@', 2)") }} as domain,
        min(records.first_seen_on) as valid_from
    from {{ ref('int_person_records') }} as records
    inner join {{ ref('xref_persons') }} as xref on records.record_key = xref.record_key
    inner join {{ ref('dim_persons') }} as persons on xref.person_id = persons.person_id
    where
        persons.account_id = 'unknown'
        and persons.person_id <> 'unknown'
        and xref.person_id not in (select stated.person_id from stated)
        and xref.person_id not in (select moved.person_id from moved)
    group by xref.person_id, {{ registered_domain("split_part(records.email, '@', 2)") }}
),

by_mail as (
    select
        unplaced.person_id,
        domain_accounts.account_id,
        min(unplaced.valid_from) as valid_from
    from unplaced
    inner join domain_accounts on unplaced.domain = domain_accounts.domain
    where domain_accounts.account_id <> 'unknown'
    group by unplaced.person_id, domain_accounts.account_id
),

-- A contact whose company field was emptied says nothing against the other records of the person.
links as (
    select
        moved.person_id,
        moved.account_id,
        moved.valid_from,
        moved.valid_to,
        1 as source_rank
    from moved
    left join stated on moved.person_id = stated.person_id and moved.account_id = stated.account_id
    where moved.is_placed or stated.person_id is null
    union all
    select
        stated.person_id,
        stated.account_id,
        stated.valid_from,
        cast('9999-12-31' as date) as valid_to,
        stated.source_rank
    from stated
    left join moved
        on stated.person_id = moved.person_id and stated.account_id = moved.account_id and moved.is_placed
    where moved.person_id is null
    union all
    select
        person_id,
        account_id,
        valid_from,
        cast('9999-12-31' as date) as valid_to,
        4 as source_rank
    from by_mail
)

select
    links.person_id,
    links.account_id,
    coalesce(links.valid_from, cast('1900-01-01' as date)) as valid_from,
    case when links.valid_to < cast('9999-12-31' as date) then links.valid_to end as valid_to,
    case links.source_rank when 1 then 'contact' when 2 then 'conversion' when 3 then 'lead' else 'mail_domain' end
        as link_source,
    links.valid_to = cast('9999-12-31' as date) and links.account_id = persons.account_id as is_primary
from links
inner join {{ ref('dim_persons') }} as persons on links.person_id = persons.person_id
