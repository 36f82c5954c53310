"""Mapping expressions: parsed, checked against a whitelist, columns replaced by internal positions.

An expression is scalar SQL over the raw text columns of one record. No subquery, no table, no file, no
setting, no clock, no randomness gets through: only the node types and functions listed here.
What does NOT belong here: typed casts of columns (conversion.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import sqlglot
from sqlglot import exp

from ingest.errors import ConfigurationError
from ingest.sql import ident

_OPERATORS: tuple[type[exp.Expression], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.DataType,
    exp.DataTypeParam,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.ILike, exp.Escape, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce,
    exp.Cast, exp.TryCast, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.DPipe, exp.Bracket, exp.Slice,
)  # fmt: skip
_FUNCTIONS: tuple[type[exp.Expression], ...] = (
    exp.Upper, exp.Lower, exp.Trim, exp.Length, exp.Substring, exp.Left, exp.Right, exp.Replace,
    exp.SplitPart,
    exp.Concat, exp.ConcatWs, exp.RegexpExtract, exp.RegexpFullMatch, exp.RegexpLike, exp.RegexpReplace,
    exp.Nullif, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Greatest, exp.Least, exp.StartsWith,
    exp.EndsWith, exp.Contains,
    exp.StrPosition, exp.Reverse, exp.MD5, exp.Sign, exp.Translate, exp.Trunc,
)  # fmt: skip
# Functions that sqlglot keeps by name.
_NAMED = {
    "regexp_full_match", "try_strptime", "strip_accents", "prefix", "suffix", "instr",
    "ltrim", "rtrim", "starts_with", "ends_with",
}  # fmt: skip
_TYPES = {
    exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.INT, exp.DataType.Type.BIGINT,
    exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE, exp.DataType.Type.BOOLEAN, exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP,
}  # fmt: skip


def compile_expression(text: str, resolve: Callable[[str], str], where: str) -> str:
    """`text` as DuckDB SQL with each column name replaced by `resolve(name)`.

    resolve: column name of the file -> SQL of its cleaned text; raises ConfigurationError for an unknown
    name.
    A cast becomes a try_cast: a value that cannot be converted gives null, never a failed file.
    Raises ConfigurationError E-ING-108 when the text is not one whitelisted scalar expression.
    """
    try:
        text.encode()
        return _compiled(text, resolve, where)
    except UnicodeEncodeError:
        raise ConfigurationError("E-ING-108", where, detail="half a surrogate pair is no text") from None
    except RecursionError:
        raise ConfigurationError("E-ING-108", where, detail="it is nested too deeply") from None


def bind_expression(sql: str, columns: Mapping[str, str], where: str, is_condition: bool) -> None:
    """Let DuckDB bind compiled SQL to typed columns (name -> type), so that it cannot fail on the first delivery.

    Raises ConfigurationError E-ING-108 for one that does not bind, and for a condition that is not boolean.
    """
    typed = [f"CAST(NULL AS {kind}) AS {ident(name)}" for name, kind in columns.items()] or ["NULL AS none"]
    with duckdb.connect() as connection:
        try:
            cursor = connection.execute(f"SELECT ({sql}) AS v FROM (SELECT {', '.join(typed)}) LIMIT 0")
        except duckdb.Error as error:
            detail = " ".join(str(error).split())[:200]
            raise ConfigurationError("E-ING-108", where, detail=detail) from None
        kind = str(cursor.description[0][1])
    if is_condition and kind.upper() not in {"BOOL", "BOOLEAN"}:
        detail = f"a condition is true or false, this one gives a {kind.lower()}; compare it with something"
        raise ConfigurationError("E-ING-108", where, detail=detail)


def check_condition(text: str, where: str) -> None:
    """Raise ConfigurationError E-ING-108 when `text` is no condition over columns of text."""
    names: dict[str, str] = {}

    def collect(name: str) -> str:
        return ident(names.setdefault(name, f"c{len(names)}"))

    sql = compile_expression(text, collect, where)
    bind_expression(sql, dict.fromkeys(names.values(), "VARCHAR"), where, is_condition=True)


def _compiled(text: str, resolve: Callable[[str], str], where: str) -> str:
    try:
        statements = sqlglot.parse(text, read="duckdb")
    except RecursionError:
        raise
    except Exception as error:  # the parser meets some texts with a TypeError of its own
        raise ConfigurationError("E-ING-108", where, detail=" ".join(str(error).split())[:200]) from None
    if len(statements) != 1 or statements[0] is None:
        raise ConfigurationError("E-ING-108", where, detail="one expression is expected")
    root = statements[0]
    for node in root.walk():
        _check(node, where)

    def replaced(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column):
            return sqlglot.parse_one(resolve(node.name), read="duckdb")
        return node

    root = root.transform(replaced)
    # Innermost first: transform does not look inside a node that it has replaced.
    for cast in reversed([node for node in root.walk() if type(node) is exp.Cast]):
        tried = exp.TryCast(this=cast.this, to=cast.to)
        if cast is root:
            root = tried
        else:
            cast.replace(tried)
    return root.sql(dialect="duckdb", comments=False)


def _check(node: exp.Expression, where: str) -> None:
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in _NAMED:
            raise ConfigurationError(
                "E-ING-108", where, detail=f"function {node.name.lower()} is not allowed"
            )
        return
    if type(node) not in _OPERATORS and type(node) not in _FUNCTIONS:
        raise ConfigurationError("E-ING-108", where, detail=f"{type(node).__name__.lower()} is not allowed")
    if isinstance(node, exp.Column) and (node.table or not isinstance(node.this, exp.Identifier)):
        raise ConfigurationError("E-ING-108", where, detail=f"{node.sql()} is no column of the file")
    if isinstance(node, exp.DataType) and node.this not in _TYPES:
        raise ConfigurationError("E-ING-108", where, detail=f"type {node.sql()} is not allowed")
    if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest")):
        raise ConfigurationError("E-ING-108", where, detail="a subquery is not allowed")


def expression_reads(text: str, where: str) -> set[str]:
    """Names in an expression."""
    found: set[str] = set()

    def collect(name: str) -> str:
        found.add(name)
        return "c0"

    compile_expression(text, collect, where)
    return found
