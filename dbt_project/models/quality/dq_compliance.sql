-- How much of what was sent or dialled each check of the contact policy could judge, and how much of it broke the rule.
-- What cannot be judged is counted as such: an unknown recipient, zone, time or date of refusal is no compliance.
-- Contacts are counted by the quarter hour first: a local day of millions of instants costs more than their count.
with contacts as (
    {{ contact_rows() }}
),

people as (
    {{ contact_people() }}
),

sender_zones as (
    select
        reps.rep_id,
        coalesce(zones.timezone, settings.timezone) as timezone
    from {{ ref('dim_reps') }} as reps
    cross join {{ run_settings() }} as settings
    left join {{ ref('time_zones') }} as zones on reps.timezone = zones.timezone
),

counted as (
    select
        {{ quarter_hour('contacts.occurred_at') }} as quarter_hour_at,
        contacts.channel_code,
        contacts.is_day_only,
        contacts.is_automated,
        contacts.person_id <> 'unknown' as is_person_known,
        contacts.account_id <> 'unknown' as is_account_known,
        coalesce(people.is_consumer, false) as is_consumer,
        people.timezone as recipient_timezone,
        sender_zones.timezone as sender_timezone,
        coalesce(
            case contacts.channel_code
                when 'email' then undated.is_mail_undated
                when 'voice' then undated.is_call_undated
                else undated.person_id is not null
            end, false
        ) as is_refusal_undated,
        count(*) as n_contacts
    from contacts
    left join people on contacts.person_id = people.person_id
    left join {{ ref('int_undated_refusals') }} as undated on contacts.person_id = undated.person_id
    left join sender_zones on contacts.rep_id = sender_zones.rep_id
    where contacts.is_judged
    group by all
),

dated as (
    select
        counted.*,
        {{ first_of_month(local_day('counted.quarter_hour_at', 'settings.timezone')) }} as period_month,
        {{ local_day('counted.quarter_hour_at', 'settings.timezone') }} as occurred_on,
        case
            when counted.recipient_timezone <> counted.sender_timezone
                then
                    {{ local_clock('counted.quarter_hour_at', 'counted.recipient_timezone') }}
                    <> {{ local_clock('counted.quarter_hour_at', 'counted.sender_timezone') }}
            else false
        end as is_other_clock,
        counted.is_person_known and counted.recipient_timezone is not null and not counted.is_day_only as is_locatable
    from counted
    cross join {{ run_settings() }} as settings
),

-- Without an entry there is no list that a contact could disregard.
lists as (
    select count(*) as n_entries
    from {{ source('stewardship', 'exclusions') }}
    where status = 'active'
),

-- The consumer checks that the policy of the day knows.
consumer_checks as (
    select
        'consumer_hours' as check_code,
        false as is_opt_in
    union all
    select
        'consumer_cap' as check_code,
        false as is_opt_in
    union all
    select
        'consumer_opt_in' as check_code,
        true as is_opt_in
),

-- A check concerns a contact or not; of those it concerns it judges some.
judged as (
    select
        'after_opt_out' as check_code,
        channel_code,
        period_month,
        n_contacts,
        is_person_known and not is_refusal_undated as is_assessed
    from dated
    union all
    select
        'outside_hours' as check_code,
        channel_code,
        period_month,
        n_contacts,
        is_locatable as is_assessed
    from dated
    where channel_code <> 'social' and not is_consumer and (is_other_clock or not is_locatable)
    union all
    select
        'account_cap' as check_code,
        channel_code,
        period_month,
        n_contacts,
        is_account_known and not is_day_only as is_assessed
    from dated
    where not is_automated
    union all
    select
        'mail_cap' as check_code,
        channel_code,
        period_month,
        n_contacts,
        is_locatable as is_assessed
    from dated
    where channel_code = 'email'
    union all
    select
        'cool_down' as check_code,
        channel_code,
        period_month,
        n_contacts,
        is_person_known and not is_day_only as is_assessed
    from dated
    union all
    select
        'listed_contact' as check_code,
        dated.channel_code,
        dated.period_month,
        dated.n_contacts,
        dated.is_person_known or dated.is_account_known as is_assessed
    from dated
    cross join lists
    where lists.n_entries > 0
    union all
    select
        checks.check_code,
        dated.channel_code,
        dated.period_month,
        dated.n_contacts,
        dated.is_locatable as is_assessed
    from dated
    cross join consumer_checks as checks
    where
        dated.is_consumer
        and dated.channel_code = 'voice'
        and {{ is_policed('fr_consumer', 'dated.occurred_on') }}
        and (not checks.is_opt_in or {{ policy_on('fr_consumer', 'needs_opt_in', 'dated.occurred_on') }})
),

-- Of who refuses without a date, contacts after a refusal that has one are judged all the same: they are breaches.
breaches as (
    select
        found.check_code,
        found.channel_code,
        {{ first_of_month('found.occurred_on') }} as period_month,
        count(*) as n_breaches,
        count(*) filter (
            where found.check_code = 'after_opt_out'
            and case found.channel_code
                when 'email' then undated.is_mail_undated
                when 'voice' then undated.is_call_undated
                else undated.person_id is not null
            end
        ) as n_judged_undated
    from {{ ref('dq_contact_breaches') }} as found
    left join {{ ref('int_undated_refusals') }} as undated on found.person_id = undated.person_id
    group by found.check_code, found.channel_code, {{ first_of_month('found.occurred_on') }}
),

checked as (
    select
        check_code,
        channel_code,
        period_month,
        coalesce(sum(n_contacts) filter (where is_assessed), 0) as n_assessed,
        coalesce(sum(n_contacts) filter (where not is_assessed), 0) as n_not_assessed
    from judged
    group by check_code, channel_code, period_month
),

prospects as (
    select count(*) as n_prospects
    from {{ ref('dim_persons') }} as persons
    left join {{ ref('dim_accounts') }} as accounts on persons.account_id = accounts.account_id
    where persons.person_id <> 'unknown' and not coalesce(accounts.is_customer, false)
),

retention_checks as (
    select
        'retention_overdue' as check_code,
        'overdue' as due_code
    union all
    select
        'retention_due_30' as check_code,
        'due_30' as due_code
    union all
    select
        'retention_due_60' as check_code,
        'due_60' as due_code
),

due as (
    select
        due_code,
        count(*) as n_due
    from {{ ref('dq_retention_due') }}
    group by due_code
)

select
    checked.check_code,
    checked.channel_code,
    checked.period_month,
    cast(checked.n_assessed + coalesce(breaches.n_judged_undated, 0) as bigint) as n_assessed,
    cast(checked.n_not_assessed - coalesce(breaches.n_judged_undated, 0) as bigint) as n_not_assessed,
    case
        when checked.n_assessed + coalesce(breaches.n_judged_undated, 0) > 0 then coalesce(breaches.n_breaches, 0)
    end as n_breaches,
    case
        when checked.check_code like 'consumer%' then 'fr_consumer'
        when checked.check_code = 'after_opt_out' then 'data'
        when checked.check_code = 'listed_contact' then 'exclusion_list'
        else 'b2b_default'
    end as profile_code,
    case
        when checked.check_code like 'consumer%'
            then {{ policy_on('fr_consumer', 'version', last_day_of('checked.period_month')) }}
        when checked.check_code = 'after_opt_out'
            then {{ policy_on('data', 'version', last_day_of('checked.period_month')) }}
        when checked.check_code = 'listed_contact' then cast(null as string)
        else {{ policy_on('b2b_default', 'version', last_day_of('checked.period_month')) }}
    end as policy_version
from checked
left join breaches
    on
        checked.check_code = breaches.check_code
        and checked.channel_code = breaches.channel_code
        and checked.period_month = breaches.period_month
union all
select
    codes.check_code,
    'all' as channel_code,
    settings.cycle_start as period_month,
    prospects.n_prospects as n_assessed,
    cast(0 as bigint) as n_not_assessed,
    case when prospects.n_prospects > 0 then coalesce(due.n_due, 0) end as n_breaches,
    'data' as profile_code,
    {{ policy_on('data', 'version', last_day_of('settings.cycle_start')) }} as policy_version
from retention_checks as codes
cross join prospects
cross join {{ run_settings() }} as settings
left join due on codes.due_code = due.due_code
