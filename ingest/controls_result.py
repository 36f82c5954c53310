"""What a control found, as data: one row per control and delivery, or per control and contract, with its sentence.

What does NOT belong here: measuring (controls_measures.py) and what a breach does to a publication (the gate).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, Literal

import pyarrow as pa
import yaml

from ingest.typography import typeset

SENTENCES_FILE = Path(__file__).with_name("controls.yml")
Status = Literal["pass", "warn", "fail", "not_assessed"]

CONTROL_SCHEMA = pa.schema(
    [
        ("source_instance", pa.string()), ("_delivery_id", pa.string()), ("file_path", pa.string()),
        ("control", pa.string()), ("kind", pa.string()), ("contract", pa.string()), ("column_name", pa.string()),
        ("level", pa.string()), ("status", pa.string()), ("n_evaluated", pa.int64()), ("n_failed", pa.int64()),
        ("measured", pa.string()), ("threshold", pa.string()), ("previous", pa.string()), ("code", pa.string()),
        ("params", pa.string()), ("examples", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class ControlResult:
    """One control. delivery_id is None when it speaks about all deliveries of a source.

    level: error, warn or info; a breach is `fail` under error and `warn` under the others, as rules do.
    measured, threshold, previous: texts of numbers, instants or shares. code and params: a sentence of
    controls.yml. examples: places `file:line` of failing rows, never values.
    """

    source_instance: str
    control: str
    kind: str
    level: str
    status: str
    code: str
    delivery_id: str | None = None
    file_path: str = ""
    contract: str | None = None
    column_name: str | None = None
    n_evaluated: int | None = None
    n_failed: int | None = None
    measured: str | None = None
    threshold: str | None = None
    previous: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    @property
    def control_id(self) -> str:
        """`<source>/<control>`: the name that waivers and the journal use."""
        return f"{self.source_instance}/{self.control}"

    def row(self) -> dict[str, Any]:
        """This result as a row of control_results.parquet."""
        values = asdict(self)
        values["_delivery_id"] = values.pop("delivery_id")
        values["params"] = json.dumps(self.params, ensure_ascii=False, sort_keys=True)
        values["examples"] = json.dumps(list(self.examples), ensure_ascii=False)
        return values


def result_of(values: Mapping[str, Any]) -> ControlResult:
    """A row of control_results.parquet as a ControlResult."""
    known = {name: values[name] for name in CONTROL_SCHEMA.names if name not in {"_delivery_id"}}
    known["params"] = json.loads(values["params"] or "{}")
    known["examples"] = tuple(json.loads(values["examples"] or "[]"))
    return ControlResult(delivery_id=values["_delivery_id"], **known)


def breached(level: str) -> Status:
    """Status of a breach at a level."""
    return "fail" if level == "error" else "warn"


@functools.cache
def sentences() -> dict[str, dict[str, str]]:
    """Language -> code -> sentence with named places. Source: controls.yml."""
    return typeset(yaml.safe_load(SENTENCES_FILE.read_text(encoding="utf-8")))


def sentence(code: str, params: Mapping[str, Any], language: str = "en") -> str:
    """The sentence of a result. A share (float) is shown in per cent; a sentence never raises for a value missing."""
    template = sentences()[language][code]
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    return template.format(**{name: _shown(params.get(name), language) for name in names})


def _shown(value: Any, language: str) -> str:
    if isinstance(value, float):
        text = f"{value * 100:.2f}".rstrip("0").rstrip(".")
        if value > 0 and text == "0":
            text = "< 0.01"
        return f"{text.replace('.', ',')} %" if language == "fr" else f"{text}%"
    return "-" if value is None or value == "" else str(value)
