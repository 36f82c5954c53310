"""A past cycle run again gives its figures, whatever is configured, framed and decided since."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from expectations.contact_policies import FILE as POLICIES
from expectations.thresholds import FILE as THRESHOLDS
from ingest.demo.framing import write_notes
from orchestration.commands.run import run_cycle
from orchestration.experiments.demo.planting import NO_EFFECT
from orchestration.experiments.protocol import read_protocol
from orchestration.experiments.records import register
from orchestration.project import DBT_PROJECT
from orchestration.publication.receipts import current_publication, read_receipt
from orchestration.settings import read_settings
from orchestration.stewardship.exclusions import append_exclusion, exclude
from orchestration.stewardship.files import append_decisions, read_decisions


def tables_of(published: Path, publication_id: str) -> dict[str, str]:
    """Logical hash of every table, from the manifest beside the Parquet files, which every publication writes."""
    manifest = json.loads((published / "parquet" / publication_id / "manifest.json").read_text())
    return {name: table["logical_hash"] for name, table in manifest["tables"].items()}


def write_what_july_brought(company: Path) -> None:
    """An entry that takes effect after June in every dated file of people, and what is written to close June."""
    later, moment = dt.date(2026, 7, 1), dt.datetime(2026, 7, 3, 9)
    threshold = {
        "rule_code": "min_touches", "channel_code": "inbound", "size_band_code": "smb", "value": 6,
        "window_days": 10, "origin_code": "human", "version": "2026-07-1", "approved_by": "Ann Lee",
        "reason": "committee of July", "valid_from": later,
    }  # fmt: skip
    (company / THRESHOLDS).write_text(yaml.safe_dump({"thresholds": [threshold]}), encoding="utf-8")
    shipped = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    policies = [
        {**row, "version": "2026-7", "valid_from": later}
        for row in shipped["contact_policies"]
        if row["profile_code"] in ("b2b_default", "data", "guard_rails")
    ]
    (company / POLICIES).write_text(yaml.safe_dump({"contact_policies": policies}), encoding="utf-8")
    stewardship = company / "stewardship"
    (linked, *_) = [each for each in read_decisions(stewardship) if each.kind == "group_link"]
    append_exclusion(
        stewardship,
        exclude(
            linked.record_keys[0],
            "vip",
            None,
            later,
            None,
            "sales_director",
            "key_account",
            "Ann Lee",
            moment,
        ),
    )
    link = replace(linked, decision_id="link-july", valid_from=later, decided_at=moment, place="")
    append_decisions(stewardship, [link])
    experiments = company / "experiments"
    registered = experiments / NO_EFFECT / "protocol.yml"
    text = registered.read_text(encoding="utf-8")
    ticked = text.replace("owner: Marketing}", "owner: Marketing, is_done: true}")
    assert ticked != text
    registered.write_text(ticked, encoding="utf-8")
    folder = experiments / "late_call"
    folder.mkdir()
    days = (("2026-03-30", "2026-07-06"), ("2026-05-25", "2026-08-03"), (NO_EFFECT, "late_call"))
    for old, new in days:
        text = text.replace(old, new)
    (folder / "protocol.yml").write_text(text, encoding="utf-8")
    register(folder, read_protocol(folder), "revops", moment, moment.date())
    note = company / "cycles" / "2026-06.yml"
    content = yaml.safe_load(note.read_text(encoding="utf-8"))
    content |= {"closing": {"business_story": "What June was, and what July will be."}}
    note.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.mark.audit("EX11", "FR10", "FR13", "EX8", "DE1", "DE14")
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
    write_what_july_brought(demo.company_dir)
    assert run_cycle(demo.company_dir, as_json=True, cycle="2026-06", force=True) == 0
    assert current_publication(demo.published)["publication_id"] == live
    assert demo.marts.stat().st_mtime_ns > built_at, "it was built again"
    assert read_settings(demo.work).identity() == settings
    after = tables_of(demo.published, live)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
