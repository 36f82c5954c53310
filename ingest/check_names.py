"""The checks of a mapping held against its tables and contracts: names, types, expressions.

What does NOT belong here: the keys of a check (check_model.py), measuring (controls_measures.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb

from ingest.check_model import CheckSpec
from ingest.contract import Contract, load_contract, load_contracts
from ingest.errors import ConfigurationError
from ingest.expressions import bind_expression, compile_expression
from ingest.sql import ident
from ingest.strict_yaml import nearest

if TYPE_CHECKING:
    from ingest.mapping_model import MappingModel

_TIMES, _NUMBERS = {"timestamp", "date"}, {"integer", "decimal"}
_TYPES: dict[str, set[str]] = {
    "clock": {"timestamp"},
    "hours": {"timestamp"},
    "range": _NUMBERS | _TIMES,
    "last_timestamp": _TIMES,
    "total": _NUMBERS,
    "ambiguous_dates": _TIMES,
}


def contract_of(model: MappingModel, table: str) -> Contract:
    """The contract that `table` fills: a key of tables, or a contract filled under another key."""
    if table in model.tables:
        return load_contract(model.tables[table].contract or table)
    return load_contract(table)


def expression_sql(text: str, contract: Contract, where: str) -> str:
    """`text` as SQL over the columns of a contract. Raises ConfigurationError E-ING-108, E-ING-160."""
    names = {*contract.names, "is_deleted"}

    def resolve(name: str) -> str:
        _known(where, name, names)
        return ident(name)

    return compile_expression(text, resolve, where)


def check_checks(model: MappingModel, where: str) -> None:
    """Raise ConfigurationError for the first check that cannot be used.

    E-ING-160: a name that does not exist, with the nearest one; E-ING-161: a check that makes no sense.
    """
    filled = {*model.tables, *(table.contract for table in model.tables.values() if table.contract)}
    seen: set[str] = set()
    for check in model.checks:
        place = f"{where}: checks.{check.name}"
        if check.name in seen:
            raise ConfigurationError("E-ING-161", place, detail="the name is given twice")
        seen.add(check.name)
        if check.file is not None:
            _known(f"{place}.file", check.file, model.files)
        if check.table is None:
            continue
        _known(f"{place}.table", check.table, filled)
        contract = contract_of(model, check.table)
        _check_columns(check, contract, place)
        expressions = [("where", check.where), ("must", check.must), ("epoch", check.epoch)]
        for key, text in expressions:
            if text is not None:
                _bind(f"{place}.{key}", text, contract, is_condition=key != "epoch")
        if check.references:
            _known(f"{place}.references.contract", check.references.contract, load_contracts())
            target = load_contract(check.references.contract)
            _known(f"{place}.references.column", check.references.column, target.names)
        if check.equals:
            _known(f"{place}.equals.table", check.equals.table, filled)
            other = contract_of(model, check.equals.table)
            _known(f"{place}.equals.column", check.equals.column, other.names)
            _of_type(f"{place}.equals.column", other, check.equals.column, _NUMBERS)
            if check.equals.where:
                _bind(f"{place}.equals.where", check.equals.where, other, is_condition=True)


def _check_columns(check: CheckSpec, contract: Contract, place: str) -> None:
    named = [("column", check.column), ("earlier", check.earlier), ("later", check.later)]
    for key, name in [*named, *(("columns", name) for name in check.columns or ())]:
        if name is not None:
            _known(f"{place}.{key}", name, contract.names)
    if check.column and check.type in _TYPES:
        _of_type(f"{place}.column", contract, check.column, _TYPES[check.type])
    for name in (check.earlier, check.later):
        if name:
            _of_type(f"{place}.{name}", contract, name, _TIMES)
    if check.type == "range" and check.column:
        is_number = contract.column(check.column).type in _NUMBERS
        for bound in (check.min, check.max):
            if bound is not None and isinstance(bound, Decimal) != is_number:
                wanted = "a number" if is_number else "a date in quotes"
                raise ConfigurationError("E-ING-161", place, detail=f"{check.column} is bounded by {wanted}")
        _check_bounds(
            check, "DECIMAL(38,10)" if is_number else contract.column(check.column).duckdb_type, place
        )


def _check_bounds(check: CheckSpec, kind: str, place: str) -> None:
    """Read the bounds of a range as the values they bound: one that cannot be read would judge nothing."""
    read = []
    with duckdb.connect() as connection:
        for bound in (check.min, check.max):
            found = connection.execute(
                f"SELECT try_cast(? AS {kind})", [None if bound is None else str(bound)]
            ).fetchone()
            read.append(found[0] if found else None)
            if bound is not None and (read[-1] is None or "inf" in str(bound).lower()):
                wanted = "a number" if kind.startswith("DECIMAL") else "a date such as 2026-06-30"
                raise ConfigurationError("E-ING-161", place, detail=f"the bound {bound!s} is not {wanted}")
    if None not in read and read[0] > read[1]:
        raise ConfigurationError("E-ING-161", place, detail="min is greater than max: every value would fail")


def _of_type(place: str, contract: Contract, name: str, types: set[str]) -> None:
    found = contract.column(name).type
    if found not in types:
        detail = f"{name} is {found}, the check needs {' or '.join(sorted(types))}"
        raise ConfigurationError("E-ING-161", place, detail=detail)


def _bind(place: str, text: str, contract: Contract, *, is_condition: bool) -> None:
    """Let DuckDB bind the expression to typed columns, so that it cannot fail on the first delivery."""
    sql = expression_sql(text, contract, place)
    columns = {"is_deleted": "BOOLEAN"} | {c.name: c.duckdb_type for c in contract.columns}
    bind_expression(sql if is_condition else f"TRY_CAST(({sql}) AS DOUBLE)", columns, place, is_condition)


def _known(place: str, name: str, known: Iterable[str]) -> None:
    names = set(known)
    if name not in names:
        raise ConfigurationError(
            "E-ING-160", place, key=name, nearest=nearest(name, names) or ", ".join(sorted(names))
        )
