"""Named places where the fault tests kill the process.

`ETALON_CRASH_AT=<name>` ends the process there without any clean-up, as a power cut would. The names are
listed here so that a test can visit every one. What does NOT belong here: handling of failures.
"""

from __future__ import annotations

import os

CRASH_POINTS = (
    "extracts.collected",
    "staging.built",
    "matching.written",
    "master.built",
    "quality.judged",
    "statistics.written",
    "marts.built",
    "publication.tables_built",
    "publication.parquet_written",
    "publication.parquet_renamed",
    "publication.receipt_written",
    "publication.members_promoted",
    "publication.registry_promoted",
    "publication.history_appended",
    "publication.log_appended",
    "publication.swapped",
    "publication.recorded",
    "reports.kept",
    "reports.written",
)


def crash_point(name: str) -> None:
    """End the process when the environment asks for it here. Unknown names are a programming error."""
    if name not in CRASH_POINTS:
        raise ValueError(f"crash point {name!r} is not listed")
    if os.environ.get("ETALON_CRASH_AT") == name:
        os._exit(137)
