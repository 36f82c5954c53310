"""The demo company's truth against what the pipeline did: each planted row met its rule or its fate, no other row did.

A line that is repeated as it is can be told from its copy by nobody: both stand for the one that was kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pytest

_FAILURES = (
    "select _delivery_id, _source_row_id from (select rule_id, _delivery_id, _source_row_id from rule_failures"
    " union all select control_id, _delivery_id, _source_row_id from control_failures) where rule_id = '{0}'"
)
_JOURNAL = "select _delivery_id, _source_row_id from quality_dbt.dq_journal where reason_code in ('{0}')"
_STAGED = "select _delivery_id, _source_row_id from staging.{0} where {1}"
_LINES = "select _delivery_id, _source_row_id from quarantine_lines"
_REPEATED = (
    "select _delivery_id, _source_row_id from dispositions"
    " where reason_code = 'repeated_event' and contract = 'email_event'"
)
# A closing stage of a deal that closed on another day: what followed it stands.
_REOPENED = (
    "select events._delivery_id, events._source_row_id from staging.stg_crm__opportunity_events as events"
    " inner join master.fct_opportunities as deals"
    " on split_part(deals.opportunity_id, '/', -1) = events.opportunity_id"
    " where events.stage_code in ('won', 'lost') and deals.closed_on <> events.expected_close_date"
)


@dataclass(frozen=True)
class Dirt:
    """One class of defects in files of a name, and the query of the rows that met what is to meet it."""

    defect_no: int
    file: str
    met: str


DIRT = {
    "dangling keys": Dirt(
        5, "%/lignes_factures.csv", _FAILURES.format("erp/orphan_erp_invoice_line_invoice_id")
    ),
    "broken quoting or cut line": Dirt(10, "%", _LINES),
    "telephone mangled by a spreadsheet": Dirt(14, "%/Lead.csv", _JOURNAL.format("phone_unparsable")),
    "number mangled by a spreadsheet": Dirt(14, "%/clients.csv", _FAILURES.format("R-CRM-012")),
    "impossible durations": Dirt(20, "%", _FAILURES.format("R-TEL-002")),
    "modified before created": Dirt(
        21, "%", _FAILURES.format("crm/order_crm_account_created_at_modified_at")
    ),
    "no industry, written as a dash": Dirt(22, "%/Account.csv", _FAILURES.format("R-CRM-046")),
    "reopened opportunities": Dirt(26, "%", _REOPENED),
    "test and internal records": Dirt(
        36, "%", _JOURNAL.format("internal_record', 'internal_recipient', 'test_record")
    ),
    "voicemail as answered": Dirt(38, "%", _STAGED.format("stg_telephony__call_legs", "outcome = 'voicemail'")),
    "machine opens and clicks": Dirt(
        41,
        "%",
        _STAGED.format("stg_emailing__events", "event_type in ('opened_machine', 'clicked_machine')"),
    ),
    "repeated webhook deliveries": Dirt(42, "%", _REPEATED),
    "bulk mail logged as a task": Dirt(45, "%", _JOURNAL.format("automated_activity")),
    "overlapping subscriptions": Dirt(47, "%", _JOURNAL.format("overlapping_subscription")),
}  # fmt: skip


@pytest.fixture(scope="module")
def con(demo_run):
    """The candidate with what collect and the rules found; table planted(defect_no, file, line, key)."""
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as connection:
        for folder, name in (
            ("quality", "rule_failures"),
            *(("collect", each) for each in ("control_failures", "quarantine_lines")),
            *(("collect", each) for each in ("dispositions", "deliveries")),
        ):
            path = demo_run.work / folder / f"{name}.parquet"
            connection.execute(f"create temp view {name} as select * from read_parquet('{path}')")
        connection.execute(
            "create temp table kept as select copy.file_path, _source_row_id, kept.file_path as kept_path,"
            " winner_source_row_id as kept_line from dispositions"
            " inner join deliveries as copy using (_delivery_id)"
            " inner join deliveries as kept on kept._delivery_id = winner_delivery_id"
            " where disposition = 'exact_duplicate'"
        )
        connection.execute(
            "create temp table planted as select distinct defect_no, coalesce(kept_path, file) as file,"
            " coalesce(kept_line, line) as line, key"
            f" from read_parquet('{demo_run.company_dir}/truth/defect_rows.parquet')"
            " left join kept on file_path = file and _source_row_id = line"
        )
        yield connection


def met(con: duckdb.DuckDBPyConnection, query: str) -> set[tuple[str, int]]:
    """(file, line) of the rows of a query."""
    return set(
        con.execute(
            "select coalesce(kept_path, file_path), coalesce(kept_line, _source_row_id)"
            f" from ({query}) inner join deliveries using (_delivery_id)"
            " left join kept using (file_path, _source_row_id)"
        ).fetchall()
    )


def planted(con: duckdb.DuckDBPyConnection, defect_no: int, file: str = "%") -> set[tuple[str, int]]:
    """(file, line) of the planted rows of a class; there are some."""
    found = set(
        con.execute(
            "select file, line from planted where defect_no = ? and file like ?", [defect_no, file]
        ).fetchall()
    )
    assert found
    return found


@pytest.mark.parametrize("name", DIRT)
def test_what_is_to_meet_a_defect_meets_exactly_the_planted_rows(con, name: str) -> None:
    dirt = DIRT[name]
    assert met(con, dirt.met) == planted(con, dirt.defect_no, dirt.file)


def test_a_touch_logged_twice_is_set_aside_but_where_its_lead_was_deleted(con) -> None:
    """A mail on a lead that the CRM has deleted finds no person, and so no other log of the same mail."""
    set_aside = met(con, _JOURNAL.format("double_logged"))
    copies = planted(con, 44)
    assert set_aside and set_aside <= copies
    deleted = {key for (key,) in con.execute("select key from planted where defect_no = 25").fetchall()}
    leads = con.execute(
        "select file_path, _source_row_id, person_id from staging.stg_crm__activities"
        " inner join deliveries using (_delivery_id)"
    ).fetchall()
    of_deleted = {(file, line) for file, line, lead in leads if lead in deleted}
    assert copies - set_aside <= of_deleted


def test_deleted_and_merged_records_leave_or_join_their_master(con) -> None:
    deleted, merged = met(con, _JOURNAL.format("deleted_in_source")), met(con, _JOURNAL.format("must_link"))
    older = met(con, _JOURNAL.format("superseded_by_newer"))
    flawed = planted(con, 24)
    assert deleted and deleted <= flawed, "nothing else is taken for deleted"
    assert flawed <= deleted | merged | older
    assert not deleted & merged
    assert planted(con, 25) <= deleted, "a lead that was deleted after its conversion is deleted"


def test_a_deal_in_a_won_stage_is_won_whatever_its_flag_says(con) -> None:
    keys = [key for (key,) in con.execute("select key from planted where defect_no = 23").fetchall()]
    assert keys
    status = con.execute(
        "select status_code, is_won from master.fct_opportunities"
        " where split_part(opportunity_id, '/', -1) in (select unnest(?))",
        [keys],
    ).fetchall()
    assert status == [("won", True)] * len(keys)
