-- Complaints belong to the day of the send, whenever they arrive before as_of. Sends are counted by the quarter hour
-- first: the local day of millions of instants costs more than their count.
-- A platform without a single reply or opening reports none: its mails are no denominator of these rates.
with counted as (
    select
        {{ quarter_hour('sends.sent_at') }} as quarter_hour_at,
        sends.source_instance,
        coalesce(accounts.size_band_code, 'unknown') as size_band_code,
        case when sends.is_automated then 'automated' else 'one_to_one' end as sending_code,
        count(*) filter (where sends.is_sent) as n_sent,
        count(*) filter (where sends.is_delivered) as n_delivered,
        count(*) filter (where sends.is_bounced_hard) as n_bounced_hard,
        count(*) filter (where sends.is_bounced_soft) as n_bounced_soft,
        count(*) filter (where sends.is_delivered and sends.is_opened) as n_opened,
        count(*) filter (
            where sends.is_complained and (sends.complained_at is null or sends.complained_at < settings.as_of)
        ) as n_complained,
        count(*) filter (
            where
            sends.is_unsubscribed
            and (sends.unsubscribed_at is null or sends.unsubscribed_at < settings.as_of)
        ) as n_unsubscribed,
        count(*) filter (
            where sends.is_replied and (sends.replied_at is null or sends.replied_at < settings.as_of)
        ) as n_replied
    from {{ ref('fct_email_sends') }} as sends
    cross join {{ run_settings() }} as settings
    left join {{ ref('dim_accounts') }} as accounts on sends.account_id = accounts.account_id
    where sends.sent_at < settings.as_of
    group by
        {{ quarter_hour('sends.sent_at') }}, sends.source_instance,
        coalesce(accounts.size_band_code, 'unknown'),
        case when sends.is_automated then 'automated' else 'one_to_one' end
),

dated as (
    select
        counted.*,
        sum(counted.n_replied) over (partition by counted.source_instance) > 0 as reports_replies,
        sum(counted.n_opened) over (partition by counted.source_instance) > 0 as reports_openings,
        {{ local_day('counted.quarter_hour_at', 'settings.timezone') }} as sent_on
    from counted
    cross join {{ run_settings() }} as settings
),

days as (
    select
        sent_on,
        size_band_code,
        sending_code,
        {{ iso_week_start('sent_on') }} as iso_week_start_on,
        sum(n_sent) as n_sent,
        sum(n_delivered) as n_delivered,
        sum(n_bounced_hard) as n_bounced_hard,
        sum(n_bounced_soft) as n_bounced_soft,
        sum(n_complained) as n_complained,
        sum(n_unsubscribed) as n_unsubscribed,
        sum(n_replied) as n_replied,
        sum(case when reports_replies then n_delivered else 0 end) as n_delivered_with_replies,
        sum(n_opened) as n_opened,
        sum(case when reports_openings then n_delivered else 0 end) as n_delivered_with_openings
    from dated
    group by sent_on, size_band_code, sending_code
)

select
    sent_on,
    size_band_code,
    sending_code,
    cast(sent_on as string) || '/' || size_band_code || '/' || sending_code as send_day_key,
    cast(n_sent as bigint) as n_sent,
    cast(n_delivered as bigint) as n_delivered,
    cast(n_bounced_hard as bigint) as n_bounced_hard,
    cast(n_bounced_soft as bigint) as n_bounced_soft,
    cast(n_complained as bigint) as n_complained,
    cast(n_unsubscribed as bigint) as n_unsubscribed,
    cast(n_replied as bigint) as n_replied,
    cast(n_delivered_with_replies as bigint) as n_delivered_with_replies,
    cast(n_opened as bigint) as n_opened,
    cast(n_delivered_with_openings as bigint) as n_delivered_with_openings,
    {{ rail_policy('complaint_max_rate', 'iso_week_start_on') }} as complaint_max_rate,
    {{ rail_policy('worse_margin_rate', 'iso_week_start_on') }} as worse_margin_rate
from days
