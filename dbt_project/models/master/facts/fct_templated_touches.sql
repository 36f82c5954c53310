-- A mail has the template that its events name, an activity its own; a copy of a mail in the CRM is no second touch.
-- Whoever sent a mail: most platforms fill templates by themselves, so that leaving software out would leave no mail.
with mail_templates as (
    select
        source_instance,
        message_id,
        min(template_id) as template_id
    from {{ ref('stg_emailing__events') }}
    where template_id is not null
    group by source_instance, message_id
)

select
    'email:' || sends.send_key as touch_key,
    mail_templates.template_id,
    sends.lead_id,
    sends.account_id,
    sends.sent_at as occurred_at
from {{ ref('fct_email_sends') }} as sends
inner join mail_templates
    on sends.source_instance = mail_templates.source_instance and sends.message_id = mail_templates.message_id
where sends.is_sent
union all
select
    'activity:' || activities.record_key as touch_key,
    activities.template_id,
    activities.lead_id,
    activities.account_id,
    activities.occurred_at
from {{ ref('int_activities') }} as activities
inner join {{ ref('int_activity_fates') }} as fates on activities.record_key = fates.record_key
where fates.reason_code is null and activities.template_id is not null
