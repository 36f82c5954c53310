{# The folder's schema as it is: no target prefix, so that names are the same on every engine. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
