-- How much of the revenue of twelve months hangs on how few groups. Bars are compared on exact decimals and squares are
-- whole numbers of ten-thousandths, so that a group at exactly 80 % falls on the same side on every engine.
-- A group whose credit notes exceed its invoices counts as 0 and is listed; the unknown group is many companies: it
-- has no share, its amount stands beside.
with group_months as (
    select
        view_code,
        group_id,
        period_month,
        coalesce(revenue_amount, 0) as revenue_amount,
        n_unconverted_lines
    from {{ ref('mart_finance_groups_month') }}
    where kind_code = 'legal' and view_code in ('as_was', 'as_is')
),

first_months as (
    select min(period_month) as period_month
    from group_months
),

distances (n_months) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)
),

placed as (
    select
        group_months.view_code,
        group_months.group_id,
        {{ add_months('group_months.period_month', 'distances.n_months') }} as period_month,
        group_months.revenue_amount,
        group_months.n_unconverted_lines
    from group_months
    cross join distances
),

windowed as (
    select
        placed.view_code,
        placed.group_id,
        placed.period_month,
        sum(placed.revenue_amount) as revenue_amount,
        sum(placed.n_unconverted_lines) as n_unconverted_lines
    from placed
    cross join {{ run_settings() }} as settings
    where placed.period_month < settings.cycle_end
    group by placed.view_code, placed.group_id, placed.period_month
),

-- The unknown group comes last, with nothing.
weighed as (
    select
        *,
        case when group_id <> 'unknown' then greatest(revenue_amount, 0) else 0 end as weight_amount,
        case when group_id <> 'unknown' then 1 else 0 end as is_group
    from windowed
),

ranked as (
    select
        *,
        sum(weight_amount) over (partition by view_code, period_month) as total_amount,
        sum(is_group) over (partition by view_code, period_month) as n_groups,
        row_number() over (
            partition by view_code, period_month order by is_group desc, revenue_amount desc, group_id asc
        ) as rank_number,
        coalesce(sum(weight_amount) over (
            partition by view_code, period_month order by is_group desc, revenue_amount desc, group_id asc
            rows between unbounded preceding and 1 preceding
        ), 0) as amount_before
    from weighed
),

measured as (
    select
        view_code,
        period_month,
        sum(is_group) as n_groups,
        sum(n_unconverted_lines) as n_unconverted_lines,
        sum(weight_amount) as attributed_amount,
        sum(case when is_group = 0 then revenue_amount else 0 end) as unattributed_amount,
        sum(case when is_group = 1 and revenue_amount < 0 then revenue_amount else 0 end) as clipped_amount,
        count(*) filter (where is_group = 1 and revenue_amount < 0) as n_clipped_groups,
        sum(cast(weight_amount * 10000 as decimal(19, 0)) * cast(weight_amount * 10000 as decimal(19, 0)))
            as square_units,
        sum((2 * (n_groups + 1 - rank_number) - n_groups - 1) * weight_amount) as gini_amount,
        {% for n in [1, 5, 10, 20] -%}
            sum(case when rank_number <= {{ n }} then weight_amount else 0 end) as top_{{ n }}_amount,
        {% endfor -%}
        count(*) filter (where is_group = 1 and amount_before * 5 < total_amount * 2) as n_accounts_for_40pct,
        count(*) filter (where is_group = 1 and amount_before * 5 < total_amount * 4) as n_a_groups,
        count(*) filter (
            where is_group = 1 and amount_before * 5 >= total_amount * 4 and amount_before * 20 < total_amount * 19
        ) as n_b_groups,
        count(*) filter (where is_group = 1 and amount_before * 20 >= total_amount * 19) as n_c_groups
    from ranked
    group by view_code, period_month
),

judged as (
    select
        measured.*,
        case
            when measured.n_unconverted_lines > 0 then 'exchange_rate_missing'
            when measured.attributed_amount = 0 then 'no_revenue'
        end as concentration_reason_code,
        case
            when measured.period_month < {{ add_months('first_months.period_month', 11) }}
                then 'history_under_12_months'
            when measured.unattributed_amount <> 0 then 'revenue_unattributed'
        end as concentration_caveat_code
    from measured
    cross join first_months
),

segmented as (
    select
        judged.*,
        'group_view' as segment_kind_code,
        judged.view_code as segment_code
    from judged
    union all
    select
        judged.*,
        'all' as segment_kind_code,
        'all' as segment_code
    from judged
    where judged.view_code = 'as_is'
)

select
    segmented.period_month,
    cast(segmented.segment_kind_code as string) as segment_kind_code,
    cast(segmented.segment_code as string) as segment_code,
    {% set known = 'segmented.concentration_reason_code is null' -%}
    {% set total = 'segmented.attributed_amount' -%}
    {% set total_square = '(cast(' ~ total ~ ' as double) * cast(' ~ total ~ ' as double) * 1e8)' -%}
    {% set squares = 'cast(segmented.square_units as double)' -%}
    case when {{ known }} then {{ rounded(squares ~ ' / nullif(' ~ total_square ~ ', 0)', 10) }} end as hhi,
    case when {{ known }} then {{ rounded(total_square ~ ' / nullif(' ~ squares ~ ', 0)', 10) }} end as effective_n,
    case when {{ known }} then {{ metric_ratio('segmented.gini_amount', total ~ ' * segmented.n_groups') }} end as gini,
    {% for n in [1, 5, 10, 20] -%}
        case when {{ known }} then {{ metric_ratio('segmented.top_' ~ n ~ '_amount', total) }} end
            as top_{{ n }}_share_rate,
    {% endfor -%}
    {% for column in ['n_accounts_for_40pct', 'n_a_groups', 'n_b_groups', 'n_c_groups'] -%}
        case when {{ known }} then segmented.{{ column }} end as {{ column }},
    {% endfor -%}
    case when {{ known }} then cast(segmented.top_5_amount as decimal(38, 4)) end as top_5_amount,
    {% for column in ['attributed_amount', 'unattributed_amount', 'clipped_amount'] -%}
        case when segmented.n_unconverted_lines = 0 then cast(segmented.{{ column }} as decimal(38, 4)) end
            as {{ column }},
    {% endfor -%}
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(segmented.n_groups as bigint) as n_groups,
    cast(segmented.n_clipped_groups as bigint) as n_clipped_groups,
    cast(segmented.n_unconverted_lines as bigint) as n_unconverted_lines,
    cast(segmented.concentration_reason_code as string) as concentration_reason_code,
    cast(segmented.concentration_caveat_code as string) as concentration_caveat_code
from segmented
cross join {{ run_settings() }} as settings
