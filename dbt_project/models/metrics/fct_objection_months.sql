-- What people logged of a talk, by the objection noted on it. Before the first month with one its source had no such
-- field: there is no row, and where no activity has one no local day is looked up.
with first_notes as (
    select
        coalesce(activities.source_instance, 'unknown') as source_instance,
        min(activities.occurred_at) as first_noted_at
    from {{ ref('int_activities') }} as activities
    cross join {{ run_settings() }} as settings
    where activities.objection_code is not null and activities.occurred_at < settings.as_of
    group by coalesce(activities.source_instance, 'unknown')
),

noted as (
    select
        coalesce(source_instance, 'unknown') as source_instance,
        account_id,
        occurred_at,
        objection_code
    from {{ ref('int_activities') }}
    where
        activity_type in ('call', 'meeting', 'task', 'note')
        and not is_deleted
        and not is_automated
),

dated as (
    select
        coalesce(accounts.size_band_code, 'unknown') as size_band_code,
        coalesce(noted.objection_code, 'none') as objection_code,
        {{ first_of_month(local_day('noted.occurred_at', 'settings.timezone')) }} as period_month,
        {{ first_of_month(local_day('first_notes.first_noted_at', 'settings.timezone')) }} as first_month
    from noted
    inner join first_notes on noted.source_instance = first_notes.source_instance
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
where period_month >= first_month
group by period_month, size_band_code, objection_code
