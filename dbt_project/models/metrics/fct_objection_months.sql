-- What people logged of a talk, by the objection noted on it. Where no activity of the company has one, its CRM has no
-- such field: there is no row, and no local day is looked up.
with noted as (
    select
        account_id,
        occurred_at,
        objection_code
    from {{ ref('int_activities') }}
    where
        activity_type in ('call', 'meeting', 'task', 'note')
        and not is_deleted
        and not is_automated
        and exists (
            select 1
            from {{ ref('int_activities') }}
            where objection_code is not null
        )
),

dated as (
    select
        coalesce(accounts.size_band_code, 'unknown') as size_band_code,
        coalesce(noted.objection_code, 'none') as objection_code,
        {{ first_of_month(local_day('noted.occurred_at', 'settings.timezone')) }} as period_month
    from noted
    cross join {{ run_settings() }} as settings
    left join {{ ref('dim_accounts') }} as accounts on noted.account_id = accounts.account_id
    where noted.occurred_at < settings.as_of
)

select
    cast(period_month as string) || '/' || size_band_code || '/' || objection_code as objection_month_key,
    period_month,
    size_band_code,
    objection_code,
    count(*) as n_activities
from dated
group by period_month, size_band_code, objection_code
