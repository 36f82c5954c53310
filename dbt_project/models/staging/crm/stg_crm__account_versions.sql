{{ config(materialized="ephemeral") }}

{{ record_versions('crm_account', ['parent_account_id', 'is_strategic', 'modified_at']) }}
