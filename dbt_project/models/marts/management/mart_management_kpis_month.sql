-- Each metric is a column of a subject mart, unpivoted; nothing is defined a second time here. The stage
-- conversion of all stages adds the halves of the stages; complaints are added by month, their mart is weekly.
{%- set leads = ref('mart_sales_leads_month') %}
{%- set opportunities = ref('mart_sales_opportunities_month') %}
{%- set revenue = ref('mart_finance_revenue_month') %}
{%- set mrr = ref('mart_finance_mrr_month') %}
{%- set conversion_caveat -%}
    case
        when n_conversion_undated > 0 then 'conversion_undated'
        when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature'
    end
{%- endset %}
{%- set leads_caveat = "case when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature' end" %}

with pooled_stages as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(n_matured) as n_matured,
        sum(n_immature) as n_immature,
        sum(n_reached_next) as n_reached_next
    from {{ ref('mart_sales_stages_month') }}
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        'stage' as segment_kind_code,
        stage_code as segment_code,
        n_matured,
        n_immature,
        n_reached_next
    from {{ ref('mart_sales_stages_month') }}
    where segment_kind_code = 'all'
),

rated_stages as (
    select
        *,
        {{ metric_ratio('n_reached_next', 'n_matured') }} as stage_conversion_rate,
        case when n_matured = 0 then 'cohort_immature' end as stage_conversion_reason_code
    from pooled_stages
),

segmented_sends as (
    {{ segment_rows(ref('fct_email_send_days'), {'size_band': 'size_band_code', 'sending': 'sending_code'}) }}
),

month_sends as (
    select
        {{ first_of_month('sent_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_delivered) as n_delivered,
        sum(n_complained) as n_complained,
        {{ metric_ratio('sum(n_complained)', 'sum(n_delivered)') }} as complaint_rate,
        case when sum(n_delivered) = 0 then 'no_delivered_mail' end as complaint_reason_code
    from segmented_sends
    group by {{ first_of_month('sent_on') }}, segment_kind_code, segment_code
),

computed as (
    {{ kpi_rows('leads_new', leads, 'n_leads') }}
    union all
    {{ kpi_rows(
        'cr', leads, 'conversion_rate', 'n_converted_in_window', 'n_matured',
        'conversion_reason_code', conversion_caveat, 'n_immature'
    ) }}
    union all
    {{ kpi_rows(
        'touches_per_lead', leads, 'touches_per_lead', 'n_touches', 'n_matured',
        'touches_reason_code', leads_caveat, 'n_immature'
    ) }}
    union all
    {{ kpi_rows(
        'ttf_hours', leads, 'ttf_hours_median', denominator='n_contacted', reason_code='ttf_reason_code'
    ) }}
    union all
    {{ kpi_rows(
        'contacted_24h_rate', leads, 'contacted_24h_rate', 'n_contacted_24h', 'n_older_24h',
        'contacted_24h_reason_code', n_immature='n_leads - n_older_24h'
    ) }}
    union all
    {{ kpi_rows('win_rate_close', opportunities, 'win_rate', 'n_won', 'n_closed') }}
    union all
    {{ kpi_rows(
        'win_amount_rate_close', opportunities, 'win_amount_rate', 'won_amount', 'closed_amount',
        'win_amount_reason_code'
    ) }}
    union all
    {{ kpi_rows(
        'sales_cycle_days', opportunities, 'sales_cycle_days_median', denominator='n_won_with_cycle',
        reason_code='sales_cycle_reason_code'
    ) }}
    union all
    {{ kpi_rows(
        'stage_conversion', 'rated_stages', 'stage_conversion_rate', 'n_reached_next', 'n_matured',
        'stage_conversion_reason_code', leads_caveat, 'n_immature'
    ) }}
    union all
    {{ kpi_rows('revenue_total', revenue, 'revenue_amount', reason_code='revenue_reason_code') }}
    union all
    {{ kpi_rows(
        'revenue_new_business', revenue, 'new_business_amount', reason_code='new_business_reason_code',
        caveat_code='new_business_caveat_code'
    ) }}
    union all
    {{ kpi_rows(
        'revenue_new_business_share', revenue, 'new_business_share_rate', 'new_business_amount', 'revenue_amount',
        'new_business_share_reason_code', 'new_business_caveat_code'
    ) }}
    union all
    {{ kpi_rows('mrr', mrr, 'closing_mrr') }}
    union all
    {{ kpi_rows('mrr_new', mrr, 'new_mrr') }}
    union all
    {{ kpi_rows('mrr_expansion', mrr, 'expansion_mrr') }}
    union all
    {{ kpi_rows('mrr_contraction', mrr, 'contraction_mrr') }}
    union all
    {{ kpi_rows('mrr_churn', mrr, 'churn_mrr') }}
    union all
    {{ kpi_rows('mrr_reactivation', mrr, 'reactivation_mrr') }}
    union all
    {{ kpi_rows(
        'complaint_rate', 'month_sends', 'complaint_rate', 'n_complained', 'n_delivered', 'complaint_reason_code'
    ) }}
),

-- unit, whether a month without rows is a true zero, and why a ratio of such a month has no value
metric_list (metric_name, unit_code, is_additive, empty_reason_code) as (
    values
    ('leads_new', 'count', true, null),
    ('cr', 'rate', false, 'no_lead'),
    ('touches_per_lead', 'touches_per_lead', false, 'no_lead'),
    ('ttf_hours', 'hours', false, 'no_lead'),
    ('contacted_24h_rate', 'rate', false, 'no_lead'),
    ('win_rate_close', 'rate', false, 'no_closed_opportunity'),
    ('win_amount_rate_close', 'rate', false, 'no_closed_opportunity'),
    ('sales_cycle_days', 'days', false, 'no_closed_opportunity'),
    ('stage_conversion', 'rate', false, 'no_stage_entered'),
    ('revenue_total', 'money', true, null),
    ('revenue_new_business', 'money', true, null),
    ('revenue_new_business_share', 'rate', false, 'no_revenue'),
    ('mrr', 'money', true, null),
    ('mrr_new', 'money', true, null),
    ('mrr_expansion', 'money', true, null),
    ('mrr_contraction', 'money', true, null),
    ('mrr_churn', 'money', true, null),
    ('mrr_reactivation', 'money', true, null),
    ('complaint_rate', 'rate', false, 'no_delivered_mail')
),

-- The tables that bring the events of a metric. Recurring revenue is a state: the last list of subscriptions stands.
metric_contracts (metric_name, contract) as (
    values
    ('leads_new', 'crm_lead'),
    ('cr', 'crm_lead'),
    ('touches_per_lead', 'crm_lead'),
    ('touches_per_lead', 'crm_activity'),
    ('touches_per_lead', 'telephony_call_leg'),
    ('touches_per_lead', 'email_event'),
    ('touches_per_lead', 'calendar_event'),
    ('ttf_hours', 'crm_lead'),
    ('ttf_hours', 'crm_activity'),
    ('ttf_hours', 'telephony_call_leg'),
    ('ttf_hours', 'email_event'),
    ('ttf_hours', 'calendar_event'),
    ('contacted_24h_rate', 'crm_lead'),
    ('contacted_24h_rate', 'crm_activity'),
    ('contacted_24h_rate', 'telephony_call_leg'),
    ('contacted_24h_rate', 'email_event'),
    ('contacted_24h_rate', 'calendar_event'),
    ('win_rate_close', 'crm_opportunity'),
    ('win_amount_rate_close', 'crm_opportunity'),
    ('sales_cycle_days', 'crm_opportunity'),
    ('stage_conversion', 'crm_opportunity'),
    ('stage_conversion', 'crm_opportunity_event'),
    ('revenue_total', 'erp_invoice'),
    ('revenue_total', 'erp_invoice_line'),
    ('revenue_new_business', 'erp_invoice'),
    ('revenue_new_business', 'erp_invoice_line'),
    ('revenue_new_business_share', 'erp_invoice'),
    ('revenue_new_business_share', 'erp_invoice_line'),
    ('complaint_rate', 'email_event')
),

-- The month of the cycle of a metric whose source has sent nothing for it: neither 0 nor a part of the truth.
undelivered as (
    select distinct
        metric_contracts.metric_name,
        settings.cycle_start as period_month
    from metric_contracts
    inner join {{ ref('dq_source_deliveries') }} as deliveries
        on metric_contracts.contract = deliveries.contract and deliveries.is_late
    cross join {{ run_settings() }} as settings
),

first_months as (
    select
        metric_name,
        min(period_month) as first_month
    from computed
    group by metric_name
),

bounds as (
    select min(first_month) as first_month
    from first_months
),

spine_months as (
    select distinct dates.period_month
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    cross join bounds
    where
        dates.period_month <= settings.cycle_start
        and dates.period_month >= coalesce(bounds.first_month, settings.cycle_start)
    union
    -- months that the calendar does not know still hold their rows
    select computed.period_month
    from computed
),

-- The whole company has a row for every metric and month up to the cycle: a gap is said, not left out.
company_rows as (
    select
        metric_list.metric_name,
        spine_months.period_month,
        'all' as segment_kind_code,
        'all' as segment_code,
        case
            when computed.metric_name is not null then computed.metric_value
            when metric_list.is_additive and spine_months.period_month >= first_months.first_month then 0
        end as metric_value,
        computed.numerator,
        computed.denominator,
        case
            when computed.metric_name is not null then computed.reason_code
            when first_months.first_month is null then 'no_source_rows'
            when spine_months.period_month < first_months.first_month then 'before_first_row'
            else metric_list.empty_reason_code
        end as reason_code,
        computed.caveat_code,
        computed.n_immature
    from metric_list
    cross join spine_months
    left join first_months on metric_list.metric_name = first_months.metric_name
    left join computed
        on
            metric_list.metric_name = computed.metric_name
            and spine_months.period_month = computed.period_month
            and computed.segment_kind_code = 'all'
),

all_rows as (
    select * from company_rows
    union all
    select * from computed
    where segment_kind_code <> 'all'
)

select
    cast(all_rows.metric_name as string) as metric_name,
    all_rows.period_month,
    cast(all_rows.segment_kind_code as string) as segment_kind_code,
    cast(all_rows.segment_code as string) as segment_code,
    cast(case when undelivered.metric_name is null then all_rows.metric_value end as decimal(38, 10)) as metric_value,
    cast(all_rows.numerator as decimal(38, 4)) as numerator,
    cast(all_rows.denominator as decimal(38, 4)) as denominator,
    cast(
        case when undelivered.metric_name is not null then 'no_delivery' else all_rows.reason_code end as string
    ) as reason_code,
    cast(all_rows.caveat_code as string) as caveat_code,
    cast(all_rows.n_immature as bigint) as n_immature,
    cast(metric_list.unit_code as string) as unit_code,
    cast(
        case when metric_list.unit_code = 'money' then settings.reporting_currency end as string
    ) as reporting_currency
from all_rows
inner join metric_list on all_rows.metric_name = metric_list.metric_name
left join undelivered
    on all_rows.metric_name = undelivered.metric_name and all_rows.period_month = undelivered.period_month
cross join {{ run_settings() }} as settings
