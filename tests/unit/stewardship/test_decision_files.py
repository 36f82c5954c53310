"""Decisions in files: written, read back, refused when they are not understood."""

from __future__ import annotations

import csv
import datetime as dt
import stat
from pathlib import Path

import pytest
from planted_decisions import key, pair

from orchestration.stewardship.decisions import Decision, undone_by
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.files import LAYOUTS, append_decisions, read_decisions, steward_files

_MADE = {
    "author": 'Zoé; "Z"',
    "reason": "first line\nsecond, line",
    "decided_at": dt.datetime(2026, 6, 20, 8, 5),
}
EVERY_KIND = (
    pair("dec_1", "same", "a", "b", content_hashes=("0123456789ab", ""), item_id="rev_1"),
    pair("dec_2", "different", "c", "d", expires_on=dt.date(2027, 1, 31)),
    pair("dec_3", "cannot_say", "e", "f"),
    Decision("dec_4", "unmerge", "account", (key("a"), key("b"), key("c")), ("", "", "0" * 12),
             parts=("1", "1", "2"), **_MADE),
    Decision("dec_5", "override", "account", (key("a"),), ("",), attribute="city", value="=Lyon", **_MADE),
    Decision(
        "dec_6", "group_link", "account", (key("a"), key("b")), ("", ""), link_kind="legal",
        valid_from=dt.date(2021, 1, 16), **_MADE,
    ),
    Decision("dec_7", "undo", "", (), (), undone_id="dec_2", **_MADE),
)  # fmt: skip


def _facts(decisions: tuple[Decision, ...]) -> list[dict]:
    return [{name: value for name, value in vars(each).items() if name != "place"} for each in decisions]


def test_every_kind_of_decision_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    append_decisions(tmp_path, EVERY_KIND[:3])
    append_decisions(tmp_path, EVERY_KIND[3:])
    assert _facts(read_decisions(tmp_path)) == _facts(EVERY_KIND)
    assert [path.name for path in steward_files(tmp_path)] == sorted(LAYOUTS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in steward_files(tmp_path)} == {0o600}


def test_a_decision_is_added_and_nothing_that_stands_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "pair_decisions.csv"
    append_decisions(tmp_path, EVERY_KIND[:1])
    # A spreadsheet saved it with semicolons, a byte-order mark, another order of columns, no last line end.
    columns = list(reversed(LAYOUTS["pair_decisions.csv"]))
    line = {"decision_id": "d-1", "entity": "account", "decision": "same", "left_record_key": key("a"),
            "right_record_key": key("b"), "author": "A, B", "reason": "x", "decided_at": "2026-06-01"}  # fmt: skip
    before = "\ufeff" + ";".join(columns) + "\r\n" + ";".join(line.get(name, "") for name in columns)
    path.write_bytes(before.encode())
    append_decisions(tmp_path, EVERY_KIND[1:2])
    assert path.read_bytes().startswith(before.encode())
    assert [each.decision_id for each in read_decisions(tmp_path)] == ["d-1", "dec_2"]


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (("same", "maybe"), "E-STW-002", 2),
        (("account", "company"), "E-STW-002", 2),
        (("2026-06-20T08:00:00Z", "20/06/2026"), "E-STW-002", 2),
        (("2026-06-20T08:00:00Z", "2026-02-30"), "E-STW-002", 2),
        ((key("b"), "b"), "E-STW-002", 2),
        ((key("b"), key("a")), "E-STW-002", 2),
        (("0123456789ab", "0123"), "E-STW-002", 2),
        (("Ann Lee", ""), "E-STW-002", 2),
        (("dec_1", "de c"), "E-STW-002", 2),
        (("item_id", "item"), "E-STW-001", None),
        (("item_id,", ""), "E-STW-001", None),
        (("Ann Lee", "Ann, Lee"), "E-STW-001", 2),
        (("Ann Lee", '"Ann" Lee'), "E-STW-005", 2),
    ],
)
def test_a_line_that_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], code: str, line: int | None
) -> None:
    append_decisions(tmp_path, EVERY_KIND[:1])
    path = tmp_path / "pair_decisions.csv"
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(StewardshipError) as caught:
        read_decisions(tmp_path)
    assert caught.value.code == code
    assert caught.value.where == "stewardship/pair_decisions.csv" + (f":{line}" if line else "")
    assert caught.value.where in caught.value.text("what", "fr")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "undos.csv").write_bytes(b"decision_id,\xe9")
    with pytest.raises(StewardshipError, match="E-STW-005"):
        read_decisions(tmp_path)


def test_an_id_names_one_decision_and_an_undo_names_one_that_stands(tmp_path: Path) -> None:
    append_decisions(tmp_path, EVERY_KIND[:1])
    append_decisions(tmp_path, [pair("dec_1", "different", "x", "y")])
    with pytest.raises(StewardshipError, match="E-STW-003"):
        read_decisions(tmp_path)
    other = tmp_path / "other"
    append_decisions(other, [EVERY_KIND[0], EVERY_KIND[6]])
    with pytest.raises(StewardshipError, match=r"E-STW-004 stewardship/undos.csv:3"):
        read_decisions(other)


def test_an_undo_that_was_undone_undoes_nothing() -> None:
    undo = [
        Decision(name, "undo", "", (), (), "A", "r", dt.datetime(2026, 1, 1), undone_id=of)
        for name, of in (("u1", "dec_1"), ("u2", "u1"), ("u3", "u2"))
    ]
    assert undone_by(undo[:1]) == {"dec_1": "u1"}
    assert undone_by(undo[:2]) == {"u1": "u2"}
    assert undone_by(undo) == {"u2": "u3", "dec_1": "u1"}


def test_parts_of_an_unmerge_are_two_at_least_and_one_decision_has_one_author(tmp_path: Path) -> None:
    append_decisions(tmp_path, EVERY_KIND[3:4])
    path = tmp_path / "unmerges.csv"
    text = path.read_text()
    path.write_text(text.replace(",2,", ",1,"))
    with pytest.raises(StewardshipError, match="E-STW-002"):
        read_decisions(tmp_path)
    head, *lines = text.replace("first line\nsecond", "r").splitlines()
    path.write_text("\n".join([head, *lines[:-1], lines[-1].replace("Zoé", "Léa")]))
    with pytest.raises(StewardshipError, match="E-STW-002"):
        read_decisions(tmp_path)


def test_every_error_says_what_why_and_next_in_both_languages() -> None:
    for code, entry in StewardshipError.catalogue().items():
        assert code.startswith("E-STW-")
        assert {language: sorted(parts) for language, parts in entry.items()} == {
            "en": ["next", "what", "why"],
            "fr": ["next", "what", "why"],
        }
    # YAML keeps the last of two equal keys and says nothing
    told = [line for line in StewardshipError.SENTENCES.read_text().splitlines() if line.startswith("E-STW-")]
    assert len(told) == len(set(told)) == len(StewardshipError.catalogue())


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://x.example")', "+33 1", "-1", "@SUM(A1)", "'=x", "''=x", "'quoted'", "O'Neil", "a=b"],
)
def test_a_text_that_a_spreadsheet_would_run_is_written_inert_and_read_back_as_it_was(
    tmp_path: Path, text: str
) -> None:
    made = [
        pair("d1", "same", "a", "b", author=text, reason=text),
        pair("d2", "override", "a", "a", record_keys=(key("a"),), content_hashes=("",), attribute="city", value=text),
        pair("d3", "undo", "a", "a", entity="", record_keys=(), content_hashes=(), undone_id="d1", reason=text),
    ]  # fmt: skip
    append_decisions(tmp_path, made)
    for path in tmp_path.glob("*.csv"):
        cells = [cell for row in csv.reader(path.read_text().splitlines()) for cell in row]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells), path.name
    read = {each.decision_id: each for each in read_decisions(tmp_path)}
    assert (read["d1"].author, read["d1"].reason, read["d2"].value, read["d3"].reason) == (text,) * 4
