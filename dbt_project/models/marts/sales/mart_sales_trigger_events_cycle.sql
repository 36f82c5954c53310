-- Do opportunities and leads of companies with a trigger event in the 90 days before end well more often? What is
-- compared was not drawn by lot: a difference is associated with the events, whatever makes it. Only units that began
-- 90 days after the first event known or later: before, nothing tells a company without an event. Events of the day
-- itself are left out: which came first, nobody knows. The reference of every kind is the units without any event.
-- Units of one company share its luck. The bars count companies, and the intervals take all units of one company to end
-- alike, which is the least they can tell: the size of a side is (sum of units)^2 / sum of (units of a company)^2, as
-- Kish has it for clusters (Survey Sampling, 1965), and where each company has one unit it is their number.
with told as (
    select
        account_events.account_id,
        account_events.event_kind_code,
        account_events.occurred_on
    from {{ ref('fct_account_events') }} as account_events
    cross join {{ run_settings() }} as settings
    where account_events.occurred_on < settings.cycle_end
),

first_told as (
    select min(occurred_on) as first_on
    from told
),

units as (
    select
        'win' as outcome_code,
        opportunities.opportunity_id as unit_id,
        opportunities.account_id,
        opportunities.opened_on as began_on,
        case when closings.is_won then 1 else 0 end as n_reached
    from {{ ref('fct_opportunity_closings') }} as closings
    inner join {{ ref('fct_opportunities') }} as opportunities
        on closings.opportunity_id = opportunities.opportunity_id
    where opportunities.account_id <> 'unknown'
    union all
    select
        'conversion' as outcome_code,
        lead_id as unit_id,
        account_id,
        created_on as began_on,
        case when is_converted_in_window then 1 else 0 end as n_reached
    from {{ ref('fct_lead_cadences') }}
    where is_dated and is_matured and account_id <> 'unknown'
),

known_units as (
    select units.*
    from units
    cross join first_told
    where {{ days_between('first_told.first_on', 'units.began_on') }} >= 90
),

preceded as (
    select distinct
        known_units.outcome_code,
        known_units.unit_id,
        told.event_kind_code
    from known_units
    inner join told
        on
            known_units.account_id = told.account_id
            and known_units.began_on > told.occurred_on
            and {{ add_days('known_units.began_on', -90) }} <= told.occurred_on
),

exposures as (
    select
        outcome_code,
        unit_id,
        'any' as event_kind_code
    from preceded
    group by outcome_code, unit_id
    union all
    select
        outcome_code,
        unit_id,
        event_kind_code
    from preceded
),

exposed_accounts as (
    select
        exposures.outcome_code,
        exposures.event_kind_code,
        known_units.account_id,
        count(*) as n_units,
        sum(known_units.n_reached) as n_reached
    from exposures
    inner join known_units
        on exposures.outcome_code = known_units.outcome_code and exposures.unit_id = known_units.unit_id
    group by exposures.outcome_code, exposures.event_kind_code, known_units.account_id
),

exposed as (
    select
        outcome_code,
        event_kind_code,
        sum(n_units) as n_with,
        sum(n_reached) as n_with_reached,
        count(*) as n_accounts_with,
        sum(n_units * n_units) as n_with_squares,
        sum(case when n_reached > 0 then 1 else 0 end) as n_accounts_reached
    from exposed_accounts
    group by outcome_code, event_kind_code
),

unexposed_accounts as (
    select
        known_units.outcome_code,
        known_units.account_id,
        count(*) as n_units,
        sum(known_units.n_reached) as n_reached
    from known_units
    left join exposures
        on
            known_units.outcome_code = exposures.outcome_code
            and known_units.unit_id = exposures.unit_id
            and exposures.event_kind_code = 'any'
    where exposures.unit_id is null
    group by known_units.outcome_code, known_units.account_id
),

unexposed as (
    select
        outcome_code,
        sum(n_units) as n_without,
        sum(n_reached) as n_without_reached,
        count(*) as n_accounts_without,
        sum(n_units * n_units) as n_without_squares,
        sum(case when n_reached > 0 then 1 else 0 end) as n_accounts_reached
    from unexposed_accounts
    group by outcome_code
),

outcomes (outcome_code) as (
    values
    ('win'),
    ('conversion')
),

kinds as (
    select 'any' as event_kind_code
    union
    select event_kind_code
    from told
),

parts as (
    select
        outcomes.outcome_code,
        kinds.event_kind_code,
        0 as n_with,
        0 as n_with_reached,
        0 as n_accounts_with,
        0 as n_with_squares,
        0 as n_without,
        0 as n_without_reached,
        0 as n_accounts_without,
        0 as n_without_squares,
        0 as n_accounts_reached
    from outcomes
    cross join kinds
    cross join first_told
    where first_told.first_on is not null
    union all
    select
        outcome_code,
        event_kind_code,
        n_with,
        n_with_reached,
        n_accounts_with,
        n_with_squares,
        0 as n_without,
        0 as n_without_reached,
        0 as n_accounts_without,
        0 as n_without_squares,
        n_accounts_reached
    from exposed
    union all
    select
        unexposed.outcome_code,
        kinds.event_kind_code,
        0 as n_with,
        0 as n_with_reached,
        0 as n_accounts_with,
        0 as n_with_squares,
        unexposed.n_without,
        unexposed.n_without_reached,
        unexposed.n_accounts_without,
        unexposed.n_without_squares,
        unexposed.n_accounts_reached
    from unexposed
    cross join kinds
),

cells as (
    select
        outcome_code,
        event_kind_code,
        sum(n_with) as n_with,
        sum(n_with_reached) as n_with_reached,
        sum(n_accounts_with) as n_accounts_with,
        sum(n_with_squares) as n_with_squares,
        sum(n_without) as n_without,
        sum(n_without_reached) as n_without_reached,
        sum(n_accounts_without) as n_accounts_without,
        sum(n_without_squares) as n_without_squares,
        sum(n_accounts_reached) as n_accounts_reached
    from parts
    group by outcome_code, event_kind_code
),

judged as (
    select
        *,
        case
            when n_accounts_with < 30 or n_accounts_without < 30 then 'n_below_minimum'
            when n_accounts_reached < 10 then 'events_below_minimum'
        end as reason_code,
        cast(n_with as double) * n_with / nullif(n_with_squares, 0) as n1,
        cast(n_without as double) * n_without / nullif(n_without_squares, 0) as n0,
        cast(n_with_reached as double) / nullif(n_with, 0) as p1,
        cast(n_without_reached as double) / nullif(n_without, 0) as p0
    from cells
),

bounded as (
    select
        *,
        case when reason_code is null then {{ wilson_low('p1', 'n1') }} end as low1,
        case when reason_code is null then {{ wilson_high('p1', 'n1') }} end as high1,
        case when reason_code is null then {{ wilson_low('p0', 'n0') }} end as low0,
        case when reason_code is null then {{ wilson_high('p0', 'n0') }} end as high0
    from judged
),

-- Newcombe's hybrid score interval of the difference (Statistics in Medicine 17, 1998, method 10)
compared as (
    select
        *,
        case
            when reason_code is null then {{ rounded('100 * (p1 - p0)', 10) }}
        end as difference_points,
        {{ rounded('100 * (p1 - p0 - sqrt((p1 - low1) * (p1 - low1) + (high0 - p0) * (high0 - p0)))', 10) }}
            as difference_low_points,
        {{ rounded('100 * (p1 - p0 + sqrt((high1 - p1) * (high1 - p1) + (p0 - low0) * (p0 - low0)))', 10) }}
            as difference_high_points
    from bounded
)

select
    settings.cycle,
    cast(compared.outcome_code as string) as outcome_code,
    cast(compared.event_kind_code as string) as event_kind_code,
    cast(compared.n_with as bigint) as n_with,
    cast(compared.n_with_reached as bigint) as n_with_reached,
    {{ metric_ratio('compared.n_with_reached', 'compared.n_with') }} as with_rate,
    cast(compared.n_accounts_with as bigint) as n_accounts_with,
    cast(compared.n_without as bigint) as n_without,
    cast(compared.n_without_reached as bigint) as n_without_reached,
    {{ metric_ratio('compared.n_without_reached', 'compared.n_without') }} as without_rate,
    cast(compared.n_accounts_without as bigint) as n_accounts_without,
    compared.difference_points,
    compared.difference_low_points,
    compared.difference_high_points,
    cast(
        case
            when compared.reason_code is not null then 'insufficient'
            when compared.difference_low_points > 0 then 'associated_higher'
            when compared.difference_high_points < 0 then 'associated_lower'
            else 'undetermined'
        end as string
    ) as status_code,
    cast(compared.reason_code as string) as reason_code
from compared
cross join {{ run_settings() }} as settings
