{#
  Ids of CRM accounts and ERP customers that name one golden account whichever system speaks: a subquery with contract,
  source_record_id and account_id. Surveys and products carry the id without its system; an id that two systems gave to
  two companies names nobody.
#}
{% macro named_accounts() -%}
    (
        select
            contract,
            source_record_id,
            min(account_id) as account_id
        from {{ ref('xref_accounts') }}
        where contract in ('crm_account', 'erp_customer') and account_id <> 'unknown'
        group by contract, source_record_id
        having min(account_id) = max(account_id)
    )
{%- endmacro %}
