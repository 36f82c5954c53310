"""Contacts of a past month are judged by the policy that was in force on their day, not by that of today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import planted_policy as company
import pytest
from conftest import built

CHANGED_ON = "2026-07-10"
BEFORE = company.Policy(calls=(3, 20), call_hours=((9, 12),), account=(3, 24), cool_down=(4, 5))
AFTER = replace(
    BEFORE, since=CHANGED_ON, hours=(8, 20), account=(1, 72), mails=1, cool_down=(3, 10), calls=(2, 10),
    call_hours=((10, 13), (14, 18)), needs_opt_in=True,
)  # fmt: skip


def _rows() -> list[dict[str, object]]:
    """The two policies as a company writes them."""
    rows: list[dict[str, object]] = []
    for version, policy, days in (
        ("old", BEFORE, {"valid_to": CHANGED_ON}),
        ("new", AFTER, {"valid_from": CHANGED_ON}),
    ):
        of_row = {"version": version, "author": "Ann", "basis": "charter", **days}
        rows.append({
            "profile_code": "b2b_default", **of_row,
            "send_from_hour": policy.hours[0], "send_until_hour": policy.hours[1],
            "account_max_touches": policy.account[0], "account_window_hours": policy.account[1],
            "mail_max_a_day": policy.mails, "cool_down_touches": policy.cool_down[0],
            "cool_down_days": policy.cool_down[1],
        })  # fmt: skip
        rows.append({
            "profile_code": "fr_consumer", **of_row, "country_code": "FR", "call_max_calls": policy.calls[0],
            "call_window_days": policy.calls[1], "call_hours": [list(hours) for hours in policy.call_hours],
            "needs_opt_in": policy.needs_opt_in,
        })  # fmt: skip
        rows.append({
            "profile_code": "data", **of_row, "cooling_off_days": 60, "retention_months": 36,
        })  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def policed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with built(
        tmp_path_factory.mktemp("dated") / "work", company.ROWS, "+dq_compliance",
        timezone=company.COMPANY_ZONE, as_of=company.AS_OF, same_account=company.SAME_ACCOUNT, same_person=[],
        variables={"contact_policies": _rows()},
    ) as con:  # fmt: skip
        yield con


def test_every_contact_is_judged_by_the_policy_of_its_day(policed: duckdb.DuckDBPyConnection) -> None:
    found = policed.execute("select touch_key, check_code from quality_dbt.dq_contact_breaches").fetchall()
    expected = company.breaches((BEFORE, AFTER))
    assert len(found) == len(set(found)) and set(found) == expected
    always = replace(AFTER, since=BEFORE.since)
    # either policy alone would judge otherwise, on each side of the change
    assert expected not in (company.breaches((BEFORE,)), company.breaches((always,)))
    by_check = Counter(check for _, check in expected)
    assert len(by_check) >= 7, by_check


def test_every_breach_names_the_version_of_its_day(policed: duckdb.DuckDBPyConnection) -> None:
    found = policed.execute(
        "select policy_version, min(occurred_on) < date '2026-07-09', max(occurred_on) > date '2026-07-11',"
        f" count(*) filter (where (occurred_on < date '{CHANGED_ON}') <> (policy_version = 'old'))"
        " from quality_dbt.dq_contact_breaches group by 1 order by 1"
    ).fetchall()
    assert found == [("new", False, True, 0), ("old", True, False, 0)]
    months = policed.execute(
        "select distinct policy_version, period_month < date '2026-07-01' from quality_dbt.dq_compliance order by all"
    ).fetchall()
    assert months == [("new", False), ("old", True)]


def test_the_shipped_rows_are_those_a_company_could_write(tmp_path: Path) -> None:
    import yaml

    from expectations.contact_policies import FILE, read_contact_policies
    from orchestration.project import DBT_PROJECT

    shipped = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    shipped = {"contact_policies": shipped["contact_policies"]}
    (tmp_path / FILE).write_text(yaml.safe_dump(shipped), encoding="utf-8")
    rows = read_contact_policies(tmp_path / FILE)

    def days(row: dict[str, object]) -> tuple[object, ...]:
        return row["profile_code"], row.get("valid_from", "")

    assert sorted(rows, key=days) == sorted(shipped["contact_policies"], key=days)
