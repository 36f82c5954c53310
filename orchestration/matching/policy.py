"""How the pipeline uses the linkage engine: roles, blocks, further gates, the bar for merging published ids.

What does NOT belong here: weights and thresholds of scores (see linkage.models), certain evidence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage.model import Gate, Model, conditions_sql, load_model
from orchestration.matching.standardise.roles import ROLES

POLICY = Path(__file__).with_name("policy.yml")


@dataclass(frozen=True)
class Policy:
    """roles: engine role -> exchange column. live_weight: least log2 odds that merge two published golden ids.

    largest_cluster: records of the largest cluster that scores may build; certain evidence has no such limit.
    most_questions: questions for a steward per record, beyond which a run warns.
    """

    model: Model
    roles: dict[str, str]
    live_weight: float
    live_since: str
    live_reason: str
    largest_cluster: int
    most_questions: float

    @property
    def model_hash(self) -> str:
        """sha256 of everything that decides on a pair: the stored model with the gates and blocks of the policy."""
        return hashlib.sha256(json.dumps(asdict(self.model), sort_keys=True).encode()).hexdigest()


@cache
def load_policy(entity: str, path: Path = POLICY) -> Policy:
    """The policy of `account` or `person`. Raises MatchingError E-MAT-020 when it does not fit the model."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))[entity]
        return _policy(found)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise MatchingError(
            "E-MAT-020", path.name, entity=entity, detail=f"{type(error).__name__}: {error}"
        ) from error


def _policy(found: Mapping) -> Policy:
    model = load_model(found["model"])
    gates = tuple(Gate(**each) for each in found["gates"])
    for gate in gates:
        conditions_sql(gate.sql, model)
    left_out = set(found["without_blocking"])
    for name, known in (
        ("without_blocking", {rule.code for rule in model.blocking}),
        ("roles", set(ROLES[found["model"]])),
    ):
        unknown = set(found[name]) - known
        if unknown:
            raise KeyError(f"{name}: {', '.join(sorted(unknown))}")
    live = found["live_merge"]
    return Policy(
        model=replace(
            model,
            gates=model.gates + gates,
            blocking=tuple(rule for rule in model.blocking if rule.code not in left_out),
        ),
        roles=dict(found["roles"]),
        live_weight=float(live["weight"]),
        live_since=str(live["since"]),
        live_reason=live["reason"],
        largest_cluster=int(found["largest_cluster"]),
        most_questions=float(found["most_questions"]),
    )
