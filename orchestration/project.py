"""Where the project's own files are, and the hash of its code.

What does NOT belong here: anything of a company (see ingest.company) or of a run (see settings).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT = ROOT / "dbt_project"
#: The pipeline's own parse: dbt run by hand, for Spark say, must not change what a run reads.
MANIFEST = DBT_PROJECT / "target" / "pipeline" / "manifest.json"
DEFAULT_COMPANY = ROOT / "var" / "demo"

_CODE_FOLDERS = ("ingest", "dbt_project", "expectations", "orchestration")
_CODE_SUFFIXES = frozenset({".py", ".sql", ".yml", ".yaml", ".csv", ".json", ".html", ".css", ".jinja"})
_NOT_CODE = frozenset({"__pycache__", "target", "logs", "dbt_packages", ".user.yml"})


def source_files(*folders: str) -> list[Path]:
    """Source files of the named top-level folders, in path order; build products left out."""
    found = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in _CODE_SUFFIXES and not _NOT_CODE.intersection(path.relative_to(ROOT).parts)
    ]
    return sorted(path for path in found if path.is_file())


@cache
def code_version() -> str:
    """12 hex of the sources that decide what is published: not the git state, not the clock."""
    return hash_files(source_files(*_CODE_FOLDERS))


def hash_files(paths: list[Path]) -> str:
    """12 hex over names (relative to the project) and bytes, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        body = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n{len(body)}\n".encode())
        digest.update(body)
    return digest.hexdigest()[:12]
