"""The dbt project without data: staging repeats the contracts and the row ledger names all of them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import pytest

from ingest.contract import load_contracts

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"


@pytest.mark.parametrize("contract", sorted(load_contracts()))
def test_the_staging_view_selects_every_column_of_its_contract(contract: str) -> None:
    staging = (PROJECT / "models" / "staging").rglob("*.sql")
    views = [p for p in staging if f"source('raw', '{contract}')" in p.read_text(encoding="utf-8")]
    assert len(views) == 1
    text = views[0].read_text(encoding="utf-8")
    missing = [c for c in load_contracts()[contract].names if f"records.{c}" not in text]
    assert not missing


def test_the_row_ledger_names_every_contract() -> None:
    text = (PROJECT / "macros" / "ledger_terms.sql").read_text(encoding="utf-8")
    listed = text.split("ledger_contracts() -%}")[1].split("endmacro")[0]
    assert set(re.findall(r"'(\w+)'", listed)) == set(load_contracts())


class Refused(Exception):
    """What dbt raises for a model that must not be built."""


def admitted(found: list[tuple]) -> None:
    """Run the pre-hook of the marts where the settings and the verdict on file give these rows."""

    def refuse(message: str) -> None:
        raise Refused(message)

    text = (PROJECT / "macros" / "require_admitted_cycle.sql").read_text(encoding="utf-8")
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(
        text,
        {
            "execute": True,
            "flags": SimpleNamespace(WHICH="build"),
            "source": lambda schema, table: f"{schema}.{table}",
            "load_relation": lambda relation: relation,
            "run_query": lambda query: SimpleNamespace(rows=found),
            "exceptions": SimpleNamespace(raise_compiler_error=refuse),
        },
    )
    template.module.require_admitted_cycle()


@pytest.mark.parametrize(
    "found",
    [[], [("2026-05", None, None)], [("2026-05", "2026-05", "held")], [("2026-05", "2026-05", None)]],
    ids=["no cycle in the settings", "verdict of another cycle", "held", "verdict without a value"],
)
def test_marts_are_not_built_without_an_admitted_cycle(found: list[tuple]) -> None:
    with pytest.raises(Refused, match="etalon check"):
        admitted(found)


@pytest.mark.parametrize("verdict", ["publish", "publish_with_warnings"])
def test_marts_are_built_for_an_admitted_cycle(verdict: str) -> None:
    admitted([("2026-05", "2026-05", verdict)])


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Customer Success Manager", "customer_success"),
        ("Key Account Manager, Customer Success", "kam"),
        ("Responsable relation client", "manager"),
        ("Customer Care Agent", "other"),
        ("Sales Manager", "manager"),
    ],
)
def test_a_title_gives_the_role_of_its_first_sign(title: str, role: str) -> None:
    text = (PROJECT / "macros" / "rep_roles.sql").read_text(encoding="utf-8")
    stub = {
        "regexp_replace_all": lambda value, pattern, by: f"regexp_replace({value}, '{pattern}', '{by}', 'g')"
    }
    macros = jinja2.Environment().from_string(text, stub).module
    with duckdb.connect() as con:
        assert con.execute(f"select {macros.rep_role_code(repr(title))}").fetchone() == (role,)
