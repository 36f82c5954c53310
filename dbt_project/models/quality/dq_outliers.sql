-- Values far from the others, and why: an error cannot be true, an extreme can. An extreme is above the 99th percentile
-- or more than 3.5 robust deviations from the median. Of several classes the first holds: error, risk, exceptional,
-- opportunity, risk_to_review.
{% set error_factor = 500 %}
{% set amounts_needed = 3 %}
{% set touches_an_hour = 60 %}
{% set robust_bar = '3.5' %}

with calls_and_mails as (
    select
        touch_key,
        person_id,
        rep_id,
        {{ epoch_micros('occurred_at') }} as at_us
    from {{ ref('fct_touches') }}
    where direction_code = 'outbound' and not is_day_only
),

-- More than 60 in an hour leave more than 30 in one of the two clock hours it touches. Persons are many and rarely meet
-- as many contacts in all their life.
busy_hours as (
    select rep_id
    from calls_and_mails
    where rep_id <> 'unknown'
    group by rep_id, floor(at_us / 3600000000)
    having count(*) > {{ touches_an_hour // 2 }}
),

busy as (
    select distinct
        'touches_per_hour_of_rep' as metric_code,
        rep_id as counted_key
    from busy_hours
    union all
    select
        'touches_per_hour_to_person' as metric_code,
        person_id as counted_key
    from calls_and_mails
    where person_id <> 'unknown'
    group by person_id
    having count(*) > {{ touches_an_hour }}
),

bursts as (
    select
        busy.metric_code,
        calls_and_mails.touch_key as record_key,
        count(*) over (
            partition by busy.metric_code, busy.counted_key
            order by calls_and_mails.at_us asc nulls last
            range between 3599999999 preceding and current row
        ) as n_touches
    from calls_and_mails
    inner join busy
        on busy.metric_code = 'touches_per_hour_of_rep' and calls_and_mails.rep_id = busy.counted_key
    union all
    select
        busy.metric_code,
        calls_and_mails.touch_key as record_key,
        count(*) over (
            partition by busy.metric_code, busy.counted_key
            order by calls_and_mails.at_us asc nulls last
            range between 3599999999 preceding and current row
        ) as n_touches
    from calls_and_mails
    inner join busy
        on busy.metric_code = 'touches_per_hour_to_person' and calls_and_mails.person_id = busy.counted_key
),

durations as (
    select
        record_key,
        'call_duration_s' as metric_code,
        least(coalesce(duration_s, 0), coalesce(talk_s, 0), {{ seconds_between('started_at', 'ended_at') }})
            as metric_value
    from {{ ref('stg_telephony__call_legs') }}
    where duration_s < 0 or talk_s < 0 or ended_at < started_at
    union all
    select
        meeting_key as record_key,
        'meeting_duration_s' as metric_code,
        duration_s as metric_value
    from {{ ref('fct_meetings') }}
    where duration_s < 0
),

deals as (
    select
        opportunity_id,
        account_id,
        lead_id,
        is_won,
        is_open or is_won as is_counted,
        cast(amount_reporting as double) as amount
    from {{ ref('fct_opportunities') }}
    where amount_reporting > 0
),

-- A company's own deals say what a deal of it is worth; one alone says nothing.
deals_of_accounts as (
    select
        account_id,
        {{ metric_median('amount') }} as median_amount
    from deals
    where account_id <> 'unknown'
    group by account_id
    having count(*) >= {{ amounts_needed }}
),

mistyped as (
    select
        deals.opportunity_id as record_key,
        deals.amount as metric_value,
        cast(deals_of_accounts.median_amount as double) as median_value
    from deals
    inner join deals_of_accounts on deals.account_id = deals_of_accounts.account_id
    where deals.amount >= {{ error_factor }} * cast(deals_of_accounts.median_amount as double)
),

measured as (
    select
        'touches_per_lead' as metric_code,
        cadences.lead_id as record_key,
        cadences.account_id,
        leads.person_id,
        cast(cadences.n_effective_touches as double) as metric_value,
        cadences.is_converted as is_success
    from {{ ref('fct_lead_cadences') }} as cadences
    inner join {{ ref('fct_leads') }} as leads on cadences.lead_id = leads.lead_id
    where cadences.is_matured
    union all
    select
        'opportunity_amount' as metric_code,
        deals.opportunity_id as record_key,
        deals.account_id,
        cast(null as string) as person_id,
        deals.amount as metric_value,
        deals.is_won as is_success
    from deals
    left join mistyped on deals.opportunity_id = mistyped.record_key
    where deals.is_counted and mistyped.record_key is null
),

medians as (
    select
        metric_code,
        cast({{ metric_median('metric_value') }} as double) as median_value,
        cast({{ metric_quantile('metric_value', 0.99) }} as double) as q99_value
    from measured
    group by metric_code
),

deviations as (
    select
        measured.metric_code,
        cast({{ metric_median('abs(measured.metric_value - medians.median_value)') }} as double) as mad_value
    from measured
    inner join medians on measured.metric_code = medians.metric_code
    group by measured.metric_code
),

extremes as (
    select
        measured.*,
        medians.median_value,
        medians.q99_value,
        case
            when deviations.mad_value > 0
                then abs(measured.metric_value - medians.median_value) / (1.4826 * deviations.mad_value)
        end as robust_z
    from measured
    inner join medians on measured.metric_code = medians.metric_code
    inner join deviations on measured.metric_code = deviations.metric_code
),

disputes as (
    select distinct bearers.person_id
    from {{ ref('stg_crm__consents') }} as consents
    inner join {{ ref('int_person_attributes') }} as bearers on consents.email = bearers.email
    where consents.status = 'litigation' and not consents.is_deleted
),

complaints as (
    select distinct person_id
    from {{ ref('fct_email_sends') }}
    where is_complained
),

risky as (
    select person_id from disputes
    union
    select person_id from complaints
),

risky_accounts as (
    select distinct persons.account_id
    from {{ ref('dim_persons') }} as persons
    inner join risky on persons.person_id = risky.person_id
    where persons.account_id <> 'unknown'
),

judged as (
    select
        extremes.metric_code,
        extremes.record_key,
        extremes.metric_value,
        extremes.robust_z,
        extremes.q99_value as threshold_value,
        case
            when disputes.person_id is not null then 'dispute'
            when complaints.person_id is not null then 'complaint'
            when persons.is_email_opted_out or persons.is_call_opted_out then 'opt_out'
            when extremes.person_id is null and risky_accounts.account_id is not null then 'complaint_or_dispute'
            when accounts.is_strategic then 'strategic_account'
            when extremes.is_success then 'converted'
            else 'unexplained'
        end as reason_code
    from extremes
    left join {{ ref('dim_persons') }} as persons on extremes.person_id = persons.person_id
    left join disputes on extremes.person_id = disputes.person_id
    left join complaints on extremes.person_id = complaints.person_id
    left join risky_accounts on extremes.account_id = risky_accounts.account_id
    left join {{ ref('dim_accounts') }} as accounts on extremes.account_id = accounts.account_id
    where extremes.robust_z > {{ robust_bar }} or extremes.metric_value > extremes.q99_value
),

found as (
    select
        metric_code,
        record_key,
        cast(n_touches as double) as metric_value,
        cast(null as double) as robust_z,
        cast({{ touches_an_hour }} as double) as threshold_value,
        'error' as class_code,
        'impossible_pace' as reason_code
    from bursts
    where n_touches > {{ touches_an_hour }}
    union all
    select
        metric_code,
        record_key,
        cast(metric_value as double) as metric_value,
        cast(null as double) as robust_z,
        cast(0 as double) as threshold_value,
        'error' as class_code,
        'negative_duration' as reason_code
    from durations
    union all
    select
        'opportunity_amount' as metric_code,
        record_key,
        metric_value,
        cast(null as double) as robust_z,
        {{ error_factor }} * median_value as threshold_value,
        'error' as class_code,
        'amount_times_1000' as reason_code
    from mistyped
    union all
    select
        metric_code,
        record_key,
        metric_value,
        robust_z,
        threshold_value,
        case
            when reason_code in ('dispute', 'complaint', 'opt_out', 'complaint_or_dispute') then 'risk'
            when reason_code = 'strategic_account' then 'exceptional'
            when reason_code = 'converted' then 'opportunity'
            else 'risk_to_review'
        end as class_code,
        reason_code
    from judged
)

select
    metric_code || ':' || record_key as outlier_key,
    record_key,
    metric_code,
    {{ rounded('metric_value', 4) }} as metric_value,
    {{ rounded('robust_z', 4) }} as robust_z,
    {{ rounded('threshold_value', 4) }} as threshold_value,
    class_code,
    reason_code,
    'rule' as actor
from found
