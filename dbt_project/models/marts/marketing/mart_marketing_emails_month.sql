-- Rates of openings and replies are taken over the mails of platforms that report such events at all.
with segmented as (
    {{ segment_rows(ref('fct_email_send_days'), {'size_band': 'size_band_code', 'sending': 'sending_code'}) }}
),

cells as (
    select
        {{ first_of_month('sent_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_sent) as n_sent,
        sum(n_delivered) as n_delivered,
        sum(n_bounced_hard) as n_bounced_hard,
        sum(n_bounced_soft) as n_bounced_soft,
        sum(n_unsubscribed) as n_unsubscribed,
        sum(n_delivered_with_replies) as n_delivered_with_replies,
        sum(n_replied) as n_replied,
        sum(n_delivered_with_openings) as n_delivered_with_openings,
        sum(n_opened) as n_opened
    from segmented
    group by {{ first_of_month('sent_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_sent as bigint) as n_sent,
    cast(n_delivered as bigint) as n_delivered,
    cast(n_delivered_with_replies as bigint) as n_delivered_with_replies,
    cast(n_replied as bigint) as n_replied,
    {{ metric_ratio('n_replied', 'n_delivered_with_replies') }} as reply_rate,
    case
        when n_delivered = 0 then 'no_delivered_mail'
        when n_delivered_with_replies = 0 then 'replies_not_reported'
    end as reply_reason_code,
    cast(n_delivered_with_openings as bigint) as n_delivered_with_openings,
    cast(n_opened as bigint) as n_opened,
    {{ metric_ratio('n_opened', 'n_delivered_with_openings') }} as open_rate,
    case
        when n_delivered = 0 then 'no_delivered_mail'
        when n_delivered_with_openings = 0 then 'openings_not_reported'
    end as open_reason_code,
    n_delivered_with_openings > 0 as is_open_rate_unreliable,
    cast(n_unsubscribed as bigint) as n_unsubscribed,
    {{ metric_ratio('n_unsubscribed', 'n_delivered') }} as unsubscribe_rate,
    case when n_delivered = 0 then 'no_delivered_mail' end as unsubscribe_reason_code,
    cast(n_bounced_hard as bigint) as n_bounced_hard,
    {{ metric_ratio('n_bounced_hard', 'n_sent') }} as bounce_rate,
    cast(n_bounced_soft as bigint) as n_bounced_soft,
    {{ metric_ratio('n_bounced_soft', 'n_sent') }} as soft_bounce_rate,
    case when n_sent = 0 then 'no_sent_mail' end as bounce_reason_code
from cells
