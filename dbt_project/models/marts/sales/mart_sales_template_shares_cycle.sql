-- The leads are those that the quadrants of accounts are judged by: half a year of wholly matured months, and their
-- touches in the conversion window. Leads on a list of exclusion in that window are left out there and here.
{%- set minimum = 30 %}

with matured_months as (
    select {{ first_of_month('created_on') }} as created_month
    from {{ ref('fct_lead_cadences') }}
    where is_dated
    group by {{ first_of_month('created_on') }}
    having bool_and(is_matured)
),

halves as (
    select max(created_month) as last_month
    from matured_months
),

listed as (
    select
        person_id,
        account_id,
        starts_at,
        ends_at
    from {{ ref('int_contact_exclusions') }}
),

candidates as (
    select
        leads.lead_id,
        'per_' || substr(leads.lead_id, 5) as person_id,
        leads.account_id,
        leads.created_at,
        quadrants.quadrant_code
    from {{ ref('fct_lead_cadences') }} as leads
    inner join {{ source('statistics', 'account_quadrants') }} as quadrants
        on leads.account_id = quadrants.account_id
    cross join halves
    where
        quadrants.quadrant_code in ('q1', 'q3')
        and leads.is_dated
        and leads.created_on >= {{ add_months('halves.last_month', -5) }}
        and leads.created_on < {{ add_months('halves.last_month', 1) }}
),

-- Once by person and once by company: a join on one or the other would compare every lead with every entry.
lead_entries as (
    select
        candidates.lead_id,
        candidates.created_at,
        of_persons.starts_at,
        of_persons.ends_at
    from candidates
    inner join listed as of_persons on candidates.person_id = of_persons.person_id
    union all
    select
        candidates.lead_id,
        candidates.created_at,
        of_companies.starts_at,
        of_companies.ends_at
    from candidates
    inner join listed as of_companies on candidates.account_id = of_companies.account_id
),

excluded as (
    select distinct entries.lead_id
    from lead_entries as entries
    cross join {{ run_settings() }} as settings
    where
        {{ seconds_between('entries.created_at', 'entries.starts_at') }}
        < cast(settings.conversion_window_days as bigint) * 86400
        and (entries.ends_at is null or entries.ends_at > entries.created_at)
),

judged_leads as (
    select candidates.*
    from candidates
    left join excluded on candidates.lead_id = excluded.lead_id
    where excluded.lead_id is null
),

cells as (
    select
        touches.template_id,
        count(case when leads.quadrant_code = 'q1' then 1 end) as n_touches_q1,
        count(case when leads.quadrant_code = 'q3' then 1 end) as n_touches_q3,
        count(distinct case when leads.quadrant_code = 'q1' then leads.account_id end) as n_accounts_q1,
        count(distinct case when leads.quadrant_code = 'q3' then leads.account_id end) as n_accounts_q3
    from {{ ref('fct_templated_touches') }} as touches
    inner join judged_leads as leads on touches.lead_id = leads.lead_id
    cross join {{ run_settings() }} as settings
    where
        touches.occurred_at < settings.as_of
        and {{ seconds_between('leads.created_at', 'touches.occurred_at') }} >= 0
        and {{ seconds_between('leads.created_at', 'touches.occurred_at') }}
        < cast(settings.conversion_window_days as bigint) * 86400
    group by touches.template_id
),

shared as (
    select
        *,
        sum(n_touches_q1) over () as n_templated_q1,
        sum(n_touches_q3) over () as n_templated_q3
    from cells
)

select
    cast(template_id as string) as template_id,
    cast(n_touches_q1 as bigint) as n_touches_q1,
    cast(n_accounts_q1 as bigint) as n_accounts_q1,
    cast(n_templated_q1 as bigint) as n_templated_q1,
    case
        when n_templated_q1 >= {{ minimum }} then {{ metric_ratio('n_touches_q1', 'n_templated_q1') }}
    end as template_share_q1_rate,
    cast(case when n_templated_q1 < {{ minimum }} then 'too_few_templated_touches' end as string)
        as template_share_q1_reason_code,
    cast(n_touches_q3 as bigint) as n_touches_q3,
    cast(n_accounts_q3 as bigint) as n_accounts_q3,
    cast(n_templated_q3 as bigint) as n_templated_q3,
    case
        when n_templated_q3 >= {{ minimum }} then {{ metric_ratio('n_touches_q3', 'n_templated_q3') }}
    end as template_share_q3_rate,
    cast(case when n_templated_q3 < {{ minimum }} then 'too_few_templated_touches' end as string)
        as template_share_q3_reason_code
from shared
