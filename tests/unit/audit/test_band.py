"""The band of the mean line against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from orchestration.audit.band import band
from orchestration.audit.points import Points
from orchestration.audit.regression import line

CELLS = [(0, 40, 3), (1, 55, 9), (2, 31, 8), (3, 12, 5), (7, 2, 1)]


@pytest.mark.audit("VI2")
def test_the_band_is_that_of_the_mean_prediction_of_least_squares():
    x = np.repeat([c[0] for c in CELLS], [c[1] for c in CELLS]).astype(float)
    y = np.concatenate([[1.0] * k + [0.0] * (n - k) for _, n, k in CELLS])
    places = [0.0, 0.5, 1.7, 3.0, 7.0, 12.0]
    fitted = sm.OLS(y, sm.add_constant(x)).fit()
    expected = fitted.get_prediction(np.column_stack([np.ones(len(places)), places])).conf_int(alpha=0.05)
    np.testing.assert_allclose(band(line(Points.of_outcomes(CELLS)), places), expected, rtol=1e-9)


@pytest.mark.parametrize("cells", [[], [(1, 2, 1)], [(1, 9, 4)], [(0, 5, 0), (3, 5, 0)]])
def test_no_line_has_no_band(cells):
    assert band(line(Points.of_outcomes(cells)), [0.0]) is None
