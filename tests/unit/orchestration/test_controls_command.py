"""`etalon controls` and `etalon journal --rule <source>/<control>` on a company that was collected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest import collect
from orchestration import cli

MAPPING = """
version: 1
source: {system: vendor}
files:
  leads: {path: "{date}/Leads.csv", format: delimited, delimiter: ",", expected_columns: [Id, Email, Created, Changed]}
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: Id
      email: Email
      status: {const: new}
      is_converted: {const: false}
      created_at: Created
      modified_at: Changed
checks:
  - {name: filled, type: completeness, table: crm_lead, column: email, min: 0.9, level: error}
"""
COMPANY = """
version: 1
company: site
reporting_currency: EUR
cycle: 2026-06
sources: [{instance: crm, mapping: mapping.yml, folder: crm}]
"""


def invoke(company: Path, *arguments: str):
    return CliRunner().invoke(cli.etalon, ["controls", "--company", str(company), *arguments])


@pytest.fixture
def company(tmp_path: Path) -> Path:
    (tmp_path / "mapping.yml").write_text(MAPPING)
    (tmp_path / "company.yml").write_text(COMPANY)
    folder = tmp_path / "extracts" / "crm" / "2026-06"
    folder.mkdir(parents=True)
    rows = [
        f"L{i},{'' if i < 8 else f'p{i}@one.example'},2026-06-02,2026-06-0{1 + i % 2}\n" for i in range(40)
    ]
    (folder / "Leads.csv").write_text("Id,Email,Created,Changed\n" + "".join(rows))
    return tmp_path


def test_before_the_first_run_it_says_what_to_do(company: Path) -> None:
    result = invoke(company)
    assert result.exit_code == 74 and "etalon run" in result.output


def test_those_beyond_their_threshold_come_first_and_passed_ones_are_counted(company: Path) -> None:
    collect(company)
    result = invoke(company)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("fail") and "crm/filled" in lines[0] and "80% of 40 rows" in lines[0]
    assert lines[1].startswith("warn") and "crm/Leads.csv" not in lines[1]
    assert "crm/order_crm_lead_created_at_modified_at" in lines[1] and "crm/2026-06/Leads.csv:2" in lines[1]
    assert not any(line.startswith("pass") for line in lines[:-1])
    assert "fail 1" in lines[-1] and "warn 1" in lines[-1] and "pass" in lines[-1]
    assert "one.example" not in result.output
    french = invoke(company, "--failed", "--language", "fr").output
    assert "80 % de 40 lignes" in french and "non évalué" in french


def test_json_lists_every_control_with_its_sentence(company: Path) -> None:
    collect(company)
    found = json.loads(invoke(company, "--json").output)["controls"]
    by_id = {each["control_id"]: each for each in found}
    assert by_id["crm/filled"]["status"] == "fail" and by_id["crm/filled"]["n_failed"] == 8
    assert "pass" in {each["status"] for each in found}
    failed = json.loads(invoke(company, "--json", "--failed").output)["controls"]
    assert {each["status"] for each in failed} == {"fail", "warn"}


def test_an_unknown_source_is_a_usage_error_with_the_nearest_name(company: Path) -> None:
    collect(company)
    result = invoke(company, "--source", "crn")
    assert result.exit_code == 2 and "crm" in result.output


def test_a_control_can_be_waived_by_its_id(company: Path) -> None:
    collect(company)
    (company / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        "crm/filled,,A. Person,form changes in July,2026-06-20,2026-07-15\n"
    )
    assert invoke(company).output.splitlines()[0].startswith("warn")
    assert "waived 1" in invoke(company).output
