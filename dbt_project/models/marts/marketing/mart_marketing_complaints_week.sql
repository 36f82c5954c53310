-- The breach compares decimals and is strict: 2 complaints for 1,000 delivered mails are not a breach, 3 are.
with segmented as (
    {{ segment_rows(ref('fct_email_send_days'), {'size_band': 'size_band_code', 'sending': 'sending_code'}) }}
),

cells as (
    select
        {{ iso_week_start('sent_on') }} as iso_week_start_on,
        segment_kind_code,
        segment_code,
        sum(n_sent) as n_sent,
        sum(n_delivered) as n_delivered,
        sum(n_bounced_hard) as n_bounced_hard,
        sum(n_complained) as n_complained,
        sum(n_unsubscribed) as n_unsubscribed,
        sum(n_replied) as n_replied
    from segmented
    group by {{ iso_week_start('sent_on') }}, segment_kind_code, segment_code
),

rated as (
    select
        *,
        {{ metric_ratio('n_complained', 'n_delivered') }} as complaint_rate,
        {{ metric_ratio('n_unsubscribed', 'n_delivered') }} as unsubscribe_rate,
        {{ metric_ratio('n_bounced_hard', 'n_sent') }} as bounce_rate,
        {{ rail_policy('complaint_max_rate', 'iso_week_start_on') }} as complaint_max_rate
    from cells
)

select
    iso_week_start_on,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_sent as bigint) as n_sent,
    cast(n_delivered as bigint) as n_delivered,
    cast(n_complained as bigint) as n_complained,
    complaint_rate,
    complaint_max_rate,
    complaint_rate > complaint_max_rate as is_complaint_breach,
    case when n_delivered = 0 then 'no_delivered_mail' end as complaint_reason_code,
    cast(n_unsubscribed as bigint) as n_unsubscribed,
    unsubscribe_rate,
    cast(n_bounced_hard as bigint) as n_bounced_hard,
    bounce_rate,
    cast(n_replied as bigint) as n_replied
from rated
