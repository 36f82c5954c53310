-- What telephony and mail call a seller: an extension or a mailbox. A handle of two active users names nobody.
with handles as (
    select
        lower(phone_extension) as handle_value,
        rep_id,
        is_active
    from {{ ref('dim_reps') }}
    where phone_extension is not null
    union
    select
        email as handle_value,
        rep_id,
        is_active
    from {{ ref('dim_reps') }}
    where email is not null
)

select
    handle_value,
    case
        when count(*) filter (where is_active) = 1 then min(rep_id) filter (where is_active)
        when count(*) = 1 then min(rep_id)
        else 'unknown'
    end as rep_id
from handles
group by handle_value
