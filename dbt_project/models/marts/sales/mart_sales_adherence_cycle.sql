-- Every rule that people keep to has its row for the whole company, with a reason where no lead was to be judged.
with judged as (
    select
        adherences.*,
        adherences.channel_code || '/' || adherences.size_band_code as channel_size_code,
        case
            when adherences.exempt_code in ('negative_ttf', 'day_only', 'not_dated') then 'not_assessed'
            when adherences.exempt_code is not null then 'exempt'
            else 'judged'
        end as standing_code
    from {{ ref('fct_lead_adherences') }} as adherences
),

cut as (
    {{ segment_rows('judged', {
        'channel': 'channel_code',
        'size_band': 'size_band_code',
        'channel_size': 'channel_size_code',
    }) }}
),

counted as (
    select
        segment_kind_code,
        segment_code,
        rule_code,
        min(threshold_value) as threshold_low,
        max(threshold_value) as threshold_high,
        count(*) as n_leads,
        count(*) filter (where standing_code = 'exempt') as n_exempt,
        count(*) filter (where standing_code = 'not_assessed') as n_not_assessed,
        count(*) filter (where standing_code = 'judged') as n_judged,
        count(*) filter (where is_within) as n_within,
        count(*) filter (where is_within_otherwise) as n_within_otherwise,
        count(*) filter (where is_within_otherwise is not null) as n_judged_otherwise,
        count(*) filter (where exempt_code is null and actual_value is null) as n_never_contacted
    from cut
    group by segment_kind_code, segment_code, rule_code
),

rules as (
    select distinct rule_code
    from {{ ref('fct_thresholds') }}
    where rule_code in (
        'min_touches', 'max_touches', 'min_channels', 'min_contacts', 'max_mails_a_day', 'warm_intro_after',
        'ttf_max_hours', 'hot_min_touches', 'hot_cool_down_days'
    )
),

listed as (
    select
        segment_kind_code,
        segment_code,
        rule_code
    from counted
    union
    select
        'all' as segment_kind_code,
        'all' as segment_code,
        rule_code
    from rules
)

select
    settings.cycle_start,
    listed.segment_kind_code,
    listed.segment_code,
    listed.rule_code,
    case when counted.threshold_low = counted.threshold_high then counted.threshold_low end as threshold_value,
    cast(coalesce(counted.n_leads, 0) as bigint) as n_leads,
    cast(coalesce(counted.n_exempt, 0) as bigint) as n_exempt,
    cast(coalesce(counted.n_not_assessed, 0) as bigint) as n_not_assessed,
    cast(coalesce(counted.n_judged, 0) as bigint) as n_judged,
    cast(coalesce(counted.n_within, 0) as bigint) as n_within,
    cast(coalesce(counted.n_judged, 0) - coalesce(counted.n_within, 0) as bigint) as n_breaches,
    cast(coalesce(counted.n_never_contacted, 0) as bigint) as n_never_contacted,
    {{ metric_ratio('counted.n_within', 'counted.n_judged') }} as within_rate,
    {{ metric_ratio('counted.n_within_otherwise', 'counted.n_judged_otherwise') }} as within_otherwise_rate,
    case
        when coalesce(counted.n_judged, 0) > 0 then cast(null as string)
        when coalesce(counted.n_leads, 0) > 0 then 'nobody_judged'
        else 'no_lead'
    end as reason_code
from listed
cross join {{ run_settings() }} as settings
left join counted
    on
        listed.segment_kind_code = counted.segment_kind_code
        and listed.segment_code = counted.segment_code
        and listed.rule_code = counted.rule_code
