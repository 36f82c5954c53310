"""The contact policy of a company: dated rows that follow each other, or an error that says where."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path

import pytest
import yaml

from expectations.catalogue import CatalogueError
from expectations.contact_policies import (
    FILE,
    keep_contact_policies,
    kept_contact_policies,
    read_contact_policies,
)
from orchestration.project import DBT_PROJECT

SHIPPED = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
SHIPPED = {"contact_policies": SHIPPED["contact_policies"]}
#: First day after a cycle in which every row of the project has begun.
END = date(2026, 9, 1)


def _written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_without_a_file_the_rows_of_the_project_hold(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert read_contact_policies(tmp_path / FILE) is None
    _written(tmp_path, SHIPPED)
    keep_contact_policies(tmp_path, tmp_path, END)
    versions = [row["version"] for row in kept_contact_policies(tmp_path)]
    assert versions == ["2026-1", "2026-1", "2023-1", "2026-1", "2026-1"]
    (tmp_path / FILE).unlink()
    keep_contact_policies(tmp_path, tmp_path, END)
    assert kept_contact_policies(tmp_path) is None


@pytest.mark.audit("EX11", "DE3")
def test_a_cycle_run_again_reads_no_row_that_began_after_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()

    def kept() -> list[dict[str, object]] | None:
        keep_contact_policies(tmp_path, tmp_path, date(2026, 7, 1))
        return kept_contact_policies(tmp_path)

    shipped = SHIPPED["contact_policies"]
    rows = [row for row in shipped if row["profile_code"] in ("b2b_default", "data")]
    rails = [row for row in shipped if row["profile_code"] == "guard_rails"]
    _written(tmp_path, {"contact_policies": rows})
    before = kept()
    later = [
        {**rows[0], "version": "2026-2", "valid_from": "2026-07-01", "mail_max_a_day": 1},
        {**rails[0], "version": "2026-2", "valid_from": "2026-09-01", "complaint_max_rate": 0.001},
        *(row for row in shipped if row["version"] == "2026-1" and row["profile_code"] == "fr_consumer"),
    ]
    _written(tmp_path, {"contact_policies": [{**rows[0], "valid_to": "2026-07-01"}, *rows[1:], *later]})
    assert kept() == before
    _written(tmp_path, {"contact_policies": [{**rows[0], "valid_to": "2026-06-30"}, *rows[1:]]})
    assert kept() != before, "an end within the month is one of the cycle"
    dated = [{**row, "valid_from": "2026-07-01"} for row in rows]
    _written(tmp_path, {"contact_policies": dated})
    assert kept() is None, "nothing of the company held yet: the rows of the project do"
    _written(tmp_path, {"contact_policies": [dated[0], rows[1]]})
    assert [row["profile_code"] for row in kept() or []] == ["data", "b2b_default", "guard_rails"]


def test_rows_come_in_order_of_their_days(tmp_path: Path) -> None:
    content = {"contact_policies": list(reversed(SHIPPED["contact_policies"]))}
    rows = read_contact_policies(_written(tmp_path, content))
    consumer = [row for row in rows if row["profile_code"] == "fr_consumer"]
    assert [(row["valid_from"], row["needs_opt_in"]) for row in consumer] == [
        ("2023-03-01", False), ("2026-08-11", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "changed", "told"),
    [
        (1, {"valid_to": "2026-09-01"}, "overlap"),
        (1, {"valid_to": None}, "overlap"),
        (1, {"valid_to": "2020-01-01"}, "valid_to must come after"),
        (1, {"country_code": "BE"}, "one country_code"),
        (0, {"profile_code": "data"}, "cooling_off_days"),
        (0, {"profile_code": "nobody"}, "nobody"),
        (0, {"account_window_hours": 0}, "account_window_hours"),
        (0, {"send_from_hour": 25}, "send_from_hour"),
        (0, {"version": "1') or ('1'='1"}, "version"),
        (0, {"author": ""}, "author"),
        (0, {"cap": 3}, "cap"),
        (3, {"profile_code": "fr_consumer"}, "country_code"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, row: int, changed: dict[str, object], told: str
) -> None:
    content = copy.deepcopy(SHIPPED)
    content["contact_policies"][row] |= changed
    with pytest.raises(CatalogueError) as refused:
        read_contact_policies(_written(tmp_path, content))
    assert told in str(refused.value) and "E-EXP-001" in str(refused.value)


@pytest.mark.parametrize("content", [{"policies": []}, {"contact_policies": "x"}, {"contact_policies": []}])
def test_another_file_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(CatalogueError):
        read_contact_policies(_written(tmp_path, content))


@pytest.mark.audit("DE15")
def test_bars_that_a_company_does_not_write_are_those_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shipped = [row for row in SHIPPED["contact_policies"] if row["profile_code"] == "guard_rails"]
    content = {"contact_policies": [row for row in SHIPPED["contact_policies"] if row not in shipped]}
    _written(tmp_path, content)
    keep_contact_policies(tmp_path, tmp_path, END)
    kept = kept_contact_policies(tmp_path) or []
    assert [row for row in kept if row["profile_code"] == "guard_rails"] == shipped
    own = {**shipped[0], "complaint_max_rate": 0.001, "author": "Ann"}
    _written(tmp_path, {"contact_policies": [*content["contact_policies"], own]})
    keep_contact_policies(tmp_path, tmp_path, END)
    kept = kept_contact_policies(tmp_path) or []
    assert [row for row in kept if row["profile_code"] == "guard_rails"] == [own]


@pytest.mark.parametrize("rate", [0, 1, -0.1, "high", 0.00001])
def test_a_bar_that_is_no_rate_is_refused(tmp_path: Path, rate: object) -> None:
    content = copy.deepcopy(SHIPPED)
    content["contact_policies"][-1]["complaint_max_rate"] = rate
    with pytest.raises(CatalogueError, match="complaint_max_rate"):
        read_contact_policies(_written(tmp_path, content))
