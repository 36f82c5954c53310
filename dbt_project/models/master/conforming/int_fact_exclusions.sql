-- Kept rows that no fact counts, by stream.
{% set judged_alone = [
    ('order_line', 'erp_order_line', ref('stg_erp__order_lines'), order_line_exclusion('kept')),
    ('ledger', 'erp_ledger_entry', ref('stg_erp__ledger_entries'), ledger_exclusion('kept')),
    ('quota', 'crm_quota', ref('stg_crm__quotas'), quota_exclusion('kept')),
    ('nps_response', 'nps_response', ref('stg_survey__responses'), nps_response_exclusion('kept')),
    ('product_usage', 'product_usage', ref('stg_product__usages'), deleted_exclusion('kept')),
    ('marketing_cost', 'marketing_cost', ref('stg_finance__marketing_costs'), marketing_cost_exclusion('kept')),
    ('contact_role', 'crm_opportunity_contact_role', ref('stg_crm__opportunity_contact_roles'),
        deleted_exclusion('kept')),
    ('account_event', 'crm_account_event', ref('stg_crm__account_events'), deleted_exclusion('kept')),
    ('social_metric', 'social_metric', ref('stg_social__metrics'), deleted_exclusion('kept')),
] %}

select
    stream,
    contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    reason_code
from {{ ref('int_record_exclusions') }}
union all
select
    'activity' as stream,
    'crm_activity' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    reason_code
from {{ ref('int_activity_fates') }}
where reason_code is not null
union all
select distinct
    'activity' as stream,
    'crm_activity' as contract,
    fates.source_instance,
    fates._delivery_id,
    fates._source_row_id,
    fates._record_part,
    fates.record_key,
    'outlier_error' as reason_code
from {{ ref('int_activity_fates') }} as fates
inner join {{ ref('int_touch_outliers') }} as outliers
    on fates.record_key = outliers.source_key and outliers.source_stream_code = 'activity' and outliers.is_error
union all
select
    'call' as stream,
    'telephony_call_leg' as contract,
    legs.source_instance,
    legs._delivery_id,
    legs._source_row_id,
    legs._record_part,
    legs.record_key,
    'outlier_error' as reason_code
from {{ ref('stg_telephony__call_legs') }} as legs
left join {{ outlier_decisions(['call_duration_s']) }} as decided on legs.record_key = decided.record_key
where {{ is_outlier_error('decided', is_backward_leg('legs')) }}
union all
select
    'lead' as stream,
    'crm_lead' as contract,
    leads.source_instance,
    leads._delivery_id,
    leads._source_row_id,
    leads._record_part,
    leads.record_key,
    'outlier_error' as reason_code
from {{ ref('stg_crm__leads') }} as leads
inner join {{ ref('xref_persons') }} as xref on leads.record_key = xref.record_key
inner join {{ outlier_decisions(['touches_per_lead']) }} as decided
    on {{ lead_id_of('xref.person_id') }} = decided.record_key
where xref.person_id <> 'unknown' and {{ is_outlier_error('decided', 'false') }}
union all
select
    'opportunity' as stream,
    'crm_opportunity' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    'deleted_in_source' as reason_code
from {{ ref('stg_crm__opportunities') }}
where {{ applies('deleted_in_source', 'is_deleted') }}
union all
select
    'opportunity' as stream,
    'crm_opportunity' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    opportunity_id as record_key,
    reason_code
from {{ ref('int_opportunities') }}
where reason_code is not null
union all
select
    'opportunity_event' as stream,
    'crm_opportunity_event' as contract,
    events.source_instance,
    events._delivery_id,
    events._source_row_id,
    events._record_part,
    events.record_key,
    {{ opportunity_event_exclusion('events', 'opportunities', 'outliers') }} as reason_code
from {{ ref('stg_crm__opportunity_events') }} as events
left join {{ ref('stg_crm__opportunities') }} as opportunities
    on
        opportunities.record_key
        = {{ record_key('events.source_instance', 'crm_opportunity', 'events.opportunity_id') }}
left join {{ ref('int_opportunities') }} as outliers
    on opportunities.record_key = outliers.opportunity_id and outliers.reason_code is not null
where {{ opportunity_event_exclusion('events', 'opportunities', 'outliers') }} is not null
union all
select
    'invoice_line' as stream,
    'erp_invoice_line' as contract,
    invoice_lines.source_instance,
    invoice_lines._delivery_id,
    invoice_lines._source_row_id,
    invoice_lines._record_part,
    invoice_lines.record_key,
    {{ invoice_line_exclusion('invoice_lines', 'invoices') }} as reason_code
from {{ ref('stg_erp__invoice_lines') }} as invoice_lines
left join {{ ref('stg_erp__invoices') }} as invoices
    on
        invoices.record_key
        = {{ record_key('invoice_lines.source_instance', 'erp_invoice', 'invoice_lines.invoice_id') }}
where {{ invoice_line_exclusion('invoice_lines', 'invoices') }} is not null
union all
select
    case when reason_code is null then 'subscription_month' else 'subscription' end as stream,
    'erp_subscription' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    coalesce(reason_code, 'overlapping_subscription') as reason_code
from {{ ref('int_subscription_fates') }}
where reason_code is not null or n_overlapped_months > 0
union all
select
    'attendee' as stream,
    'calendar_attendee' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    reason_code
from {{ ref('int_attendee_fates') }}
where reason_code is not null
union all
select
    'email' as stream,
    'email_event' as contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    'internal_recipient' as reason_code
from {{ ref('stg_emailing__events') }}
where
    split_part(recipient_email, '@', 2) in (select own_domain from {{ ref('int_own_domains') }})
    and {{ applies('internal_recipient', 'true') }}
{% for stream, contract, relation, exclusion in judged_alone -%}
    union all
    select
        '{{ stream }}' as stream,
        '{{ contract }}' as contract,
        kept.source_instance,
        kept._delivery_id,
        kept._source_row_id,
        kept._record_part,
        kept.record_key,
        {{ exclusion }} as reason_code
    from {{ relation }} as kept
    where {{ exclusion }} is not null
{% endfor -%}
