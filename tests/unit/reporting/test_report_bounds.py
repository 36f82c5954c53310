"""The exact bound against its definition: the chance of so few events is one in twenty."""

import re
from decimal import Decimal
from math import comb

import planted_reports as planted
import pytest

from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.render import render_sales_audit


@pytest.mark.audit("DE15")
@pytest.mark.parametrize(("n_events", "n_trials"), [(0, 1), (0, 300), (2, 1000), (3, 1000), (7, 40)])
def test_so_few_events_happen_once_in_twenty_at_the_bound(n_events: int, n_trials: int) -> None:
    bound = float(exact_upper_95(n_events, n_trials))
    chance = sum(comb(n_trials, k) * bound**k * (1 - bound) ** (n_trials - k) for k in range(n_events + 1))
    assert chance == pytest.approx(0.05, abs=1e-5)
    assert bound > n_events / n_trials


def test_no_event_in_300_mails_leaves_one_percent_possible() -> None:
    assert exact_upper_95(0, 300).quantize(Decimal("0.00001")) == Decimal("0.00994")


def test_without_trials_there_is_no_bound_and_with_events_only_it_is_one() -> None:
    assert exact_upper_95(0, 0) is None
    assert exact_upper_95(5, 5) == 1


def test_the_audit_page_shows_the_bound_beside_every_complaint_rate() -> None:
    """24 complaints for 9,900 mails: 0.242 %, at most 0.341 % at 95 %; 93 for 40,250: 0.231 %, at most 0.275 %."""
    page = re.sub(r"<[^>]+>", " ", render_sales_audit(planted.AUDIT, "en"))
    assert "0.242%" in page and f"{exact_upper_95(24, 9_900) * 100:.3f}%" in page
    assert f"95% upper bound {exact_upper_95(93, 40_250) * 100:.3f}%" in page
