"""Receipts: what was published, when, from which bytes, under which code and policy; or why nothing was.

What does NOT belong here: the publication itself (see publishing). Receipts are JSON, one per publication id
or refused run. `published_at` stands only here: no published table depends on the clock.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingest.sql import literal
from orchestration.damaged_file import DamagedFileError
from orchestration.publication.files import read_json, write_json

CURRENT = "current.json"


def receipt_path(published: Path, publication_id: str) -> Path:
    """Where the receipt of a publication is kept."""
    return published / "receipts" / f"{publication_id}.json"


def refusal_path(published: Path, run_id: str) -> Path:
    """Where the receipt of a refused run is kept."""
    return published / "refusals" / f"{run_id}.json"


def read_receipt(published: Path, publication_id: str) -> dict[str, Any] | None:
    """Receipt of a publication; None when there is none."""
    return read_json(receipt_path(published, publication_id))


def current_publication(published: Path) -> dict[str, Any] | None:
    """Record written after the last swap: publication_id, marts_sha256, rolled_back_from; None before it.

    It lags behind marts.duckdb when a run died just after the swap; the next run writes it again.
    Raises DamagedFileError when it is there and cannot be read: that is not "nothing published".
    """
    path = published / CURRENT
    if not path.exists():
        return None
    content = read_json(path)
    if isinstance(content, dict) and {"publication_id", "marts_sha256"} <= content.keys():
        return content
    live = live_publication_id(published)
    remedy = f"etalon publish --rollback {live}" if live else f"rm published/{CURRENT}; etalon run --force"
    raise DamagedFileError(f"published/{CURRENT}", "which publication is live cannot be read from it", remedy)


def live_publication_id(published: Path) -> str | None:
    """Id of the publication that readers see: current.json's, else the one marts.duckdb says it holds, else
    the newest receipt's. None when nothing tells.
    """
    content = read_json(published / CURRENT)
    if isinstance(content, dict) and "publication_id" in content:
        return content["publication_id"]
    try:
        with duckdb.connect() as con:
            con.execute(f"attach {literal(str(published / 'marts.duckdb'))} as marts (read_only)")
            asked = "select publication_id from marts.main.dim_publication where is_current"
            return con.execute(asked).fetchone()[0]
    except duckdb.Error:
        return next((receipt["publication_id"] for receipt in reversed(receipts(published))), None)


def chain(previous_hash: str | None, ledger_hash: str, code_version: str, policy_version: str) -> str:
    """Ledger term H: 64 hex over the previous H, terms A to G of this run, code and policy."""
    text = "\n".join((previous_hash or "", ledger_hash, code_version, policy_version))
    return hashlib.sha256(text.encode()).hexdigest()


def now_text() -> str:
    """UTC now to the second, for receipts only."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_receipt(published: Path, receipt: dict[str, Any]) -> dict[str, Any]:
    """Write the receipt of a publication. The same again keeps its first `published_at` and chain."""
    path = receipt_path(published, receipt["publication_id"])
    before = read_json(path)
    same = ("logical_hashes", "fingerprint", "ledger_hash")
    if before and all(before.get(key) == receipt[key] for key in same):
        kept = ("published_at", "chain_hash", "previous_publication_id", "run_id")
        receipt = receipt | {key: before[key] for key in kept if key in before}
    write_json(path, receipt)
    return receipt


def receipts(published: Path) -> list[dict[str, Any]]:
    """Receipts of all publications, oldest first."""
    found = [read_json(path) for path in sorted((published / "receipts").glob("*.json"))]
    return sorted((receipt for receipt in found if receipt), key=lambda receipt: receipt["published_at"])
