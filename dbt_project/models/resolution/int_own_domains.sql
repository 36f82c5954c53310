with listed as (
    select {{ split_to_rows('settings.own_domains') }} as own_domain
    from {{ source('run', 'settings') }} as settings
)

select distinct lower(trim(own_domain)) as own_domain
from listed
where trim(own_domain) <> ''
