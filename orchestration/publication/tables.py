"""Which tables a publication holds, with keys and comments, read from the dbt manifest.

What does NOT belong here: writing them (see building). One origin: the model YAML. A model is published when
its schema is `marts` or its meta says `publish: true`; a column classed as a direct identifier never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


class PrivateColumnError(RuntimeError):
    """A model marked for publication holds a column that identifies a person."""


@dataclass(frozen=True)
class Column:
    """One published column. comment: its description in the model."""

    name: str
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """One published table. schema: where it lies in the warehouse. primary_key: may be empty."""

    name: str
    schema: str
    comment: str
    primary_key: tuple[str, ...]
    columns: tuple[Column, ...]

    def as_json(self) -> dict[str, Any]:
        """For the manifest of a Parquet folder."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Table:
        """Inverse of `as_json`."""
        return cls(
            name=content["name"],
            schema=content["schema"],
            comment=content["comment"],
            primary_key=tuple(content["primary_key"]),
            columns=tuple(Column(**column) for column in content["columns"]),
        )


def published_tables(manifest: Mapping[str, Any]) -> list[Table]:
    """Tables to publish, by name. Raises PrivateColumnError when one of them holds a direct identifier."""
    found = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or not (
            node["schema"] == "marts" or meta_of(node).get("publish")
        ):
            continue
        if (node.get("config") or {}).get("materialized") == "ephemeral":  # a part of another table
            continue
        for column in node["columns"].values():
            if {"direct", "restricted"} & {meta_of(column).get("pii"), meta_of(column).get("privacy")}:
                raise PrivateColumnError(
                    f"{node['name']}.{column['name']} is classed direct and its model is to be published: "
                    "drop the column or take `publish: true` away"
                )
        found.append(
            Table(
                name=node["name"],
                schema=node["schema"],
                comment=" ".join((node.get("description") or "").split()),
                primary_key=_primary_key(node),
                columns=tuple(
                    Column(column["name"], " ".join((column.get("description") or "").split()))
                    for column in node["columns"].values()
                ),
            )
        )
    return sorted(found, key=lambda table: table.name)


def meta_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """meta of a manifest node or column, from `config.meta` and the older `meta`."""
    return {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}


def _primary_key(node: Mapping[str, Any]) -> tuple[str, ...]:
    for constraint in node.get("constraints") or []:
        if constraint["type"] == "primary_key":
            return tuple(constraint["columns"])
    return tuple(
        column["name"]
        for column in node["columns"].values()
        if any(constraint["type"] == "primary_key" for constraint in column.get("constraints") or [])
    )
