"""A month of which only late and corrected records of others came holds the publication."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle

MISSING = ("telephony/2026-06/Master.csv", "erp/2026-06/factures.csv", "erp/2026-06/lignes_factures.csv")


def test_a_missing_file_is_not_replaced_by_a_late_or_corrected_sibling(
    demo_copy: Callable, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    extracts = demo.company_dir / "extracts"
    before = (demo.published / "current.json").read_bytes(), demo.marts.read_bytes()
    for name in MISSING:
        siblings = list((extracts / name).parent.glob(f"{(extracts / name).stem}_*"))
        assert siblings, "a file that the same path of the mapping takes stays"
        (extracts / name).unlink()
    shutil.rmtree(demo.work)  # what a run has read stays counted: these files never came
    code = run_cycle(demo.company_dir, as_json=True, force=True)  # files that are gone are nothing new
    summary = json.loads(capsys.readouterr().out)
    assert code == exit_codes.HELD == summary["exit_code"]
    assert "delivery_missing" in summary["reasons"]
    told = json.dumps(summary, ensure_ascii=False)
    for pattern in (
        "telephony/{date}/Master*.csv",
        "erp/{date}/factures*.csv",
        "erp/{date}/lignes_factures*.csv",
    ):
        assert pattern in told
    assert ((demo.published / "current.json").read_bytes(), demo.marts.read_bytes()) == before
