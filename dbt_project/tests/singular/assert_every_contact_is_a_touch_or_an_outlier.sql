-- Calls and mails at an impossible pace stay in their facts and leave the touches: without a count of both sides a join
-- that drops touches would look like outliers.
with contacts as (
    {{ touch_rows() }}
),

sides as (
    select
        source_stream_code,
        count(*) as n_contacts,
        0 as n_touches,
        0 as n_outliers
    from contacts
    group by source_stream_code
    union all
    select
        source_stream_code,
        0 as n_contacts,
        count(*) as n_touches,
        0 as n_outliers
    from {{ ref('fct_touches') }}
    group by source_stream_code
    union all
    select
        source_stream_code,
        0 as n_contacts,
        0 as n_touches,
        count(distinct source_key) as n_outliers
    from {{ ref('int_touch_outliers') }}
    where is_error
    group by source_stream_code
)

select
    source_stream_code,
    sum(n_contacts) as n_contacts,
    sum(n_touches) as n_touches,
    sum(n_outliers) as n_outliers
from sides
group by source_stream_code
having sum(n_contacts) <> sum(n_touches) + sum(n_outliers)
