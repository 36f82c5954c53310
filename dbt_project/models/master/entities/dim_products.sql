select
    record_key as product_id,
    code as product_code,
    name as product_name,
    coalesce(nullif(trim(family), ''), 'unknown') as product_family,
    coalesce(is_recurring, false) as is_recurring
from {{ ref('stg_erp__products') }}
union all
select
    'unknown' as product_id,
    'unknown' as product_code,
    'unknown' as product_name,
    'unknown' as product_family,
    false as is_recurring
