with leads as (
    select *
    from {{ ref('fct_lead_cadences') }}
    where is_dated
),

segmented as (
    {{ segment_rows('leads', {'channel': 'channel_code', 'size_band': 'size_band_code', 'rep': 'rep_id'}) }}
),

cells as (
    select
        {{ first_of_month('created_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_leads,
        count(*) filter (where is_matured) as n_matured,
        count(*) filter (where not is_matured) as n_immature,
        count(*) filter (where is_matured and is_conversion_undated) as n_conversion_undated,
        count(*) filter (where is_matured and is_converted_in_window) as n_converted_in_window,
        coalesce(sum(case when is_matured then n_touches end), 0) as n_touches,
        {{ metric_median('case when is_matured then n_touches end') }} as touches_median,
        {{ metric_quantile('case when is_matured then n_touches end', 0.25) }} as touches_first_quartile,
        {{ metric_quantile('case when is_matured then n_touches end', 0.75) }} as touches_third_quartile,
        count(*) filter (where ttf_status_code = 'contacted') as n_contacted,
        count(*) filter (where ttf_status_code = 'never_contacted') as n_never_contacted,
        count(*) filter (where ttf_status_code = 'negative_ttf') as n_negative_ttf,
        count(*) filter (where ttf_status_code = 'day_only') as n_contacted_day_only,
        {{ metric_median('ttf_hours') }} as ttf_hours_median,
        count(*) filter (where is_older_24h) as n_older_24h,
        count(*) filter (where is_older_24h and is_contacted_24h) as n_contacted_24h
    from segmented
    group by {{ first_of_month('created_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_leads as bigint) as n_leads,
    cast(n_matured as bigint) as n_matured,
    cast(n_immature as bigint) as n_immature,
    cast(n_conversion_undated as bigint) as n_conversion_undated,
    cast(n_converted_in_window as bigint) as n_converted_in_window,
    {{ metric_ratio('n_converted_in_window', 'n_matured') }} as conversion_rate,
    case when n_matured = 0 then 'cohort_immature' end as conversion_reason_code,
    cast(n_touches as bigint) as n_touches,
    {{ metric_ratio('n_touches', 'n_matured') }} as touches_per_lead,
    touches_median,
    touches_first_quartile,
    touches_third_quartile,
    case when n_matured = 0 then 'cohort_immature' end as touches_reason_code,
    cast(n_contacted as bigint) as n_contacted,
    cast(n_never_contacted as bigint) as n_never_contacted,
    cast(n_negative_ttf as bigint) as n_negative_ttf,
    cast(n_contacted_day_only as bigint) as n_contacted_day_only,
    ttf_hours_median,
    case
        when n_contacted > 0 then null
        when n_contacted_day_only > 0 then 'contact_day_only'
        else 'no_contacted_lead'
    end as ttf_reason_code,
    cast(n_older_24h as bigint) as n_older_24h,
    cast(n_contacted_24h as bigint) as n_contacted_24h,
    {{ metric_ratio('n_contacted_24h', 'n_older_24h') }} as contacted_24h_rate,
    case when n_older_24h = 0 then 'cohort_immature' end as contacted_24h_reason_code
from cells
