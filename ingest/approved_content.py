"""Hash of what a person approved in a YAML file: its content, not its bytes.

Comments, order of keys and line ends may change; a value may not. The content is that of the file, without defaults of
a model, so that a newer version of the software does not undo an approval.
What does NOT belong here: reading the file (strict_yaml.py), what an approval means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any


def content_hash(content: Mapping[str, Any], without: Collection[str] = ()) -> str:
    """64 hex over a parsed YAML mapping. without: keys of the top level that are not part of what is approved."""
    approved = {key: value for key, value in content.items() if key not in without}
    text = json.dumps(approved, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
