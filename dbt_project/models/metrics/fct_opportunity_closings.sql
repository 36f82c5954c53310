-- Dated by closing: an opportunity closed at an unknown date belongs to no month, a rule lists it.
select
    opportunities.opportunity_id,
    opportunities.account_id,
    opportunities.group_id,
    opportunities.lead_id,
    opportunities.rep_id,
    opportunities.opportunity_type_code,
    coalesce(opportunities.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code,
    opportunities.closed_on,
    opportunities.is_won,
    opportunities.is_lost,
    opportunities.currency,
    opportunities.amount,
    opportunities.amount_reporting,
    opportunities.amount is not null and opportunities.amount_reporting is null as is_unconverted,
    -- A cycle that ends before it begins is a date error: no duration, and a rule names the row.
    case when opportunities.sales_cycle_days >= 0 then opportunities.sales_cycle_days end as sales_cycle_days
from {{ ref('fct_opportunities') }} as opportunities
cross join {{ run_settings() }} as settings
left join {{ ref('fct_leads') }} as leads on opportunities.lead_id = leads.lead_id
where
    (opportunities.is_won or opportunities.is_lost)
    and opportunities.closed_on < settings.cycle_end
