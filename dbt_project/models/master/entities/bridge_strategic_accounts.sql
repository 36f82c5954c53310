-- The strategic list as it was known: the first version that a source gave of an account counts since ever, a later one
-- since the day it shows. Growth of the list is judged on the list of its first day, never on that of today.
with versions as (
    select
        versions.record_key,
        coalesce(versions.is_strategic, false) as is_strategic,
        row_number() over (
            partition by versions.record_key
            order by versions.is_kept asc, versions.known_on asc, versions._delivery_id asc, versions._source_row_id asc
        ) as version_number,
        max(versions.known_on) over (
            partition by versions.record_key
            order by versions.is_kept asc, versions.known_on asc, versions._delivery_id asc, versions._source_row_id asc
            rows between unbounded preceding and current row
        ) as known_on
    from {{ ref('stg_crm__account_versions') }} as versions
    where
        versions.record_key in (
            select listed.record_key from {{ ref('stg_crm__account_versions') }} as listed
            where listed.is_strategic
        )
),

spans as (
    select
        record_key,
        is_strategic,
        case when version_number = 1 then cast('1900-01-01' as date) else known_on end as valid_from,
        lead(known_on) over (partition by record_key order by version_number) as valid_to
    from versions
)

select
    xref.account_id,
    spans.record_key,
    spans.valid_from,
    spans.valid_to
from spans
inner join {{ ref('xref_accounts') }} as xref on spans.record_key = xref.record_key
where
    spans.is_strategic
    and xref.account_id <> 'unknown'
    and spans.valid_from < coalesce(spans.valid_to, cast('9999-12-31' as date))
