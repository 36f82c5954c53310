"""The generator's scratch database: arrays of the world become DuckDB tables, files are written from it.

What does NOT belong here: anything about the company itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

# Summer time of Paris without a zone database: last Sunday of March to last Sunday of October, 01:00 UTC.
_SUMMER = (
    (1648342800, 1667091600),  # 2022
    (1679792400, 1698541200),  # 2023
    (1711846800, 1729990800),  # 2024
    (1743296400, 1761440400),  # 2025
    (1774746000, 1792890000),  # 2026
)


class Scratch:
    """A DuckDB file that lives for one generation. Time is held as UTC epoch seconds (BIGINT)."""

    def __init__(self, path: Path) -> None:
        self.con = duckdb.connect(str(path))
        self.con.execute(
            "SET threads=2; SET memory_limit='2500MB'; SET preserve_insertion_order=true; SET enable_progress_bar=false"
        )
        self.con.execute(f"SET temp_directory='{path.parent}/spill'")
        summer = " or ".join(f"e between {a} and {b - 1}" for a, b in _SUMMER)
        self.con.execute(f"""
            create macro paris(e) as e + case when {summer} then 7200 else 3600 end;
            create macro instant(e) as make_timestamp(cast(e as bigint) * 1000000);
            create macro iso(e) as strftime(instant(e), '%Y-%m-%dT%H:%M:%S.000Z');
            create macro iso_date(e) as strftime(instant(e), '%Y-%m-%d');
            create macro fr_date(e) as strftime(instant(e), '%d/%m/%Y');
            create macro fr_number(x) as replace(cast(cast(x as decimal(18,2)) as varchar), '.', ',');
            create macro code(n, width) as lpad(cast(n as varchar), width, '0');
            create macro day_no(d) as date_diff('day', date '1970-01-01', cast(d as date));
            create macro second_no(t) as cast(epoch(cast(t as timestamp)) as bigint);
            create macro month_of(e) as strftime(instant(e), '%Y-%m');
        """)

    def store(self, name: str, columns: Mapping[str, Any], select: str = "*") -> None:
        """Create table `name` from equal-length arrays, in their order; `select` may compute columns."""
        table = pa.table({key: _arrow(value) for key, value in columns.items()})
        self.con.register("_incoming", table)
        self.con.execute(f"create or replace table {name} as select {select} from _incoming")
        self.con.unregister("_incoming")

    def append(self, name: str, columns: Mapping[str, Any]) -> None:
        """Add rows to table `name`, created on first use."""
        table = pa.table({key: _arrow(value) for key, value in columns.items()})
        self.con.register("_incoming", table)
        self.con.execute(f"create table if not exists {name} as select * from _incoming limit 0")
        self.con.execute(f"insert into {name} select * from _incoming")
        self.con.unregister("_incoming")

    def run(self, sql: str) -> None:
        """Execute statements."""
        self.con.execute(sql)

    def arrays(self, sql: str) -> dict[str, np.ndarray]:
        """Result columns as numpy arrays."""
        return self.con.execute(sql).fetchnumpy()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Result rows; for small results only."""
        return self.con.execute(sql).fetchall()

    def close(self) -> None:
        """Close the file."""
        self.con.close()


def _arrow(value: Any) -> pa.Array:
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    return pa.array(value)


def pick(words: Sequence[str], index: np.ndarray) -> pa.Array:
    """`words[index]` without a Python loop."""
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(list(words))).cast(
        pa.string()
    )
