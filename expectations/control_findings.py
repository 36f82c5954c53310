"""Controls of what was delivered, as the gate, the reports and the trust of KPIs read them.

What does not belong here: measuring (ingest/controls_*.py), deciding (gate.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from expectations.policy import Policy
from ingest.controls_result import ControlResult, result_of, sentence

#: Kinds that speak about files as such; the policy has entries of its own for them.
OF_FILES = frozenset({"delivered_for_cycle", "unmapped_file"})


@dataclass(frozen=True)
class ControlFinding:
    """One control with the waiver that covers it. `status` is pass, warn, fail, not_assessed or waived.

    rule_id (`<source>/<control>`), table_name (the contract) and severity bear the names of a rule result, so
    that waivers and the trust of a KPI treat both alike.
    """

    rule_id: str
    table_name: str
    severity: str
    status: str
    result: ControlResult
    waived_until: date | None = None

    def fact(self, language: str) -> str:
        """What was measured, as a sentence in `fr` or `en`, with the file it is about."""
        text = sentence(self.result.code, self.result.params, language)
        return f"{self.result.file_path} : {text}" if self.result.file_path and language == "fr" else (
            f"{self.result.file_path}: {text}" if self.result.file_path else text
        )  # fmt: skip


def read_controls(work: Path) -> list[ControlResult]:
    """collect/control_results.parquet, empty when there is none; kinds about files as such are left out."""
    file = work / "collect" / "control_results.parquet"
    if not file.exists():
        return []
    found = [result_of(row) for row in pq.read_table(file).to_pylist()]
    return [each for each in found if each.kind not in OF_FILES]


def judged(controls: Iterable[ControlResult], policy: Policy, day: date) -> list[ControlFinding]:
    """Controls under the waivers of a policy. A breach under a living waiver is `waived`."""
    findings = []
    for each in controls:
        bare = ControlFinding(each.control_id, each.contract or "", each.level, each.status, each)
        waiver = policy.waiver(bare, day) if each.status in ("fail", "warn") else None
        if waiver:
            bare = replace(bare, status="waived", waived_until=waiver.expires_on)
        findings.append(bare)
    return findings
