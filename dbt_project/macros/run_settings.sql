{# The one row of settings of this run: cycle, as_of, windows, currency. Cross join it; never use the clock. #}
{% macro run_settings() -%}
    (select * from {{ source('run', 'settings') }})
{%- endmacro %}
