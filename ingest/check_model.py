"""The `checks:` of a mapping: the keys of one check, and the tests that it can do on itself.

What does NOT belong here: whether tables and columns exist (check_names.py), measuring (controls_*.py).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingest.zone_names import Zone

CheckType = Literal[
    "unique", "completeness", "clock", "hours", "order", "range", "condition", "volume", "last_timestamp",
    "total", "orphan", "ambiguous_dates", "constant",
]  # fmt: skip
Level = Literal["error", "warn", "info"]

# type -> (keys it needs, keys it may have). `name`, `type` and `level` belong to all of them.
KEYS: dict[str, tuple[set[str], set[str]]] = {
    "unique": ({"table", "columns"}, {"where", "max_failed", "min_rows"}),
    "completeness": ({"table", "column", "min"}, {"where", "min_rows"}),
    "clock": ({"table", "column", "epoch"}, {"tolerance_s", "where", "max_failed", "min_rows"}),
    "hours": ({"table", "column"}, {"between", "min", "timezone", "where", "min_rows"}),
    "order": ({"table", "earlier", "later"}, {"where", "max_failed", "min_rows"}),
    "range": ({"table", "column"}, {"min", "max", "where", "max_failed", "min_rows"}),
    "condition": ({"table", "must"}, {"where", "max_failed", "min_rows"}),
    "volume": ({"file", "max_drop"}, set()),
    "last_timestamp": ({"table", "column"}, set()),
    "total": ({"table", "column", "equals"}, {"where", "tolerance"}),
    "orphan": ({"table", "column", "references"}, {"where", "max_failed", "min_rows"}),
    "ambiguous_dates": ({"table", "column"}, {"where", "min_rows"}),
    "constant": ({"table", "column"}, {"max_share", "where", "min_rows"}),
}
# Kinds that judge a distribution say nothing about a handful of rows.
DISTRIBUTIONS = {"clock", "hours", "ambiguous_dates", "constant"}
FEW_ROWS = 20


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CheckReference(_Strict):
    """The records that a column names."""

    contract: str = Field(description="A contract that the same source fills.")
    column: str = Field(default="source_record_id", description="Its column that holds the value.")


class CheckTotal(_Strict):
    """The column whose sum must be the same."""

    table: str = Field(description="A key of tables, or a contract that the mapping fills.")
    column: str = Field(description="Its column that is added up.")
    where: str | None = Field(default=None, description="Condition of the rows added up.")


class CheckSpec(_Strict):
    """One control of what a source delivered. It measures and reports; it never changes a row."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", max_length=60, description="Name of the control, unique in the mapping."
    )
    type: CheckType = Field(description="What is measured.")
    level: Level = Field(
        default="warn", description="What a breach does: error holds the publication, warn and info tell."
    )
    table: str | None = Field(
        default=None, description="A key of tables, or a contract that the mapping fills."
    )
    file: str | None = Field(default=None, description="A key of files, for volume.")
    column: str | None = Field(default=None, description="The column of the contract that is measured.")
    columns: list[str] | None = Field(
        default=None, min_length=1, description="Columns that identify a row together, for unique."
    )
    where: str | None = Field(
        default=None, description="Condition over contract columns of the rows that are judged."
    )
    min_rows: int | None = Field(
        default=None,
        ge=1,
        description="Fewer rows to judge are not assessed; 20 for distributions and clocks, else 1.",
    )
    max_failed: float = Field(default=0, ge=0, lt=1, description="Largest share of failing rows that passes.")
    min: Decimal | str | None = Field(
        default=None, description="Smallest value of range; smallest share of completeness and hours."
    )
    max: Decimal | str | None = Field(default=None, description="Largest value, for range.")
    epoch: str | None = Field(
        default=None, description="Expression over contract columns that gives seconds since 1970, for clock."
    )
    tolerance_s: int = Field(default=120, ge=0, description="Seconds that a clock may differ from the epoch.")
    between: tuple[int, int] | None = Field(
        default=None, description="First hour and the hour after the last one, local time, for hours."
    )
    timezone: Zone | None = Field(
        default=None, description="IANA zone of the hours; that of defaults where it is not given."
    )
    earlier: str | None = Field(default=None, description="The column that comes first, for order.")
    later: str | None = Field(default=None, description="The column that may not lie before it, for order.")
    must: str | None = Field(
        default=None, description="Condition over contract columns that every judged row meets."
    )
    references: CheckReference | None = Field(default=None, description="What the column names, for orphan.")
    equals: CheckTotal | None = Field(default=None, description="The other side of a total.")
    tolerance: Decimal = Field(default=Decimal(0), ge=0, description="Difference of totals that passes.")
    max_drop: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Largest share of records that may be missing against the delivery before.",
    )
    max_share: float = Field(
        default=1.0, gt=0, le=1, description="Share of one value from which a column counts as constant."
    )

    @model_validator(mode="after")
    def _keys_of_the_type(self) -> CheckSpec:
        needed, allowed = KEYS[self.type]
        given = self.model_fields_set - {"name", "type", "level"}
        missing, wrong = sorted(needed - given), sorted(given - needed - allowed)
        if missing:
            raise ValueError(f"{self.type} needs {missing[0]}")
        if wrong:
            raise ValueError(f"{wrong[0]} has no meaning for type {self.type}")
        if self.type == "range" and self.min is None and self.max is None:
            raise ValueError("range needs min or max")
        if self.type in {"completeness", "hours"} and not (
            self.min is None or (isinstance(self.min, Decimal) and 0 <= self.min <= 1)
        ):
            raise ValueError("min is a share from 0 to 1")
        if self.between and not 0 <= self.between[0] < self.between[1] <= 24:
            raise ValueError("between holds the first hour and the hour after the last one, 0 to 24")
        return self

    @property
    def fewest(self) -> int:
        """Rows below which the check is not assessed."""
        return self.min_rows or (FEW_ROWS if self.type in DISTRIBUTIONS else 1)
