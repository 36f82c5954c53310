-- A gate is judged on the fields that the CRM gives. A deal that skipped a stage passed its gate, at the instant of the
-- first later one. CRMs keep no history of these fields: what was filled in after the passage counts as evidence, so
-- that the deals without it are at least as many as counted.
with asked as (
    select
        passages.stage_passage_key,
        count(*) as n_needed,
        count(evidences.evidence_code) as n_recorded,
        count(case when evidences.is_present then 1 end) as n_present
    from {{ ref('fct_stage_passages') }} as passages
    inner join {{ ref('stage_gates') }} as gates on passages.stage_code = gates.stage_code
    left join {{ ref('fct_opportunity_evidences') }} as evidences
        on passages.opportunity_id = evidences.opportunity_id and gates.evidence_code = evidences.evidence_code
    group by passages.stage_passage_key
)

select
    passages.stage_passage_key,
    passages.opportunity_id,
    passages.stage_code,
    passages.stage_rank,
    passages.entered_on,
    asked.n_needed,
    asked.n_recorded,
    asked.n_present,
    asked.n_recorded > 0 as is_judged,
    asked.n_recorded > asked.n_present as is_without_evidence,
    passages.size_band_code,
    passages.channel_code
from asked
inner join {{ ref('fct_stage_passages') }} as passages on asked.stage_passage_key = passages.stage_passage_key
