{# Stable id of an item of the review queue: the same two records in either order give the same id. #}
{% macro review_item_id(entity, kind, left_key, right_key) -%}
    'rev_' || substr(
        {{ sha256_text(
            "'" ~ entity ~ "|" ~ kind ~ "|' || least(" ~ left_key ~ ", " ~ right_key ~ ") || '|' || greatest("
            ~ left_key ~ ", " ~ right_key ~ ")"
        ) }},
        1, 12
    )
{%- endmacro %}

{# Lower-case hex digits of the SHA-256 of a text. #}
{% macro sha256_text(value) -%}
    {{ adapter.dispatch('sha256_text', 'etalon')(value) }}
{%- endmacro %}
{% macro default__sha256_text(value) -%}
    sha256({{ value }})
{%- endmacro %}
{% macro spark__sha256_text(value) -%}
    sha2({{ value }}, 256)
{%- endmacro %}
