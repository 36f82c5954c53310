"""Long loops have one head, and two parents of one company are told instead of one being dropped."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from conftest import built

N_RING = 14
_ROWS = {
    "crm_account": [
        {"source_record_id": "north", "name": "North"},
        {"source_record_id": "south", "name": "South"},
        {"source_record_id": "twin_a", "name": "Twin", "parent_account_id": "north"},
        {"source_record_id": "twin_b", "name": "Twin", "parent_account_id": "south"},
        {"source_record_id": "agreed_a", "name": "Agreed", "parent_account_id": "north"},
        {"source_record_id": "agreed_b", "name": "Agreed", "parent_account_id": "north"},
        {"source_record_id": "moved_a", "name": "Moved", "parent_account_id": "north", "is_deleted": True,
         "merged_into_id": "moved_b"},
        {"source_record_id": "moved_b", "name": "Moved", "parent_account_id": "south"},
        {"source_record_id": "tail", "name": "Tail", "parent_account_id": "ring00"},
        *(
            {"source_record_id": f"ring{i:02d}", "name": f"Ring {i}",
             "parent_account_id": f"ring{(i + 1) % N_RING:02d}"}
            for i in range(N_RING)
        ),
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def doubts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    one = [{f"crm/crm_account/{name}_a", f"crm/crm_account/{name}_b"} for name in ("twin", "agreed", "moved")]
    con = built(
        tmp_path_factory.mktemp("doubts") / "work", _ROWS, "+int_group_gaps",
        timezone="Europe/Paris", as_of="2026-06-30 22:00:00", same_account=one, same_person=[],
    )  # fmt: skip
    yield con
    con.close()


def test_a_loop_of_many_companies_has_one_head(doubts: duckdb.DuckDBPyConnection) -> None:
    found = doubts.execute(
        "select count(distinct record_key), count(distinct root_account_id), min(root_account_id), bool_and(is_in_loop)"
        " from conforming.int_group_periods inner join master.xref_accounts using (account_id)"
        " where record_key like '%/ring%' or record_key like '%/tail'"
    ).fetchone()
    (smallest,) = doubts.execute(
        "select min(account_id) from master.xref_accounts where record_key like '%/ring%'"
    ).fetchone()
    assert found == (N_RING + 1, 1, smallest, True)


def test_records_of_one_company_with_different_parents_are_a_gap(doubts: duckdb.DuckDBPyConnection) -> None:
    found = doubts.execute(
        "select left_record_key, right_record_key from conforming.int_group_gaps where reason = 'several_parents'"
    ).fetchall()
    assert found == [("crm/crm_account/twin_a", "crm/crm_account/twin_b")]
