{#
  Values that cannot be true, and what people say of a value. A rule calls it an error, or a person does; a person may
  also say that what a rule takes for an error is none. Only errors leave the data.
#}

{# Bars of the rules that tell an error. Contacts an hour; times the median deal of a company; deals that make a median. #}
{% macro outlier_bar(name) -%}
    {{ {'touches_an_hour': 60, 'amount_factor': 500, 'amounts_needed': 3}[name] }}
{%- endmacro %}

{# What people decided about values of these metrics, one row a record: a relation to join. #}
{% macro outlier_decisions(metric_codes) -%}
    (
        select
            record_key,
            class_code
        from {{ source('stewardship', 'outlier_classes') }}
        where status = 'active' and metric_code in ('{{ metric_codes | join("', '") }}')
    )
{%- endmacro %}

{# True for an error: what a person decided (the row of a left join on outlier_decisions), else what the rule says. #}
{% macro is_outlier_error(decided, condition) -%}
    {{ applies(
        'outlier_error',
        "coalesce(" ~ decided ~ ".class_code = 'error', " ~ condition ~ ", false)"
    ) }}
{%- endmacro %}

{# A leg that ends before it starts, or lasted less than nothing. #}
{% macro is_backward_leg(legs) -%}
    ({{ legs }}.duration_s < 0 or {{ legs }}.talk_s < 0 or {{ legs }}.ended_at < {{ legs }}.started_at)
{%- endmacro %}

{#
  Every contact that is a touch unless its pace is impossible: a full select. Calls and mails of which one is no touch
  stay in fct_calls and fct_email_sends, because the dialler rang and the platform delivered all the same.
#}
{% macro touch_rows() -%}
    select
        'call' as source_stream_code,
        call_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'voice' as channel_code,
        direction_code,
        started_at as occurred_at,
        false as is_day_only,
        is_conversation as is_effective,
        talk_s as duration_s
    from {{ ref('fct_calls') }}
    where
        (direction_code = 'outbound' and outcome_code <> 'failed')
        or (direction_code = 'inbound' and outcome_code = 'answered')
    union all
    select
        'email' as source_stream_code,
        send_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'email' as channel_code,
        'outbound' as direction_code,
        sent_at as occurred_at,
        false as is_day_only,
        is_delivered as is_effective,
        cast(null as bigint) as duration_s
    from {{ ref('fct_email_sends') }}
    where is_sent and not is_automated
    union all
    select
        'meeting' as source_stream_code,
        meeting_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'meeting' as channel_code,
        'outbound' as direction_code,
        starts_at as occurred_at,
        false as is_day_only,
        true as is_effective,
        duration_s
    from {{ ref('fct_meetings') }}
    where is_held
    union all
    select
        'activity' as source_stream_code,
        activities.record_key as source_key,
        activities.lead_id,
        activities.person_id,
        activities.account_id,
        activities.rep_id,
        activities.channel_code,
        coalesce(activities.direction, 'outbound') as direction_code,
        activities.occurred_at,
        activities.is_day_only,
        case activities.channel_code
            when 'voice' then coalesce(activities.duration_s, 0) >= settings.conversation_min_s
            else activities.channel_code in ('email', 'meeting')
        end as is_effective,
        activities.duration_s
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_activity_fates') }} as fates on activities.record_key = fates.record_key
    cross join {{ run_settings() }} as settings
    where fates.reason_code is null
{%- endmacro %}
