{#
  Conformed role of a CRM user from the title that the CRM gives. Whole words in French and English; the first that fits
  wins, so that a manager of key accounts is a KAM, a sales manager a manager, and a customer success manager none.
#}
{% macro rep_role_code(role_name) -%}
    {%- set words -%}
        ' ' || {{ regexp_replace_all("lower(" ~ role_name ~ ")", "[^a-zà-ÿ]+", " ") }} || ' '
    {%- endset -%}
    case
        when {{ role_name }} is null or trim({{ role_name }}) = '' then 'unknown'
        {%- for role_code, signs in {
            'integration': ['integration', 'intégration', 'api', 'connector', 'connecteur', 'bot'],
            'sdr': ['sdr', 'bdr', 'sales development', 'business development'],
            'mdr': ['mdr', 'market development', 'marketing development'],
            'kam': ['kam', 'key account', 'grands comptes', 'grand compte'],
            'customer_success': [
                'customer success', 'client success', 'csm', 'succès client', 'succès clients', 'réussite client'
            ],
            'manager': [
                'manager', 'head', 'director', 'directeur', 'directrice', 'vp', 'chief', 'cso', 'responsable', 'chef'
            ],
            'ae': ['ae', 'account executive', 'commercial', 'commerciale', 'sales', 'vendeur', 'vendeuse']
        }.items() %}
        when
            {%- for sign in signs %}
            {% if not loop.first %}or {% endif %}{{ words }} like '% {{ sign }} %'
            {%- endfor %}
            then '{{ role_code }}'
        {%- endfor %}
        else 'other'
    end
{%- endmacro %}
