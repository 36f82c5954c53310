select
    metrics.record_key as social_metric_key,
    metrics.network as network_code,
    case when metrics.owner_email is null then 'page' else 'rep' end as holder_kind_code,
    case when metrics.owner_email is null then 'none' else coalesce(handles.rep_id, 'unknown') end as rep_id,
    metrics.page_name,
    metrics.metric as metric_code,
    metrics.period as period_code,
    metrics.measured_on,
    {{ first_of_month('metrics.measured_on') }} as period_month,
    cast(metrics.value as decimal(18, 4)) as metric_value
from {{ ref('stg_social__metrics') }} as metrics
left join {{ ref('int_rep_handles') }} as handles on metrics.owner_email = handles.handle_value
where {{ deleted_exclusion('metrics') }} is null
