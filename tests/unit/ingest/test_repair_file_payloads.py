"""No cell of a file of lines to repair is a formula, wherever it is cut; every line comes back as it was."""

from __future__ import annotations

import csv
import io
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.inert_text import inert_line, meant_line

OPENINGS = ("=", "+", "-", "@", "\t=", "\r=", " =", "＝", "＋", "－", "＠", "'=", "''=", "=-", '"=', '""=')
FORMULAS = (
    "1+1",
    "SUM(1;1)",
    'HYPERLINK("x:";"click")',
    "cmd|'/c calc'!A1",
    'DDE("cmd";"/c calc";"x")',
    'IMPORTXML("x:";"//a")',
    '"&A1&"',
    "1;=1+1",
    '1"\n=1+1',
)
#: Lines as they lie in quarantine: too many fields, an open quote, a cell of another separator inside a quoted one.
LINES = (
    "{0}",
    "1,{0},x",
    "1;{0};x",
    "1\t{0}\tx",
    '1,"{0}",x',
    '1,"a;{0}',
    "1|{0}|{0}",
    '{{"a": {0}}}',
    "x^{0}~{0}",
)
SEPARATORS = (",", ";", "\t", "|", "^", "~", ":", " ")


def runs(cell: str) -> bool:
    """Whether a spreadsheet may run a cell: blanks, quotes and control characters before it do not help."""
    return bool(re.match(r"[\s\0\"]*[=+\-@＝＋－＠]", cell))


def cells_of(text: str) -> list[str]:
    """The cells of a text cut with and without quotes, at every separator."""
    found = []
    for separator in SEPARATORS:
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            rows = csv.reader(io.StringIO(text.replace("\r", "\n")), delimiter=separator, quoting=quoting)
            found += [cell for row in rows for cell in row]
    return found


@pytest.mark.parametrize("line", LINES)
def test_no_cell_of_a_repair_file_is_a_formula_and_the_line_comes_back(line: str) -> None:
    for opening, formula in product(OPENINGS, FORMULAS):
        text = line.format(opening + formula)
        inert = inert_line(text)
        assert meant_line(inert) == text
        exported = f"crm:0123456789ab:4,{inert}\n"
        assert not [cell for cell in cells_of(exported) if runs(cell)], (text, inert)


@given(st.text(alphabet=st.sampled_from("a1=+-@'\"',;\t |＝é\n\\{}_"), max_size=40))
def test_every_line_comes_back_to_the_character(line: str) -> None:
    assert meant_line(inert_line(line)) == line


@given(st.text(max_size=60))
def test_any_text_comes_back_and_begins_no_formula(line: str) -> None:
    inert = inert_line(line)
    assert meant_line(inert) == line and not runs(inert)


def test_what_needs_no_apostrophe_has_none() -> None:
    line = "2026-06-02 10:00:00,jean-luc@x-y.fr,12.5,d'Artagnan,a=b"
    assert inert_line(line) == meant_line(line) == line
    assert inert_line("1,-5,+33612345678") == "1,'-5,'+33612345678"
