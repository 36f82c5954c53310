"""The parsed dbt project, once for all convention tests."""

import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The dbt manifest as a dictionary, parsed from the tree as it is (never a stale target folder)."""
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("dbt_target")
    os.environ.setdefault("ETALON_WORK", str(target))
    project = target / "project"
    shutil.copytree(ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    result = dbtRunner().invoke(
        [
            *("parse", "--quiet", "--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(target), "--log-path", str(target / "logs")),
            *("--warn-error-options", '{"error": "all"}'),
        ]
    )
    assert result.success, result.exception
    return json.loads((target / "manifest.json").read_text())


@pytest.fixture(scope="session")
def models(manifest: dict) -> dict[str, dict]:
    """name -> node of every model of the project."""
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
