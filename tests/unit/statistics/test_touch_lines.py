"""Touches and conversion of planted leads: who is counted at a landmark, and what no design may claim."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_candidate import SETTINGS as STEP
from planted_warehouse_of_deals import AS_OF, add, open_warehouse
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.audit.traffic_light import Bars
from orchestration.statistics import PRODUCTS, compute_all
from orchestration.statistics.frame import Frame
from orchestration.statistics.touch_lines import compute

START = datetime(2026, 5, 4, 9)
WINDOW = 30
SETTINGS = SimpleNamespace(
    as_of=AS_OF, cycle_start=date(2026, 6, 1), cycle_end=date(2026, 7, 1), conversion_window_days=WINDOW
)
BAR = Decimal("0.002")


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def add_lead(con, name: str, touches: list[float], converted_after: float | None = None, **values) -> None:
    """A lead of START whose touches and conversion come so many days after it; all touches are effective."""
    created = values.pop("created", START)
    converted = None if converted_after is None else created + timedelta(days=converted_after)
    by_day = values.pop("is_converted_day_only", False)
    add(
        con, "master.fct_leads", lead_id=name, channel_code="inbound", converted_at=converted,
        converted_on=converted and converted.date(), is_created_day_only=False, is_converted_day_only=by_day,
    )  # fmt: skip
    counted = [t for t in touches if 0 <= t < WINDOW]
    add(con, "metrics.fct_lead_cadences", **{
        "lead_id": name, "channel_code": "inbound", "size_band_code": "smb", "rep_id": "r1",
        "created_at": created, "created_on": created.date(), "is_dated": True,
        "is_matured": created + timedelta(days=WINDOW) <= AS_OF,
        "is_converted_in_window": converted is not None and converted_after < WINDOW,
        "n_effective_touches": len(counted), **values,
    })  # fmt: skip
    for touch in touches:
        add(
            con,
            "master.fct_touches",
            lead_id=name,
            occurred_at=created + timedelta(days=touch),
            is_effective=True,
        )


def row(tables, design: str, period: str = "month", kind: str = "all", segment: str = "all") -> dict:
    (found,) = [
        r for r in tables["touch_lines"].to_pylist()
        if (r["design_code"], r["period_code"], r["segment_kind_code"], r["segment_code"])
        == (design, period, kind, segment)
    ]  # fmt: skip
    return found


def test_a_landmark_counts_open_leads_their_early_touches_and_late_conversions(con):
    add_lead(con, "a", [0.5, 4, 6], 20)  # two touches before day 5, converts after
    add_lead(con, "b", [1], 3)  # converted before day 5: not in its population
    add_lead(con, "c", [5, 7])  # the touch at the landmark itself is after it
    add_lead(con, "d", [-1, 1], 40)  # converts after the window; a touch before creation is none
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["n_leads"], found["n_converted"], found["n_converted_before"]) == (3, 1, 1)
    assert found["touches_mean"] == Decimal("1.0000000000")  # 2, 0, 1
    points = {
        (p["n_touches"], p["n_leads"], p["n_converted"])
        for p in compute(con, SETTINGS)["touch_points"].to_pylist()
        if (p["design_code"], p["period_code"], p["segment_kind_code"]) == ("landmark_5", "month", "all")
    }
    assert points == {(2, 1, 1), (0, 1, 0), (1, 1, 0)}
    naive = row(compute(con, SETTINGS), "naive")
    assert (naive["n_leads"], naive["n_converted"], naive["n_converted_before"]) == (4, 2, 0)


def test_a_lead_who_refused_contact_before_the_landmark_is_no_lead_without_touches(con):
    """Spec 2.7.1; a refusal at the landmark or after it, one that is over by then, and another's change nothing."""
    for name in ("lea_early", "lea_late", "lea_over", "lea_bought", "lea_other"):
        add_lead(con, name, [1], 3 if name == "lea_bought" else None)
    for person, day, until in (
        ("per_early", 4.9, None), ("per_early", 2, 3), ("per_late", 5, None), ("per_over", 1, 4),
        ("per_bought", 2, None),
    ):  # fmt: skip
        add(
            con, "conforming.int_contact_refusals", person_id=person, channel_code="email",
            refused_at=START + timedelta(days=day), ends_at=until and START + timedelta(days=until),
        )  # fmt: skip
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["n_leads"], found["n_converted_before"], found["n_refused_before"]) == (3, 1, 1)
    # on day 3 `over` still stands and `bought` has not bought yet; `early` has a pause that ends there
    assert row(compute(con, SETTINGS), "landmark_3")["n_refused_before"] == 2
    assert (
        row(compute(con, SETTINGS), "naive")["n_leads"],
        row(compute(con, SETTINGS), "naive")["n_refused_before"],
    ) == (5, 0)


def listed(con, days: float, until: float | None = None, **subject: str) -> None:
    """An entry of the exclusion lists, so many days after START."""
    add(
        con, "conforming.int_contact_exclusions", starts_at=START + timedelta(days=days),
        ends_at=None if until is None else START + timedelta(days=until), **subject,
    )  # fmt: skip


@pytest.mark.audit("DE14")
def test_who_stood_on_an_exclusion_list_in_the_days_that_count_is_counted_apart(con):
    """By person or by company; before the landmark for its design, in the window for the naive one."""
    for name, converted in (
        ("vip", None),
        ("firm", 10),
        ("later", 20),
        ("over", None),
        ("free", None),
        ("won", 2),
    ):
        add_lead(
            con,
            f"lea_{name}",
            [1, 2],
            converted,
            account_id="acc_listed" if name == "firm" else f"acc_{name}",
        )
    listed(con, 4.9, person_id="per_vip")
    listed(con, -9, 0.1, account_id="acc_listed")
    listed(con, 5, person_id="per_later")  # from the landmark of five days on
    listed(con, -9, 0, person_id="per_over")  # ended in the instant of the creation
    listed(con, 30, account_id="acc_free")  # after the window
    listed(con, 1, person_id="per_won")  # listed and converted: counted once
    listed(con, 2, person_id="per_vip")  # two entries of one lead are one
    listed(con, -90, person_id="per_somebody_else")
    add(con, "conforming.int_contact_refusals", person_id="per_vip", channel_code="email", refused_at=START)
    tables = compute(con, SETTINGS)

    def counts(design: str) -> tuple[int, ...]:
        found = row(tables, design)
        names = ("n_leads", "n_converted", "n_excluded", "n_converted_before", "n_refused_before")
        return tuple(found[name] for name in names)

    assert counts("landmark_5") == (3, 1, 3, 0, 0)
    assert counts("landmark_3") == (3, 1, 3, 0, 0), "the second entry of vip begins on day 2"
    assert counts("naive") == (2, 0, 4, 0, 0)
    by_rep = row(tables, "landmark_5", kind="rep", segment="r1")
    assert (by_rep["n_leads"], by_rep["n_excluded"]) == (3, 3)


def test_a_conversion_whose_day_has_no_hour_leaves_on_the_day_of_the_landmark(con):
    add_lead(con, "on_the_day", [1], 5.2, is_converted_day_only=True)
    add_lead(con, "after", [1], 6.2, is_converted_day_only=True)
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["n_leads"], found["n_converted_before"]) == (1, 1)


@pytest.mark.audit("R1")
def test_who_refuses_since_nobody_knows_when_is_at_no_landmark(con):
    """Spec 2.7.1: not opted out at the landmark cannot be said of them. A flag that a date explains waits for it."""
    for name in ("undated", "dated", "bought", "free"):
        add_lead(con, f"lea_{name}", [1], 3 if name == "bought" else None)
    for name in ("undated", "bought", "somebody_else"):
        add(
            con,
            "conforming.int_undated_refusals",
            person_id=f"per_{name}",
            is_mail_undated=True,
            is_call_undated=False,
        )
    add(con, "conforming.int_contact_refusals", person_id="per_dated", channel_code="email", is_of_flag=True,
        refused_at=START + timedelta(days=20))  # fmt: skip
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["n_leads"], found["n_refused_before"], found["n_converted_before"]) == (2, 1, 1)
    assert row(compute(con, SETTINGS), "naive")["n_leads"] == 4


@pytest.mark.audit("FR13")
def test_an_open_window_is_counted_apart_and_ends_the_period(con):
    add_lead(con, "old", [1], 10)
    add_lead(con, "young", [1], created=datetime(2026, 6, 20))
    found = row(compute(con, SETTINGS), "naive")
    assert (found["period_start"], found["n_leads"], found["n_immature"]) == (date(2026, 5, 1), 1, 1)
    add_lead(con, "old_of_june", [1], 10, created=datetime(2026, 6, 1), is_matured=True)
    add_lead(con, "of_another", [1], created=datetime(2026, 6, 20), rep_id="r2")
    tables = compute(con, SETTINGS)
    assert {(r["n_leads"], r["n_immature"]) for r in tables["touch_lines"].to_pylist()
            if r["segment_code"] == "all"} == {(1, 3)}  # fmt: skip
    assert row(tables, "landmark_5", kind="rep", segment="r1")["n_immature"] == 2
    assert not [r for r in tables["touch_lines"].to_pylist() if r["segment_code"] == "r2"], (
        "none of the period"
    )
    add_lead(con, "late_in_may", [1], created=datetime(2026, 5, 31, 12), is_matured=False)
    add_lead(con, "april", [1], created=datetime(2026, 4, 3))
    tables = compute(con, SETTINGS)
    assert row(tables, "naive")["period_start"] == date(2026, 4, 1)


def plant_world(con, units: int, seed: int, late: float) -> None:
    """Leads touched once a day until they convert; conversion comes at random days, whatever the touches.

    late: conversions per touch before day 5, which only come after day 5. 0 is a world without any effect.
    """
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.1, 1.0, units)
    early = rng.poisson(rate * 5)
    converts = rng.random(units) < 0.15 + late * early
    day = np.where(converts, rng.uniform(5 if late else 0, WINDOW, units), np.inf)
    created = np.datetime64(START, "us")
    leads, touches = [], []
    for i in range(units):
        stamps = (
            np.sort(rng.uniform(0, 5, early[i])).tolist()
            + np.cumsum(rng.exponential(1 / rate[i], 60) + 0).tolist()
        )
        kept = [
            t for t in (stamps[: early[i]] + [5 + s for s in stamps[early[i] :]]) if t < min(day[i], WINDOW)
        ]
        leads.append((f"l{i}", float(day[i]), len(kept)))
        touches += [(f"l{i}", created + np.timedelta64(int(t * 86400e6), "us")) for t in kept]
    con.register("planted", pa.table({
        "lead_id": [x[0] for x in leads], "day": [x[1] for x in leads], "n": [x[2] for x in leads],
    }))  # fmt: skip
    con.register("planted_touches", pa.table({
        "lead_id": [t[0] for t in touches], "touched_at": pa.array([t[1] for t in touches], pa.timestamp("us")),
    }))  # fmt: skip
    start = f"timestamp '{START}'"
    converted = (
        f"case when day < {WINDOW} then {start} + to_microseconds(cast(day * 86400000000 as bigint)) end"
    )
    con.execute(
        f"insert into master.fct_leads by name select lead_id, {converted} as converted_at,"
        f" cast({converted} as date) as converted_on, false as is_created_day_only,"
        " false as is_converted_day_only from planted"
    )
    con.execute(
        "insert into metrics.fct_lead_cadences by name select lead_id, 'inbound' as channel_code,"
        f" 'smb' as size_band_code, 'r1' as rep_id, {start} as created_at, cast({start} as date) as created_on,"
        f" true as is_dated, true as is_matured, day < {WINDOW} as is_converted_in_window,"
        " n as n_effective_touches from planted"
    )
    con.execute(
        "insert into master.fct_touches by name select lead_id, touched_at as occurred_at, true as is_effective"
        " from planted_touches"
    )


@pytest.mark.audit("DE14", "R1")
def test_customers_who_are_listed_because_they_are_courted_make_no_line(con):
    """No touch does anything; sixty of a list are called twice a day, and two of three buy as they would anyway."""
    plant_world(con, 1000, 4, late=0.0)
    for i in range(60):
        add_lead(con, f"lea_vip{i}", [d / 2 + 0.25 for d in range(12)], 12 if i % 3 else None)
    before = row(compute(con, SETTINGS), "landmark_5")
    assert before["r_low"] > Decimal("0.1") and before["n_excluded"] == 0
    for i in range(60):
        listed(con, -30, person_id=f"per_vip{i}")
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["n_excluded"], found["n_leads"]) == (60, before["n_leads"] - 60)
    assert found["r_low"] < 0 < found["r_high"]


@pytest.mark.audit("R1")
def test_touches_that_stop_at_conversion_fool_the_naive_line_and_not_the_landmark(con):
    """No effect at all: whoever converts has fewer touches, because nobody calls a customer again."""
    plant_world(con, 4000, 1, late=0.0)
    tables = compute(con, SETTINGS)
    assert row(tables, "naive")["r_high"] < Decimal("-0.1")
    landmark = row(tables, "landmark_5")
    assert landmark["r_low"] < 0 < landmark["r_high"] and landmark["n_converted_before"] > 50
    assert landmark["colour_code"] == "red" and row(tables, "naive")["colour_code"] is None


@pytest.mark.audit("EX10")
def test_an_effect_of_early_touches_is_seen_by_the_landmark_and_stays_amber_without_an_experiment(con):
    plant_world(con, 4000, 2, late=0.06)
    landmark = row(compute(con, SETTINGS), "landmark_5")
    assert landmark["r"] > Decimal("0.15") and abs(landmark["slope"] - Decimal("0.06")) < Decimal("0.01")
    assert landmark["colour_code"] == "amber" and "no_experiment" in landmark["colour_reason_codes"]


@pytest.mark.audit("DE20", "R3")
def test_one_week_of_complaints_above_the_bar_is_red_whatever_else(con):
    plant_world(con, 500, 3, late=0.06)
    add(
        con,
        "metrics.fct_email_send_days",
        sent_on=date(2026, 6, 10),
        n_delivered=1000,
        n_complained=2,
        complaint_max_rate=BAR,
    )
    assert row(compute(con, SETTINGS), "landmark_5")["colour_code"] == "amber"
    add(
        con,
        "metrics.fct_email_send_days",
        sent_on=date(2026, 6, 12),
        n_delivered=0,
        n_complained=1,
        complaint_max_rate=BAR,
    )
    found = row(compute(con, SETTINGS), "landmark_5")
    assert (found["colour_code"], found["colour_reason_codes"]) == ("red", "complaints_breach")


@pytest.mark.audit("DE20", "R3")
@pytest.mark.parametrize(
    ("days", "colour"),
    [
        ({(4, 28): (1000, 4), (5, 2): (500, 0)}, "red"),  # 4 of 1,500: the week began before the cycle
        ({(4, 28): (1000, 0), (5, 2): (500, 2)}, "amber"),  # 2 of 500 in the cycle, of 1,500 in the week
        ({(4, 26): (1000, 9)}, "amber"),  # the Sunday before belongs to a week without a day in the cycle
        ({(5, 31): (500, 1), (6, 1): (10, 9)}, "amber"),  # May ends on a Sunday
        ({(5, 4): (0, 3)}, "amber"),  # complaints without a delivered mail are no rate
    ],
)
def test_a_week_of_complaints_is_judged_whole_as_its_mart_does(con, days, colour):
    plant_world(con, 500, 3, late=0.06)
    for (month, day), (n, k) in days.items():
        add(con, "metrics.fct_email_send_days", sent_on=date(2026, month, day), n_delivered=n, n_complained=k,
            complaint_max_rate=BAR)  # fmt: skip
    may = SimpleNamespace(**vars(SETTINGS) | {"cycle_start": date(2026, 5, 1), "cycle_end": date(2026, 6, 1)})
    assert row(compute(con, may), "landmark_5")["colour_code"] == colour


@pytest.mark.audit("DE20", "DE21")
def test_complaints_that_rose_are_red_without_an_experiment_and_under_the_bar(con, tmp_path):
    """The step itself: 0.01 % before, 0.1 % now, both under the weekly bar of 0.2 %."""
    plant_world(con, 500, 3, late=0.06)
    for month, complained in ((5, 1), (6, 10)):
        add(con, "metrics.fct_email_send_days", sent_on=date(2026, month, 10), n_delivered=10_000,
            n_complained=complained, complaint_max_rate=BAR)  # fmt: skip
    con.close()
    products = tuple(p for p in PRODUCTS if "touch_lines" in p.schemas)
    compute_all(tmp_path / "warehouse.duckdb", STEP, tmp_path / "statistics", products)
    lines = pq.read_table(tmp_path / "statistics" / "touch_lines.parquet").to_pylist()
    judged = {(r["colour_code"], r["colour_reason_codes"]) for r in lines if r["design_code"] == "landmark_5"}
    assert judged == {("red", "complaints_up")}


def test_a_green_bar_of_the_note_also_parts_the_bands_of_the_sensitivity(con):
    for touches, n, converted in ((0, 300, 20), (1, 300, 50), (2, 300, 100), (4, 8, 8)):
        for i in range(n):
            add_lead(con, f"{touches}/{i}", [1.0] * touches, 10 if i < converted else None)
    assert not row(compute(con, SETTINGS), "landmark_5")["is_fragile"]
    found = row(compute(con, SETTINGS, frame=Frame(bars=Bars(r_green=Decimal("0.31")))), "landmark_5")
    assert found["is_fragile"] and found["r"] > Decimal("0.31") > found["r_without_top"]


def test_a_company_without_leads_has_no_rows_and_no_error(con):
    tables = compute(con, SETTINGS)
    assert [t.num_rows for t in tables.values()] == [0, 0, 0]


@pytest.mark.audit("QU19")
def test_the_share_of_q1_is_set_against_the_period_before(con):
    """April: one of four leads touched and converted; May: three of four."""
    for month, good in ((4, 1), (5, 3)):
        for i in range(4):
            is_good = i < good
            add_lead(
                con, f"{month}{i}", [1, 2] if is_good else [], 10 if is_good else None,
                created=datetime(2026, month, 4, 9),
            )  # fmt: skip
    tables = compute(con, SETTINGS)
    found = row(tables, "naive")
    assert (found["q1_share_rate"], found["q1_share_before_rate"]) == (Decimal("0.75"), Decimal("0.25"))
    assert (found["n_leads_before"], found["n_q1_before"], found["q1_change"]) == (4, 1, Decimal("0.5"))
    low, high = confint_proportions_2indep(3, 4, 1, 4, method="newcomb", compare="diff")
    assert (float(found["q1_change_low"]), float(found["q1_change_high"])) == pytest.approx(
        (low, high), abs=1e-9
    )
    half_year = row(tables, "naive", "half_year")
    assert half_year["n_leads"] == 8
    assert (half_year["q1_change"], half_year["q1_change_reason_code"]) == (None, "no_leads_before")


@pytest.mark.audit("QU19")
@pytest.mark.parametrize(("first", "reason"), [((2025, 10), "no_full_period_before"), ((2025, 6), None)])
def test_half_a_year_is_not_compared_with_the_few_months_that_a_company_has_before_it(con, first, reason):
    """Leads from October to May: six months, and two of the six before."""
    for year, month in (first, (2025, 11), *((2026, m) for m in range(1, 6))):
        for i in range(4):
            add_lead(
                con, f"{year}{month}{i}", [1, 2] if i else [], 10 if i else None, created=datetime(year, month, 4)
            )  # fmt: skip
    found = row(compute(con, SETTINGS), "naive", "half_year")
    assert (found["n_leads"], found["n_leads_before"]) == (20, 8)
    assert (found["q1_change_reason_code"], found["q1_change"] is None) == (reason, reason is not None)
    assert row(compute(con, SETTINGS), "naive")["q1_change_reason_code"] is None, (
        "April stands whole before May"
    )


@pytest.mark.audit("QU12", "QU17", "R2")
def test_each_cut_says_whether_one_slope_fits_all_its_segments(con):
    """Simpson: inside each team more touches go with less conversion, over both teams with more."""
    rng = np.random.default_rng(4)
    for rep, mean, base in (("r1", 1.0, 0.35), ("r2", 6.0, 0.95)):
        add(con, "master.dim_reps", rep_id=rep, team_name=f"team {rep}")
        for i in range(150):
            n = int(rng.poisson(mean))
            converts = rng.random() < base - 0.07 * n
            add_lead(con, f"{rep}{i}", [0.1 * k for k in range(n)], 20 if converts else None, rep_id=rep)
    tables = compute(con, SETTINGS)
    cuts = {
        r["segment_kind_code"]: r
        for r in tables["touch_cuts"].to_pylist()
        if (r["design_code"], r["period_code"]) == ("landmark_5", "month")
    }
    team = cuts["team"]
    assert team["slope"] > 0 > team["within_slope"] and team["is_reversed"]
    assert (team["n_segments"], team["n_eligible_segments"], team["cut_reason_code"]) == (2, 2, None)
    assert team["heterogeneity_p_adjusted"] >= team["heterogeneity_p"] > Decimal("0.01")
    channel = cuts["channel"]
    assert (channel["heterogeneity_p"], channel["cut_reason_code"]) == (None, "under_two_segments")
    lines = [row(tables, "landmark_5", kind="rep", segment=rep) for rep in ("r1", "r2")]
    adjusted = multipletests([float(line["p_value"]) for line in lines], method="fdr_bh")[1]
    assert [float(line["p_value_adjusted"]) for line in lines] == pytest.approx(list(adjusted), abs=1e-9)
