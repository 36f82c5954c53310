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
        persons.account_id = 'unknown'
        and coalesce(leads.country_code = {{ policy_value('fr_consumer', 'country_code') }}, false) as is_consumer
    from {{ ref('dim_persons') }} as persons
    left join {{ ref('fct_leads') }} as leads on persons.lead_id = leads.lead_id
    left join {{ ref('dim_accounts') }} as accounts on persons.account_id = accounts.account_id
    left join {{ ref('time_zones') }} as stated on leads.timezone = stated.timezone
    left join {{ ref('time_zones') }} as by_country
        on coalesce(leads.country_code, accounts.country_code) = by_country.country_code and by_country.is_only_of_country
    where persons.person_id <> 'unknown'
{%- endmacro %}

{#
  When each person refused a channel, and until when: choices of consent lists, opt-out dates of contacts, unsubscriptions
  and complaints. A choice of an address holds for everybody who bears it, one of a number for whom its mobile it is. A
  day without a time begins to bind the day after, because no hour of it can be told. channel_code 'all' binds every
  channel. CTEs `choices` and `refusals`.
#}
{% macro contact_refusals() -%}
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
),

refusals as (
    select
        said.person_id,
        said.channel_code,
        said.refused_at,
        min(least(opt_ins.chosen_at, said.ends_at)) as ends_at
    from (
        select
            person_id,
            channel_code,
            binds_at as refused_at,
            ends_at
        from choices
        where is_refusal
        union all
        select
            xref.person_id,
            'email' as channel_code,
            contacts.opt_out_at as refused_at,
            cast(null as timestamp) as ends_at
        from {{ ref('stg_crm__contacts') }} as contacts
        inner join {{ ref('xref_persons') }} as xref on contacts.record_key = xref.record_key
        where contacts.email_opt_out and contacts.opt_out_at is not null
        union all
        select
            xref.person_id,
            'voice' as channel_code,
            contacts.opt_out_at as refused_at,
            cast(null as timestamp) as ends_at
        from {{ ref('stg_crm__contacts') }} as contacts
        inner join {{ ref('xref_persons') }} as xref on contacts.record_key = xref.record_key
        where contacts.call_opt_out and contacts.opt_out_at is not null
        union all
        select
            person_id,
            'email' as channel_code,
            min(least(unsubscribed_at, complained_at)) as refused_at,
            cast(null as timestamp) as ends_at
        from {{ ref('fct_email_sends') }}
        where (unsubscribed_at is not null or complained_at is not null)
        group by person_id
    ) as said
    left join choices as opt_ins
        on
            said.person_id = opt_ins.person_id
            and not opt_ins.is_refusal
            and (opt_ins.channel_code = 'all' or said.channel_code = opt_ins.channel_code)
            and said.refused_at <= opt_ins.chosen_at
    where said.person_id <> 'unknown'
    group by said.person_id, said.channel_code, said.refused_at
)
{%- endmacro %}
