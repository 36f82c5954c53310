"""Second looks at the line that say nothing name the bars of the framing note, not those of the method."""

from __future__ import annotations

from dataclasses import replace

import planted_reports as planted
import pytest

from orchestration.audit.traffic_light import Bars
from orchestration.reporting.figures import Estimate
from orchestration.reporting.formatting import Formats
from orchestration.reporting.line_checks import check_sentences
from orchestration.reporting.wording import Wording


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "fewer than 45 leads or 12 conversions"), ("fr", "moins de 45 leads ou de 12 conversions")],
)
def test_too_few_leads_are_said_with_the_bars_of_the_note(language, said):
    few = replace(planted.CHECKS, marginal=Estimate(None, reason_code="insufficient"))
    bars = Bars(minimum_units=45, minimum_events=12)
    told = check_sentences(few, bars, Wording(language), Formats(language))
    assert sum(said in sentence for sentence in told) == 1
    assert not any("{" in sentence or "30" in sentence for sentence in told)
