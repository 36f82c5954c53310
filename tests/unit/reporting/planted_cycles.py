"""A planted cycle for the tests of the dashboard and the pages around it: lines fitted through planted points."""

# ruff: noqa: E501 - one planted row per line reads as a table

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import planted_reports as planted

from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrants
from orchestration.audit.regression import line as fit
from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.cycle_figures import (
    AccountRow,
    Bucket,
    ContactPolicy,
    CycleInputs,
    CycleStep,
    Experiment,
    FormerLine,
    LineFigures,
    LinePoint,
    Note,
    OutlierRow,
    Quality,
    Question,
    Rail,
    SpreadMonth,
    Threshold,
)

D = Decimal
POINTS = (
    (0, 900, 54),
    (1, 1700, 136),
    (2, 1500, 165),
    (3, 900, 126),
    (4, 400, 64),
    (5, 200, 40),
    (6, 60, 12),
    (8, 9, 2),
)
NOTHING = LineFigures(
    "landmark_5",
    "all",
    "all",
    line_reason_code="n_lt_3",
    colour_code="grey",
    colour_reason_codes="too_few_units",
)


def _rate(value: float | Fraction | None) -> Decimal | None:
    return None if value is None else D(repr(float(value))).quantize(D("1e-10"))


def line_of(points, design="landmark_5", kind="all", segment="all", **more) -> LineFigures:
    """The row of the mart for planted (touches, leads, converted), fitted as the statistics step does."""
    counted = Points.of_outcomes(points)
    fitted, corners = fit(counted), quadrants(counted)
    return LineFigures(
        design, kind, segment, fitted.n, fitted.n_events, touches_mean=_rate(fitted.mean_x), conversion_rate=_rate(fitted.mean_y),
        r=_rate(fitted.r), r_low=_rate(fitted.r_low), r_high=_rate(fitted.r_high), p_value=_rate(fitted.p), slope=_rate(fitted.slope),
        slope_low=_rate(fitted.slope_low), slope_high=_rate(fitted.slope_high), intercept=_rate(fitted.intercept),
        r_squared=_rate(fitted.r_squared), line_reason_code=fitted.reason, n_q1=corners.q1, n_q2=corners.q2, n_q3=corners.q3,
        n_q4=corners.q4, n_on_line=corners.on_line, q1_share_rate=_rate(corners.q1_share),
        points=tuple(LinePoint(*point) for point in points), **more,
    )  # fmt: skip


def _part(share: int, shift: float = 0.0):
    """A segment of the planted points: one in `share` of the leads, converting `shift` more often."""
    return tuple(
        (x, n // share, min(n // share, round(n // share * (k / n + shift))))
        for x, n, k in POINTS
        if n // share
    )


LINES = (
    line_of(POINTS, n_converted_before=212, n_immature=0, top_limit=D(6), n_top_dropped=9, r_without_top=D("0.1152"),
            slope_without_top=D("0.0251"), form_code="linear", is_reversed=False, is_heterogeneous=True, within_slope=D("0.0214"),
            worst_cut_code="size_band", colour_code="amber", colour_reason_codes="r_below_green_bar,heterogeneous_segments,no_experiment"),
    *(line_of(_part(d), design) for d, design in ((1, "landmark_3"), (1, "landmark_10"), (1, "naive"))),
    line_of(_part(2, 0.02), kind="channel", segment="inbound", colour_code="amber", colour_reason_codes="r_below_green_bar,no_experiment"),
    line_of(_part(3, -0.02), kind="channel", segment="outbound", colour_code="red", colour_reason_codes="r_below_amber_bar"),
    line_of(_part(12), kind="channel", segment="partner", colour_code="amber", colour_reason_codes="no_experiment"),
    line_of(_part(2), kind="size_band", segment="smb", colour_code="amber", colour_reason_codes="no_experiment"),
    line_of(_part(4, -0.01), kind="size_band", segment="mid", colour_code="amber", colour_reason_codes="no_experiment"),
    line_of(_part(6, 0.03), kind="size_band", segment="enterprise", colour_code="amber", colour_reason_codes="no_experiment"),
    line_of(((0, 12, 0), (1, 9, 1), (2, 5, 1)), kind="size_band", segment="unknown", colour_code="grey", colour_reason_codes="too_few_units"),
)  # fmt: skip

TTF = planted.kpi(
    "ttf_km_median", "hours", 1, "down", "6.2", *["8.9", "8.4", "8.1", "7.9", "8.2", "7.6", "7.4", "7.1", "6.8", "6.9", "6.5", "6.6"],
    fr=("TTF médian (censuré)", "délai médian, leads jamais contactés compris"), en=("Median time to first contact, censored", "with never-contacted leads"),
    denominator=3412,
)  # fmt: skip
_MEDIANS = ("4", "4", "4", "4", "4.5", "4", "4", "4", "4", "4", "4", "4", "4")
SPREAD = tuple(
    SpreadMonth(f"{planted.add_months(planted.COHORT, i - 12):%Y-%m}", D(value), D(2), D(6), 3_000 + i, None)
    for i, value in enumerate(_MEDIANS)
)


def bucket(code, low, high, n, k) -> Bucket:
    ends = [None if each is None else D(each) for each in (low, high)]
    return Bucket(code, *ends, n, k, D(k) / n if n else None)


BUCKETS = (
    bucket("le_30m", "0", "0.5", 520, 94), bucket("le_2h", "0.5", "2", 610, 98), bucket("le_4h", "2", "4", 840, 109), bucket("le_24h", "4", "24", 1_210, 121),
    bucket("le_3d", "24", "72", 1_400, 98), bucket("later", "72", None, 900, 45), bucket("never", None, None, 189, 0),
)  # fmt: skip
ACCOUNTS = tuple(
    AccountRow(f"acc_{number:012x}", quadrant, rank, D(touches), D(rate), 3 + rank % 4, rank % 3 == 0)
    for quadrant, touches, rate, start in (("Q3", "1.2", "0", 0x3D1A), ("Q1", "5.4", "0.42", 0x9BC2))
    for rank in range(1, 13)
    for number in (start * 977 + rank * 104_729,)
)
OUTLIERS = tuple(
    OutlierRow(rank, f"lea_{rank * 7_919_101:012x}", "touches_per_lead", D(value), code, reason, action)
    for rank, value, code, reason, action in (
        (1, 38, "risk_to_review", "unexplained", "review"), (2, 24, "exceptional", "strategic_account", "handle_apart"),
        (3, 26, "risk", "opt_out", "propose_exclusion"), (4, 19, "opportunity", "converted", "document_tactic"),
        (5, 17, "risk", "complaint", "propose_exclusion"),
    )
)  # fmt: skip


def rail(code, week, n, of, bar, status, action=None) -> Rail:
    return Rail(
        code,
        date(2026, 4, 6) + timedelta(weeks=week),
        n,
        of,
        D(n) / of if of else None,
        exact_upper_95(n, of),
        bar,
        status,
        action,
    )


RAILS = tuple(
    each
    for week, n in enumerate((12, 14, 9, 15, 13, 22, 16, 18, 11, 17, 21, 19, 24))
    for each in (
        rail(
            "complaint",
            week,
            n,
            9_900,
            D("0.002"),
            "breach" if n > 19 else "not_proved",
            "review_content_and_lower_cap" if n > 19 else None,
        ),
        rail("unsubscribe", week, 3 * n, 9_900, None, "no_bar"),
        rail(
            "bounce",
            week,
            5 * n,
            10_000 if week != 12 else 0,
            D("0.02"),
            "within" if week != 12 else "no_delivery",
        ),
    )
)
THRESHOLDS = (
    Threshold(
        "smb",
        "min_touches",
        D(4),
        "method_default",
        D(5),
        D("4.5"),
        D(6),
        1_840,
        "coverage",
        None,
        True,
        "VP Sales",
        date(2026, 4, 1),
    ),
    Threshold(
        "smb",
        "ttf_hours",
        D(2),
        "method_default",
        D(2),
        D(1),
        D(4),
        1_840,
        "coverage",
        None,
        False,
        "VP Sales",
        date(2026, 4, 1),
    ),
    Threshold(
        "mid",
        "min_touches",
        D(6),
        "human",
        None,
        None,
        None,
        96,
        None,
        "insufficient",
        False,
        "VP Sales",
        date(2026, 4, 1),
    ),
    Threshold("enterprise", "min_touches", None, None, D("8.5"), None, None, 441, "coverage"),
    *(
        Threshold(segment, rule, D(value), "method_default")
        for segment in ("inbound", "outbound", "partner", "all")
        for rule, value in (("min_touches", 6), ("ttf_hours", 24))
    ),
)
EXPERIMENTS = (
    Experiment(
        "ttf_2h",
        "registered",
        None,
        ("no_verdict",),
        None,
        None,
        None,
        212,
        date(2026, 6, 1),
        date(2026, 6, 28),
    ),
    Experiment(
        "cadence_smb",
        "registered",
        "green",
        (),
        D("0.024"),
        D("0.006"),
        D("0.042"),
        2_410,
        date(2026, 5, 4),
        date(2026, 5, 31),
    ),
)
STEPS = tuple(
    CycleStep(number, code, state, date(2026, 7, 3 + 3 * number), "revops")
    for number, (code, state) in enumerate(
        (("frame", "done"), ("collect", "done"), ("clean", "done"), ("visualise", "done"), ("quantify", "done"), ("decide", "open"), ("experiment", "late")), 1
    )
)  # fmt: skip
QUESTIONS = (
    Question(1, "ttf", "no", D("6.2"), D("5.8"), D("6.7"), 3_412, None),
    Question(2, "ttf", "asked", None, None, None, None, "no_target", "Scripts Q1 relus."),
    Question(3, "ttf", "undetermined", D("0.2"), None, None, 12, "no_target"),
)
NOTE = Note(
    "Faut-il passer le TTF cible des PME à deux heures ?", "VP Sales", date(2026, 6, 2),
    ("Les scripts de Q1 nomment un cas client.", "Le lundi matin est perdu.", "Les partenaires relancent seuls."),
    "Deux heures tiennent avec l'équipe actuelle.", (("VP Sales", "A"), ("RevOps", "R")),
)  # fmt: skip
POLICY = ContactPolicy(
    "2026-1", "Etalon", "charte de contact",
    {"send_from_hour": 9, "send_until_hour": 17, "account_max_touches": 2, "account_window_hours": 48, "mail_max_a_day": 2,
     "cool_down_touches": 5, "cool_down_days": 7},
)  # fmt: skip

CYCLE = CycleInputs(
    audit=replace(planted.AUDIT, kpis=(*planted.KPIS, TTF)),
    lines=LINES,
    line_first_day=date(2025, 12, 1),
    line_end_day=date(2026, 6, 1),
    spread=SPREAD,
    former=(FormerLine("2025-06", D("0.09"), D("0.050")), FormerLine("2026-05", D("0.10"), D("0.061"))),
    buckets=BUCKETS,
    ttf_target_hours=D(4),
    accounts=ACCOUNTS,
    outliers=OUTLIERS,
    rails=RAILS,
    thresholds=THRESHOLDS,
    experiments=EXPERIMENTS,
    steps=STEPS,
    questions=QUESTIONS,
    quality=(Quality("voice", 9_100, None, D("0.031")), Quality("email", 21_400, D("0.022"), D("0.004"))),
    note=NOTE,
    policy=POLICY,
)
HELD_CYCLE = CycleInputs(audit=planted.HELD_AUDIT)
EMPTY_CYCLE = CycleInputs(audit=planted.EMPTY_AUDIT)
#: Every block absent, every figure without units.
SPARSE_CYCLE = CycleInputs(audit=replace(planted.SPARSE_AUDIT, kpis=(*planted.SPARSE_AUDIT.kpis, replace(TTF, measure=planted.Measure(None, None, D(0), "no_lead"), history=()))),
                           lines=(NOTHING,), spread=(SpreadMonth("2026-05", None, None, None, 0, "cohort_immature"),))  # fmt: skip
#: Few leads, all rows of one place; reversed segments; a spread on a few leads; blocks that stand and are empty.
FEW_CYCLE = replace(
    CYCLE,
    lines=(
        replace(line_of(((1, 40, 0),)), colour_code="grey", colour_reason_codes="too_few_events", is_reversed=True, worst_cut_code="channel",
                within_slope=D("-0.01"), sensitivity_reason_code="no_strict_top_1pct", form_reason_code="insufficient"),
        line_of(((1, 40, 0),), "naive"),
    ),
    spread=(replace(SPREAD[-1], n=12),),
    former=(), buckets=(), accounts=(), outliers=(), rails=(), thresholds=(), experiments=(), steps=(), questions=(), quality=(), note=Note(), policy=None,
    ttf_target_hours=None,
)  # fmt: skip
FRAGILE_CYCLE = replace(
    CYCLE,
    lines=(replace(LINES[0], is_fragile=True, is_heterogeneous=False, colour_code="red", colour_reason_codes="r_below_amber_bar", p_value=D("0.4"),
                   sensitivity_reason_code=None, form_code=None, form_reason_code=None), *LINES[1:]),
    note=replace(NOTE, lessons=NOTE.lessons[:1], business_story=""),
)  # fmt: skip
GREEN_CYCLE = replace(
    CYCLE,
    lines=(
        replace(
            LINES[0],
            colour_code="green",
            colour_reason_codes="",
            r=None,
            slope=None,
            intercept=None,
            line_reason_code="zero_variance_y",
        ),
        *LINES[1:],
    ),
)
ALL_CYCLES = (CYCLE, HELD_CYCLE, EMPTY_CYCLE, SPARSE_CYCLE, FEW_CYCLE, FRAGILE_CYCLE, GREEN_CYCLE)
