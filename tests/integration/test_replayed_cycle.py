"""A past cycle run again gives its figures, whatever is configured and framed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.demo.framing import write_notes
from orchestration.commands.run import run_cycle
from orchestration.publication.receipts import current_publication, read_receipt
from orchestration.settings import read_settings


def tables_of(published: Path, publication_id: str) -> dict[str, str]:
    """Logical hash of every table, from the manifest beside the Parquet files, which every publication writes."""
    manifest = json.loads((published / "parquet" / publication_id / "manifest.json").read_text())
    return {name: table["logical_hash"] for name, table in manifest["tables"].items()}


@pytest.mark.audit("EX11", "FR10", "FR13")
def test_a_past_cycle_run_again_is_the_same_publication(demo_copy: Callable) -> None:
    demo = demo_copy()
    live = current_publication(demo.published)["publication_id"]
    settings, before = read_receipt(demo.published, live)["settings"], tables_of(demo.published, live)
    built_at = demo.marts.stat().st_mtime_ns
    path = demo.company_dir / "company.yml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("conversion_window_days: 30", "conversion_window_days: 60"),
        ("conversation_min_s: 10", "conversation_min_s: 120"),
        ("cycle: 2026-06", "cycle: 2026-07"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    write_notes(demo.company_dir, ["2026-07"], window_days=60, conversation_s=120)
    assert run_cycle(demo.company_dir, as_json=True, cycle="2026-06", force=True) == 0
    assert current_publication(demo.published)["publication_id"] == live
    assert demo.marts.stat().st_mtime_ns > built_at, "it was built again"
    assert read_settings(demo.work).identity() == settings
    after = tables_of(demo.published, live)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
