-- Ten losses in all and two cohorts are the least that a test is made of; a cohort differs when the adjusted p-value is
-- under 5 %.
select
    start_quarter_on,
    n_starts,
    n_lost,
    n_lost_expected,
    log_rank_statistic,
    p_value,
    p_value_adjusted,
    case
        when p_value_adjusted < 0.05 and n_lost < n_lost_expected then 'stays_longer'
        when p_value_adjusted < 0.05 then 'leaves_sooner'
        when p_value_adjusted is not null then 'not_told_apart'
    end as verdict_code,
    reason_code
from {{ source('statistics', 'cohort_tests') }}
