"""The KPIs of the framing note beside those of the month before, as the publication of the cycle gives them (row EX9).

What does NOT belong here: computing a metric, why it moved (see orchestration.bridge).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    from ingest.company import Company

_QUERY = """
select metric_name, max(metric_value) filter (where period_month = $month) as value,
  max(metric_value) filter (where period_month = $before) as value_before,
  max(unit_code) as unit_code
from mart_management_kpis_month
where segment_kind_code = 'all' and list_contains($names, metric_name) and period_month in ($month, $before)
group by metric_name
"""


@dataclass(frozen=True)
class Delta:
    """One KPI of the whole company. A value that the publication does not give is None, and so is the change."""

    metric_name: str
    unit_code: str | None
    value: Decimal | None
    value_before: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """value - value_before."""
        if self.value is None or self.value_before is None:
            return None
        return self.value - self.value_before


def kpi_deltas(company: Company, cycle: str, names: Sequence[str]) -> list[Delta]:
    """The KPIs in the given order; empty when what is live is not of this cycle.

    Raises DamagedFileError for a damaged record of what is live.
    """
    import duckdb

    from orchestration.publication.building import MARTS
    from orchestration.publication.receipts import current_publication, read_receipt

    live = current_publication(company.published)
    receipt = read_receipt(company.published, live["publication_id"]) if live else None
    marts = company.published / MARTS
    if not receipt or receipt["cycle"] != cycle or not marts.is_file():
        return []
    first = cycle_bounds(cycle)[0]
    bind = {"month": first, "before": (first - timedelta(days=1)).replace(day=1), "names": list(names)}
    with duckdb.connect(str(marts), read_only=True) as con:
        found = {row[0]: row[1:] for row in con.execute(_QUERY, bind).fetchall()}
    return [
        Delta(name, unit, value, before)
        for name in names
        for value, before, unit in [found.get(name, (None, None, None))]
    ]
