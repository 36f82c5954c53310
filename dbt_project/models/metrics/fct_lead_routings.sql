-- When a lead was given to a seller, against the time it may wait for one. A lead that had its seller before it was
-- created waited no time. Before the month of creation of the first lead with an assignment its source did not tell
-- them, and nobody knows who waited: there is no row. A source that never tells them has none at all.
with first_months as (
    select
        coalesce(leads.source_instance, 'unknown') as source_instance,
        {{ first_of_month('min(leads.created_on)') }} as first_month
    from {{ ref('fct_leads') }} as leads
    cross join {{ run_settings() }} as settings
    where leads.assigned_at < settings.as_of
    group by coalesce(leads.source_instance, 'unknown')
),

known_leads as (
    select leads.*
    from {{ ref('fct_leads') }} as leads
    inner join first_months on coalesce(leads.source_instance, 'unknown') = first_months.source_instance
    where leads.created_on >= first_months.first_month
),

leads as (
    select
        leads.*,
        settings.as_of,
        settings.cycle_end,
        settings.timezone as company_timezone,
        definitions.sla_hours,
        coalesce(leads.assigned_at < settings.as_of, false) as is_assigned,
        leads.is_created_day_only or leads.is_assigned_day_only as is_by_day
    from known_leads as leads
    cross join {{ run_settings() }} as settings
    inner join {{ ref('lead_definitions') }} as definitions
        on
            definitions.definition_code = 'routed'
            and leads.created_on >= definitions.valid_from
            and leads.created_on < coalesce(definitions.valid_to, cast('9999-12-31' as date))
    where leads.created_at < settings.as_of
),

waited as (
    select
        *,
        case when is_assigned then {{ seconds_between('created_at', 'assigned_at') }} end as waited_s,
        case
            when is_assigned and is_by_day
                then {{ days_between('created_on', local_day('assigned_at', 'company_timezone')) }}
        end as waited_days
    from leads
)

select
    lead_id,
    rep_id,
    coalesce(channel_code, 'unknown') as channel_code,
    coalesce(size_band_code, 'unknown') as size_band_code,
    created_on,
    case
        when is_created_day_only then {{ days_between('created_on', 'cycle_end') }} * 24 > sla_hours
        else {{ seconds_between('created_at', 'as_of') }} >= sla_hours * 3600
    end as is_sla_over,
    is_assigned,
    is_assigned
    and case when is_by_day then waited_days * 24 <= sla_hours else waited_s <= sla_hours * 3600 end
        as is_routed_in_sla,
    case
        when is_assigned and not is_by_day
            then cast(cast(greatest(waited_s, 0) as decimal(18, 4)) / 3600 as decimal(18, 4))
    end as assignment_hours,
    n_owner_changes
from waited
