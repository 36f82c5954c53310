"""`etalon map`: exit codes, questions on a terminal, and what is left when nobody answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingest import collect
from ingest.strict_yaml import UNDECIDED_TAG
from orchestration.cli import etalon
from orchestration.commands import exit_codes

ROWS = [
    "Id;Nom complet;Courriel;Créé le",
    *[f"U{i};Zoé Français {i};zoe{i}@exemple.fr;2026-05-{i % 28 + 1:02d} 09:00:00" for i in range(40)],
]


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "utilisateurs.csv"
    path.write_bytes(("\n".join(ROWS) + "\n").encode("cp1252"))
    return path


@pytest.fixture
def company(tmp_path: Path) -> Path:
    root = tmp_path / "company"
    root.mkdir()
    (root / "company.yml").write_text(
        "version: 1\ncompany: site\nreporting_currency: CHF\ntimezone: Europe/Zurich\ncycle: 2026-06\n"
        "sources: [{instance: crm, mapping: utilisateurs.yml, folder: crm}]\n"
    )
    return root


def invoke(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(etalon, ["map", *arguments], input=answers)


def test_a_file_that_proves_everything_gives_a_mapping_that_loads_and_exits_0(
    extract: Path, company: Path
) -> None:
    result = invoke(str(extract), "--contract", "crm_user", "--company", str(company))
    assert result.exit_code == exit_codes.DONE, result.output
    (company / "extracts" / "crm").mkdir(parents=True)
    (company / "extracts" / "crm" / extract.name).write_bytes(extract.read_bytes())
    assert collect(company).kept == 40


def test_open_questions_exit_4_and_are_listed_with_their_options(extract: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.yml"
    result = invoke(str(extract), "--contract", "crm_contact", "--out", str(out), "--json")
    assert result.exit_code == exit_codes.UNDECIDED
    content = json.loads(result.output)
    assert content["status"] == "open_questions" and content["rows"] == 40
    (zone,) = [q for q in content["questions"] if q["key"] == "defaults.timezone"]
    assert "Europe/Paris" in zone["options"] and zone["evidence"]
    assert UNDECIDED_TAG in out.read_text(encoding="utf-8")


def test_questions_are_asked_on_a_terminal_again_until_the_answer_can_be_used(
    extract: Path, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.commands.map.is_terminal", lambda: True)
    result = invoke(
        str(extract), "--contract", "crm_contact", "--company", str(company), answers="Mars/Olympus\n1\n"
    )  # fmt: skip
    assert result.exit_code == exit_codes.DONE, result.output
    # The zone of company.yml is offered first, never taken by itself.
    assert "1. Europe/Zurich" in result.output and "Mars/Olympus" in result.output
    text = (company / "utilisateurs.yml").read_text(encoding="utf-8")
    assert "timezone: Europe/Zurich" in text and "answered by a person" in text


def test_an_empty_answer_leaves_the_question_open(
    extract: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.commands.map.is_terminal", lambda: True)
    out = tmp_path / "m.yml"
    result = invoke(
        str(extract), "--contract", "crm_contact", "--out", str(out), "--language", "fr", answers="\n"
    )
    assert result.exit_code == exit_codes.UNDECIDED
    assert "Dans quel fuseau horaire" in result.output and "fuseau" in out.read_text(encoding="utf-8")


def test_a_mapping_that_exists_is_never_overwritten(extract: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.yml"
    out.write_text("mine")
    result = invoke(str(extract), "--contract", "crm_user", "--out", str(out))
    assert result.exit_code == exit_codes.USAGE
    assert out.read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 an XLSX", b'[{"a": 1}]', b"x" * (2 << 20)])
def test_a_file_that_is_no_delimited_text_exits_65_and_writes_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    result = invoke(str(path), "--contract", "crm_user", "--out", str(tmp_path / "m.yml"))
    assert result.exit_code == exit_codes.DATA_REFUSED
    assert not (tmp_path / "m.yml").exists()


def test_an_unknown_contract_is_a_usage_error_with_the_nearest_name(extract: Path, tmp_path: Path) -> None:
    result = invoke(str(extract), "--contract", "crm_leads", "--out", str(tmp_path / "m.yml"))
    assert result.exit_code == exit_codes.USAGE
    assert "crm_lead" in result.output
