"""Worlds that unfold in time: touches and conversion of leads day by day, judged by the touch lines of the pipeline.

All worlds lie in one warehouse, each a channel of its own, so that the product's own query builds every landmark.
What does NOT belong here: worlds without time (`cells.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.statistics.touch_lines import compute
from tests.simulation.outcomes import OPEN, RIGHT, WRONG, Outcome
from tests.unit.statistics.planted_warehouse_of_deals import AS_OF, open_warehouse

PER_FAMILY = 16
UNITS = 1500
WINDOW = 30
START = datetime(2026, 5, 4, 9)
SETTINGS = SimpleNamespace(
    as_of=AS_OF, cycle_start=date(2026, 6, 1), cycle_end=date(2026, 7, 1), conversion_window_days=WINDOW
)


@dataclass(frozen=True)
class Lives:
    """Leads of one world. converted_day, refused_day: days after creation, inf where never; touch_*: one a touch."""

    converted_day: np.ndarray
    touch_lead: np.ndarray
    touch_day: np.ndarray
    refused_day: np.ndarray | None = None


def touched(rng: np.random.Generator, rate: np.ndarray, until: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lead, day) of touches at random instants, `rate` a day, before `until` and the end of the window."""
    lead = np.repeat(np.arange(len(rate)), rng.poisson(rate * WINDOW))
    day = rng.uniform(0, WINDOW, len(lead))
    kept = day < until[lead]
    return lead[kept], day[kept]


def stop_at_conversion(rng: np.random.Generator) -> Lives:
    """No effect: whoever converts is not called again, so that the converted have fewer touches."""
    converts = rng.random(UNITS) < rng.uniform(0.2, 0.4)
    day = np.where(converts, rng.uniform(0, WINDOW, UNITS), np.inf)
    return Lives(day, *touched(rng, rng.uniform(0.1, 0.9, UNITS), day))


def immortal_time(rng: np.random.Generator) -> Lives:
    """No effect: leads that are given up collect no more touches, those that convert late were called all along."""
    converts = rng.random(UNITS) < rng.uniform(0.15, 0.3)
    day = np.where(converts, rng.uniform(15, WINDOW, UNITS), np.inf)
    given_up = np.where(converts, np.inf, 5 + rng.exponential(5, UNITS))
    return Lives(day, *touched(rng, rng.uniform(0.2, 0.7, UNITS), np.minimum(day, given_up)))


def hot_leads(rng: np.random.Generator) -> Lives:
    """No effect: sellers call those most who would buy anyway, which no landmark can take out."""
    heat = rng.random(UNITS)
    converts = rng.random(UNITS) < 0.03 + rng.uniform(0.25, 0.6) * heat
    day = np.where(converts, rng.uniform(5, WINDOW, UNITS), np.inf)
    return Lives(day, *touched(rng, 0.1 + 1.0 * heat, day))


def early_refusals(rng: np.random.Generator) -> Lives:
    """No effect: some refuse all contact within days, get no more touches and never convert."""
    refuses = rng.random(UNITS) < rng.uniform(0.1, 0.25)
    converts = ~refuses & (rng.random(UNITS) < rng.uniform(0.15, 0.35))
    day = np.where(converts, rng.uniform(5, WINDOW, UNITS), np.inf)
    refused = np.where(refuses, rng.uniform(0, 6, UNITS), np.inf)
    return Lives(day, *touched(rng, rng.uniform(0.2, 0.7, UNITS), np.minimum(day, refused)), refused)


def early_effect(rng: np.random.Generator) -> Lives:
    """A true effect of touches before day 5 on conversions after it."""
    rate = rng.uniform(0.1, 1.0, UNITS)
    lead, when = touched(rng, rate, np.full(UNITS, np.inf))
    early = np.bincount(lead[when < 5], minlength=UNITS)
    converts = rng.random(UNITS) < 0.05 + rng.uniform(0.06, 0.08) * early
    day = np.where(converts, rng.uniform(5, WINDOW, UNITS), np.inf)
    kept = when < day[lead]
    return Lives(day, lead[kept], when[kept])


FAMILIES: Mapping[str, Callable[[np.random.Generator], Lives]] = {
    "reverse causality: touches stop": stop_at_conversion,
    "immortal time": immortal_time,
    "reverse causality: hot leads": hot_leads,
    "early refusals": early_refusals,
    "early effect": early_effect,
}
# early touches do go with conversion there, for a reason that no landmark takes out: a form is no invention
CONFOUNDED = ("reverse causality: hot leads",)


def plant(con: duckdb.DuckDBPyConnection, channel: str, lives: Lives) -> None:
    """The leads of a world into the tables that the product reads, under one channel."""
    n = len(lives.converted_day)
    touches = np.bincount(lives.touch_lead, minlength=n)
    con.register("planted", pa.table({
        "i": np.arange(n), "day": lives.converted_day, "n": touches,
    }))  # fmt: skip
    con.register("planted_touches", pa.table({"i": lives.touch_lead, "day": lives.touch_day}))
    start = f"timestamp '{START}'"
    after = f"{start} + to_microseconds(cast(day * 86400000000 as bigint))"
    converted = f"case when day < {WINDOW} then {after} end"
    con.execute(
        f"insert into master.fct_leads by name select 'lea_{channel}_' || i as lead_id, '{channel}' as channel_code,"
        f" {converted} as converted_at, cast({converted} as date) as converted_on,"
        " false as is_created_day_only, false as is_converted_day_only from planted"
    )
    con.execute(
        f"insert into metrics.fct_lead_cadences by name select 'lea_{channel}_' || i as lead_id,"
        f" '{channel}' as channel_code, 'smb' as size_band_code, {start} as created_at,"
        f" cast({start} as date) as created_on, true as is_dated, true as is_matured,"
        f" day < {WINDOW} as is_converted_in_window, n as n_effective_touches from planted"
    )
    con.execute(
        f"insert into master.fct_touches by name select 'lea_{channel}_' || i as lead_id, {after} as occurred_at,"
        " true as is_effective from planted_touches"
    )
    if lives.refused_day is not None:
        con.register("planted_refusals", pa.table({"i": np.arange(n), "day": lives.refused_day}))
        con.execute(
            f"insert into conforming.int_contact_refusals by name select 'per_{channel}_' || i as person_id,"
            f" 'all' as channel_code, {after} as refused_at from planted_refusals where day < {WINDOW}"
        )


def warehouse() -> duckdb.DuckDBPyConnection:
    """All worlds in one warehouse in memory: channel <family place>-<seed>."""
    con = open_warehouse(":memory:")
    for place, make in enumerate(FAMILIES.values()):
        for seed in range(PER_FAMILY):
            plant(con, f"{place}-{seed}", make(np.random.default_rng([1000 + place, seed])))
    return con


@cache
def life_rows() -> dict[tuple[str, str], dict]:
    """(design, channel) -> row of touch_lines, of all worlds."""
    with warehouse() as con:
        tables = compute(con, SETTINGS)
    return {
        (r["design_code"], r["segment_code"]): r
        for r in tables["touch_lines"].to_pylist()
        if (r["period_code"], r["segment_kind_code"]) == ("month", "channel")
    }


def life_worlds() -> list[Outcome]:
    """Every world of this module, judged by the light and the form that the product gives its channel."""
    rows = life_rows()
    outcomes = []
    for place, family in enumerate(FAMILIES):
        for seed in range(PER_FAMILY):
            row = rows["landmark_5", f"{place}-{seed}"]
            outcomes.append(_judged(family, seed, row))
    return outcomes


def _judged(family: str, seed: int, row: dict) -> Outcome:
    has_effect = family == "early effect"
    colour, form = row["colour_code"], row["form_code"]
    told = f"{colour}, {form}, r {row['r']}"
    if has_effect:
        answer = WRONG if colour == "red" or form not in ("linear", "none", "undetermined") else OPEN
        answer = RIGHT if answer == OPEN and row["r_low"] > 0 else answer
    else:
        answer = {"red": RIGHT, "green": WRONG}.get(colour, OPEN)
        if family not in CONFOUNDED and form not in ("none", "undetermined"):
            answer = WRONG
    return Outcome(family, seed, answer, colour == "green" and not has_effect, told)
