"""The pages in a real browser: no console error, the audit on one A4 page. Skipped without Chromium."""

import re
import shutil
import subprocess
from pathlib import Path

import planted_reports as planted
import pytest

from orchestration.reporting.render import render_data_quality, render_sales_audit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


def browse(folder: Path, *arguments: str) -> str:
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", *arguments,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stderr


@pytest.mark.parametrize(
    ("language", "inputs"),
    [("fr", planted.AUDIT), ("en", planted.AUDIT), ("fr", planted.HELD_AUDIT)],
    ids=["published-fr", "published-en", "held"],
)
def test_the_sales_audit_prints_on_one_a4_page_in_landscape(tmp_path, language, inputs):
    page, printed = tmp_path / "audit.html", tmp_path / "audit.pdf"
    page.write_text(render_sales_audit(inputs, language), encoding="utf-8")
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri())
    content = printed.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", content)
    assert [round(float(side)) for side in box.groups()] == [842, 595]


def test_no_page_makes_the_browser_complain(tmp_path):
    for number, text in enumerate(
        [render_data_quality(planted.HELD_QUALITY, "fr"), render_sales_audit(planted.AUDIT, "en")]
    ):
        page = tmp_path / f"{number}.html"
        page.write_text(text, encoding="utf-8")
        log = browse(tmp_path, f"--screenshot={tmp_path / 'seen.png'}", page.as_uri())
        assert [line for line in log.splitlines() if "CONSOLE" in line] == []
