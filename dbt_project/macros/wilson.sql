{#
  Bounds of Wilson's 95 % interval of a share as doubles in 0-1: the score interval, that says something of few units
  (E. B. Wilson, JASA 22, 1927). share and n_units are expressions of doubles; null without units.
#}
{% macro wilson_low(share, n_units) -%}
    greatest(({{ _wilson_centre(share, n_units) }} - {{ _wilson_half(share, n_units) }}), 0)
{%- endmacro %}
{% macro wilson_high(share, n_units) -%}
    least(({{ _wilson_centre(share, n_units) }} + {{ _wilson_half(share, n_units) }}), 1)
{%- endmacro %}

{%- macro _wilson_centre(share, n_units) -%}
    {%- set z = 1.959963984540054 -%}
    ({{ share }} + {{ z * z }} / (2 * {{ n_units }})) / (1 + {{ z * z }} / {{ n_units }})
{%- endmacro -%}
{%- macro _wilson_half(share, n_units) -%}
    {%- set z = 1.959963984540054 -%}
    {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / {{ n_units }} + {{ z * z }} / (4 * {{ n_units }} * {{ n_units }}))
    / (1 + {{ z * z }} / {{ n_units }})
{%- endmacro -%}
