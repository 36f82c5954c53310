-- Terms A to C are what ingest reported, beside a second count from raw; D to G are counted from what master built.
-- A fact may hold rows that no month counts (no date, a date after the cycle): the second identity of E and F adds them
-- to the rows that metrics date.
{%- set fact_counts = {
    'lead': 'sum(n_source_rows) from ' ~ ref('fct_leads'),
    'call': 'sum(n_source_rows) from ' ~ ref('fct_calls'),
    'email': 'sum(n_source_rows) from ' ~ ref('fct_email_sends'),
    'attendee': 'sum(n_source_rows) from ' ~ ref('fct_meetings'),
    'activity': 'count(*) from ' ~ ref('fct_touches') ~ " where source_stream_code = 'activity'",
    'opportunity': 'count(*) from ' ~ ref('fct_opportunities'),
    'opportunity_event': 'count(*) from ' ~ ref('fct_opportunity_changes'),
    'invoice_line': 'count(*) from ' ~ ref('fct_invoice_lines'),
    'order_line': 'count(*) from ' ~ ref('fct_order_lines'),
    'ledger': 'count(*) from ' ~ ref('fct_ledger_revenues'),
    'contact_role': 'count(*) from ' ~ ref('fct_opportunity_contact_roles'),
    'account_event': 'count(*) from ' ~ ref('fct_account_events'),
    'social_metric': 'count(*) from ' ~ ref('fct_social_metrics'),
    'nps_response': 'count(*) from ' ~ ref('fct_nps_responses'),
    'product_usage': 'sum(n_source_rows) from ' ~ ref('fct_product_usages'),
    'quota': 'count(*) from ' ~ ref('fct_quotas'),
    'subscription':
        'count(distinct record_key) from ' ~ ref('int_subscription_months') ~ ' where reason_code is null',
    'marketing_cost':
        'count(distinct cost_id) from ' ~ ref('fct_marketing_costs') ~ " where cost_source_code = 'cost'",
} %}

with fact_streams (stream_code, contract, exclusion_stream) as (
    values
    ('lead', 'crm_lead', 'person'),
    ('call', 'telephony_call_leg', 'call'),
    ('email', 'email_event', 'email'),
    ('attendee', 'calendar_attendee', 'attendee'),
    ('activity', 'crm_activity', 'activity'),
    ('opportunity', 'crm_opportunity', 'opportunity'),
    ('opportunity_event', 'crm_opportunity_event', 'opportunity_event'),
    ('invoice_line', 'erp_invoice_line', 'invoice_line'),
    ('order_line', 'erp_order_line', 'order_line'),
    ('ledger', 'erp_ledger_entry', 'ledger'),
    ('contact_role', 'crm_opportunity_contact_role', 'contact_role'),
    ('account_event', 'crm_account_event', 'account_event'),
    ('social_metric', 'social_metric', 'social_metric'),
    ('nps_response', 'nps_response', 'nps_response'),
    ('product_usage', 'product_usage', 'product_usage'),
    ('quota', 'crm_quota', 'quota'),
    ('subscription', 'erp_subscription', 'subscription'),
    ('marketing_cost', 'marketing_cost', 'marketing_cost')
),

entity_streams (entity, contract, exclusion_stream) as (
    values
    ('account', 'crm_account', 'account'),
    ('account', 'erp_customer', 'account'),
    ('person', 'crm_contact', 'person'),
    ('person', 'crm_lead', 'person'),
    ('rep', 'crm_user', 'rep'),
    ('product', 'erp_product', 'product')
),

crosswalk as (
    select
        'account' as entity,
        contract,
        account_id as golden_id
    from {{ ref('xref_accounts') }}
    union all
    select
        'person' as entity,
        contract,
        person_id as golden_id
    from {{ ref('xref_persons') }}
    union all
    select
        'rep' as entity,
        'crm_user' as contract,
        rep_id as golden_id
    from {{ ref('dim_reps') }}
    where rep_id <> 'unknown'
    union all
    select
        'product' as entity,
        'erp_product' as contract,
        product_id as golden_id
    from {{ ref('dim_products') }}
    where product_id <> 'unknown'
),

crosswalk_counts as (
    select
        entity,
        contract,
        count(*) as n_rows
    from crosswalk
    group by entity, contract
),

golden_counts as (
    select
        'account' as entity,
        count(*) as n_golden
    from {{ ref('dim_accounts') }}
    where account_id <> 'unknown'
    union all
    select
        'person' as entity,
        count(*) as n_golden
    from {{ ref('dim_persons') }}
    where person_id <> 'unknown'
),

identity_counts as (
    select
        golden_counts.entity,
        golden_counts.n_golden,
        count(crosswalk.golden_id) as n_rows,
        count(case when crosswalk.golden_id <> 'unknown' then crosswalk.golden_id end) as n_identified,
        count(case when crosswalk.golden_id <> 'unknown' then crosswalk.golden_id end)
        - count(distinct case when crosswalk.golden_id <> 'unknown' then crosswalk.golden_id end) as n_merged
    from golden_counts
    left join crosswalk on golden_counts.entity = crosswalk.entity
    group by golden_counts.entity, golden_counts.n_golden
),

kept_counts as (
    select
        contract,
        sum(n_kept) as n_rows
    from {{ ref('dq_record_counts') }}
    group by contract
),

excluded_counts as (
    select
        stream as exclusion_stream,
        contract,
        count(*) as n_rows
    from {{ ref('dq_exclusions') }}
    group by stream, contract
),

-- A lead that is an error stays a person; records of persons that are no lead leave with the person.
excluded_from_facts as (
    select
        case when exclusion_stream = 'lead' then 'person' else exclusion_stream end as exclusion_stream,
        contract,
        sum(n_rows) as n_rows
    from excluded_counts
    group by case when exclusion_stream = 'lead' then 'person' else exclusion_stream end, contract
),

entity_rows as (
    select
        entity_streams.contract as stream_code,
        kept_counts.n_rows as n_kept,
        crosswalk_counts.n_rows as n_crosswalk,
        excluded_counts.n_rows as n_excluded
    from entity_streams
    left join kept_counts on entity_streams.contract = kept_counts.contract
    left join crosswalk_counts
        on entity_streams.entity = crosswalk_counts.entity and entity_streams.contract = crosswalk_counts.contract
    left join excluded_counts
        on
            entity_streams.exclusion_stream = excluded_counts.exclusion_stream
            and entity_streams.contract = excluded_counts.contract
),

staged_counts (contract, n_rows) as (
    {{ staged_record_counts() }}
),

staged_rows as (
    select
        staged_counts.contract as stream_code,
        kept_counts.n_rows as n_kept,
        staged_counts.n_rows as n_staged
    from staged_counts
    left join kept_counts on staged_counts.contract = kept_counts.contract
),

fact_counts (stream_code, n_rows) as (
    {{ fact_row_counts(fact_counts) }}
),

fact_rows as (
    select
        fact_streams.stream_code,
        kept_counts.n_rows as n_kept,
        fact_counts.n_rows as n_fact,
        excluded.n_rows as n_excluded
    from fact_streams
    left join kept_counts on fact_streams.contract = kept_counts.contract
    left join fact_counts on fact_streams.stream_code = fact_counts.stream_code
    left join excluded_from_facts as excluded
        on
            fact_streams.exclusion_stream = excluded.exclusion_stream
            and fact_streams.contract = excluded.contract
),

money_rows as (
    select
        stream_code,
        currency,
        sum(amount) as source_amount,
        sum(case when fate_code = 'set_aside' then amount end) as set_aside_amount,
        sum(case when fate_code = 'excluded' then amount end) as excluded_amount
    from {{ ref('dq_money_fates') }}
    group by stream_code, currency
),

kept_money as (
    select
        'invoice_line' as stream_code,
        coalesce(currency, 'unknown') as currency,
        sum(net_amount) as kept_amount
    from {{ ref('fct_invoice_lines') }}
    group by coalesce(currency, 'unknown')
    union all
    select
        'ledger' as stream_code,
        currency,
        sum(revenue_amount) as kept_amount
    from {{ ref('fct_ledger_revenues') }}
    group by currency
    union all
    select
        'subscription' as stream_code,
        coalesce(fates.currency, 'unknown') as currency,
        sum(fates.period_amount) as kept_amount
    from {{ ref('int_subscription_fates') }} as fates
    where
        fates.record_key in (
            select months.record_key
            from {{ ref('int_subscription_months') }} as months
            where months.reason_code is null
        )
    group by coalesce(fates.currency, 'unknown')
),

-- The months of subscriptions, counted and overlapped, against the fact; money in the reporting currency.
subscription_month_rows as (
    select
        'subscription_month' as stream_code,
        count(*) as n_kept,
        count(reason_code) as n_excluded,
        sum(mrr) as source_amount,
        sum(case when reason_code is not null then mrr end) as excluded_amount
    from {{ ref('int_subscription_months') }}
),

subscription_month_facts as (
    select
        'subscription_month' as stream_code,
        sum(n_subscriptions) as n_fact,
        sum(mrr) as kept_amount
    from {{ ref('fct_subscription_months') }}
),

placed_rows as (
    select
        'invoice_line' as stream_code,
        coalesce(lines.currency, 'unknown') as currency,
        lines.net_amount as amount,
        case
            when coalesce(lines.is_intercompany, false) then 'intercompany'
            when lines.invoiced_on is null then 'undated'
            when lines.invoiced_on >= settings.cycle_end then 'later'
        end as place_code
    from {{ ref('fct_invoice_lines') }} as lines
    cross join {{ run_settings() }} as settings
    union all
    select
        'opportunity' as stream_code,
        coalesce(opportunities.currency, 'unknown') as currency,
        opportunities.amount,
        case
            when opportunities.closed_on is null then 'undated'
            when opportunities.closed_on >= settings.cycle_end then 'later'
        end as place_code
    from {{ ref('fct_opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    where opportunities.is_won or opportunities.is_lost
    union all
    select
        'opportunity_stage' as stream_code,
        cast(null as string) as currency,
        cast(null as decimal(18, 4)) as amount,
        case
            when passages.stage_passage_key is not null then null
            when entries.first_entered_at is null then 'undated'
            when entries.first_entered_at >= settings.as_of then 'later'
        end as place_code
    from {{ ref('fct_opportunity_stages') }} as entries
    cross join {{ run_settings() }} as settings
    inner join {{ ref('opportunity_stages') }} as stages
        on entries.stage_code = stages.stage_code and not stages.is_closed
    left join {{ ref('fct_stage_passages') }} as passages
        on entries.opportunity_id = passages.opportunity_id and entries.stage_code = passages.stage_code
),

placed as (
    select
        stream_code,
        currency,
        count(*) as n_rows,
        count(*) filter (where place_code = 'intercompany') as n_intercompany,
        count(*) filter (where place_code = 'undated') as n_undated,
        count(*) filter (where place_code = 'later') as n_later,
        sum(amount) as amount,
        sum(case when place_code = 'intercompany' then amount end) as intercompany_amount,
        sum(case when place_code = 'undated' then amount end) as undated_amount,
        sum(case when place_code = 'later' then amount end) as later_amount
    from placed_rows
    group by stream_code, currency
),

placed_money as (
    select * from placed
    where stream_code <> 'opportunity_stage'
),

dated as (
    select
        'invoice_line' as stream_code,
        coalesce(currency, 'unknown') as currency,
        count(*) as n_rows,
        sum(net_amount) as amount
    from {{ ref('fct_revenue_lines') }}
    group by coalesce(currency, 'unknown')
    union all
    select
        'opportunity' as stream_code,
        coalesce(currency, 'unknown') as currency,
        count(*) as n_rows,
        sum(amount) as amount
    from {{ ref('fct_opportunity_closings') }}
    group by coalesce(currency, 'unknown')
),

dated_stages as (
    select
        'opportunity_stage' as stream_code,
        count(*) as n_rows
    from {{ ref('fct_stage_passages') }} as passages
    inner join {{ ref('fct_opportunity_stages') }} as entries
        on passages.opportunity_id = entries.opportunity_id and passages.stage_code = entries.stage_code
),

journal_rows as (
    select
        case when step_code = 'merge' then 'merge' else step_code || ':' || coalesce(reason_code, 'none') end
            as stream_code,
        sum(n_decisions) as n_decisions
    from {{ ref('dq_journal') }}
    group by case when step_code = 'merge' then 'merge' else step_code || ':' || coalesce(reason_code, 'none') end
),

decided_rows as (
    select
        'record:' || coalesce(reason_code, 'none') as stream_code,
        count(*) as n_decisions
    from {{ source('collect', 'dispositions') }}
    group by reason_code
    union all
    select
        'line:' || coalesce(reason_code, 'none') as stream_code,
        count(*) as n_decisions
    from {{ source('collect', 'quarantine_lines') }}
    group by reason_code
    union all
    select
        'line:line_repaired' as stream_code,
        count(*) as n_decisions
    from {{ source('collect', 'repaired_lines') }}
    having count(*) > 0
    union all
    select
        'cell:' || coalesce(reason_code, 'none') as stream_code,
        count(*) as n_decisions
    from {{ source('collect', 'changes') }}
    group by reason_code
    union all
    select
        'exclusion:' || coalesce(reason_code, 'none') as stream_code,
        count(*) as n_decisions
    from {{ ref('int_fact_exclusions') }}
    group by reason_code
    union all
    select
        'stewardship:steward_' || kind as stream_code,
        count(*) as n_decisions
    from {{ source('stewardship', 'decisions') }}
    group by kind
    union all
    select
        'metric:' || ttf_status_code as stream_code,
        count(*) as n_decisions
    from {{ ref('fct_lead_cadences') }}
    where ttf_status_code = 'negative_ttf'
    group by ttf_status_code
    union all
    select
        'metric:conversion_undated' as stream_code,
        count(*) as n_decisions
    from {{ ref('fct_lead_cadences') }}
    where is_conversion_undated
    union all
    select
        'metric:outlier_error' as stream_code,
        count(*) as n_decisions
    from {{ ref('int_touch_outliers') }}
    where is_error and source_stream_code <> 'activity'
    union all
    select
        'stewardship:steward_outlier' as stream_code,
        count(*) as n_decisions
    from {{ source('stewardship', 'outlier_classes') }}
    union all
    select
        'merge' as stream_code,
        sum(n_merged) as n_decisions
    from identity_counts
),

terms as (
    select
        term,
        coalesce(contract, 'file') as stream,  -- noqa: RF04
        source_instance,
        _delivery_id,
        cast(null as string) as currency,
        name as term_name,
        cast(value as decimal(38, 4)) as term_value
    from {{ source('collect', 'ledger_terms') }}
    union all
    {{ recounted_terms(ref('dq_record_counts')) }}
    union all
    {{ ledger_term('D', 'kept_rows', 'n_kept', 'entity_rows') }}
    union all
    {{ ledger_term('D', 'crosswalk_rows', 'n_crosswalk', 'entity_rows') }}
    union all
    {{ ledger_term('D', 'excluded_rows', 'n_excluded', 'entity_rows') }}
    union all
    {{ ledger_term('D', 'golden_crosswalk_rows', 'n_rows', 'identity_counts', 'entity') }}
    union all
    {{ ledger_term('D', 'identified_rows', 'n_identified', 'identity_counts', 'entity') }}
    union all
    {{ ledger_term('D', 'golden_records', 'n_golden', 'identity_counts', 'entity') }}
    union all
    {{ ledger_term('D', 'merged_records', 'n_merged', 'identity_counts', 'entity') }}
    union all
    {{ ledger_term('E', 'kept_rows', 'n_kept', 'fact_rows') }}
    union all
    {{ ledger_term('E', 'fact_rows', 'n_fact', 'fact_rows') }}
    union all
    {{ ledger_term('E', 'excluded_rows', 'n_excluded', 'fact_rows') }}
    union all
    {{ ledger_term('E', 'kept_records', 'n_kept', 'staged_rows') }}
    union all
    {{ ledger_term('E', 'staged_records', 'n_staged', 'staged_rows') }}
    union all
    {{ ledger_term('F', 'source_amount', 'source_amount', 'money_rows', currency='currency') }}
    union all
    {{ ledger_term('F', 'set_aside_amount', 'set_aside_amount', 'money_rows', currency='currency') }}
    union all
    {{ ledger_term('F', 'excluded_amount', 'excluded_amount', 'money_rows', currency='currency') }}
    union all
    {{ ledger_term('F', 'kept_amount', 'kept_amount', 'kept_money', currency='currency') }}
    union all
    {{ ledger_term('E', 'kept_rows', 'n_kept', 'subscription_month_rows') }}
    union all
    {{ ledger_term('E', 'fact_rows', 'n_fact', 'subscription_month_facts') }}
    union all
    {{ ledger_term('E', 'excluded_rows', 'n_excluded', 'subscription_month_rows') }}
    union all
    {{ ledger_term('F', 'source_amount', 'source_amount', 'subscription_month_rows') }}
    union all
    {{ ledger_term('F', 'kept_amount', 'kept_amount', 'subscription_month_facts') }}
    union all
    {{ ledger_term('F', 'excluded_amount', 'excluded_amount', 'subscription_month_rows') }}
    union all
    {{ ledger_term('E', 'rows_to_date', 'n_rows', 'placed', currency='currency') }}
    union all
    {{ ledger_term('E', 'dated_rows', 'n_rows', 'dated', currency='currency') }}
    union all
    {{ ledger_term('E', 'dated_rows', 'n_rows', 'dated_stages') }}
    union all
    {{ ledger_term('F', 'amount_to_date', 'amount', 'placed_money', currency='currency') }}
    union all
    {{ ledger_term('F', 'dated_amount', 'amount', 'dated', currency='currency') }}
    union all
    {{ ledger_term('E', 'intercompany_rows', 'n_intercompany', 'placed', currency='currency') }}
    union all
    {{ ledger_term('F', 'intercompany_amount', 'intercompany_amount', 'placed_money', currency='currency') }}
    union all
    {{ ledger_term('E', 'undated_rows', 'n_undated', 'placed', currency='currency') }}
    union all
    {{ ledger_term('F', 'undated_amount', 'undated_amount', 'placed_money', currency='currency') }}
    union all
    {{ ledger_term('E', 'later_rows', 'n_later', 'placed', currency='currency') }}
    union all
    {{ ledger_term('F', 'later_amount', 'later_amount', 'placed_money', currency='currency') }}
    union all
    {{ ledger_term('G', 'journal_decisions', 'n_decisions', 'journal_rows') }}
    union all
    {{ ledger_term('G', 'decided', 'n_decisions', 'decided_rows') }}
)

select
    term,
    stream,
    source_instance,
    _delivery_id,
    currency,
    term_name as name,  -- noqa: RF04
    term_value as value  -- noqa: RF04
from terms
