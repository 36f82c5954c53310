-- The sources give the hierarchy of today without dates; a dated merger is a row of the stewards, not of a CRM.
select
    account_id,
    group_id,
    'legal' as kind_code,
    cast('1900-01-01' as date) as valid_from,
    cast(null as date) as valid_to
from {{ ref('dim_accounts') }}
