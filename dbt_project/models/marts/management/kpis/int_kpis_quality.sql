{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set lines = ref('mart_sales_touch_lines_cycle') %}
{%- set dq_rates = {
    'dq_completeness_rate': ('n_required - n_missing', 'n_required'),
    'dq_uniqueness_rate': ('n_keyed - n_repeated', 'n_keyed'),
    'dq_time_zone_coherence_rate': ('n_clocked - n_off_clock', 'n_clocked'),
    'dq_set_aside_rate': ('n_set_aside', 'n_records'),
} %}

with source_tables as (
    select * from {{ ref('dq_source_tables') }}
),

segmented as (
    {{ segment_rows('source_tables', {'source_table': 'source_table_code'}) }}
),

table_rows as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(n_records) as n_records,
        sum(n_set_aside) as n_set_aside,
        sum(n_keyed) as n_keyed,
        sum(n_repeated) as n_repeated,
        sum(n_required) as n_required,
        sum(n_missing) as n_missing,
        sum(n_clocked) as n_clocked,
        sum(n_off_clock) as n_off_clock
    from segmented
    group by period_month, segment_kind_code, segment_code
),

-- The judged line of the company, in the last month of its leads. Where all or none of them converted, every lead lies
-- on the mean of the conversion and there are no quadrants.
judged_lines as (
    select
        {{ add_months('period_end', -1) }} as period_month,
        segment_kind_code,
        segment_code,
        case when n_converted > 0 and n_converted < n_leads then q1_share_rate end as q1_share_rate,
        case when n_converted > 0 and n_converted < n_leads then n_q1 end as n_q1,
        case when n_converted > 0 and n_converted < n_leads then n_leads end as n_leads,
        case
            when n_leads = 0 then 'no_lead'
            when n_converted = 0 or n_converted = n_leads then 'one_outcome_only'
        end as q1_reason_code
    from {{ lines }}
    where period_code = 'half_year' and segment_kind_code = 'all' and colour_code is not null
),

computed as (
    {{ kpi_rows('pct_q1', 'judged_lines', 'q1_share_rate', 'n_q1', 'n_leads', 'q1_reason_code') }}
    {% for name, (part, whole) in dq_rates.items() %}
        union all
    {{ kpi_rows(
        name, 'table_rows', metric_ratio(part, whole), part, whole, "case when " ~ whole ~ " = 0 then 'no_unit' end"
    ) }}
    {% endfor %}
)

select * from computed
