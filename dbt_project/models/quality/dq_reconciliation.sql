-- What the CRM says was won beside what the ERP invoiced: every won opportunity and every line has exactly one cause,
-- so the causes sum to the difference of the totals. No source names the invoice of a deal: a document answers an
-- opportunity of the same company and currency. One of equal amount is sought first, near the closing; then those that
-- follow it, as long as they do not exceed it by more than a tenth. What no document answers is told apart by what the
-- company was invoiced since. Without invoices, or without opportunities, nothing is compared: there is no row.
{% set days_before = 15 %}
{% set days_to_invoice = 90 %}
{% set days_of_a_duplicate = 7 %}
{% set tolerated_excess = '1.10' %}
{% set tolerated_shortfall = '0.90' %}

with won as (
    select
        opportunities.opportunity_id,
        opportunities.account_id,
        coalesce(opportunities.currency, 'unknown') as currency,
        coalesce(opportunities.amount, 0) as amount,
        case
            when coalesce(opportunities.amount, 0) = 0 then cast(0 as decimal(18, 4))
            else opportunities.amount_reporting
        end as amount_reporting,
        opportunities.closed_on,
        {{ first_of_month('opportunities.closed_on') }} as period_month,
        settings.cycle_end
    from {{ ref('fct_opportunities') }} as opportunities
    cross join {{ run_settings() }} as settings
    where opportunities.is_won and (opportunities.closed_on is null or opportunities.closed_on < settings.cycle_end)
),

invoiced as (
    select
        invoice_lines.invoice_line_id,
        invoice_lines.invoice_id,
        invoice_lines.document_type_code,
        invoice_lines.account_id,
        coalesce(invoice_lines.currency, 'unknown') as currency,
        invoice_lines.net_amount,
        invoice_lines.net_amount_reporting,
        invoice_lines.invoiced_on,
        {{ first_of_month('invoice_lines.invoiced_on') }} as period_month,
        invoice_lines.is_intercompany,
        invoice_lines.is_recurring
    from {{ ref('fct_invoice_lines') }} as invoice_lines
    cross join {{ run_settings() }} as settings
    where invoice_lines.invoiced_on is null or invoice_lines.invoiced_on < settings.cycle_end
),

billed as (
    select
        invoice_id,
        account_id,
        currency,
        min(invoiced_on) as invoiced_on,
        sum(net_amount) as amount,
        sum(net_amount_reporting) as amount_reporting,
        bool_or(is_recurring) as is_recurring,
        bool_or(is_intercompany or document_type_code = 'unknown') as is_apart
    from invoiced
    where account_id <> 'unknown' and document_type_code <> 'credit_note' and invoiced_on is not null
    group by invoice_id, account_id, currency
),

-- What may answer a deal.
documents as (
    select *
    from billed
    where not is_apart and amount > 0
),

equal_amounts as (
    select
        won.opportunity_id,
        won.closed_on,
        documents.invoice_id,
        documents.invoiced_on,
        abs({{ days_between('won.closed_on', 'documents.invoiced_on') }}) as gap_days
    from won
    inner join documents
        on
            won.account_id = documents.account_id
            and won.currency = documents.currency
            and won.amount = documents.amount
    where
        {{ days_between('won.closed_on', 'documents.invoiced_on') }} >= -{{ days_before }}
        and {{ days_between('won.closed_on', 'documents.invoiced_on') }} < {{ days_to_invoice }}
),

-- The pairs in which each is the other's nearest.
equal_pairs as (
    select
        opportunity_id,
        invoice_id
    from equal_amounts
    qualify
        row_number() over (
            partition by opportunity_id order by gap_days asc, invoiced_on asc, invoice_id asc
        ) = 1
        and row_number() over (
            partition by invoice_id order by gap_days asc, closed_on asc, opportunity_id asc
        ) = 1
),

following as (
    select
        documents.invoice_id,
        documents.invoiced_on,
        documents.amount as document_amount,
        won.opportunity_id,
        won.amount
    from documents
    inner join won on documents.account_id = won.account_id and documents.currency = won.currency
    where
        won.amount > 0
        and {{ days_between('won.closed_on', 'documents.invoiced_on') }} >= 0
        and {{ days_between('won.closed_on', 'documents.invoiced_on') }} < {{ days_to_invoice }}
        and documents.invoice_id not in (select equal_pairs.invoice_id from equal_pairs)
        and won.opportunity_id not in (select equal_pairs.opportunity_id from equal_pairs)
    qualify
        row_number() over (
            partition by documents.invoice_id order by won.closed_on desc, won.opportunity_id desc
        ) = 1
),

running as (
    select
        invoice_id,
        opportunity_id,
        amount,
        sum(document_amount) over (
            partition by opportunity_id
            order by invoiced_on asc nulls last, invoice_id asc nulls last
            rows between unbounded preceding and current row
        ) as running_amount
    from following
),

answers as (
    select
        opportunity_id,
        invoice_id
    from equal_pairs
    union all
    select
        opportunity_id,
        invoice_id
    from running
    where running_amount <= amount * {{ tolerated_excess }}
),

-- The same deal in another currency: amounts near each other in the reporting currency.
foreign_amounts as (
    select
        won.opportunity_id,
        documents.invoice_id,
        abs(won.amount_reporting - documents.amount_reporting) as gap_amount
    from won
    inner join documents on won.account_id = documents.account_id
    where
        won.currency <> documents.currency
        and {{ days_between('won.closed_on', 'documents.invoiced_on') }} >= -{{ days_before }}
        and {{ days_between('won.closed_on', 'documents.invoiced_on') }} < {{ days_to_invoice }}
        and documents.amount_reporting >= won.amount_reporting * {{ tolerated_shortfall }}
        and documents.amount_reporting <= won.amount_reporting * {{ tolerated_excess }}
        and documents.invoice_id not in (select answers.invoice_id from answers)
        and won.opportunity_id not in (select answers.opportunity_id from answers)
),

foreign_pairs as (
    select
        opportunity_id,
        invoice_id
    from foreign_amounts
    qualify
        row_number() over (partition by opportunity_id order by gap_amount asc, invoice_id asc) = 1
        and row_number() over (partition by invoice_id order by gap_amount asc, opportunity_id asc) = 1
),

answered as (
    select
        answers.opportunity_id,
        sum(documents.amount) as invoiced_amount,
        bool_or(documents.is_recurring) as is_recurring,
        min({{ first_of_month('documents.invoiced_on') }}) as first_month,
        max({{ first_of_month('documents.invoiced_on') }}) as last_month
    from answers
    inner join documents on answers.invoice_id = documents.invoice_id
    group by answers.opportunity_id
),

-- A deal that stands twice in the CRM is invoiced once: the copy is the one that no document answers.
copies as (
    select distinct won.opportunity_id
    from won
    inner join won as twins
        on
            won.account_id = twins.account_id
            and won.currency = twins.currency
            and won.amount = twins.amount
            and won.opportunity_id <> twins.opportunity_id
    left join answered on twins.opportunity_id = answered.opportunity_id
    where
        won.amount > 0
        and won.account_id <> 'unknown'
        and abs({{ days_between('won.closed_on', 'twins.closed_on') }}) <= {{ days_of_a_duplicate }}
        and (answered.opportunity_id is not null or twins.opportunity_id < won.opportunity_id)
),

followed as (
    select
        won.opportunity_id,
        billed.invoice_id,
        won.currency = billed.currency as is_same_currency,
        {{ days_between('won.closed_on', 'billed.invoiced_on') }} as gap_days
    from won
    inner join billed on won.account_id = billed.account_id and won.closed_on <= billed.invoiced_on
),

-- From a deal to the next document of its company in its currency, from a document to its company's last deal before.
next_documents as (
    select
        opportunity_id,
        min(gap_days) as gap_days
    from followed
    where is_same_currency
    group by opportunity_id
),

last_deals as (
    select
        invoice_id,
        min(gap_days) as gap_days
    from followed
    group by invoice_id
),

sides as (
    select
        account_id,
        bool_or(contract = 'erp_customer') as is_in_erp,
        bool_or(contract in ('crm_account', 'crm_lead')) as is_in_crm
    from {{ ref('xref_accounts') }}
    where account_id <> 'unknown'
    group by account_id
),

judged_opportunities as (
    select
        won.opportunity_id,
        won.period_month,
        won.currency,
        won.amount,
        won.amount_reporting,
        case
            when won.amount = 0 then 'won_without_amount'
            when
                won.amount = answered.invoiced_amount
                and answered.first_month = won.period_month
                and answered.last_month = won.period_month
                then 'invoiced_equal'
            when won.amount = answered.invoiced_amount then 'invoiced_other_month'
            when won.amount > answered.invoiced_amount and answered.is_recurring then 'recurring_first_days'
            when won.amount > answered.invoiced_amount then 'invoiced_less'
            when won.amount < answered.invoiced_amount then 'invoiced_more'
            when foreign_pairs.opportunity_id is not null then 'currency_differs'
            when copies.opportunity_id is not null then 'duplicate_opportunity'
            when won.closed_on is null then 'won_without_date'
            when next_documents.gap_days < {{ days_to_invoice }} then 'invoiced_beyond_tolerance'
            when next_documents.gap_days is not null then 'invoiced_outside_window'
            when {{ days_between('won.closed_on', 'won.cycle_end') }} <= {{ days_to_invoice }} then 'not_yet_invoiced'
            when not coalesce(sides.is_in_erp, false) then 'customer_not_matched'
            else 'never_invoiced'
        end as cause_code
    from won
    left join answered on won.opportunity_id = answered.opportunity_id
    left join foreign_pairs on won.opportunity_id = foreign_pairs.opportunity_id
    left join copies on won.opportunity_id = copies.opportunity_id
    left join next_documents on won.opportunity_id = next_documents.opportunity_id
    left join sides on won.account_id = sides.account_id
),

document_causes as (
    select
        answers.invoice_id,
        judged_opportunities.cause_code
    from answers
    inner join judged_opportunities on answers.opportunity_id = judged_opportunities.opportunity_id
    union all
    select
        foreign_pairs.invoice_id,
        judged_opportunities.cause_code
    from foreign_pairs
    inner join judged_opportunities on foreign_pairs.opportunity_id = judged_opportunities.opportunity_id
),

judged_lines as (
    select
        invoiced.period_month,
        invoiced.currency,
        invoiced.net_amount,
        invoiced.net_amount_reporting,
        case
            when invoiced.invoiced_on is null then 'document_missing'
            when invoiced.is_intercompany then 'intercompany'
            when invoiced.document_type_code = 'credit_note' then 'credit_note'
            when document_causes.cause_code is not null then document_causes.cause_code
            when not coalesce(sides.is_in_crm, false) then 'customer_not_matched'
            when last_deals.gap_days is not null and invoiced.is_recurring then 'recurring_after_deal'
            when last_deals.gap_days < {{ days_to_invoice }} then 'invoiced_beyond_tolerance'
            when last_deals.gap_days is not null then 'invoiced_outside_window'
            when invoiced.is_recurring then 'recurring_without_deal'
            else 'one_off_without_deal'
        end as cause_code
    from invoiced
    left join document_causes on invoiced.invoice_id = document_causes.invoice_id
    left join last_deals on invoiced.invoice_id = last_deals.invoice_id
    left join sides on invoiced.account_id = sides.account_id
),

both_sides as (
    select
        cause_code,
        period_month,
        currency,
        1 as n_opportunities,
        0 as n_lines,
        amount as crm_amount,
        cast(0 as decimal(18, 4)) as erp_amount,
        amount_reporting as crm_amount_reporting,
        cast(0 as decimal(18, 4)) as erp_amount_reporting
    from judged_opportunities
    union all
    select
        cause_code,
        period_month,
        currency,
        0 as n_opportunities,
        1 as n_lines,
        cast(0 as decimal(18, 4)) as crm_amount,
        net_amount as erp_amount,
        cast(0 as decimal(18, 4)) as crm_amount_reporting,
        net_amount_reporting as erp_amount_reporting
    from judged_lines
),

-- One source alone says nothing about the other.
delivered as (
    select
        (select count(*) from {{ ref('stg_erp__invoices') }}) > 0
        and (select count(*) from {{ ref('stg_crm__opportunities') }}) > 0 as is_comparable
)

select
    cause_code,
    period_month,
    currency,
    cast(sum(n_opportunities) as bigint) as n_opportunities,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(crm_amount) as decimal(38, 4)) as crm_amount,
    cast(sum(erp_amount) as decimal(38, 4)) as erp_amount,
    cast(sum(crm_amount) - sum(erp_amount) as decimal(38, 4)) as difference,
    cast(coalesce(sum(crm_amount_reporting), 0) as decimal(38, 4)) as crm_amount_reporting,
    cast(coalesce(sum(erp_amount_reporting), 0) as decimal(38, 4)) as erp_amount_reporting,
    cast(coalesce(sum(crm_amount_reporting), 0) - coalesce(sum(erp_amount_reporting), 0) as decimal(38, 4))
        as difference_reporting,
    count(*) filter (where crm_amount_reporting is null or erp_amount_reporting is null) as n_rates_missing,
    count(*) filter (where crm_amount_reporting is null) as n_opportunities_unrated
from both_sides
cross join delivered
where delivered.is_comparable
group by cause_code, period_month, currency
