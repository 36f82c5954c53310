with touches as (
    {{ touch_rows() }}
),

-- Of one contact once a reason: a pace can be impossible for the seller and for the person.
impossible as (
    select distinct
        source_stream_code,
        source_key
    from {{ ref('int_touch_outliers') }}
    where is_error
)

select
    touches.source_stream_code || ':' || touches.source_key as touch_key,
    touches.source_stream_code,
    touches.source_key,
    touches.lead_id,
    touches.person_id,
    touches.account_id,
    touches.rep_id,
    touches.channel_code,
    touches.direction_code,
    touches.occurred_at,
    {{ local_day('touches.occurred_at', 'settings.timezone') }} as occurred_on,
    touches.is_day_only,
    touches.is_effective,
    touches.duration_s
from touches
cross join {{ run_settings() }} as settings
left join impossible
    on touches.source_stream_code = impossible.source_stream_code and touches.source_key = impossible.source_key
where impossible.source_key is null
