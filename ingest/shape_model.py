"""The keys of a table that change the shape of its rows: explode, unpivot, fill_down, pair, fold.

What does NOT belong here: their SQL (row_shapes.py).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Explode(_Strict):
    """A list in one cell becomes one row per item; the other columns are repeated."""

    column: str = Field(description="Column that holds the list; it holds one item afterwards.")
    separator: str | None = Field(default=None, min_length=1, description="Text between two items.")
    json_array: bool = Field(default=False, description="The list is a JSON array.")

    @model_validator(mode="after")
    def _one_notation(self) -> Explode:
        if (self.separator is None) != self.json_array:
            raise ValueError("exactly one of separator and json_array is needed")
        return self


class Unpivot(_Strict):
    """Columns become rows: one row per column, with its label and its value; blank values are kept out."""

    columns: dict[str, str] = Field(
        min_length=1,
        description="Column of the file: label written in its rows; a list uses the names themselves.",
    )
    name: str = Field(description="New column that holds the label.")
    value: str = Field(description="New column that holds the value.")

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, content: Any) -> Any:
        columns = content.get("columns") if isinstance(content, dict) else None
        if isinstance(columns, list) and all(isinstance(name, str) for name in columns):
            return {**content, "columns": {name: name for name in columns}}
        if isinstance(columns, dict):
            # YAML reads an unquoted 2026-04-30 as a date.
            labels = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in columns.items()}
            return {**content, "columns": labels}
        return content

    @model_validator(mode="after")
    def _two_new_columns(self) -> Unpivot:
        if self.name == self.value:
            raise ValueError("name and value are two columns")
        return self


class FillDown(_Strict):
    """Blank cells take the value above."""

    columns: list[str] = Field(min_length=1, description="Columns whose blank cells take the value above.")
    group: str | None = Field(
        default=None,
        description="A group of rows begins where this column is filled; nothing is taken from the group before.",
    )

    @model_validator(mode="before")
    @classmethod
    def _columns_alone(cls, content: Any) -> Any:
        return {"columns": content} if isinstance(content, list) else content


class Pair(_Strict):
    """A start and an end become one row: that of the start, in which the end is read as "end.<column>"."""

    key: list[str] = Field(min_length=1, description="Columns that a start and its end share.")
    event: str = Field(description="Column that says which of the two a row is.")
    start: list[str] = Field(min_length=1, description="Values of event that begin something.")
    end: list[str] = Field(min_length=1, description="Values of event that end it.")
    order_by: list[str] = Field(
        default_factory=list,
        description="Columns that order the events, as text; else the order of the file.",
    )

    @model_validator(mode="after")
    def _apart(self) -> Pair:
        if set(self.start) & set(self.end):
            raise ValueError("a value of event is a start or an end, not both")
        return self


class Priority(_Strict):
    """take: {column: {priority: [...]}}."""

    priority: list[str] = Field(
        min_length=1, description="The first of these values that a row of the group has."
    )


class SumOf(_Strict):
    """take: {new column: {sum_of: expression}}."""

    sum_of: str = Field(
        description="Scalar SQL over the columns of a row; the new column is its sum over the group."
    )


class Fold(_Strict):
    """Rows with one key become one row: the first, with the declared columns taken from the whole group."""

    key: list[str] = Field(min_length=1, description="Columns that the rows of a group share.")
    take: dict[str, Literal["first", "last", "min", "max", "sum", "count"] | Priority | SumOf] = Field(
        description="Column: how its value is taken from the group; the others are those of the first row."
    )
    order_by: list[str] = Field(
        default_factory=list, description="Columns that order a group, as text; else the order of the file."
    )

    @property
    def sums(self) -> dict[str, str]:
        """New column -> the expression that it sums."""
        return {name: how.sum_of for name, how in self.take.items() if isinstance(how, SumOf)}

    @property
    def own(self) -> dict[str, str | Priority]:
        """Column of the file -> how it is taken."""
        return {name: how for name, how in self.take.items() if not isinstance(how, SumOf)}


SHAPES = ("explode", "unpivot", "pair", "fold")
