-- What became of an opportunity between the first instant of a window and the end of the cycle. Windows: the last
-- seven days of the cycle, and the cycle. What was known on a day is told as in fct_opportunity_snapshots: changes of
-- that day and later do not count, and where the history never speaks of a value the present one stands in. The test
-- assert_pipeline_movements_meet_the_snapshots compares both.
-- Amounts are in the reporting currency: the opening one at the rate of its own month, all that moves at the rate of
-- the cycle. So what the exchange rates did is a part of its own, and opening + parts = closing to the last decimal.
-- A week in which nothing moves must weigh as much at both ends: it is weighted with the chances known at its end. The
-- month opens with those known on its first day, as the last monthly snapshot did.
-- The quarter holds the day after the cycle; what is planned by its end belongs to it, overdue included.
with windows as (
    select
        'week' as window_code,
        {{ add_days('cycle_end', -7) }} as window_start_on,
        cycle_end as window_end_on,
        cycle_start as cycle_first_on,
        cycle_end as opening_chances_on,
        as_of,
        {{ first_of_month(add_days('cycle_end', -8)) }} as opening_rate_month,
        {{ add_months(first_of_quarter('cycle_end'), 3) }} as quarter_end_on
    from {{ run_settings() }}
    union all
    select
        'month' as window_code,
        cycle_start as window_start_on,
        cycle_end as window_end_on,
        cycle_start as cycle_first_on,
        cycle_start as opening_chances_on,
        as_of,
        {{ add_months('cycle_start', -1) }} as opening_rate_month,
        {{ add_months(first_of_quarter('cycle_end'), 3) }} as quarter_end_on
    from {{ run_settings() }}
),

candidates as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.rep_id,
        coalesce(reps.team_name, 'unknown') as team_name,
        opportunities.currency,
        opportunities.amount,
        opportunities.stage_code,
        opportunities.expected_close_on,
        opportunities.forecast_category_code,
        opportunities.opened_on,
        coalesce(opportunities.closed_on, cast('9999-12-31' as date)) as ended_on,
        opportunities.is_open,
        opportunities.is_won
    from {{ ref('fct_opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    left join {{ ref('dim_reps') }} as reps on opportunities.rep_id = reps.rep_id
    where
        opportunities.opened_on < settings.cycle_end
        and (opportunities.is_open or opportunities.closed_on >= settings.cycle_start)
),

changes as (
    select
        changes.opportunity_id,
        changes.changed_at,
        {{ local_day('changes.changed_at', 'settings.timezone') }} as changed_on,
        changes.stage_code,
        changes.amount,
        changes.expected_close_on,
        changes.forecast_category_code,
        row_number() over (
            partition by changes.opportunity_id order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as place
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    inner join candidates on changes.opportunity_id = candidates.opportunity_id
),

spoken_of as (
    select
        opportunity_id,
        count(stage_code) > 0 as has_stages,
        count(amount) > 0 as has_amounts,
        count(expected_close_on) > 0 as has_close_dates,
        count(forecast_category_code) > 0 as has_categories
    from changes
    group by opportunity_id
),

dated_changes as (
    select
        changes.*,
        windows.window_code,
        changes.changed_on < windows.window_start_on as is_before
    from changes
    cross join windows
    where changes.changed_at < windows.as_of and changes.changed_on < windows.window_end_on
),

known as (
    select
        opportunity_id,
        window_code,
        max_by(stage_code, place) filter (where stage_code is not null and is_before) as before_stage_code,
        max_by(stage_code, place) filter (where stage_code is not null) as after_stage_code,
        max_by(amount, place) filter (where amount is not null and is_before) as before_amount,
        max_by(amount, place) filter (where amount is not null) as after_amount,
        max_by(expected_close_on, place) filter (where expected_close_on is not null and is_before)
            as before_expected_close_on,
        max_by(expected_close_on, place) filter (where expected_close_on is not null) as after_expected_close_on,
        max_by(forecast_category_code, place) filter (where forecast_category_code is not null and is_before)
            as before_forecast_category_code,
        max_by(forecast_category_code, place) filter (where forecast_category_code is not null)
            as after_forecast_category_code
    from dated_changes
    group by opportunity_id, window_code
),

told as (
    select
        candidates.opportunity_id,
        candidates.account_id,
        candidates.rep_id,
        candidates.team_name,
        candidates.currency,
        candidates.amount as present_amount,
        candidates.opened_on,
        candidates.ended_on,
        candidates.is_won,
        windows.window_code,
        windows.window_start_on,
        windows.window_end_on,
        windows.cycle_first_on,
        windows.opening_chances_on,
        windows.opening_rate_month,
        windows.quarter_end_on,
        {% for side in ['before', 'after'] -%}
            coalesce(
                known.{{ side }}_stage_code,
                case
                    when candidates.is_open and spoken_of.has_stages is not true then candidates.stage_code
                end,
                'unknown'
            ) as {{ side }}_stage_code,
            coalesce(
                known.{{ side }}_amount, case when spoken_of.has_amounts is not true then candidates.amount end
            ) as {{ side }}_amount,
            coalesce(
                known.{{ side }}_expected_close_on,
                case
                    when candidates.is_open and spoken_of.has_close_dates is not true
                        then candidates.expected_close_on
                end
            ) as {{ side }}_close_on,
            coalesce(
                known.{{ side }}_forecast_category_code,
                case
                    when candidates.is_open and spoken_of.has_categories is not true
                        then candidates.forecast_category_code
                end,
                'unknown'
            ) as {{ side }}_category_code,
        {% endfor -%}
        known.before_stage_code is not null
        and known.before_amount is not null
        and known.before_expected_close_on is not null as is_before_told,
        known.after_stage_code is not null
        and known.after_amount is not null
        and known.after_expected_close_on is not null as is_after_told
    from candidates
    cross join windows
    left join known
        on candidates.opportunity_id = known.opportunity_id and windows.window_code = known.window_code
    left join spoken_of on candidates.opportunity_id = spoken_of.opportunity_id
),

stood as (
    select
        *,
        opened_on < window_start_on
        and ended_on >= window_start_on
        and before_stage_code not in ('won', 'lost') as is_open_before,
        ended_on >= window_end_on and after_stage_code not in ('won', 'lost') as is_open_after,
        ended_on >= window_start_on and ended_on < window_end_on as is_closed_within
    from told
),

-- Opened before and not open at the beginning: its history had shown it closed. It is in the window if it came back.
placed as (
    select
        *,
        case
            when is_open_before then 'carried'
            when opened_on >= window_start_on then 'new'
            else 'reopened'
        end as entry_code,
        case
            when is_open_after then 'open'
            when is_closed_within and is_won then 'won'
            when is_closed_within then 'lost'
            else after_stage_code
        end as exit_code,
        case when is_closed_within then present_amount else after_amount end as last_amount,
        coalesce(is_open_before and before_close_on < quarter_end_on, false) as is_planned_before,
        coalesce(is_open_after and after_close_on < quarter_end_on, false) as is_planned_after
    from stood
    where is_open_before or is_open_after or (is_closed_within and opened_on >= window_start_on)
),

priced as (
    select
        placed.*,
        {{ converted('placed.before_amount', 'opening_rates.exchange_rate') }} as before_reporting,
        {{ converted('placed.before_amount') }} as restated_reporting,
        {{ converted('placed.last_amount') }} as last_reporting
    from placed
    left join {{ ref('int_month_rates') }} as rates
        on
            placed.currency = rates.currency
            and placed.cycle_first_on >= rates.valid_from_month
            and placed.cycle_first_on < rates.valid_to_month
    left join {{ ref('int_month_rates') }} as opening_rates
        on
            placed.currency = opening_rates.currency
            and placed.opening_rate_month >= opening_rates.valid_from_month
            and placed.opening_rate_month < opening_rates.valid_to_month
),

parted as (
    select
        *,
        coalesce(
            (is_open_before and before_amount is not null and (before_reporting is null or restated_reporting is null))
            or (last_amount is not null and last_reporting is null),
            false
        ) as is_unconverted,
        case when is_open_before then coalesce(before_reporting, 0) else 0 end as opening_amount,
        case when is_open_before then coalesce(restated_reporting, 0) - coalesce(before_reporting, 0) else 0 end
            as rate_amount,
        case when is_open_before then coalesce(last_reporting, 0) - coalesce(restated_reporting, 0) else 0 end
            as change_amount,
        coalesce(last_reporting, 0) as last_value_amount,
        -- an unknown stage has the chance of the first one, as in the snapshots
        case when is_open_before then coalesce(nullif(before_stage_code, 'unknown'), 'prospecting') end
            as before_chance_stage_code,
        case when is_open_after then coalesce(nullif(after_stage_code, 'unknown'), 'prospecting') end
            as after_chance_stage_code
    from priced
)

select
    parted.window_code || '/' || parted.opportunity_id as pipeline_movement_key,
    parted.window_code,
    parted.window_start_on,
    parted.window_end_on,
    parted.quarter_end_on,
    parted.opportunity_id,
    parted.account_id,
    parted.rep_id,
    parted.team_name,
    parted.entry_code,
    parted.exit_code,
    case
        when parted.is_planned_before then 'carried'
        when (parted.is_planned_after or parted.exit_code = 'won') and parted.entry_code = 'carried' then 'moved_in'
        when parted.is_planned_after or parted.exit_code = 'won' then parted.entry_code
    end as quarter_entry_code,
    case
        when not parted.is_planned_before and not parted.is_planned_after and parted.exit_code <> 'won' then null
        when parted.exit_code in ('won', 'lost') then parted.exit_code
        when parted.is_planned_after then 'open'
        else 'moved_out'
    end as quarter_exit_code,
    case
        when parted.exit_code in ('won', 'lost') then parted.exit_code
        when parted.entry_code <> 'carried' then parted.entry_code
        when parted.change_amount > 0 then 'increased'
        when parted.change_amount < 0 then 'decreased'
        else 'unchanged'
    end as movement_code,
    case when parted.is_open_before then parted.before_stage_code end as stage_before_code,
    case when parted.is_open_after then parted.after_stage_code end as stage_after_code,
    case when parted.is_open_before then parted.before_category_code end as forecast_category_before_code,
    case when parted.is_open_after then parted.after_category_code end as forecast_category_after_code,
    case when parted.is_open_before then parted.before_close_on end as expected_close_before_on,
    case when parted.is_open_after then parted.after_close_on end as expected_close_after_on,
    coalesce(
        parted.is_open_before and parted.is_open_after and parted.after_close_on > parted.before_close_on, false
    ) as is_slipped,
    parted.currency,
    case when parted.is_open_before then parted.before_amount end as amount_before,
    parted.last_amount as amount_after,
    parted.is_unconverted,
    (parted.is_before_told or not parted.is_open_before)
    and (parted.is_after_told or not parted.is_open_after) as is_history_complete,
    cast(parted.opening_amount as decimal(18, 4)) as opening_amount,
    cast(parted.rate_amount as decimal(18, 4)) as rate_amount,
    cast(parted.change_amount as decimal(18, 4)) as change_amount,
    cast(parted.last_value_amount as decimal(18, 4)) as last_value_amount,
    case
        when parted.is_open_before and parted.before_amount is null then 0
        when parted.is_open_before
            then cast(
                cast(parted.opening_amount as decimal(19, 4)) * chances_before.win_probability as decimal(18, 4)
            )
    end as opening_weighted_amount,
    case
        when parted.is_open_after and parted.last_amount is null then 0
        when parted.is_open_after
            then cast(
                cast(parted.last_value_amount as decimal(19, 4)) * chances_after.win_probability as decimal(18, 4)
            )
    end as closing_weighted_amount
from parted
left join {{ ref('fct_stage_win_rates') }} as chances_before
    on
        parted.opening_chances_on = chances_before.snapshot_on
        and parted.before_chance_stage_code = chances_before.stage_code
left join {{ ref('fct_stage_win_rates') }} as chances_after
    on
        parted.window_end_on = chances_after.snapshot_on
        and parted.after_chance_stage_code = chances_after.stage_code
