{#
  Pre-hook of every mart: no mart is built unless the gate admitted this cycle.
  The verdict is a file written by the quality step; without it, for another cycle, with any other verdict than
  publish and publish_with_warnings, or where the settings name no cycle, the build stops. One query: it is asked by
  every mart.
#}
{% macro require_admitted_cycle() %}
    {% if execute and flags.WHICH in ('run', 'build') %}
        {% set verdicts = load_relation(source('quality', 'gate_verdicts')) %}
        {% if verdicts is none %}
            {{ exceptions.raise_compiler_error(
                'No verdict exists for this cycle: marts are built after the gate. Next: etalon check'
            ) }}
        {% endif %}
        {% set found = run_query(
            'select settings.cycle, verdicts.cycle as judged_cycle, verdicts.verdict from '
            ~ source('run', 'settings') ~ ' as settings left join ' ~ verdicts
            ~ ' as verdicts on settings.cycle = verdicts.cycle'
        ).rows %}
        {% if found | length == 0 %}
            {{ exceptions.raise_compiler_error(
                'The settings of the run name no cycle: nothing can be admitted, marts are not built. Next: etalon check'
            ) }}
        {% endif %}
        {% for cycle, judged_cycle, verdict in found %}
            {% if judged_cycle is none %}
                {{ exceptions.raise_compiler_error(
                    'The verdict on file is not for cycle ' ~ cycle ~ '. Next: etalon check'
                ) }}
            {% elif verdict not in ('publish', 'publish_with_warnings') %}
                {{ exceptions.raise_compiler_error(
                    'Verdict ' ~ (verdict or 'without a value') ~ ': cycle ' ~ cycle
                    ~ ' is not admitted, marts are not built. Next: etalon check'
                ) }}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}
