"""Nobody of the demo company is named in anything that is published: not in a table, a receipt or a page."""

from __future__ import annotations

import csv
import re
import zipfile
from itertools import chain
from pathlib import Path

import duckdb
import pytest

#: Shorter names are words and codes too.
_SHORTEST = 3
_PAIR = re.compile(r"(?=\b([^\W\d_]{3,})[ ._-]([^\W\d_]{3,})(?![^\W\d_]))")


def people(extracts: Path) -> set[tuple[str, str]]:
    """(first name, last name), lower case, of the CRM's users, contacts and leads."""
    found = set()
    for path in chain.from_iterable(
        extracts.glob(f"crm/*/{each}.csv") for each in ("User", "Contact", "Lead")
    ):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                first, last = row.get("FirstName"), row.get("LastName")
                if "Name" in row and last is None:
                    first, _, last = (row["Name"] or "").partition(" ")
                found.add(((first or "").strip().lower(), (last or "").strip().lower()))
    return {(first, last) for first, last in found if min(len(first), len(last)) >= _SHORTEST}


def names_in(text: str, named: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs of words in either order, as a cell, an address or the name of a file writes a person."""
    pairs = {found.groups() for found in _PAIR.finditer(text.lower())}
    return {(a, b) for a, b in pairs if (a, b) in named or (b, a) in named}


def texts(published: Path) -> dict[str, str]:
    """Every published file as text; of the warehouse and of Parquet, every row."""
    found = {}
    for path in sorted(each for each in published.rglob("*") if each.is_file()):
        name = str(path.relative_to(published))
        if path.suffix == ".parquet":
            found[name] = str(duckdb.sql(f"select * from '{path}'").fetchall())
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                tables = con.execute(
                    "select table_schema, table_name from information_schema.tables"
                ).fetchall()
                for schema, table in tables:
                    found[f"{name}: {table}"] = str(
                        con.execute(f'select * from "{schema}"."{table}"').fetchall()
                    )
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as parts:
                found[name] = " ".join(parts.read(each).decode() for each in parts.namelist())
        else:
            found[name] = path.read_text(encoding="utf-8")
    return found


@pytest.mark.audit("CP3", "R5")
def test_nobody_is_named_in_what_is_published(demo_run):
    named = people(demo_run.company_dir / "extracts")
    assert len(named) > 300 and ("sarah", "blanc") in named
    extracted = " ".join(str(path) for path in (demo_run.company_dir / "extracts").rglob("*"))
    assert names_in(extracted, named), "calendars are named after their persons"
    published = texts(demo_run.published)
    found = {name: names_in(text, named) for name, text in published.items()}
    assert {name: each for name, each in found.items() if each} == {}
    assert len(published) > 40, "tables, receipts, the registry and the pages"
