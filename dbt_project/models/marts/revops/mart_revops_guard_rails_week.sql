-- Bars are held against exact decimals and strictly; a bar that is met but not proved by the upper bound says so.
with rails as (
    select
        rails.*,
        {{ metric_ratio('rails.n_events', 'rails.n_trials') }} as event_rate,
        {{ metric_ratio('rails.n_reference_events', 'rails.n_reference_trials') }} as reference_rate,
        case rails.rail_code
            when 'complaint' then {{ rail_policy('complaint_max_rate', 'rails.iso_week_start_on') }}
            when 'unsubscribe' then {{ rail_policy('unsubscribe_max_rate', 'rails.iso_week_start_on') }}
            when 'bounce' then {{ rail_policy('bounce_max_rate', 'rails.iso_week_start_on') }}
        end as bar_rate,
        {{ rail_policy('worse_margin_rate', 'rails.iso_week_start_on') }} as margin_rate,
        {{ days_between('rails.iso_week_start_on', 'settings.cycle_end') }} >= 7 as is_complete
    from {{ source('statistics', 'guard_rails') }} as rails
    cross join {{ run_settings() }} as settings
),

judged as (
    select
        *,
        case
            when n_trials = 0 then 'no_delivery'
            when bar_rate is null then 'no_bar'
            when event_rate > bar_rate then 'breach'
            when rate_upper > bar_rate then 'not_proved'
            else 'within'
        end as status_code,
        case
            when n_trials = 0 then 'no_delivery'
            when n_reference_trials = 0 then 'no_reference'
            when change_low > 0 then 'worse'
            when margin_rate is null then 'no_bar'
            when change_high < margin_rate then 'proved'
            else 'not_proved'
        end as change_status_code
    from rails
)

select
    iso_week_start_on,
    cast(rail_code as string) as rail_code,
    is_complete,
    n_trials,
    n_events,
    event_rate,
    case when n_trials = 0 then 'no_delivered_mail' end as rate_reason_code,
    rate_low,
    rate_high,
    rate_upper,
    bar_rate,
    status_code,
    case
        when status_code = 'breach' and rail_code = 'complaint' then 'review_content_and_lower_cap'
        when status_code = 'breach' and rail_code = 'unsubscribe' then 'review_content'
        when status_code = 'breach' and rail_code = 'bounce' then 'clean_addresses'
    end as action_code,
    n_reference_trials,
    n_reference_events,
    reference_rate,
    change_low,
    change_high,
    margin_rate,
    change_status_code,
    {{ rail_policy('version', 'iso_week_start_on', 'string') }} as policy_version
from judged
