-- Kept rows that no fact counts, by stream. A stream without a branch excludes nothing (call legs).
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
    'opportunity_event' as stream,
    'crm_opportunity_event' as contract,
    events.source_instance,
    events._delivery_id,
    events._source_row_id,
    events._record_part,
    events.record_key,
    {{ opportunity_event_exclusion('events', 'opportunities') }} as reason_code
from {{ ref('stg_crm__opportunity_events') }} as events
left join {{ ref('stg_crm__opportunities') }} as opportunities
    on
        opportunities.record_key
        = {{ record_key('events.source_instance', 'crm_opportunity', 'events.opportunity_id') }}
where {{ opportunity_event_exclusion('events', 'opportunities') }} is not null
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
