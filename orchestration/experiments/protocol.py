"""COMPANY/experiments/<code>/protocol.yml: what is promised before the first day (rows EX1, EX2, EX8).

The canonical form is the validated content, so that comments, order of keys and spaces may change after registration
and no value may. What does NOT belong here: registration and arms (records), figures.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from expectations.catalogue import explain
from ingest.errors import ConfigurationError
from ingest.strict_yaml import read_yaml
from orchestration.experiments.errors import ExperimentError

FOLDER = "experiments"
PROTOCOL = "protocol.yml"
CODE = r"^[a-z][a-z0-9_]{0,39}$"


def _decimal(value: object) -> Decimal:
    """A number of YAML as the decimal that was written; text in quotes too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number is expected")
    text = repr(value) if isinstance(value, float) else str(value)
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise ValueError(f"{text[:20]!r} is not a decimal number")
    return Decimal(text)


Exact = Annotated[Decimal, BeforeValidator(_decimal)]
_Code = Annotated[str, Field(pattern=CODE)]
_Text = Annotated[str, Field(min_length=1, max_length=2000)]
_Values = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Strict):
    """Whom the experiment is about; an absent dimension takes everybody. channel_code is that of the leads."""

    channel_code: _Values | None = None
    size_band_code: _Values | None = None
    country_code: _Values | None = None
    industry: _Values | None = None
    team_code: _Values | None = None


class Arm(_Strict):
    """weight: share of the units in any unit; an arm of weight zero gets none."""

    code: _Code
    weight: Annotated[Exact, Field(ge=0, le=1_000_000)]
    is_control: bool = False


class GuardRail(_Strict):
    """Rate per delivered (bounces: per sent) mail. margin_points: how much worse is still no worse."""

    metric: Literal["complaints", "unsubscribes", "bounces"]
    margin_points: Annotated[Exact, Field(gt=0, le=100)]


class RolloutItem(_Strict):
    """One line of the checklist before everybody gets it."""

    item: _Text
    owner: _Text
    is_done: bool = False


class Owners(_Strict):
    """Roles or names of those who run it, decide on it and look at its guard rails."""

    runs: _Text
    decides: _Text
    watches: _Text


class Protocol(_Strict):
    """One experiment. start_on: first day; end_on: first day that no longer counts; days of the company's zone.

    success_points: gain of the primary figure that counts as success. leads_per_arm: planned; seed: text put before
    every unit when arms are drawn. covariate: what was known before and takes noise away (CUPED). exposure_campaign:
    the campaign of the CRM, by its id there, whose members were really reached by what is tested.
    """

    version: Literal[1]
    code: _Code
    hypothesis: _Text
    segment: Segment = Segment()
    unit: Literal["account", "person"] = "account"
    arms: Annotated[list[Arm], Field(min_length=2, max_length=10)]
    start_on: dt.date
    end_on: dt.date
    primary: Literal["cr"] = "cr"
    secondary: list[Literal["ttf", "meetings"]] = Field(default_factory=lambda: ["ttf", "meetings"])
    guard_rails: Annotated[list[GuardRail], Field(min_length=1)]
    alpha: Annotated[Exact, Field(gt=0, lt=1)] = Decimal("0.05")
    success_points: Annotated[Exact, Field(gt=0, lt=100)] = Decimal(2)
    leads_per_arm: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    strata: list[Literal["size_band_code", "team_code", "industry", "country_code"]] = Field(
        default_factory=list
    )
    assignment: Literal["hash", "block"] = "hash"
    covariate: Literal["prior_leads", "prior_conversions"] | None = None
    early_stop: Literal["harm"] = "harm"
    exposure_campaign: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    seed: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")] = "etalon"
    owners: Owners
    rollout: list[RolloutItem] = Field(default_factory=list)

    @model_validator(mode="after")
    def _agrees(self) -> Protocol:
        if self.end_on <= self.start_on:
            raise ValueError("end_on must come after start_on")
        codes = [arm.code for arm in self.arms]
        if len(set(codes)) < len(codes):
            raise ValueError("two arms have the same code")
        drawn = [arm for arm in self.arms if arm.weight > 0]
        if len(drawn) != 2 or sum(arm.is_control for arm in drawn) != 1:
            raise ValueError(
                "two arms have a weight above zero, and one of them is the control (is_control: true)"
            )
        rails = [rail.metric for rail in self.guard_rails]
        if len(set(rails)) < len(rails) or "complaints" not in rails:
            raise ValueError("guard_rails names complaints, and each rail once")
        for name in ("secondary", "strata"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} names something twice")
        return self

    @property
    def control(self) -> str:
        return next(arm.code for arm in self.arms if arm.is_control and arm.weight > 0)

    @property
    def test(self) -> str:
        return next(arm.code for arm in self.arms if not arm.is_control and arm.weight > 0)

    @property
    def days(self) -> int:
        return (self.end_on - self.start_on).days

    @property
    def hash_seed(self) -> str:
        """What stands before the unit when arms are drawn; no two experiments draw alike."""
        return f"{self.seed}:{self.code}"

    @property
    def cut(self) -> tuple[str, str]:
        """(kind, segment) of the lights that this experiment speaks for; kind `several` speaks for none."""
        given = {name: values for name, values in self.segment.model_dump().items() if values}
        kinds = {"channel_code": "channel", "size_band_code": "size_band", "team_code": "team"}
        if not given:
            return "all", "all"
        (name, values), *others = given.items()
        if not others and len(values) == 1 and name in kinds:
            return kinds[name], values[0]
        return "several", ";".join(f"{key}={','.join(sorted(each))}" for key, each in sorted(given.items()))

    @property
    def sha256(self) -> str:
        """64 hex of the canonical content; rollout is work in hand and no promise, and stays out."""
        content = self.model_dump(mode="json", exclude={"rollout"})
        content["segment"] = {key: sorted(values) for key, values in content["segment"].items() if values}
        for name in ("alpha", "success_points"):
            content[name] = _plain(getattr(self, name))
        for arm, told in zip(self.arms, content["arms"], strict=True):
            told["weight"] = _plain(arm.weight)
        for rail, told in zip(self.guard_rails, content["guard_rails"], strict=True):
            told["margin_points"] = _plain(rail.margin_points)
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Decimal) -> str:
    """0.20 and 0.2 are one number."""
    return f"{value.normalize():f}"


def read_protocol(folder: Path) -> Protocol:
    """The protocol of experiments/<code>. Raises ExperimentError E-XPT-001 naming the file and the key."""
    path = folder / PROTOCOL
    where = f"{FOLDER}/{folder.name}/{PROTOCOL}"
    try:
        content = read_yaml(path)
    except ConfigurationError as error:
        problem = error.problem
        raise ExperimentError(
            "E-XPT-001", where, is_usage=True, detail=f"{problem.code} {problem.text('what', 'en')}"
        ) from None
    if not isinstance(content, dict):
        raise ExperimentError("E-XPT-001", where, is_usage=True, detail="keys and values are expected")
    try:
        found = Protocol.model_validate(content)
    except ValidationError as error:
        raise ExperimentError("E-XPT-001", where, is_usage=True, detail=explain(error)) from None
    if found.code != folder.name:
        raise ExperimentError(
            "E-XPT-001", where, is_usage=True, detail=f"code is {found.code}, and its folder {folder.name}"
        )
    return found


def list_protocols(company_root: Path) -> list[Protocol]:
    """Every protocol of a company, by code; none without the folder. Raises as read_protocol."""
    return [read_protocol(folder) for folder in protocol_folders(company_root)]


def protocol_folders(company_root: Path) -> list[Path]:
    """Folders below experiments/ that hold a protocol, by name."""
    return sorted(path.parent for path in (company_root / FOLDER).glob(f"*/{PROTOCOL}") if path.is_file())
