-- The cohort of a month is what was opened in it, with the outcomes known at as_of: what closes on a later day is still
-- open here, a closing without a date counts with its outcome.
select
    opportunities.opportunity_id,
    opportunities.account_id,
    opportunities.rep_id,
    opportunities.opportunity_type_code,
    coalesce(opportunities.size_band_code, 'unknown') as size_band_code,
    coalesce(leads.channel_code, 'unknown') as channel_code,
    opportunities.opened_on,
    not opportunities.is_open
    and coalesce(opportunities.closed_on, cast('1900-01-01' as date)) < settings.cycle_end as is_closed,
    opportunities.is_won
    and coalesce(opportunities.closed_on, cast('1900-01-01' as date)) < settings.cycle_end as is_won
from {{ ref('fct_opportunities') }} as opportunities
cross join {{ run_settings() }} as settings
left join {{ ref('fct_leads') }} as leads on opportunities.lead_id = leads.lead_id
where opportunities.opened_on < settings.cycle_end
