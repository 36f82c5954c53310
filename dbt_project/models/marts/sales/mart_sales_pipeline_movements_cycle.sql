-- From the pipeline at the beginning of a window to that at the end of the cycle, by parts that add up exactly:
-- opening + new + reopened + moved_in + rate + increase + decrease + won + lost + moved_out + entered + left = closing.
-- What leaves is negative. Scope `open` is the whole open pipeline, where nothing moves in or out; scope `quarter` is
-- what is planned to close by the end of the quarter that holds the day after the cycle. A deal that changes its stage
-- or its forecast category leaves one segment with what it opened with and enters the other: over the segments both add
-- up to 0.
with scoped as (
    select
        movements.*,
        'open' as scope_code,
        movements.entry_code as scope_entry_code,
        movements.exit_code as scope_exit_code
    from {{ ref('fct_pipeline_movements') }} as movements
    union all
    select
        movements.*,
        'quarter' as scope_code,
        movements.quarter_entry_code as scope_entry_code,
        movements.quarter_exit_code as scope_exit_code
    from {{ ref('fct_pipeline_movements') }} as movements
    where movements.quarter_entry_code is not null
),

valued as (
    select
        window_code,
        window_start_on,
        window_end_on,
        scope_code,
        scope_entry_code,
        scope_exit_code,
        team_name,
        coalesce(stage_after_code, stage_before_code, 'unknown') as stage_now_code,
        coalesce(forecast_category_after_code, forecast_category_before_code, 'unknown') as category_now_code,
        stage_before_code,
        forecast_category_before_code,
        scope_entry_code = 'carried' as is_carried,
        scope_exit_code = 'open' as is_kept,
        is_slipped,
        is_unconverted,
        is_history_complete,
        amount_before is null and amount_after is null as is_without_amount,
        last_value_amount,
        case when scope_entry_code = 'carried' then opening_amount else 0 end as opening_amount,
        case when scope_entry_code = 'carried' then rate_amount else 0 end as rate_amount,
        case when scope_entry_code = 'carried' then change_amount else 0 end as change_amount,
        case when scope_entry_code = 'carried' then opening_weighted_amount end as opening_weighted_amount,
        case when scope_exit_code = 'open' then closing_weighted_amount end as closing_weighted_amount
    from scoped
),

cut as (
    select
        *,
        'all' as segment_kind_code,
        'all' as segment_before_code,
        'all' as segment_now_code
    from valued
    union all
    select
        *,
        'team' as segment_kind_code,
        team_name as segment_before_code,
        team_name as segment_now_code
    from valued
    union all
    select
        *,
        'stage' as segment_kind_code,
        case when is_carried then coalesce(stage_before_code, stage_now_code) else stage_now_code end
            as segment_before_code,
        stage_now_code as segment_now_code
    from valued
    union all
    select
        *,
        'forecast_category' as segment_kind_code,
        case when is_carried then coalesce(forecast_category_before_code, category_now_code) else category_now_code end
            as segment_before_code,
        category_now_code as segment_now_code
    from valued
),

-- What a deal opened with stands where it came from, all else where it is now.
sides as (
    select
        *,
        true as is_before,
        segment_before_code as segment_code
    from cut
    union all
    select
        *,
        false as is_before,
        segment_now_code as segment_code
    from cut
),

cells as (
    select
        window_code,
        window_start_on,
        window_end_on,
        scope_code,
        segment_kind_code,
        segment_code,
        count(*) filter (where is_before and is_carried) as n_opening,
        count(*) filter (where not is_before and scope_entry_code = 'new') as n_new,
        count(*) filter (where not is_before and scope_entry_code = 'reopened') as n_reopened,
        count(*) filter (where not is_before and scope_entry_code = 'moved_in') as n_moved_in,
        count(*) filter (where not is_before and scope_exit_code = 'won') as n_won,
        count(*) filter (where not is_before and scope_exit_code = 'lost') as n_lost,
        count(*) filter (where not is_before and scope_exit_code = 'moved_out') as n_moved_out,
        count(*) filter (where not is_before and segment_before_code <> segment_now_code) as n_entered,
        count(*) filter (where is_before and segment_before_code <> segment_now_code) as n_left,
        count(*) filter (where not is_before and change_amount > 0) as n_increased,
        count(*) filter (where not is_before and change_amount < 0) as n_decreased,
        count(*) filter (where not is_before and is_carried and is_kept and change_amount = 0) as n_unchanged,
        count(*) filter (where not is_before and is_carried and is_kept and is_slipped) as n_slipped,
        count(*) filter (where not is_before and is_kept) as n_closing,
        count(*) filter (where not is_before and is_without_amount) as n_without_amount,
        count(*) filter (where is_unconverted and (segment_before_code <> segment_now_code or not is_before))
            as n_unconverted,
        count(*) filter (where not is_before and not is_history_complete) as n_history_incomplete,
        count(*) filter (where is_before and is_carried and opening_weighted_amount is null) as n_opening_unweighted,
        count(*) filter (where not is_before and is_kept and closing_weighted_amount is null) as n_closing_unweighted,
        sum(case when is_before then opening_amount else 0 end) as opening_amount,
        sum(case when not is_before and scope_entry_code = 'new' then last_value_amount else 0 end) as new_amount,
        sum(case when not is_before and scope_entry_code = 'reopened' then last_value_amount else 0 end)
            as reopened_amount,
        sum(case when not is_before and scope_entry_code = 'moved_in' then last_value_amount else 0 end)
            as moved_in_amount,
        sum(case when is_before then rate_amount else 0 end) as rate_amount,
        sum(case when not is_before and change_amount > 0 then change_amount else 0 end) as increase_amount,
        sum(case when not is_before and change_amount < 0 then change_amount else 0 end) as decrease_amount,
        sum(case when not is_before and scope_exit_code = 'won' then -last_value_amount else 0 end) as won_exit_amount,
        sum(case when not is_before and scope_exit_code = 'lost' then -last_value_amount else 0 end)
            as lost_exit_amount,
        sum(case when not is_before and scope_exit_code = 'moved_out' then -last_value_amount else 0 end)
            as moved_out_amount,
        sum(
            case
                when not is_before and segment_before_code <> segment_now_code then opening_amount + rate_amount
                else 0
            end
        ) as entered_amount,
        sum(
            case
                when is_before and segment_before_code <> segment_now_code then -opening_amount - rate_amount
                else 0
            end
        ) as left_amount,
        sum(
            case when not is_before and is_carried and is_kept and is_slipped then last_value_amount else 0 end
        ) as slipped_amount,
        sum(case when not is_before and is_kept then last_value_amount else 0 end) as closing_amount,
        sum(case when is_before then coalesce(opening_weighted_amount, 0) else 0 end) as opening_weighted_amount,
        sum(case when not is_before then coalesce(closing_weighted_amount, 0) else 0 end) as closing_weighted_amount
    from sides
    group by window_code, window_start_on, window_end_on, scope_code, segment_kind_code, segment_code
)

select
    settings.cycle,
    cast(cells.window_code as string) as window_code,
    cells.window_start_on,
    cells.window_end_on,
    cast(cells.scope_code as string) as scope_code,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    {% for column in [
        'n_opening', 'n_new', 'n_reopened', 'n_moved_in', 'n_entered', 'n_left', 'n_won', 'n_lost', 'n_moved_out',
        'n_closing', 'n_increased', 'n_decreased', 'n_unchanged', 'n_slipped', 'n_without_amount', 'n_unconverted',
        'n_history_incomplete'
    ] -%}
        cast(cells.{{ column }} as bigint) as {{ column }},
    {% endfor -%}
    {% for column in [
        'opening_amount', 'new_amount', 'reopened_amount', 'moved_in_amount', 'entered_amount', 'rate_amount',
        'increase_amount', 'decrease_amount', 'won_exit_amount', 'lost_exit_amount', 'moved_out_amount', 'left_amount',
        'closing_amount', 'slipped_amount'
    ] -%}
        cast(case when cells.n_unconverted = 0 then cells.{{ column }} end as decimal(38, 4)) as {{ column }},
    {% endfor -%}
    case when cells.n_unconverted > 0 then 'exchange_rate_missing' end as amount_reason_code,
    {% for side in ['opening', 'closing'] -%}
        cast(
            case
                when cells.n_unconverted = 0 and cells.n_{{ side }}_unweighted = 0
                    then cells.{{ side }}_weighted_amount
            end as decimal(38, 4)
        ) as {{ side }}_weighted_amount,
        case
            when cells.n_unconverted > 0 then 'exchange_rate_missing'
            when cells.n_{{ side }}_unweighted > 0 then 'stage_never_closed'
        end as {{ side }}_weighted_reason_code,
    {% endfor -%}
    cast(settings.reporting_currency as string) as reporting_currency
from cells
cross join {{ run_settings() }} as settings
