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

    Tables `shared_found` (column_, value), the values known to be shared, and `touched` (node), the records whose
    values are new, are there: values found since join the first, their records the second.
    Returns one row per column: column, n_values, n_records, most_names (both of the values found now).
    """
    found = []
    rules = [rule for rule in model.shared_values if rule.column in columns]
    for rule in rules:
        column = rule.column
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE shared_{column} AS "
            f"SELECT {column} AS value, count(*) AS n_records, "
            f"count(DISTINCT nullif({rule.by}, '')) AS n_names FROM prepared "
            f"WHERE {column} IN (SELECT {column} FROM prepared SEMI JOIN touched USING (node)) "
            f"AND {column} NOT IN (SELECT value FROM shared_found WHERE column_ = '{column}') "
            f"GROUP BY ALL HAVING n_names > {rule.max_names}"
        )
        n_values, n_records, largest = con.execute(
            f"SELECT count(*), coalesce(sum(n_records), 0), coalesce(max(n_names), 0) FROM shared_{column}"
        ).fetchall()[0]
        found.append(
            {"column": column, "n_values": n_values, "n_records": int(n_records), "most_names": largest}
        )
    for rule in rules:
        column = rule.column
        con.execute(
            f"INSERT INTO touched SELECT node FROM prepared WHERE {column} IN (SELECT value FROM shared_{column}) "
            "AND node NOT IN (SELECT node FROM touched);"
            f"INSERT INTO shared_found SELECT '{column}', value FROM shared_{column}; DROP TABLE shared_{column};"
            f"UPDATE prepared SET {column} = NULL WHERE {column} IN "
            f"(SELECT value FROM shared_found WHERE column_ = '{column}')"
        )
    return found
