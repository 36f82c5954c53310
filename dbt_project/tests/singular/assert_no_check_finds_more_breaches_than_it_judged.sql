-- Incident: contacts that a check could not judge were reported as compliant, and breaches outnumbered what was judged.
select
    check_code,
    channel_code,
    period_month,
    n_assessed,
    n_breaches
from {{ ref('dq_compliance') }}
where n_breaches > n_assessed or (n_assessed = 0 and n_breaches is not null)
union all
select
    breaches.check_code,
    breaches.channel_code,
    {{ first_of_month('breaches.occurred_on') }} as period_month,
    cast(0 as bigint) as n_assessed,
    count(*) as n_breaches
from {{ ref('dq_contact_breaches') }} as breaches
left join {{ ref('dq_compliance') }} as compliance
    on
        breaches.check_code = compliance.check_code
        and breaches.channel_code = compliance.channel_code
        and {{ first_of_month('breaches.occurred_on') }} = compliance.period_month
where coalesce(compliance.n_breaches, 0) = 0
group by breaches.check_code, breaches.channel_code, {{ first_of_month('breaches.occurred_on') }}
