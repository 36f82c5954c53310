with golden as (
    select
        account_id,
        min_by(name, survivorship_rank) filter (where name is not null) as account_name,
        min_by(registration_number, survivorship_rank) filter (where registration_number is not null)
            as registration_number,
        min_by(vat_number, survivorship_rank) filter (where vat_number is not null) as vat_number,
        min_by(country_code, survivorship_rank) filter (where country_code is not null) as country_code,
        min_by(postal_code, survivorship_rank) filter (where postal_code is not null) as postal_code,
        min_by(city, survivorship_rank) filter (where city is not null) as city,
        min_by(industry, survivorship_rank) filter (where industry is not null) as industry,
        min_by(employee_count, survivorship_rank) filter (where employee_count is not null) as employee_count,
        bool_or(is_strategic) as is_strategic,
        bool_or(is_customer) as is_customer,
        min_by(owner_rep_id, survivorship_rank) filter (where owner_rep_id is not null) as owner_rep_id,
        count(*) as n_source_records,
        min(first_seen_on) as first_seen_on
    from {{ ref('int_account_attributes') }}
    where account_id <> 'unknown'
    group by account_id
)

select
    golden.account_id,
    golden.account_name,
    golden.registration_number,
    golden.vat_number,
    golden.country_code,
    golden.postal_code,
    golden.city,
    golden.industry,
    golden.employee_count,
    coalesce(bands.size_band_code, 'unknown') as size_band_code,
    golden.is_strategic,
    golden.is_customer,
    {{ group_id_of('coalesce(roots.root_account_id, golden.account_id)') }} as group_id,
    coalesce(reps.rep_id, 'unknown') as owner_rep_id,
    golden.n_source_records,
    golden.first_seen_on
from golden
left join {{ ref('int_account_roots') }} as roots on golden.account_id = roots.account_id
left join {{ ref('dim_reps') }} as reps on golden.owner_rep_id = reps.rep_id
left join {{ ref('size_bands') }} as bands
    on
        golden.employee_count >= bands.min_employees
        and golden.employee_count <= coalesce(bands.max_employees, golden.employee_count)
union all
select
    'unknown' as account_id,
    'unknown' as account_name,
    cast(null as string) as registration_number,
    cast(null as string) as vat_number,
    cast(null as string) as country_code,
    cast(null as string) as postal_code,
    cast(null as string) as city,
    cast(null as string) as industry,
    cast(null as bigint) as employee_count,
    'unknown' as size_band_code,
    false as is_strategic,
    false as is_customer,
    'unknown' as group_id,
    'unknown' as owner_rep_id,
    0 as n_source_records,
    cast(null as date) as first_seen_on
