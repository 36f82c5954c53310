-- Kept rows that no fact counts, by stream.
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
    'order_line' as stream,
    'erp_order_line' as contract,
    order_lines.source_instance,
    order_lines._delivery_id,
    order_lines._source_row_id,
    order_lines._record_part,
    order_lines.record_key,
    {{ order_line_exclusion('order_lines') }} as reason_code
from {{ ref('stg_erp__order_lines') }} as order_lines
where {{ order_line_exclusion('order_lines') }} is not null
union all
select
    'ledger' as stream,
    'erp_ledger_entry' as contract,
    entries.source_instance,
    entries._delivery_id,
    entries._source_row_id,
    entries._record_part,
    entries.record_key,
    {{ ledger_exclusion('entries') }} as reason_code
from {{ ref('stg_erp__ledger_entries') }} as entries
where {{ ledger_exclusion('entries') }} is not null
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
    'quota' as stream,
    'crm_quota' as contract,
    quotas.source_instance,
    quotas._delivery_id,
    quotas._source_row_id,
    quotas._record_part,
    quotas.record_key,
    {{ quota_exclusion('quotas') }} as reason_code
from {{ ref('stg_crm__quotas') }} as quotas
where {{ quota_exclusion('quotas') }} is not null
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
union all
select
    'nps_response' as stream,
    'nps_response' as contract,
    responses.source_instance,
    responses._delivery_id,
    responses._source_row_id,
    responses._record_part,
    responses.record_key,
    {{ nps_response_exclusion('responses') }} as reason_code
from {{ ref('stg_survey__responses') }} as responses
where {{ nps_response_exclusion('responses') }} is not null
union all
select
    'product_usage' as stream,
    'product_usage' as contract,
    usages.source_instance,
    usages._delivery_id,
    usages._source_row_id,
    usages._record_part,
    usages.record_key,
    {{ product_usage_exclusion('usages') }} as reason_code
from {{ ref('stg_product__usages') }} as usages
where {{ product_usage_exclusion('usages') }} is not null
union all
select
    'marketing_cost' as stream,
    'marketing_cost' as contract,
    spent.source_instance,
    spent._delivery_id,
    spent._source_row_id,
    spent._record_part,
    spent.record_key,
    {{ marketing_cost_exclusion('spent') }} as reason_code
from {{ ref('stg_finance__marketing_costs') }} as spent
where {{ marketing_cost_exclusion('spent') }} is not null
union all
select
    'contact_role' as stream,
    'crm_opportunity_contact_role' as contract,
    roles.source_instance,
    roles._delivery_id,
    roles._source_row_id,
    roles._record_part,
    roles.record_key,
    {{ deleted_exclusion('roles') }} as reason_code
from {{ ref('stg_crm__opportunity_contact_roles') }} as roles
where {{ deleted_exclusion('roles') }} is not null
union all
select
    'account_event' as stream,
    'crm_account_event' as contract,
    account_events.source_instance,
    account_events._delivery_id,
    account_events._source_row_id,
    account_events._record_part,
    account_events.record_key,
    {{ deleted_exclusion('account_events') }} as reason_code
from {{ ref('stg_crm__account_events') }} as account_events
where {{ deleted_exclusion('account_events') }} is not null
union all
select
    'social_metric' as stream,
    'social_metric' as contract,
    metrics.source_instance,
    metrics._delivery_id,
    metrics._source_row_id,
    metrics._record_part,
    metrics.record_key,
    {{ deleted_exclusion('metrics') }} as reason_code
from {{ ref('stg_social__metrics') }} as metrics
where {{ deleted_exclusion('metrics') }} is not null
