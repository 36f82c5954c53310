"""A company that delivers nothing: held, told why, and reported; no step fails."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from orchestration import cli
from orchestration.commands import exit_codes

COMPANY_YML = """\
version: 1
company: empty
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [empty.example]
cycle: 2026-06
conversion_window_days: 30
conversation_min_s: 10
sources: []
"""


def test_a_company_without_any_file_is_held_with_a_report(tmp_path: Path) -> None:
    (tmp_path / "extracts").mkdir()
    (tmp_path / "company.yml").write_text(COMPANY_YML)
    result = CliRunner().invoke(cli.etalon, ["run", "--company", str(tmp_path)])
    assert result.exit_code == exit_codes.HELD, result.output
    (refusal,) = (tmp_path / "published" / "refusals").glob("*.json")
    assert "framing_missing" in json.loads(refusal.read_text(encoding="utf-8"))["reasons"]
    assert "nothing_assessed" in json.loads(refusal.read_text(encoding="utf-8"))["reasons"]
    latest = tmp_path / "published" / "reports" / "latest"
    pages = {page.name: page.read_text(encoding="utf-8") for page in latest.rglob("data_quality*.html")}
    assert len(pages) == 2, sorted(latest.rglob("*"))
    assert all('id="reconciliation"' in page for page in pages.values())
