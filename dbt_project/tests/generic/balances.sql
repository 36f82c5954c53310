{# Two expressions over the columns of one row are equal, to the last decimal. #}
{% test balances(model, left_value, right_value) %}
    select *
    from {{ model }}
    where {{ left_value }} <> {{ right_value }} or ({{ left_value }}) is null or ({{ right_value }}) is null
{% endtest %}
