"""The months that Dagster shows: one partition of every asset of a cycle is that cycle (row FR10).

What does NOT belong here: which month a company is at (company.yml), as_of.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

#: Months from the first that any extract is likely to speak of to the one that runs now.
CYCLES = dg.MonthlyPartitionsDefinition(start_date="2015-01", fmt="%Y-%m", end_offset=1)
#: Tag of a run that Dagster launched for one partition.
PARTITION_TAG = "dagster/partition"


def by_month(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The same assets, one partition a month."""
    return [
        each.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=CYCLES)) for each in assets
    ]
