-- Kaplan-Meier: who still is a customer counts as long as he is known, neither as lost nor as kept for ever. The age is
-- counted in twelfths of 365 days; lost by an age means fewer days of service than it.
{%- set keys = ['start_quarter_on', 'segment_kind_code', 'segment_code'] %}

with segmented as (
    {{ segment_rows(ref('fct_customer_starts'), {'size_band': 'size_band_code'}) }}
),

survivors as (
    select * from {{ kaplan_meier('segmented', keys, 'service_days', 'is_lost') }} as estimated
),

ages (age_months, age_days) as (
    values
    {% for age in range(1, 37) -%}
        ({{ age }}, {{ age * 365 // 12 }}){{ ',' if not loop.last }}
    {% endfor %}
),

cohorts as (
    select
        start_quarter_on,
        segment_kind_code,
        segment_code,
        count(*) as n_starts,
        max(known_days) as known_days
    from segmented
    group by start_quarter_on, segment_kind_code, segment_code
),

-- An age that no start of the company's cohort has lived through is not shown; one that only a segment has not lived
-- through has no value there.
quarters as (
    select
        start_quarter_on,
        known_days
    from cohorts
    where segment_kind_code = 'all'
),

aged as (
    select
        cohorts.start_quarter_on,
        cohorts.segment_kind_code,
        cohorts.segment_code,
        cohorts.n_starts,
        cohorts.known_days >= ages.age_days as is_known,
        ages.age_months,
        ages.age_days
    from cohorts
    inner join quarters on cohorts.start_quarter_on = quarters.start_quarter_on
    inner join ages on quarters.known_days >= ages.age_days
),

followed as (
    select
        aged.start_quarter_on,
        aged.segment_kind_code,
        aged.segment_code,
        aged.age_months,
        aged.age_days,
        aged.n_starts,
        aged.is_known,
        count(case when segmented.known_days >= aged.age_days then 1 end) as n_starts_matured,
        count(case when segmented.service_days >= aged.age_days then 1 end) as n_at_risk,
        count(case when segmented.is_lost and segmented.service_days < aged.age_days then 1 end) as n_lost
    from aged
    inner join segmented
        on
            aged.start_quarter_on = segmented.start_quarter_on
            and aged.segment_kind_code = segmented.segment_kind_code
            and aged.segment_code = segmented.segment_code
    group by all
),

survived as (
    select
        followed.start_quarter_on,
        followed.segment_kind_code,
        followed.segment_code,
        followed.age_months,
        followed.n_starts,
        followed.is_known,
        followed.n_starts_matured,
        followed.n_at_risk,
        followed.n_lost,
        coalesce(min(survivors.survival), 1.0) as survival
    from followed
    left join survivors
        on
            followed.start_quarter_on = survivors.start_quarter_on
            and followed.segment_kind_code = survivors.segment_kind_code
            and followed.segment_code = survivors.segment_code
            and followed.age_days > survivors.duration
    group by all
)

select
    start_quarter_on as period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(age_months as int) as age_months,
    cast(n_starts as bigint) as n_starts,
    cast(n_starts_matured as bigint) as n_starts_matured,
    cast(n_at_risk as bigint) as n_at_risk,
    cast(n_lost as bigint) as n_lost,
    case when is_known then {{ rounded('survival', 10) }} end as retention_rate,
    cast(case when not is_known then 'start_immature' end as string) as retention_reason_code
from survived
