"""Worlds with a known relation between touches and conversion."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from orchestration.audit.points import Points

World = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def draw() -> World:
    """draw(share of x, units, seed, mean touches) -> (touches, outcome 0 or 1) of Poisson touches."""

    def of(share, units: int, seed: int, mean: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        x = rng.poisson(mean, units)
        return x, (rng.random(units) < share(x)).astype(int)

    return of


@pytest.fixture
def count() -> Callable[[np.ndarray, np.ndarray], Points]:
    """Arrays of x and y -> points."""

    def of(x: np.ndarray, y: np.ndarray) -> Points:
        return Points.of((a, b, n) for (a, b), n in Counter(zip(x.tolist(), y.tolist(), strict=True)).items())

    return of
