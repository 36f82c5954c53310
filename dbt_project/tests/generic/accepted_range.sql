{# Values, where not null, are at least min_value and, where given, at most max_value. #}
{% test accepted_range(model, column_name, min_value, max_value=none) %}
    select {{ column_name }}
    from {{ model }}
    where
        {{ column_name }} < {{ min_value }}
        or {{ column_name }} > {{ max_value if max_value is not none else column_name }}
{% endtest %}
