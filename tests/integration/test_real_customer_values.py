"""BG/NBD and Gamma-Gamma on the customers of CDNOW: the parameters that their authors published."""

from __future__ import annotations

import numpy as np
import pyarrow.csv as csv
import pytest
from real_extracts import ORDERS, SAMPLES, needing

from orchestration.statistics.account_values import MAX_CORRELATION
from orchestration.statistics.lifetime import expected_purchases, fit_purchasing, fit_spending

pytestmark = needing({"cdnow": ORDERS["cdnow"]})


@pytest.fixture(scope="module")
def customers() -> dict[str, np.ndarray]:
    """x, t_x, T (weeks) and mean repeat value of the 2,357 customers of the sample."""
    table = csv.read_csv(SAMPLES / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    return {name: table[name].to_numpy().astype(float) for name in ("x", "t_x", "T", "zbar")}


def test_purchases_have_the_published_parameters(customers) -> None:
    """Fader, Hardie and Lee (2005), table 2."""
    found = fit_purchasing(customers["x"], customers["t_x"], customers["T"])
    assert (round(found.r, 3), round(found.alpha, 3)) == (0.243, 4.414)
    assert (round(found.a, 3), round(found.b, 3)) == (0.793, 2.426)
    assert round(found.log_likelihood, 1) == -9582.4
    one = (np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert expected_purchases(found, 39, *one)[0] == pytest.approx(1.226, abs=0.001)


def test_values_have_the_published_parameters_and_are_refused_for_their_correlation(customers) -> None:
    """Fader and Hardie (2013): p 6.25, q 3.74, gamma 15.44; correlation 0.11."""
    repeated = customers["x"] > 0
    x, mean = customers["x"][repeated], customers["zbar"][repeated]
    found = fit_spending(x, mean)
    assert (round(found.p, 2), round(found.q, 2)) == (6.25, 3.74)
    assert found.v == pytest.approx(15.45, abs=0.02)
    assert np.corrcoef(x, mean)[0, 1] > MAX_CORRELATION
