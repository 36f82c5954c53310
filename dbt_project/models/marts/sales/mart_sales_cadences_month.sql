with segmented as (
    {{ segment_rows(ref('fct_lead_sequences'), {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'rep': 'rep_id', 'template': 'template_code'
    }) }}
),

cells as (
    select
        {{ first_of_month('created_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_leads,
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
    cast(n_adherent as bigint) as n_adherent,
    {{ metric_ratio('n_adherent', 'n_leads') }} as cadence_adherence_rate,
    cast(n_steps as bigint) as n_steps,
    cast(n_steps_kept as bigint) as n_steps_kept,
    {{ metric_ratio('n_steps_kept', 'n_steps') }} as steps_kept_rate,
    case when n_steps = 0 then 'no_planned_step' end as steps_reason_code
from cells
