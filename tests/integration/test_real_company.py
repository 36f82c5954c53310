"""Real vendor files from extracts to publication: the figures of their READMEs, read from the facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from real_extracts import SOURCES, needs_samples, write_company

pytestmark = needs_samples


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every real source in one company, run to publication for the last month of the pipe ledger."""
    from orchestration.commands.run import run_cycle

    root = write_company(tmp_path_factory.mktemp("real") / "company", SOURCES, cycle="2023-07")
    assert run_cycle(root, as_json=True) == 0
    return root


@pytest.fixture
def warehouse(company: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of that run, read only."""
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def test_the_lead_fact_gives_the_conversion_rate_of_the_list(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        """
        SELECT count(*), count_if(is_converted), round(100.0 * count_if(is_converted) / count(*), 2)::text,
            count(created_at)
        FROM master.fct_leads
        WHERE person_id IN (SELECT person_id FROM master.xref_persons WHERE source_instance = 'x_education')
        """
    ).fetchone()
    # The list has no address and no date: nobody can be merged, and no lead enters a dated metric.
    assert found == (9191, 3542, "38.54", 0)


def test_declared_touches_reach_the_lead_fact(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT count(n_touches_declared), round(corr(n_touches_declared, is_converted::integer), 4) "
        "FROM master.fct_leads"
    ).fetchone()
    assert found == (9054, 0.0296)


def test_the_ledger_fact_gives_the_revenue_of_both_ledgers(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        """
        SELECT source_instance, count(*), sum(revenue_amount)::decimal(18, 2)::text
        FROM master.fct_ledger_revenues GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    assert found == [("ledger_pipe", 219, "36477.28"), ("ledger_tab", 13, "165297.93")]


def test_legs_of_the_phone_systems_become_calls(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT source_instance, count(*) FROM master.fct_calls GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [("freepbx", 856), ("pbx_pjsip", 14), ("pbx_sip", 36)]
    voice_mails, conversations = warehouse.execute(
        "SELECT count(*), count_if(is_conversation) FROM master.fct_calls WHERE outcome_code = 'voicemail'"
    ).fetchall()[0]
    assert (voice_mails, conversations) == (331, 0)


def test_the_survivor_of_a_merge_made_in_the_crm_is_one_person(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        """
        SELECT count(*), count(DISTINCT person_id) FROM master.xref_persons
        WHERE source_instance = 'hubspot'
            AND source_record_id IN ('78971951', '76340251', '46897301', '76226001')
        """
    ).fetchone()
    assert found == (4, 1)


def test_opportunities_deleted_in_the_crm_are_left_out_with_a_reason(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert warehouse.execute("SELECT count(*) FROM master.fct_opportunities").fetchone() == (44,)
    assert warehouse.execute(
        "SELECT count(*) FROM quality_dbt.dq_exclusions "
        "WHERE stream = 'opportunity' AND reason_code = 'deleted_in_source'"
    ).fetchone() == (10,)


def test_every_account_of_the_row_ledger_balances(warehouse: duckdb.DuckDBPyConnection) -> None:
    balances, wrong = warehouse.execute(
        "SELECT count(*), count_if(difference <> 0) FROM quality_dbt.dq_ledger_balances"
    ).fetchall()[0]
    assert balances > 0
    assert wrong == 0


def test_real_sources_are_published_with_their_weaknesses_named(company: Path) -> None:
    (receipt,) = (company / "published" / "receipts").glob("*.json")
    assert json.loads(receipt.read_text())["verdict"] == "publish_with_warnings"
    assert (company / "published" / "marts.duckdb").exists()
