{{ config(materialized="ephemeral") }}

{{ record_versions('crm_user', ['manager_id', 'role_name', 'team_name', 'region', 'is_active', 'modified_at']) }}
