"""`etalon waive`: what is written is understood, dated, and about something that exists."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from planted_candidate import every_rule, of_cycle, passing, plant, results_path

from expectations.policy import load_policy
from expectations.results import write_results
from orchestration import cli

TODAY = dt.datetime.now(dt.UTC).date()
UNTIL = f"{TODAY + dt.timedelta(days=30)}"
SAID = ["--author", "Ann Lee", "--reason", "migration of June, ticket 481"]
TABLE = "staging.stg_crm__leads"


def invoke(company: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.etalon, ["waive", arguments[0], "--company", str(company), *arguments[1:]])


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company in the month after its cycle."""
    cycle = f"{TODAY.replace(day=1) - dt.timedelta(days=1):%Y-%m}"
    plant(tmp_path, settings=of_cycle(cycle))
    config = tmp_path / "company.yml"
    config.write_text(config.read_text().replace("cycle: 2026-06", f"cycle: {cycle}"))
    return tmp_path


def test_a_waiver_is_added_listed_renewed_and_removed(company: Path) -> None:
    assert "No waiver" in invoke(company, "list").output
    added = invoke(company, "add", "R-CRM-001", *SAID, "--until", UNTIL)
    assert added.exit_code == 0 and "never as passed" in added.output and "etalon run" in added.output
    (found,) = load_policy(waivers=company / "waivers.csv").waivers
    assert (found.rule_id, found.table_name, found.decided_on, f"{found.expires_on}") == (
        "R-CRM-001",
        None,
        TODAY,
        UNTIL,
    )
    later = f"{TODAY + dt.timedelta(days=60)}"
    again = json.loads(invoke(company, "add", "R-CRM-001", *SAID, "--until", later, "--json").output)
    assert (again["added"]["expires_on"], again["replaced"][0]["expires_on"]) == (later, UNTIL)
    invoke(company, "add", "R-CRM-001", "--table", TABLE, *SAID, "--until", UNTIL)
    listed = json.loads(invoke(company, "list", "--json").output)["waivers"]
    assert [(each["rule_id"], each["table_name"], each["state"]) for each in listed] == [
        ("R-CRM-001", None, "unused"), ("R-CRM-001", TABLE, "unused")
    ]  # fmt: skip
    assert "ne couvre plus rien" in invoke(company, "list", "--language", "fr").output
    assert invoke(company, "remove", "R-CRM-001", "--table", TABLE).exit_code == 0
    assert len(load_policy(waivers=company / "waivers.csv").waivers) == 1
    assert "Removed" in invoke(company, "remove", "R-CRM-001").output
    nothing = invoke(company, "remove", "R-CRM-001")
    assert nothing.exit_code == 2 and "R-CRM-001" in nothing.output


def test_the_list_says_which_waivers_something_fails_under(company: Path) -> None:
    write_results(every_rule([passing("R-CRM-001", status="fail", n_failed=3)]), results_path(company))
    invoke(company, "add", "R-CRM-001", *SAID, "--until", UNTIL)
    (found,) = json.loads(invoke(company, "list", "--json").output)["waivers"]
    assert found["state"] == "in_force"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["R-CRM-999", *SAID, "--until", UNTIL], "R-CRM-0"),
        (["crm/zone", *SAID, "--until", UNTIL], "unknown"),
        (["R-CRM-001", "--table", "staging.stg_crm__laeds", *SAID, "--until", UNTIL], TABLE),
        (["R-CRM-001", *SAID, "--until", f"{TODAY}"], "not after today"),
        (["R-CRM-001", *SAID, "--until", f"{TODAY + dt.timedelta(days=185)}"], "184"),
        (
            ["R-CRM-001", *SAID, "--until", f"{TODAY + dt.timedelta(days=184)}"],
            "day on which the cycle is judged",
        ),
        (["R-CRM-001", *SAID, "--until", "soon"], "soon"),
        (["R-CRM-001", "--author", "Ann Lee", "--reason", "short", "--until", UNTIL], "at least 10"),
        (["R-CRM-001", "--author", " ", "--reason", "a reason long enough", "--until", UNTIL], "at least 2"),
        (["R-CRM-001", "--author", "Ann Lee", "--until", UNTIL], "--reason"),
    ],
)
def test_what_cannot_be_waived_is_a_usage_error_and_writes_nothing(
    company: Path, arguments: list[str], said: str
) -> None:
    result = invoke(company, "add", *arguments)
    assert result.exit_code == 2 and said in result.output
    assert not (company / "waivers.csv").exists()


def test_a_text_that_a_spreadsheet_would_run_is_written_inert_and_read_back(company: Path) -> None:
    reason = '=HYPERLINK("http://x.example";"click")'
    invoke(company, "add", "R-CRM-001", "--author", "@Ann Lee", "--reason", reason, "--until", UNTIL)
    text = (company / "waivers.csv").read_text(encoding="utf-8")
    assert ",'@Ann Lee," in text and "\"'=HYPERLINK" in text
    (found,) = load_policy(waivers=company / "waivers.csv").waivers
    assert (found.author, found.reason) == ("@Ann Lee", reason)


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
"""


def test_the_share_of_quarantine_of_a_source_can_be_waived(company: Path) -> None:
    (company / "mapping.yml").write_text(MAPPING)
    config = company / "company.yml"
    source = "{instance: crm, mapping: mapping.yml, folder: crm}"
    config.write_text(config.read_text().replace("sources: []", f"sources: [{source}]"))
    wrong = invoke(company, "add", "crm/quarantined", "--table", "crm_contact", *SAID, "--until", UNTIL)
    assert wrong.exit_code == 2 and "crm_lead" in wrong.output
    result = invoke(company, "add", "crm/quarantined", "--table", "crm_lead", *SAID, "--until", UNTIL)
    assert result.exit_code == 0, result.output
    (found,) = load_policy(waivers=company / "waivers.csv").waivers
    assert (found.rule_id, found.table_name) == ("crm/quarantined", "crm_lead")


def test_a_waiver_dated_in_the_future_is_listed_as_one_that_does_not_count(company: Path) -> None:
    (company / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        "R-CRM-001,,Ann Lee,migration of June,2135-01-01,2135-06-01\n"
    )
    (found,) = json.loads(invoke(company, "list", "--json").output)["waivers"]
    assert found["state"] == "too_far"
    assert "does not count" in invoke(company, "list").output
