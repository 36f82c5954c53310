"""Whatever stands in an expression of a mapping, it is refused or it is a scalar of the columns of the record.

What gets through is judged by DuckDB's own parser, which shares nothing with the check.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.errors import ConfigurationError
from ingest.expressions import compile_expression
from ingest.sql import literal

COLUMNS = {"a": '"c0"', "b": '"c1"'}
TOKENS = [
    '"a"', '"b"', "a", "'x'", "'it''s'", "1", "2.5", "null", "true", "''", "é", "(", ")", "(", ")", ",", "||", "+", "-",
    "*", "/", "%", "=", "<>", "<", ">=", " and ", " or ", " not ", " is ", " in ", " like ", " between ", " case ",
    " when ", " then ", " else ", " end ", " as ", "::", "int", "varchar", "decimal(9, 2)", "json", "upper", "lower",
    "trim", "substring", "left", "replace", "split_part", "coalesce", "nullif", "cast", "try_cast", "regexp_extract",
    "regexp_matches", "strip_accents", "try_strptime", "concat_ws", "greatest", "md5", "length", "round", "[", "]", ":",
    ";", "--", "/*", "*/", "$1", "?", ".", "t", "select ", " from ", "t.*", " over ", "count", "sum", "random", "now",
    "current_date", "getenv", "read_text", "'/etc/passwd'", "query", "unnest", "lambda x: ", "->", "struct_pack",
    "current_setting", "list_transform", "exists", " union ", " limit 1", "\\",
    "\n", "\0", "\ud800", "{", "}", "@", "`",
]  # fmt: skip
CALLS = [
    "upper({})", "trim({})", "coalesce({}, 'x')", "nullif({}, '')", "split_part({}, ' ', 1)", "({})", "cast({} as int)",
    "case when {} = 'x' then 1 end", "{} || 'z'", "regexp_extract({}, '[a-z]+', 0)", "not {}", "{} in ('x', 'y')",
    "substring({}, 1, 2)", "abs({})", "round({}, 1)", "concat_ws('-', {}, \"b\")", "{} between 'a' and 'b'", "{}[1]",
    "getenv({})", "(select {})", "list_transform({}, x -> x)", "count({})", "left({}, 3)", "{}::varchar", "md5({})",
]  # fmt: skip
#: Scalar functions of DuckDB, under the names of its parser, that only look at their arguments.
HARMLESS = {
    "upper",
    "lower",
    "trim",
    "ltrim",
    "rtrim",
    "length",
    "substring",
    "substr",
    "left",
    "right",
    "replace",
    "split_part",
    "concat",
    "concat_ws",
    "regexp_extract",
    "regexp_full_match",
    "regexp_matches",
    "regexp_replace",
    "nullif",
    "abs",
    "round",
    "floor",
    "ceil",
    "ceiling",
    "greatest",
    "least",
    "starts_with",
    "ends_with",
    "prefix",
    "suffix",
    "contains",
    "strpos",
    "instr",
    "position",
    "reverse",
    "md5",
    "sign",
    "translate",
    "trunc",
    "strip_accents",
    "try_strptime",
    "coalesce",
    "||",
    "+",
    "-",
    "*",
    "/",
    "//",
    "**",
    "array_extract",
    "array_slice",
    "list_extract",
    "~~",
    "!~~",
    "~~*",
    "!~~*",
    "like_escape",
    "not_like_escape",
    "ilike_escape",
    "not_ilike_escape",
    "list_value",
    "str_position",
    "divide",
    "if",
}


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """A heap of tokens, or calls around a column with tokens put in."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from(TOKENS), max_size=14)))
    text = draw(st.sampled_from(['"a"', "b", "'x'", "1"]))
    for call in draw(st.lists(st.sampled_from(CALLS), max_size=6)):
        text = call.replace("{}", text)
    for _ in range(draw(st.integers(0, 1))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(TOKENS)) + text[at:]
    return text


def resolved(name: str) -> str:
    if name not in COLUMNS:
        raise ConfigurationError("E-ING-109", "test", key=name, nearest="a")
    return COLUMNS[name]


@pytest.fixture(scope="module")
def table() -> Iterator[duckdb.DuckDBPyConnection]:
    """Three records of two text columns, where nothing outside can be reached."""
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute(
        "CREATE TABLE t AS SELECT * FROM (VALUES ('x', '1'), (NULL, 'é'), ('', 'z')) v(c0, c1)"
    )
    yield connection
    connection.close()


def nodes(tree: object) -> Iterator[dict]:
    """Every object of a parsed statement."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def check(table: duckdb.DuckDBPyConnection, text: str) -> None:
    started = time.process_time()
    try:
        sql = compile_expression(text, resolved, "test")
    except ConfigurationError as error:
        assert error.problem.code in {"E-ING-108", "E-ING-109"}
        return
    finally:
        assert time.process_time() - started < 5
    statement = f"SELECT {sql} AS value FROM t"
    parsed = json.loads(table.execute(f"SELECT json_serialize_sql({literal(statement)})").fetchone()[0])
    if parsed["error"]:
        return  # no SQL of DuckDB: the check of the whole mapping refuses it
    (only,) = parsed["statements"]
    assert len(only["node"]["select_list"]) == 1
    for node in nodes(only["node"]["select_list"]):
        assert node.get("class") not in {"SUBQUERY", "WINDOW", "LAMBDA", "STAR", "PARAMETER"}, text
        if node.get("class") == "COLUMN_REF":
            assert node["column_names"][-1] in {"c0", "c1"}, text
        if node.get("class") == "FUNCTION":
            assert node["function_name"].lower() in HARMLESS, (text, node["function_name"])
    try:
        assert len(table.execute(statement).fetchall()) == 3, text
    except duckdb.Error as error:
        assert not isinstance(
            error, (duckdb.InternalException, duckdb.FatalException, duckdb.PermissionException)
        )


@settings(max_examples=600, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(text=expressions())
@example(text="(" * 3000)
@example(text="(" * 5000 + '"a"' + ")" * 5000)
@example(text="not " * 5000 + '"a"')
@example(text="case when " * 3000)
@example(text="'\ud800'")
@example(text="'\0'")
def test_an_expression_is_refused_or_a_scalar_of_the_record(
    table: duckdb.DuckDBPyConnection, text: str
) -> None:
    check(table, text)


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=expressions())
def test_very_many_expressions_are_refused_or_scalars(table: duckdb.DuckDBPyConnection, text: str) -> None:
    check(table, text)
