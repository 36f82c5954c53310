-- Incident: a plan switch was read as churn plus new; the bridge did not end at the closing MRR.
select
    period_month,
    segment_kind_code,
    segment_code,
    opening_mrr,
    closing_mrr
from {{ ref('mart_finance_mrr_month') }}
where opening_mrr + new_mrr + reactivation_mrr + expansion_mrr + contraction_mrr + churn_mrr <> closing_mrr
