"""Settings, fingerprints and the question whether anything is new."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from planted_candidate import MANIFEST, SETTINGS, plant

from ingest.local_time import first_instant
from orchestration import project
from orchestration.inputs import scan_inputs
from orchestration.nothing_new import unchanged_publication
from orchestration.publication import publish, rollback
from orchestration.settings import (
    cycle_bounds,
    fingerprint,
    publication_id,
    read_settings,
    run_settings,
    write_settings,
)
from orchestration.steps import open_run


def test_the_cycle_decides_as_of_and_december_ends_in_january() -> None:
    assert cycle_bounds("2026-12") == (dt.date(2026, 12, 1), dt.date(2027, 1, 1))
    for wrong in ("2026-13", "2026-1", "june", "", "2026-06-01"):
        with pytest.raises(ValueError, match="not a month"):
            cycle_bounds(wrong)


@pytest.mark.parametrize(
    ("zone", "as_of"),
    [
        ("UTC", dt.datetime(2026, 7, 1)),
        ("Europe/Paris", dt.datetime(2026, 6, 30, 22)),
        ("America/New_York", dt.datetime(2026, 7, 1, 4)),
        ("Asia/Kolkata", dt.datetime(2026, 6, 30, 18, 30)),
    ],
)
def test_as_of_is_the_first_instant_after_the_cycle_in_the_zone_of_the_company(
    tmp_path: Path, zone: str, as_of: dt.datetime
) -> None:
    company = replace(plant(tmp_path), timezone=zone)
    assert run_settings(company).as_of == company.as_of == as_of
    assert run_settings(company).cycle_end == dt.date(2026, 7, 1)


def test_a_day_that_begins_with_a_change_of_clocks_begins_once() -> None:
    """Beirut goes from 24:00 to 01:00; Havana repeats the hour after midnight."""
    assert first_instant(dt.date(2026, 3, 29), "Asia/Beirut") == dt.datetime(2026, 3, 28, 22)
    assert first_instant(dt.date(2026, 11, 1), "America/Havana") == dt.datetime(2026, 11, 1, 4)


def test_settings_survive_parquet(tmp_path: Path) -> None:
    write_settings(SETTINGS, tmp_path)
    assert read_settings(tmp_path) == SETTINGS
    schema = pq.read_schema(tmp_path / "run" / "settings.parquet")
    assert (
        str(schema.field("as_of").type) == "timestamp[us]"
        and str(schema.field("cycle_end").type) == "date32[day]"
    )
    assert str(schema.field("conversion_window_days").type) == "int32"
    with pytest.raises(FileNotFoundError, match="etalon run"):
        read_settings(tmp_path / "elsewhere")


def test_the_fingerprint_follows_what_decides_and_nothing_else() -> None:
    base = fingerprint(SETTINGS, ["b", "a", "a"])
    assert fingerprint(replace(SETTINGS, run_id="other"), ["a", "b"]) == base
    changed = [
        fingerprint(SETTINGS, ["a"]),
        fingerprint(replace(SETTINGS, cycle="2026-05"), ["a", "b"]),
        fingerprint(replace(SETTINGS, code_version="0"), ["a", "b"]),
        fingerprint(replace(SETTINGS, policy_version="0"), ["a", "b"]),
        fingerprint(replace(SETTINGS, conversion_window_days=31), ["a", "b"]),
    ]
    assert len({base, *changed}) == 6
    assert publication_id(SETTINGS, ["a", "b"]) == f"2026-06-{base[:12]}"


def test_the_code_version_sees_every_source_and_no_build_product() -> None:
    files = project.source_files("dbt_project", "orchestration", "ingest", "expectations")
    assert project.ROOT / "orchestration" / "project.py" in files
    assert project.ROOT / "dbt_project" / "dbt_project.yml" in files
    assert not [path for path in files if {"target", "__pycache__", "logs"} & set(path.parts)]
    assert project.hash_files(files) != project.hash_files(files[1:])


def _published(root: Path):
    """A planted publication whose receipt carries today's settings and inputs."""
    company = plant(root)
    (root / "extracts" / "leads.csv").write_text("id\n1\n")
    settings = run_settings(company, run_id="run-1")
    company = plant(root, settings=settings)
    return company, publish(company, MANIFEST, inputs=scan_inputs(company))


def test_nothing_is_new_until_a_file_a_setting_or_the_published_file_changes(tmp_path: Path) -> None:
    company, receipt = _published(tmp_path)
    found = unchanged_publication(company, None)
    assert found.publication_id == receipt.publication_id and found.rolled_back_from is None
    assert unchanged_publication(company, "2026-05") is None
    assert unchanged_publication(replace(company, reporting_currency="USD"), None) is None
    kept = unchanged_publication(replace(company, conversion_window_days=31), None)
    assert kept is not None, "the framing note says the window of its month"

    extra = tmp_path / "extracts" / "new.csv"
    extra.write_text("id\n2\n")
    assert unchanged_publication(company, None) is None
    extra.unlink()
    assert unchanged_publication(company, None) is not None
    (tmp_path / "extracts" / "leads.csv").unlink()
    assert unchanged_publication(company, None) is not None, (
        "deliveries are kept, a file taken away changes nothing"
    )
    receipt.marts.write_bytes(receipt.marts.read_bytes() + b"x")
    assert unchanged_publication(company, None) is None


def test_a_rollback_stands_until_something_is_new(tmp_path: Path) -> None:
    company, first = _published(tmp_path)
    settings = run_settings(company, run_id="run-2")
    second = publish(
        plant(tmp_path, settings=settings, n_leads=9, delivery="d2"), MANIFEST, inputs=scan_inputs(company)
    )
    rollback(company, first.publication_id)
    found = unchanged_publication(company, None)
    assert (found.publication_id, found.rolled_back_from) == (first.publication_id, second.publication_id)
    assert found.has_reports, "a run that wrote them would publish what was taken back"


def test_a_run_for_another_month_judges_that_month(tmp_path: Path) -> None:
    run = open_run(plant(tmp_path).root, cycle="2026-05")
    assert run.company.cycle == run.settings.cycle == "2026-05"


def test_inputs_tell_calendars_apart_by_content_and_name_nobody(tmp_path: Path) -> None:
    company = plant(tmp_path)
    folder = company.extracts / "calendar" / "2026-06"
    folder.mkdir(parents=True)
    for name in ("blanc.sarah", "Thomas Fournier"):
        (folder / f"{name}.ics").write_text(name, encoding="utf-8")
    found = [each for each in scan_inputs(company) if "calendar" in each["path"]]
    assert {each["path"] for each in found} == {"extracts/calendar/2026-06/•••.ics"}
    assert len({each["sha256"] for each in found}) == 2
