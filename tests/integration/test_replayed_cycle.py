"""A past cycle run again gives its figures, whatever is configured and framed since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.demo.framing import write_notes
from orchestration.commands.run import run_cycle
from orchestration.publication.receipts import current_publication, read_receipt


@pytest.mark.audit("EX11", "FR10", "FR13")
def test_a_past_cycle_run_again_is_the_same_publication(demo_copy: Callable) -> None:
    demo = demo_copy()
    live = current_publication(demo.published)["publication_id"]
    before = read_receipt(demo.published, live)
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
    after = read_receipt(demo.published, live)
    assert after["published_at"] != before["published_at"], "it was built again"
    assert after["settings"] == before["settings"]
    differing = {
        name
        for name in before["logical_hashes"].keys() | after["logical_hashes"].keys()
        if before["logical_hashes"].get(name) != after["logical_hashes"].get(name)
    }
    assert not differing
