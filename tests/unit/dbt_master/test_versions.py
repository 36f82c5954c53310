"""Accounts and sellers as they were: who owned an account, in which group and size, and in which team, on any day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date

import duckdb
import pytest
from planted import at, golden_id, on
from planted_groups import LINKS, MOTORS, acc, covers_all_time

ALWAYS = date(1900, 1, 1)
USERS = [
    # Ana: two teams, then a manager and another role on one day; Ben never changes; Cy comes back to his first team
    ("ana", "2026-01-10", {"team_name": "north", "role_name": "SDR"}, True),
    ("ana", "2026-03-05", {"team_name": "south", "role_name": "SDR", "manager_id": "ben"}, True),
    ("ana", "2026-03-05", {"team_name": "south", "role_name": "AE", "manager_id": "ben"}, False),
    ("ben", "2026-01-10", {"team_name": "south", "role_name": "manager"}, False),
    ("cy", "2026-01-10", {"team_name": "north"}, True),
    ("cy", "2026-02-01", {"team_name": "north", "phone_extension": "12"}, True),
    ("cy", "2026-04-01", {"team_name": "south"}, True),
    ("cy", "2026-05-01", {"team_name": "north"}, False),
]
ACCOUNTS = [
    ("big", "2026-01-10", {"owner_id": "ana", "employee_count": 90}, True),
    ("big", "2026-04-02", {"owner_id": "ana", "employee_count": 1500, "is_strategic": True}, True),
    ("big", "2026-05-03", {"owner_id": "ben", "employee_count": 1500, "is_strategic": True}, False),
]


def _records(found: list[tuple], names: dict[str, str]) -> list[dict]:
    return [
        {"source_record_id": key, names["name"]: key, "modified_at": at(f"{day} 09:00:00"), "delivered_on": on(day),
         **values, **({"_superseded": True} if is_former else {})}
        for key, day, values, is_former in found
    ]  # fmt: skip


@pytest.fixture(scope="module")
def con(
    planted_company: Callable[..., duckdb.DuckDBPyConnection], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    rows = {
        "crm_user": _records(USERS, {"name": "full_name"}),
        "crm_account": _records(ACCOUNTS, {"name": "name"}),
        "erp_customer": [{"source_record_id": "alone", "code": "alone", "name": "alone"}],
    }
    con = planted_company(
        tmp_path_factory.mktemp("versions") / "work", rows, "+dim_account_versions", "+dim_rep_versions",
        timezone="Europe/Paris", as_of="2026-06-30 22:00:00", same_account=[], same_person=[],
    )  # fmt: skip
    yield con
    con.close()


def versions(con: duckdb.DuckDBPyConnection, entity: str, columns: str) -> dict[str, list[tuple]]:
    found = defaultdict(list)
    for key, *row in con.execute(
        f"select {entity}_id, valid_from, valid_to, is_current, {columns} from master.dim_{entity}_versions"
        f" order by {entity}_id, valid_from"
    ).fetchall():
        found[key].append(tuple(row))
    return found


@pytest.mark.audit("MD3")
def test_a_seller_has_a_version_for_each_team_role_and_manager(con) -> None:
    found = versions(con, "rep", "team_name, role_name, manager_rep_id")
    assert found["crm/crm_user/ana"] == [
        (ALWAYS, date(2026, 3, 5), False, "north", "SDR", None),
        (date(2026, 3, 5), None, True, "south", "AE", "crm/crm_user/ben"),
    ]
    assert found["crm/crm_user/ben"] == [(ALWAYS, None, True, "south", "manager", None)]
    assert [row[0] for row in found["crm/crm_user/cy"]] == [ALWAYS, date(2026, 4, 1), date(2026, 5, 1)]
    assert [row[3] for row in found["crm/crm_user/cy"]] == ["north", "south", "north"]
    assert found["unknown"] == [(ALWAYS, None, True, None, None, None)]


@pytest.mark.audit("MD3")
def test_an_account_has_a_version_for_each_owner_size_and_flag(con) -> None:
    found = versions(con, "account", "owner_rep_id, size_band_code, is_strategic")
    big = found[golden_id("acc", "crm/crm_account/big")]
    assert big == [
        (ALWAYS, date(2026, 4, 2), False, "crm/crm_user/ana", "smb", False),
        (date(2026, 4, 2), date(2026, 5, 3), False, "crm/crm_user/ana", "enterprise", True),
        (date(2026, 5, 3), None, True, "crm/crm_user/ben", "enterprise", True),
    ]
    alone = found[golden_id("acc", "erp/erp_customer/alone")]
    assert alone == [(ALWAYS, None, True, "unknown", "unknown", False)]


@pytest.mark.audit("MD3")
@pytest.mark.parametrize("entity", ["account", "rep"])
def test_versions_cover_all_time_and_one_is_current(con, entity: str) -> None:
    for rows in versions(con, entity, f"{entity}_version_key").values():
        assert covers_all_time([row[:2] for row in rows])
        assert [row[2] for row in rows] == [False] * (len(rows) - 1) + [True]


def test_no_version_names_a_person(con) -> None:
    names = con.execute("select column_name from (describe select * from master.dim_rep_versions)").fetchall()
    assert not {"full_name", "email", "phone_extension"} & {name for (name,) in names}


def test_revenue_moves_to_the_new_group_on_the_day_of_a_merger(
    company_of_motors: Callable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    motors = company_of_motors(tmp_path_factory.mktemp("motors_versions") / "work", MOTORS)
    with motors.master(LINKS, "+dim_account_versions", "+fct_revenue_lines") as con:
        legal = con.execute(
            "select account_id, valid_from, valid_to, group_id from master.bridge_account_groups"
            " where kind_code = 'legal' order by all"
        ).fetchall()
        found = versions(con, "account", "group_id")
        assert acc("peugeot") in found
        for account_id, first, last, group_id in legal:
            there = [
                row[3] for row in found[account_id] if row[0] <= first and (row[1] is None or first < row[1])
            ]
            assert there == [group_id], account_id
            assert last is None or any(row[0] == last or row[3] == group_id for row in found[account_id])
        before, after = con.execute(
            "select count(distinct v.group_id), count(*) from master.dim_account_versions as v"
            f" where account_id = '{acc('peugeot')}'"
        ).fetchall()[0]
        assert before == after >= 2
        sums = con.execute(
            "select sum(l.net_amount_reporting), count(*), (select count(*) from metrics.fct_revenue_lines)"
            " from metrics.fct_revenue_lines as l join master.dim_account_versions as v"
            " on l.account_id = v.account_id and l.invoiced_on >= v.valid_from"
            " and (v.valid_to is null or l.invoiced_on < v.valid_to)"
        ).fetchall()[0]
        assert sums[1] == sums[2], "every line stands in one version"
