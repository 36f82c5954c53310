"""Exact bounds of the rates that a report shows beside them.

What does NOT belong here: the rates (marts), what is a breach (mart_marketing_complaints_week), the bound itself
(orchestration.audit.exact_bounds).
"""

from __future__ import annotations

from decimal import Decimal


def exact_upper_95(n_events: int, n_trials: int) -> Decimal | None:
    """One-sided 95 % Clopper-Pearson upper bound of n_events / n_trials, to nine decimals; None without trials."""
    if n_trials <= 0:
        return None
    from orchestration.audit.exact_bounds import exact_upper

    return Decimal(repr(float(exact_upper(n_events, n_trials)))).quantize(Decimal("1e-9"))
