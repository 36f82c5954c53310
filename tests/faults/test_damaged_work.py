"""Damaged files of the work directory: named, and made again from what still holds their content."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from planted_candidate import MANIFEST, plant

from ingest import CollectReport, collect
from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.damaged_file import DamagedFileError
from orchestration.publication import publish
from orchestration.publication.receipts import current_publication

COMPANY = """version: 1
company: site
reporting_currency: EUR
cycle: 2026-06
sources:
  - {instance: crm, mapping: mapping.yml, folder: crm}
"""
MAPPING = """version: 1
source: {system: vendor}
files:
  rows: {path: "{date}/rows.csv", format: delimited, delimiter: ",", expected_columns: [2]}
tables:
  crm_account:
    from: rows
    columns: {source_record_id: Id, name: Name}
"""
ROWS = {"2026-05": "Id,Name\n1,Ann\n2,Bob,surplus\n", "2026-06": "Id,Name\n1,Anna\n3,Cid\n"}


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A collected company: two deliveries, one line in quarantine, one superseded row."""
    (tmp_path / "company.yml").write_text(COMPANY)
    (tmp_path / "mapping.yml").write_text(MAPPING)
    for month, content in ROWS.items():
        folder = tmp_path / "extracts" / "crm" / month
        folder.mkdir(parents=True)
        (folder / "rows.csv").write_text(content)
    assert collect(tmp_path).repaired == ()
    return tmp_path


def state(company: Path) -> dict[str, list[tuple]]:
    """All that the rest of the pipeline reads, sorted."""
    tables = {path.stem: path for path in (company / "work" / "collect").glob("*.parquet")}
    tables["raw"] = company / "work" / "raw" / "crm_account" / "crm__*.parquet"
    return {name: duckdb.sql(f"from '{path}' order by all").fetchall() for name, path in tables.items()}


def one(company: Path, pattern: str) -> Path:
    return sorted((company / "work").glob(pattern))[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_a_byte(path: Path) -> None:
    path.chmod(0o600)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


DERIVED = (
    "raw/crm_account/crm__*.parquet", "quarantine/*.parquet", "deliveries/*.json",
    "collect/parts/crm_account.dispositions.parquet", "collect/dispositions.parquet", "collect/changes.parquet",
)  # fmt: skip


@pytest.mark.parametrize("damage", [truncate, change_a_byte, Path.unlink], ids=lambda f: f.__name__)
@pytest.mark.parametrize("pattern", DERIVED)
def test_a_damaged_file_is_named_and_made_again(company: Path, pattern: str, damage: Callable) -> None:
    if pattern.startswith("deliveries") and damage is not truncate:
        pytest.skip("a record that reads well, or is gone, is not a damaged one")
    before = state(company)
    path = one(company, pattern)
    damage(path)
    report = collect(company)
    assert report.repaired == (path.relative_to(company).as_posix(),)
    assert report.refusals == () and report.imbalances == ()
    assert state(company) == before
    again = collect(company)
    assert again.repaired == () and again.landed == ()


@pytest.mark.parametrize("pattern", DERIVED[:3])
def test_the_archive_is_enough_when_the_extracts_are_gone(company: Path, pattern: str) -> None:
    before = state(company)
    for path in (company / "extracts").rglob("rows.csv"):
        path.unlink()
    truncate(one(company, pattern))
    report = collect(company)
    assert len(report.repaired) == 1 and report.refusals == ()
    assert state(company) == before


def needs_landing(company: Path) -> CollectReport:
    """A change of the mapping: every delivery is read from the archive again."""
    mapping = company / "mapping.yml"
    mapping.write_text(mapping.read_text().replace("version: 1", "version: 2", 1))
    return collect(company)


@pytest.mark.parametrize("damage", [truncate, change_a_byte], ids=lambda f: f.__name__)
def test_a_damaged_original_is_copied_again_from_the_extracts(company: Path, damage: Callable) -> None:
    before = state(company)["raw"]
    path = one(company, "archive/*/*")
    content = path.read_bytes()
    path.chmod(0o600)
    damage(path)
    report = needs_landing(company)
    assert report.refusals == () and state(company)["raw"] == before
    assert path.read_bytes() == content
    if damage is change_a_byte:
        assert report.repaired == (path.relative_to(company).as_posix(),)


def test_a_damaged_original_without_its_extract_is_refused_and_never_read(company: Path) -> None:
    path = one(company, "archive/*/*")
    change_a_byte(path)
    for extract in (company / "extracts").rglob("rows.csv"):
        extract.unlink()
    assert collect(company).refusals == (), "its rows are landed: nothing needs the original now"
    (refusal,) = needs_landing(company).refusals
    assert refusal.problem.code == "E-ING-021" and path.name in refusal.problem.text("next")
    month = next(m for m, rows in ROWS.items() if f"crm/{m}/rows.csv" == refusal.file_path)
    folder = company / "extracts" / "crm" / month
    (folder / "rows.csv").write_text(ROWS[month])
    assert collect(company).refusals == ()


def test_a_damaged_record_of_which_nothing_is_known_is_refused_with_its_name(company: Path) -> None:
    path = one(company, "deliveries/*.json")
    kept = json.loads(path.read_text())["file_path"]
    truncate(path)
    (company / "work" / "collect" / "deliveries.parquet").unlink()
    (company / "extracts" / kept).unlink()
    (refusal,) = collect(company).refusals
    assert refusal.problem.code == "E-ING-022"
    assert path.name in refusal.problem.text("what") and path.name in refusal.problem.text("next", "fr")


@pytest.mark.parametrize("name", ["collect/seen.json", "raw/crm_account/_schema.parquet"])
def test_damaged_notes_of_the_pipeline_itself_cost_nothing(company: Path, name: str) -> None:
    before = state(company)
    for content in ("", "[]", "null"):
        (company / "work" / name).write_text(content)
        assert collect(company).refusals == () and state(company) == before


def doctor(company: Path) -> dict[str, list[str]]:
    """What is bad, by name of the finding."""
    result = CliRunner().invoke(cli.etalon, ["doctor", "--company", str(company), "--json"])
    findings = json.loads(result.output)["findings"]
    assert (result.exit_code == exit_codes.USAGE) == any(each["state"] == "bad" for each in findings)
    return {
        name: [each["text"] for each in findings if each["name"] == name and each["state"] == "bad"]
        for name in ("receipts", "raw", "archive", "publication", "publication receipts", "registry")
    }


def test_doctor_names_each_damaged_file_and_its_cure(company: Path) -> None:
    assert not any(doctor(company).values())
    # the second: nothing can be said of the files of the first, whose record is cut below
    raw = sorted((company / "work").glob("raw/crm_account/crm__*.parquet"))[1]
    original = one(company, "archive/*/*")
    change_a_byte(raw)
    change_a_byte(original)
    truncate(one(company, "deliveries/*.json"))
    found = doctor(company)
    assert raw.name in found["raw"][0]
    assert original.name in found["archive"][0] and "extracts/crm/" in found["archive"][0]
    assert one(company, "deliveries/*.json").name in found["receipts"][0]
    assert all("etalon run --force" in text for texts in found.values() for text in texts)
    original.unlink()
    collect(company)
    assert not any(doctor(company).values())


def test_doctor_says_when_only_the_extract_helps(company: Path) -> None:
    change_a_byte(one(company, "archive/*/*"))
    for extract in (company / "extracts").rglob("rows.csv"):
        extract.unlink()
    (text,) = doctor(company)["archive"]
    assert "put the extract crm/2026-0" in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"publication_id": 1', "null"])
def test_a_damaged_record_of_what_is_live_is_no_empty_company(tmp_path: Path, content: str) -> None:
    first = publish(plant(tmp_path), MANIFEST)
    live = publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST)
    marts = live.marts.read_bytes()
    current = tmp_path / "published" / "current.json"
    current.write_text(content)
    for command in (["run"], ["run", "--force"], ["check"]):
        result = CliRunner().invoke(cli.etalon, [*command, "--company", str(tmp_path)])
        assert result.exit_code == exit_codes.IO_ERROR
        assert "published/current.json" in result.output
        assert f"etalon publish --rollback {live.publication_id}" in result.output
    with pytest.raises(DamagedFileError):
        publish(plant(tmp_path, n_leads=11, delivery="d3"), MANIFEST)
    assert live.marts.read_bytes() == marts
    (told,) = doctor(tmp_path)["publication"]
    assert f"etalon publish --rollback {live.publication_id}" in told
    listed = CliRunner().invoke(cli.etalon, ["publish", "--list", "--company", str(tmp_path), "--json"])
    assert {each["publication_id"]: each["is_live"] for each in json.loads(listed.output)["publications"]} == {
        first.publication_id: False, live.publication_id: True
    }  # fmt: skip
    back = ["publish", "--rollback", live.publication_id, "--company", str(tmp_path)]
    assert CliRunner().invoke(cli.etalon, back).exit_code == 0
    assert current_publication(tmp_path / "published") | {"marts_sha256": ""} == {
        "publication_id": live.publication_id, "marts_sha256": "", "rolled_back_from": None
    }  # fmt: skip
    assert not doctor(tmp_path)["publication"]


def test_damaged_receipts_and_registry_of_the_publication_are_named(tmp_path: Path) -> None:
    old = publish(plant(tmp_path), MANIFEST)
    publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST)
    truncate(tmp_path / "published" / "receipts" / f"{old.publication_id}.json")
    truncate(tmp_path / "published" / "registry" / "golden_ids.parquet")
    found = doctor(tmp_path)
    assert old.publication_id in found["publication receipts"][0]
    assert "golden_ids.parquet" in found["registry"][0]


def test_damaged_settings_of_a_run_are_named_by_the_commands_that_need_them(tmp_path: Path) -> None:
    plant(tmp_path)
    truncate(tmp_path / "work" / "run" / "settings.parquet")
    result = CliRunner().invoke(cli.etalon, ["publish", "--company", str(tmp_path)])
    assert result.exit_code == exit_codes.IO_ERROR
    assert "settings.parquet" in result.output and "etalon run --force" in result.output
