-- Late is what the collect step says: a monthly file that did not come for the month of the cycle.
select
    terms.source_instance,
    terms.contract,
    max(deliveries.delivered_on) as last_delivered_on,
    coalesce(bool_or(deliveries.is_missed), false) as is_late
from {{ source('collect', 'ledger_terms') }} as terms
inner join {{ source('collect', 'deliveries') }} as deliveries on terms._delivery_id = deliveries._delivery_id
where terms.term = 'C' and terms.contract is not null
group by terms.source_instance, terms.contract
