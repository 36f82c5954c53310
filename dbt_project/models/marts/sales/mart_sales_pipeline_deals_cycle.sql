-- The deals behind mart_sales_pipeline_movements_cycle: what each was, what it is, and what it moved. Amounts are null
-- where one of them has no exchange rate. A deal without an amount moves nothing.
select
    settings.cycle,
    cast(movements.window_code as string) as window_code,
    movements.window_start_on,
    movements.window_end_on,
    cast(movements.opportunity_id as string) as opportunity_id,
    cast(movements.account_id as string) as account_id,
    cast(movements.rep_id as string) as rep_id,
    cast(movements.team_name as string) as team_name,
    cast(movements.movement_code as string) as movement_code,
    cast(movements.entry_code as string) as entry_code,
    cast(movements.exit_code as string) as exit_code,
    cast(movements.quarter_entry_code as string) as quarter_entry_code,
    cast(movements.quarter_exit_code as string) as quarter_exit_code,
    cast(movements.stage_before_code as string) as stage_before_code,
    cast(movements.stage_after_code as string) as stage_after_code,
    cast(movements.forecast_category_before_code as string) as forecast_category_before_code,
    cast(movements.forecast_category_after_code as string) as forecast_category_after_code,
    movements.expected_close_before_on,
    movements.expected_close_after_on,
    movements.is_slipped,
    cast(
        case
            when movements.is_slipped
                then {{ days_between('movements.expected_close_before_on', 'movements.expected_close_after_on') }}
        end as bigint
    ) as slip_days,
    cast(movements.currency as string) as currency,
    movements.amount_before,
    movements.amount_after,
    case when not movements.is_unconverted then movements.opening_amount end as opening_amount,
    case when not movements.is_unconverted then movements.rate_amount end as rate_amount,
    case when not movements.is_unconverted then movements.change_amount end as change_amount,
    case when not movements.is_unconverted then movements.last_value_amount end as last_value_amount,
    cast(
        case
            when movements.is_unconverted then 'exchange_rate_missing'
            when movements.amount_before is null and movements.amount_after is null then 'amount_missing'
        end as string
    ) as amount_reason_code,
    movements.is_history_complete,
    cast(settings.reporting_currency as string) as reporting_currency
from {{ ref('fct_pipeline_movements') }} as movements
cross join {{ run_settings() }} as settings
