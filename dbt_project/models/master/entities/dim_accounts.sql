with golden as (
    {{- unanimous_values('account') }}
),

chosen as (
    {{- chosen_values('account') }}
),

survived as (
    select
        golden.golden_id as account_id,
        coalesce(chosen.account_name, golden.account_name) as account_name,
        coalesce(chosen.registration_number, golden.registration_number) as registration_number,
        coalesce(chosen.vat_number, golden.vat_number) as vat_number,
        coalesce(chosen.country_code, golden.country_code) as country_code,
        coalesce(chosen.postal_code, golden.postal_code) as postal_code,
        coalesce(chosen.city, golden.city) as city,
        coalesce(chosen.industry, golden.industry) as industry,
        coalesce(chosen.employee_count, golden.employee_count) as employee_count,
        coalesce(chosen.is_strategic, golden.is_strategic) as is_strategic,
        coalesce(chosen.is_customer, golden.is_customer) as is_customer,
        coalesce(chosen.owner_rep_id, golden.owner_rep_id, 'unknown') as owner_rep_id,
        golden.n_source_records,
        golden.first_seen_on
    from golden
    left join chosen on golden.golden_id = chosen.golden_id
)

select
    survived.account_id,
    survived.account_name,
    survived.registration_number,
    survived.vat_number,
    survived.country_code,
    survived.postal_code,
    survived.city,
    survived.industry,
    survived.employee_count,
    coalesce(bands.size_band_code, 'unknown') as size_band_code,
    survived.is_strategic,
    survived.is_customer,
    {{ group_id_of('coalesce(roots.root_account_id, survived.account_id)') }} as group_id,
    survived.owner_rep_id,
    survived.n_source_records,
    survived.first_seen_on
from survived
left join {{ ref('int_account_roots') }} as roots on survived.account_id = roots.account_id
left join {{ ref('size_bands') }} as bands
    on
        survived.employee_count >= bands.min_employees
        and survived.employee_count <= coalesce(bands.max_employees, survived.employee_count)
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
