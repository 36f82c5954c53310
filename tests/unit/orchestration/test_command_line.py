"""The command line without a run: help, start-up, texts, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from planted_candidate import MANIFEST, plant

from ingest.errors import ConfigurationError, RefusedFile, catalogue
from orchestration import cli, masking
from orchestration.access.errors import AccessError
from orchestration.commands import exit_codes, output
from orchestration.cycles.errors import CycleError
from orchestration.dbt_running import DbtStepFailedError
from orchestration.experiments.errors import ExperimentError
from orchestration.impact.errors import ImpactError
from orchestration.matching.errors import MatchingError
from orchestration.project import ROOT, source_files
from orchestration.publication import NotAdmittedError, publish
from orchestration.publication.moved_figures import SilentChangeError
from orchestration.reporting.printing import PrintError
from orchestration.run_lock import LockedByAnotherRunError
from orchestration.stewardship.errors import StewardshipError
from orchestration.worklists.errors import WorklistError

COMPANY_YML = """\
version: 1
company: new
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
conversion_window_days: 21
conversation_min_s: 15
sources: []
"""


def invoke(*arguments: str):
    return CliRunner().invoke(cli.etalon, list(arguments))


@pytest.mark.parametrize("name", list(cli._COMMANDS))
def test_every_command_has_help_with_examples_and_json(name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output and "--json" in result.output and "--company" in result.output


def test_the_exit_codes_are_in_the_help() -> None:
    text = invoke("--help").output
    for code in (exit_codes.HELD, exit_codes.DATA_REFUSED, exit_codes.IO_ERROR, exit_codes.LOCKED):
        assert re.search(rf"^ +{code} ", text, re.MULTILINE)
    assert re.search(rf"^ +{exit_codes.USAGE} .*doctor.*damaged", text, re.MULTILINE)
    assert f"{exit_codes.USAGE} usage or configuration (and whatever `doctor` finds bad" in (
        (ROOT / "README.md").read_text(encoding="utf-8")
    )


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command that does something."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    return [
        words
        for name in command.list_commands(context)
        for words in _leaves(command.get_command(context, name), (*path, name))
    ]


@pytest.mark.parametrize("words", _leaves(cli.etalon), ids=" ".join)
def test_a_wrong_use_of_any_command_is_told_in_json_where_json_was_asked(words: tuple[str, ...]) -> None:
    found = invoke(*words, "--json", "--no-such-option")
    assert found.exit_code == exit_codes.USAGE and found.stderr == ""
    told = json.loads(found.stdout)
    assert (told["status"], told["exit_code"]) == ("error", exit_codes.USAGE)
    assert "--no-such-option" in told["error"] and told["next"] == f"etalon {' '.join(words)} --help"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("where",), "Missing argument"),
        (("journal", "--reason", "no_such_reason"), "no_such_reason"),
        (("run", "--cycle", "2026-13"), "2026-13"),
        (("steward",), "--json"),
        (("steward", "shwo"), "shwo"),
        (("nothing",), "nothing"),
        (("--company", "x", "run"), "--company"),
    ],
)
def test_what_is_wrong_with_a_use_is_said_in_json(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "company.yml").write_text(COMPANY_YML, encoding="utf-8")
    place = ("--company", str(tmp_path)) if arguments[0] in ("where", "journal", "run") else ()
    found = invoke(*arguments, *place, "--json")
    assert found.exit_code == exit_codes.USAGE and said in json.loads(found.stdout)["error"]
    plain = invoke(*arguments, *place)
    assert plain.exit_code == exit_codes.USAGE and plain.stdout == "", "people read it on the other stream"


def test_an_argument_that_reads_json_asks_for_none() -> None:
    found = invoke("where", "--no-such-option", "--", "--json")
    assert found.exit_code == exit_codes.USAGE and found.stdout == "" and "no-such-option" in found.stderr
    assert invoke("run", "--json", "--help").stdout.startswith("Usage:")


def test_help_imports_none_of_the_heavy_tools() -> None:
    script = (
        "import sys; from orchestration.cli import etalon\n"
        "try: etalon.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'dagster', 'dbt', 'duckdb', 'pyarrow', 'pandas', 'great_expectations', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


def test_the_nothing_new_answer_imports_neither_dagster_nor_dbt() -> None:
    script = (
        "import sys, orchestration.commands.run, orchestration.nothing_new, ingest, expectations.policy\n"
        "heavy = {'dagster', 'dbt', 'pandas', 'great_expectations'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LockedByAnotherRunError({"pid": "7", "run_id": "r", "started_at": "t"}), exit_codes.LOCKED),
        (NotAdmittedError("the gate holds"), exit_codes.HELD),
        (SilentChangeError([("cr", "2026-05")]), exit_codes.HELD),
        (OSError("disk full"), exit_codes.IO_ERROR),
        (ConfigurationError("E-ING-105", "company.yml", detail="x"), exit_codes.USAGE),
        (DbtStepFailedError("master", None, "x"), exit_codes.FAILED),
    ],
)
def test_errors_become_the_documented_exit_codes(error: Exception, code: int) -> None:
    for language in ("en", "fr"):
        found, message, _ = output.describe_error(error, language)
        assert found == code and message


@pytest.mark.parametrize(
    "command",
    [
        ("thresholds", "list"),
        ("exclusions", "propose"),
        ("contactable", "per_1"),
        ("report",),
        ("journal",),
        ("controls",),
        ("outliers", "list"),
        ("explain", "cr"),
        ("quarantine", "list"),
        ("metrics", "query", "cr"),
    ],
)
def test_before_the_first_run_every_command_says_to_run(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "company.yml").write_text(COMPANY_YML, encoding="utf-8")
    for language, said in (("en", "E-RUN-001 No run yet"), ("fr", "E-RUN-001 Aucune exécution")):
        found = invoke(*command, "--company", str(tmp_path), "--language", language)
        assert found.exit_code == exit_codes.IO_ERROR, found.output
        assert said in found.output and "etalon run" in found.output and "FileNotFound" not in found.output


def test_a_refused_file_is_data_not_usage() -> None:
    error = RefusedFile.__new__(RefusedFile)
    ConfigurationError.__init__(error, "E-ING-105", "x", detail="y")
    assert output.describe_error(error, "en")[0] == exit_codes.DATA_REFUSED


def test_text_from_data_is_made_inert_and_identifiers_in_errors_are_masked() -> None:
    assert masking.inert("a\x1b[31mb\u202ec\x07 é\n") == "a\\x1b[31mb\\u202ec\\x07 é\n"
    text = masking.masked('Duplicate key "email: jean.martin+x@one.example" and phone +33 6 12 34 56 78')
    assert "jean" not in text and "12 34" not in text and "***@***" in text


def test_both_languages_have_the_same_sentences() -> None:
    catalogue = yaml.safe_load(
        (ROOT / "orchestration" / "commands" / "wording.yml").read_text(encoding="utf-8")
    )
    assert catalogue["en"].keys() == catalogue["fr"].keys()


def test_every_error_code_of_the_sources_is_in_the_catalogue() -> None:
    named = {
        code
        for path in source_files("ingest", "expectations", "orchestration")
        if path.suffix == ".py"
        for code in re.findall(r"\bE-[A-Z]{3}-[0-9]{3}\b", path.read_text(encoding="utf-8"))
    }
    assert {"E-EXP-001", "E-ING-001"} <= named
    kinds = (
        *(MatchingError, StewardshipError, ImpactError, WorklistError, ExperimentError, CycleError),
        *(PrintError, AccessError),
    )
    assert named - catalogue().keys() - {code for kind in kinds for code in kind.catalogue()} == set()
    for kind in kinds:
        for code, told in kind.catalogue().items():
            assert told.keys() == {"fr", "en"} and all(
                told[each].keys() == {"what", "why", "next"} for each in told
            ), code


def test_a_wrong_waiver_is_told_in_both_languages_with_the_next_command(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "waivers.csv").write_text("rule_id,author\n")
    for language, words in (("en", "Correct the place named"), ("fr", "Corrigez l'endroit")):
        result = invoke("run", "--company", str(tmp_path), "--language", language)
        assert result.exit_code == exit_codes.USAGE
        assert "E-EXP-001" in result.output and "waivers.csv" in result.output and words in result.output
    found = invoke("doctor", "--company", str(tmp_path))
    assert found.exit_code == exit_codes.USAGE and "waivers.csv" in found.output


def test_a_wrong_contact_policy_stops_a_run_before_it_begins(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "contact_policies.yml").write_text("contact_policies: [{profile_code: nobody}]\n")
    for command in ("run", "doctor"):
        result = invoke(command, "--company", str(tmp_path))
        assert result.exit_code == exit_codes.USAGE
        assert "E-EXP-001" in result.output and "contact_policies.yml" in result.output


def test_a_wrong_class_of_an_outlier_is_found_by_the_doctor(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "stewardship").mkdir(exist_ok=True)
    (tmp_path / "stewardship" / "outlier_classes.csv").write_text("key,class\n")
    found = invoke("doctor", "--company", str(tmp_path))
    assert found.exit_code == exit_codes.USAGE and "outlier_classes.csv" in found.output


def test_a_wrong_cycle_or_company_is_a_usage_error(tmp_path: Path) -> None:
    assert invoke("run", "--company", str(tmp_path), "--cycle", "2026-13").exit_code == exit_codes.USAGE
    missing = invoke("run", "--company", str(tmp_path / "nowhere"), "--json")
    assert missing.exit_code == exit_codes.USAGE
    assert json.loads(missing.output)["exit_code"] == exit_codes.USAGE
    assert not (tmp_path / "nowhere").exists()


def test_publications_are_listed_and_rolled_back_from_the_command_line(tmp_path: Path) -> None:
    first = publish(plant(tmp_path), MANIFEST)
    second = publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST)
    listed = json.loads(invoke("publish", "--company", str(tmp_path), "--list", "--json").output)[
        "publications"
    ]
    assert {row["publication_id"]: row["is_live"] for row in listed} == {
        first.publication_id: False, second.publication_id: True
    }  # fmt: skip
    result = invoke("publish", "--company", str(tmp_path), "--rollback", first.publication_id)
    assert result.exit_code == 0 and first.publication_id in result.output
    for language in ("en", "fr"):
        unknown = invoke(
            "publish", "--company", str(tmp_path), "--rollback", "2020-01-x", "--language", language
        )
        assert unknown.exit_code == exit_codes.USAGE
        assert first.publication_id in unknown.output and second.publication_id in unknown.output


def test_doctor_sees_a_damaged_publication(tmp_path: Path) -> None:
    receipt = publish(plant(tmp_path), MANIFEST)

    def states() -> dict[str, str]:
        content = json.loads(invoke("doctor", "--company", str(tmp_path), "--json").output)
        return {finding["name"]: finding["state"] for finding in content["findings"]}

    assert {states()[name] for name in ("marts", "parquet", "ledger chain")} == {"ok"}
    (receipt.parquet / "dim_products.parquet").write_bytes(b"x")
    assert states()["parquet"] == "bad"
    receipt.marts.write_bytes(b"x")
    assert states()["marts"] == "bad"
    assert invoke("doctor", "--company", str(tmp_path)).exit_code == exit_codes.USAGE


@pytest.mark.parametrize(
    ("option", "value", "nearest"),
    [
        ("--rule", "R-NOPE", "R-"),
        ("--rule", "R-CRM-0003", "R-CRM-003"),
        ("--reason", "superseded_by_never", "superseded_by_newer"),
        ("--contract", "crm_leads", "crm_lead"),
        ("--action", "merged", "merge"),
        ("--source", "crn", "-"),
    ],
)
def test_a_value_that_no_journal_holds_is_a_usage_error_with_the_nearest(
    tmp_path: Path, option: str, value: str, nearest: str
) -> None:
    plant(tmp_path)
    result = invoke("journal", "--company", str(tmp_path), option, value)
    assert result.exit_code == exit_codes.USAGE and option in result.output
    assert nearest in result.output


def test_a_wrong_mapping_name_is_told_before_the_lock_is_taken(tmp_path: Path) -> None:
    plant(tmp_path)
    company = tmp_path / "company.yml"
    source = "sources: [{instance: crm, mapping: salesfroce, folder: crm}]"
    company.write_text(company.read_text().replace("sources: []", source))
    for command in ("run", "check"):
        result = invoke(command, "--company", str(tmp_path))
        assert result.exit_code == exit_codes.USAGE
        assert "E-ING-107" in result.output and "salesforce" in result.output
    assert not (tmp_path / "work" / "run.lock").exists()


@pytest.mark.nightly
def test_help_answers_within_a_second() -> None:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "--help"],
        cwd=ROOT,
        env=os.environ,
        check=True,
        capture_output=True,
    )
    assert time.perf_counter() - start < 1
