-- Rules are data: the first day within the validity of a version on which the uses so far are enough. The version that
-- decided stays on the row, so that a new definition does not rewrite who was active before it.
with purchases as (
    select
        account_id,
        started_on
    from {{ ref('fct_subscription_spells') }}
    where spell_number = 1
),

counted as (
    select
        definitions.definition_code,
        definitions.definition_version,
        definitions.rule_id,
        definitions.min_uses,
        definitions.min_days,
        definitions.is_before_purchase,
        definitions.valid_from,
        definitions.valid_to,
        usages.account_id,
        usages.used_on,
        sum(usages.n_uses) as n_uses
    from {{ ref('fct_product_usages') }} as usages
    cross join {{ run_settings() }} as settings
    cross join {{ ref('usage_definitions') }} as definitions
    where
        usages.account_id <> 'unknown'
        and usages.used_on < settings.cycle_end
        and usages.n_uses > 0
        and definitions.event_name in ('any', usages.event_name)
    group by all
),

running as (
    select
        *,
        sum(n_uses) over (
            partition by definition_code, definition_version, rule_id, account_id order by used_on
            rows between unbounded preceding and current row
        ) as n_uses_so_far,
        count(*) over (
            partition by definition_code, definition_version, rule_id, account_id order by used_on
            rows between unbounded preceding and current row
        ) as n_days_so_far
    from counted
),

reached as (
    select
        running.definition_code,
        running.definition_version,
        running.rule_id,
        running.account_id,
        running.used_on,
        row_number() over (
            partition by running.definition_code, running.account_id
            order by running.used_on asc, running.definition_version desc, running.rule_id asc
        ) as reached_rank
    from running
    left join purchases on running.account_id = purchases.account_id
    where
        running.n_uses_so_far >= running.min_uses
        and running.n_days_so_far >= running.min_days
        and running.used_on >= running.valid_from
        and (running.valid_to is null or running.used_on < running.valid_to)
        and (
            not running.is_before_purchase or purchases.started_on is null
            or running.used_on < purchases.started_on
        )
)

select
    reached.account_id || '/' || reached.definition_code as milestone_key,
    reached.account_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    reached.definition_code,
    reached.definition_version,
    reached.rule_id,
    reached.used_on as reached_on,
    {{ first_of_month('reached.used_on') }} as period_month
from reached
left join {{ ref('dim_accounts') }} as accounts on reached.account_id = accounts.account_id
where reached.reached_rank = 1
