"""The deal score is published where something predicts the outcome, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_deals import STAGES, world

from orchestration.statistics import deal_score

SEEDS = range(30)


def model_of(tables) -> dict:
    (row,) = tables["deal_models"].to_pylist()
    return row


@pytest.mark.audit("FD1", "FD3")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_in_which_a_feature_decides_is_scored(seed: int) -> None:
    tables = deal_score.score(world(seed, n=1_500, effect=1.6))
    row = model_of(tables)
    assert row["is_published"] and row["reason_code"] is None, row
    assert row["brier_score"] < row["base_brier_score"] and row["log_loss"] < row["base_log_loss"]
    predictors = {each["feature_code"]: each for each in tables["deal_predictors"].to_pylist()}
    assert predictors["log_account_touches_30d"]["adjusted_p_value"] < 0.01
    assert predictors["log_account_touches_30d"]["coefficient_low"] > 0
    assert {each["set_code"] for each in tables["deal_scores"].to_pylist()} == {"held_out", "open"}


@pytest.mark.audit("FD1", "FD3")
def test_a_world_in_which_nothing_decides_is_not_scored() -> None:
    published = [seed for seed in range(60) if model_of(deal_score.score(world(seed)))["is_published"]]
    assert published == []


def test_without_an_effect_the_reason_says_so_and_no_score_leaves() -> None:
    tables = deal_score.score(world(1))
    assert model_of(tables)["reason_code"] == "no_better_than_stage_rate"
    assert {each["set_code"] for each in tables["deal_scores"].to_pylist()} == {"held_out"}
    assert tables["deal_predictors"].num_rows > 0 and tables["deal_calibrations"].num_rows > 0


def test_what_is_judged_began_after_all_that_was_learned_from_had_ended() -> None:
    passages = world(3, n=1_500, effect=1.6)
    tables = deal_score.score(passages)
    split = model_of(tables)["split_at"]
    judged = [each for each in tables["deal_scores"].to_pylist() if each["set_code"] == "held_out"]
    assert judged and min(each["entered_at"] for each in judged) >= split
    # Outcomes after the split never reach the model: turned round, they change no probability of it.
    seconds = (
        split - split.replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    ).days
    later = (
        np.nan_to_num(passages.closed_at, nan=0)
        >= np.datetime64(split).astype("datetime64[us]").astype(int) / 1e6
    )
    assert seconds >= 0 and later.any()
    split_s = np.datetime64(split).astype("datetime64[us]").astype(int) / 1e6
    learned = ~np.isnan(passages.closed_at) & (np.nan_to_num(passages.closed_at, nan=np.inf) < split_s)
    turned = replace(passages, is_won=np.where(later, ~passages.is_won, passages.is_won))
    first, second = (deal_score._fitted(each, learned) for each in (passages, turned))
    assert np.array_equal(first.fit.coefficients, second.fit.coefficients)


def test_no_more_features_than_a_tenth_of_the_rarer_outcome() -> None:
    for n in (150, 300, 700):
        row = model_of(deal_score.score(world(5, n=n, effect=1.4)))
        if row["n_features"] is not None:
            rarer = min(row["n_learned_won"], row["n_learned_deals"] - row["n_learned_won"])
            assert 0 < row["n_features"] <= rarer / 10


def test_few_deals_and_no_history_of_stages_have_their_reasons() -> None:
    assert model_of(deal_score.score(world(1, n=40)))["reason_code"] == "too_few_closed_deals"
    nothing = world(1, n=40)
    empty = np.zeros(len(nothing.stages), dtype=bool)
    nothing = replace(
        nothing,
        **{name: getattr(nothing, name)[empty] for name in
           ("opportunity_ids", "stages", "entered_at", "closed_at", "is_won", "is_present", "features")},
        closed_months=nothing.closed_months.slice(0, 0),
    )  # fmt: skip
    assert model_of(deal_score.score(nothing))["reason_code"] == "no_stage_history"


def test_separated_outcomes_give_a_reason_and_no_model() -> None:
    passages = world(2)
    features = passages.features.copy()
    features[:, 0] = passages.is_won
    row = model_of(deal_score.score(replace(passages, features=features)))
    assert row["reason_code"] == "not_estimable" and not row["is_published"]


@pytest.mark.audit("FD3")
def test_the_calibration_holds_every_judged_passage_and_the_brier_score_is_the_mean_of_squares() -> None:
    tables = deal_score.score(world(4, n=1_500, effect=1.6))
    row = model_of(tables)
    bins = tables["deal_calibrations"].to_pylist()
    assert sum(each["n_passages"] for each in bins) == row["n_judged_passages"]
    judged = [each for each in tables["deal_scores"].to_pylist() if each["set_code"] == "held_out"]
    mean = sum((float(e["win_probability"]) - e["is_won"]) ** 2 for e in judged) / len(judged)
    assert float(row["brier_score"]) == pytest.approx(mean, abs=1e-9)
    assert {each["stage_code"] for each in judged} <= set(STAGES)


def test_the_same_deals_in_the_same_order_give_the_same_bytes() -> None:
    first, second = (deal_score.score(world(8, effect=1.4)) for _ in range(2))
    assert all(first[name].equals(second[name]) for name in deal_score.SCHEMAS)
