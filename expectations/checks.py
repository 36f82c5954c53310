"""What one rule asserts about one table: a closed set of kinds, each with its own strict parameters.

What does not belong here: SQL (compilation.py), files (catalogue.py), numbers (results.py).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Relation = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Column = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Sql = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def exact(value: object) -> Decimal:
    """A decimal written as text. Numbers are refused: YAML would hand over a binary float."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        raise ValueError(f'{value!r} is not a decimal in quotes, such as "0.02"')
    return Decimal(value)


class Strict(BaseModel):
    """Unknown keys are errors; instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Strict):
    """Common to all kinds. `where` narrows the rows the rule speaks about; `key` names a failing row.

    `given`: columns that a source instance must fill somewhere for the rule to speak about its rows: what a
    source never exports is a gap of its mapping, not of each of its records.
    """

    table: Relation
    key: tuple[Column, ...] = ()
    where: Sql | None = None
    given: tuple[Column, ...] = ()
    needs: tuple[Code, ...] = ()  # contracts without which there is nothing to assess

    @property
    def field(self) -> str | None:
        """The one column the rule is about, when there is one."""
        return getattr(self, "column", None)


class NotNull(Check):
    kind: Literal["not_null"]
    column: Column


class Unique(Check):
    """Every row of a repeated value fails; null values are not compared."""

    kind: Literal["unique"]
    column: Column


class InSet(Check):
    kind: Literal["in_set"]
    column: Column
    values: tuple[str, ...] = Field(min_length=1)


class Between(Check):
    """Both ends included; integer bounds (seconds, counts, a rate of 0 to 1)."""

    kind: Literal["between"]
    column: Column
    min: int | None = None
    max: int | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Between:
        if self.min is None and self.max is None:
            raise ValueError("between needs min, max or both")
        return self


class Matches(Check):
    """The whole value matches the pattern (RE2 syntax)."""

    kind: Literal["matches"]
    column: Column
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        # The engine that will run it decides: its syntax is not Python's.
        try:
            with duckdb.connect() as connection:
                connection.execute("select regexp_full_match('', ?)", [value]).fetchall()
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0]) from error
        return value


class ForeignKey(Check):
    """A value that is not null exists in `references`; `scope` columns are equal on both sides."""

    kind: Literal["foreign_key"]
    column: Column
    references: Relation
    referenced_column: Column
    scope: tuple[Column, ...] = ()


class Ordered(Check):
    """`before` <= `after` where both are known; as_dates where one side has day precision only."""

    kind: Literal["ordered"]
    before: Column
    after: Column
    as_dates: bool = False


class RowCountMin(Check):
    kind: Literal["row_count_min"]
    min: int = Field(ge=1)


class Freshness(Check):
    """The latest `column` of each source instance is at most so many days before as_of.

    `contract` takes the days from freshness_days of the table's first contract.
    """

    kind: Literal["freshness"]
    column: Column
    max_age_days: Annotated[int, Field(ge=1)] | Literal["contract"] = "contract"


class Side(Strict):
    """One aggregate: `value` by `by` over a relation."""

    table: Relation
    value: Sql
    by: Sql
    where: Sql | None = None


class Reconcile(Check):
    """Two aggregates agree in every group, within an amount and, if given, a share of the left one."""

    kind: Literal["reconcile"]
    left: Side
    right: Side
    max_difference: Decimal
    max_share: Decimal | None = None

    _exact = field_validator("max_difference", "max_share", mode="before")(
        lambda value: None if value is None else exact(value)
    )


class Condition(Check):
    """A row for which `fails_when` is true fails."""

    kind: Literal["condition"]
    fails_when: Sql


class Query(Check):
    """`population` selects the rows to judge (from several tables), `fails_when` the failing ones among
    them.
    """

    kind: Literal["sql"]
    population: Sql
    fails_when: Sql

    @field_validator("population")
    @classmethod
    def _is_a_select(cls, value: str) -> str:
        if not re.match(r"(?i)select\s", value) or ";" in value:
            raise ValueError("population is one select statement")
        return value


AnyCheck = Annotated[
    NotNull
    | Unique
    | InSet
    | Between
    | Matches
    | ForeignKey
    | Ordered
    | RowCountMin
    | Freshness
    | Reconcile
    | Condition
    | Query,
    Field(discriminator="kind"),
]
