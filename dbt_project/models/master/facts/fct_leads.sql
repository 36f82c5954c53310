-- A date without a time is a calendar day of the company's zone. Of two records dated to one day the one with a time
-- is the better dated.
with records as (
    select
        xref.person_id,
        {{ instant_of('leads.created_at', 'leads.created_at_precision', 'settings.timezone') }} as created_at,
        coalesce(leads.created_at_precision = 'day', false) as is_created_day_only,
        leads.is_converted,
        {{ instant_of('leads.converted_at', 'leads.converted_at_precision', 'settings.timezone') }} as converted_at,
        coalesce(leads.converted_at_precision = 'day', false) as is_converted_day_only,
        leads.status,
        leads.channel_code,
        leads.lead_source,
        leads.country_code,
        leads.timezone,
        leads.employee_count,
        leads.n_touches_declared,
        leads.score,
        {{ instant_of('leads.mql_at', 'leads.mql_at_precision', 'settings.timezone') }} as mql_at,
        coalesce(leads.mql_at_precision = 'day', false) as is_mql_day_only,
        {{ instant_of('leads.sql_at', 'leads.sql_at_precision', 'settings.timezone') }} as sql_at,
        coalesce(leads.sql_at_precision = 'day', false) as is_sql_day_only,
        {{ instant_of('leads.assigned_at', 'leads.assigned_at_precision', 'settings.timezone') }} as assigned_at,
        coalesce(leads.assigned_at_precision = 'day', false) as is_assigned_day_only,
        leads.n_owner_changes,
        {{ record_key('leads.source_instance', 'crm_user', 'leads.owner_id') }} as rep_id,
        {{ record_key('leads.source_instance', 'crm_opportunity', 'leads.converted_opportunity_id') }}
            as opportunity_id,
        leads.record_key,
        leads.source_instance,
        settings.timezone as company_timezone
    from {{ ref('stg_crm__leads') }} as leads
    inner join {{ ref('xref_persons') }} as xref on leads.record_key = xref.record_key
    cross join {{ run_settings() }} as settings
    where xref.person_id <> 'unknown'
),

dated as (
    select
        *,
        {{ local_day('created_at', 'company_timezone') }} as created_on,
        {{ local_day('converted_at', 'company_timezone') }} as converted_on,
        -- a day without a time comes after the times of that day
        {{ epoch_micros('mql_at') }}
        + case when is_mql_day_only then cast(86399999999 as bigint) else cast(0 as bigint) end as mql_order,
        {{ epoch_micros('sql_at') }}
        + case when is_sql_day_only then cast(86399999999 as bigint) else cast(0 as bigint) end as sql_order,
        {{ epoch_micros('assigned_at') }}
        + case when is_assigned_day_only then cast(86399999999 as bigint) else cast(0 as bigint) end as assigned_order
    from records
),

ranked as (
    select
        *,
        row_number() over (
            partition by person_id
            order by created_on asc nulls last, is_created_day_only asc, created_at asc, record_key asc
        ) as record_rank,
        case
            when is_converted and converted_at is not null
                then row_number() over (
                    partition by person_id
                    order by
                        case when is_converted then converted_on end asc nulls last,
                        is_converted_day_only asc, converted_at asc, record_key asc
                )
        end as conversion_rank
    from dated
),

golden as (
    select
        person_id,
        min_by(created_at, record_rank) filter (where created_at is not null) as created_at,
        min_by(created_on, record_rank) filter (where created_at is not null) as created_on,
        min_by(is_created_day_only, record_rank) filter (where created_at is not null) as is_created_day_only,
        bool_or(is_converted) as is_converted,
        min_by(converted_at, conversion_rank) filter (where conversion_rank is not null) as converted_at,
        min_by(converted_on, conversion_rank) filter (where conversion_rank is not null) as converted_on,
        min_by(is_converted_day_only, conversion_rank) filter (where conversion_rank is not null)
            as is_converted_day_only,
        min(case status
            when 'converted' then 1
            when 'qualified' then 2
            when 'nurturing' then 3
            when 'contacted' then 4
            when 'attempted' then 5
            when 'new' then 6
            else 7
        end) as status_rank,
        min_by(channel_code, record_rank) filter (where channel_code is not null) as channel_code,
        min_by(lead_source, record_rank) filter (where lead_source is not null) as lead_source,
        min_by(country_code, record_rank) filter (where country_code is not null) as country_code,
        min_by(timezone, record_rank) filter (where timezone is not null) as timezone,
        min_by(employee_count, record_rank) filter (where employee_count > 0) as employee_count,
        min_by(source_instance, record_rank) as source_instance,
        min_by(rep_id, record_rank) filter (where rep_id is not null) as rep_id,
        coalesce(
            min_by(opportunity_id, conversion_rank) filter (
                where opportunity_id is not null and conversion_rank is not null
            ),
            min_by(opportunity_id, record_rank) filter (where opportunity_id is not null)
        ) as opportunity_id,
        sum(n_touches_declared) as n_touches_declared,
        max(score) as lead_score,
        min_by(mql_at, mql_order) as mql_at,
        min_by(is_mql_day_only, mql_order) as is_mql_day_only,
        min_by(sql_at, sql_order) as sql_at,
        min_by(is_sql_day_only, sql_order) as is_sql_day_only,
        min_by(assigned_at, assigned_order) as assigned_at,
        min_by(is_assigned_day_only, assigned_order) as is_assigned_day_only,
        sum(n_owner_changes) as n_owner_changes,
        count(*) as n_source_rows
    from ranked
    group by person_id
)

select
    {{ lead_id_of('golden.person_id') }} as lead_id,
    golden.person_id,
    persons.account_id,
    coalesce(reps.rep_id, 'unknown') as rep_id,
    coalesce(golden.channel_code, 'unknown') as channel_code,
    golden.lead_source,
    case
        when accounts.size_band_code <> 'unknown' then accounts.size_band_code
        else coalesce(bands.size_band_code, 'unknown')
    end as size_band_code,
    coalesce(upper(golden.country_code), accounts.country_code) as country_code,
    golden.timezone,
    case golden.status_rank
        when 1 then 'converted'
        when 2 then 'qualified'
        when 3 then 'nurturing'
        when 4 then 'contacted'
        when 5 then 'attempted'
        when 6 then 'new'
        else 'disqualified'
    end as status_code,
    golden.created_at,
    golden.created_on,
    coalesce(golden.is_created_day_only, false) as is_created_day_only,
    golden.is_converted,
    golden.converted_at,
    golden.converted_on,
    coalesce(golden.is_converted_day_only, false) as is_converted_day_only,
    golden.opportunity_id,
    golden.mql_at,
    coalesce(golden.is_mql_day_only, false) as is_mql_day_only,
    golden.sql_at,
    coalesce(golden.is_sql_day_only, false) as is_sql_day_only,
    cast(golden.n_touches_declared as bigint) as n_touches_declared,
    cast(golden.lead_score as decimal(18, 4)) as lead_score,
    persons.is_email_opted_out or persons.is_call_opted_out as is_opted_out,
    golden.n_source_rows,
    golden.assigned_at,
    coalesce(golden.is_assigned_day_only, false) as is_assigned_day_only,
    cast(golden.n_owner_changes as bigint) as n_owner_changes,
    golden.source_instance
from golden
inner join {{ ref('dim_persons') }} as persons on golden.person_id = persons.person_id
left join {{ ref('dim_accounts') }} as accounts on persons.account_id = accounts.account_id
left join {{ ref('dim_reps') }} as reps on golden.rep_id = reps.rep_id
left join {{ ref('size_bands') }} as bands
    on
        golden.employee_count >= bands.min_employees
        and golden.employee_count <= coalesce(bands.max_employees, golden.employee_count)
left join {{ outlier_decisions(['touches_per_lead']) }} as decided
    on {{ lead_id_of('golden.person_id') }} = decided.record_key
where not {{ is_outlier_error('decided', 'false') }}
