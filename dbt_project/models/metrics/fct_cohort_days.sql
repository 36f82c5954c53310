-- The life table of a start quarter: on each day of service on which a start left or was last seen, how many had come
-- so far and how many of them left. Cuts stand side by side: who had come so far depends on who is asked for.
with segmented as (
    {{ segment_rows(ref('fct_customer_starts'), {'size_band': 'size_band_code'}) }}
),

ended as (
    select
        start_quarter_on,
        segment_kind_code,
        segment_code,
        service_days,
        count(*) as n_starts,
        count(case when is_lost then 1 end) as n_lost,
        max(known_days) as known_days
    from segmented
    group by start_quarter_on, segment_kind_code, segment_code, service_days
)

select
    {{ year_month_text('start_quarter_on') }} || '/' || segment_kind_code || '/' || segment_code || '/'
    || cast(service_days as string) as cohort_day_key,
    start_quarter_on,
    segment_kind_code,
    segment_code,
    service_days,
    known_days,
    cast(n_lost as bigint) as n_lost,
    cast(sum(n_starts) over (
        partition by start_quarter_on, segment_kind_code, segment_code order by service_days desc nulls last
        rows between unbounded preceding and current row
    ) as bigint) as n_at_risk
from ended
