"""The JSON Schema for editors is that of the models, describes every key, and takes what the loader takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ingest.mapping import MAPPINGS
from ingest.mapping_schema import SCHEMA_FILE, mapping_schema, schema_text
from ingest.strict_yaml import read_yaml

jsonschema = pytest.importorskip("jsonschema")
SHAPES = {
    "version": 1,
    "source": {"system": "vendor"},
    "files": {
        "a": {"path": "a.txt", "format": "fixed_width", "fields": {"Id": [1, 6]}, "line_length": [6, 9]},
        "b": {"path": "b.zip", "format": "json", "compression": "zip", "member": "*.json", "fields": ["Id"]},
    },
    "tables": {
        "crm_lead": {
            "from": ["a", "b"],
            "fill_down": ["Id"],
            "unpivot": {"columns": ["Jan", "Feb"], "name": "Month", "value": "Target"},
            "columns": {"source_record_id": "Id", "email": {"source": "Email", "map": {"": "x"}}},
        },
        "crm_contact": {
            "from": "a",
            "fill_down": {"columns": ["Id"], "group": "Id"},
            "fold": {"key": ["Id"], "take": {"A": "sum", "B": {"priority": ["x"]}, "C": {"sum_of": "1"}}},
            "columns": {},
        },
    },
}


def test_the_file_is_that_of_the_models() -> None:
    text = SCHEMA_FILE.read_text(encoding="utf-8")
    assert text == schema_text(), "run: python -m ingest.mapping_schema"


def objects(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from schema["$defs"].items()
    yield "mapping", schema


def test_every_key_has_a_description_and_no_other_key_passes() -> None:
    for name, definition in objects(mapping_schema()):
        assert definition["additionalProperties"] is False, name
        for key, item in definition["properties"].items():
            assert item.get("description", "").endswith("."), f"{name}.{key}"


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_mappings_are_valid(path: Any) -> None:
    content = json.loads(json.dumps(read_yaml(path), default=str))
    jsonschema.validate(content, mapping_schema())


def test_short_forms_and_shapes_are_valid() -> None:
    jsonschema.validate(SHAPES, mapping_schema())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("files", "a", "formt"), "json"),
        (("files", "a", "format"), "xls"),
        (("files", "a", "expected_columns"), {"atleast": ["Id"]}),
        (("files", "a", "covers"), "next_month"),
        (("files", "a", "fields"), {"Id": [1]}),
        (("tables", "crm_lead", "columns"), {"email": {"sorce": "Email"}}),
        (("tables", "crm_contact", "fold"), {"key": ["Id"], "take": {"A": "middle"}}),
        (("source",), {"system": "Vendor 1"}),
    ],
)
def test_what_the_loader_refuses_is_marked(place: tuple[str, ...], value: Any) -> None:
    content = json.loads(json.dumps(SHAPES))
    target = content
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, mapping_schema())
