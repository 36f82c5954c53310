"""The deal score: a calibrated probability of winning, published only if it beats the stage's base rate out of time.

A passage is an opportunity that enters a stage. The model is a logistic regression whose offset is the base rate of
the stage, so that without any signal it IS the base rate. It is fitted on the deals closed before a split instant and
judged on passages that entered later. What does NOT belong here: the features (deal_features.py), the fit
(logistic.py), how a score is shown (marts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.settings import RunSettings
from orchestration.statistics import logistic
from orchestration.statistics.deal_features import FEATURES, Passages, read_passages
from orchestration.statistics.rep_baselines import RATE, decimals

Floats = NDArray[np.float64]

#: Part of the closed deals, oldest first, that the model learns from.
LEARNED_SHARE = 0.7
#: Outcomes of the rarer kind for one feature.
EVENTS_PER_FEATURE = 10
#: What the judgement needs: deals, and deals of each outcome.
MIN_JUDGED, MIN_JUDGED_EVENTS = 30, 10
#: One-sided bound of the improvement: the lower end of a 95 % interval must lie above zero.
Z = 1.959963984540054
BINS = 10

SCHEMAS: Mapping[str, pa.Schema] = {
    "deal_models": pa.schema(
        [
            ("model_code", pa.string()),
            ("is_published", pa.bool_()),
            ("reason_code", pa.string()),
            ("split_at", pa.timestamp("us")),
            ("n_learned_deals", pa.int64()),
            ("n_learned_won", pa.int64()),
            ("n_judged_deals", pa.int64()),
            ("n_judged_won", pa.int64()),
            ("n_judged_passages", pa.int64()),
            ("n_features", pa.int64()),
            ("brier_score", RATE),
            ("base_brier_score", RATE),
            ("brier_gain_low", RATE),
            ("log_loss", RATE),
            ("base_log_loss", RATE),
            ("log_loss_gain_low", RATE),
        ]
    ),
    "deal_predictors": pa.schema(
        [
            ("feature_code", pa.string()),
            ("coefficient", RATE),
            ("coefficient_low", RATE),
            ("coefficient_high", RATE),
            ("odds_ratio", RATE),
            ("p_value", RATE),
            ("adjusted_p_value", RATE),
            ("n_deals", pa.int64()),
        ]
    ),
    "deal_calibrations": pa.schema(
        [
            ("bin_number", pa.int64()),
            ("n_passages", pa.int64()),
            ("n_won", pa.int64()),
            ("mean_probability", RATE),
            ("won_rate", RATE),
        ]
    ),
    "deal_scores": pa.schema(
        [
            ("opportunity_id", pa.string()),
            ("stage_code", pa.string()),
            ("set_code", pa.string()),
            ("entered_at", pa.timestamp("us")),
            ("closed_month", pa.date32()),
            ("is_won", pa.bool_()),
            ("win_probability", RATE),
            ("base_probability", RATE),
        ]
    ),
}
DESCRIPTIONS: Mapping[str, str] = {
    "deal_models": "The model of the cycle: whether it beats the stage base rate out of time, and by how much.",
    "deal_predictors": "What goes with winning: coefficients with intervals and adjusted p-values.",
    "deal_calibrations": "Said and observed shares of wins of the passages judged out of time, in tenths.",
    "deal_scores": "Probability of winning of passages judged out of time and, when published, of open deals.",
}  # fmt: skip


@dataclass(frozen=True)
class _Model:
    """columns: positions in FEATURES; centres and scales standardise; base: stage -> base rate."""

    columns: NDArray[np.int64]
    centres: Floats
    scales: Floats
    base: dict[str, float]
    everywhere: float
    fit: logistic.Fit

    def base_rates(self, stages: NDArray[np.str_]) -> Floats:
        """Base rate by passage; a stage never seen has that of all stages."""
        names, places = np.unique(stages, return_inverse=True)
        return np.array([self.base.get(str(name), self.everywhere) for name in names])[places]

    def probabilities(self, features: Floats, stages: NDArray[np.str_]) -> Floats:
        x = _design(features[:, self.columns], self.centres, self.scales)
        return logistic.expit(x @ self.fit.coefficients + logistic.logit(self.base_rates(stages)))


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """The four tables (SCHEMAS) from the passages of the warehouse."""
    return score(read_passages(con, settings))


def score(passages: Passages) -> Mapping[str, pa.Table]:
    """The four tables from passages, whatever they come from; deterministic."""
    facts: dict[str, object] = {"model_code": "stage_entry", "is_published": False}
    tables = {name: schema.empty_table() for name, schema in SCHEMAS.items()}
    closed = ~np.isnan(passages.closed_at)
    deals, first = np.unique(passages.opportunity_ids[closed], return_index=True)
    if not len(deals):
        return tables | {"deal_models": _model_row(facts | {"reason_code": "no_stage_history"})}
    ends = np.sort(passages.closed_at[closed][first])
    split = ends[min(int(len(ends) * LEARNED_SHARE), len(ends) - 1)]
    facts["split_at"] = np.datetime64(int(split * 1e6), "us").item()
    # What the model learns from had ended before the split; what it is judged on had not begun.
    learned = closed & (np.nan_to_num(passages.closed_at, nan=np.inf) < split)
    judged = closed & (passages.entered_at >= split)
    facts |= _counts(passages, learned, "learned") | _counts(passages, judged, "judged")
    facts["n_judged_passages"] = int(judged.sum())
    rarer = min(facts["n_judged_won"], facts["n_judged_deals"] - facts["n_judged_won"])
    if facts["n_judged_deals"] < MIN_JUDGED or rarer < MIN_JUDGED_EVENTS:
        return tables | {"deal_models": _model_row(facts | {"reason_code": "too_few_closed_deals"})}
    try:
        model = _fitted(passages, learned)
    except logistic.NotEstimableError:
        return tables | {"deal_models": _model_row(facts | {"reason_code": "not_estimable"})}
    if model is None:
        return tables | {"deal_models": _model_row(facts | {"reason_code": "too_few_closed_deals"})}
    facts["n_features"] = len(model.columns)
    said = model.probabilities(passages.features[judged], passages.stages[judged])
    base = model.base_rates(passages.stages[judged])
    won = passages.is_won[judged].astype(np.float64)
    facts |= _judgement(said, base, won, passages.opportunity_ids[judged])
    beats = facts["brier_gain_low"] > 0 and facts["log_loss_gain_low"] > 0
    facts |= {"is_published": bool(beats), "reason_code": None if beats else "no_better_than_stage_rate"}
    tables |= {
        "deal_models": _model_row(facts),
        "deal_predictors": _predictors(model, int(facts["n_learned_deals"])),
        "deal_calibrations": _calibration(said, won),
    }
    return tables | {"deal_scores": _scores(passages, model, judged, bool(beats))}


def _counts(passages: Passages, mask: NDArray[np.bool_], name: str) -> dict[str, int]:
    deals, first = np.unique(passages.opportunity_ids[mask], return_index=True)
    return {f"n_{name}_deals": len(deals), f"n_{name}_won": int(passages.is_won[mask][first].sum())}


def _fitted(passages: Passages, learned: NDArray[np.bool_]) -> _Model | None:
    """The model of some passages; None where their outcomes carry no feature. Raises NotEstimableError."""
    counts = _counts(passages, learned, "learned")
    rarer = min(counts["n_learned_won"], counts["n_learned_deals"] - counts["n_learned_won"])
    allowed = rarer // EVENTS_PER_FEATURE
    features, won = passages.features[learned], passages.is_won[learned].astype(np.float64)
    known = ~np.isnan(features).all(axis=0)
    varied = np.array([known[i] and np.nanstd(features[:, i]) > 1e-9 for i in range(features.shape[1])])
    columns = np.flatnonzero(varied)[:allowed]
    if not len(columns):
        return None
    centres, scales = np.nanmean(features[:, columns], axis=0), np.nanstd(features[:, columns], axis=0)
    names, places = np.unique(passages.stages[learned], return_inverse=True)
    totals, wins = np.bincount(places), np.bincount(places, weights=won)
    rates = (wins + 0.5) / (totals + 1)
    x = _design(features[:, columns], centres, scales)
    _, clusters = np.unique(passages.opportunity_ids[learned], return_inverse=True)
    fitted = logistic.fit(x, won, logistic.logit(rates[places]), clusters)
    base = {str(name): float(rate) for name, rate in zip(names, rates, strict=True)}
    return _Model(columns, centres, scales, base, float((won.sum() + 0.5) / (len(won) + 1)), fitted)


def _design(features: Floats, centres: Floats, scales: Floats) -> Floats:
    """Constant and standardised features; what is unknown is the mean."""
    standard = np.nan_to_num((features - centres) / scales, nan=0.0)
    return np.column_stack([np.ones(len(features)), standard])


def _judgement(said: Floats, base: Floats, won: Floats, deals: NDArray[np.str_]) -> dict[str, float]:
    """Losses of model and base rate, and the lower bound of each gain; passages of one deal are one observation."""

    def log_loss(p: Floats) -> Floats:
        inside = np.clip(p, 1e-12, 1 - 1e-12)
        return -(won * np.log(inside) + (1 - won) * np.log(1 - inside))

    squares, base_squares = (said - won) ** 2, (base - won) ** 2
    logs, base_logs = log_loss(said), log_loss(base)
    return {
        "brier_score": squares.mean(),
        "base_brier_score": base_squares.mean(),
        "brier_gain_low": _lower_bound(base_squares - squares, deals),
        "log_loss": logs.mean(),
        "base_log_loss": base_logs.mean(),
        "log_loss_gain_low": _lower_bound(base_logs - logs, deals),
    }


def _lower_bound(gains: Floats, deals: NDArray[np.str_]) -> float:
    """Lower end of the 95 % interval of the mean gain, with errors clustered by deal."""
    _, clusters = np.unique(deals, return_inverse=True)
    mean = gains.mean()
    sums = np.bincount(clusters, weights=gains - mean)
    n = len(sums)
    error = np.sqrt(n / (n - 1) * (sums**2).sum()) / len(gains)
    return float(mean - Z * error)


def _predictors(model: _Model, n_deals: int) -> pa.Table:
    """Coefficients of the standardised features, constant left out."""
    estimates, errors = model.fit.coefficients[1:], model.fit.errors[1:]
    p_values = model.fit.p_values[1:]
    columns = {
        "feature_code": pa.array([FEATURES[i] for i in model.columns], pa.string()),
        "coefficient": decimals(estimates),
        "coefficient_low": decimals(estimates - Z * errors),
        "coefficient_high": decimals(estimates + Z * errors),
        "odds_ratio": decimals(np.exp(np.clip(estimates, -15, 15))),
        "p_value": decimals(p_values),
        "adjusted_p_value": decimals(logistic.adjusted(p_values)),
        "n_deals": pa.array([n_deals] * len(estimates), pa.int64()),
    }
    return pa.table(columns).cast(SCHEMAS["deal_predictors"])


def _calibration(said: Floats, won: Floats) -> pa.Table:
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    numbers, places = np.unique(bins, return_inverse=True)
    totals = np.bincount(places)
    columns = {
        "bin_number": pa.array(numbers + 1),
        "n_passages": pa.array(totals),
        "n_won": pa.array(np.bincount(places, weights=won).astype(np.int64)),
        "mean_probability": decimals(np.bincount(places, weights=said) / totals),
        "won_rate": decimals(np.bincount(places, weights=won) / totals),
    }
    return pa.table(columns).cast(SCHEMAS["deal_calibrations"])


def _scores(passages: Passages, model: _Model, judged: NDArray[np.bool_], is_published: bool) -> pa.Table:
    """The judged passages by the model they judge; open deals, where they stand, by one fitted on all that ended."""
    whole = ~np.isnan(passages.closed_at)
    try:
        latest = _fitted(passages, whole) or model
    except logistic.NotEstimableError:
        latest = model
    parts = []
    open_deals = passages.is_present & is_published
    for mask, used, code in ((judged, model, "held_out"), (open_deals, latest, "open")):
        stages = passages.stages[mask]
        entered = (passages.entered_at[mask] * 1e6).astype("datetime64[us]")
        is_open = code == "open"
        parts.append(
            pa.table(
                {
                    "opportunity_id": pa.array(passages.opportunity_ids[mask], pa.string()),
                    "stage_code": pa.array(stages, pa.string()),
                    "set_code": pa.array([code] * int(mask.sum()), pa.string()),
                    "entered_at": pa.array(entered),
                    "closed_month": passages.closed_months.filter(pa.array(mask)),
                    "is_won": pa.array(passages.is_won[mask], mask=np.full(int(mask.sum()), is_open)),
                    "win_probability": decimals(used.probabilities(passages.features[mask], stages)),
                    "base_probability": decimals(used.base_rates(stages)),
                }
            ).cast(SCHEMAS["deal_scores"])
        )
    return pa.concat_tables(parts)


def _model_row(facts: Mapping[str, object]) -> pa.Table:
    """One row of deal_models; figures as decimals of ten places."""
    schema = SCHEMAS["deal_models"]
    columns = {}
    for field in schema:
        value = facts.get(field.name)
        if field.type == RATE:
            columns[field.name] = decimals(np.array([np.nan if value is None else float(value)]))
        else:
            columns[field.name] = pa.array([value], field.type)
    return pa.table(columns).cast(schema)
