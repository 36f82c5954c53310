"""The two catalogues say the same things, and nothing in them is unused."""

import string
from dataclasses import replace

import planted_cycles
import planted_reports as planted
import pytest
from test_cycle_note_page import page as cycle_note

from orchestration.reporting import wording
from orchestration.reporting.index_page import FORMS, PAGES
from orchestration.reporting.render import (
    CYCLE_PAGES,
    render_data_quality,
    render_glossary,
    render_index,
    render_sales_audit_detail,
)
from orchestration.reporting.workbook import LeadRow, workbook

# Codes that come from other folders' lists: a planted company does not hold every one of them.
OPEN_LISTS = (
    "action.",
    "cause.",
    "channel.",
    "contact_channel.",
    "contact_check.",
    "cycle.answer.",
    "cycle.cut.",
    "cycle.delay.",
    "cycle.experiment_",
    "cycle.form.",
    "cycle.outlier_",
    "cycle.question.",
    "cycle.question_reason.",
    "cycle.touch_channel.",
    "cycle.rail_",
    "cycle.role.",
    "cycle.sensitivity.reason.",
    "cycle.step",
    "cycle.threshold_",
    "dimension.",
    "entity.",
    "group_kind.",
    "evidence.",
    "fate.",
    "glossary.domain.",
    "id_change.",
    "identity.",
    "impact_unit.",
    "ledger_scope.",
    "lights.colour.",
    "line_checks.covariate.",
    "line_checks.reason.",
    "line_checks.what.",
    "lights.line.",
    "lights.reason.",
    "merge_decision.",
    "pipeline.category.",
    "pipeline.movement.",
    "profile.",
    "reason.",
    "review_kind.",
    "severity.",
    "size_band.",
    "stage.",
    "standing.",
    "steward_kind.",
    "term.",
)


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def without_number(key: str) -> str:
    return key.removesuffix(".one").removesuffix(".other")


def test_both_catalogues_have_the_same_keys_and_the_same_places():
    french, english = wording.load_catalogue("fr"), wording.load_catalogue("en")
    assert set(french) == set(english)
    assert {key for key in french if places(french[key]) != places(english[key])} == set()
    assert [key for key in french if not (french[key].strip() and english[key].strip())] == []


def test_every_sentence_is_used_by_a_report(monkeypatch, tmp_path):
    used = set()

    class Recorded(dict):
        def __getitem__(self, key):
            used.add(key)
            return super().__getitem__(key)

        def get(self, key, default=None):
            if key in self:
                used.add(key)
            return super().get(key, default)

    recorded = Recorded(wording.load_catalogue("en"))
    monkeypatch.setattr(wording, "load_catalogue", lambda language: recorded)
    for quality in planted.ALL_QUALITY:
        render_data_quality(quality, "en")
    for audit in planted.ALL_AUDIT:
        render_sales_audit_detail(audit, "en")
    for cycle in planted_cycles.ALL_CYCLES:
        for render in CYCLE_PAGES.values():
            render(cycle, "en")
    calm = [rail for rail in planted_cycles.CYCLE.rails or () if rail.status != "breach"]
    CYCLE_PAGES["monthly_note"](replace(planted_cycles.CYCLE, rails=tuple(calm)), "en")
    for rows in ([LeadRow("lea_1", "inbound", "smb", 1, 0)], None):
        workbook(planted_cycles.CYCLE, rows, "en")
    text = "What was learned, and what follows."
    written = {"insights": [text], "experiments": [text]}
    cycle_note(tmp_path, "en", counted=False)
    cycle_note(
        tmp_path,
        "en",
        segments=[{"code": "a_team", "team_code": ["Paris"], "phase": ["mql"]}],
        team_capacity={"Paris": 40},
        closing={
            "business_story": text,
            "retrospective": text,
            "lessons": [text] * 3,
            "managers": {"Paris": written},
        },
        closed={"closed_by": "Ann Lee", "closed_on": "2026-07-31"},
    )
    files = {f"{name}.{language}.{form}" for name in PAGES for language in ("fr", "en") for form in FORMS}
    render_index(planted.RUN, files, "en")
    render_glossary(planted.RUN, "en", planted.METRICS, planted.ABSENT)
    expected = {key for key in recorded if not key.startswith(OPEN_LISTS)}
    assert {without_number(key) for key in expected} - {without_number(key) for key in used} == set()


def test_french_spaces_do_not_break_before_double_punctuation():
    assert " :" not in wording.load_catalogue("fr")["quality.annex.title"]
    spaced = wording.french_spaces("Pourquoi ? « Oui » : 5 %")
    assert spaced == "Pourquoi\u202f? «\u00a0Oui\u00a0»\u00a0: 5\u202f%"


def test_counts_choose_singular_and_plural_as_each_language_does():
    french, english = wording.Wording("fr"), wording.Wording("en")
    assert french.plural("quality.rules.count", 0, n="0") == "0 contrôle"
    assert english.plural("quality.rules.count", 0, n="0") == "0 checks"
    assert english.plural("quality.rules.count", 1, n="1") == "1 check"


def test_an_unknown_key_raises_instead_of_showing_itself():
    with pytest.raises(KeyError):
        wording.Wording("fr")("quality.no_such_sentence")
