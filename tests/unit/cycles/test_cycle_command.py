"""`etalon cycle`: draft, approve, follow, close."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from string import Formatter

import pytest
import yaml
from click.testing import CliRunner, Result
from planted_candidate import MANIFEST, SETTINGS, judge, plant
from planted_notes import CYCLE, change_note, company_of

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.cycles.deltas import kpi_deltas
from orchestration.cycles.note import read_note
from orchestration.publication import NotAdmittedError, publish
from orchestration.publication.judging import decided, run_fingerprint
from orchestration.publication.publishing import read_verdict, refuse
from orchestration.settings import read_settings, write_settings

DECISION = "Answer small inbound leads faster, or more often?"


def invoke(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.etalon, ["cycle", *arguments, "--company", str(root)])


@pytest.mark.audit("FR1", "FR2")
def test_a_note_is_drafted_from_the_company_approved_and_shown(tmp_path: Path) -> None:
    company_of(tmp_path)
    drafted = invoke(tmp_path, "frame", "--decision", DECISION, "--by", "Data team", "--on", "2026-06-01")
    assert drafted.exit_code == 0, drafted.output
    note = read_note(tmp_path, CYCLE)
    assert note.standing == "not_approved"
    assert (note.framing.attribution_window_days, note.framing.contact.min_conversation_seconds) == (21, 15)
    approved = invoke(tmp_path, "approve", "--by", "Zoë Lee", "--on", "2026-06-02", "--json")
    assert json.loads(approved.output)["content_hash"] == note.content_hash
    shown = invoke(tmp_path, "show", "--language", "fr")
    assert DECISION in shown.output and "approuvée par Zoë Lee le 2026-06-02" in shown.output
    content = json.loads(invoke(tmp_path, "show", "--json").output)
    assert content["standing"] == "approved" and content["note"]["decision_sought"] == DECISION
    again = invoke(tmp_path, "frame", "--decision", DECISION, "--by", "Data team")
    assert again.exit_code == exit_codes.USAGE and "E-CYC-002" in again.output


def test_the_next_month_is_framed_like_the_month_before_without_its_approval(tmp_path: Path) -> None:
    company_of(tmp_path)
    change_note(
        tmp_path, "2026-05", attribution_window_days=44, period={"start": "2026-05-02", "end": "2026-06-01"}
    )
    assert invoke(tmp_path, "frame", "--decision", DECISION, "--by", "Data team").exit_code == 0
    framing = read_note(tmp_path, CYCLE).framing
    assert (framing.cycle, framing.attribution_window_days, framing.period) == (CYCLE, 44, None)
    assert (framing.decision_sought, framing.approval) == (DECISION, None)


def test_an_approval_leaves_what_a_person_wrote_as_it_is(tmp_path: Path) -> None:
    company_of(tmp_path)
    path = change_note(tmp_path, approval=None)
    text = (
        "# why: the board asked\n"
        + path.read_text(encoding="utf-8")
        + "\nclosing:\n  lessons: []  # none yet\n"
    )
    path.write_text(text, encoding="utf-8")
    assert invoke(tmp_path, "approve", "--by", "Ann Lee").exit_code == 0
    first = path.read_text(encoding="utf-8")
    assert first.startswith(text.rstrip("\n")) and first.count("approval:") == 1
    path.write_text(first.replace("the board asked", "the board asks", 1), encoding="utf-8")  # a comment
    again = invoke(tmp_path, "approve", "--by", "Bob Ray", "--json")
    assert again.exit_code == exit_codes.USAGE and "E-CYC-006" in again.output and "Ann Lee" in again.output
    assert str(yaml.safe_load(first)["approval"]["approved_on"]) in again.output
    assert "Bob Ray" not in path.read_text(encoding="utf-8")
    french = invoke(tmp_path, "approve", "--by", "Bob Ray", "--language", "fr")
    assert "approuvée telle quelle\u00a0: par Ann Lee le" in french.output
    text = text.replace("minimum_n: 30", "minimum_n: 31")
    path.write_text(first.replace("minimum_n: 30", "minimum_n: 31"), encoding="utf-8")
    assert invoke(tmp_path, "approve", "--by", "Bob Ray").exit_code == 0
    second = path.read_text(encoding="utf-8")
    assert second.startswith(text.rstrip("\n")) and second.count("approval:") == 1 and "Ann Lee" not in second


@pytest.mark.audit("FR15", "EX9", "PB8", "PB11")
def test_a_cycle_closes_with_its_story_its_retrospective_and_three_lessons(tmp_path: Path) -> None:
    company_of(tmp_path)
    told = "Faster answers go with more conversions of small inbound leads."
    change_note(tmp_path, closing={"business_story": told, "lessons": [told, told]})
    refused = invoke(tmp_path, "close", "--by", "Ann Lee", "--language", "fr")
    assert refused.exit_code == exit_codes.USAGE
    assert "E-CYC-003" in refused.output and "retrospective, lessons" in refused.output
    team = {"insights": [told, told], "experiments": [told]}
    change_note(
        tmp_path,
        closing={
            "business_story": told,
            "retrospective": told,
            "lessons": [told] * 3,
            "managers": {"Paris": team},
        },
    )
    closed = json.loads(invoke(tmp_path, "close", "--by", "Ann Lee", "--json").output)
    assert closed["managers"] == {"Paris": {"n_insights": 2, "n_experiments": 1}}
    status = json.loads(invoke(tmp_path, "status", "--json", "--on", "2026-07-07").output)
    assert status["is_closed"] and status["note"] == "approved"
    change_note(tmp_path, minimum_n=99)
    assert "E-CYC-004" in invoke(tmp_path, "close", "--by", "Ann Lee").output


@pytest.mark.audit("PB9", "PB7", "PB19")
def test_the_status_tells_owner_due_date_and_reason_of_every_step(tmp_path: Path) -> None:
    company_of(tmp_path)
    content = json.loads(invoke(tmp_path, "status", "--json", "--on", "2026-07-09").output)
    assert content["stand_ups"] == {"S2": "2026-07-13", "S4": "2026-07-27"}
    found = [(each["step"], each["status"], each["reason"], each["is_late"]) for each in content["steps"]]
    assert found[:3] == [
        ("frame", "open", "framing_missing", True),
        ("collect", "open", "not_collected", True),
        ("clean", "open", "not_judged", False),
    ]
    text = invoke(tmp_path, "status", "--language", "fr", "--on", "2026-07-09").output
    assert "Cadrer" in text and "en retard" in text and "il n'y a pas de note de cadrage" in text
    assert len(text.splitlines()) == 9


def test_commands_without_a_note_say_how_to_make_one(tmp_path: Path) -> None:
    company_of(tmp_path)
    for command in (("approve", "--by", "Ann"), ("close", "--by", "Ann"), ("show",)):
        result = invoke(tmp_path, *command)
        assert result.exit_code == exit_codes.USAGE
        assert (
            "E-CYC-001" in result.output
            and 'etalon cycle frame --cycle 2026-06 --decision "..." --by NAME' in result.output
        )
    assert invoke(tmp_path, "show", "--cycle", "2026-13").exit_code == exit_codes.USAGE


@pytest.mark.audit("FR1", "FR9")
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"approval": None}, "framing_not_approved"),
        ({"minimum_n": 31}, "framing_changed"),
        (None, "framing_missing"),
    ],
)
def test_nothing_is_published_without_an_approved_note(
    tmp_path: Path, values: dict | None, reason: str
) -> None:
    company = plant(tmp_path)
    assert read_verdict(company.work)["verdict"] == "publish"
    if values is None:
        (tmp_path / "cycles" / f"{CYCLE}.yml").unlink()
    else:
        change_note(tmp_path, **values)
    with pytest.raises(NotAdmittedError, match="etalon check"):
        publish(company, MANIFEST)  # the verdict on file is from before
    judge(tmp_path)
    verdict, _ = decided(company, SETTINGS, filled=frozenset())
    assert (verdict.verdict, verdict.reasons) == ("hold", (reason,))
    for language in ("fr", "en"):
        (told,) = [each for each in verdict.lines(language) if "cycles/2026-06.yml" in each]
        assert "etalon cycle" in told
    with pytest.raises(NotAdmittedError):
        publish(company, MANIFEST)
    assert not (company.published / "marts.duckdb").exists()


@pytest.mark.audit("FR1", "EX11")
def test_figures_made_with_another_note_than_the_approved_one_are_held(tmp_path: Path) -> None:
    """A note approved while a run was under way, or after a run without one, is not what it computed with."""
    company = plant(tmp_path, settings=replace(SETTINGS, framing_version=""))
    verdict, _ = decided(company, read_settings(company.work), filled=frozenset())
    assert (verdict.verdict, verdict.reasons) == ("hold", ("framing_outdated",))
    with pytest.raises(NotAdmittedError):
        publish(company, MANIFEST)
    write_settings(SETTINGS, company.work)
    assert decided(company, read_settings(company.work), filled=frozenset())[0].verdict == "publish"


@pytest.mark.audit("FR10", "EX11")
def test_what_people_did_after_the_month_is_no_part_of_the_publication(tmp_path: Path) -> None:
    from expectations.thresholds import keep_thresholds
    from orchestration.cycles.acts import Acts, find_acts
    from orchestration.cycles.standing import keep_framing

    company = plant(tmp_path)
    settings = read_settings(company.work)
    before = run_fingerprint(company.work, settings)
    row = {
        "rule_code": "min_touches", "value": 5, "window_days": 10, "origin_code": "human", "version": "v",
        "approved_by": "Ann Lee", "reason": "said so",
    }  # fmt: skip
    for first, is_of_the_cycle in (
        (settings.cycle_end, False),
        (settings.cycle_end - timedelta(days=1), True),
    ):
        (tmp_path / "thresholds.yml").write_text(
            yaml.safe_dump({"thresholds": [row | {"valid_from": first}]})
        )
        keep_framing(company, settings, company.work)
        keep_thresholds(tmp_path, company.work, settings.cycle_end)
        assert (run_fingerprint(company.work, settings) != before) is is_of_the_cycle
        assert find_acts(tmp_path, settings.cycle_end) == Acts(n_decisions=0 if is_of_the_cycle else 1)


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    folder = Path(cli.__file__).parent / "cycles"
    catalogue = yaml.safe_load((folder / "wording.yml").read_text(encoding="utf-8"))
    assert catalogue["en"].keys() == catalogue["fr"].keys()
    for key, text in catalogue["en"].items():
        places = [
            {name for _, name, _, _ in Formatter().parse(each) if name}
            for each in (text, catalogue["fr"][key])
        ]
        assert places[0] == places[1], key


@pytest.mark.audit("EX9")
def test_the_kpis_of_the_note_stand_beside_those_of_the_month_before(tmp_path: Path) -> None:
    company = plant(tmp_path)
    publish(company, MANIFEST)
    found = kpi_deltas(company, CYCLE, ["leads_new", "no_such_metric"])
    assert [(each.metric_name, each.value, each.value_before, each.change) for each in found] == [
        ("leads_new", 7, 3, 4), ("no_such_metric", None, None, None),
    ]  # fmt: skip
    assert kpi_deltas(company, "2026-05", ["leads_new"]) == [], "May is not what is published"


@pytest.mark.audit("CP5")
def test_every_run_leaves_a_record_of_what_it_did_for_which_note(tmp_path: Path) -> None:
    company = plant(tmp_path)
    settings = replace(SETTINGS, framing_version=read_note(tmp_path, CYCLE).version)
    company = plant(tmp_path, settings=settings)
    content = publish(company, MANIFEST, inputs=[{"path": "company.yml", "sha256": "s"}]).content
    assert content["settings"]["framing_version"] == read_note(tmp_path, CYCLE).version
    assert {
        "run_id",
        "code_version",
        "policy_version",
        "deliveries",
        "inputs",
        "published_at",
    } <= content.keys()
    change_note(tmp_path, minimum_n=31)
    judge(tmp_path)
    refused = json.loads(refuse(company, read_verdict(company.work)).read_text(encoding="utf-8"))
    assert (refused["reasons"], refused["verdict"]) == ("framing_changed", "hold")
    assert {"run_id", "cycle", "code_version", "policy_version", "refused_at"} <= refused.keys()
