{# Stable id of an item of the review queue: the same two records in either order give the same id. #}
{% macro review_item_id(entity, kind, left_key, right_key) -%}
    'rev_' || substr(
        {{ sha256_hex(
            "'" ~ entity ~ "|" ~ kind ~ "|' || least(" ~ left_key ~ ", " ~ right_key ~ ") || '|' || greatest("
            ~ left_key ~ ", " ~ right_key ~ ")"
        ) }},
        1, 12
    )
{%- endmacro %}
