{%- set cell = ['period_month', 'segment_kind_code', 'segment_code'] %}

with leads as (
    select
        *,
        {{ first_of_month('created_on') }} as period_month,
        ttf_status_code = 'contacted' as is_contacted
    from {{ ref('fct_lead_cadences') }}
    where is_dated
),

segmented as (
    {{ segment_rows('leads', {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'source': 'source_code', 'rep': 'rep_id'
    }) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_leads,
        count(*) filter (where is_social) as n_social,
        count(*) filter (where is_followed_up) as n_followed_up,
        count(*) filter (where is_contact_due) as n_contact_due,
        count(*) filter (where is_contact_due and is_contacted_same_day) as n_contacted_same_day,
        count(*) filter (where ttf_status_code = 'contacted') as n_contacted,
        count(*) filter (where ttf_status_code = 'day_only') as n_contacted_day_only,
        count(ttf_business_hours) as n_business_timed,
        {{ metric_median('ttf_business_hours') }} as ttf_business_hours_median,
        count(ttf_observed_hours) as n_km_leads,
        count(case when is_contacted then ttf_observed_hours end) as n_km_contacted,
        sum(n_fields_filled) as n_fields_filled,
        sum(n_fields_expected) as n_fields_expected
    from segmented
    group by period_month, segment_kind_code, segment_code
),

survivors as (
    select * from {{ kaplan_meier('segmented', cell, 'ttf_observed_hours', 'is_contacted') }} as survival
),

half_contacted as (
    select * from {{ kaplan_meier_quantile('survivors', cell) }} as medians
),

timed as (
    select
        cells.*,
        half_contacted.duration as km_hours
    from cells
    left join half_contacted
        on
            cells.period_month = half_contacted.period_month
            and cells.segment_kind_code = half_contacted.segment_kind_code
            and cells.segment_code = half_contacted.segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_leads as bigint) as n_leads,
    cast(n_social as bigint) as n_social,
    cast(n_followed_up as bigint) as n_followed_up,
    {{ metric_ratio('n_followed_up', 'n_leads') }} as followed_up_rate,
    cast(n_contact_due as bigint) as n_contact_due,
    cast(n_leads - n_contact_due as bigint) as n_contact_not_due,
    cast(n_contacted_same_day as bigint) as n_contacted_same_day,
    {{ metric_ratio('n_contacted_same_day', 'n_contact_due') }} as same_day_contact_rate,
    case when n_contact_due = 0 then 'cohort_immature' end as same_day_contact_reason_code,
    cast(n_business_timed as bigint) as n_business_timed,
    ttf_business_hours_median,
    case
        when n_business_timed > 0 then null
        when n_contacted_day_only > 0 then 'contact_day_only'
        else 'no_contacted_lead'
    end as ttf_business_reason_code,
    case
        when n_km_contacted * 2 >= n_km_leads then cast(km_hours as decimal(18, 6))
    end as ttf_km_hours_median,
    cast(n_km_leads as bigint) as n_km_leads,
    cast(n_km_contacted as bigint) as n_km_contacted,
    case
        when n_km_leads = 0 and n_contacted_day_only > 0 then 'contact_day_only'
        when n_km_leads = 0 then 'no_contacted_lead'
        when n_km_contacted * 2 < n_km_leads then 'under_half_contacted'
    end as ttf_km_reason_code,
    cast(n_fields_filled as bigint) as n_fields_filled,
    cast(n_fields_expected as bigint) as n_fields_expected,
    {{ metric_ratio('n_fields_filled', 'n_fields_expected') }} as crm_fields_rate
from timed
