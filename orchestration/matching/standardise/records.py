"""Records in one spelling: from a table and its roles to the table `standardised`.

Each role's expressions run over its distinct values and are joined back. Columns exist for mapped roles only.
What does NOT belong here: values shared by many records (see linkage.shared_values), comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pyarrow as pa

from ingest.sql import ident
from orchestration.matching.standardise import companies, contact_points, identifiers, persons, places
from orchestration.matching.standardise.text import blank_to_null, plain_words, sorted_words

#: Roles whose builders read the words of the value, computed first: built into each, DuckDB plans for half a second.
_WORDS: dict[str, Callable[[str], str]] = {
    "given_name": persons.name_words, "family_name": persons.name_words, "company": plain_words, "name": plain_words,
}  # fmt: skip
#: role -> derived column -> SQL over the columns that _DERIVED gives.
_FURTHER = {"name": {"name_words": sorted_words("name")}}
#: role -> derived column -> SQL builder over the value, or over its words.
_DERIVED: dict[str, dict[str, Callable[[str], str]]] = {
    "given_name": {"given": persons.joined, "given_words": lambda words: words},
    "family_name": {
        "family": persons.joined, "family_core": persons.family_core, "family_words": lambda words: words,
    },
    "full_name": {
        "given": persons.given_of_full,
        "family": persons.family_of_full,
        "family_core": persons.family_of_full,
        "full_words": persons.name_words,
    },
    "birth_date": {"birth_date": places.birth_date},
    "national_id": {"national_id": lambda v: f"nullif(upper(regexp_replace({v}, '[^A-Za-z0-9]+', '', 'g')), '')"},
    "email": {
        "email": contact_points.email_address, "email_host": contact_points.host_name,
    },
    "company": {"company": companies.company_core_name},
    "name": {
        "name": companies.company_core_name, "legal_form": companies.company_legal_form,
    },
    "registration_number": {
        "siren": identifiers.siren, "siret": identifiers.siret,
        "registration_number": lambda v: f"upper(regexp_replace({v}, '[^A-Za-z0-9]+', '', 'g'))",
    },
    "vat_number": {"vat_text": lambda v: v},
    "website": {"website_host": contact_points.host_name},
    "address": {"number": places.street_number, "street": places.street_name},
    "street_number": {"number": lambda v: f"nullif(ltrim(regexp_extract({v}, '[0-9]+'), '0'), '')"},
    "street": {"street": places.street_name},
    "postal_code": {"postal_code": places.postal_code},
    "city": {"city": places.city_name},
    "region": {"region": plain_words},
    "country": {"country": plain_words},
}  # fmt: skip


def standardise(
    con: duckdb.DuckDBPyConnection, source: str, roles: Mapping[str, str], region: str | None = None
) -> list[str]:
    """Create table `standardised` (node, record_key, source and the derived columns) from table `source`.

    source: table with columns record_key (unique text), source (text) and one text column per mapped role;
    roles: role -> column. region: ISO 3166-1 alpha-2 of phones without a prefix, None for none.
    Returns the derived columns. Rows are numbered (node) in record_key order: the order of `source` is without effect.
    """
    values = ", ".join(f"{blank_to_null(ident(column))} AS {role}" for role, column in roles.items())
    con.execute(
        "CREATE OR REPLACE TEMP TABLE raw_values AS SELECT row_number() OVER (ORDER BY record_key) - 1 AS node, "
        f"record_key, source{', ' if values else ''}{values} FROM {source}"
    )
    selected: dict[str, list[str]] = {}
    joins: list[str] = []
    scratch: list[str] = []
    for role in roles:
        builders = dict(_DERIVED.get(role, {}))
        if role in ("phone", "mobile"):
            builders = {role: lambda v: contact_points.phone_number(v, region)}
        table = f"values_of_{role}"
        given, distinct = "value", f"SELECT DISTINCT {role} AS value FROM raw_values WHERE {role} IS NOT NULL"
        if role in _WORDS:
            given, distinct = "words", f"SELECT value, {_WORDS[role]('value')} AS words FROM ({distinct})"
        derived = ", ".join(f"{build(given)} AS {column}" for column, build in builders.items())
        further = "".join(f", {sql} AS {column}" for column, sql in _FURTHER.get(role, {}).items())
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT *{further} "
            f"FROM (SELECT value, {derived} FROM ({distinct}))"
        )
        scratch.append(table)
        _complete(con, role, table)
        joins.append(f"LEFT JOIN {table} AS {role}_ ON raw.{role} = {role}_.value")
        columns = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall() if row[0] != "value"]
        for column in columns:
            selected.setdefault(column, []).append(f"{role}_.{column}")
    expressions = _final_expressions(selected)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE standardised AS SELECT raw.node, raw.record_key, raw.source"
        + "".join(f", {sql} AS {column}" for column, sql in expressions.items())
        + f" FROM raw_values AS raw {' '.join(joins)}"
    )
    for table in (*scratch, "raw_values"):
        con.execute(f"DROP TABLE {table}")
    return list(expressions)


def _complete(con: duckdb.DuckDBPyConnection, role: str, table: str) -> None:
    """Columns whose rules are Python over distinct identifiers: VAT checksums, public suffixes."""
    if role == "vat_number":
        _join_back(con, table, "vat_text", identifiers.vat_numbers, "value", ["vat_number"])
    if role in ("email", "website"):
        column = f"{role}_host"
        _join_back(con, table, column, contact_points.registered_domains, "host", ["domain", "is_shared"])
        is_mail = role == "email"
        domain = f"{'email_domain' if is_mail else 'domain'}"
        generic = f", {contact_points.is_generic_mailbox('email')} AS is_generic_email" if is_mail else ""
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * EXCLUDE ({column}, domain, is_shared), "
            f"CASE WHEN NOT is_shared THEN domain END AS {domain}{generic} FROM {table}"
        )


def _join_back(
    con: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    rule: Callable[[pa.ChunkedArray], pa.Table],
    key: str,
    added: list[str],
) -> None:
    distinct = con.sql(
        f"SELECT DISTINCT {column} AS v FROM {table} WHERE {column} IS NOT NULL ORDER BY v"
    ).to_arrow_table()
    con.register("rule_results", rule(distinct["v"]))
    columns = ", ".join(f"r.{each}" for each in added)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT t.*, {columns} FROM {table} AS t "
        f"LEFT JOIN rule_results AS r ON t.{column} = r.{key}"
    )
    con.unregister("rule_results")


def _final_expressions(selected: dict[str, list[str]]) -> dict[str, str]:
    """Derived column -> SQL over the joined values; a column that two roles give takes the first that holds."""
    found = {column: f"coalesce({', '.join(sources)})" for column, sources in selected.items()}
    words = [found.pop(column, None) for column in ("given_words", "family_words")]
    parts = ", ".join(each for each in words if each)
    keys = [f"nullif(concat_ws(' ', {parts}), '')"] if parts else []
    keys += [found.pop("full_words")] if "full_words" in found else []
    if keys:
        found["name_key"] = sorted_words(f"coalesce({', '.join(keys)})")
    found.pop("vat_text", None)
    if "vat_number" in found:
        french = (
            f"CASE WHEN starts_with({found['vat_number']}, 'FR') THEN right({found['vat_number']}, 9) END"
        )
        valid = identifiers.siren(french)
        found["siren"] = f"coalesce({found['siren']}, {valid})" if "siren" in found else valid
    return found
