"""The keys of a mapping that take values from other files of the same source: lookup of a column, lookups of a table.

What does NOT belong here: their SQL (lookup_joins.py), and which delivery of a file is read (collecting.py).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Constant(_Strict):
    """match: {column of that file: {const: value}}."""

    const: str = Field(description="Value that the column of that file has.")


class Lookup(_Strict):
    """Value taken from another file of the same source: match {column of that file: column of this one}."""

    file: str = Field(description="A key of files.")
    match: dict[str, str | Constant] = Field(
        min_length=1,
        description="Column of that file: column of this one, a column of another lookup, or {const: value}.",
    )

    @model_validator(mode="after")
    def _joins(self) -> Lookup:
        if not self.matched:
            raise ValueError("match needs a column of this file beside the constants")
        return self

    @property
    def matched(self) -> dict[str, str]:
        """Column of that file -> name read by the table."""
        return {key: own for key, own in self.match.items() if isinstance(own, str)}

    @property
    def constants(self) -> dict[str, str]:
        """Column of that file -> the value its rows must have."""
        return {key: own.const for key, own in self.match.items() if isinstance(own, Constant)}


class ColumnLookup(Lookup):
    """A column filled from another file."""

    value: str = Field(description="Column of that file that gives the value.")


class NamedLookup(Lookup):
    """Another file of the source joined to the rows of a table; its columns are read as "<name>.<column>".

    Where no row matches, or several with different values, the column is null; nothing is journalled. split: the
    first match column of that file is a list with this separator.
    """

    split: str | None = Field(
        default=None,
        min_length=1,
        description="Separator of the list that the first match column of that file is.",
    )


def lookup_order(lookups: dict[str, NamedLookup]) -> list[str]:
    """Names of lookups, each after those whose columns it matches. Raises ValueError naming a cycle."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(" -> ".join([*above[above.index(name) :], name]))
        if name in order:
            return
        for own in lookups[name].matched.values():
            other = own.partition(".")[0]
            if "." in own and other in lookups:
                visit(other, (*above, name))
        order.append(name)

    for name in lookups:
        visit(name, ())
    return order
