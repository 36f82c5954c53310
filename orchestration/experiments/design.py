"""How many leads and days an experiment needs, and what it can see with those it will get (rows EX2, EX3).

All for two shares, two-sided, with the variance pooled under the null hypothesis (statsmodels). Not here: base rates
and traffic of a company (population), the read-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from scipy.optimize import brentq
from statsmodels.stats.proportion import power_proportions_2indep, samplesize_proportions_2indep_onetail

#: The method's own rule, shown beside what the figures ask for.
METHOD_LEADS_PER_ARM = 200
#: And the shortest and longest experiment it knows.
METHOD_DAYS = (14, 28)
POWER = 0.8
_NOTHING = 1e-9


@dataclass(frozen=True)
class Plan:
    """What an experiment on one segment asks for. Rates 0 to 1; reason: why a figure is missing.

    Attributes:
        base_rate: conversion of the segment so far.
        gain: difference to be seen, 0.02 is two points.
        design_effect: 1 + (m - 1) x ICC; leads of one account convert alike.
        leads_needed: by arm for the gain at 80 % power. None where base rate and gain leave (0, 1).
        leads_per_day: of the eligible units so far, both arms together.
        days_needed: until both arms have them; None without traffic.
        leads_reachable: by arm between start and end at that traffic.
        power_reachable, detectable_reachable: at leads_reachable.
        power_method, detectable_method: at 200 leads by arm.
    """

    base_rate: float | None
    gain: float
    design_effect: float
    leads_needed: int | None
    leads_per_day: float
    days_needed: int | None
    leads_reachable: int
    power_reachable: float | None
    detectable_reachable: float | None
    power_method: float | None
    detectable_method: float | None
    reason: str | None

    @property
    def is_reachable(self) -> bool:
        """True when the period brings the leads that the gain asks for."""
        return self.leads_needed is not None and self.leads_reachable >= self.leads_needed


def leads_needed(base: float, gain: float, alpha: float = 0.05, power: float = POWER) -> float | None:
    """Leads by arm, before any design effect; None where the rates leave (0, 1)."""
    if not (0 < base < 1 and 0 < base + gain < 1 and gain != 0):
        return None
    return float(samplesize_proportions_2indep_onetail(gain, base, power, alpha=alpha))


def power_at(n_test: float, n_control: float, base: float, gain: float, alpha: float = 0.05) -> float | None:
    """Chance to see the gain with so many leads (divided by their design effect); None where it is not defined."""
    if not (n_test > 0 and n_control > 0 and 0 < base < 1 and 0 < base + gain < 1):
        return None
    found = power_proportions_2indep(
        gain, base, n_test, ratio=n_control / n_test, alpha=alpha, return_results=False
    )
    return float(found)


def detectable(
    n_test: float, n_control: float, base: float, alpha: float = 0.05, power: float = POWER
) -> float | None:
    """Least gain seen with that power; None when none below 1 - base is."""
    if not (n_test > 0 and n_control > 0 and 0 < base < 1):
        return None

    def short_of(gain: float) -> float:
        return (power_at(n_test, n_control, base, gain, alpha) or 0.0) - power

    most = 1 - base - _NOTHING
    if short_of(most) < 0:
        return None
    return float(brentq(short_of, _NOTHING, most, xtol=1e-12))


def cluster_effect(mean_size: float, correlation: float | None) -> float:
    """1 + (m - 1) x ICC, one at least. mean_size: sum of squared sizes over the sum of sizes."""
    return max(1.0, 1 + (mean_size - 1) * (correlation or 0.0))


def plan(
    *, base: float | None, gain: float, alpha: float, effect: float, leads_per_day: float, days: int
) -> Plan:
    """The plan of two equal arms over `days`. base: None without matured leads."""
    reachable = int(leads_per_day * days / 2)
    method = METHOD_LEADS_PER_ARM / effect
    reached = reachable / effect
    if base is None or not 0 < base < 1:
        reason = "no_matured_leads" if base is None else "base_rate_without_variance"
        return Plan(base, gain, effect, None, leads_per_day, None, reachable, None, None, None, None, reason)
    needed = leads_needed(base, gain, alpha)
    leads = None if needed is None else ceil(needed * effect)
    return Plan(
        base_rate=base,
        gain=gain,
        design_effect=effect,
        leads_needed=leads,
        leads_per_day=leads_per_day,
        days_needed=ceil(2 * leads / leads_per_day) if leads is not None and leads_per_day > 0 else None,
        leads_reachable=reachable,
        power_reachable=power_at(reached, reached, base, gain, alpha),
        detectable_reachable=detectable(reached, reached, base, alpha),
        power_method=power_at(method, method, base, gain, alpha),
        detectable_method=detectable(method, method, base, alpha),
        reason="gain_out_of_range" if leads is None else None if leads_per_day > 0 else "no_traffic",
    )
