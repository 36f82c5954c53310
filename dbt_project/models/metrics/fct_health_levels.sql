-- Accounts judged at one score: how many were lost within the three months after, how many were kept, and how many of
-- the kept had a higher score. A score counts in the months three, six, nine and twelve months after its own, so that a
-- year is judged at once. Cuts stand side by side: who ranks above depends on who is compared.
with segmented as (
    {{ segment_rows(ref('fct_account_health_months'), {'size_band': 'size_band_code'}) }}
),

months_ahead (n_ahead) as (
    values (3), (6), (9), (12)
),

judged as (
    select
        segmented.segment_kind_code,
        segmented.segment_code,
        segmented.health_score,
        segmented.is_lost_within_3_months,
        {{ add_months('segmented.period_month', 'months_ahead.n_ahead') }} as judged_month
    from segmented
    cross join months_ahead
    where segmented.is_outcome_known and segmented.health_score is not null
),

levels as (
    select
        judged.judged_month as period_month,
        judged.segment_kind_code,
        judged.segment_code,
        judged.health_score,
        count(case when judged.is_lost_within_3_months then 1 end) as n_lost,
        count(case when not judged.is_lost_within_3_months then 1 end) as n_kept
    from judged
    cross join {{ run_settings() }} as settings
    where judged.judged_month < settings.cycle_end
    group by judged.judged_month, judged.segment_kind_code, judged.segment_code, judged.health_score
)

select
    {{ year_month_text('period_month') }} || '/' || segment_kind_code || '/' || segment_code || '/'
    || cast(health_score as string) as health_level_key,
    period_month,
    segment_kind_code,
    segment_code,
    health_score,
    cast(n_lost as bigint) as n_lost,
    cast(n_kept as bigint) as n_kept,
    cast(coalesce(sum(n_kept) over (
        partition by period_month, segment_kind_code, segment_code order by health_score desc nulls last
        rows between unbounded preceding and 1 preceding
    ), 0) as bigint) as n_kept_above
from levels
