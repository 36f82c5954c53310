{# Why a kept row stays out of its fact; null when it goes in. One place for the fact and for the exclusion list. #}

{% macro subscription_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
        when {{ applies('test_record', 'coalesce(' ~ alias ~ '.is_test, false)') }} then 'test_record'
        when {{ applies('trial_subscription', alias ~ ".status = 'trialing'") }} then 'trial_subscription'
        when {{ alias }}.billing_period_months <= 0 then 'invalid_billing_period'
    end
{%- endmacro %}

{# What a subscription bills each period, discount off, in its currency. #}
{% macro subscription_amount(alias) -%}
    cast(
        coalesce({{ alias }}.quantity, 1) * {{ alias }}.unit_amount - coalesce({{ alias }}.discount_amount, 0)
        as decimal(18, 4)
    )
{%- endmacro %}

{% macro quota_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
        when {{ alias }}.period_end < {{ alias }}.period_start then 'reversed_period'
    end
{%- endmacro %}

{% macro ledger_exclusion(alias) -%}
    case
        when {{ alias }}.account_class not in ('revenue', 'rebate') then 'not_revenue_account'
        when {{ applies('opening_entry', alias ~ '.is_opening') }} then 'opening_entry'
    end
{%- endmacro %}

{# An invoice line whose document is missing stays in the fact, on the unknown account: its money must be seen. #}
{% macro invoice_line_exclusion(lines, invoices) -%}
    case
        when
            {{ applies('deleted_in_source', lines ~ '.is_deleted or coalesce(' ~ invoices ~ '.is_deleted, false)') }}
            then 'deleted_in_source'
        when {{ applies('draft_document', invoices ~ ".status = 'draft'") }} then 'draft_document'
        when {{ applies('void_document', invoices ~ ".status = 'void'") }} then 'void_document'
    end
{%- endmacro %}

{# outliers: the opportunities that left as errors. #}
{% macro opportunity_event_exclusion(events, opportunities, outliers) -%}
    case
        when {{ opportunities }}.record_key is null then 'parent_missing'
        when {{ applies('deleted_in_source', opportunities ~ '.is_deleted') }} then 'parent_excluded'
        when {{ outliers }}.opportunity_id is not null then 'parent_excluded'
        when {{ events }}.field = 'stage' and {{ events }}.stage_code is null then 'unmapped_stage'
    end
{%- endmacro %}

{% macro nps_response_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
        when {{ alias }}.score < 0 or {{ alias }}.score > 10 then 'score_not_countable'
    end
{%- endmacro %}

{# A cost of a campaign is in the campaign's own figure; a period that ends before it begins, or lasts more than the ten
years that the fact can share out, is an entry error. #}
{% macro marketing_cost_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
        when {{ alias }}.campaign_id is not null then 'cost_of_campaign'
        when
            {{ days_between(alias ~ '.period_start', alias ~ '.period_end') }} < 0
            or {{ days_between(alias ~ '.period_start', alias ~ '.period_end') }} > 3600
            then 'invalid_period'
    end
{%- endmacro %}

{# A line that has left or was cancelled on a day that nobody noted would stand in the backlog for ever. #}
{% macro order_line_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
        when {{ alias }}.status = 'shipped' and {{ alias }}.shipped_on is null then 'order_closed_undated'
        when {{ alias }}.status = 'cancelled' and {{ alias }}.cancelled_on is null then 'order_closed_undated'
    end
{%- endmacro %}

{# Facts that leave out nothing but what the source deleted. #}
{% macro deleted_exclusion(alias) -%}
    case
        when {{ applies('deleted_in_source', alias ~ '.is_deleted') }} then 'deleted_in_source'
    end
{%- endmacro %}
