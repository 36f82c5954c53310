"""docs/mapping.md names every key of the mapping language and every function of its expressions."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from ingest.calendar_reading import ATTENDEE_COLUMNS, EVENT_COLUMNS
from ingest.check_model import KEYS, CheckSpec
from ingest.conversion import check_mapping
from ingest.errors import ConfigurationError
from ingest.expressions import compile_expression
from ingest.mapping import ColumnSpec, Defaults, FileSpec, MappingModel, TableSpec, build_mapping
from ingest.mapping_model import Privacy
from ingest.shape_model import Explode, FillDown, Fold, Pair, Unpivot
from ingest.strict_yaml import read_yaml

PAGE = Path(__file__).parents[3] / "docs" / "mapping.md"


@pytest.mark.parametrize("model", [MappingModel, Defaults, FileSpec, TableSpec, ColumnSpec, CheckSpec])
def test_every_key_is_documented(model: type) -> None:
    text = PAGE.read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in text and f"`{key}: " not in text} == set()


@pytest.mark.parametrize("model", [Explode, Unpivot, FillDown, Pair, Fold, Privacy])
def test_every_key_of_a_key_is_documented_in_its_row(model: type) -> None:
    text = PAGE.read_text(encoding="utf-8")
    name = {"FillDown": "fill_down"}.get(model.__name__, model.__name__.lower())
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    assert [key for key in model.model_fields if not re.search(rf"\b{key}\b", row)] == []


def test_every_type_of_check_is_documented_with_the_keys_it_needs() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## Checks")[1].split("\n## ")[0]
    for name, (needed, _) in KEYS.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert [key for key in needed - {"table"} if f"`{key}" not in row] == []


def test_every_calendar_column_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*EVENT_COLUMNS, *ATTENDEE_COLUMNS) if name not in text] == []


def test_every_documented_function_is_allowed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = text.split("and the functions `")[1].split("`")[0].split()
    assert len(names) > 30
    shapes = [
        "x",
        "x, 'a'",
        "x, 'a', 'b'",
        "x, 1",
        "x, 3, '0'",
        "x, '.', 1",
        "'-', x, x",
        "1",
        "try_cast(x as double)",
    ]
    connection = duckdb.connect()
    refused = set()
    for name in names:
        for shape in shapes:
            try:
                sql = compile_expression(f"{name}({shape})", lambda column: '"c0"', "page")
                connection.execute(f"SELECT {sql} FROM (SELECT CAST(NULL AS VARCHAR) AS c0)")
                break
            except (duckdb.Error, ConfigurationError):
                continue
        else:
            refused.add(name)
    assert refused == set()


def test_the_example_of_the_page_compiles(tmp_path: Path) -> None:
    example = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "example.yml").write_text(example, encoding="utf-8")
    check_mapping(build_mapping("example", read_yaml(tmp_path / "example.yml")), lambda stream: ())
