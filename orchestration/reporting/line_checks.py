"""Sentences of the page behind the sales audit on the second looks at the judged line, one each.

What does NOT belong here: a figure (mart_sales_line_checks_cycle); a claim stronger than "associated with".
"""

from __future__ import annotations

from orchestration.reporting.figures import Estimate, LineChecks
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording


def check_sentences(checks: LineChecks, t: Wording, f: Formats) -> list[str]:
    """What each look says, or why it says nothing; the reminder of what it cannot say last."""
    return [
        _adjusted(checks, t, f),
        *_hidden(checks, t, f),
        _told("marginal", checks.marginal, t, value=f.points(checks.marginal.value, 2),
              low=f.points(checks.marginal.low, 2), high=f.points(checks.marginal.high, 2)),
        _told("hazard", checks.hazard, t, value=f.decimal(checks.hazard.value, 2),
              low=f.decimal(checks.hazard.low, 2), high=f.decimal(checks.hazard.high, 2)),
        _told("form", checks.form, t, value=f.percent(checks.form.value, 0),
              form=t.or_raw("cycle.form", checks.form_code)),
        t("line_checks.associated"),
    ]  # fmt: skip


def _told(name: str, estimate: Estimate, t: Wording, **places: str) -> str:
    if estimate.value is None:
        return t("line_checks.none", what=t(f"line_checks.what.{name}"), reason=_reason(estimate, t))
    return t(f"line_checks.{name}", **places)


def _reason(estimate: Estimate, t: Wording) -> str:
    return t.or_raw("line_checks.reason", estimate.reason_code or "not_estimable")


def _adjusted(checks: LineChecks, t: Wording, f: Formats) -> str:
    is_adjusted = bool(checks.covariates) or checks.adjusted.value is None
    return _told(
        "adjusted",
        checks.adjusted if is_adjusted else Estimate(None, reason_code="no_covariate"),
        t,
        covariates=", ".join(t.or_raw("line_checks.covariate", code) for code in checks.covariates),
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
