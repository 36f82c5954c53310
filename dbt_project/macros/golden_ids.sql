{# Id of the group whose top account is given: acc_<hex> becomes grp_<hex>. #}
{% macro group_id_of(account_id) -%}
    'grp_' || substr({{ account_id }}, 5)
{%- endmacro %}

{# Id of the lead of a golden person: per_<hex> becomes lea_<hex>. #}
{% macro lead_id_of(person_id) -%}
    'lea_' || substr({{ person_id }}, 5)
{%- endmacro %}
