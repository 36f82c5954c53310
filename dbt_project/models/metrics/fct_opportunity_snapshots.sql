-- What was known of an open opportunity on the first day of a month: changes of that day and later do not count. Where
-- nothing before that day tells a value, the present one stands in if the history never speaks of it; the flag says so.
-- A closing without a date is in no snapshot: nobody knows in which months it was still open.
with changes as (
    select
        changes.*,
        {{ first_of_month(local_day('changes.changed_at', 'settings.timezone')) }} as changed_month,
        row_number() over (
            partition by changes.opportunity_id order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as place
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    where changes.changed_at < settings.as_of
),

month_ends as (
    select
        opportunity_id,
        changed_month,
        max_by(stage_code, place) filter (where stage_code is not null) as stage_code,
        max_by(amount, place) filter (where amount is not null) as amount,
        max_by(expected_close_on, place) filter (where expected_close_on is not null) as expected_close_on,
        max_by(forecast_category_code, place) filter (where forecast_category_code is not null)
            as forecast_category_code
    from changes
    group by opportunity_id, changed_month
),

-- A value holds until the next one: the running count of known values names the row that gave it.
runs as (
    select
        opportunity_id,
        changed_month,
        stage_code,
        amount,
        expected_close_on,
        forecast_category_code,
        lead(changed_month) over (partition by opportunity_id order by changed_month) as next_changed_month,
        count(stage_code) over (partition by opportunity_id order by changed_month) as stage_run,
        count(amount) over (partition by opportunity_id order by changed_month) as amount_run,
        count(expected_close_on) over (partition by opportunity_id order by changed_month) as close_run,
        count(forecast_category_code) over (partition by opportunity_id order by changed_month) as category_run
    from month_ends
),

states as (
    select
        opportunity_id,
        changed_month,
        next_changed_month,
        max(stage_code) over (partition by opportunity_id, stage_run) as stage_code,
        max(amount) over (partition by opportunity_id, amount_run) as amount,
        max(expected_close_on) over (partition by opportunity_id, close_run) as expected_close_on,
        max(forecast_category_code) over (partition by opportunity_id, category_run) as forecast_category_code
    from runs
),

spoken_of as (
    select
        opportunity_id,
        count(stage_code) > 0 as has_stages,
        count(amount) > 0 as has_amounts,
        count(expected_close_on) > 0 as has_close_dates,
        count(forecast_category_code) > 0 as has_categories
    from {{ ref('fct_opportunity_changes') }}
    group by opportunity_id
),

first_days as (
    select distinct
        dates.period_month,
        {{ add_months('dates.period_month', 1) }} as snapshot_on
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    where dates.period_month <= settings.cycle_start
),

open_months as (
    select
        first_days.snapshot_on,
        first_days.period_month,
        opportunities.opportunity_id,
        opportunities.account_id,
        opportunities.lead_id,
        opportunities.rep_id,
        opportunities.opportunity_type_code,
        opportunities.size_band_code,
        opportunities.currency,
        opportunities.is_open,
        opportunities.stage_code,
        opportunities.amount,
        opportunities.expected_close_on,
        opportunities.forecast_category_code
    from {{ ref('fct_opportunities') }} as opportunities
    inner join first_days
        on
            opportunities.opened_on < first_days.snapshot_on
            and coalesce(opportunities.closed_on, cast('9999-12-31' as date)) >= first_days.snapshot_on
    where opportunities.is_open or opportunities.closed_on is not null
),

known as (
    select
        open_months.opportunity_id,
        open_months.snapshot_on,
        open_months.period_month,
        open_months.account_id,
        open_months.lead_id,
        open_months.rep_id,
        open_months.opportunity_type_code,
        open_months.size_band_code,
        open_months.currency,
        coalesce(
            states.stage_code,
            case when open_months.is_open and spoken_of.has_stages is not true then open_months.stage_code end,
            'unknown'
        ) as stage_code,
        coalesce(
            states.amount, case when spoken_of.has_amounts is not true then open_months.amount end
        ) as amount,
        coalesce(
            states.expected_close_on,
            case
                when open_months.is_open and spoken_of.has_close_dates is not true then open_months.expected_close_on
            end
        ) as expected_close_on,
        coalesce(
            states.forecast_category_code,
            case
                when open_months.is_open and spoken_of.has_categories is not true
                    then open_months.forecast_category_code
            end,
            'unknown'
        ) as forecast_category_code,
        states.stage_code is not null and states.amount is not null and states.expected_close_on is not null
            as is_history_complete
    from open_months
    left join states
        on
            open_months.opportunity_id = states.opportunity_id
            and open_months.snapshot_on > states.changed_month
            and open_months.snapshot_on <= coalesce(states.next_changed_month, cast('9999-12-31' as date))
    left join spoken_of on open_months.opportunity_id = spoken_of.opportunity_id
),

-- What a forecast made that day said in money takes the rate of the month it spoke of, as what is won in it does.
priced as (
    select
        known.*,
        {{ converted('known.amount') }} as amount_reporting,
        {{ converted('known.amount', 'next_rates.exchange_rate') }} as forecast_amount_reporting
    from known
    left join {{ ref('int_month_rates') }} as rates
        on
            known.currency = rates.currency
            and known.period_month >= rates.valid_from_month
            and known.period_month < rates.valid_to_month
    left join {{ ref('int_month_rates') }} as next_rates
        on
            known.currency = next_rates.currency
            and known.snapshot_on >= next_rates.valid_from_month
            and known.snapshot_on < next_rates.valid_to_month
    where known.stage_code not in ('won', 'lost')
)

select
    priced.opportunity_id || '/' || cast(priced.snapshot_on as string) as opportunity_snapshot_key,
    priced.opportunity_id,
    priced.snapshot_on,
    priced.period_month,
    priced.account_id,
    priced.rep_id,
    priced.opportunity_type_code,
    coalesce(priced.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code,
    priced.stage_code,
    priced.forecast_category_code,
    priced.expected_close_on,
    priced.currency,
    priced.amount,
    priced.amount_reporting,
    priced.amount is not null and priced.amount_reporting is null as is_unconverted,
    priced.forecast_amount_reporting,
    priced.amount is not null and priced.forecast_amount_reporting is null as is_forecast_unconverted,
    win_rates.win_probability,
    cast(cast(priced.amount_reporting as decimal(19, 4)) * win_rates.win_probability as decimal(18, 4))
        as weighted_amount,
    priced.is_history_complete
from priced
left join {{ ref('fct_leads') }} as leads on priced.lead_id = leads.lead_id
left join {{ ref('fct_stage_win_rates') }} as win_rates
    on
        priced.snapshot_on = win_rates.snapshot_on
        and win_rates.stage_code = coalesce(nullif(priced.stage_code, 'unknown'), 'prospecting')
