"""Why two records scored as they did, in words: one step per comparison, from the prior to the decision.

The steps of a pair add up to its weight, so that a waterfall can be drawn from them.
What does NOT belong here: drawing; the values of the records (they may be personal).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingest.typography import COLON, typeset
from orchestration.matching.linkage.model import Model


@dataclass(frozen=True)
class Step:
    """comparison: name, or `prior`; level: its answer; weight, rarity: log2 of the odds it moved, by agreement and
    by how rare the value is."""

    comparison: str
    level: str
    weight: float
    rarity: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """steps: prior first, in the order of the model; comparisons without a value are absent. weight: their sum."""

    steps: tuple[Step, ...]
    weight: float
    probability: float
    decision: str
    reason: str

    def sentences(self, language: str = "en") -> list[str]:
        """One sentence per step and one for the decision, in `fr` or `en`."""
        words = wording()[language]
        told = []
        for step in self.steps:
            name = words["comparisons"].get(step.comparison, step.comparison)
            level = words["levels"].get(step.level, step.level)
            told.append(f"{name}{COLON[language]}{level} ({step.weight + step.rarity:+.1f})")
        reason = words["reasons"].get(self.reason, self.reason)
        told.append(f"{words['decisions'][self.decision]} ({self.weight:.1f}){COLON[language]}{reason}")
        return told


@cache
def wording() -> dict[str, Any]:
    """wording.yml: language -> comparisons, levels, reasons, decisions -> code -> words."""
    return typeset(yaml.safe_load(Path(__file__).with_name("wording.yml").read_text(encoding="utf-8")))


def explain(model: Model, edge: dict[str, Any]) -> Explanation:
    """Explain one row of Linked.edges with the model of Linked. Raises ValueError for an edge without a score."""
    if edge.get("weight") is None:
        raise ValueError(f"a {edge['evidence_code']} edge has no score: {edge['reason']}")
    steps = [Step("prior", "prior", math.log2(model.prior_probability / (1 - model.prior_probability)))]
    for comparison in model.comparisons:
        level = comparison.level(edge[f"gamma_{comparison.name}"])
        if level is not None:
            rarity = float(edge[f"term_{comparison.name}"] or 0.0)
            steps.append(Step(comparison.name, level.code, math.log2(level.m / level.u), rarity))
    weight = float(edge["weight"])
    probability = 1 / (1 + 2.0 ** -max(min(weight, 500), -500))
    return Explanation(tuple(steps), weight, probability, edge["decision"], edge["reason"])
