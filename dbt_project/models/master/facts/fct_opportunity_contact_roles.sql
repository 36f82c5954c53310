-- A role whose contact or opportunity nobody knows stays: that the CRM notes roles is a fact of its own.
with roles as (
    select
        roles.record_key as contact_role_key,
        {{ record_key('roles.source_instance', 'crm_opportunity', 'roles.opportunity_id') }} as opportunity_key,
        {{ record_key('roles.source_instance', 'crm_contact', 'roles.contact_id') }} as contact_key,
        coalesce(roles.role_code, 'other') as role_code,
        coalesce(roles.is_primary, false) as is_primary,
        roles.created_at
    from {{ ref('stg_crm__opportunity_contact_roles') }} as roles
    where {{ deleted_exclusion('roles') }} is null
)

select
    roles.contact_role_key,
    coalesce(opportunities.opportunity_id, 'unknown') as opportunity_id,
    coalesce(xref.person_id, 'unknown') as person_id,
    roles.role_code,
    roles.is_primary,
    roles.created_at as noted_at
from roles
left join {{ ref('fct_opportunities') }} as opportunities on roles.opportunity_key = opportunities.opportunity_id
left join {{ ref('xref_persons') }} as xref on roles.contact_key = xref.record_key
