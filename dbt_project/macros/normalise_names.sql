{#
  Keys for comparing names: upper case, no accents, no punctuation, one blank between words.
  The original name stays beside the key; a name in another script has no key (null), never an empty one.
#}
{% macro plain_words(value) -%}
    trim(
        {{ regexp_replace_all(
            upper_key(without_accents(
                "replace(replace(replace(replace(replace(lower(" ~ value ~ "), '.', ''), '''', ' '), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')"
            )),
            "[^A-Z0-9]+",
            " "
        ) }}
    )
{%- endmacro %}

{#
  Company name without its legal form, which stands first in French usage or last anywhere, and without the "and"
  that people write as a word or as a sign.
#}
{% macro company_name_key(value) -%}
    {%- set leading = "^((SARL|SAS|SASU|SA|EURL|SNC|SCI|SCP|SELARL|STE|SOCIETE|ETS|ETABLISSEMENTS) )+" -%}
    {%- set trailing = "( (SARL|SAS|SASU|SA|EURL|SNC|SCI|SCP|SELARL|SCOP|GIE|GMBH|MBH|AG|KG|UG|OHG|EV|CO|COMPANY"
        ~ "|LTD|LIMITED|PLC|LLP|LLC|LP|INC|INCORPORATED|CORP|CORPORATION|SPA|SRL|SL|SLU|SAU|BV|NV|BVBA|SPRL|CVBA"
        ~ "|AB|AS|ASA|OY|OYJ|APS|SE|SP Z OO|KFT|LDA|PTY))+$" -%}
    nullif(
        {{ regexp_replace_all(
            regexp_replace_all(regexp_replace_all(plain_words(value), " (ET|AND|UND) ", " "), leading, ""),
            trailing,
            ""
        ) }},
        ''
    )
{%- endmacro %}

{# Given name and family name; null when both are blank. #}
{% macro person_name_key(first_name, last_name) -%}
    nullif({{ plain_words("coalesce(" ~ first_name ~ ", '') || ' ' || coalesce(" ~ last_name ~ ", '')") }}, '')
{%- endmacro %}
