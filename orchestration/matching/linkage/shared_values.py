"""Values that many names share: switchboards, shared mailboxes, group domains. They identify no one.

What does NOT belong here: mailboxes that are generic by their name (see standardise.contact_points).
"""

from __future__ import annotations

import duckdb

from orchestration.matching.linkage.model import Model


def set_shared_values_aside(
    con: duckdb.DuckDBPyConnection, model: Model, columns: set[str]
) -> list[dict[str, object]]:
    """Empty the shared values of table `prepared`; the names are counted before any value is emptied.

    Returns one row per column: column, n_values, n_records, max_names.
    """
    found = []
    for rule in model.shared_values:
        if rule.column not in columns:
            continue
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE shared_{rule.column} AS "
            f"SELECT {rule.column} AS value, count(*) AS n_records, "
            f"count(DISTINCT nullif({rule.by}, '')) AS n_names FROM prepared "
            f"WHERE {rule.column} IS NOT NULL GROUP BY ALL HAVING n_names > {rule.max_names}"
        )
        n_values, n_records, largest = con.execute(
            f"SELECT count(*), coalesce(sum(n_records), 0), coalesce(max(n_names), 0) FROM shared_{rule.column}"
        ).fetchall()[0]
        found.append(
            {"column": rule.column, "n_values": n_values, "n_records": int(n_records), "most_names": largest}
        )
    for row in found:
        column = row["column"]
        if row["n_values"]:
            con.execute(
                f"UPDATE prepared SET {column} = NULL WHERE {column} IN (SELECT value FROM shared_{column})"
            )
        con.execute(f"DROP TABLE shared_{column}")
    return found
