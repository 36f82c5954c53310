{{ config(materialized="ephemeral") }}

{{ record_versions('crm_account', ['parent_account_id', 'modified_at']) }}
