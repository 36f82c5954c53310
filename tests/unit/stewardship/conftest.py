"""Companies with planted records and questions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_candidate import COMPANY_YML, SETTINGS
from planted_decisions import QUEUE, key, write_exchange, write_queue

from orchestration.settings import write_settings


@pytest.fixture
def company(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path


@pytest.fixture
def site(company: Path) -> Path:
    """A company after a run: records a-h in one golden record, p and q, and five questions."""
    (company / "company.yml").write_text(COMPANY_YML)
    work = company / "work"
    names = {name: f"Firm {name}" for name in "abcdefgh"} | {
        "b": '=HYPERLINK("http://x.example")',
        "c": "Été & fils",
    }
    write_exchange(work, names, {"p": "paul@x.example", "q": "q@x.example"})
    write_settings(SETTINGS, work)
    (work / "matching").mkdir()
    members = pa.table(
        {"record_key": [key(name) for name in "abcdefgh"], "account_id": ["acc_1"] * 4 + ["acc_2"] * 4}
    )
    pq.write_table(members, work / "matching" / "account_members.parquet")
    write_queue(work, list(QUEUE))
    return company
