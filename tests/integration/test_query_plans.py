"""No model compares every row of one relation with every row of another.

DuckDB turns a join condition that it cannot look up, such as an equality with a CASE that asks for one of a list, into
every pair and a filter: milliseconds on a small company, ten minutes on 300,000 leads. The plans are read, so that the
size of the data does not matter. What does NOT belong here: how long a query takes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import duckdb
import pytest

from tests.compiled_models import compiled_models

#: Operators that look one side up in the other by equality.
BY_EQUALITY = {"HASH_JOIN", "LEFT_DELIM_JOIN", "RIGHT_DELIM_JOIN", "ASOF_JOIN"}
#: Operators that have as many rows as their only input, or fewer.
NO_MORE_ROWS = {"PROJECTION", "FILTER", "ORDER_BY", "HASH_GROUP_BY", "WINDOW", "DISTINCT"}
#: Relations of a fixed, small number of rows, whatever the company; seeds and lists in the SQL are short too.
SHORT = {
    "run.settings": "one row",
    "stewardship.survivorship_rules": "one row an attribute",
    "statistics.deal_models": "one row",
}
#: Model -> how many of its joins compare all rows of two relations, and why that stays small.
DECLARED = {
    "int_subscription_months": (1, "the result is a row for each subscription and month it runs"),
    "fct_opportunity_snapshots": (1, "the result is a row for each opportunity and month it is open"),
    "fct_stage_win_rates": (1, "months of closings, twelve of which belong to a month"),
    "mart_accounts_strategic_month": (
        1,
        "the result is a row for each account listed and month it is on the list",
    ),
    "fct_rep_months": (1, "the result is a row for each seller and month of employment"),
    "fct_pipeline_coverages": (1, "the result is a row for each target and quarter that it covers"),
    "mart_finance_orders_month": (1, "the result is a row for each segment and month since its first order"),
    "mart_sales_reps_month": (1, "the result is a row for each month and segment of sellers"),
    "mart_sales_trigger_events_cycle": (1, "two outcomes and the few kinds of events"),
    "fct_handoffs": (1, "the days on which deals were won and the people of customer success"),
    "fct_quota_months": (1, "the result is a row for each target and month that it covers"),
}


def plan_of(con: duckdb.DuckDBPyConnection, query: str) -> dict:
    """The physical plan of a query, whatever the tables hold."""
    # Sizes and bounds of a small company fold joins away that a large one has.
    con.execute("set disabled_optimizers = 'statistics_propagation,empty_result_pullup'")
    found = con.execute(f"explain (format json) {query}").fetchall()
    return json.loads(found[0][1])[0]


def joins_of_all_with_all(plan: dict) -> list[str]:
    """Joins that are no look-up, unless one side is short."""
    ctes = {
        node["extra_info"]["Table Index"]: node["children"][0]
        for node in _nodes(plan)
        if node["name"] == "CTE"
    }
    return [
        f"{node['name']} {node['extra_info'].get('Conditions') or node['extra_info'].get('Condition')}"
        for node in _nodes(plan)
        if ("JOIN" in node["name"] or node["name"] == "CROSS_PRODUCT")
        and node["name"] not in BY_EQUALITY
        and not any(_is_short(side, ctes) for side in node["children"])
    ]


def _nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan.get("children", []):
        yield from _nodes(child)


def _is_short(node: dict, ctes: dict[str, dict]) -> bool:
    name, told = node["name"].strip(), node.get("extra_info", {})
    if name == "SEQ_SCAN":
        relation = told["Table"].removeprefix("warehouse.").replace('"', "")
        return relation in SHORT or relation.startswith("reference.")
    if name in ("UNGROUPED_AGGREGATE", "DUMMY_SCAN", "COLUMN_DATA_SCAN"):
        return True
    if name == "CTE_SCAN":
        return told["CTE Index"] in ctes and _is_short(ctes[told["CTE Index"]], ctes)
    if name == "CTE":
        return _is_short(node["children"][1], ctes)
    if name == "UNION" or "JOIN" in name or name == "CROSS_PRODUCT":
        return all(_is_short(side, ctes) for side in node["children"])
    return name in NO_MORE_ROWS and _is_short(node["children"][0], ctes)


@pytest.fixture(scope="module")
def warehouse(demo_run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the warehouse in which the short files are tables: the scan of a file does not name it."""
    path = tmp_path_factory.mktemp("plans") / "warehouse.duckdb"
    shutil.copy(demo_run.work / "warehouse.duckdb", path)
    with duckdb.connect(str(path)) as con:
        for relation in SHORT:
            con.execute(f"create temp table held as from {relation}; drop view {relation}")
            con.execute(f"create table {relation} as from held; drop table held")
        yield con


def test_no_model_or_test_compares_every_row_with_every_row(demo_run, warehouse) -> None:
    models = compiled_models(demo_run.work / "dbt")
    assert len(models) > 90
    found = {name: joins_of_all_with_all(plan_of(warehouse, query)) for name, query in models.items()}
    undeclared = {
        name: joins for name, joins in found.items() if len(joins) != DECLARED.get(name, (0, ""))[0]
    }
    assert not undeclared


#: The condition by which persons once found a company by the domain of their mailbox, and shorter ones.
LISTED = "('co', 'com', 'org', 'net', 'gov', 'gouv', 'edu', 'ac', 'asso', 'or', 'ne')"
CONDITIONS = {
    "case with a list": f"case when split_part(p.email, '.', -2) in {LISTED} then p.email "
    "else split_part(p.email, '@', 2) end = c.domain",
    "case over both sides": "case when c.is_own then p.email else c.domain end = c.domain",
    "or": "p.email = c.domain or split_part(p.email, '@', 2) = c.domain",
    "inequality": "p.person_id < c.company_id",
    "nothing": "true",
}


@pytest.mark.parametrize("shape", CONDITIONS)
def test_a_join_that_cannot_be_looked_up_is_found(shape: str) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table persons as select i as person_id, 'p@c' || i || '.fr' as email from range(1000) as r(i)"
        )
        con.execute(
            "create table companies as select i as company_id, 'c' || i || '.fr' as domain, i % 9 = 0 as is_own "
            "from range(900) as r(i)"
        )
        query = f"select count(*) from persons as p join companies as c on {CONDITIONS[shape]}"
        assert joins_of_all_with_all(plan_of(con, query))


@pytest.mark.parametrize(
    "query",
    [
        "from companies join persons on person_id = company_id",
        "from persons cross join (select max(company_id) as most from companies) where person_id < most",
        "from (select split_part(email, '@', 2) as domain from persons) join companies using (domain)",
        "from persons where email not in (select domain from companies)",
    ],
)
def test_a_look_up_and_a_single_row_are_no_findings(query: str) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table persons as select i as person_id, 'p@c' || i || '.fr' as email from range(1000) as r(i)"
        )
        con.execute(
            "create table companies as select i as company_id, 'c' || i || '.fr' as domain from range(900) as r(i)"
        )
        assert joins_of_all_with_all(plan_of(con, query)) == []
