"""A company of a few records in the exchange, and decisions about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.stewardship.decisions import Decision

AS_OF = dt.date(2026, 7, 1)
_TECHNICAL = {"_delivery_id": "d", "contract": "crm_account", "source_instance": "crm", "must_link_key": None}


def key(name: str, contract: str = "crm_account") -> str:
    return f"crm/{contract}/{name}"


def write_exchange(work: Path, accounts: dict[str, str], persons: dict[str, str] | None = None) -> None:
    """Records by short name -> company name (accounts) or mail address (persons)."""
    folder = work / "exchange"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"record_key": key(each), "name": name, "country_code": "FR", "source_record_id": each, **_TECHNICAL}
        for each, name in accounts.items()
    ]
    schema = pa.schema(
        [
            (name, pa.string())
            for name in ("record_key", "name", "country_code", "source_record_id", *_TECHNICAL)
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "int_account_records.parquet")
    rows = [
        {"record_key": key(each, "crm_contact"), "email": email, "name_key": "K"}
        for each, email in (persons or {}).items()
    ]
    schema = pa.schema([(name, pa.string()) for name in ("record_key", "email", "name_key")])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "int_person_records.parquet")


def pair(name: str, kind: str, left: str, right: str, **values: object) -> Decision:
    given = {
        "decision_id": name, "kind": kind, "entity": "account", "record_keys": (key(left), key(right)),
        "content_hashes": ("", ""), "author": "Ann Lee", "reason": "seen", "decided_at": dt.datetime(2026, 6, 20, 8),
    }  # fmt: skip
    return Decision(**(given | values))


@pytest.fixture
def company(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path
