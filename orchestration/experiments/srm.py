"""Are the arms as large as they were meant to be (row EX4): the chi-square test of the sample ratio.

A mismatch says that units were lost or added on one side; no verdict is given from such arms. Not here: the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scipy.stats import chisquare

#: Alarm below it; the threshold that GrowthBook ships.
ALARM = 0.001
#: Units a stratum must have for the test: five expected in each of two equal arms.
LEAST_UNITS = 10


@dataclass(frozen=True)
class Ratio:
    """p_value: null without units or with one arm. worst_stratum: that of the least p-value, alarmed or not."""

    p_value: float | None
    worst_stratum: str | None
    worst_p_value: float | None

    @property
    def is_mismatch(self) -> bool:
        """True when the whole raises the alarm, or a stratum does after Bonferroni (worst_p_value is adjusted)."""
        return any(p is not None and p < ALARM for p in (self.p_value, self.worst_p_value))


def ratio_p_value(counts: Sequence[int], weights: Sequence[Decimal]) -> float | None:
    """p-value of the counts under the weights; arms of weight zero are skipped; None with nothing to compare."""
    kept = [(n, weight) for n, weight in zip(counts, weights, strict=True) if weight > 0]
    total = sum(n for n, _ in kept)
    if len(kept) < 2 or not total:
        return None
    weight = sum(float(w) for _, w in kept)
    expected = [total * float(w) / weight for _, w in kept]
    return float(chisquare([n for n, _ in kept], expected).pvalue)


def sample_ratio(strata: Mapping[str, Sequence[int]], weights: Sequence[Decimal]) -> Ratio:
    """The test on all units and inside each stratum. strata: units by arm, in the order of the weights."""
    whole = [sum(counts) for counts in zip(*strata.values(), strict=True)] if strata else []
    judged = {name: counts for name, counts in strata.items() if sum(counts) >= LEAST_UNITS}
    found = (
        {name: ratio_p_value(counts, weights) for name, counts in judged.items()} if len(strata) > 1 else {}
    )
    known = sorted((p, name) for name, p in found.items() if p is not None)
    worst = known[0] if known else (None, None)
    return Ratio(
        ratio_p_value(whole, weights) if whole else None,
        worst[1],
        None if worst[0] is None else min(1.0, worst[0] * len(known)),
    )
