-- What customers say (NPS), do (milestones of use) and risk (health). The health score is judged by the losses
-- that followed it: of all pairs of an account lost within three months and one kept, how often had the lost one the
-- lower score (AUC)? Months three apart are pooled over a year, so that no loss is counted twice.
with answers_segmented as (
    {{ segment_rows(ref('fct_nps_answers'), {'size_band': 'size_band_code'}) }}
),

milestones_segmented as (
    {{ segment_rows(ref('fct_account_milestones'), {'size_band': 'size_band_code'}) }}
),

health_segmented as (
    {{ segment_rows(ref('fct_account_health_months'), {'size_band': 'size_band_code'}) }}
),

months_ahead (n_ahead) as (
    values (3), (6), (9), (12)
),

judged as (
    select
        {{ add_months('scores.period_month', 'months_ahead.n_ahead') }} as period_month,
        scores.segment_kind_code,
        scores.segment_code,
        scores.health_score,
        scores.is_lost_within_3_months
    from health_segmented as scores
    cross join months_ahead
    cross join {{ run_settings() }} as settings
    where
        scores.is_outcome_known
        and scores.health_score is not null
        and {{ add_months('scores.period_month', 'months_ahead.n_ahead') }} < settings.cycle_end
),

sides as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_responses,
        count(case when is_promoter then 1 end) as n_promoters,
        count(case when is_detractor then 1 end) as n_detractors,
        0 as n_activated,
        0 as n_pql,
        0 as n_paying_accounts,
        0 as n_scored_accounts,
        0 as n_renormalised,
        cast(0 as decimal(38, 4)) as health_points
    from answers_segmented
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        segment_kind_code,
        segment_code,
        0 as n_responses,
        0 as n_promoters,
        0 as n_detractors,
        count(case when definition_code = 'activation' then 1 end) as n_activated,
        count(case when definition_code = 'pql' then 1 end) as n_pql,
        0 as n_paying_accounts,
        0 as n_scored_accounts,
        0 as n_renormalised,
        cast(0 as decimal(38, 4)) as health_points
    from milestones_segmented
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        segment_kind_code,
        segment_code,
        0 as n_responses,
        0 as n_promoters,
        0 as n_detractors,
        0 as n_activated,
        0 as n_pql,
        count(*) as n_paying_accounts,
        count(health_score) as n_scored_accounts,
        count(case when is_renormalised then 1 end) as n_renormalised,
        cast(coalesce(sum(health_score), 0) as decimal(38, 4)) as health_points
    from health_segmented
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        segment_kind_code,
        segment_code,
        0 as n_responses,
        0 as n_promoters,
        0 as n_detractors,
        0 as n_activated,
        0 as n_pql,
        0 as n_paying_accounts,
        0 as n_scored_accounts,
        0 as n_renormalised,
        cast(0 as decimal(38, 4)) as health_points
    from judged
    group by period_month, segment_kind_code, segment_code
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        {% for column in [
            'n_responses', 'n_promoters', 'n_detractors', 'n_activated', 'n_pql', 'n_paying_accounts',
            'n_scored_accounts', 'n_renormalised'
        ] -%}
            cast(sum({{ column }}) as bigint) as {{ column }},
        {% endfor -%}
        cast(sum(health_points) as decimal(38, 4)) as health_points
    from sides
    group by period_month, segment_kind_code, segment_code
),

ranked as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        is_lost_within_3_months,
        rank() over (partition by period_month, segment_kind_code, segment_code order by health_score)
        + (count(*) over (partition by period_month, segment_kind_code, segment_code, health_score) - 1) / 2.0
            as mid_rank
    from judged
),

pairs as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(case when is_lost_within_3_months then 1 end) as n_lost,
        count(case when not is_lost_within_3_months then 1 end) as n_kept,
        cast(sum(case when is_lost_within_3_months then mid_rank else 0 end) as double) as lost_ranks
    from ranked
    group by period_month, segment_kind_code, segment_code
),

separated as (
    select
        *,
        case
            when n_lost > 0 and n_kept > 0
                then
                    (cast(n_lost as double) * n_kept + n_lost * (n_lost + 1) / 2.0 - lost_ranks)
                    / (cast(n_lost as double) * n_kept)
        end as auc
    from pairs
),

-- Standard error after Hanley and McNeil (1982).
certain as (
    select
        *,
        sqrt(greatest(
            0.0,
            (
                auc * (1 - auc) + (n_lost - 1) * (auc / (2 - auc) - auc * auc)
                + (n_kept - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
            ) / (cast(n_lost as double) * n_kept)
        )) as auc_se
    from separated
    where auc is not null
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cells.n_responses,
    cells.n_promoters,
    cells.n_detractors,
    cells.n_responses - cells.n_promoters - cells.n_detractors as n_passives,
    100 * (cells.n_promoters - cells.n_detractors) as promoter_points,
    {{ metric_ratio('100 * (cells.n_promoters - cells.n_detractors)', 'cells.n_responses') }} as nps,
    case
        when cells.n_responses > 0
            then {{ rounded(
                "100 * sqrt((cast(cells.n_promoters + cells.n_detractors as double) / cells.n_responses"
                ~ " - cast(cells.n_promoters - cells.n_detractors as double)"
                ~ " * (cells.n_promoters - cells.n_detractors)"
                ~ " / (cast(cells.n_responses as double) * cells.n_responses)) / cells.n_responses)", 6) }}
    end as nps_standard_error,
    cast(case when cells.n_responses = 0 then 'no_answer' end as string) as nps_reason_code,
    cells.n_activated,
    cells.n_pql,
    cells.n_paying_accounts,
    cells.n_scored_accounts,
    cells.n_renormalised,
    cells.health_points,
    {{ metric_ratio('cells.health_points', 'cells.n_scored_accounts') }} as health_score_mean,
    cast(
        case
            when cells.n_paying_accounts = 0 then 'no_paying_account'
            when cells.n_scored_accounts = 0 then 'no_component_known'
        end as string
    ) as health_reason_code,
    cast(coalesce(pairs.n_lost, 0) as bigint) as n_judged_lost,
    cast(coalesce(pairs.n_kept, 0) as bigint) as n_judged_kept,
    {{ rounded('certain.auc', 10) }} as health_auc_rate,
    {{ rounded('certain.auc_se', 6) }} as health_auc_standard_error,
    cast(
        case
            when pairs.period_month is null then 'outcome_not_known'
            when certain.period_month is null then 'no_loss_to_judge'
        end as string
    ) as health_auc_reason_code,
    cast(
        case
            when certain.period_month is not null and certain.n_lost < 10 then 'too_few_losses'
            when certain.auc - 1.96 * certain.auc_se <= 0.5 then 'no_better_than_chance'
        end as string
    ) as health_auc_caveat_code,
    coalesce(certain.n_lost >= 10 and certain.auc - 1.96 * certain.auc_se > 0.5, false) as is_health_validated
from cells
left join pairs
    on
        cells.period_month = pairs.period_month
        and cells.segment_kind_code = pairs.segment_kind_code
        and cells.segment_code = pairs.segment_code
left join certain
    on
        cells.period_month = certain.period_month
        and cells.segment_kind_code = certain.segment_kind_code
        and cells.segment_code = certain.segment_code
