"""Import rules between folders, catalogues in two languages, nothing of a machine in the tree."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingest", "expectations", "orchestration")


def tracked() -> list[Path]:
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    return [ROOT / f for f in out.stdout.splitlines() if (ROOT / f).is_file()]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_dagster_and_great_expectations_stay_in_their_rooms():
    for path in (p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in PACKAGES):
        rel, used = path.relative_to(ROOT), imports(path)
        if rel.parts[:2] != ("orchestration", "defs") and str(rel) != "orchestration/definitions.py":
            assert not used & {"dagster", "dagster_dbt"}, rel
        if rel.parts[:2] != ("expectations", "suites"):
            assert "great_expectations" not in used, rel


def test_folders_depend_only_downstream():
    allowed = {"ingest": set(), "expectations": {"ingest"}, "orchestration": {"ingest", "expectations"}}
    for path in (p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in PACKAGES):
        package = path.relative_to(ROOT).parts[0]
        foreign = imports(path) & set(PACKAGES) - {package} - allowed[package]
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


@pytest.mark.parametrize("module", ["ingest", "expectations", "orchestration.cli", "orchestration.matching"])
def test_importing_a_pure_package_loads_no_framework(module):
    names = "('dagster', 'dbt', 'great_expectations')"
    code = f"import sys, {module}; print([m for m in {names} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_pipeline_never_names_the_truth_of_the_demo():
    for path in tracked():
        rel = path.relative_to(ROOT)
        if (
            rel.suffix in {".py", ".sql"}
            and rel.parts[0] in (*PACKAGES, "dbt_project")
            and "demo" not in rel.parts
            and rel.as_posix()
            != "orchestration/evaluation/company.py"  # judges a run after it, never feeds it
        ):
            assert not re.search(r"[\"'/]truth[\"'/]", path.read_text()), rel


def catalogue_entries(path: Path) -> dict:
    data = yaml.safe_load(path.read_text())
    return data if isinstance(data, dict) else {}


@pytest.mark.parametrize(
    "name",
    [
        "ingest/reasons.yml",
        "ingest/errors.yml",
        "orchestration/matching/errors.yml",
        "orchestration/stewardship/errors.yml",
        "orchestration/experiments/errors.yml",
    ],
)
def test_every_code_is_worded_in_french_and_english(name):
    text = (ROOT / name).read_text()
    assert len(re.findall(r"\bfr:", text)) == len(re.findall(r"\ben:", text)) >= 9


def test_the_lock_files_carry_hashes_and_no_address():
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert not re.search(r"https?://|--index-url|--find-links", text), lock.name
        pinned = re.findall(r"^[A-Za-z0-9._-]+==", text, re.M)
        assert pinned and text.count("--hash=sha256:") >= len(pinned)


def test_no_file_of_ours_is_long_or_names_a_machine():
    for path in tracked():
        rel = path.relative_to(ROOT)
        if path.suffix == ".py":
            assert len(path.read_text().splitlines()) <= 600, rel
        if path.suffix in {".py", ".sql", ".yml", ".yaml", ".md", ".toml"} and rel.parts[0] != "tests":
            assert not re.search(
                r"[^A-Za-z0-9_.](/home|/root|/Users|/tmp|/work)/[A-Za-z0-9]", path.read_text()
            ), rel


def test_links_between_pages_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http", "mailto:")):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} -> {target}"


def test_published_benchmarks_come_from_a_run():
    from tests.bench.compare import page, recorded

    assert (ROOT / "docs" / "benchmarks.md").read_text() == page(recorded())


def test_the_time_that_a_question_takes_comes_from_a_run():
    """Incident: docs/bi.md told milliseconds that no committed script could measure again."""
    from tests.bench.asking import PAGE, RECORD, page_with, sentence

    told = json.loads(RECORD.read_text(encoding="utf-8"))
    assert sentence(told) in PAGE.read_text(encoding="utf-8")
    assert page_with(told | {"cells": 1}) != page_with(told) == PAGE.read_text(encoding="utf-8")


def test_published_matching_figures_come_from_a_run():
    from tests.linkage.figures import FIGURES, PAGE, page_with

    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with(page, json.loads(FIGURES.read_text(encoding="utf-8")))


def test_the_training_report_is_about_the_stored_models():
    from orchestration.matching.linkage.model import load_model
    from tests.linkage.figures import REPORT

    for run in json.loads(REPORT.read_text(encoding="utf-8")):
        levels = {
            (comparison.name, level.code): (level.m, level.u)
            for comparison in load_model(run["entity"]).comparisons
            for level in comparison.levels
        }
        for row in run["levels"]:
            assert levels[row["comparison"], row["level"]] == (row["stored_m"], row["stored_u"])


def test_make_names_a_python_that_is_too_old_before_it_makes_anything(tmp_path):
    """pip said that a package had no version for it."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old_python"
    old.write_text(
        '#!/bin/sh\ncase "$1" in --version) echo "Python 3.9.2";; -c) exit 1;; *) touch made;; esac\n'
    )
    old.chmod(0o755)
    ended = subprocess.run(
        ["make", "test", "PYTHON=./old_python"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0 and not (tmp_path / "made").exists()
    assert "Python 3.9.2: Python 3.11 or newer is needed" in ended.stderr
