"""docs/vendors.md has one section per shipped mapping, whose facts are those of the mapping.

The table of files and the keys are written here from the mapping and must stand in the page word for word: after
a change of a mapping, copy what the failing test expects.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.mapping import MAPPINGS, ColumnSpec, FileSpec, MappingModel
from ingest.mapping_model import AtLeast
from ingest.strict_yaml import read_yaml, validate
from tests.integration.real_extracts import ORDERS, SOURCES, VENDORS

PAGE = (Path(__file__).parents[3] / "docs" / "vendors.md").read_text(encoding="utf-8")
NAMES = sorted(path.stem for path in MAPPINGS.glob("*.yml"))
REAL = {mapping for mapping, _, _, _ in (SOURCES | VENDORS | ORDERS).values()}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def model(name: str) -> MappingModel:
    return validate(MappingModel, read_yaml(MAPPINGS / f"{name}.yml"), name)


def section(name: str) -> str:
    """Text between the heading of one mapping and the next heading."""
    found = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    assert found, f"docs/vendors.md has no section {name}"
    return found.group(1)


def layout(spec: FileSpec) -> str:
    if spec.format != "delimited":
        return spec.format
    packed = f"`{spec.member}` in a {spec.compression}, " if spec.member else ""
    columns = spec.expected_columns or spec.declared_columns
    if isinstance(columns, AtLeast):
        columns = columns.at_least
    if isinstance(columns, list) and all(isinstance(c, int) for c in columns):
        count = " or ".join(map(str, columns))
    else:
        count = str(len(columns or []))
    if isinstance(spec.expected_columns, AtLeast):
        count = f"at least {count}"
    text = packed + f"{DELIMITERS[spec.delimiter or ',']}, {spec.encoding}, {count} columns"
    if spec.optional_columns:
        text += f" and {len(spec.optional_columns)} that may be missing"
    if spec.header is not True:
        text += ", no header"
    return text + (f", {len(spec.header_aliases)} header aliases" if spec.header_aliases else "")


def key(spec: ColumnSpec) -> str:
    if spec.source:
        return f"`{spec.source}`"
    if spec.hash:
        return f"hash of {len(spec.hash)} columns" + (" and the occurrence" if spec.occurrence else "")
    return "built from several columns" if spec.expr else "line"


def facts(name: str) -> str:
    """The table of files and the line of keys of one mapping."""
    mapping = model(name)
    lines = ["| file | layout | fills |", "|---|---|---|"]
    for file_key, spec in mapping.files.items():
        filled = sorted({t.contract or n for n, t in mapping.tables.items() if file_key in t.files})
        required = "" if spec.required else " (optional)"
        cells = (
            f"{' or '.join(f'`{path}`' for path in spec.paths)}{required}",
            layout(spec),
            ", ".join(filled) or "joined to other files",
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    keys: dict[str, list[str]] = {}
    for table, spec in mapping.tables.items():
        text = key(spec.columns["source_record_id"])
        known = keys.setdefault(spec.contract or table, [])
        known += [text] if text not in known else []
    said = "; ".join(f"{contract} {' or '.join(texts)}" for contract, texts in keys.items())
    return "\n".join(lines) + f"\n\nKeys: {said}.\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_section_gives_the_files_and_keys_of_the_mapping(name: str) -> None:
    assert facts(name) in section(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_section_says_what_the_mapping_was_tested_on(name: str) -> None:
    on_real = "Tested on a real extract" in section(name)
    on_generated = "No real extract was available" in section(name)
    assert (on_real, on_generated) == (name in REAL, name not in REAL)


@pytest.mark.parametrize("name", NAMES)
def test_the_section_names_the_traps(name: str) -> None:
    assert "Traps: " in section(name)


def test_the_page_has_no_section_of_a_mapping_that_is_gone() -> None:
    assert sorted(re.findall(r"^### (\S+)$", PAGE, re.M)) == NAMES
