-- Incident: a source stopped, its metric left the table without a word, and the page kept the month before.
with expected as (
    select distinct
        kpis.metric_name,
        settings.cycle_start
    from {{ ref('mart_management_kpis_month') }} as kpis
    cross join {{ run_settings() }} as settings
)

select
    expected.metric_name,
    count(kpis.metric_name) as n_rows
from expected
left join {{ ref('mart_management_kpis_month') }} as kpis
    on
        expected.metric_name = kpis.metric_name
        and expected.cycle_start = kpis.period_month
        and kpis.segment_kind_code = 'all'
group by expected.metric_name
having count(kpis.metric_name) <> 1
