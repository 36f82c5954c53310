-- A field that no opportunity of a CRM has ever filled is one that this CRM does not have, or that nobody uses there:
-- its absence says nothing of a deal, so it has no rows. An empty field of a CRM that has it is evidence that lacks.
-- An unused checkbox is exported as false on every deal: false alone does not say that the field is in use.
-- No shipped CRM keeps a history of these fields, so what counts is what the newest extract shows.
{%- set evidences = [
    'metrics', 'economic_buyer', 'decision_criteria', 'decision_process', 'identified_pain', 'champion'
] %}
with deals as (
    select records.*
    from {{ ref('stg_crm__opportunities') }} as records
    inner join {{ ref('fct_opportunities') }} as opportunities on records.record_key = opportunities.opportunity_id
),

filled as (
    {% for evidence in evidences -%}
        select
            record_key as opportunity_id,
            source_instance,
            '{{ evidence }}' as evidence_code,
            has_{{ evidence }} as is_filled
        from deals
        {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

given as (
    select
        source_instance,
        evidence_code
    from filled
    where is_filled
    group by source_instance, evidence_code
)

select
    filled.opportunity_id || '/' || filled.evidence_code as opportunity_evidence_key,
    filled.opportunity_id,
    filled.evidence_code,
    coalesce(filled.is_filled, false) as is_present
from filled
inner join given
    on filled.source_instance = given.source_instance and filled.evidence_code = given.evidence_code
