-- Only what hangs on the golden records in question is summed: the facts are read, never grouped as a whole.
with questions as (
    select
        item_id,
        entity,
        kind,
        left_record_key,
        right_record_key,
        weight,
        probability,
        reason,
        evidence_code,
        terms,
        cast(null as string) as attribute,  -- noqa: RF04
        cast(null as string) as decision_ids
    from {{ source('matching', 'review_items') }}
    union all
    {{ unscored_questions(source('stewardship', 'review_items'), decision_ids='decision_ids') }}
    union all
    {{ unscored_questions(ref('golden_conflicts'), attribute='attribute', decision_ids='decision_ids') }}
    union all
    {{ unscored_questions(ref('int_group_gaps')) }}
),

-- Two records that a decision joins or keeps apart; those that one takes apart are listed by their part.
decided as (
    select
        entity,
        left_record_key,
        right_record_key
    from {{ source('stewardship', 'constraints') }}
    where kind <> 'part'
    union
    select
        questions.entity,
        least(questions.left_record_key, questions.right_record_key) as left_record_key,
        greatest(questions.left_record_key, questions.right_record_key) as right_record_key
    from questions
    inner join {{ source('stewardship', 'constraints') }} as near
        on questions.entity = near.entity and questions.left_record_key = near.left_record_key and near.kind = 'part'
    inner join {{ source('stewardship', 'constraints') }} as far
        on
            near.decision_id = far.decision_id
            and questions.right_record_key = far.left_record_key
            and far.kind = 'part'
            and near.right_record_key <> far.right_record_key
),

open_questions as (
    select questions.*
    from questions
    left join decided
        on
            questions.entity = decided.entity
            and least(questions.left_record_key, questions.right_record_key) = decided.left_record_key
            and greatest(questions.left_record_key, questions.right_record_key) = decided.right_record_key
            and questions.kind in ('pair', 'weak_bridge', 'conflict', 'live_merge')
    where decided.entity is null
),

sides as (
    select
        item_id,
        'left' as side_code,
        entity,
        left_record_key as record_key
    from open_questions
    union all
    select
        item_id,
        'right' as side_code,
        entity,
        right_record_key as record_key
    from open_questions
    where right_record_key is not null
),

located as (
    select
        sides.item_id,
        sides.side_code,
        sides.entity,
        coalesce(accounts.account_id, persons.person_id) as golden_id
    from sides
    left join {{ ref('xref_accounts') }} as accounts
        on sides.entity = 'account' and sides.record_key = accounts.record_key and accounts.account_id <> 'unknown'
    left join {{ ref('xref_persons') }} as persons
        on sides.entity = 'person' and sides.record_key = persons.record_key and persons.person_id <> 'unknown'
),

concerned as (
    select distinct
        entity,
        golden_id
    from located
    where golden_id is not null
),

amounts as (
    select
        concerned.golden_id,
        sum(lines.net_amount_reporting) as amount
    from {{ ref('fct_invoice_lines') }} as lines
    inner join concerned on lines.account_id = concerned.golden_id
    cross join {{ run_settings() }} as settings
    where
        lines.invoiced_on >= {{ add_months('settings.cycle_end', -12) }}
        and lines.invoiced_on < settings.cycle_end
        and not coalesce(lines.is_intercompany, false)
    group by concerned.golden_id
    union all
    select
        concerned.golden_id,
        sum(opportunities.amount_reporting) as amount
    from {{ ref('fct_opportunities') }} as opportunities
    inner join concerned on opportunities.account_id = concerned.golden_id
    where opportunities.is_open
    group by concerned.golden_id
    union all
    select
        concerned.golden_id,
        sum(months.mrr) as amount
    from {{ ref('fct_subscription_months') }} as months
    inner join concerned on months.account_id = concerned.golden_id
    cross join {{ run_settings() }} as settings
    where months.period_month = settings.cycle_start
    group by concerned.golden_id
    union all
    select
        concerned.golden_id,
        sum(opportunities.amount_reporting) as amount
    from {{ ref('fct_opportunities') }} as opportunities
    inner join concerned
        on concerned.entity = 'person' and opportunities.lead_id = {{ lead_id_of('concerned.golden_id') }}
    cross join {{ run_settings() }} as settings
    where
        opportunities.is_open
        or (
            opportunities.is_won
            and opportunities.closed_on >= {{ add_months('settings.cycle_end', -12) }}
            and opportunities.closed_on < settings.cycle_end
        )
    group by concerned.golden_id
),

money as (
    select
        golden_id,
        sum(amount) as amount
    from amounts
    group by golden_id
),

-- One join by equality for each entity: one that chooses the column by the entity compares every pair.
leads_concerned as (
    select
        concerned.golden_id,
        leads.lead_id
    from {{ ref('fct_leads') }} as leads
    inner join concerned on concerned.entity = 'account' and leads.account_id = concerned.golden_id
    union all
    select
        concerned.golden_id,
        leads.lead_id
    from {{ ref('fct_leads') }} as leads
    inner join concerned on concerned.entity = 'person' and leads.person_id = concerned.golden_id
),

attached as (
    select
        leads_concerned.golden_id,
        count(*) as n_leads,
        coalesce(sum(cadences.n_touches), 0) as n_touches
    from leads_concerned
    left join {{ ref('fct_lead_cadences') }} as cadences on leads_concerned.lead_id = cadences.lead_id
    group by leads_concerned.golden_id
),

valued as (
    select
        located.item_id,
        located.side_code,
        located.golden_id,
        cast(coalesce(money.amount, 0) as decimal(18, 2)) as amount,
        cast(coalesce(attached.n_leads, 0) as bigint) as n_leads,
        cast(coalesce(attached.n_touches, 0) as bigint) as n_touches,
        coalesce(accounts.is_strategic, false) as is_strategic
    from located
    left join money on located.golden_id = money.golden_id
    left join attached on located.golden_id = attached.golden_id
    left join {{ ref('dim_accounts') }} as accounts on located.golden_id = accounts.account_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by item_id order by amount asc, n_leads + n_touches asc, side_code asc
        ) as size_rank
    from valued
),

impacts as (
    select
        item_id,
        max(case when side_code = 'left' then golden_id end) as left_golden_id,
        max(case when side_code = 'right' then golden_id end) as right_golden_id,
        max(case when size_rank = 1 then amount end) as impact_value,
        max(case when size_rank = 1 then n_leads end) as n_leads,
        max(case when size_rank = 1 then n_touches end) as n_touches,
        max(case when is_strategic then 1 else 0 end) = 1 as is_strategic
    from ranked
    group by item_id
),

postponed as (
    select
        item_id,
        max(decided_at) as postponed_at
    from {{ source('stewardship', 'postponements') }}
    group by item_id
)

select
    open_questions.item_id,
    open_questions.entity,
    open_questions.kind,
    open_questions.left_record_key,
    open_questions.right_record_key,
    impacts.left_golden_id,
    impacts.right_golden_id,
    open_questions.weight,
    open_questions.probability,
    open_questions.reason,
    open_questions.evidence_code,
    open_questions.terms,
    open_questions.attribute,  -- noqa: RF04
    open_questions.decision_ids,
    impacts.impact_value,
    settings.reporting_currency as impact_unit,
    impacts.n_leads,
    impacts.n_touches,
    impacts.is_strategic,
    postponed.postponed_at,
    row_number() over (
        order by
            case when postponed.postponed_at is null then 0 else 1 end asc,
            impacts.impact_value desc,
            impacts.is_strategic desc,
            impacts.n_leads + impacts.n_touches desc,
            open_questions.weight desc nulls last,
            open_questions.item_id asc
    ) as impact_rank
from open_questions
inner join impacts on open_questions.item_id = impacts.item_id
left join postponed on open_questions.item_id = postponed.item_id
cross join {{ run_settings() }} as settings
