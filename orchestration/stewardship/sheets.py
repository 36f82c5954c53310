"""The review queue as a spreadsheet and back: what a person opens in Excel, answers, and saves as Excel likes.

Written: CSV in UTF-8 with a byte-order mark and semicolons, or XLSX with a drop-down list and instructions. Read: both,
with any order of columns, blank rows, answers in French or English, semicolons or commas or tabs, UTF-8 or Windows
text. A cell that a spreadsheet would take for a formula is written as text. The files hold personal data.
What does NOT belong here: what an answer does (recording.py).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.safe_sheets import ENDINGS, csv_table, safe_cell, write_private
from orchestration.stewardship.content import Record
from orchestration.stewardship.decisions import Decision
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.queue import ReviewItem, explanation_of, possible_answers, reason_of
from orchestration.stewardship.recording import Ledger, Said
from orchestration.stewardship.words import word_or_code, words

COLUMNS = (
    *(
        "item_id",
        "decision",
        "comment",
        "expires_on",
        "rank",
        "question",
        "left",
        "right",
        "reason",
        "explanation",
    ),
    *("score", "impact", "unit", "leads", "touches", "strategic", "postponed_on"),
    *("left_record_key", "right_record_key", "decisions"),
)
_WIDTHS = {
    "item_id": 18,
    "decision": 14,
    "comment": 30,
    "left": 42,
    "right": 42,
    "reason": 34,
    "explanation": 60,
}
_ANSWERS = {
    "same": ("same", "meme", "identique", "identiques", "oui", "yes"),
    "different": ("different", "differents", "differente", "differentes", "non", "no"),
    "cannot_say": ("cannot say", "can't say", "cant say", "ne sait pas", "ne sais pas", "?"),
    "confirm": ("confirm", "confirmer", "confirme"),
}
_READ_AS = {spelling: answer for answer, spellings in _ANSWERS.items() for spelling in spellings}
_HEADERS = {"decision": "decision", "commentaire": "comment", "expire le": "expires_on"}
_SHEETS = {"en": ("queue", "instructions"), "fr": ("file", "mode d'emploi")}
_INSTRUCTIONS = {
    "en": (
        "Answer each question in the column decision; leave it empty to skip the question.",
        "same: both records are the same company or person. They are merged by the next run.",
        "different: they are two. They are kept apart for good.",
        "cannot-say: nobody can tell now. The question waits until a record changes.",
        "confirm: for a decision whose records have changed: it still holds.",
        "comment: why, in a few words. expires_on: last day the decision holds, yyyy-mm-dd; empty: for good.",
        "Columns may be moved or hidden; item_id must stay as it is.",
        "Then: etalon steward apply FILE --author NAME. Nothing is recorded unless every line is understood.",
        "This file holds personal data: delete it when it has been applied.",
    ),
    "fr": (
        "Répondez à chaque question dans la colonne decision ; laissez vide pour passer.",
        "même : les deux fiches sont la même société ou personne. La prochaine exécution les fusionne.",
        "différent : elles sont deux. Elles restent séparées.",
        "ne sait pas : personne ne peut le dire. La question attend qu'une fiche change.",
        "confirmer : pour une décision dont une fiche a changé : elle vaut toujours.",
        "comment : pourquoi, en quelques mots. expires_on : dernier jour de validité, aaaa-mm-jj ; vide : sans fin.",
        "Les colonnes peuvent être déplacées ou masquées ; item_id doit rester tel quel.",
        "Ensuite : etalon steward apply FICHIER --author NOM. Rien n'est enregistré si une ligne est incomprise.",
        "Ce fichier contient des données personnelles : supprimez-le une fois appliqué.",
    ),
}


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be applied. line: as the spreadsheet numbers it."""

    line: int
    text: str


@dataclass(frozen=True)
class Answers:
    """made: the decisions of each good line. n_known: answers recorded before. n_empty: lines without one."""

    made: list[list[Decision]]
    bad: list[BadLine]
    n_known: int
    n_empty: int


def write_queue(
    items: Sequence[ReviewItem], records: Mapping[tuple[str, str], Record], path: Path, language: str
) -> None:
    """Write questions for a person to answer. records: (entity, record key) -> record.

    Raises StewardshipError E-STW-012 when the file exists, E-STW-013 for another ending.
    """
    if path.suffix.lower() not in ENDINGS:
        raise StewardshipError("E-STW-013", path.name, is_usage=True, possible=", ".join(ENDINGS))
    if path.exists():
        raise StewardshipError("E-STW-012", path.name, is_usage=True)
    rows = [[safe_cell(cell) for cell in _row(item, records, language)] for item in items]
    write = _write_csv if path.suffix.lower() == ".csv" else _write_xlsx
    content = write(rows, language)
    write_private(path, content)


def read_answers(
    path: Path, items: Sequence[ReviewItem], ledger: Ledger, said: Said, language: str
) -> Answers:
    """What the lines of a file decide. said: author and moment; its reason stands in for an empty comment.

    Contradictions among the lines, and with decisions in force, make the lines bad. Raises StewardshipError E-STW-005
    for a file that cannot be read, E-STW-013 for another ending, E-STW-016 without the columns it needs.
    """
    questions = {item.item_id: item for item in items}
    answered = {each.item_id: each for each in ledger.standing().in_force() if each.item_id}
    good: dict[str, tuple[int, str, list[Decision]]] = {}
    bad: list[BadLine] = []
    n_known = n_empty = 0

    def refuse(line: int, key: str, **values: object) -> None:
        bad.append(BadLine(line, words(key, language, **values)))

    for line, row in _rows(path):
        name, text = row.get("item_id", "").lstrip("'").strip(), row.get("decision", "")
        if not text:
            n_empty += bool(name)
            continue
        answer = _READ_AS.get(_folded(text))
        item = questions.get(name)
        if answer is None:
            refuse(line, "line_unknown_answer", value=repr(text[:40]))
        elif item is None:
            if name in answered and answered[name].kind == answer:
                n_known += 1
            else:
                refuse(line, "line_unknown_item", value=repr(name[:40]))
        elif name in good and good[name][1] != answer:
            refuse(line, "line_repeated", value=name, other=good[name][0])
        elif name not in good:
            try:
                made = _decided(item, answer, row, ledger, said)
            except _NotPossibleError as problem:
                refuse(line, problem.key, value=repr(problem.value[:40]))
                continue
            if len(made) == 1 and ledger.known(made[0]):
                n_known += 1
            else:
                good[name] = (line, answer, made)
    # Lines that fight go together: none of them is more right than the other.
    fights = ledger.contradictions_of([each for _, _, made in good.values() for each in made])
    new = {each.decision_id: line for line, _, made in good.values() for each in made}
    for name in [name for name, (_, _, made) in good.items() if any(_is_in(made, names) for names in fights)]:
        line, _, made = good.pop(name)
        others = sorted(
            {each for names in fights for each in names if each not in {m.decision_id for m in made}}
        )
        told = ", ".join(
            words("line", language, line=new[each], what=each) if each in new else each for each in others
        )
        refuse(line, "line_contradicts", value=told or name)
    return Answers(
        [made for _, _, made in good.values()], sorted(bad, key=lambda each: each.line), n_known, n_empty
    )


class _NotPossibleError(ValueError):
    """An answer that is understood and cannot be taken. key: sentence of wording.yml."""

    def __init__(self, key: str, value: str = "") -> None:
        super().__init__(key)
        self.key, self.value = key, value


def _decided(
    item: ReviewItem, answer: str, row: Mapping[str, str], ledger: Ledger, said: Said
) -> list[Decision]:
    asked = ledger.find(item.decision_ids[0]) if item.kind == "to_confirm" else None
    if answer not in possible_answers(item, asked):
        raise _NotPossibleError("line_not_possible", row["decision"])
    try:
        expires_on = _day(row.get("expires_on", "")) or said.expires_on
    except ValueError as error:
        raise _NotPossibleError("line_bad_date", row["expires_on"]) from error
    reason = row.get("comment", "") or said.reason
    if not reason:
        raise _NotPossibleError("no_reason")
    return ledger.answers(item, answer, replace(said, reason=reason, expires_on=expires_on))


def _is_in(made: Sequence[Decision], names: Sequence[str]) -> bool:
    return any(each.decision_id in names for each in made)


def _row(item: ReviewItem, records: Mapping[tuple[str, str], Record], language: str) -> list[object]:
    left, right = (records.get((item.entity, key)) for key in (item.left_record_key, item.right_record_key))
    fields = list(dict.fromkeys([*(left.values if left else ()), *(right.values if right else ())]))
    explanation = explanation_of(item)
    told = "\n".join(explanation.sentences(language)) if explanation else ""
    return [
        item.item_id, "", "", "", item.impact_rank, word_or_code("kind", item.kind, language),
        _side(left, fields, language), _side(right, fields, language), reason_of(item, language), told,
        None if item.weight is None else round(item.weight, 2), float(item.impact_value), item.impact_unit,
        item.n_leads, item.n_touches, item.is_strategic,
        item.postponed_at.date().isoformat() if item.postponed_at else "",
        item.left_record_key, item.right_record_key, ", ".join(item.decision_ids),
    ]  # fmt: skip


def _side(record: Record | None, fields: Sequence[str], language: str) -> str:
    if record is None:
        return words("gone", language)
    return "\n".join(f"{field}: {record.values.get(field, '')}" for field in fields)


def _write_csv(rows: Sequence[Sequence[object]], language: str) -> bytes:
    return csv_table(COLUMNS, rows)


def _write_xlsx(rows: Sequence[Sequence[object]], language: str) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    sheet.title = _SHEETS[language][0]
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append(list(row))
    top = Alignment(vertical="top", wrap_text=True)
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = top
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(name, 16)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    listed = [words(f"answer_{answer}", language) for answer in _ANSWERS]
    choice = DataValidation(type="list", formula1='"' + ",".join(listed) + '"', allow_blank=True)
    choice.showErrorMessage = True
    sheet.add_data_validation(choice)
    choice.add(f"B2:B{max(len(rows) + 1, 2)}")
    told = book.create_sheet(_SHEETS[language][1])
    told.column_dimensions["A"].width = 110
    for each in (language, *(other for other in _INSTRUCTIONS if other != language)):
        for line in (*_INSTRUCTIONS[each], ""):
            told.append([line])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, column -> text) of every line of answers; the header is found by its item_id."""
    if path.suffix.lower() not in ENDINGS:
        raise StewardshipError("E-STW-013", path.name, possible=", ".join(ENDINGS))
    cells = _csv_cells(path) if path.suffix.lower() == ".csv" else _xlsx_cells(path)
    header: list[str] = []
    for line, row in cells:
        if not any(row):
            continue
        if not header:
            header = [_HEADERS.get(_folded(name), name.strip().lower()) for name in row]
            for column in ("item_id", "decision"):
                if column not in header:
                    raise StewardshipError("E-STW-016", path.name, column=column)
            continue
        yield line, dict(zip(header, (cell.strip() for cell in row), strict=False))
    if not header:
        raise StewardshipError("E-STW-016", path.name, column="item_id")


def _csv_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # what Excel calls CSV in western Europe
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=first.count), strict=True)
    end = 0
    try:
        for row in reader:
            yield end + 1, row
            end = reader.line_num
    except csv.Error as error:
        raise StewardshipError("E-STW-005", path.name, detail=f"{reader.line_num}: {error}") from error


def _xlsx_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (BadZipFile, KeyError, ValueError) as error:
        raise StewardshipError("E-STW-005", path.name, detail=type(error).__name__) from error
    try:
        names = {sheet for sheet, _ in _SHEETS.values()}
        sheet = next((book[name] for name in book.sheetnames if name in names), book[book.sheetnames[0]])
        for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield line, [_text_of(cell) for cell in row]
    finally:
        book.close()


def _text_of(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def _day(text: str) -> dt.date | None:
    """A day written yyyy-mm-dd or, as Excel shows it in French, dd/mm/yyyy. Raises ValueError."""
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise ValueError(text)


def _folded(text: str) -> str:
    """Lower case without accents, signs and doubled blanks: how an answer is compared."""
    plain = unicodedata.normalize("NFKD", text.strip().lstrip("'").replace("’", "'").lower())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(letters.replace("-", " ").replace("_", " ").split())
