"""A DuckDB dialect for Great Expectations: each result is read into memory as soon as it is executed.

Great Expectations fetches after its commit, and a DuckDB cursor is empty by then. The results it asks for
are counts and lists of columns; one that is larger is refused. Verified with great-expectations 1.24.1,
duckdb-engine 0.17.0 and SQLAlchemy 2.0.58; SQLAlchemy 2.1 breaks duckdb-engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from duckdb_engine import Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

LARGEST_RESULT = 10_000  # a count is one row, a list of columns some hundreds


class BufferedContext(Dialect.execution_ctx_cls):
    """Execution context that drains its cursor at once."""

    def post_exec(self) -> None:
        if not self.cursor.description:
            return
        # Names only: results outlive the connection, DuckDB's type objects should not.
        description = [(column[0], *[None] * 6) for column in self.cursor.description]
        rows = self.cursor.fetchmany(LARGEST_RESULT + 1)
        if len(rows) > LARGEST_RESULT:
            raise OverflowError(
                f"a suite asked for more than {LARGEST_RESULT} rows; it counts in SQL instead"
            )
        self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            self.cursor, alternate_description=description, initial_buffer=rows
        )


class BufferedDialect(Dialect):
    """`duckdb+buffered:///<file>`."""

    execution_ctx_cls = BufferedContext
    supports_statement_cache = False

    def connect(self, *arguments: Any, **parameters: Any) -> Any:
        connection = super().connect(*arguments, **parameters)
        connection.execute("set TimeZone = 'UTC'")
        return connection


registry.register("duckdb.buffered", __name__, "BufferedDialect")


def connection_string(warehouse: Path, settings: dict[str, str]) -> str:
    """URL of a warehouse opened read only with DuckDB `settings`."""
    options = {"access_mode": "read_only", **settings}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"duckdb+buffered:///{quote(str(warehouse), safe='/')}?{query}"
