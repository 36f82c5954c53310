-- Entries of the exclusion lists that were in force for at least a day of the cycle, with the contacts that disregarded
-- them. An entry about nobody is shown as such: a record that is gone protects no one.
with of_cycle as (
    select
        entries.*,
        settings.as_of,
        settings.cycle_start,
        settings.cycle_end
    from {{ ref('int_contact_exclusions') }} as entries
    cross join {{ run_settings() }} as settings
    where
        entries.valid_from < settings.cycle_end
        and (entries.valid_to is null or entries.valid_to > settings.cycle_start)
),

breaches as (
    select
        breaches.person_id,
        breaches.account_id,
        breaches.channel_code,
        breaches.occurred_at
    from {{ ref('dq_contact_breaches') }} as breaches
    cross join {{ run_settings() }} as settings
    where
        breaches.check_code = 'listed_contact'
        and breaches.occurred_on >= settings.cycle_start
        and breaches.occurred_on < settings.cycle_end
),

contacted as (
    select
        of_cycle.exclusion_id,
        breaches.occurred_at,
        breaches.channel_code,
        of_cycle.channel_code as open_channel_code,
        of_cycle.starts_at,
        of_cycle.ends_at
    from of_cycle
    inner join breaches on of_cycle.person_id = breaches.person_id
    union all
    select
        of_cycle.exclusion_id,
        breaches.occurred_at,
        breaches.channel_code,
        of_cycle.channel_code as open_channel_code,
        of_cycle.starts_at,
        of_cycle.ends_at
    from of_cycle
    inner join breaches on of_cycle.account_id = breaches.account_id
),

counted as (
    select
        exclusion_id,
        count(*) as n_contacts_outside
    from contacted
    where
        channel_code <> coalesce(open_channel_code, 'none')
        and occurred_at >= starts_at
        and (ends_at is null or occurred_at < ends_at)
    group by exclusion_id
)

select
    of_cycle.exclusion_id,
    of_cycle.list_code,
    of_cycle.reason_code,
    case
        when of_cycle.person_id is not null then 'person'
        when of_cycle.account_id is not null then 'account'
        else 'nobody'
    end as subject_kind_code,
    coalesce(of_cycle.person_id, 'unknown') as person_id,
    coalesce(of_cycle.account_id, 'unknown') as account_id,
    coalesce(of_cycle.channel_code, 'none') as channel_code,
    of_cycle.escalated_to as escalated_to_code,
    of_cycle.valid_from,
    of_cycle.valid_to,
    of_cycle.starts_at <= of_cycle.as_of
    and (of_cycle.ends_at is null or of_cycle.ends_at > of_cycle.as_of) as is_in_force,
    case
        when of_cycle.person_id is not null or of_cycle.account_id is not null
            then cast(coalesce(counted.n_contacts_outside, 0) as bigint)
    end as n_contacts_outside,
    case
        when of_cycle.person_id is null and of_cycle.account_id is null then 'subject_not_found'
    end as contacts_reason_code
from of_cycle
left join counted on of_cycle.exclusion_id = counted.exclusion_id
