-- One pass over the events; everything else works on one row a message and recipient. What only matters as a fact, not
-- at which time, is a bit of one number: a state of few columns is what this grouping costs.
{% set bounced_hard, bounced_soft, was_read, opened, clicked, refused = 1, 2, 4, 8, 16, 32 %}

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
        min(occurred_at) filter (where event_type = 'replied') as replied_at,
        min(occurred_at) filter (where event_type = 'complained') as complained_at,
        min(occurred_at) filter (where event_type = 'unsubscribed') as unsubscribed_at,
        bit_or(case event_type
            when 'bounced_hard' then {{ bounced_hard }}
            when 'bounced_soft' then {{ bounced_soft }}
            when 'opened' then {{ was_read + opened }}
            when 'opened_machine' then {{ was_read }}
            when 'clicked' then {{ was_read + clicked }}
            when 'clicked_machine' then {{ was_read }}
            when 'blocked' then {{ refused }}
            when 'failed' then {{ refused }}
            else 0
        end) as marks,
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
            sends.sent_event_at, sends.delivered_at, sends.replied_at, sends.complained_at, sends.unsubscribed_at
        ) is not null
        or (sends.marks & {{ bounced_hard + bounced_soft + was_read }}) <> 0 as is_sent,
        coalesce(sends.delivered_at, sends.replied_at, sends.complained_at, sends.unsubscribed_at) is not null
        or (sends.marks & {{ was_read }}) <> 0
        or (
            not platforms.reports_deliveries
            and sends.sent_event_at is not null
            and (sends.marks & {{ bounced_soft + refused }}) = 0
        ) as is_arrival_reported
    from sends
    left join platforms on sends.source_instance = platforms.source_instance
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
    judged.delivered_at,
    judged.is_sent,
    judged.is_arrival_reported and (judged.marks & {{ bounced_hard }}) = 0 as is_delivered,
    (judged.marks & {{ bounced_hard }}) <> 0 as is_bounced_hard,
    (judged.marks & {{ bounced_soft }}) <> 0
    and (judged.marks & {{ bounced_hard }}) = 0
    and not judged.is_arrival_reported as is_bounced_soft,
    (judged.marks & {{ opened }}) <> 0 as is_opened,
    (judged.marks & {{ clicked }}) <> 0 as is_clicked,
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
-- Left out at the end: DuckDB takes a filter to keep a fifth and would build its hash table on the sends.
left join {{ ref('int_own_domains') }} as own_domains
    on split_part(judged.recipient_email, '@', 2) = own_domains.own_domain
where not ({{ applies('internal_recipient', 'own_domains.own_domain is not null') }})
