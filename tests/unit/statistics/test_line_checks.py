"""Second looks at the judged line: the same leads as the line, the same person-touches as the yields, honest nulls."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from planted_audit import add_audit_lead
from planted_warehouse_of_deals import AS_OF, add, open_warehouse

from orchestration.statistics import audit_units, line_checks, touch_lines, touch_yields
from orchestration.statistics.marginal_effect import marginal_effect

SETTINGS = SimpleNamespace(
    as_of=AS_OF,
    cycle="2026-06",
    cycle_start=date(2026, 6, 1),
    cycle_end=date(2026, 7, 1),
    conversion_window_days=30,
    timezone="UTC",
)
START = datetime(2026, 5, 4, 9)
HORIZON = 14


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def found(con) -> dict[tuple[str, str], dict]:
    audit_units.prepare(con, SETTINGS)
    rows = line_checks.figures(con, SETTINGS)["line_checks"].to_pylist()
    return {(row["segment_kind_code"], row["segment_code"]): row for row in rows}


def plant(con, leads: int, seed: int, *, truth: float = 0.0, accounts: int | None = None) -> None:
    """Leads of two months whose heat, told by the score, brings touches and conversions; truth: points per touch."""
    rng = np.random.default_rng(seed)
    add(con, "master.dim_reps", rep_id="r0", team_name="Lyon")
    add(con, "master.dim_reps", rep_id="r1", team_name="Paris")
    heat = rng.random(leads)
    early, late = rng.poisson(0.5 + 5 * heat), rng.poisson(2, leads)
    converts = rng.random(leads) < 0.05 + 0.5 * heat + truth * early
    after = np.where(converts, rng.uniform(5.5, 29, leads), np.inf)
    owner = np.repeat(np.arange(leads), early + late)
    is_early = np.concatenate([np.arange(n + m) < n for n, m in zip(early, late, strict=True)])
    day = np.where(is_early, rng.uniform(0.01, 5, len(owner)), rng.uniform(5, 30, len(owner)))
    kept = day < after[owner]
    owner, day = owner[kept], day[kept]
    first = np.full(leads, np.inf)
    np.minimum.at(first, owner, day)
    con.register("planted", pa.table({
        "i": np.arange(leads), "score": 100 * heat, "after": after, "first": first,
        "n": np.bincount(owner, minlength=leads),
    }))  # fmt: skip
    con.register("planted_touches", pa.table({"i": owner, "day": day}))
    start = f"(timestamp '{START}' - (i % 2) * interval 30 days)"
    at = f"{start} + to_microseconds(cast({{}} * 86400000000 as bigint))"
    con.execute(
        "insert into master.fct_leads by name select 'lea_' || i as lead_id, score as lead_score,"
        f" case when isfinite(after) then {at.format('after')} end as converted_at,"
        f" cast(case when isfinite(after) then {at.format('after')} end as date) as converted_on,"
        " false as is_created_day_only, false as is_converted_day_only from planted"
    )
    account = "'unknown'" if accounts is None else f"'a' || i % {accounts}"
    con.execute(
        "insert into metrics.fct_lead_cadences by name select 'lea_' || i as lead_id, 'r' || i % 2 as rep_id,"
        f" {account} as account_id, ['inbound', 'outbound'][1 + cast(i % 3 > 0 as int)] as channel_code,"
        " ['smb', 'mid'][1 + cast(i % 5 > 1 as int)] as size_band_code, 's' || i % 4 as source_code,"
        f" {start} as created_at, cast({start} as date) as created_on, true as is_dated, true as is_matured,"
        " isfinite(after) as is_converted_in_window, n as n_effective_touches,"
        " case when isfinite(first) then first * 24 end as ttf_hours from planted"
    )
    con.execute(
        f"insert into master.fct_touches by name select 'lea_' || i as lead_id, {at.format('day')} as occurred_at,"
        " true as is_effective, 'voice' as channel_code from planted_touches"
    )


@pytest.mark.audit("R1")
def test_the_recorded_score_takes_out_what_hot_leads_make_of_the_line(con):
    plant(con, 1200, 1)
    row = found(con)["all", "all"]
    assert row["slope_low"] > Decimal("0.01")
    assert row["adjusted_slope_low"] < 0 < row["adjusted_slope_high"]
    assert row["covariate_codes"] == "first_contact,score,segment,seller,source"
    assert row["robustness_bound_rate"] == 0 and row["is_cancelled"] is not None


def test_the_raw_slope_is_that_of_the_judged_line_in_every_segment(con):
    plant(con, 300, 2, truth=0.03, accounts=80)
    rows = found(con)
    lines = {
        (r["segment_kind_code"], r["segment_code"]): r
        for r in touch_lines.figures(con, SETTINGS)["touch_lines"].to_pylist()
        if (r["period_code"], r["design_code"]) == ("half_year", "landmark_5")
        and r["segment_kind_code"] != "rep"
    }
    assert set(rows) == set(lines) and len(rows) == 1 + 2 + 2 + 2
    for key, row in rows.items():
        line = lines[key]
        assert [row[name] for name in ("n_leads", "n_converted", "slope", "form_best_code")] == [
            line[name] for name in ("n_leads", "n_converted", "slope", "form_best_code")
        ]
    assert rows["all", "all"]["n_accounts"] == 80


def test_the_adjusted_slope_is_that_of_the_regression_written_out(con):
    plant(con, 400, 3, truth=0.02, accounts=90)
    row = found(con)["all", "all"]
    leads = con.sql(
        "select u.x_5 as x, u.is_converted_in_window as y, u.account_id, u.channel_code || u.size_band_code as segment,"
        " c.source_code, l.lead_score, c.ttf_hours from audit_units as u"
        " join metrics.fct_lead_cadences as c using (lead_id) join master.fct_leads as l using (lead_id)"
        " where u.is_matured and not u.is_before_5 order by unit"
    ).to_arrow_table().to_pylist()  # fmt: skip
    scores = np.array([float(r["lead_score"]) for r in leads])
    tenths = np.searchsorted(np.quantile(scores, [t / 10 for t in range(1, 10)]), scores, side="right")
    edges = [0.5, 1, 2, 4, 8, 24, 48, 72]
    waited = [
        -1
        if r["ttf_hours"] is None or r["ttf_hours"] >= 120
        else int(np.searchsorted(edges, float(r["ttf_hours"])))
        for r in leads
    ]
    columns = [np.ones(len(leads)), np.array([r["x"] for r in leads], dtype=float)]
    told = [
        tenths,
        np.array(waited),
        *[np.array([r[c] for r in leads]) for c in ("segment", "source_code")],  # a source has one seller,
    ]
    for codes in told:
        columns += [(codes == level).astype(float) for level in np.unique(codes)[1:]]
    groups = np.unique([r["account_id"] for r in leads], return_inverse=True)[1]
    y = np.array([r["y"] for r in leads], dtype=float)
    fit = sm.OLS(y, np.column_stack(columns)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    assert float(row["adjusted_slope"]) == pytest.approx(fit.params[1], abs=1e-9)
    low, high = fit.conf_int()[1]
    assert (float(row["adjusted_slope_low"]), float(row["adjusted_slope_high"])) == pytest.approx(
        (low, high), abs=1e-9
    )


def test_the_marginal_effect_is_that_of_statsmodels(con):
    plant(con, 400, 4, accounts=70)
    row = found(con)["all", "all"]
    read = con.execute(
        "select x_5, is_converted_in_window, account_id from audit_units"
        " where is_matured and not is_before_5 order by unit"
    ).fetchall()
    x, y = (np.array([r[place] for r in read], dtype=float) for place in (0, 1))
    groups = np.unique([r[2] for r in read], return_inverse=True)[1]
    fit = sm.Logit(y, sm.add_constant(x)).fit(
        disp=0, tol=1e-13, cov_type="cluster", cov_kwds={"groups": groups}
    )
    effects = fit.get_margeff()
    low, high = effects.conf_int()[0]
    assert [float(row[f"marginal_effect{end}"]) for end in ("", "_low", "_high")] == pytest.approx(
        [effects.margeff[0], low, high], abs=1e-9
    )


def test_a_logistic_curve_without_a_maximum_is_separated():
    x = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    found = marginal_effect(x, (x >= 2).astype(int), np.arange(8))
    assert (found.effect, found.reason) == (None, "separated")
    assert marginal_effect(x[:2], x[:2], np.arange(2)).reason == "n_lt_3"
    assert marginal_effect(x, x * 0, np.arange(8)).reason == "zero_variance_y"
    assert marginal_effect(x, x % 2, np.zeros(8, dtype=int)).reason == "under_two_groups"


def test_person_touches_are_those_of_the_yields(con):
    """Two ways to the same counts: paths of leads in SQL there, one row a touch here."""
    plant(con, 250, 5)
    add_audit_lead(con, "lea_late", datetime(2026, 5, 30, 9), ((0.5, "voice", True), (29.0, "voice", True)))
    add_audit_lead(con, "lea_odd", START, ((0.5, "voice", True), (0.5, "email", True)), 3.0)
    add_audit_lead(con, "lea_silent", START)
    add_audit_lead(con, "lea_behind", START, ((29.0, "voice", True), (31.0, "voice", True)), 32.0)
    add_audit_lead(con, "lea_undated", START, ((1.0, "voice", True),), 3.0)
    add_audit_lead(con, "lea_open", datetime(2026, 5, 31), ((25.0, "voice", True),))
    for person, day, until in (
        ("per_1", 2, None), ("per_2", -3, None), ("per_3", -3, -1), ("per_4", 6, 9), ("per_late", 10, None),
        ("per_open", 53.5, None),
    ):  # fmt: skip
        add(
            con, "conforming.int_contact_refusals", person_id=person, channel_code="email",
            refused_at=START + timedelta(days=day), ends_at=until and START + timedelta(days=until),
        )  # fmt: skip
    for n, day in ((5, -90), *((n, 2 + n / 5) for n in range(7, 60, 2))):  # half of them are of START
        add(
            con,
            "conforming.int_contact_exclusions",
            person_id=f"per_{n}",
            starts_at=START + timedelta(days=day - 30),
        )
    add(
        con,
        "conforming.int_undated_refusals",
        person_id="per_undated",
        is_mail_undated=False,
        is_call_undated=True,
    )
    row = found(con)["all", "all"]
    pooled = touch_yields.read_pooled(con, SETTINGS, HORIZON, {})
    yields = [r for r in touch_yields.yields_table(pooled).to_pylist() if r["segment_kind_code"] == "all"]
    assert row["n_touches_at_risk"] == sum(r["n_at_risk"] for r in yields) > 500
    assert row["n_touch_events"] == sum(r["n_events"] for r in yields) > 30


def test_a_company_without_leads_has_no_row_and_one_with_a_few_has_reasons(con):
    assert found(con) == {}
    for place in range(3):
        add_audit_lead(con, f"lea_{place}", START, ((1.0, "voice", True),) * place, 20 if place else None)
    row = found(con)["all", "all"]
    assert (row["n_leads"], row["n_converted"], row["n_accounts"]) == (3, 2, 1)
    reasons = {
        name: row[f"{name}_reason_code"]
        for name in ("adjusted", "marginal_effect", "form", "u_test", "plateau")
    }
    assert set(reasons.values()) == {"insufficient"}
    assert row["hazard_reason_code"] == "too_few_events"
    figures = ("adjusted_slope", "robustness_rate", "marginal_effect", "hazard_ratio", "form_share_rate")
    assert [row[name] for name in figures] == [None] * 5


def test_the_same_leads_give_the_same_figures(con):
    plant(con, 200, 6, truth=0.04, accounts=60)
    first = found(con)
    con.execute("create table again as select * from metrics.fct_lead_cadences order by md5(lead_id)")
    con.execute("delete from metrics.fct_lead_cadences")
    con.execute("insert into metrics.fct_lead_cadences select * from again")
    assert found(con) == first
    assert 0 < first["all", "all"]["form_share_rate"] <= 1


def test_one_lead_that_fixes_the_line_alone_is_flagged(con):
    """Anscombe's fourth set: nine leads with one touch, one with three."""
    for place in range(10):
        touches = ((0.5, "voice", True),) * (3 if place == 9 else 1)
        add_audit_lead(con, f"lea_{place}", START, touches, 20 if place > 6 else None, account_id=f"a{place}")
    row = found(con)["all", "all"]
    assert row["is_leverage_one"] and row["slope"] is not None
    (line,) = [
        r
        for r in touch_lines.figures(con, SETTINGS)["touch_lines"].to_pylist()
        if (r["period_code"], r["design_code"], r["segment_kind_code"]) == ("month", "landmark_5", "all")
    ]
    assert (line["slope"], line["slope_low"], line["slope_high"]) == (row["slope"], None, None)
