"""Deliveries landed side by side give what they give one after the other."""

from pathlib import Path

import duckdb
import pytest

from ingest import collect, landing, load_company
from ingest.demo import generate


def state_of(company: Path) -> dict[str, str]:
    """A hash of the rows of every raw and collected table, whatever their order."""
    con = duckdb.connect()
    files = sorted(p for folder in ("raw", "collect") for p in (company / "work" / folder).rglob("*.parquet"))
    query = "select cast(bit_xor(hash(t)) as varchar) || '/' || count(*) from read_parquet($path) as t"
    return {str(p.relative_to(company)): con.execute(query, {"path": str(p)}).fetchone()[0] for p in files}


def test_files_landed_side_by_side_equal_files_landed_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    states = []
    for name, worth_a_worker in (("in_turn", 1 << 60), ("together", 1)):
        generate(tmp_path / name, "tiny")
        monkeypatch.setattr(landing, "WORTH_A_WORKER", worth_a_worker)
        report = collect(load_company(tmp_path / name))
        assert not report.refusals and not report.imbalances
        states.append(state_of(tmp_path / name))
        assert collect(load_company(tmp_path / name)).landed == ()
    assert states[0] == states[1] and len(states[0]) > 100
