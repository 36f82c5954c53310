{{ config(materialized="ephemeral") }}

{{ record_versions('crm_account', ['parent_account_id', 'owner_id', 'employee_count', 'is_strategic', 'modified_at']) }}
