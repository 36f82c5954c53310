"""Files cut in transfer or saved again in another encoding, on top of a publication: it stands, and run says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle

CUT = {
    "crm/2026-06/Lead.csv": 0.15,
    "crm/2026-06/Task.csv": 0.15,
    "crm/2026-06/OpportunityHistory.csv": 0.15,
    "telephony/2026-06/Master.csv": 0.25,
}
LEDGER, INVOICES = "ledger/990000010FEC20260630.txt", "erp/2026-06/factures.csv"
EVENTS, CALENDAR = "mailing/2026-06/events.jsonl", "calendar/2026-06/meyer.caroline.ics"


def published(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "current.json").read_bytes(), (folder / "marts.duckdb").read_bytes()


def keep_lines(path: Path, share: float) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: max(2, round(len(lines) * share))]))


def test_files_cut_at_a_row_boundary_hold_and_what_was_published_stands(
    demo_copy: Callable, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    before = published(demo.published)
    for name, share in CUT.items():
        keep_lines(demo.company_dir / "extracts" / name, share)
    code = run_cycle(demo.company_dir, as_json=True)
    summary = json.loads(capsys.readouterr().out)
    assert code == exit_codes.HELD == summary["exit_code"]
    assert "control_failed" in summary["reasons"] and not summary["refusals"]
    told = "\n".join(summary["sentences"])
    for control in ("crm/replaced_leads", "crm/replaced_tasks", "crm/replaced_history", "pbx/replaced_calls",
                    "crm/volume_leads", "crm/volume_tasks", "pbx/volume_calls"):  # fmt: skip
        assert f"{control}: " in told
    assert "etalon deliveries accept" in told
    assert published(demo.published) == before


def test_run_ends_with_65_when_files_are_cut_within_a_row_or_saved_in_another_encoding(
    demo_copy: Callable, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    before = published(demo.published)
    extracts = demo.company_dir / "extracts"
    for name in (LEDGER, INVOICES):
        path = extracts / name
        path.write_bytes(path.read_bytes().decode("cp1252").encode("utf-8"))
    (extracts / EVENTS).write_bytes((extracts / EVENTS).read_bytes()[:-40])
    text = (extracts / CALENDAR).read_bytes()
    (extracts / CALENDAR).write_bytes(text[: text.rindex(b"BEGIN:VEVENT")])
    code = run_cycle(demo.company_dir, as_json=True)
    summary = json.loads(capsys.readouterr().out)
    assert code == exit_codes.DATA_REFUSED == summary["exit_code"]
    told = "\n".join(summary["sentences"])
    for name, error in (
        (LEDGER, "E-ING-005"),
        (INVOICES, "E-ING-005"),
        (EVENTS, "E-ING-003"),
        (CALENDAR, "E-ING-036"),
    ):
        assert any(name in line and error in line for line in told.splitlines()), name
    assert published(demo.published) == before
