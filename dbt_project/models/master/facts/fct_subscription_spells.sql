-- Days of service of all subscriptions of an account, united. A gap without a month end in it is no end of service, as
-- in the MRR of month ends. A subscription that no month end sees is service too: such customers leave soonest.
{%- set open_end = "cast('9999-12-31' as date)" %}

with served as (
    select
        xref.account_id,
        subscriptions.record_key,
        subscriptions.started_on,
        case
            when subscriptions.ended_on < settings.cycle_end then subscriptions.ended_on else {{ open_end }}
        end as ended_on
    from {{ ref('stg_erp__subscriptions') }} as subscriptions
    inner join {{ ref('xref_accounts') }} as xref
        on
            xref.record_key
            = {{ record_key('subscriptions.source_instance', 'erp_customer', 'subscriptions.customer_id') }}
    cross join {{ run_settings() }} as settings
    where
        {{ subscription_exclusion('subscriptions') }} is null
        and xref.account_id <> 'unknown'
        and {{ subscription_amount('subscriptions') }} > 0
        and subscriptions.started_on < settings.cycle_end
        and (subscriptions.ended_on is null or subscriptions.ended_on > subscriptions.started_on)
),

followed as (
    select
        *,
        max(ended_on) over (
            partition by account_id order by started_on, record_key
            rows between unbounded preceding and 1 preceding
        ) as served_until
    from served
),

numbered as (
    select
        account_id,
        started_on,
        ended_on,
        sum(
            case
                when served_until >= started_on then 0
                when {{ first_of_month('served_until') }} = {{ first_of_month('started_on') }} then 0
                else 1
            end
        ) over (
            partition by account_id order by started_on, record_key
            rows between unbounded preceding and current row
        ) as spell_number
    from followed
)

select
    numbered.account_id || '/' || cast(numbered.spell_number as string) as spell_key,
    numbered.account_id,
    min(accounts.size_band_code) as size_band_code,
    cast(numbered.spell_number as bigint) as spell_number,
    min(numbered.started_on) as started_on,
    nullif(max(numbered.ended_on), {{ open_end }}) as ended_on,
    count(*) as n_subscriptions
from numbered
inner join {{ ref('dim_accounts') }} as accounts on numbered.account_id = accounts.account_id
group by numbered.account_id, numbered.spell_number
