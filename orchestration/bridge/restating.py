"""A figure as first published, as last published and as it is now.

What does NOT belong here: why it moved (see comparing).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from orchestration.bridge.schemas import RESTATEMENTS_SCHEMA


def restate(
    con: duckdb.DuckDBPyConnection,
    history: pa.Table,
    now: pa.Table,
    publication: tuple[str, str],
    last_publication_id: str | None,
) -> pa.Table:
    """Rows of kpi_restatements. history: rows of kpi_history of earlier publications, with their sequence.

    now: metric_name, period_month, value, unit_code of this publication, which is no part of `history`. publication:
    its id and its cycle. A month that only earlier publications tell, of a metric that this one has, stays with what
    they said: value_restated is null and nothing changed.
    """
    con.register("earlier", history)
    con.register("figures_now", now)
    rows = con.sql(
        """
        with told as (
            select metric_name, period_month, sequence, publication_id, value, unit_code,
                cycle = strftime(period_month, '%Y-%m') as is_own,
                value is distinct from lag(value) over w and row_number() over w > 1 as is_change
            from earlier window w as (partition by metric_name, period_month order by sequence)
        ),
        summed as (
            select metric_name, period_month,
                arg_min({'value': value, 'publication_id': publication_id, 'is_own': is_own},
                    sequence + case when is_own then 0 else 1000000000 end) as first,
                arg_max({'value': value}, sequence) as newest,
                max({'value': value}) filter (where publication_id = $last) as last,
                arg_max(unit_code, sequence) as unit_code,
                count(*) as n_publications, count(*) filter (where is_change) as n_changes
            from told group by all
        )
        select metric_name, period_month, coalesce(n.unit_code, s.unit_code) as unit_code,
            case when s.metric_name is null then n.value else s.first.value end as value_as_first_published,
            coalesce(s.first.publication_id, $this) as first_publication_id,
            coalesce(s.first.is_own, strftime(period_month, '%Y-%m') = $cycle) as is_of_own_cycle,
            s.last.value as value_as_last_published,
            case when s.last is not null then $last end as last_publication_id,
            n.value as value_restated,
            cast(coalesce(s.n_publications, 0) + case when n.metric_name is null then 0 else 1 end as integer)
                as n_publications,
            cast(coalesce(s.n_changes, 0)
                + case
                    when s.metric_name is not null and n.metric_name is not null
                        and s.newest.value is distinct from n.value then 1
                    else 0
                end as integer) as n_changes
        from figures_now as n full join summed as s using (metric_name, period_month)
        where metric_name in (select metric_name from figures_now)
        order by 1, 2
        """,
        params={"last": last_publication_id, "this": publication[0], "cycle": publication[1]},
    ).to_arrow_table()
    con.unregister("earlier")
    con.unregister("figures_now")
    return rows.cast(RESTATEMENTS_SCHEMA)
