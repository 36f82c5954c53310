"""The page of the framing note: what a person reads of it, in both languages, with what people wrote made inert."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.demo.framing import write_notes
from orchestration.cycles.calendar import calendar_of
from orchestration.cycles.deltas import Delta
from orchestration.cycles.note import Framing, Note, read_note
from orchestration.cycles.steps import Evidence, steps_of
from orchestration.reporting.cycle_inputs import CycleNote
from orchestration.reporting.figures import RunFacts
from orchestration.reporting.render import render_cycle_note

PAYLOAD = "<img src=x onerror=alert(1)> so what"
RUN = RunFacts(
    company="planted", cycle="2026-06", as_of=datetime(2026, 7, 1), reporting_currency="EUR", timezone="Europe/Paris",
    run_id="run-1", code_version="c", policy_version="p", conversion_window_days=30,
)  # fmt: skip


def page(tmp_path: Path, language: str, *, counted: bool = True, **values) -> str:
    write_notes(tmp_path, ["2026-06"])
    note = read_note(tmp_path, "2026-06")
    framing = Framing.model_validate(note.framing.model_dump(mode="json") | values)
    shares = {"n_in": 1234, "n_out": 766, "out_rate": Decimal("0.383")}
    counts = {
        ("segment", "smb_inbound"): {"item_code": "smb_inbound", **shares},
        ("source", "crm"): {
            "item_code": "crm", "delivered_on": date(2026, 6, 30), "detail_code": "sales_operations", **shares,
        },
    }  # fmt: skip
    return render_cycle_note(
        CycleNote(
            run=RUN,
            note=Note(framing=framing, content_hash=note.content_hash),
            calendar=calendar_of(date(2026, 7, 1)),
            steps=tuple(steps_of(Evidence(note="approved"), date(2026, 7, 1))),
            counts=counts if counted else {},
            deltas=(Delta("cr", "rate", Decimal("0.25"), Decimal("0.2")),) if counted else (),
        ),
        language,
    )


@pytest.mark.audit("FR1", "FR9", "PB7", "PB9", "PB14")
def test_the_note_is_read_in_both_languages(tmp_path: Path) -> None:
    french, english = page(tmp_path, "fr"), page(tmp_path, "en")
    for text in (
        "Note de cadrage",
        "redevable",
        "1\u202f234",
        "38,30",
        "Opérations commerciales",
        "25,00",
        "Mois précédent",
        "6\u00a0juillet\u00a02026",
    ):
        assert text in french, text
    for text in (
        "Framing note",
        "accountable",
        "1,234",
        "38.30",
        "Sales operations",
        "nothing was collected",
    ):
        assert text in english, text
    for text in (french, english):
        assert "VP Sales" in text and "smb_inbound" in text and "small inbound leads" in text
        assert not re.search(r"cycle_note\.[a-z]+(?!\w*\.html)", text), "a key instead of a sentence"
        assert "src=" not in text and 'href="http' not in text


def test_what_people_wrote_is_inert_and_a_held_cycle_has_no_figures(tmp_path: Path) -> None:
    closing = {
        "business_story": PAYLOAD, "lessons": [PAYLOAD], "managers": {"<b>Paris": {"insights": [PAYLOAD]}},
    }  # fmt: skip
    text = page(tmp_path, "en", counted=False, decision_sought=PAYLOAD, closing=closing)
    assert "<img" not in text and "<b>Paris" not in text
    assert text.count("&lt;img src=x") == 4
    assert "Sources" not in text
