"""Sentences of the page behind the sales audit on the second looks at the judged line, one each.

What does NOT belong here: a figure (mart_sales_line_checks_cycle); a claim stronger than "associated with".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.audit.traffic_light import Bars
from orchestration.reporting.figures import Estimate, LineChecks
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording


def check_sentences(checks: LineChecks, bars: Bars, t: Wording, f: Formats) -> list[str]:
    """What each look says, or why it says nothing; the reminder of what it cannot say last.

    bars: those of the framing note, below which a look is not taken.
    """
    told = _Told(
        t, {"minimum_n": f.integer(bars.minimum_units), "minimum_events": f.integer(bars.minimum_events)}
    )
    return [
        _adjusted(checks, told, f),
        *_hidden(checks, t, f),
        told("marginal", checks.marginal, value=f.points(checks.marginal.value, 2),
              low=f.points(checks.marginal.low, 2), high=f.points(checks.marginal.high, 2)),
        told("hazard", checks.hazard, value=f.decimal(checks.hazard.value, 2),
              low=f.decimal(checks.hazard.low, 2), high=f.decimal(checks.hazard.high, 2)),
        told("form", checks.form, value=f.percent(checks.form.value, 0),
              form=t.or_raw("cycle.form", checks.form_code)),
        t("line_checks.associated"),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Told:
    """Says a look or its reason; minimum: places of the reasons."""

    t: Wording
    minimum: Mapping[str, str]

    def __call__(self, name: str, estimate: Estimate, **places: str) -> str:
        if estimate.value is None:
            code = estimate.reason_code or "not_estimable"
            reason = self.t.or_raw("line_checks.reason", code, **self.minimum)
            return self.t("line_checks.none", what=self.t(f"line_checks.what.{name}"), reason=reason)
        return self.t(f"line_checks.{name}", **places)


def _adjusted(checks: LineChecks, told: _Told, f: Formats) -> str:
    is_adjusted = bool(checks.covariates) or checks.adjusted.value is None
    return told(
        "adjusted",
        checks.adjusted if is_adjusted else Estimate(None, reason_code="no_covariate"),
        covariates=", ".join(told.t.or_raw("line_checks.covariate", code) for code in checks.covariates),
        value=f.points(checks.adjusted.value, 2),
        low=f.points(checks.adjusted.low, 2),
        high=f.points(checks.adjusted.high, 2),
        raw=f.points(checks.slope, 2),
    )


def _hidden(checks: LineChecks, t: Wording, f: Formats) -> list[str]:
    """How strong a factor that nobody recorded would have to be."""
    if checks.adjusted.value is None or checks.benchmark_code is None:
        return []
    name = t.or_raw("line_checks.covariate", checks.benchmark_code)
    share = f.percent(checks.robustness, 1)
    if checks.is_cancelled:
        return [t("line_checks.cancelled", benchmark=name, share=share)]
    return [t("line_checks.left", benchmark=name, share=share, left=f.points(checks.benchmark_slope, 2))]
