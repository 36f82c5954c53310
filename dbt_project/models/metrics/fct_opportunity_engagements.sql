-- What was done with the account of an opportunity while it was open: no extract says for which opportunity a call was
-- made, so a touch counts for every opportunity of its account that was open that day, and effort is a proxy named so.
-- A meeting takes its time once, however many persons of the account attend it.
-- Two-way: a conversation, a held meeting, an answered mail. Days are compared, because most CRMs close by date.
with spans as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.is_won
        and coalesce(opportunities.closed_on, cast('1900-01-01' as date)) < settings.cycle_end as is_won,
        not opportunities.is_open
        and coalesce(opportunities.closed_on, cast('1900-01-01' as date)) < settings.cycle_end as is_closed,
        opportunities.closed_on,
        opportunities.lead_id,
        opportunities.size_band_code,
        {{ instant_of('cast(opportunities.opened_on as timestamp)', "'day'", 'settings.timezone') }} as from_at,
        {{ instant_of(
            'cast(' ~ add_days(
                'least(coalesce(opportunities.closed_on, settings.cycle_end), settings.cycle_end)', 1
            ) ~ ' as timestamp)', "'day'", 'settings.timezone'
        ) }} as until_at
    from {{ ref('fct_opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    where
        opportunities.opened_on < settings.cycle_end
        and (opportunities.is_open or opportunities.closed_on is not null)
),

contacts as (
    select
        touches.account_id,
        touches.person_id,
        touches.occurred_at,
        case
            when touches.channel_code in ('voice', 'meeting') and touches.source_stream_code <> 'meeting'
                then coalesce(touches.duration_s, 0)
            else 0
        end as effort_s,
        1 as n_touches,
        touches.channel_code in ('voice', 'meeting') and touches.is_effective as is_two_way
    from {{ ref('fct_touches') }} as touches
    where touches.account_id <> 'unknown'
    union all
    select
        account_id,
        'unknown' as person_id,
        min(starts_at) as occurred_at,
        max(coalesce(duration_s, 0)) as effort_s,
        0 as n_touches,
        false as is_two_way
    from {{ ref('fct_meetings') }}
    where is_held and account_id <> 'unknown'
    group by account_id, occurrence_key
    union all
    select
        sends.account_id,
        sends.person_id,
        sends.replied_at as occurred_at,
        0 as effort_s,
        0 as n_touches,
        true as is_two_way
    from {{ ref('fct_email_sends') }} as sends
    where sends.account_id <> 'unknown' and sends.replied_at is not null and not sends.is_automated
),

met as (
    select
        spans.opportunity_id,
        contacts.person_id,
        sum(contacts.n_touches) as n_touches,
        sum(contacts.effort_s) as effort_s,
        max(contacts.occurred_at) as last_contact_at,
        bool_or(contacts.is_two_way) and contacts.person_id <> 'unknown' as is_two_way
    from contacts
    cross join {{ run_settings() }} as settings
    inner join spans
        on
            contacts.account_id = spans.account_id
            and contacts.occurred_at >= spans.from_at
            and contacts.occurred_at < spans.until_at
    where contacts.occurred_at < settings.as_of
    group by spans.opportunity_id, contacts.person_id
),

summed as (
    select
        opportunity_id,
        sum(n_touches) as n_touches,
        sum(effort_s) as effort_s,
        max(last_contact_at) as last_contact_at,
        sum(case when is_two_way then 1 else 0 end) as n_persons
    from met
    group by opportunity_id
)

select
    spans.opportunity_id,
    spans.account_id,
    case when spans.is_closed then spans.closed_on end as closed_on,
    spans.is_closed,
    spans.is_won,
    coalesce(spans.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code,
    cast(coalesce(summed.n_touches, 0) as bigint) as n_touches,
    cast(coalesce(summed.effort_s, 0) as bigint) as effort_s,
    cast(coalesce(summed.n_persons, 0) as bigint) as n_persons,
    summed.last_contact_at
from spans
left join summed on spans.opportunity_id = summed.opportunity_id
left join {{ ref('fct_leads') }} as leads on spans.lead_id = leads.lead_id
