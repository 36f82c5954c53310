"""Planted reviews of the pipeline: one of each state a page of it can be in.

What does not belong here: the pages' other blocks (planted_cycles.py), what must come out (test_pipeline_page.py).
"""

# ruff: noqa: E501 - one planted row per line reads as a table

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

from orchestration.reporting.pipeline_figures import PARTS, Deal, Movement, PipelineReview

STARTS = {"week": date(2026, 6, 24), "month": date(2026, 6, 1)}
END = date(2026, 7, 1)
_COUNTS = (
    *(
        "n_opening",
        "n_new",
        "n_reopened",
        "n_moved_in",
        "n_entered",
        "n_left",
        "n_won",
        "n_lost",
        "n_moved_out",
    ),
    *(
        "n_closing",
        "n_increased",
        "n_decreased",
        "n_unchanged",
        "n_slipped",
        "n_without_amount",
        "n_unconverted",
    ),
    "n_history_incomplete",
)


def movement(
    window: str, scope: str = "open", kind: str = "all", segment: str = "all", *, reason: str | None = None,
    counts: dict[str, int] | None = None, **amounts: str,
) -> Movement:  # fmt: skip
    """A row of the mart whose parts add up: opening and parts given, closing computed. counts: without their n_."""
    given = {part: D(amounts.get(part, "0")) for part in ("opening", *PARTS)}
    made = {f"{part}_amount": value for part, value in given.items()}
    made["closing_amount"] = sum(given.values(), D(0))
    made["slipped_amount"] = D(amounts.get("slipped", "0"))
    made["opening_weighted_amount"] = given["opening"] / 4
    made["closing_weighted_amount"] = made["closing_amount"] / 4
    if reason:
        made = dict.fromkeys(made)
    numbers = dict.fromkeys(_COUNTS, 0) | {f"n_{name}": n for name, n in (counts or {}).items()}
    return Movement(window, scope, kind, segment, STARTS[window], END, numbers, made, reason)


WEEK = movement(
    "week", opening="1240000", new="86000", reopened="12000", increase="30500.5", decrease="-18000", rate="-420",
    won_exit="-95000", lost_exit="-61000", slipped="44000",
    counts={"opening": 84, "new": 6, "reopened": 1, "won": 4, "lost": 5, "closing": 82, "increased": 7, "decreased": 3,
            "unchanged": 65, "slipped": 3, "history_incomplete": 1},
)  # fmt: skip
MONTH = movement(
    "month", opening="1105000", new="310000", reopened="12000", increase="72000", decrease="-40000", rate="-2920",
    won_exit="-160000", lost_exit="-101999.5", slipped="90000",
    counts={"opening": 80, "new": 19, "reopened": 1, "won": 9, "lost": 9, "closing": 82, "slipped": 8,
            "history_incomplete": 2},
)  # fmt: skip
QUARTER = (
    movement("week", "quarter", opening="610000", new="20000", moved_in="40000", increase="8000", won_exit="-95000",
             moved_out="-30000", counts={"opening": 41, "new": 2, "moved_in": 3, "won": 4, "moved_out": 2, "closing": 40}),
    movement("month", "quarter", opening="400000", new="120000", moved_in="180000", increase="8000",
             won_exit="-125000", moved_out="-30000",
             counts={"opening": 30, "new": 9, "moved_in": 10, "won": 7, "moved_out": 2, "closing": 40}),
)  # fmt: skip
CUTS = (
    *(
        movement(window, kind="stage", segment=stage, opening=opening, new=new, entered=entered, left=left,
                 counts={"opening": n, "closing": n + 1, "new": 1})
        for window in STARTS
        for stage, opening, new, entered, left, n in (
            ("proposal", "400000", "0", "60000", "-20000", 20),
            ("prospecting", "300000", "86000", "0", "-60000", 40),
            ("unknown", "4000", "0", "20000", "0", 2),
        )
    ),
    *(
        movement(window, kind="team", segment=team, opening=opening, counts={"opening": n, "closing": n})
        for window in STARTS
        for team, opening, n in (("Paris", "700000", 40), ("unknown", "4000", 2),
                                 *((f"Team {index:02d}", f"{index}000", 3) for index in range(1, 13)))
    ),
    *(
        movement(window, kind="forecast_category", segment=code, opening=opening, increase=rise,
                 counts={"opening": n, "closing": n})
        for window in STARTS
        for code, opening, rise, n in (("commit", "210000", "12500", 9), ("pipeline", "800000", "0", 61),
                                       ("unknown", "95000", "0", 12), ("upside", "1000", "0", 1))
        if (window, code) != ("week", "upside")  # none of it a week ago
    ),
)  # fmt: skip


def deal(number: int, kind: str, **other: object) -> Deal:
    """An opportunity with a change of everything, unless told otherwise."""
    values = {
        "stage_before": "prospecting", "stage_after": "proposal", "category_before": "pipeline",
        "category_after": "commit", "close_before": date(2026, 7, 15), "close_after": date(2026, 7, 15),
        "opening": D(40_000 + number), "last": D(40_000 + number),
    }  # fmt: skip
    return Deal(f"crm/crm_opportunity/{number:06d}", f"acc_{number * 7919:012x}", kind, **(values | other))


MOVED = (
    deal(1, "won", stage_after=None, category_after=None, close_after=None),
    deal(2, "new", stage_before=None, category_before=None, close_before=None, opening=None),
    deal(3, "increased", last=D("52000")),
    deal(4, "lost", stage_before="unknown", stage_after=None, category_after=None, close_after=None),
    deal(5, "reopened", stage_before=None, opening=None, last=None, reason="exchange_rate_missing"),
)
AT_RISK = (
    deal(
        11, "unchanged", is_slipped=True, slip_days=45, close_after=date(2026, 8, 29), silent_days=3, n_pushes=1
    ),
    deal(
        12, "unchanged", silent_days=41, is_silent=True, is_date_passed=True, is_often_pushed=True, n_pushes=4,
        is_slow=True, stage_before="proposal", category_before="unknown", category_after="unknown",
    ),
)  # fmt: skip
REVIEW = PipelineReview("week", (WEEK, MONTH, *QUARTER, *CUTS), MOVED, 27, AT_RISK, 19)
#: A still week: the month is shown; everything there is listed; no deal planned by the end of the quarter.
_CALM = movement("week", opening="1000", counts={"opening": 2, "closing": 2, "unchanged": 2})
STILL_WEEK = PipelineReview(
    "month",
    (
        _CALM,
        replace(MONTH, counts=MONTH.counts | {"n_history_incomplete": 0}),
        *(row for row in CUTS if row.window == "month"),
    ),
    MOVED,
    len(MOVED),
    AT_RISK,
    len(AT_RISK),
)
STILL = PipelineReview("month", (_CALM, replace(_CALM, window="month", start_on=STARTS["month"])))
#: A currency without a rate: counts, and no amount anywhere.
UNCONVERTED = PipelineReview(
    "week",
    tuple(
        movement(window, kind=kind, segment=segment, reason="exchange_rate_missing",
                 counts={"opening": 9, "closing": 8, "unconverted": n, "lost": 1, "history_incomplete": n})
        for window, n in (("week", 1), ("month", 2))
        for kind, segment in (("all", "all"), ("stage", "proposal"), ("team", "Paris"), ("forecast_category", "commit"))
    ),
    MOVED[4:], 1,
)  # fmt: skip
NOTHING = PipelineReview("month", ())
