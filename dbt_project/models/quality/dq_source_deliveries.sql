-- A source without any dated file has no month that it could miss.
select
    terms.source_instance,
    terms.contract,
    max(deliveries.delivered_on) as last_delivered_on,
    coalesce(max(deliveries.delivered_on) < min(settings.cycle_start), false) as is_late
from {{ source('collect', 'ledger_terms') }} as terms
inner join {{ source('collect', 'deliveries') }} as deliveries on terms._delivery_id = deliveries._delivery_id
cross join {{ run_settings() }} as settings
where terms.term = 'C' and terms.contract is not null
group by terms.source_instance, terms.contract
