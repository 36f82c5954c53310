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

{# True when the whole value matches. Java's $ would also stop before a last line break. #}
{% macro regexp_full(value, pattern) -%}
    {{ adapter.dispatch('regexp_full', 'etalon')(value, pattern) }}
{%- endmacro %}
{% macro default__regexp_full(value, pattern) -%}
    regexp_full_match({{ value }}, '{{ pattern }}')
{%- endmacro %}
{% macro spark__regexp_full(value, pattern) -%}
    regexp_like({{ value }}, '^(?:{{ pattern }})(?!(?s:.))')
{%- endmacro %}

{#
  Letters without their accents. Spark has no such function: the letters below are those that DuckDB reduces to A-Z,
  and U+0300 to U+036F are the accents of texts that write them apart.
#}
{% macro without_accents(value) -%}
    {{ adapter.dispatch('without_accents', 'etalon')(value) }}
{%- endmacro %}
{% macro default__without_accents(value) -%}
    strip_accents({{ value }})
{%- endmacro %}
{% macro spark__without_accents(value) -%}
    {%- set accented_letters = {
        'A': 'ÀÁÂÃÄÅĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶÅ', 'a': 'àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ', 'B': 'ḂḄḆ', 'b': 'ḃḅḇ',
        'C': 'ÇĆĈĊČḈ', 'c': 'çćĉċčḉ', 'D': 'ĎḊḌḎḐḒ', 'd': 'ďḋḍḏḑḓ', 'E': 'ÈÉÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ',
        'e': 'èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ', 'F': 'Ḟ', 'f': 'ḟ', 'G': 'ĜĞĠĢǦǴḠ', 'g': 'ĝğġģǧǵḡ', 'H': 'ĤȞḢḤḦḨḪ',
        'h': 'ĥȟḣḥḧḩḫẖ', 'I': 'ÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ', 'i': 'ìíîïĩīĭįǐȉȋḭḯỉị', 'J': 'Ĵ', 'j': 'ĵǰ', 'K': 'ĶǨḰḲḴK',
        'k': 'ķǩḱḳḵ', 'L': 'ĹĻĽḶḸḺḼ', 'l': 'ĺļľḷḹḻḽ', 'M': 'ḾṀṂ', 'm': 'ḿṁṃ', 'N': 'ÑŃŅŇǸṄṆṈṊ', 'n': 'ñńņňǹṅṇṉṋ',
        'O': 'ÒÓÔÕÖŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ', 'o': 'òóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ', 'P': 'ṔṖ',
        'p': 'ṕṗ', 'R': 'ŔŖŘȐȒṘṚṜṞ', 'r': 'ŕŗřȑȓṙṛṝṟ', 'S': 'ŚŜŞŠȘṠṢṤṦṨ', 's': 'śŝşšșṡṣṥṧṩ', 'T': 'ŢŤȚṪṬṮṰ',
        't': 'ţťțṫṭṯṱẗ', 'U': 'ÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ', 'u': 'ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự', 'V': 'ṼṾ',
        'v': 'ṽṿ', 'W': 'ŴẀẂẄẆẈ', 'w': 'ŵẁẃẅẇẉẘ', 'X': 'ẊẌ', 'x': 'ẋẍ', 'Y': 'ÝŶŸȲẎỲỴỶỸ', 'y': 'ýÿŷȳẏẙỳỵỷỹ',
        'Z': 'ŹŻŽẐẒẔ', 'z': 'źżžẑẓẕ'
    } -%}
    {%- set accented = [] -%}
    {%- set plain = [] -%}
    {%- for letter, variants in accented_letters.items() -%}
        {%- do accented.append(variants) -%}
        {%- do plain.append(letter * variants | length) -%}
    {%- endfor -%}
    {%- set marks = "[\u0300-\u036f]" -%}
    translate(regexp_replace({{ value }}, '{{ marks }}', ''), '{{ accented | join }}', '{{ plain | join }}')
{%- endmacro %}

{#
  Upper case for keys of A-Z and 0-9. On Spark one letter may become several (German sharp s, ligatures): there such
  letters become blanks, as DuckDB leaves them to be dropped with the other signs.
#}
{% macro upper_key(value) -%}
    {{ adapter.dispatch('upper_key', 'etalon')(value) }}
{%- endmacro %}
{% macro default__upper_key(value) -%}
    upper({{ value }})
{%- endmacro %}
{% macro spark__upper_key(value) -%}
    {%- set letters = "[\u00df\u0149\u01f0\u1e96-\u1e9a\ufb00-\ufb06]" -%}
    upper(regexp_replace({{ value }}, '{{ letters }}', ' '))
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

{# Distinct values of a group in alphabetic order, with a comma between. #}
{% macro joined_values(value) -%}
    {{ adapter.dispatch('joined_values', 'etalon')(value) }}
{%- endmacro %}
{% macro default__joined_values(value) -%}
    string_agg(distinct {{ value }}, ', ' order by {{ value }})
{%- endmacro %}
{% macro spark__joined_values(value) -%}
    array_join(array_sort(collect_set({{ value }})), ', ')
{%- endmacro %}

{# SHA-256 of a text as 64 lower-case hex digits. #}
{% macro sha256_hex(value) -%}
    {{ adapter.dispatch('sha256_hex', 'etalon')(value) }}
{%- endmacro %}
{% macro default__sha256_hex(value) -%}
    sha256({{ value }})
{%- endmacro %}
{% macro spark__sha256_hex(value) -%}
    sha2({{ value }}, 256)
{%- endmacro %}
