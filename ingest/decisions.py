"""Files of decisions under <company>/decisions/: what people decided, as data that is reviewed like code.

They are input, like the extracts: a work/ built again from nothing takes them into account. They can hold personal
data, so files are the owner's alone.
What does NOT belong here: what is decided (repairs.py, delivery_decisions.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from ingest.private_files import private_files


class _Dumper(yaml.SafeDumper):
    """Texts with a line end of any kind between double quotes: the other styles fold some of them into spaces."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = '"' if len(value.splitlines()) > 1 or value.splitlines() != [value] else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write_decisions(path: Path, content: dict[str, Any]) -> None:
    """Replace one file of decisions, atomically, readable by its owner only."""
    with private_files(path.parent):
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def decision_files(folder: Path) -> list[Path]:
    """Every file of decisions of a company, by path: a run looks at them like at extracts."""
    return sorted(path for path in folder.rglob("*.yml") if path.is_file() and not path.name.startswith("."))
