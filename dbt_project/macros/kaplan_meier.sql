{#
  Kaplan-Meier survival of a relation of durations, as a subquery: one row per group and distinct event duration with
  n_at_risk (durations >= this one), n_events and survival = product of 1 - n_events / n_at_risk, a double.
  groups: list of columns; duration: column, null rows are left out; is_event: boolean column, false = censored at its
  duration. A unit censored at the instant of an event was still at risk (Kaplan and Meier 1958).
  The product is exp of a sum of logarithms; survival 0 is said apart, since 0 has no logarithm.
#}
{% macro kaplan_meier(relation, groups, duration, is_event) -%}
    {%- set keys = groups | join(', ') -%}
    (
        select
            {{ keys }},
            duration,
            n_at_risk,
            n_events,
            case
                when min(n_at_risk - n_events) over km_until = 0 then cast(0 as double)
                else exp(sum(ln(
                    cast(n_at_risk - n_events as double)
                    / case when n_at_risk = n_events then null else n_at_risk end
                )) over km_until)
            end as survival
        from (
            select
                {{ keys }},
                duration,
                n_events,
                sum(n_units) over (
                    partition by {{ keys }} order by duration desc
                    rows between unbounded preceding and current row
                ) as n_at_risk
            from (
                select
                    {{ keys }},
                    {{ duration }} as duration,
                    count(*) as n_units,
                    sum(case when {{ is_event }} then 1 else 0 end) as n_events
                from {{ relation }}
                where {{ duration }} is not null
                group by {{ keys }}, {{ duration }}
            ) as km_counted
        ) as km_risk
        where n_events > 0
        window km_until as (
            partition by {{ keys }} order by duration rows between unbounded preceding and current row
        )
    )
{%- endmacro %}

{#
  Smallest duration at which survival is at or under 1 - share (0.5: the median), null where it never falls so low.
  relation: a subquery of kaplan_meier; groups: the same list. Survival is compared with a slack of 1e-12, because a
  product of fractions that is exactly one half may come out a hair above it in binary.
#}
{% macro kaplan_meier_quantile(relation, groups, share=0.5) -%}
    (
        select
            {{ groups | join(', ') }},
            min(case when survival <= {{ 1 - share }} + 1e-12 then duration end) as duration
        from {{ relation }} as km_survivors
        group by {{ groups | join(', ') }}
    )
{%- endmacro %}
