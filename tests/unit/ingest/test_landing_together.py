"""Deliveries landed in company give what they give alone."""

from pathlib import Path

import duckdb
import pytest

from ingest import collect, landing_together, load_company, reading
from ingest.demo import generate


def state_of(company: Path) -> dict[str, str]:
    """A hash of the rows of every raw and collected table, whatever their order."""
    con = duckdb.connect()
    files = sorted(p for folder in ("raw", "collect") for p in (company / "work" / folder).rglob("*.parquet"))
    query = "select cast(bit_xor(hash(t)) as varchar) || '/' || count(*) from read_parquet($path) as t"
    return {str(p.relative_to(company)): con.execute(query, {"path": str(p)}).fetchone()[0] for p in files}


def damage(company: Path) -> None:
    """Three of the small files: one with an event that is cut, one that is no calendar, one that is no UTF-8."""
    cut, other, bytes_ = sorted((company / "extracts" / "calendar").rglob("*.ics"))[:3]
    cut.write_text(cut.read_text().replace("DTSTART", "DTSTART;TZID=Nowhere/Atlantis", 1))
    other.write_text("no calendar\n")
    bytes_.write_bytes(bytes_.read_bytes().replace(b"SUMMARY:", b"SUMMARY:\xff", 1))


def test_deliveries_landed_in_company_equal_deliveries_landed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    states, refused = [], []
    grouped: list[int] = []
    whole = landing_together._write_group
    monkeypatch.setattr(
        landing_together, "_write_group", lambda group: grouped.append(len(group)) or whole(group)
    )
    for name, worth_a_worker, small, staged in (
        ("alone", 1 << 60, -1, 1 << 60),
        ("in_groups", 1 << 60, 128 << 10, 1 << 60),
        ("side_by_side", 1, 128 << 10, 1 << 60),
        ("parquet_first", 1, 128 << 10, 0),
    ):
        generate(tmp_path / name, "tiny")
        damage(tmp_path / name)
        monkeypatch.setattr(landing_together, "WORTH_A_WORKER", worth_a_worker)
        monkeypatch.setattr(landing_together, "SMALL_FILE_BYTES", small)
        monkeypatch.setattr(landing_together, "STAGED_BYTES", staged)
        monkeypatch.setattr(reading, "STAGED_BYTES", staged)
        grouped.clear()
        report = collect(load_company(tmp_path / name))
        assert (max(grouped, default=0) > 10) == (small > 0)
        refused.append([(refusal.problem.code, refusal.file_path) for refusal in report.refusals])
        assert not report.imbalances
        states.append(state_of(tmp_path / name))
        assert collect(load_company(tmp_path / name)).landed == ()
    assert states[0] == states[1] == states[2] == states[3] and len(states[0]) > 100
    assert sorted(code for code, _ in refused[0]) == ["E-ING-005", "E-ING-013"]
    assert refused[0] == refused[1] == refused[2] == refused[3]


def test_a_group_that_miscounts_is_landed_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    generate(tmp_path / "right", "tiny")
    assert not collect(load_company(tmp_path / "right")).refusals
    whole, expected = landing_together._write_group, landing_together.Landing.expected

    def one_more(self, streams):
        return {contract: rows + 1 for contract, rows in expected(self, streams).items()}

    def write_group(group):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(landing_together.Landing, "expected", one_more)
            return whole(group)

    monkeypatch.setattr(landing_together, "_write_group", write_group)
    generate(tmp_path / "wrong", "tiny")
    assert not collect(load_company(tmp_path / "wrong")).refusals
    assert state_of(tmp_path / "right") == state_of(tmp_path / "wrong")
