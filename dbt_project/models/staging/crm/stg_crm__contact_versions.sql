{{ config(materialized="ephemeral") }}

{{ record_versions('crm_contact', ['account_id', 'modified_at']) }}
