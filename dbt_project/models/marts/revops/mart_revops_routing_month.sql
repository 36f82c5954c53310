with segmented as (
    {{ segment_rows(ref('fct_lead_routings'), {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'rep': 'rep_id'
    }) }}
),

cells as (
    select
        {{ first_of_month('created_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_leads,
        count(case when is_sla_over then 1 end) as n_sla_over,
        count(case when is_sla_over and is_routed_in_sla then 1 end) as n_routed_in_sla,
        count(case when is_assigned then 1 end) as n_assigned,
        count(assignment_hours) as n_timed,
        {{ metric_median('assignment_hours') }} as assignment_hours_median,
        count(n_owner_changes) as n_followed,
        count(case when n_owner_changes > 0 then 1 end) as n_reassigned
    from segmented
    group by {{ first_of_month('created_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_leads as bigint) as n_leads,
    cast(n_sla_over as bigint) as n_sla_over,
    cast(n_leads - n_sla_over as bigint) as n_sla_open,
    cast(n_routed_in_sla as bigint) as n_routed_in_sla,
    {{ metric_ratio('n_routed_in_sla', 'n_sla_over') }} as routed_in_sla_rate,
    cast(case when n_sla_over = 0 then 'cohort_immature' end as string) as routed_in_sla_reason_code,
    cast(n_assigned as bigint) as n_assigned,
    cast(n_timed as bigint) as n_timed,
    assignment_hours_median,
    cast(case when n_timed = 0 then 'no_timed_assignment' end as string) as assignment_reason_code,
    cast(n_followed as bigint) as n_followed,
    cast(n_reassigned as bigint) as n_reassigned,
    {{ metric_ratio('n_reassigned', 'n_followed') }} as reassigned_rate,
    cast(case when n_followed = 0 then 'owner_changes_not_delivered' end as string) as reassigned_reason_code
from cells
