-- Contacts beyond what a seller can make, or a person can get, in an hour, and what people decided about contacts. Held
-- meetings are no contacts of this kind: one with eighty guests is eighty rows of one hour.
{% set touches_an_hour = outlier_bar('touches_an_hour') | int %}

with touches as (
    {{ touch_rows() }}
),

calls_and_mails as (
    select
        source_stream_code,
        source_key,
        person_id,
        rep_id,
        {{ epoch_micros('occurred_at') }} as at_us
    from touches
    where direction_code = 'outbound' and channel_code <> 'meeting' and not is_day_only
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

busy_reps as (
    select distinct rep_id from busy_hours
),

busy_persons as (
    select person_id
    from calls_and_mails
    where person_id <> 'unknown'
    group by person_id
    having count(*) > {{ touches_an_hour }}
),

bursts as (
    select
        'touches_per_hour_of_rep' as metric_code,
        contacts.source_stream_code,
        contacts.source_key,
        count(*) over (
            partition by contacts.rep_id
            order by contacts.at_us asc nulls last
            range between 3599999999 preceding and current row
        ) as n_touches
    from calls_and_mails as contacts
    inner join busy_reps on contacts.rep_id = busy_reps.rep_id
    union all
    select
        'touches_per_hour_to_person' as metric_code,
        contacts.source_stream_code,
        contacts.source_key,
        count(*) over (
            partition by contacts.person_id
            order by contacts.at_us asc nulls last
            range between 3599999999 preceding and current row
        ) as n_touches
    from calls_and_mails as contacts
    inner join busy_persons on contacts.person_id = busy_persons.person_id
),

found as (
    select
        metric_code,
        source_stream_code,
        source_key,
        n_touches
    from bursts
    where n_touches > {{ touches_an_hour }}
),

-- The key of a touch is its stream, a colon and the key in the stream.
decided as (
    select
        metric_code,
        split_part(record_key, ':', 1) as source_stream_code,
        substr(record_key, length(split_part(record_key, ':', 1)) + 2) as source_key,
        class_code
    from {{ source('stewardship', 'outlier_classes') }}
    where status = 'active' and metric_code in ('touches_per_hour_of_rep', 'touches_per_hour_to_person')
),

decided_errors as (
    select
        decided.metric_code,
        contacts.source_stream_code,
        contacts.source_key
    from calls_and_mails as contacts
    inner join decided
        on contacts.source_stream_code = decided.source_stream_code and contacts.source_key = decided.source_key
    left join found
        on
            decided.metric_code = found.metric_code
            and decided.source_stream_code = found.source_stream_code
            and decided.source_key = found.source_key
    where decided.class_code = 'error' and found.source_key is null
)

select
    found.metric_code || ':' || found.source_stream_code || ':' || found.source_key as touch_outlier_key,
    found.metric_code,
    found.source_stream_code,
    found.source_key,
    found.n_touches,
    {{ is_outlier_error('decided', 'true') }} as is_error
from found
left join decided
    on
        found.metric_code = decided.metric_code
        and found.source_stream_code = decided.source_stream_code
        and found.source_key = decided.source_key
union all
select
    metric_code || ':' || source_stream_code || ':' || source_key as touch_outlier_key,
    metric_code,
    source_stream_code,
    source_key,
    cast(null as bigint) as n_touches,
    {{ applies('outlier_error', 'true') }} as is_error
from decided_errors
