{#
  Pre-hook of every mart: no mart is built unless the gate admitted this cycle.
  The verdict is a file written by the quality step; without it, for another cycle, or with any other verdict than
  publish and publish_with_warnings, the build stops.
#}
{% macro require_admitted_cycle() %}
    {% if execute and flags.WHICH in ('run', 'build') %}
        {% set cycle = run_query(
            'select cycle from ' ~ source('run', 'settings')
        ).columns[0].values()[0] %}
        {% set verdicts = load_relation(source('quality', 'gate_verdicts')) %}
        {% if verdicts is none %}
            {{ exceptions.raise_compiler_error(
                'No verdict exists for cycle ' ~ cycle ~ ': marts are built after the gate. Next: etalon check'
            ) }}
        {% endif %}
        {% set rows = run_query(
            "select verdict from " ~ verdicts ~ " where cycle = '" ~ cycle ~ "'"
        ).columns[0].values() %}
        {% if rows | length == 0 %}
            {{ exceptions.raise_compiler_error(
                'The verdict on file is not for cycle ' ~ cycle ~ '. Next: etalon check'
            ) }}
        {% endif %}
        {% for verdict in rows if verdict not in ('publish', 'publish_with_warnings') %}
            {{ exceptions.raise_compiler_error(
                'Verdict ' ~ (verdict or 'without a value') ~ ': cycle ' ~ cycle
                ~ ' is not admitted, marts are not built. Next: etalon check'
            ) }}
        {% endfor %}
    {% endif %}
{% endmacro %}
