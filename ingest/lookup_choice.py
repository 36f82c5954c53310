"""Which delivery of a file other files look values up in.

What does NOT belong here: the join itself (lookup_joins.py).
"""

from __future__ import annotations

from ingest.deliveries import Delivery
from ingest.mapping import Mapping


def chosen_lookups(
    plan: Delivery, mapping: Mapping, planned: dict[str, Delivery], known: dict[str, Delivery]
) -> tuple[dict[str, Delivery], list[str]]:
    """For each file looked up in: its delivery of the same date, else the latest before, else the
    earliest; the newest one where the mapping says so. One that is replaced or rejected is not chosen.
    """
    chosen: dict[str, Delivery] = {}
    for key in mapping.lookup_files(plan.file_key):
        candidates = [
            d
            for d in planned.values()
            if d.source_instance == plan.source_instance
            and d.file_key == key
            and known.get(d.delivery_id, d).status != "refused"
            and d.withdrawn is None
        ]
        if not candidates:
            needed = mapping.columns_looked_up(plan.file_key, key)
            if needed:
                return chosen, [key, needed[0]]
            continue
        is_newest = mapping.model.files[key].lookup_version == "newest"
        own = "9999-12-31" if is_newest else plan.delivered_on or "9999-12-31"
        past = [d for d in candidates if (d.delivered_on or "") <= own]
        pick = max if past else min
        chosen[key] = pick(past or candidates, key=lambda d: (d.delivered_on or "", d.delivery_id))
    return chosen, []
