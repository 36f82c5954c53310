-- The clock of a prospect runs from the last contact that came from the person: a reply, a click, a call, a meeting,
-- a form or a consent, else from the day the person became known. A click is dated by its send, which is earlier and so
-- the stricter side; an open proves nothing. Customers have another clock.
{% set last_day = "cast(cycle_end - interval '1' day as date)" %}

with signs as (
    select
        person_id,
        replied_at as came_at
    from {{ ref('fct_email_sends') }}
    where replied_at is not null
    union all
    select
        person_id,
        sent_at as came_at
    from {{ ref('fct_email_sends') }}
    where is_clicked
    union all
    select
        person_id,
        occurred_at as came_at
    from {{ ref('fct_touches') }}
    where direction_code = 'inbound' or channel_code = 'meeting'
    union all
    select
        person_id,
        created_at as came_at
    from {{ ref('fct_leads') }}
    where channel_code = 'inbound'
    union all
    select
        xref.person_id,
        consents.effective_at as came_at
    from {{ ref('stg_crm__consents') }} as consents
    inner join {{ ref('xref_persons') }} as xref
        on consents.source_instance || '/crm_' || consents.person_type || '/' || consents.person_id = xref.record_key
    where consents.status = 'opt_in'
),

last_signs as (
    select
        signs.person_id,
        max(signs.came_at) as came_at
    from signs
    cross join {{ run_settings() }} as settings
    where signs.came_at < settings.as_of
    group by signs.person_id
),

clocks as (
    select
        persons.person_id,
        last_signs.person_id is not null as is_from_prospect,
        coalesce({{ local_day('last_signs.came_at', 'settings.timezone') }}, persons.first_seen_on) as last_contact_on,
        settings.cycle_end
    from {{ ref('dim_persons') }} as persons
    cross join {{ run_settings() }} as settings
    left join last_signs on persons.person_id = last_signs.person_id
    left join {{ ref('dim_accounts') }} as accounts on persons.account_id = accounts.account_id
    where persons.person_id <> 'unknown' and not coalesce(accounts.is_customer, false)
),

dues as (
    select
        *,
        {{ add_months('last_contact_on', policy_on('data', 'retention_months', last_day)) }} as due_on
    from clocks
    where last_contact_on is not null
),

left_over as (
    select
        *,
        {{ days_between('cycle_end', 'due_on') }} as days_left
    from dues
)

select
    person_id,
    is_from_prospect,
    last_contact_on,
    due_on,
    cast(days_left as bigint) as days_left,
    case
        when days_left <= 0 then 'overdue'
        when days_left <= 30 then 'due_30'
        else 'due_60'
    end as due_code
from left_over
where days_left <= 60
