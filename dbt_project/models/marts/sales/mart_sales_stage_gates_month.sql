with segmented as (
    {{ segment_rows(ref('fct_stage_gates'), {'channel': 'channel_code', 'size_band': 'size_band_code'}) }}
),

cells as (
    select
        {{ first_of_month('entered_on') }} as period_month,
        segment_kind_code,
        segment_code,
        stage_code,
        stage_rank,
        count(*) as n_past_gate,
        count(case when is_judged then 1 end) as n_judged,
        count(case when is_without_evidence then 1 end) as n_without_evidence
    from segmented
    group by {{ first_of_month('entered_on') }}, segment_kind_code, segment_code, stage_code, stage_rank
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(stage_code as string) as stage_code,
    cast(stage_rank as integer) as stage_rank,
    cast(n_past_gate as bigint) as n_past_gate,
    cast(n_judged as bigint) as n_judged,
    cast(n_without_evidence as bigint) as n_without_evidence,
    {{ metric_ratio('n_without_evidence', 'n_judged') }} as gate_without_evidence_rate,
    case when n_judged = 0 then 'evidence_not_recorded' end as gate_reason_code
from cells
