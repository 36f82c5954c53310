"""`dbt docs generate`, as docs/bi.md says it: the site holds every mart with its columns, types and who uses it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestration.project import DBT_PROJECT


@pytest.fixture(scope="module")
def site(demo_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that dbt wrote, made from a copy of the demo's warehouse."""
    from dbt.cli.main import dbtRunner

    folder = tmp_path_factory.mktemp("docs")
    work, project, target = folder / "work", folder / "project", folder / "site"
    work.mkdir()
    shutil.copy(demo_run.work / "warehouse.duckdb", work / "warehouse.duckdb")
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    former = os.environ.get("ETALON_WORK")
    os.environ["ETALON_WORK"] = str(work)
    try:
        made = dbtRunner().invoke(
            ["docs", "generate", "--quiet", "--project-dir", str(project),
             "--profiles-dir", str(project), "--target-path", str(target), "--log-path", str(folder / "logs")]
        )  # fmt: skip
    finally:
        if former is None:
            del os.environ["ETALON_WORK"]
        else:
            os.environ["ETALON_WORK"] = former
    assert made.success, made.exception
    return target


def test_the_site_holds_every_mart_with_its_columns_described(site):
    assert (site / "index.html").stat().st_size > 100_000
    manifest = json.loads((site / "manifest.json").read_text())
    catalog = json.loads((site / "catalog.json").read_text())
    marts = {key: node for key, node in manifest["nodes"].items() if node["name"].startswith("mart_")}
    assert len(marts) >= 9
    for key, node in marts.items():
        columns = catalog["nodes"][key]["columns"]
        assert list(columns) == list(node["columns"]), node["name"]
        assert all(column["description"] for column in node["columns"].values()), node["name"]


def test_the_site_names_who_uses_each_mart(site):
    manifest = json.loads((site / "manifest.json").read_text())
    used = {key for each in manifest["exposures"].values() for key in each["depends_on"]["nodes"]}
    marts = {key for key, node in manifest["nodes"].items() if node["name"].startswith("mart_")}
    assert marts <= used
    for each in manifest["exposures"].values():
        assert each["owner"]["email"] and each["label"] and each["description"], each["name"]
