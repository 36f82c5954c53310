{# Id of the group whose top account is given: acc_<hex> becomes grp_<hex>, or buy_<hex> for a buying group. #}
{% macro group_id_of(account_id, kind_code=none) -%}
    {%- set by_kind = "case when " ~ kind_code ~ " = 'buying' then 'buy_' else 'grp_' end" -%}
    {{ "'grp_'" if kind_code is none else by_kind }} || substr({{ account_id }}, 5)
{%- endmacro %}

{# Id of the lead of a golden person: per_<hex> becomes lea_<hex>. #}
{% macro lead_id_of(person_id) -%}
    'lea_' || substr({{ person_id }}, 5)
{%- endmacro %}
