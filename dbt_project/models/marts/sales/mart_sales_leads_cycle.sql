with leads as (
    select *
    from {{ ref('fct_lead_cadences') }}
),

segmented as (
    {{ segment_rows('leads', {'channel': 'channel_code', 'size_band': 'size_band_code'}) }}
),

cells as (
    select
        segment_kind_code,
        segment_code,
        count(*) as n_leads,
        count(*) filter (where is_dated) as n_dated,
        count(*) filter (where is_converted) as n_converted,
        count(*) filter (where is_conversion_undated) as n_converted_undated,
        coalesce(sum(n_touches_declared), 0) as n_touches_declared
    from segmented
    group by segment_kind_code, segment_code
)

select
    settings.cycle,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.n_leads as bigint) as n_leads,
    cast(cells.n_dated as bigint) as n_dated,
    cast(cells.n_leads - cells.n_dated as bigint) as n_undated,
    cast(cells.n_converted as bigint) as n_converted,
    cast(cells.n_converted_undated as bigint) as n_converted_undated,
    {{ metric_ratio('cells.n_converted', 'cells.n_leads') }} as converted_share_rate,
    cast(cells.n_touches_declared as bigint) as n_touches_declared
from cells
cross join {{ run_settings() }} as settings
