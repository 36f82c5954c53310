-- Complaints belong to the day of the send, whenever they arrive before as_of.
select
    sends.sent_on,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    case when sends.is_automated then 'automated' else 'one_to_one' end as sending_code,
    cast(sends.sent_on as string) || '/' || coalesce(accounts.size_band_code, 'unknown') || '/'
    || case when sends.is_automated then 'automated' else 'one_to_one' end as send_day_key,
    count(*) filter (where sends.is_sent) as n_sent,
    count(*) filter (where sends.is_delivered) as n_delivered,
    count(*) filter (where sends.is_bounced_hard) as n_bounced_hard,
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
    sends.sent_on, coalesce(accounts.size_band_code, 'unknown'),
    case when sends.is_automated then 'automated' else 'one_to_one' end
