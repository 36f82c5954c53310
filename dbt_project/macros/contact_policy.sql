{# First instant of the month so many months before that of the cycle, in the company's zone. #}
{% macro contacts_since(n_months) -%}
    {{ instant_of(
        "cast(" ~ add_months('settings.cycle_start', '-' ~ n_months) ~ " as timestamp)", "'day'", 'settings.timezone'
    ) }}
{%- endmacro %}

{#
  What the company sent or dialled: calls, mails of people and of software, messages. Held meetings are agreed upon and
  no contact in this sense. Recipients whom nobody knows are there, with person 'unknown': a full select.
  The month of the cycle and the months looked back are judged; what came before has been judged by earlier cycles. The
  months of memory are for rows and windows that begin before: they are contacts and judged by nobody (is_judged).
#}
{% macro contact_rows() -%}
    select
        touches.touch_key,
        touches.channel_code,
        touches.person_id,
        touches.account_id,
        touches.rep_id,
        touches.occurred_at,
        {{ epoch_micros('touches.occurred_at') }} as at_us,
        touches.is_day_only,
        touches.channel_code = 'voice' and touches.is_effective as is_conversation,
        false as is_automated,
        touches.occurred_at >= {{ contacts_since(contact_policy('months_looked_back')) }} as is_judged
    from {{ ref('fct_touches') }} as touches
    cross join {{ run_settings() }} as settings
    where
        touches.direction_code = 'outbound'
        and touches.channel_code <> 'meeting'
        and touches.occurred_at < settings.as_of
        and touches.occurred_at
        >= {{ contacts_since(contact_policy('months_looked_back') | int + contact_policy('months_of_memory') | int) }}
    union all
    select
        'email:' || sends.send_key as touch_key,
        'email' as channel_code,
        sends.person_id,
        sends.account_id,
        'unknown' as rep_id,
        sends.sent_at as occurred_at,
        {{ epoch_micros('sends.sent_at') }} as at_us,
        false as is_day_only,
        false as is_conversation,
        true as is_automated,
        sends.sent_at >= {{ contacts_since(contact_policy('months_looked_back')) }} as is_judged
    from {{ ref('fct_email_sends') }} as sends
    cross join {{ run_settings() }} as settings
    where
        sends.is_sent
        and sends.is_automated
        and sends.sent_at < settings.as_of
        and sends.sent_at
        >= {{ contacts_since(contact_policy('months_looked_back') | int + contact_policy('months_of_memory') | int) }}
{%- endmacro %}

{#
  Whom the policy speaks about: zone of the person's lead, else the one zone of the country; null is not assessed. A
  zone that no clock knows counts as none.
#}
{% macro contact_people() -%}
    select
        persons.person_id,
        persons.lead_id,
        coalesce(stated.timezone, by_country.timezone) as timezone,
        persons.account_id,
        coalesce(accounts.is_customer, false) as is_customer,
        coalesce(leads.rep_id, 'unknown') as rep_id,
        persons.email is not null as has_email,
        persons.phone is not null as has_phone,
        persons.account_id = 'unknown'
        and coalesce(leads.country_code = {{ consumer_country() }}, false) as is_consumer
    from {{ ref('dim_persons') }} as persons
    left join {{ ref('fct_leads') }} as leads on persons.lead_id = leads.lead_id
    left join {{ ref('dim_accounts') }} as accounts on persons.account_id = accounts.account_id
    left join {{ ref('time_zones') }} as stated on leads.timezone = stated.timezone
    left join {{ ref('time_zones') }} as by_country
        on coalesce(leads.country_code, accounts.country_code) = by_country.country_code and by_country.is_only_of_country
    where persons.person_id <> 'unknown'
{%- endmacro %}

{#
  What persons chose on consent lists, refusals and opt-ins. A choice of an address holds for everybody who bears it, one
  of a number for whom its mobile it is. A day without a time begins to bind the day after, because no hour of it can be
  told. CTE `choices`.
#}
{% macro contact_choices() -%}
choice_records as (
    select
        consents.*,
        case consents.channel when 'call' then 'voice' else consents.channel end as channel_code,
        consents.status <> 'opt_in' as is_refusal,
        {{ instant_of('consents.effective_at', 'consents.effective_at_precision', 'settings.timezone') }} as chosen_at,
        case
            when consents.effective_at_precision = 'day'
                then {{ instant_of("consents.effective_at + interval '1' day", "'day'", 'settings.timezone') }}
            else consents.effective_at
        end as binds_at
    from {{ ref('stg_crm__consents') }} as consents
    cross join {{ run_settings() }} as settings
    where not consents.is_deleted
),

choices as (
    select
        reached.person_id,
        choice_records.channel_code,
        choice_records.is_refusal,
        choice_records.status = 'litigation' as is_dispute,
        choice_records.chosen_at,
        choice_records.binds_at,
        case
            when choice_records.expires_at is null and choice_records.status = 'cooling_off'
                then
                    choice_records.chosen_at
                    + {{ policy_on('data', 'cooling_off_days', 'cast(choice_records.chosen_at as date)') }}
                    * interval '1' day
            else choice_records.expires_at
        end as ends_at
    from choice_records
    inner join (
        select
            choice_records.record_key,
            xref.person_id
        from choice_records
        inner join {{ ref('xref_persons') }} as xref
            on
                choice_records.source_instance || '/crm_' || choice_records.person_type || '/'
                || choice_records.person_id = xref.record_key
        union
        select
            choice_records.record_key,
            bearers.person_id
        from choice_records
        inner join {{ ref('int_person_attributes') }} as bearers on choice_records.email = bearers.email
        union
        select
            choice_records.record_key,
            bearers.person_id
        from choice_records
        inner join {{ ref('int_person_attributes') }} as bearers on choice_records.phone = bearers.mobile
    ) as reached on choice_records.record_key = reached.record_key
)
{%- endmacro %}

{#
  When each person refused a channel, and until when: choices of consent lists, opt-out dates of contacts, unsubscriptions
  and complaints. channel_code 'all' binds every channel; every event of an unsubscription or complaint is a refusal of
  its own, the second of one message too, and the next opt-in ends those before it. is_of_flag: what it comes from sets
  the person's flag too. CTEs `choices` and `refusals`; models read them from int_contact_refusals.
#}
{% macro contact_refusals() -%}
{{ contact_choices() }},

said as (
    select
        person_id,
        channel_code,
        binds_at as refused_at,
        ends_at,
        is_dispute,
        false as is_of_flag
    from choices
    where is_refusal
    union all
    select
        xref.person_id,
        'email' as channel_code,
        contacts.opt_out_at as refused_at,
        cast(null as timestamp) as ends_at,
        false as is_dispute,
        true as is_of_flag
    from {{ ref('stg_crm__contacts') }} as contacts
    inner join {{ ref('xref_persons') }} as xref on contacts.record_key = xref.record_key
    where contacts.email_opt_out and contacts.opt_out_at is not null
    union all
    select
        xref.person_id,
        'voice' as channel_code,
        contacts.opt_out_at as refused_at,
        cast(null as timestamp) as ends_at,
        false as is_dispute,
        true as is_of_flag
    from {{ ref('stg_crm__contacts') }} as contacts
    inner join {{ ref('xref_persons') }} as xref on contacts.record_key = xref.record_key
    where contacts.call_opt_out and contacts.opt_out_at is not null
    union all
    select
        points.person_id,
        'email' as channel_code,
        events.occurred_at as refused_at,
        cast(null as timestamp) as ends_at,
        false as is_dispute,
        true as is_of_flag
    from {{ ref('stg_emailing__events') }} as events
    inner join {{ ref('bridge_person_contact_points') }} as points
        on points.contact_kind = 'email' and events.recipient_email = points.contact_value
    where events.event_type in ('unsubscribed', 'complained') and events.occurred_at is not null
),

-- Refusals and opt-ins of a person in one line of time: each refusal sees the next opt-in, without a pair of both.
changes as (
    select
        person_id,
        channel_code,
        refused_at as changed_at,
        true as is_refusal,
        ends_at,
        is_dispute,
        is_of_flag,
        cast(null as timestamp) as opted_in_at
    from said
    where person_id <> 'unknown'
    union all
    select
        person_id,
        channel_code,
        chosen_at as changed_at,
        false as is_refusal,
        cast(null as timestamp) as ends_at,
        false as is_dispute,
        false as is_of_flag,
        chosen_at as opted_in_at
    from choices
    where not is_refusal
),

ended as (
    select
        person_id,
        channel_code,
        changed_at as refused_at,
        is_refusal,
        is_dispute,
        is_of_flag,
        least(
            ends_at,
            min(opted_in_at) over (
                partition by person_id, channel_code
                order by changed_at desc nulls last
                range between unbounded preceding and current row
            ),
            min(case when channel_code = 'all' then opted_in_at end) over (
                partition by person_id
                order by changed_at desc nulls last
                range between unbounded preceding and current row
            )
        ) as ends_at
    from changes
),

-- Refusals that end at one instant are one, from the first of them on.
refusals as (
    select
        person_id,
        channel_code,
        is_dispute,
        ends_at,
        min(refused_at) as refused_at,
        bool_or(is_of_flag) as is_of_flag
    from ended
    where is_refusal
    group by person_id, channel_code, is_dispute, ends_at
)
{%- endmacro %}

{#
  Pauses after so many contacts in a row, one pair of CTEs (steps_<n>, pauses_<n>) for each combination of the policies:
  pauses has the step that fills the row, from whose instant the clock runs, and the last step within the pause. Reads CTE
  run_moments (person_code, run_number, at_us), distinct instants without an answer between them; recursive.
#}
{% macro cool_down_pauses(combinations) -%}
{% for n_before_pause, days in combinations -%}
    steps_{{ loop.index }} as (
        select
            person_code,
            run_number,
            at_us,
            row_number() over (partition by person_code, run_number order by at_us asc nulls last) as step_number,
            count(*) over (
                partition by person_code, run_number
                order by at_us asc nulls last
                range between unbounded preceding and {{ days | int * 86400000000 - 1 }} following
            ) as last_paused_step
        from run_moments
    ),

    -- The contact that fills the row starts the clock; after the pause the count begins again.
    pauses_{{ loop.index }} as (
        select
            person_code,
            run_number,
            step_number,
            last_paused_step
        from steps_{{ loop.index }}
        where step_number = {{ n_before_pause }}
        union all
        select
            steps.person_code,
            steps.run_number,
            steps.step_number,
            steps.last_paused_step
        from pauses_{{ loop.index }} as pauses
        inner join steps_{{ loop.index }} as steps
            on
                pauses.person_code = steps.person_code
                and pauses.run_number = steps.run_number
                and pauses.last_paused_step + {{ n_before_pause }} = steps.step_number
    ),

{% endfor -%}
{%- endmacro %}

{#
  What came from persons and ends a row of contacts without an answer: replies, calls and meetings, with person_code and
  at_us: a full select. Conversations are contacts and come from contact_rows.
#}
{% macro answer_rows() -%}
    select
        substr(person_id, 5) as person_code,
        {{ epoch_micros('replied_at') }} as at_us
    from {{ ref('fct_email_sends') }}
    where replied_at is not null
    union all
    select
        substr(person_id, 5) as person_code,
        {{ epoch_micros('occurred_at') }} as at_us
    from {{ ref('fct_touches') }}
    where (direction_code = 'inbound' or channel_code = 'meeting') and not is_day_only
{%- endmacro %}

{#
  The exclusion lists with the golden person or company that each entry is about, and its instants: a full select. An
  entry about nobody (a record that is gone, an id that was replaced) has neither; one that was taken back before its
  first day is none. A lead is a person here. Models read it from int_contact_exclusions.
#}
{% macro exclusion_rows() -%}
    select
        lists.exclusion_id,
        lists.list_code,
        lists.channel_code,
        lists.escalated_to,
        lists.reason_code,
        lists.valid_from,
        lists.valid_to,
        coalesce(golden_persons.person_id, person_records.person_id) as person_id,
        case
            when golden_persons.person_id is null and person_records.person_id is null
                then coalesce(golden_accounts.account_id, account_records.account_id)
        end as account_id,
        {{ instant_of('cast(lists.valid_from as timestamp)', "'day'", 'settings.timezone') }} as starts_at,
        {{ instant_of('cast(lists.valid_to as timestamp)', "'day'", 'settings.timezone') }} as ends_at
    from {{ source('stewardship', 'exclusions') }} as lists
    cross join {{ run_settings() }} as settings
    left join {{ ref('dim_persons') }} as golden_persons on lists.subject_key = golden_persons.person_id
    left join {{ ref('dim_accounts') }} as golden_accounts on lists.subject_key = golden_accounts.account_id
    left join {{ ref('xref_persons') }} as person_records on lists.subject_key = person_records.record_key
    left join {{ ref('xref_accounts') }} as account_records on lists.subject_key = account_records.record_key
    where lists.status = 'active' and (lists.valid_to is null or lists.valid_to > lists.valid_from)
{%- endmacro %}
