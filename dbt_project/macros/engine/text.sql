{# Text functions that engines spell differently. Patterns use no backslash: Spark reads it as an escape. #}

{% macro regexp_replace_all(value, pattern, replacement) -%}
    {{ adapter.dispatch('regexp_replace_all', 'etalon')(value, pattern, replacement) }}
{%- endmacro %}
{% macro default__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
{% macro spark__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{# True when the whole value matches. #}
{% macro regexp_full(value, pattern) -%}
    {{ adapter.dispatch('regexp_full', 'etalon')(value, pattern) }}
{%- endmacro %}
{% macro default__regexp_full(value, pattern) -%}
    regexp_full_match({{ value }}, '{{ pattern }}')
{%- endmacro %}
{% macro spark__regexp_full(value, pattern) -%}
    regexp_like({{ value }}, '^(?:{{ pattern }})$')
{%- endmacro %}

{# Letters without their accents. Spark has no such function: the Latin-1 and Latin Extended-A letters are listed. #}
{% macro without_accents(value) -%}
    {{ adapter.dispatch('without_accents', 'etalon')(value) }}
{%- endmacro %}
{% macro default__without_accents(value) -%}
    strip_accents({{ value }})
{%- endmacro %}
{% macro spark__without_accents(value) -%}
    {%- set accented = 'ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽž' -%}
    {%- set plain = 'AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJjKkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZz' -%}
    translate({{ value }}, '{{ accented }}', '{{ plain }}')
{%- endmacro %}

{# yyyy-MM of a date. #}
{% macro year_month_text(day) -%}
    substr(cast({{ day }} as string), 1, 7)
{%- endmacro %}

{# One row per element of a comma-separated text, as a select-list expression. #}
{% macro split_to_rows(value) -%}
    {{ adapter.dispatch('split_to_rows', 'etalon')(value) }}
{%- endmacro %}
{% macro default__split_to_rows(value) -%}
    unnest(string_split({{ value }}, ','))
{%- endmacro %}
{% macro spark__split_to_rows(value) -%}
    explode(split({{ value }}, ','))
{%- endmacro %}
