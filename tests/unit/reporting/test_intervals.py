"""The interval beside a rate against statsmodels."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from orchestration.reporting.intervals import wilson_95


@pytest.mark.parametrize(
    ("n_events", "n_trials"), [(0, 7), (1, 1), (17, 102), (389, 3_287), (50_000, 100_000)]
)
def test_the_interval_is_wilsons(n_events: int, n_trials: int) -> None:
    expected = proportion_confint(n_events, n_trials, alpha=0.05, method="wilson")
    assert [float(each) for each in wilson_95(n_events, n_trials)] == pytest.approx(expected, abs=1e-9)


def test_without_trials_there_is_none() -> None:
    assert wilson_95(0, 0) is None
