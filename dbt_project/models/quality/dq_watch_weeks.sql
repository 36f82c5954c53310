-- What Support and Legal watch. Choices and lists count in the week of their day, mails in that of their send, as
-- everywhere. Statements are counted, not persons: one person may say no twice.
with stated as (
    select
        case when consents.status = 'litigation' then 'dispute' else 'opt_out' end as kind_code,
        {{ local_day(
            instant_of('consents.effective_at', 'consents.effective_at_precision', 'settings.timezone'),
            'settings.timezone'
        ) }} as happened_on,
        settings.cycle_end
    from {{ ref('stg_crm__consents') }} as consents
    cross join {{ run_settings() }} as settings
    where consents.status <> 'opt_in' and not consents.is_deleted
    union all
    select
        'opt_out' as kind_code,
        {{ local_day('contacts.opt_out_at', 'settings.timezone') }} as happened_on,
        settings.cycle_end
    from {{ ref('stg_crm__contacts') }} as contacts
    cross join {{ run_settings() }} as settings
    where contacts.opt_out_at is not null and (contacts.email_opt_out or contacts.call_opt_out)
    union all
    select
        case when lists.list_code = 'dispute' then 'dispute' else 'listed' end as kind_code,
        lists.valid_from as happened_on,
        settings.cycle_end
    from {{ source('stewardship', 'exclusions') }} as lists
    cross join {{ run_settings() }} as settings
    where lists.status = 'active' and lists.valid_from < coalesce(lists.valid_to, settings.cycle_end)
),

counted as (
    select
        {{ iso_week_start('happened_on') }} as iso_week_start_on,
        kind_code,
        count(*) as n_events
    from stated
    where happened_on < cycle_end
    group by {{ iso_week_start('happened_on') }}, kind_code
    union all
    {% for kind, column in [
        ('complaint', 'n_complained'), ('unsubscribe', 'n_unsubscribed'), ('bounce_hard', 'n_bounced_hard'),
        ('bounce_soft', 'n_bounced_soft')
    ] -%}
        select
            {{ iso_week_start('sent_on') }} as iso_week_start_on,
            '{{ kind }}' as kind_code,
            sum({{ column }}) as n_events
        from {{ ref('fct_email_send_days') }}
        group by {{ iso_week_start('sent_on') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    iso_week_start_on,
    kind_code,
    cast(sum(n_events) as bigint) as n_events
from counted
where n_events > 0
group by iso_week_start_on, kind_code
