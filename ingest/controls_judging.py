"""Counts of a check against its thresholds: pass, warn, fail or not assessed, with the sentence that says why.

What does NOT belong here: SQL (controls_measures.py), the evidence of a wrong clock (controls_clock.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ingest.check_model import CheckSpec
from ingest.controls_result import ControlResult, breached


def judge(
    check: CheckSpec, source: str, contract: str, counts: Mapping[str, Any], zone: str = "UTC"
) -> ControlResult:
    """The result of a check that was counted in the common pass.

    counts: n_evaluated, n_failed and the extras of its measure. Fewer rows than its minimum are not assessed,
    whatever they say. zone: of local times.
    """
    n, failed = int(counts["n_evaluated"] or 0), int(counts["n_failed"] or 0)
    params: dict[str, Any] = {"n": n, "failed": failed, "contract": contract, "allowed": check.max_failed}
    params |= {key: value for key in ("column", "earlier", "later", "must") if (value := getattr(check, key))}
    start = ControlResult(
        source_instance=source,
        control=check.name,
        kind=check.type,
        level=check.level,
        status="pass",
        code=check.type,
        contract=contract,
        column_name=check.column or check.later,
        n_evaluated=n,
        n_failed=failed,
        measured=share_text(failed, n),
        threshold=_text(check.max_failed),
        params=params,
    )
    if n < check.fewest:
        return not_assessed(start, "too_few", n=n, fewest=check.fewest)
    return _BY_TYPE.get(check.type, _by_failed_share)(check, start, counts, zone)


def not_assessed(result: ControlResult, code: str, **params: Any) -> ControlResult:
    """The same result, not assessed: it is never a pass."""
    return replace(result, status="not_assessed", code=code, params={**result.params, **params})


def _by_failed_share(
    check: CheckSpec, result: ControlResult, counts: Mapping[str, Any], zone: str
) -> ControlResult:
    params: dict[str, Any] = {}
    if check.type == "range":
        params = {"min": _bound(check.min), "max": _bound(check.max)}
    elif check.type == "clock":
        params = {"tolerance": check.tolerance_s}
    elif check.type == "orphan" and check.references:
        params = {"target": check.references.contract}
    elif check.type == "unique":
        params = {"columns": ", ".join(check.columns or ())}
    result = replace(result, params={**result.params, **params})
    is_over = (result.n_failed or 0) > Decimal(str(check.max_failed)) * (result.n_evaluated or 0)
    return replace(result, status=breached(check.level)) if is_over else result


def _completeness(
    check: CheckSpec, result: ControlResult, counts: Mapping[str, Any], zone: str
) -> ControlResult:
    n, filled = result.n_evaluated or 0, (result.n_evaluated or 0) - (result.n_failed or 0)
    least = Decimal(str(check.min))
    params = {"share": filled / n, "min": float(least)}
    status = breached(check.level) if filled < least * n else "pass"
    return replace(
        result,
        status=status,
        measured=share_text(filled, n),
        threshold=str(least),
        params={**result.params, **params},
    )


def _hours(check: CheckSpec, result: ControlResult, counts: Mapping[str, Any], zone: str) -> ControlResult:
    n, inside = result.n_evaluated or 0, (result.n_evaluated or 0) - (result.n_failed or 0)
    if counts["first_hour"] == counts["last_hour"]:
        hour = int(counts["first_hour"])
        params = {**result.params, "hour": hour}
        return replace(result, status=breached(check.level), code="hours_one_hour", params=params)
    if int(counts["n_minute_is_month"] or 0) == n:
        return replace(result, status=breached(check.level), code="hours_minute_is_month")
    if check.between is None:
        return replace(result, code="hours_spread", measured=None, threshold=None)
    least = Decimal(str(check.min)) if check.min is not None else Decimal(1)
    params = {
        "share": inside / n,
        "min": float(least),
        "first": check.between[0],
        "last": check.between[1],
        "zone": check.timezone or zone,
    }
    status = breached(check.level) if inside < least * n else "pass"
    return replace(
        result,
        status=status,
        measured=share_text(inside, n),
        threshold=str(least),
        params={**result.params, **params},
    )


def _ambiguous_dates(
    check: CheckSpec, result: ControlResult, counts: Mapping[str, Any], zone: str
) -> ControlResult:
    deciding = int(counts["n_deciding"] or 0)
    n_open = (result.n_evaluated or 0) - deciding
    return replace(
        result,
        status="pass" if deciding else breached(check.level),
        n_failed=0 if deciding else n_open,
        measured=str(deciding),
        threshold="1",
        params={**result.params, "deciding": deciding},
    )


def judge_constant(check: CheckSpec, source: str, contract: str, n: int, top: int) -> ControlResult:
    """The result of a constant check: `top` rows of `n` hold the most frequent value."""
    result = judge(check, source, contract, {"n_evaluated": n, "n_failed": 0})
    if result.status == "not_assessed":
        return result
    is_over = top >= Decimal(str(check.max_share)) * n
    return replace(
        result,
        status=breached(check.level) if is_over else "pass",
        n_failed=top if is_over else 0,
        measured=share_text(top, n),
        threshold=_text(check.max_share),
        params={**result.params, "share": top / n, "max_share": check.max_share},
    )


def judge_total(
    check: CheckSpec, source: str, contract: str, other: str, sums: tuple[Decimal | None, Decimal | None]
) -> ControlResult:
    """The result of a total check. A side without rows (None) is not assessed."""
    own, second = sums
    assert check.equals is not None  # CheckSpec has seen to it
    params = {
        "column": check.column,
        "contract": contract,
        "other": other,
        "other_column": check.equals.column,
        "sum": _number(own),
        "other_sum": _number(second),
        "tolerance": _number(check.tolerance),
    }
    result = ControlResult(
        source_instance=source, control=check.name, kind=check.type, level=check.level, status="pass",
        code="total", contract=contract, column_name=check.column, measured=_number(own), threshold=_number(second),
        params=params,
    )  # fmt: skip
    if own is None or second is None:
        return not_assessed(result, "too_few", n=0, fewest=1)
    difference = own - second
    status = breached(check.level) if abs(difference) > check.tolerance else "pass"
    return replace(result, status=status, params={**params, "difference": _number(difference)})


def share_text(part: int, n: int) -> str | None:
    """part / n as a decimal text, None without rows."""
    return f"{Decimal(part) / n:.6f}".rstrip("0").rstrip(".") if n else None


def _text(value: float) -> str:
    return format(Decimal(str(value)).normalize(), "f")


def _bound(value: Decimal | str | None) -> str:
    return "…" if value is None else str(value)


def _number(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_BY_TYPE = {"completeness": _completeness, "hours": _hours, "ambiguous_dates": _ambiguous_dates}
