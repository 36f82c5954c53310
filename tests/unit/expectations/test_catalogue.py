"""The rule catalogue is read strictly."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from expectations.catalogue import RULES, CatalogueError, load_catalogue
from expectations.checks import Unique
from ingest.contract import load_contracts

FILES = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(RULES.glob("*.yml"))]
DOCUMENT = {
    "tables": next(each["tables"] for each in FILES if "tables" in each),
    "rules": [rule for each in FILES for rule in each.get("rules", ())],
}


def rule(rule_id: str) -> dict:
    return next(each for each in DOCUMENT["rules"] if each["id"] == rule_id)


def load(tmp_path: Path, *rules: dict, tables: dict | None = None):
    path = tmp_path / "rules.yml"
    document = {"version": 1, "tables": tables or DOCUMENT["tables"], "rules": list(rules)}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_catalogue(path)


@pytest.mark.parametrize(
    ("rule_id", "change", "said"),
    [
        ("R-CRM-003", {"colum": "created_at"}, "colum"),
        ("R-CRM-003", {"column": None}, "column"),
        ("R-CRM-003", {"kind": "not_nul"}, "kind"),
        ("R-CRM-003", {"id": "R-QQQ-001"}, "id"),
        ("R-CRM-003", {"severity": "blocker"}, "severity"),
        ("R-CRM-003", {"tolerance": 0.02}, "decimal in quotes"),
        ("R-CRM-003", {"tolerance": "1"}, "less than 1"),
        ("R-CRM-003", {"min_rows": 0}, "min_rows"),
        ("R-CRM-003", {"owner": ""}, "owner"),
        ("R-CRM-003", {"reason_code": "because"}, "because is not in reasons.yml"),
        ("R-CRM-003", {"question": {"en": "Is every lead dated?"}}, "question.fr"),
        ("R-CRM-003", {"table": "staging.stg_crm__leeds"}, "not in the index of tables"),
        ("R-CRM-003", {"table": "leads; drop table x"}, "table"),
        ("R-CRM-003", {"needs": ["crm_leeds"]}, "no contract"),
        ("R-CRM-003", {"key": ["email"]}, "direct identifier"),
        ("R-CRM-012", {"pattern": "[0-9"}, "pattern"),
        ("R-ERP-003", {"population": "delete from staging.stg_erp__invoices"}, "select"),
        ("R-LED-002", {"max_difference": 0.01}, "decimal in quotes"),
        ("R-TEL-002", {"min": None, "max": None}, "min, max or both"),
    ],
)
def test_a_wrong_rule_is_refused_and_the_reason_names_it(rule_id, change, said, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        load(tmp_path, {**rule(rule_id), **change})
    assert said in str(caught.value)
    assert "E-EXP-001" in str(caught.value)


def test_an_id_written_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="R-CRM-003"):
        load(tmp_path, rule("R-CRM-003"), rule("R-CRM-003"))


def test_two_checks_of_one_rule_on_one_table_are_refused(tmp_path: Path) -> None:
    twice = {**rule("R-CRM-013"), "targets": [rule("R-CRM-013")["targets"][0]] * 2}
    with pytest.raises(CatalogueError, match="one check per table"):
        load(tmp_path, twice)


def test_a_table_fed_by_no_contract_is_refused(tmp_path: Path) -> None:
    tables = {
        **DOCUMENT["tables"],
        "staging.stg_x": {"layer": "raw", "key": ["record_key"], "fed_by": ["nothing"]},
    }
    with pytest.raises(CatalogueError, match=r"staging\.stg_x: no contract"):
        load(tmp_path, rule("R-CRM-003"), tables=tables)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("version: 1\ntables: {}\nrules: []\nrules: []\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="rules"):
        load_catalogue(path)


def test_every_model_that_people_or_marts_read_is_in_the_index_and_nothing_else() -> None:
    models = Path(__file__).parents[3] / "dbt_project" / "models"
    folders = {
        "staging": "staging",
        "master/entities": "master",
        "master/facts": "master",
        "master/lineage": "master",
        "metrics": "metrics",
        "marts": "marts",
    }
    built = {
        f"{schema}.{file.stem}"
        for folder, schema in folders.items()
        for file in (models / folder).rglob("*.sql")
        if 'materialized="ephemeral"'
        not in file.read_text(encoding="utf-8")  # part of other models, no relation
    }
    # golden_values is computed when somebody asks; a rule would have it computed in every run
    assert set(load_catalogue().tables) == built - {"master.golden_values"}


def test_the_catalogue_covers_every_contract_and_every_table_of_its_index() -> None:
    catalogue = load_catalogue()
    staged = {entry.fed_by[0] for entry in catalogue.tables.values() if entry.layer == "raw"}
    assert staged == set(load_contracts())
    asserted = {check.table for each in catalogue.rules for check in each.checks}
    assert set(catalogue.tables) - asserted == set()


def test_no_rule_asks_an_event_stream_of_staging_for_unique_keys() -> None:
    unique = {
        check.table for each in load_catalogue().rules for check in each.checks if isinstance(check, Unique)
    }
    assert not unique & {"staging.stg_telephony__call_legs", "staging.stg_emailing__events"}


def test_tolerances_are_exact_decimals() -> None:
    assert load_catalogue().rule("R-EML-001").tolerance == Decimal("0.001")


def test_the_catalogue_and_the_gate_do_without_great_expectations() -> None:
    code = (
        "import sys, expectations.runner, expectations.gate, expectations.journal\n"
        "expectations.runner.load_catalogue()\n"
        "assert not [name for name in sys.modules if name.startswith('great_expectations')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
