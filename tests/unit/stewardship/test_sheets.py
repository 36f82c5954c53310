"""The queue as a spreadsheet: harmless to open, and read back however a person saved it."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from planted_decisions import SAID, invoke, invoke_json, key, kinds

from orchestration.access.reading_log import read_log
from orchestration.commands import exit_codes
from orchestration.safe_sheets import safe_cell
from orchestration.stewardship import sheets
from orchestration.stewardship.files import read_decisions


def _exported(site: Path, name: str, *arguments: str) -> Path:
    path = site / name
    invoke(site, "export", str(path), *arguments)
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def _save(path: Path, rows: list[dict], delimiter: str = ";", encoding: str = "utf-8-sig") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def test_the_queue_is_written_as_excel_opens_it_and_no_cell_is_a_formula(site: Path) -> None:
    path = _exported(site, "queue.csv")
    assert [(each.command, each.relation, each.n_rows) for each in read_log(site)[0]] == [
        ("steward export", "review_queue", len(_rows(path)))
    ]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = _rows(path)
    assert tuple(rows[0]) == sheets.COLUMNS and rows[0]["item_id"] == "rev_ab"
    assert {row["decision"] for row in rows} == {""}
    assert "HYPERLINK" in rows[0]["right"] and "Été & fils" in rows[1]["right"]
    assert not [
        cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    assert "E-STW-012" in invoke(site, "export", str(path), code=exit_codes.USAGE)
    assert "E-STW-013" in invoke(site, "export", str(site / "queue.ods"), code=exit_codes.USAGE)


@pytest.mark.parametrize("text", ["=1+1", "+33", "-1", "@x", "\tx", "\rx", "=cmd|'/c calc'!A1"])
def test_a_text_that_a_spreadsheet_would_run_is_made_inert(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(f"a\x00{text}") == f"a{text}"


def test_the_workbook_has_a_list_of_answers_and_instructions_in_both_languages(site: Path) -> None:
    path = _exported(site, "queue.xlsx", "--language", "fr")
    book = load_workbook(path)
    sheet = book["file"]
    (choice,) = sheet.data_validations.dataValidation
    assert choice.formula1 == '"même,différent,ne sait pas,confirmer"' and "B2:B6" in str(choice.sqref)
    told = "\n".join(str(row[0]) for row in book["mode d'emploi"].iter_rows(values_only=True))
    assert "etalon steward apply FILE" in told and "données personnelles" in told
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_answers_typed_in_excel_are_recorded(site: Path) -> None:
    path = _exported(site, "queue.xlsx")
    book = load_workbook(path)
    sheet = book["queue"]
    for row, answer in zip(range(2, 7), ("Même", "DIFFERENT", None, "ne sait pas", "can't say"), strict=True):
        sheet.cell(row, 2, answer)
    sheet.cell(2, 3, "vu sur place")
    sheet.cell(3, 4, "2027-12-31")
    sheet.insert_rows(4, 2)  # blank rows
    sheet.move_range("B1:B8", cols=30)  # columns in another order
    book.save(path)
    found = invoke_json(site, "apply", str(path), "--author", "Ann Lee", "--reason", "monthly")
    assert (len(found["recorded"]), found["known"], found["empty"]) == (4, 0, 1)
    made = {each.item_id: each for each in read_decisions(site / "stewardship")}
    assert {name: each.kind for name, each in made.items()} == {
        "rev_ab": "same", "rev_bc": "different", "rev_big": "cannot_say", "rev_pq": "cannot_say",
    }  # fmt: skip
    assert made["rev_ab"].reason == "vu sur place" and made["rev_bc"].reason == "monthly"
    assert str(made["rev_bc"].expires_on) == "2027-12-31" and made["rev_pq"].entity == "person"
    again = invoke_json(site, "apply", str(path), "--author", "Ann Lee", "--reason", "monthly")
    assert (again["recorded"], again["known"]) == ([], 4)


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "cp1252"), (",", "utf-8"), ("\t", "utf-16"), (";", "utf-8-sig")]
)
def test_a_csv_is_read_as_excel_saved_it(site: Path, delimiter: str, encoding: str) -> None:
    rows = [
        {"commentaire": "déjà vu", "décision": "même", "item_id": "rev_ab"},
        {"item_id": "", "décision": ""},
    ]
    path = _save(site / "q.csv", [{"commentaire": "", **row} for row in rows], delimiter, encoding)
    invoke(site, "apply", str(path), "--author", "Ann Lee")
    (made,) = read_decisions(site / "stewardship")
    assert (made.kind, made.reason, made.pair) == ("same", "déjà vu", (key("a"), key("b")))


def _bad_lines() -> list[dict[str, str]]:
    return [
        {"item_id": "rev_ab", "decision": "same", "comment": "x", "expires_on": ""},
        {"item_id": "rev_bc", "decision": "perhaps", "comment": "x", "expires_on": ""},
        {"item_id": "rev_zz", "decision": "same", "comment": "x", "expires_on": ""},
        {"item_id": "rev_big", "decision": "same", "comment": "x", "expires_on": ""},
        {"item_id": "rev_de", "decision": "same", "comment": "x", "expires_on": "31.12.27"},
        {"item_id": "rev_ab", "decision": "different", "comment": "x", "expires_on": ""},
        {"item_id": "rev_pq", "decision": "same", "comment": "", "expires_on": ""},
    ]


def test_every_bad_line_is_told_and_nothing_is_recorded(site: Path) -> None:
    path = _save(site / "q.csv", _bad_lines())
    told = invoke(site, "apply", str(path), "--author", "Ann Lee", code=exit_codes.DATA_REFUSED)
    assert "E-STW-011" in told and all(f"line {line}:" in told for line in (3, 4, 5, 6, 7, 8))
    assert kinds(site) == []


def test_the_good_lines_are_recorded_when_that_is_asked(site: Path) -> None:
    path = _save(site / "q.csv", _bad_lines())
    found = invoke_json(
        site, "apply", str(path), "--author", "Ann Lee", "--partial", code=exit_codes.DATA_REFUSED
    )
    assert [each["line"] for each in found["bad_lines"]] == [3, 4, 5, 6, 7, 8]
    assert kinds(site) == ["same"]


def test_lines_that_fight_with_each_other_or_with_a_decision_are_bad(site: Path) -> None:
    invoke(site, "unmerge", key("c"), *SAID)
    rows = [{"item_id": name, "decision": "same", "comment": "x"} for name in ("rev_ab", "rev_bc", "rev_de")]
    path = _save(site / "q.csv", rows)
    told = invoke(site, "apply", str(path), "--author", "Ann Lee", code=exit_codes.DATA_REFUSED)
    # a, b and d stay together, c left them: b = c fights with the unmerge; a = b does not
    assert "line 3" in told and "line 2" not in told and "dec_" in told
    invoke(site, "apply", str(path), "--author", "Ann Lee", "--partial", code=exit_codes.DATA_REFUSED)
    assert kinds(site) == ["same", "same", "unmerge"]


@pytest.mark.parametrize("content", [b"", b"a;b\r\n1;2\r\n", b'item_id;decision\r\n"x;y'])
def test_a_file_that_is_no_queue_is_refused(site: Path, content: bytes) -> None:
    path = site / "q.csv"
    path.write_bytes(content)
    told = invoke(site, "apply", str(path), "--author", "Ann Lee", code=exit_codes.DATA_REFUSED)
    assert "E-STW-016" in told or "E-STW-005" in told
    (site / "q.xlsx").write_bytes(content + b"no zip")
    assert "E-STW-005" in invoke(
        site, "apply", str(site / "q.xlsx"), "--author", "A", code=exit_codes.DATA_REFUSED
    )
    empty = Workbook()
    empty.save(site / "empty.xlsx")
    assert "E-STW-016" in invoke(
        site, "apply", str(site / "empty.xlsx"), "--author", "A", code=exit_codes.DATA_REFUSED
    )
