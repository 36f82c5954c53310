"""A framing note whose values a test changes, and a company that bears it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ingest import Company, load_company
from ingest.demo.framing import write_notes

CYCLE = "2026-06"
COMPANY_YML = """\
version: 1
company: framed
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
conversion_window_days: 21
conversation_min_s: 15
sources: []
"""


def company_of(root: Path) -> Company:
    """A company without sources and without a note."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "company.yml").write_text(COMPANY_YML, encoding="utf-8")
    return load_company(root)


def change_note(root: Path, month: str = CYCLE, **values: Any) -> Path:
    """The demo's approved note of a cycle with other values at the top level; None takes a key away."""
    path = root / "cycles" / f"{month}.yml"
    if not path.exists():
        write_notes(root, [month])
    content = yaml.safe_load(path.read_text(encoding="utf-8")) | values
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
