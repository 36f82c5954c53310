"""What each seller does in a usual month, shrunk towards the team, and how likely a target is to be reached.

The window is the 12 months up to the cycle. A place among the sellers is only known where the intervals separate, and
a target proposal says with what probability it is reached. What does NOT belong here: the formulas (shrinkage.py), what
a seller did (metrics.fct_rep_months), what the seller was asked for (master.fct_quotas).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.settings import RunSettings
from orchestration.statistics import shrinkage

RATE = pa.decimal128(18, 10)
SCHEMA = pa.schema(
    [
        ("rep_id", pa.string()),
        ("measure_code", pa.string()),
        ("team_name", pa.string()),
        ("group_code", pa.string()),
        ("n_group_reps", pa.int64()),
        ("n_units", RATE),
        ("n_events", pa.int64()),
        ("observed_value", RATE),
        ("baseline_value", RATE),
        ("interval_low", RATE),
        ("interval_high", RATE),
        ("place_best", pa.int64()),
        ("place_worst", pa.int64()),
        ("seasonal_index", RATE),
        ("target_value", RATE),
        ("target_reach_probability", RATE),
        ("proposed_target", RATE),
        ("proposed_reach_probability", RATE),
        ("reason_code", pa.string()),
    ]
)
#: Mass of the credible intervals.
LEVEL = 0.8
#: What a proposed target adds to the baseline.
IMPROVEMENT = 0.1
#: Sellers whose figures make a prior of the team; below, the whole company is the group.
MIN_TEAM, MIN_GROUP = 4, 3


@dataclass(frozen=True)
class Measure:
    """events: column of fct_rep_months that is counted; trials: another one, or None for months of employment.

    metric_code: targets of fct_quotas that ask for these events.
    """

    code: str
    events: str
    trials: str | None = None
    metric_code: str | None = None


MEASURES = (
    Measure("win_rate", "n_won", "n_closed"),
    Measure("wins", "n_won"),
    Measure("touches", "n_activities", metric_code="activities"),
)

_QUERY = """
    select r.rep_id, max(r.team_name) as team_name, sum(r.{events}) as n_events, {units} as n_units,
      max(q.target) as target
    from metrics.fct_rep_months as r
    left join (
      select rep_id, max(target) as target from master.fct_quotas
      where metric_code = $metric and basis_code = 'value' and scope_code = 'rep' and rep_id <> 'unknown'
        and period_start = $next and period_kind_code = 'month'
      group by rep_id) as q on r.rep_id = q.rep_id
    where r.period_month >= $first and r.period_month < $next and r.is_selling and r.is_employed
    group by r.rep_id having {units} > 0
    order by r.rep_id
"""
_MONTHS = """
    select period_month, sum({events}) from metrics.fct_rep_months
    where period_month >= $first and period_month < $next and is_selling
    group by period_month order by period_month
"""


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    """One row per selling seller and measure with units in the window (SCHEMA)."""
    following = settings.cycle_end
    window = {"first": following.replace(year=following.year - 1), "next": following}
    parts = [part for measure in MEASURES for part in _of_measure(con, measure, window)]
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table()


def _of_measure(con: duckdb.DuckDBPyConnection, measure: Measure, window: dict) -> list[pa.Table]:
    units = f"sum(r.{measure.trials})" if measure.trials else "count(*)"
    rows = con.sql(
        _QUERY.format(events=measure.events, units=units), params=window | {"metric": measure.metric_code}
    ).to_arrow_table()
    if not rows.num_rows:
        return []
    teams = np.array([each or "" for each in rows["team_name"].to_pylist()])
    events, n_units = (rows[name].to_numpy().astype(np.float64) for name in ("n_events", "n_units"))
    targets = np.array([np.nan if t is None else float(t) for t in rows["target"].to_pylist()])
    season = None if measure.trials else _seasonal_index(con, measure, window)
    names, sizes = np.unique(teams, return_counts=True)
    large = {str(name) for name, size in zip(names, sizes, strict=True) if name and size >= MIN_TEAM}
    in_company = np.array([team not in large for team in teams])
    groups = [(teams == team, "team") for team in sorted(large)]
    # Sellers of small teams are shrunk towards the whole company, of which the large teams are a part.
    parts = [
        _estimated(rows, mask, mask, code, measure, events, n_units, targets, season) for mask, code in groups
    ]
    if in_company.any():
        everyone = np.ones(len(teams), dtype=bool)
        parts.append(
            _estimated(rows, in_company, everyone, "company", measure, events, n_units, targets, season)
        )
    return parts


def _estimated(
    rows: pa.Table,
    members: np.ndarray,
    group: np.ndarray,
    group_code: str,
    measure: Measure,
    events: np.ndarray,
    units: np.ndarray,
    targets: np.ndarray,
    season: float | None,
) -> pa.Table:
    """Rows of the members (a mask), shrunk towards the group (another one, which holds them)."""
    make_prior, make_posterior = (
        (shrinkage.rate_prior, shrinkage.rate_posterior)
        if measure.trials
        else (shrinkage.volume_prior, shrinkage.volume_posterior)
    )
    n_group = int(group.sum())
    prior = make_prior(events[group], units[group]) if n_group >= MIN_GROUP else None
    count = int(members.sum())
    nothing = np.full(count, np.nan)
    columns = {
        "rep_id": rows["rep_id"].filter(pa.array(members)),
        "team_name": rows["team_name"].filter(pa.array(members)),
        "measure_code": pa.array([measure.code] * count),
        "group_code": pa.array([group_code] * count),
        "n_group_reps": pa.array([n_group] * count, pa.int64()),
        "n_units": decimals(units[members]),
        "n_events": pa.array(events[members].astype(np.int64)),
        "observed_value": decimals(events[members] / units[members]),
        "target_value": decimals(targets[members]),
        "seasonal_index": decimals(np.full(count, np.nan if season is None else season)),
        "reason_code": pa.array([None if prior else _reason(n_group)] * count, pa.string()),
    }
    estimates = dict.fromkeys(
        ("baseline_value", "interval_low", "interval_high", "target_reach_probability", "proposed_target",
         "proposed_reach_probability"), nothing
    )  # fmt: skip
    places = pa.nulls(count, pa.int64()), pa.nulls(count, pa.int64())
    if prior:
        posterior = make_posterior(prior, events[members], units[members], LEVEL)
        estimates |= {
            "baseline_value": posterior.mean,
            "interval_low": posterior.low,
            "interval_high": posterior.high,
        }
        if measure.trials is None:
            estimates |= _reached(posterior, targets[members], season)
        places = tuple(pa.array(each) for each in shrinkage.places(posterior))
    columns |= {name: decimals(values) for name, values in estimates.items()}
    columns |= {"place_best": places[0], "place_worst": places[1]}
    return pa.table({name: columns[name] for name in SCHEMA.names}).cast(SCHEMA)


def _reached(
    posterior: shrinkage.Posterior, targets: np.ndarray, season: float | None
) -> dict[str, np.ndarray]:
    """Probabilities of next month's target and of the proposed one; the season scales the month."""
    exposure = season or 1.0
    proposed = np.ceil(posterior.mean * exposure * (1 + IMPROVEMENT))
    return {
        "target_reach_probability": shrinkage.reach_probability(posterior, targets, exposure),
        "proposed_target": proposed,
        "proposed_reach_probability": shrinkage.reach_probability(posterior, proposed, exposure),
    }


def _seasonal_index(con: duckdb.DuckDBPyConnection, measure: Measure, window: dict) -> float | None:
    """What the month that comes was a year ago, relative to a month of that year; None without 12 full months."""
    found = con.execute(_MONTHS.format(events=measure.events), window).fetchall()
    counts = [float(n or 0) for _, n in found]
    return counts[0] * 12 / sum(counts) if len(counts) == 12 and min(counts) > 0 else None


def _reason(n_group: int) -> str:
    return "too_few_reps" if n_group < MIN_GROUP else "one_outcome_only"


def decimals(values: np.ndarray) -> pa.Array:
    """Floats as DECIMAL(18,10); NaN is null."""
    return pa.array(np.round(values, 10), from_pandas=True).cast(RATE, safe=False)
