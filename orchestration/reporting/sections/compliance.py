"""Section 8: contacts that broke a rule of contact, with the ids that prove it.

What does not belong here: the rules themselves (dated policy data), advice on law.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import Formats, add_months, month_start
from orchestration.reporting.quality_figures import ComplianceCount
from orchestration.reporting.wording import Wording

# What falls due is told, and breaks nothing yet.
DUE = ("retention_due_30", "retention_due_60")


@dataclass(frozen=True)
class CheckLine:
    """One check on one channel in the cycle. before: breaches of the month before; None: not assessed then."""

    check_code: str
    channel_code: str
    n_assessed: int
    n_breaches: int
    n_not_assessed: int
    before: int | None

    @property
    def is_of_contacts(self) -> bool:
        """False for checks that look at persons kept, not at contacts made."""
        return not self.check_code.startswith("retention")

    @property
    def status(self) -> str:
        if not self.n_assessed:
            return "not_assessed"
        if not self.n_breaches:
            return "pass"
        return "due" if self.check_code in DUE else "fail"


def check_lines(counts: tuple[ComplianceCount, ...], cycle: str) -> list[CheckLine]:
    """The cycle's checks, most breaches first; a check known from other months that is missing was not assessed."""
    month_before = f"{add_months(month_start(cycle), -1):%Y-%m}"
    at = {(each.check_code, each.channel_code, each.period): each for each in counts}
    lines = []
    for check, channel in sorted({(each.check_code, each.channel_code) for each in counts}):
        # Without a month: a check that could not be made at all.
        now = at.get((check, channel, cycle)) or at.get((check, channel, ""))
        before = at.get((check, channel, month_before))
        lines.append(
            CheckLine(
                check,
                channel,
                now.n_assessed if now else 0,
                now.n_breaches if now else 0,
                now.n_not_assessed if now else 0,
                before.n_breaches if before and before.n_assessed else None,
            )
        )
    return sorted(
        lines,
        key=lambda line: (
            line.check_code in DUE, -line.n_breaches, not line.n_assessed, line.check_code, line.channel_code,
        ),
    )  # fmt: skip


def compliance_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    if inputs.compliance is None:
        return {"lead": t("quality.compliance.absent"), "is_there": False}
    lines = check_lines(inputs.compliance.counts, inputs.run.cycle)
    assessed = [line for line in lines if line.n_assessed]
    n_breaches = sum(line.n_breaches for line in assessed if line.check_code not in DUE)
    n_open = len(lines) - len(assessed)
    lead = t("quality.compliance.unassessed")
    if assessed:
        key = "lead" if n_breaches else "clean"
        lead = t.plural(
            f"quality.compliance.{key}",
            n_breaches,
            n=f.integer(n_breaches),
            contacts=f.integer(max((line.n_assessed for line in assessed if line.is_of_contacts), default=0)),
            checks=f.integer(len(assessed)),
            month=f.month(inputs.run.cycle),
        )
        if n_open:
            lead += f" {t.plural('quality.compliance.open', n_open, n=f.integer(n_open))}"
    return {
        "lead": lead,
        "is_there": True,
        "lines": lines,
        "breaches": inputs.compliance.breaches,
        "n_breaches": inputs.compliance.n_breaches,
    }
