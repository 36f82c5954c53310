"""Exact bounds of the rates that a report shows beside them.

What does NOT belong here: the rates (marts), what is a breach (mart_marketing_complaints_week).
"""

from __future__ import annotations

from decimal import Decimal


def exact_upper_95(n_events: int, n_trials: int) -> Decimal | None:
    """One-sided 95 % Clopper-Pearson upper bound of n_events / n_trials, to nine decimals; None without trials.

    It is the rate at which so few events still happen once in twenty. Source: C. J. Clopper and E. S. Pearson,
    Biometrika 26 (1934): the 0.95 quantile of Beta(n_events + 1, n_trials - n_events).
    """
    if n_trials <= 0:
        return None
    if n_events >= n_trials:
        return Decimal(1)
    from scipy.special import betaincinv

    return Decimal(repr(float(betaincinv(n_events + 1, n_trials - n_events, 0.95)))).quantize(Decimal("1e-9"))
