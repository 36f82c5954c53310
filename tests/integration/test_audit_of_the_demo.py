"""What the sales audit says of a generated company: no colour without its reasons, no green without an experiment."""

from fractions import Fraction

import duckdb
import pytest

JUDGED = "landmark_5"


@pytest.fixture(scope="module")
def lines(demo_run) -> list[dict]:
    with duckdb.connect(str(demo_run.marts), read_only=True) as con:
        found = con.execute("select * from mart_sales_touch_lines_cycle")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.audit("DE20", "EX10", "R1")
def test_only_the_landmark_has_a_colour_and_none_is_green_without_an_experiment(lines):
    assert {r["design_code"] for r in lines} >= {"naive", JUDGED}
    for r in lines:
        assert (r["colour_code"] is not None) == (r["design_code"] == JUDGED)
        if r["colour_code"] is not None:
            assert r["colour_reason_codes"]
        if r["colour_code"] == "green":
            assert r["experiment_code"] and r["r"] >= Fraction(1, 4)


@pytest.mark.audit("QU4", "DE20")
def test_a_segment_with_too_few_leads_is_grey_or_red_for_complaints_and_a_line_is_there_or_says_why_not(
    lines,
):
    few = [r for r in lines if r["design_code"] == JUDGED and (r["n_leads"] < 30 or r["n_converted"] < 10)]
    assert few and {r["colour_code"] for r in few} <= {"grey", "red"}
    assert all(r["colour_reason_codes"] == "complaints_breach" for r in few if r["colour_code"] == "red")
    for r in lines:
        assert (r["r"] is None) == (r["line_reason_code"] is not None)
        assert r["n_q1"] + r["n_q2"] + r["n_q3"] + r["n_q4"] == r["n_leads"]


@pytest.mark.audit("FR11")
def test_the_leads_of_each_cut_are_those_of_the_company(lines):
    for design in {r["design_code"] for r in lines}:
        for period in {r["period_code"] for r in lines}:
            sums: dict[str, int] = {}
            for r in lines:
                if (r["design_code"], r["period_code"]) == (design, period):
                    sums[r["segment_kind_code"]] = sums.get(r["segment_kind_code"], 0) + r["n_leads"]
            for kind in ("channel", "size_band", "team", "rep"):
                assert sums[kind] == sums["all"] > 0, (design, period, kind)
