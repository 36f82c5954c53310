{# Host name of a web address as typed, or the part after @ of a mail address; null when it is no host name. #}
{% macro host_of(value) -%}
    {{ regexp_replace_all(
        regexp_replace_all(
            regexp_replace_all("lower(trim(" ~ value ~ "))", "^([a-z]+:)?//", ""),
            "^[^/]*@|^www[0-9]?[.]",
            ""
        ),
        "[/:?#].*$",
        ""
    ) }}
{%- endmacro %}

{# Registered domain of a host name: two labels, three below a public second level such as co.uk. #}
{% macro registered_domain(host) -%}
    case
        when not {{ regexp_full(host, "[a-z0-9-]+([.][a-z0-9-]+)+") }} then null
        when
            split_part({{ host }}, '.', -2) in ('co', 'com', 'org', 'net', 'gov', 'gouv', 'edu', 'ac', 'asso', 'or', 'ne')
            and length(split_part({{ host }}, '.', -1)) = 2
            and {{ regexp_full(host, "[a-z0-9-]+([.][a-z0-9-]+){2,}") }}
            then split_part({{ host }}, '.', -3) || '.' || split_part({{ host }}, '.', -2) || '.' || split_part({{ host }}, '.', -1)
        else split_part({{ host }}, '.', -2) || '.' || split_part({{ host }}, '.', -1)
    end
{%- endmacro %}
