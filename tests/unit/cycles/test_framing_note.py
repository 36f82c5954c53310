"""The framing note: what it must say, and when its approval counts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from planted_notes import CYCLE, change_note, company_of

from ingest.approved_content import content_hash
from ingest.demo.framing import write_notes
from ingest.errors import ConfigurationError
from orchestration.cycles import read_framing
from orchestration.cycles.note import read_note
from orchestration.settings import fingerprint, run_settings


@pytest.mark.audit("FR2", "FR3", "FR4", "FR5", "FR8", "FR9", "FR13", "PB14")
def test_a_note_says_what_the_cycle_is_for_and_what_it_computes_with(tmp_path: Path) -> None:
    company_of(tmp_path)
    change_note(
        tmp_path,
        attribution_window_days=14,
        landmarks_days=[2, 4],
        minimum_n=50,
        bars={"r_green": 0.3},
        team_capacity={"Paris": 120},
    )
    framing = read_framing(tmp_path, CYCLE)
    assert "small inbound leads" in framing.decision_sought
    assert framing.bounds == (date(2026, 6, 1), date(2026, 7, 1))
    assert framing.segments[1].filters == {"channel_code": ("inbound",), "size_band_code": ("smb",)}
    assert [(each.item_code, each.conversion_event) for each in framing.phases][1:4:2] == [
        ("mql", "meeting"), ("opportunity:negotiation", "won"),
    ]  # fmt: skip
    assert (framing.attribution_window_days, framing.landmarks_days, framing.minimum_n) == (14, (2, 4), 50)
    assert (framing.bars.r_green, framing.bars.r_amber) == (Decimal("0.3"), Decimal("0.10"))
    assert framing.team_capacity == {"Paris": 120}
    assert framing.raci["vp_sales"] == "A" and framing.audiences["managers"] == ("sales",)
    assert read_framing(tmp_path, "2026-07") is None


@pytest.mark.audit("FR7", "FR9")
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"raci": {"revops": "R", "data": "C"}}, "exactly one role is A"),
        ({"raci": {"vp_sales": "A", "revops": "A/R"}}, "exactly one role is A"),
        ({"raci": {"vp_sales": "A"}}, "at least one role is R"),
        ({"decision_sought": None}, "decision_sought"),
        ({"decisionsought": "a decision"}, "decisionsought"),
        ({"cycle": "2026-05"}, "2026-05 in the file of 2026-06"),
        ({"period": {"start": "2026-06-10", "end": "2026-06-10"}}, "end must come after start"),
        ({"period": {"start": "2026-06-10", "end": "2026-07-02"}}, "ends after the month"),
        ({"period": {"start": "2026-06-01", "end": "2026-06-30", "timezone": "UTC"}}, "Europe/Paris"),
        ({"segments": [{"code": "a", "channel_code": ["inbound' or 1=1 --"]}]}, "channel_code"),
        ({"segments": [{"code": "a"}, {"code": "a"}]}, "declared twice"),
        ({"segments": [{"code": "a", "where": "true"}]}, "where"),
        ({"phases": [{"code": "mql", "stage_code": "negotiation", "conversion_event": "won"}]}, "stage_code"),
        ({"landmarks_days": [5, 3]}, "from the first day to the last"),
        ({"landmarks_days": [30]}, "before the end of the attribution window"),
        ({"legal_basis": [{"purpose": "mail", "channel": "email", "basis": "none"}]}, "basis"),
        ({"contact": {"channels": ["email"], "directions": ["inbound", "outbound"],
                      "min_conversation_seconds": 10, "approved_by": "Data", "approved_on": "2026-01-01"}},
         "computed from email, meeting, voice"),
        ({"audiences": {"nobody": ["sales"]}}, "no duty in raci"),
        ({"bars": {"r_green": 0.1, "r_amber": 0.2}}, "r_amber"),
    ],
)  # fmt: skip
def test_a_note_that_is_not_understood_names_the_key(tmp_path: Path, values: dict, told: str) -> None:
    company = company_of(tmp_path)
    change_note(tmp_path, **values)
    with pytest.raises(ConfigurationError) as raised:
        run_settings(company)
    problem = raised.value.problem
    for language in ("en", "fr"):
        assert told in f"{problem.where} {problem.text('what', language)} {problem.text('why', language)}"


@pytest.mark.audit("FR1")
def test_an_approval_covers_the_content_and_ends_with_any_change_of_it(tmp_path: Path) -> None:
    company_of(tmp_path)
    write_notes(tmp_path, [CYCLE])
    path = tmp_path / "cycles" / f"{CYCLE}.yml"
    assert read_note(tmp_path, CYCLE).standing == "approved"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        "# a remark\n" + text.replace("unit: lead\n", "unit:   lead  # as always\n"), encoding="utf-8"
    )
    assert read_note(tmp_path, CYCLE).standing == "approved", "a comment is no content"
    for changed in (
        text.replace("minimum_n: 30", "minimum_n: 31"),
        text.replace("unit: lead\n", ""),  # a default is no written value
        text.replace("raci: {vp_sales: A", "raci: {chief: A").replace("  vp_sales:", "  chief:"),
    ):
        path.write_text(changed, encoding="utf-8")
        assert read_note(tmp_path, CYCLE).standing == "changed"
    path.write_text(text[: text.index("approval:")], encoding="utf-8")
    assert read_note(tmp_path, CYCLE).standing == "not_approved"


@pytest.mark.audit("FR15")
def test_what_is_written_to_close_a_cycle_ends_no_approval_and_changes_no_publication(tmp_path: Path) -> None:
    company = company_of(tmp_path)
    write_notes(tmp_path, [CYCLE])
    before = run_settings(company, run_id="run")
    change_note(tmp_path, closing={"business_story": "So what: faster answers go with more conversions."})
    assert read_note(tmp_path, CYCLE).standing == "approved"
    assert run_settings(company, run_id="run") == before


@pytest.mark.audit("FR13", "EX11")
def test_the_note_decides_and_a_past_cycle_forgets_what_company_yml_says_later(tmp_path: Path) -> None:
    company = company_of(tmp_path)
    assert (run_settings(company).conversion_window_days, run_settings(company).conversation_min_s) == (
        21,
        15,
    )
    assert run_settings(company).framing_version == ""
    write_notes(tmp_path, [CYCLE])
    first = run_settings(company, run_id="run")
    assert (first.conversion_window_days, first.conversation_min_s) == (30, 10)
    text = (tmp_path / "company.yml").read_text(encoding="utf-8")
    for old, new in ((": 21", ": 60"), (": 15", ": 5"), ("cycle: 2026-06", "cycle: 2026-07")):
        text = text.replace(old, new)
    (tmp_path / "company.yml").write_text(text, encoding="utf-8")
    write_notes(tmp_path, ["2026-07"], window_days=45)
    from ingest import load_company

    later = load_company(tmp_path)
    again = run_settings(later, cycle=CYCLE, run_id="run")
    assert again == first and fingerprint(again, ["d1"]) == fingerprint(first, ["d1"])
    assert run_settings(later).conversion_window_days == 45


def test_the_version_of_a_note_changes_with_its_content_and_its_approval(tmp_path: Path) -> None:
    company_of(tmp_path)
    write_notes(tmp_path, [CYCLE])
    versions = [read_note(tmp_path, CYCLE).version]
    content = {"approved_by": "Another", "approved_on": date(2026, 6, 2)}
    found = read_note(tmp_path, CYCLE)
    change_note(tmp_path, approval=content | {"note_hash": found.content_hash})
    versions.append(read_note(tmp_path, CYCLE).version)
    change_note(tmp_path, minimum_n=31)
    versions.append(read_note(tmp_path, CYCLE).version)
    assert len(set(versions)) == 3


def test_the_hash_of_a_content_knows_no_order() -> None:
    content = {"b": [1, 2], "a": {"y": date(2026, 6, 1), "x": None}}
    assert content_hash(content) == content_hash({"a": {"x": None, "y": date(2026, 6, 1)}, "b": [1, 2]})
    assert content_hash(content) != content_hash({"a": {"x": None, "y": date(2026, 6, 1)}, "b": [2, 1]})
    assert content_hash({"a": 1, "approval": 2}, ("approval",)) == content_hash({"a": 1})
