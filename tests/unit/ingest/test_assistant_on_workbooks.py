"""The mapping assistant on a workbook it has never seen: its draft reads the sheet itself, not a copy of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from company_site import Site

from ingest.assistant.drafting import draft_mapping
from ingest.assistant.questions import Question
from ingest.errors import RefusedFile

HEADER = ["Réf prospect", "Société", "Nom", "E-mail", "Statut", "Créé le", "Score"]
STATUSES = {"Nouveau": "new", "Contacté": "contacted", "Qualifié": "qualified"}


def rows(n: int = 300) -> list[list[Any]]:
    first = dt.datetime(2026, 1, 2, 8, 5)
    return [
        [f"P{i:05d}", f"Hôtel; à {i}", "Lefêvre", f"h{i}@exemple.fr", list(STATUSES)[i % 3],
         first + dt.timedelta(hours=7 * i), i / 4]
        for i in range(n)
    ]  # fmt: skip


def workbook(path: Path, above: int = 0, sheets: int = 1) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Prospects 2026"
    if above:
        book.active["A1"] = "Export du 30/06/2026"
    for at, row in enumerate([HEADER, *rows()], start=1 + above):
        for column, value in enumerate(row, start=1):
            book.active.cell(at, column, value)
    for number in range(1, sheets):
        book.create_sheet(f"Autre {number}")
    book.save(path)
    return path


def ask(question: Question) -> str | None:
    given = {"timezone": "Europe/Paris", "is_converted": "const: false"}
    return given.get(question.key.rsplit(".", 1)[-1])


@pytest.mark.parametrize("above", [0, 2])
def test_an_unseen_workbook_runs_end_to_end_and_gives_every_row(
    tmp_path: Path, site: Callable[..., Site], above: int
) -> None:
    file = workbook(tmp_path / "prospects_2026-06.xlsx", above)
    draft = draft_mapping(file, contract="crm_lead", ask=ask)
    assert draft.open_questions == ()
    declared = yaml.safe_load(draft.text)["files"]["rows"]
    assert (declared["format"], declared["sheet"], declared.get("skip_rows", 0)) == (
        "xlsx",
        "Prospects 2026",
        above,
    )
    assert not {"delimiter", "encoding", "quote", "final_newline"} & set(declared)
    made = site(draft.text)
    made.put(file.name, file.read_bytes())
    report = made.collect()
    assert (report.refusals, report.imbalances, report.kept) == ((), (), 300)
    found = made.rows(
        "SELECT source_record_id, company_name, last_name, email, status, created_at, score "
        "FROM raw.crm_lead ORDER BY 1"
    )
    for row, got in zip(rows(), found, strict=True):
        offset = 2 if row[5] >= dt.datetime(2026, 3, 29, 3) else 1
        assert got == (*row[:4], STATUSES[row[4]], row[5] - dt.timedelta(hours=offset), row[6])


def test_several_sheets_and_what_is_no_workbook_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="'Autre 1'") as error:
        draft_mapping(workbook(tmp_path / "x.xlsx", sheets=2), contract="crm_lead")
    assert error.value.problem.code == "E-ING-023"
    (tmp_path / "old.xls").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    with pytest.raises(RefusedFile, match=r"no \.xlsx workbook"):
        draft_mapping(tmp_path / "old.xls", contract="crm_lead")
