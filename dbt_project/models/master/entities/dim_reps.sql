select
    record_key as rep_id,
    full_name,
    email,
    role_name,
    {{ rep_role_code('role_name') }} as role_code,
    team_name,
    timezone,
    nullif(trim(phone_extension), '') as phone_extension,
    coalesce(is_active, true) as is_active,
    hired_on,
    left_on
from {{ ref('stg_crm__users') }}
union all
select
    'unknown' as rep_id,
    'unknown' as full_name,
    cast(null as string) as email,
    cast(null as string) as role_name,
    'unknown' as role_code,
    cast(null as string) as team_name,
    cast(null as string) as timezone,
    cast(null as string) as phone_extension,
    false as is_active,
    cast(null as date) as hired_on,
    cast(null as date) as left_on
