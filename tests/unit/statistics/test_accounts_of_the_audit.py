"""Accounts by touches and conversion: quadrants, what recurs, the line through them and what one of them does."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from planted_audit import add_audit_lead
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import add, open_warehouse
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.audit.shares import Shared, newcombe_shared
from orchestration.statistics import quantify
from orchestration.statistics.account_quadrants import ends


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def touches(n: int) -> tuple[tuple[float, str, bool], ...]:
    return tuple((i / 24, "voice", True) for i in range(n))


def accounts(con) -> dict[str, dict]:
    return {r["account_id"]: r for r in quantify.compute(con, SETTINGS)["account_quadrants"].to_pylist()}


def plant(con, account: str, month: int, n_touches: int, converted: bool, name: str = "") -> None:
    add_audit_lead(
        con, f"{account}{name}{month}", datetime(2025 + (month > 0) * 1, month if month > 0 else 12 + month, 3, 9),
        touches(n_touches), 20 if converted else None, account_id=account,
    )  # fmt: skip


@pytest.mark.audit("QU8", "QU9")
def test_accounts_stand_around_the_exact_means_and_a_mean_is_high(con):
    # means: 2 touches, share 1/2
    plant(con, "high", 5, 3, True)
    plant(con, "few", 5, 1, True)
    plant(con, "low", 5, 1, False)
    plant(con, "many", 5, 3, False)
    plant(con, "both", 5, 1, True, "x")
    plant(con, "both", 5, 3, False, "y")
    found = accounts(con)
    assert {a: r["quadrant_code"] for a, r in found.items()} == {
        "high": "q1", "few": "q2", "low": "q3", "many": "q4", "both": "q1",
    }  # fmt: skip
    assert [a for a, r in found.items() if r["is_on_line"]] == ["both"]
    assert (found["both"]["touches_per_lead"], found["both"]["conversion_rate"]) == (2, Decimal("0.5"))
    (line,) = quantify.compute(con, SETTINGS)["account_lines"].to_pylist()
    assert [line[f"n_q{i}"] for i in range(1, 5)] == [2, 1, 1, 1] and line["n_on_line"] == 1
    assert (line["touches_mean"], line["conversion_mean"], line["n_leads"]) == (2, Decimal("0.5"), 6)


@pytest.mark.audit("DA6", "DA7")
def test_a_quadrant_recurs_from_two_of_three_cycles_of_the_leads_matured_then(con):
    """As of June the last whole month is May, before April, before March: leads of May count in one of them only."""
    for month in (1, 2, 3, 4, 5):
        plant(con, "model", month, 5, True)
        plant(con, "asleep", month, 1, False)
    plant(con, "turned", 3, 1, False)  # q3 as of March and April ...
    for name in "abc":
        plant(con, "turned", 5, 6, True, name)  # ... q1 with the leads of May
    plant(con, "came", 5, 1, False)
    plant(con, "left", -2, 1, False)  # October: in the half year to March only
    found = accounts(con)
    told = {
        a: (r["quadrant_code"], r["quadrant_before_code"], r["quadrant_two_before_code"])
        for a, r in found.items()
    }
    assert told == {
        "model": ("q1", "q1", "q1"), "asleep": ("q3", "q3", "q3"), "turned": ("q1", "q3", "q3"),
        "came": ("q3", None, None), "left": (None, None, "q3"),
    }  # fmt: skip
    assert {a: r["recurring_quadrant_code"] for a, r in found.items()} == {
        "model": "q1", "asleep": "q3", "turned": "q3", "came": None, "left": None,
    }  # fmt: skip
    assert (found["asleep"]["list_rank"], found["turned"]["list_rank"], found["model"]["list_rank"]) == (
        1,
        2,
        1,
    )
    assert found["left"]["quadrant_reason_code"] == "no_matured_lead" and found["left"]["list_rank"] is None


@pytest.mark.audit("QU19")
def test_the_share_of_q1_is_compared_with_the_half_year_before_which_shares_no_lead(con):
    """From December on half of forty accounts are in Q1, from June to November a fifth was.

    The half year one cycle earlier shares five of six months of leads: beside it nothing seems to have changed.
    """
    for i in range(40):
        for month in range(-6, 6):
            is_high = i % 10 < (5 if month >= 0 else 2)
            plant(con, f"a{i:02}", month, 5 if is_high else 1, is_high)
    plant(con, "gone", -3, 1, False)
    (line,) = quantify.compute(con, SETTINGS)["account_lines"].to_pylist()
    assert (line["n_accounts"], line["n_q1"], line["n_accounts_before"], line["n_q1_before"]) == (
        40,
        20,
        41,
        8,
    )
    assert line["q1_change"] == (Decimal(20) / 40 - Decimal(8) / 41).quantize(Decimal("1e-10"))
    independent = confint_proportions_2indep(20, 40, 8, 41, method="newcomb", compare="diff")
    assert (
        0
        < independent[0]
        < line["q1_change_low"]
        < line["q1_change"]
        < line["q1_change_high"]
        < independent[1]
    )
    expected = newcombe_shared(20, 40, 8, 41, Shared(40, 20, 8, 8))
    assert (float(line["q1_change_low"]), float(line["q1_change_high"])) == pytest.approx(expected, abs=1e-9)
    con.execute("delete from metrics.fct_lead_cadences where created_on < date '2025-07-01'")
    (short,) = quantify.compute(con, SETTINGS)["account_lines"].to_pylist()
    assert (short["n_accounts_before"], short["q1_change"], short["q1_change_reason_code"]) == (
        41, None, "no_full_period_before",
    )  # fmt: skip
    found = accounts(con)
    high_before = sum(r["quadrant_before_code"] == "q1" for r in found.values())
    assert high_before == 20 and "gone" not in found, (
        "the cycle before, as of May, tells nothing of the change"
    )
    low, high = confint_proportions_2indep(20, 40, high_before, 40, method="newcomb", compare="diff")
    assert low < 0 < high


@pytest.mark.audit("DE14", "DA7")
def test_leads_on_an_exclusion_list_are_in_no_account_and_counted(con):
    for account in ("model", "vip", "mixed"):
        for name in "ab":
            plant(con, account, 5, 3, True, name)
    con.execute("update metrics.fct_lead_cadences set lead_id = 'lea_' || lead_id")
    con.execute("update master.fct_leads set lead_id = 'lea_' || lead_id")
    con.execute("update master.fct_touches set lead_id = 'lea_' || lead_id")
    con.execute("update metrics.fct_lead_cadences set account_id = 'unknown' where lead_id = 'lea_modelb5'")
    add(con, "conforming.int_contact_exclusions", account_id="vip", starts_at=datetime(2026, 1, 1))
    add(
        con,
        "conforming.int_contact_exclusions",
        person_id="per_mixeda5",
        starts_at=datetime(2026, 6, 2, 8, 59),
    )
    add(con, "conforming.int_contact_exclusions", person_id="per_mixedb5", starts_at=datetime(2026, 6, 2, 9))
    tables = quantify.compute(con, SETTINGS)
    assert {r["account_id"]: r["n_leads"] for r in tables["account_quadrants"].to_pylist()} == {
        "model": 1,
        "mixed": 1,
    }
    (line,) = tables["account_lines"].to_pylist()
    names = ("n_accounts", "n_leads", "n_leads_without_account", "n_excluded")
    assert tuple(line[name] for name in names) == (2, 2, 1, 3), "the window of mixed ends on 2 June at 9"


def test_the_ends_of_the_cycles_before_are_first_instants_of_the_zone():
    found = ends(SETTINGS)
    assert [str(each.end_on) for each in found] == ["2026-07-01", "2026-06-01", "2026-05-01"]
    assert [str(each.as_of) for each in found][1:] == ["2026-05-31 22:00:00", "2026-04-30 22:00:00"]


@pytest.mark.audit("VI6", "VI7")
def test_line_spread_and_groups_of_accounts_are_those_of_scipy(con):
    rng = np.random.default_rng(11)
    xs, ys = [], []
    for i in range(60):
        big = i % 2 == 0
        add(con, "master.dim_accounts", account_id=f"a{i:02}", size_band_code="enterprise" if big else "smb",
            is_strategic=False)  # fmt: skip
        counted = []
        for j in range(4):
            n, converts = int(rng.poisson(6 if big else 2)), bool(rng.random() < (0.6 if big else 0.2))
            add_audit_lead(con, f"l{i:02}{j}", datetime(2026, 5, 4, 9), touches(n), 20 if converts else None,
                           account_id=f"a{i:02}")  # fmt: skip
            counted.append((n, converts))
        xs.append(float(Fraction(sum(n for n, _ in counted), 4)))
        ys.append(float(Fraction(sum(c for _, c in counted), 4)))
    tables = quantify.compute(con, SETTINGS)
    (found,) = tables["account_lines"].to_pylist()
    told = stats.linregress(xs, ys)
    assert float(found["slope"]) == pytest.approx(told.slope, abs=1e-9)
    assert float(found["r"]) == pytest.approx(told.rvalue, abs=1e-9)
    assert float(found["touches_median"]) == pytest.approx(np.median(xs), abs=1e-9)
    paired = stats.theilslopes(ys, xs)
    assert (found["n_paired"], float(found["median_slope"])) == (60, pytest.approx(paired.slope, abs=1e-9))
    assert (found["cluster_code"], found["cluster_group_code"]) == ("known_groups", "size_band_touches")
    assert found["lead_slope_low"] < found["lead_slope"] < found["lead_slope_high"]
    spreads = {r["n_touches"]: r for r in tables["account_spreads"].to_pylist()}
    assert {k: r["n_accounts"] for k, r in spreads.items()} == Counter(int(x + 0.5) for x in xs)
    of_six = [y for x, y in zip(xs, ys, strict=True) if int(x + 0.5) == 6]
    assert float(spreads[6]["conversion_sd"]) == pytest.approx(np.std(of_six, ddof=1), abs=1e-9)
    assert float(spreads[6]["conversion_high_quarter"]) == pytest.approx(np.quantile(of_six, 0.75), abs=1e-9)


def test_one_account_that_makes_the_line_is_named(con):
    for i in range(40):
        add_audit_lead(con, f"l{i}", datetime(2026, 5, 4, 9), touches(i % 3), 20 if i % 4 == 0 else None,
                       account_id=f"a{i}")  # fmt: skip
    for i in range(6):
        add_audit_lead(con, f"whale{i}", datetime(2026, 5, 4, 9), touches(12), 20, account_id="whale")
    (found,) = quantify.compute(con, SETTINGS)["account_lines"].to_pylist()
    assert found["influential_account_id"] == "whale"
    assert found["lead_r_change_max"] > Decimal("0.3") and abs(found["lead_r_without"]) < Decimal("0.2")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_accounts_have_reasons_and_no_figures(con, n):
    for i in range(n):
        plant(con, f"a{i}", 5, 1, True)
    tables = quantify.compute(con, SETTINGS)
    assert tables["account_quadrants"].num_rows == n
    if n == 0:
        assert {name for name, table in tables.items() if table.num_rows} == {"phase_lines"}
        return
    (found,) = tables["account_lines"].to_pylist()
    assert (found["r"], found["line_reason_code"]) == (None, "too_few_accounts")
    assert (found["median_slope"], found["median_slope_reason_code"]) == (None, "too_few_accounts")
    assert (found["cluster_code"], found["cluster_reason_code"]) == (None, "no_two_known_groups")
    assert (found["lead_r_change_max"], found["influence_reason_code"]) == (
        None, "under_two_groups" if n == 1 else "not_estimable",
    )  # fmt: skip
    assert (found["q1_change"], found["q1_change_reason_code"]) == (None, "no_accounts_before")


def test_a_shuffle_of_the_leads_changes_no_digit(tmp_path):
    """Row EX11: the same leads written in another order give the same tables."""
    found = []
    for place, order in enumerate((range(50), reversed(range(50)))):
        with open_warehouse(tmp_path / f"{place}.duckdb") as con:
            for i in order:
                month = 1 + i % 5
                add_audit_lead(
                    con, f"l{i}", datetime(2026, month, 4, 9), touches(i % 7), 20 if i % 3 == 0 else None,
                    account_id=f"a{i % 33}",
                )  # fmt: skip
            found.append(quantify.compute(con, SETTINGS))
    for name in found[0]:
        assert found[0][name].to_pylist() == found[1][name].to_pylist(), name
