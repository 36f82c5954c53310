-- Leads for whose origin and size no template exists are in no rate and are counted.
with every_lead as (
    select
        rep_id,
        channel_code,
        size_band_code,
        template_code,
        created_on,
        is_adherent,
        n_steps,
        n_steps_kept,
        true as has_template
    from {{ ref('fct_lead_sequences') }}
    union all
    select
        cadences.rep_id,
        cadences.channel_code,
        cadences.size_band_code,
        'none' as template_code,
        cadences.created_on,
        false as is_adherent,
        0 as n_steps,
        0 as n_steps_kept,
        false as has_template
    from {{ ref('fct_lead_cadences') }} as cadences
    left join {{ ref('cadence_templates') }} as templates
        on cadences.channel_code = templates.channel_code and cadences.size_band_code = templates.size_band_code
    where cadences.is_dated and templates.template_code is null
),

segmented as (
    {{ segment_rows('every_lead', {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'rep': 'rep_id', 'template': 'template_code'
    }) }}
),

cells as (
    select
        {{ first_of_month('created_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) filter (where has_template) as n_leads,
        count(*) filter (where not has_template) as n_leads_without_template,
        count(*) filter (where is_adherent) as n_adherent,
        sum(n_steps) as n_steps,
        sum(n_steps_kept) as n_steps_kept
    from segmented
    group by {{ first_of_month('created_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_leads as bigint) as n_leads,
    cast(n_leads_without_template as bigint) as n_leads_without_template,
    cast(n_adherent as bigint) as n_adherent,
    {{ metric_ratio('n_adherent', 'n_leads') }} as cadence_adherence_rate,
    case when n_leads = 0 then 'no_cadence_template' end as adherence_reason_code,
    cast(n_steps as bigint) as n_steps,
    cast(n_steps_kept as bigint) as n_steps_kept,
    {{ metric_ratio('n_steps_kept', 'n_steps') }} as steps_kept_rate,
    case
        when n_leads = 0 then 'no_cadence_template'
        when n_steps = 0 then 'no_planned_step'
    end as steps_reason_code
from cells
