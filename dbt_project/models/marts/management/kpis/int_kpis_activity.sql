{{ config(materialized="ephemeral", contract={"enforced": false}) }}

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
)

{{ kpi_rows(
    'complaint_rate', 'month_sends', 'complaint_rate', 'n_complained', 'n_delivered', 'complaint_reason_code'
) }}
