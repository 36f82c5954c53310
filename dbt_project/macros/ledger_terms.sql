{# Every contract of ingest, for the row ledger: the raw tables declared as sources. #}
{% macro ledger_contracts() -%}
    {{ return([
        'calendar_attendee', 'calendar_event', 'crm_account', 'crm_account_event', 'crm_activity',
        'crm_campaign', 'crm_campaign_member', 'crm_consent', 'crm_contact', 'crm_lead', 'crm_merge',
        'crm_opportunity', 'crm_opportunity_contact_role', 'crm_opportunity_event', 'crm_opportunity_line',
        'crm_quota', 'crm_user', 'email_event', 'email_message', 'erp_customer', 'erp_invoice',
        'erp_invoice_line', 'erp_ledger_entry', 'erp_order_line', 'erp_payment', 'erp_product',
        'erp_subscription', 'exchange_rate', 'marketing_cost', 'nps_response', 'product_usage', 'social_metric',
        'telephony_call_leg'
    ]) }}
{%- endmacro %}

{# Records of every raw table by contract, source instance and delivery: a full select. #}
{% macro raw_record_counts() -%}
    {% for contract in ledger_contracts() -%}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ contract }}' as contract,
        source_instance,
        _delivery_id,
        count(*) as n_records
    from {{ source('raw', contract) }}
    group by source_instance, _delivery_id
    {% endfor -%}
{%- endmacro %}

{# One count of the ledger as rows of dq_ledger_terms; arguments are expressions of the relation. #}
{% macro ledger_term(
    term, term_name, term_value, relation, stream='stream_code', source_instance='null', delivery_id='null',
    currency='null'
) -%}
    select
        '{{ term }}' as term,
        cast({{ stream }} as string) as stream,
        cast({{ source_instance }} as string) as source_instance,
        cast({{ delivery_id }} as string) as _delivery_id,
        cast({{ currency }} as string) as currency,
        '{{ term_name }}' as term_name,
        cast(coalesce({{ term_value }}, 0) as decimal(38, 4)) as term_value
    from {{ relation }}
{%- endmacro %}

{# Stream and rows of each fact, from a dictionary stream -> "<count> from <relation>": a full select. #}
{% macro fact_row_counts(counts) -%}
    {% for stream_code, counted in counts.items() -%}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ stream_code }}',
        {{ counted }}
    {% endfor -%}
{%- endmacro %}

{# Contracts whose kept records no fact and no crosswalk counts: the staging view of each must show all of them. #}
{% macro staged_contracts() -%}
    {{ return({
        'calendar_event': ref('stg_calendar__events'),
        'crm_campaign': ref('stg_crm__campaigns'),
        'crm_campaign_member': ref('stg_crm__campaign_members'),
        'crm_consent': ref('stg_crm__consents'),
        'crm_merge': ref('stg_crm__merges'),
        'crm_opportunity_line': ref('stg_crm__opportunity_lines'),
        'email_message': ref('stg_emailing__messages'),
        'erp_invoice': ref('stg_erp__invoices'),
        'erp_payment': ref('stg_erp__payments'),
        'exchange_rate': ref('stg_finance__exchange_rates')
    }) }}
{%- endmacro %}

{# Contract and records of each of those views: a full select. #}
{% macro staged_record_counts() -%}
    {% for contract, relation in staged_contracts().items() -%}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ contract }}',
        count(*)
    from {{ relation }}
    {% endfor -%}
{%- endmacro %}

{# The second count of term C, one term a fate. #}
{% macro recounted_terms(relation) -%}
    {% for fate in [
        'records', 'kept', 'quarantined', 'excluded', 'exact_duplicate', 'superseded', 'suppressed'
    ] -%}
    {% if not loop.first %}union all
    {% endif -%}
    {{ ledger_term(
        'C', 'counted_' ~ fate, 'n_' ~ fate, relation, 'contract', 'source_instance', '_delivery_id'
    ) }}
    {% endfor -%}
{%- endmacro %}
