"""A planted cycle for the tests of the dashboard and the pages around it: lines fitted through planted points."""

# ruff: noqa: E501 - one planted row per line reads as a table

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

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
    Response,
    SpreadMonth,
    Threshold,
)
from orchestration.reporting.intervals import wilson_95
from tests.unit.reporting import planted_pipelines
from tests.unit.reporting import planted_reports as planted

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
    more.setdefault("colour_code", "amber" if design == "landmark_5" else None)
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
    line_of(POINTS, n_converted_before=212, n_refused_before=9, n_excluded=4, n_immature=0, top_limit=D(6), n_top_dropped=9, r_without_top=D("0.1152"),
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


def bucket(code, until, n, k) -> Bucket:
    ends = wilson_95(k, n)
    return Bucket(
        code, None if until is None else D(until), n, k, D(k) / n if n else None, *(ends or (None, None))
    )


BUCKETS = (
    bucket("within_1h", "1", 520, 94), bucket("within_2h", "2", 610, 98), bucket("within_4h", "4", 840, 109), bucket("within_24h", "24", 1_210, 121),
    bucket("within_72h", "72", 1_400, 98), bucket("later", None, 900, 45), bucket("never_in_window", None, 189, 2), Bucket("not_timed", None, 14, 1, None),
)  # fmt: skip
RESPONSES = (
    Response("month", "all", "all", 3_412, D("6.2"), D("5.8"), D("6.7"), D(4), D(4), 3_400, D("0.4312")),
    *(Response("half_year", kind, code, n, D(hours), None, None) for kind, code, n, hours in (
        ("all", "all", 5_669, "6.4"), ("channel", "inbound", 2_834, "3.1"), ("channel", "outbound", 1_888, "14.2"), ("size_band", "smb", 2_834, "5.2"))),
)  # fmt: skip
ACCOUNTS = tuple(
    AccountRow(f"acc_{number:012x}", quadrant, rank, D(touches), D(rate), 3 + rank % 4)
    for quadrant, touches, rate, start in (("Q3", "1.2", "0", 0x3D1A), ("Q1", "5.4", "0.42", 0x9BC2))
    for rank in range(1, 13)
    for number in (start * 977_000 + rank * 104_729,)
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
        "worse" if status == "breach" else "not_proved",
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
    Threshold("channel_size", "inbound/smb", "min_touches", D(4), "method_default", 10, D(5), D("4.5"), D(6), 1_840, "coverage", None, "change"),
    Threshold("channel_size", "inbound/smb", "ttf_max_hours", D(2), "human", None, D(2), D(1), D(4), 1_840, "non_inferiority", None, "keep", "VP Sales", date(2026, 4, 1)),
    Threshold("channel_size", "inbound/smb", "max_mails_a_day", D(2), "method_default", 10, D(2), None, None, 96, "clopper_pearson", "not_shown_safe"),
    Threshold("size_band", "enterprise", "min_touches", None, None, 21, D("8.5"), D(8), D(9), 441, "coverage", None, "first"),
    *(Threshold(kind, segment, rule, D(value), "method_default", days, D(value), reason="not_from_data")
      for kind, segment in (("all", "all"), ("channel_size", "outbound/mid"), ("size_band", "mid"))
      for rule, value, days in (("min_touches", 6, 14), ("max_touches", 8, 14), ("min_channels", 3, 14), ("hot_cool_down_days", 7, 5), ("ttf_max_hours", 24, None))),
)  # fmt: skip
EXPERIMENTS = (
    Experiment(
        "ttf_2h",
        "running",
        None,
        ("running",),
        (),
        None,
        None,
        None,
        212,
        date(2026, 6, 1),
        date(2026, 6, 28),
    ),
    Experiment(
        "cadence_smb",
        "finished",
        "green",
        ("bar_met",),
        ("power_under_80", "complaints_not_proved", "unbalanced"),
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
        (("frame", "done"), ("collect", "done"), ("clean", "done"), ("visualise", "done"), ("quantify", "done"), ("decide", "open"), ("experiment", "held")), 1
    )
)  # fmt: skip
QUESTIONS = tuple(
    Question(number, code, answer, *(None if each is None else D(each) for each in figures), n, reason)
    for number, (code, answer, figures, n, reason) in enumerate(
        (
            ("ttf_in_target", "no", ("0.43", "0.41", "0.45"), 3_400, None), ("slope_positive", "yes", ("0.0268", "0.020", "0.033"), 5_669, None),
            ("form_bends", "no", (None, None, None), 5_669, None), ("q1_share_rose", "undetermined", ("0.01", "-0.01", "0.03"), 5_669, "not_told_apart"),
            ("groups_apart", "no", (None, None, None), 120, None), ("hangs_on_outliers", "no", ("0.1152", None, None), 5_669, None),
            ("touches_answered_more", "undetermined", (None, None, None), 0, "answers_not_recorded"), ("complaints_under_bar", "no", ("0.0024", None, None), 9_900, None),
            ("scripts_by_quadrant", "asked", (None, None, None), None, "asked_of_people"), ("so_what", "asked", (None, None, None), None, "asked_of_people"),
        ), 1,
    )
)  # fmt: skip
NOTE = Note(
    "Faut-il passer le TTF cible des PME à deux heures ?", "VP Sales", date(2026, 6, 2),
    ("Les scripts de Q1 nomment un cas client.", "Le lundi matin est perdu.", "Les partenaires relancent seuls."),
    "Deux heures tiennent avec l'équipe actuelle.", raci=(("vp_sales", "A"), ("revops", "R")), scripts={"q1": "Un cas client.", "q3": "Aucun."},
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
    responses=RESPONSES,
    accounts=ACCOUNTS,
    outliers=OUTLIERS,
    rails=RAILS,
    thresholds=THRESHOLDS,
    experiments=EXPERIMENTS,
    steps=STEPS,
    questions=QUESTIONS,
    quality=(
        Quality("all", 30_500, D("0.022"), D("0.012")),
        Quality("voice", 9_100, None, D("0.031")),
        Quality("email", 21_400, D("0.022"), D("0.004")),
    ),
    note=NOTE,
    policy=POLICY,
    pipeline=planted_pipelines.REVIEW,
)
HELD_CYCLE = CycleInputs(audit=planted.HELD_AUDIT)
EMPTY_CYCLE = CycleInputs(audit=planted.EMPTY_AUDIT)
#: Every block absent, every figure without units.
SPARSE_CYCLE = CycleInputs(audit=replace(planted.SPARSE_AUDIT, kpis=(*planted.SPARSE_AUDIT.kpis, replace(TTF, measure=planted.Measure(None, None, D(0), "no_lead"), history=()))),
                           lines=(NOTHING,), spread=(SpreadMonth("2026-05", None, None, None, 0, "cohort_immature"),), pipeline=planted_pipelines.NOTHING)  # fmt: skip
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
    responses=(), pipeline=planted_pipelines.STILL_WEEK,
)  # fmt: skip
FRAGILE_CYCLE = replace(
    CYCLE,
    responses=(replace(RESPONSES[0], target_min=D(2), target_max=D(24)),),
    lines=(replace(LINES[0], is_fragile=True, is_heterogeneous=False, colour_code="red", colour_reason_codes="r_below_amber_bar", p_value=D("0.4"),
                   sensitivity_reason_code=None, form_code=None, form_reason_code=None), *LINES[1:]),
    note=replace(NOTE, lessons=NOTE.lessons[:1], business_story=""),
    pipeline=planted_pipelines.UNCONVERTED,
)  # fmt: skip
GREEN_CYCLE = replace(
    CYCLE,
    pipeline=planted_pipelines.STILL,
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
