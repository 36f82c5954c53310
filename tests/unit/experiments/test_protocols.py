"""Protocols, registrations and arms as files: what is understood, what is refused, what is never silently used."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest
import yaml

from orchestration.experiments import kept, records
from orchestration.experiments.errors import ExperimentError
from orchestration.experiments.protocol import FOLDER, list_protocols, read_protocol

PROTOCOL = {
    "version": 1, "code": "early_call", "hypothesis": "A call on the first day brings two points.",
    "segment": {"size_band_code": ["smb"]},
    "arms": [{"code": "as_before", "weight": 1, "is_control": True}, {"code": "early", "weight": 1}],
    "start_on": "2026-03-30", "end_on": "2026-04-27",
    "guard_rails": [{"metric": "complaints", "margin_points": 0.2}],
    "strata": ["team_code"],
    "owners": {"runs": "RevOps", "decides": "VP Sales", "watches": "Legal"},
    "rollout": [{"item": "templates", "owner": "Marketing"}],
}  # fmt: skip
BEFORE, MOMENT = dt.date(2026, 3, 29), dt.datetime(2026, 3, 29, 12)
UNITS = [
    records.Unit(f"acc_{i:04}", "Lyon" if i % 2 else "=Paris", i % 3, 0, (("crm_account", "crm", f"00{i}"),))
    for i in range(400)
]


def write(root: Path, changed: dict | None = None, **given: object) -> Path:
    """experiments/<code>/protocol.yml with some keys changed; a key of None is left out."""
    content = {
        key: value for key, value in {**PROTOCOL, **(changed or {}), **given}.items() if value is not None
    }
    folder = root / FOLDER / str(content["code"])
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        key: dt.date.fromisoformat(value)
        if key in ("start_on", "end_on") and isinstance(value, str)
        else value
        for key, value in content.items()
    }
    (folder / "protocol.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def registered(root: Path, **given: object) -> Path:
    folder = write(root, **given)
    records.register(folder, read_protocol(folder), "Ann Lee", MOMENT, BEFORE)
    return folder


def drawn(root: Path, units: list[records.Unit] = UNITS, **given: object) -> Path:
    folder = registered(root, **given)
    records.assign(
        folder, read_protocol(folder), units, author="Ann Lee", moment=MOMENT, today=BEFORE, cycle="2026-02"
    )
    return folder


def standing(folder: Path) -> str:
    protocol = read_protocol(folder)
    return kept.standing(
        protocol, records.read_registration(folder), records.read_assignment(folder, protocol)
    )


@pytest.mark.audit("EX1", "EX2", "EX8")
def test_a_protocol_says_groups_size_duration_success_and_rollout(tmp_path):
    protocol = read_protocol(write(tmp_path))
    assert (protocol.control, protocol.test, protocol.days) == ("as_before", "early", 28)
    assert (protocol.success_points, protocol.leads_per_arm, protocol.cut) == (2, 200, ("size_band", "smb"))
    assert protocol.rollout[0].owner == "Marketing" and not protocol.rollout[0].is_done


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"code": "Bad Code"}, "code"),
        ({"extra": 1}, "extra"),
        ({"end_on": "2026-03-30"}, "end_on must come after"),
        ({"arms": PROTOCOL["arms"][:1]}, "arms"),
        ({"arms": [*PROTOCOL["arms"], {"code": "third", "weight": 1}]}, "two arms have a weight above zero"),
        ({"arms": [{"code": "a", "weight": 1}, {"code": "b", "weight": 1}]}, "control"),
        ({"arms": [PROTOCOL["arms"][0], {"code": "as_before", "weight": 1}]}, "same code"),
        ({"guard_rails": [{"metric": "bounces", "margin_points": 1}]}, "guard_rails names complaints"),
        ({"alpha": 0}, "alpha"),
        ({"alpha": "1e-3"}, "alpha"),
        ({"success_points": True}, "success_points"),
        ({"strata": ["team_code", "team_code"]}, "strata names something twice"),
        ({"segment": {"city": ["Lyon"]}}, "segment.city"),
        ({"unit": "lead"}, "unit"),
        ({"early_stop": "success"}, "early_stop"),
        ({"hypothesis": None}, "hypothesis"),
    ],
)
def test_a_protocol_that_is_not_understood_is_refused_with_its_key(tmp_path, changed, told):
    with pytest.raises(ExperimentError) as raised:
        read_protocol(write(tmp_path, changed))
    assert raised.value.code == "E-XPT-001" and told in str(raised.value)
    assert "protocol.yml" in raised.value.text("what", "fr")


def test_a_folder_of_another_name_or_a_repeated_key_is_refused(tmp_path):
    folder = write(tmp_path)
    other = folder.with_name("other")
    folder.rename(other)
    with pytest.raises(ExperimentError, match="its folder other"):
        list_protocols(tmp_path)
    (other / "protocol.yml").write_text("version: 1\nversion: 1\n")
    with pytest.raises(ExperimentError, match="E-ING-103"):
        list_protocols(tmp_path)
    (other / "protocol.yml").write_text("- 1\n")
    with pytest.raises(ExperimentError, match="E-XPT-001"):
        list_protocols(tmp_path)


@pytest.mark.audit("EX1")
def test_comments_order_and_the_rollout_may_change_after_registration_and_nothing_else(tmp_path):
    folder = drawn(tmp_path)
    assert standing(folder) == "ready"
    path = folder / "protocol.yml"
    path.write_text("# told again\n" + yaml.safe_dump(yaml.safe_load(path.read_text()), sort_keys=False))
    write(tmp_path, rollout=[{"item": "templates", "owner": "Marketing", "is_done": True}])
    write(tmp_path, success_points=2.0, alpha="0.050")  # the same numbers
    assert standing(folder) == "ready"


@pytest.mark.audit("EX1", "EX10")
@pytest.mark.parametrize(
    "changed",
    [
        {"success_points": 1}, {"end_on": "2026-05-04"}, {"hypothesis": "Another one."}, {"alpha": 0.1},
        {"segment": {}}, {"strata": []}, {"seed": "again"}, {"leads_per_arm": 20}, {"assignment": "block"},
        {"guard_rails": [{"metric": "complaints", "margin_points": 0.5}]},
        {"arms": [{"code": "as_before", "weight": 2, "is_control": True}, {"code": "early", "weight": 1}]},
        {"covariate": "prior_leads"}, {"exposure_campaign": "701"},
    ],
)  # fmt: skip
def test_a_protocol_changed_after_registration_is_marked_and_no_arms_are_drawn_for_it(tmp_path, changed):
    folder = drawn(tmp_path)
    write(tmp_path, changed)
    assert standing(folder) == "protocol_changed"
    with pytest.raises(ExperimentError) as raised:
        records.require_registered(folder, read_protocol(folder))
    assert raised.value.code == "E-XPT-005"


@pytest.mark.audit("EX1")
def test_a_registration_comes_before_the_first_day_and_only_once(tmp_path):
    folder = write(tmp_path)
    protocol = read_protocol(folder)
    with pytest.raises(ExperimentError) as raised:
        records.register(folder, protocol, "Ann Lee", MOMENT, protocol.start_on)
    assert raised.value.code == "E-XPT-003" and records.read_registration(folder) is None
    made = records.register(folder, protocol, "Ann Lee", MOMENT, BEFORE)
    assert records.read_registration(folder) == made and made.protocol_sha256 == protocol.sha256
    with pytest.raises(ExperimentError) as raised:
        records.register(folder, protocol, "Ann Lee", MOMENT, BEFORE)
    assert raised.value.code == "E-XPT-004"


@pytest.mark.audit("EX1", "EX10")
def test_what_was_registered_or_drawn_late_by_hand_is_told(tmp_path):
    folder = drawn(tmp_path)
    for name, key, status in (
        (records.DRAWN, "assigned_on", "assigned_late"),
        (records.REGISTRATION, "registered_on", "registered_late"),
    ):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**content, key: "2026-03-30"}))
        assert standing(folder) == status
    (folder / records.REGISTRATION).unlink()
    assert standing(folder) == "not_registered"


@pytest.mark.audit("EX4")
def test_arms_are_drawn_once_before_the_first_day_for_a_registered_protocol(tmp_path):
    folder = write(tmp_path)
    protocol = read_protocol(folder)
    given = {"author": "Ann Lee", "moment": MOMENT, "today": BEFORE, "cycle": "2026-02"}
    for code, units, changed in (
        ("E-XPT-006", UNITS, {}),
        ("E-XPT-003", UNITS, {"today": protocol.start_on}),
        ("E-XPT-008", [], {}),
    ):
        if code != "E-XPT-006" and records.read_registration(folder) is None:
            records.register(folder, protocol, "Ann Lee", MOMENT, BEFORE)
        with pytest.raises(ExperimentError) as raised:
            records.assign(folder, protocol, units, **{**given, **changed})
        assert raised.value.code == code
    made = records.assign(folder, protocol, UNITS, **given)
    assert records.read_assignment(folder, protocol) == made and made.is_intact
    with pytest.raises(ExperimentError) as raised:
        records.assign(folder, protocol, UNITS, **given)
    assert raised.value.code == "E-XPT-007"


@pytest.mark.audit("EX4")
def test_the_file_for_the_crm_has_a_line_per_record_and_no_formula(tmp_path):
    folder = drawn(tmp_path, [*UNITS[:3], records.Unit("acc_none", "Lyon", 0, 0, ())])
    text = (folder / records.ASSIGNMENT).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["source_record_id"] for row in rows] == ["000", "001", "002", ""]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {row["stratum_code"] for row in rows} == {"Lyon", "'=Paris"}
    assert standing(folder) == "ready"


@pytest.mark.audit("EX4")
@pytest.mark.parametrize("method", ["hash", "block"])
def test_a_unit_moved_to_another_arm_added_or_removed_is_seen(tmp_path, method):
    folder = drawn(tmp_path, assignment=method)
    path = folder / records.ASSIGNMENT
    before = path.read_bytes()
    lines = before.decode("utf-8-sig").splitlines()
    saved_again = "\n".join(line.replace(";", ",") for line in [lines[0], *reversed(lines[1:])])
    path.write_text(saved_again)  # another program's separator and order change nothing
    assert standing(folder) == "ready"
    early = next(i for i, line in enumerate(lines) if ";early;" in line)
    moved = [*lines[:early], lines[early].replace(";early;", ";as_before;"), *lines[early + 1 :]]
    for wrong in (moved, lines[:-1], [*lines, "acc_new;early;Lyon;0;0;crm_account;crm;9"]):
        path.write_text("\n".join(wrong))
        assert standing(folder) == "assignment_changed"
    path.write_text("no assignment at all")
    with pytest.raises(ExperimentError) as raised:
        records.read_assignment(folder, read_protocol(folder))
    assert raised.value.code == "E-XPT-009"
    work = tmp_path / "work"
    (work / "run").mkdir(parents=True)
    kept.keep_experiments(tmp_path, work, dt.date(2026, 6, 1))  # a damaged list stops no run and is not read
    assert [each["standing"] for each in kept.kept_experiments(work)] == ["assignment_changed"]


@pytest.mark.audit("EX11", "EX1")
def test_a_run_keeps_what_its_cycle_may_know(tmp_path):
    work = tmp_path / "work"
    (work / "run").mkdir(parents=True)
    kept.keep_experiments(tmp_path, work, dt.date(2026, 4, 1))
    assert kept.kept_experiments(work) == []
    drawn(tmp_path)
    write(tmp_path, code="draft", start_on="2026-05-01", end_on="2026-05-20")
    kept.keep_experiments(tmp_path, work, dt.date(2026, 5, 1))
    (told,) = kept.kept_experiments(work)  # the draft begins after the cycle
    assert told["standing"] == "ready"
    assert "hypothesis" not in told["protocol"] and "owners" not in told["protocol"]
    kept.keep_experiments(tmp_path, work, dt.date(2026, 6, 1))
    assert [each["standing"] for each in kept.kept_experiments(work)] == ["not_registered", "ready"]
    kept.keep_experiments(tmp_path, work, dt.date(2026, 3, 1))  # registered after that cycle
    assert kept.kept_experiments(work) == [] and not (work / kept.UNITS).exists()


@pytest.mark.audit("EX11", "EX8")
def test_a_cycle_run_again_learns_neither_of_a_later_registration_nor_of_the_rollout(tmp_path):
    work = tmp_path / "work"
    (work / "run").mkdir(parents=True)

    def told(code: str, end: dt.date) -> dict:
        kept.keep_experiments(tmp_path, work, end)
        (found,) = [each for each in kept.kept_experiments(work) if each["protocol"]["code"] == code]
        return found

    path = drawn(tmp_path) / "protocol.yml"
    was = told("early_call", dt.date(2026, 6, 1))
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    content["rollout"] = [{"item": "templates", "owner": "Marketing", "is_done": True}] * 2
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert told("early_call", dt.date(2026, 6, 1)) == was, "the checklist is ticked after the figures"
    folder = write(tmp_path, code="later", start_on="2026-07-06", end_on="2026-08-03")
    moment = dt.datetime(2026, 6, 3, 9)
    records.register(folder, read_protocol(folder), "revops", moment, moment.date())
    kept.keep_experiments(tmp_path, work, dt.date(2026, 6, 1))
    assert [each["protocol"]["code"] for each in kept.kept_experiments(work)] == ["early_call"]


def test_the_files_of_experiments_are_news_for_the_next_run(tmp_path):
    drawn(tmp_path)
    names = [path.name for path in kept.experiment_files(tmp_path)]
    assert names == ["assignment.csv", "assignment.json", "protocol.yml", "registration.json"]
    assert kept.check_experiments(tmp_path) == 1
