-- First time a definition became true, with the rule and the version that held on that day. An event that only has its
-- day counts at the day's first instant.
with events as (
    select
        lead_id,
        'crm_mql' as event_code,
        mql_at as occurred_at,
        is_mql_day_only as is_day_only
    from {{ ref('fct_leads') }}
    where mql_at is not null
    union all
    select
        lead_id,
        'crm_sql' as event_code,
        sql_at as occurred_at,
        is_sql_day_only as is_day_only
    from {{ ref('fct_leads') }}
    where sql_at is not null
    union all
    select
        lead_id,
        'conversion' as event_code,
        converted_at as occurred_at,
        is_converted_day_only as is_day_only
    from {{ ref('fct_leads') }}
    where is_converted and converted_at is not null
    union all
    select
        lead_id,
        'held_meeting' as event_code,
        starts_at as occurred_at,
        false as is_day_only
    from {{ ref('fct_meetings') }}
    where is_held and lead_id <> 'unknown'
    union all
    select
        lead_id,
        'reply' as event_code,
        replied_at as occurred_at,
        false as is_day_only
    from {{ ref('fct_email_sends') }}
    where is_replied and replied_at is not null and lead_id <> 'unknown'
),

dated as (
    select
        events.*,
        {{ local_day('events.occurred_at', 'settings.timezone') }} as occurred_on
    from events
    cross join {{ run_settings() }} as settings
    where events.occurred_at < settings.as_of
),

ruled as (
    select
        dated.*,
        definitions.definition_code,
        definitions.definition_version,
        definitions.rule_id,
        definitions.sla_hours,
        row_number() over (
            partition by dated.lead_id, definitions.definition_code
            order by
                dated.occurred_on asc, dated.is_day_only asc, dated.occurred_at asc, definitions.rule_id asc
        ) as event_rank
    from dated
    inner join {{ ref('lead_definitions') }} as definitions on dated.event_code = definitions.event_code
    where
        dated.occurred_on >= definitions.valid_from
        and dated.occurred_on < coalesce(definitions.valid_to, cast('9999-12-31' as date))
)

select
    lead_id || '/' || definition_code as qualification_key,
    lead_id,
    definition_code,
    definition_version,
    rule_id,
    sla_hours,
    event_code,
    occurred_at as qualified_at,
    occurred_on as qualified_on,
    is_day_only
from ruled
where event_rank = 1
