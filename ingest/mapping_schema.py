"""The JSON Schema of a mapping file, for editors: made from the models, kept in mapping.schema.json.

`python -m ingest.mapping_schema` writes the file; a test fails when it is not the one of the models.
What does NOT belong here: the checks of a mapping, which know more than a schema can say (mapping.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.mapping_model import MappingModel

SCHEMA_FILE = Path(__file__).with_name("mapping.schema.json")
_TEXTS = {"items": {"type": "string"}, "type": "array"}


def mapping_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a mapping file, short forms included: a text for a column, a list for fill_down
    and for the columns of unpivot.
    """
    schema = MappingModel.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    columns = definitions["TableSpec"]["properties"]["columns"]
    columns["additionalProperties"] = {"anyOf": [{"type": "string"}, columns["additionalProperties"]]}
    definitions["TableSpec"]["properties"]["fill_down"]["anyOf"].insert(0, _TEXTS)
    labels = definitions["Unpivot"]["properties"]["columns"]
    described = {name: labels.pop(name) for name in ("description", "title") if name in labels}
    definitions["Unpivot"]["properties"]["columns"] = {"anyOf": [_TEXTS, labels], **described}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Etalon mapping",
    }


def schema_text() -> str:
    """The schema as it stands in mapping.schema.json."""
    return json.dumps(mapping_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
