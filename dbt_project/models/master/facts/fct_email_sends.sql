-- One pass over the events; everything else works on one row a message and recipient.
with sends as (
    select
        source_instance,
        message_id,
        recipient_email,
        min(campaign_id) as campaign_id,
        min(sender_email) as sender_email,
        min(occurred_at) as first_event_at,
        min(occurred_at) filter (where event_type = 'sent') as sent_event_at,
        min(occurred_at) filter (where event_type = 'delivered') as delivered_at,
        min(occurred_at) filter (where event_type = 'bounced_hard') as bounced_hard_at,
        min(occurred_at) filter (where event_type = 'bounced_soft') as bounced_soft_at,
        min(occurred_at) filter (where event_type in ('opened', 'opened_machine', 'clicked', 'clicked_machine'))
            as first_read_at,
        min(occurred_at) filter (where event_type = 'opened') as opened_at,
        min(occurred_at) filter (where event_type = 'clicked') as clicked_at,
        min(occurred_at) filter (where event_type = 'replied') as replied_at,
        min(occurred_at) filter (where event_type = 'complained') as complained_at,
        min(occurred_at) filter (where event_type = 'unsubscribed') as unsubscribed_at,
        min(occurred_at) filter (where event_type in ('blocked', 'failed')) as refused_at,
        bool_or(is_automated) as is_automated,
        count(*) as n_source_rows
    from {{ ref('stg_emailing__events') }}
    group by source_instance, message_id, recipient_email
),

-- A platform that reports no deliveries is taken at its word: sent and not bounced is delivered.
platforms as (
    select
        source_instance,
        bool_or(event_type = 'delivered') as reports_deliveries
    from {{ ref('stg_emailing__events') }}
    group by source_instance
),

judged as (
    select
        sends.*,
        coalesce(
            sends.sent_event_at, sends.delivered_at, sends.bounced_hard_at, sends.bounced_soft_at, sends.first_read_at,
            sends.replied_at, sends.complained_at, sends.unsubscribed_at
        ) is not null as is_sent,
        coalesce(sends.delivered_at, sends.first_read_at, sends.replied_at, sends.complained_at, sends.unsubscribed_at)
        is not null
        or (
            not platforms.reports_deliveries
            and sends.sent_event_at is not null
            and sends.bounced_soft_at is null
            and sends.refused_at is null
        ) as is_arrival_reported
    from sends
    inner join platforms on sends.source_instance = platforms.source_instance
    where split_part(sends.recipient_email, '@', 2) not in (select own_domain from {{ ref('int_own_domains') }})
)

select
    md5(judged.source_instance || '/' || judged.message_id || '/' || judged.recipient_email) as send_key,
    judged.source_instance,
    judged.message_id,
    judged.campaign_id,
    coalesce(points.person_id, 'unknown') as person_id,
    coalesce(points.lead_id, 'unknown') as lead_id,
    coalesce(points.account_id, 'unknown') as account_id,
    coalesce(handles.rep_id, 'unknown') as rep_id,
    coalesce(judged.sent_event_at, judged.first_event_at) as sent_at,
    cast(coalesce(judged.sent_event_at, judged.first_event_at) as date) as sent_on,
    judged.delivered_at,
    judged.is_sent,
    judged.is_arrival_reported and judged.bounced_hard_at is null as is_delivered,
    judged.bounced_hard_at is not null as is_bounced_hard,
    judged.opened_at is not null as is_opened,
    judged.clicked_at is not null as is_clicked,
    judged.replied_at is not null as is_replied,
    judged.replied_at,
    judged.complained_at is not null as is_complained,
    judged.complained_at,
    judged.unsubscribed_at is not null as is_unsubscribed,
    judged.unsubscribed_at,
    coalesce(judged.is_automated, false) as is_automated,
    judged.n_source_rows
from judged
left join {{ ref('bridge_person_contact_points') }} as points
    on points.contact_kind = 'email' and judged.recipient_email = points.contact_value
left join {{ ref('int_rep_handles') }} as handles on judged.sender_email = handles.handle_value
