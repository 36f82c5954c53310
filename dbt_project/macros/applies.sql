{#
  The condition under which a row gets its reason, or false where the var `switched_off` lists the reason. Only
  `etalon impact` sets the var, on a copy of the warehouse: what would the figures be without this decision?
  orchestration/impact/switches.py lists the reasons that are written so.
#}
{% macro applies(reason_code, condition) -%}
    {{ 'false' if reason_code in var('switched_off', []) else condition }}
{%- endmacro %}
