"""A file far larger than the memory of a run: the peak stays under the bound of 4 GiB for 10 GB.

What does NOT belong here: rates (tests/bench/reading.py measures both and asserts nothing).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.reading import measure_memory

BOUND_MIB = 4096


@pytest.mark.nightly
@pytest.mark.parametrize("is_damaged", [False, True], ids=["fast", "strict"])
def test_collecting_a_gigabyte_stays_under_the_bound_and_does_not_grow_with_the_file(
    tmp_path: Path, is_damaged: bool
) -> None:
    half, whole = measure_memory(tmp_path, [0.5, 1], is_damaged)
    assert half["reader"] == whole["reader"] == ("strict" if is_damaged else "fast")
    assert whole["peak_mib"] < BOUND_MIB
    # DuckDB may fill its own bound (ETALON_MEMORY); what comes on top of it must not double with the file.
    assert whole["peak_mib"] < 1.6 * half["peak_mib"]
