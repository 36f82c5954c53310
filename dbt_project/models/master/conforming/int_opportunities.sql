with converted as (
    select
        {{ record_key('leads.source_instance', 'crm_opportunity', 'leads.converted_opportunity_id') }}
            as opportunity_id,
        min({{ lead_id_of('xref.person_id') }}) as lead_id
    from {{ ref('stg_crm__leads') }} as leads
    inner join {{ ref('xref_persons') }} as xref on leads.record_key = xref.record_key
    where leads.converted_opportunity_id is not null and xref.person_id <> 'unknown'
    group by {{ record_key('leads.source_instance', 'crm_opportunity', 'leads.converted_opportunity_id') }}
),

opportunities as (
    select
        opportunities.*,
        upper(opportunities.currency) as currency_code,
        {{ instant_of('opportunities.created_at', 'opportunities.created_at_precision', 'settings.timezone') }}
            as opened_at,
        case
            when opportunities.status <> 'open'
                then {{ instant_of(
                    'opportunities.closed_at', 'opportunities.closed_at_precision', 'settings.timezone'
                ) }}
        end as ended_at,
        coalesce(opportunities.created_at_precision = 'day' or opportunities.closed_at_precision = 'day', false)
            as is_day_only,
        settings.timezone as company_timezone,
        {{ record_key('opportunities.source_instance', 'crm_account', 'opportunities.account_id') }}
            as account_record_key,
        {{ record_key('opportunities.source_instance', 'crm_user', 'opportunities.owner_id') }} as owner_key
    from {{ ref('stg_crm__opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    where not {{ applies('deleted_in_source', 'opportunities.is_deleted') }}
),

-- Most CRMs close by date: where either side is a day, days are compared, not instants.
dated as (
    select
        opportunities.*,
        {{ local_day('opened_at', 'company_timezone') }} as opened_on,
        {{ local_day('ended_at', 'company_timezone') }} as closed_on
    from opportunities
),

placed as (
    select
        dated.record_key as opportunity_id,
        coalesce(xref.account_id, 'unknown') as account_id,
        coalesce(accounts.group_id, 'unknown') as group_id,
        coalesce(converted.lead_id, 'unknown') as lead_id,
        coalesce(reps.rep_id, 'unknown') as rep_id,
        coalesce(dated.opportunity_type, 'other') as opportunity_type_code,
        coalesce(dated.stage_code, case when dated.status <> 'open' then dated.status end, 'unknown') as stage_code,
        dated.status as status_code,
        dated.currency_code as currency,
        dated.amount,
        dated.expected_close_date as expected_close_on,
        dated.forecast_category as forecast_category_code,
        {{ converted("dated.amount") }} as amount_reporting,
        rates.exchange_rate,
        rates.exchange_rate_key,
        dated.opened_at,
        dated.opened_on,
        dated.ended_at as closed_at,
        dated.closed_on,
        case
            when dated.ended_at >= dated.opened_at or (dated.is_day_only and dated.closed_on >= dated.opened_on)
                then cast({{ days_between('dated.opened_on', 'dated.closed_on') }} as decimal(18, 4))
        end as sales_cycle_days,
        dated.status = 'open' as is_open,
        dated.status = 'won' as is_won,
        dated.status = 'lost' as is_lost,
        dated.lost_reason,
        coalesce(accounts.size_band_code, 'unknown') as size_band_code,
        dated.source_instance,
        dated._delivery_id,
        dated._source_row_id,
        dated._record_part
    from dated
    left join {{ ref('xref_accounts') }} as xref on dated.account_record_key = xref.record_key
    left join {{ ref('dim_accounts') }} as accounts on xref.account_id = accounts.account_id
    left join {{ ref('dim_reps') }} as reps on dated.owner_key = reps.rep_id
    left join converted on dated.record_key = converted.opportunity_id
    left join {{ ref('int_month_rates') }} as rates
        on
            dated.currency_code = rates.currency
            and {{ first_of_month('coalesce(dated.closed_on, dated.opened_on)') }} >= rates.valid_from_month
            and {{ first_of_month('coalesce(dated.closed_on, dated.opened_on)') }} < rates.valid_to_month
),

-- A company's own deals say what a deal of it is worth; one alone says nothing.
deals_of_accounts as (
    select
        account_id,
        {{ metric_median('cast(amount_reporting as double)') }} as median_amount
    from placed
    where account_id <> 'unknown' and amount_reporting > 0
    group by account_id
    having count(*) >= {{ outlier_bar('amounts_needed') }}
)

select
    placed.*,
    {{ outlier_bar('amount_factor') }} * cast(deals_of_accounts.median_amount as double) as error_threshold,
    coalesce(
        cast(placed.amount_reporting as double)
        >= {{ outlier_bar('amount_factor') }} * cast(deals_of_accounts.median_amount as double),
        false
    ) as is_amount_impossible,
    case
        when {{ is_outlier_error(
            'decided',
            "cast(placed.amount_reporting as double) >= " ~ outlier_bar('amount_factor')
            ~ " * cast(deals_of_accounts.median_amount as double)"
        ) }} then 'outlier_error'
    end as reason_code
from placed
left join deals_of_accounts on placed.account_id = deals_of_accounts.account_id
left join {{ outlier_decisions(['opportunity_amount']) }} as decided on placed.opportunity_id = decided.record_key
