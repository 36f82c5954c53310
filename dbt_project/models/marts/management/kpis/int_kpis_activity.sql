{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set calls = ref('mart_sales_calls_month') %}
{%- set activity = ref('mart_revops_activity_month') %}
{%- set emails = ref('mart_marketing_emails_month') %}

-- Complaints are added by month here, their mart is weekly.
with segmented_sends as (
    {{ segment_rows(ref('fct_email_send_days'), {'size_band': 'size_band_code', 'sending': 'sending_code'}) }}
),

month_sends as (
    select
        {{ first_of_month('sent_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_delivered) as n_delivered,
        sum(n_complained) as n_complained,
        {{ metric_ratio('sum(n_complained)', 'sum(n_delivered)') }} as complaint_rate,
        case when sum(n_delivered) = 0 then 'no_delivered_mail' end as complaint_reason_code
    from segmented_sends
    group by {{ first_of_month('sent_on') }}, segment_kind_code, segment_code
),

objection_months as (
    select distinct
        period_month,
        segment_kind_code,
        segment_code,
        n_noted,
        n_activities_month,
        objection_noted_rate
    from {{ ref('mart_sales_objections_month') }}
)

{{ kpi_rows(
    'objection_noted_rate', 'objection_months', 'objection_noted_rate', 'n_noted', 'n_activities_month'
) }}
union all
{{ kpi_rows(
    'complaint_rate', 'month_sends', 'complaint_rate', 'n_complained', 'n_delivered', 'complaint_reason_code'
) }}
union all
{{ kpi_rows('connect_rate', calls, 'connect_rate', 'n_connected', 'n_dialled', 'connect_reason_code') }}
union all
{{ kpi_rows(
    'meeting_rate_calls', calls, 'meeting_rate', 'n_meetings', 'n_connected_matured', 'meeting_reason_code',
    n_immature='n_connected_immature'
) }}
union all
{{ kpi_rows('callbacks', calls, 'n_callbacks') }}
union all
{{ kpi_rows('activity_count', activity, 'n_activities') }}
union all
{{ kpi_rows(
    'meetings_per_touch', activity, 'meetings_per_touch', 'n_meetings', 'n_touches', 'meetings_reason_code'
) }}
union all
{{ kpi_rows('meetings_social', activity, 'n_social_meetings') }}
where segment_kind_code in ('all', 'rep')
union all
{{ kpi_rows(
    'crm_logging_rate', activity, 'crm_logging_rate', 'n_logged_events', 'n_system_events',
    'crm_logging_reason_code'
) }}
union all
{{ kpi_rows(
    'reply_rate', emails, 'reply_rate', 'n_replied', 'n_delivered_with_replies', 'reply_reason_code'
) }}
union all
{{ kpi_rows(
    'open_rate', emails, 'open_rate', 'n_opened', 'n_delivered_with_openings', 'open_reason_code',
    "case when is_open_rate_unreliable then 'open_rate_unreliable' end"
) }}
union all
{{ kpi_rows(
    'unsubscribe_rate', emails, 'unsubscribe_rate', 'n_unsubscribed', 'n_delivered', 'unsubscribe_reason_code'
) }}
union all
{{ kpi_rows('bounce_rate', emails, 'bounce_rate', 'n_bounced_hard', 'n_sent', 'bounce_reason_code') }}
union all
{{ kpi_rows('soft_bounce_rate', emails, 'soft_bounce_rate', 'n_bounced_soft', 'n_sent', 'bounce_reason_code') }}
