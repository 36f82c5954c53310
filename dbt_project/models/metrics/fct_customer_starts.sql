-- The first stay of an account: who comes back is a win-back, not a new start. Lost within 90 days means fewer than 90
-- days of service; only a start whose 90 days ended with the cycle or before can tell.
select
    spells.account_id,
    spells.size_band_code,
    spells.started_on,
    {{ first_of_month('spells.started_on') }} as period_month,
    {{ first_of_quarter('spells.started_on') }} as start_quarter_on,
    spells.ended_on,
    cast({{ days_between('spells.started_on', 'coalesce(spells.ended_on, settings.cycle_end)') }} as bigint)
        as service_days,
    cast({{ days_between('spells.started_on', 'settings.cycle_end') }} as bigint) as known_days,
    spells.ended_on is not null as is_lost,
    {{ days_between('spells.started_on', 'settings.cycle_end') }} >= 90 as is_matured_90d,
    coalesce({{ days_between('spells.started_on', 'spells.ended_on') }} < 90, false) as is_lost_90d
from {{ ref('fct_subscription_spells') }} as spells
cross join {{ run_settings() }} as settings
where spells.spell_number = 1
