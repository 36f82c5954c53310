"""The demo company in two cycles: what June says otherwise of May has its causes, to the last digit.

The deliveries of June are kept back while May is published. The figures are compared with the marts and the history of
publications, and causes with plain SQL on what was delivered.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands.demo import generate_demo
from orchestration.commands.run import run_cycle
from orchestration.explaining.definitions import definitions
from orchestration.publication.history import read_log

MAY = date(2026, 5, 1)


@dataclass(frozen=True)
class Company:
    directory: Path

    @property
    def published(self) -> Path:
        return self.directory / "published"

    def rows(self, table: str) -> list[dict]:
        live = read_log(self.published)[-1].publication.publication_id
        return pq.read_table(self.published / "parquet" / live / f"{table}.parquet").to_pylist()

    def figures(self, number: int) -> dict[tuple[str, date], Decimal | None]:
        publication_id = read_log(self.published)[number].publication.publication_id
        history = pq.read_table(self.published / "registry" / "kpi_history.parquet").to_pylist()
        return {
            (row["metric_name"], row["period_month"]): row["value"]
            for row in history
            if row["publication_id"] == publication_id
        }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    directory = tmp_path_factory.mktemp("two_cycles") / "tiny"
    generate_demo(directory, "tiny")
    extracts, aside = directory / "extracts", directory.parent / "june"
    kept_back = [*extracts.glob("*/2026-06"), *extracts.glob("ledger/*20260630*")]
    assert len(kept_back) > 8
    for path in kept_back:
        (aside / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.move(path, aside / path.parent.name / path.name)
    assert run_cycle(directory, as_json=True, cycle="2026-05") == 0
    for path in kept_back:
        shutil.move(aside / path.parent.name / path.name, path)
    assert run_cycle(directory, as_json=True, cycle="2026-06") == 0
    return Company(directory)


def test_every_figure_of_may_that_june_gives_otherwise_is_bridged_and_nothing_remains(
    company: Company,
) -> None:
    before, after = company.figures(0), company.figures(1)
    moved = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    bridge: dict[tuple[str, date], list[dict]] = {}
    for row in company.rows("kpi_bridge"):
        bridge.setdefault((row["metric_name"], row["period_month"]), []).append(row)
    assert bridge.keys() == moved and len(moved) >= 5
    for key, rows in bridge.items():
        rows.sort(key=lambda row: row["step_order"])
        assert rows[0]["value_before"] == before[key] and rows[-1]["value_after"] == after[key], key
        if before[key] is not None and after[key] is not None:
            assert sum(row["effect"] for row in rows) == after[key] - before[key], key


def test_the_rows_of_every_figure_give_it_before_and_after(company: Company) -> None:
    undivided = [
        row["metric_name"] for row in company.rows("kpi_bridge") if row["cause_code"] == "not_separable"
    ]
    assert undivided == []
    assert {row["metric_name"] for row in company.rows("kpi_bridge")} <= set(definitions())


def test_invoices_corrected_in_june_are_the_correction_of_may(company: Company) -> None:
    (row,) = (
        each
        for each in company.rows("kpi_bridge")
        if (each["metric_name"], each["period_month"], each["cause_code"])
        == ("revenue_total", MAY, "correction")
    )
    with duckdb.connect() as con:
        # lines whose amount in the corrections of June differs from the one delivered before, as files say it
        corrected = con.execute(
            f"select count(*) from read_parquet('{company.directory}/work/raw/erp_invoice_line/*.parquet') as new"
            f" join read_parquet('{company.directory}/work/collect/deliveries.parquet') as d using (_delivery_id)"
            f" join read_parquet('{company.directory}/work/raw/erp_invoice_line/*.parquet') as old"
            " on old.source_record_id = new.source_record_id and old._delivery_id <> new._delivery_id"
            " and old.net_amount <> new.net_amount where d.file_path like '%corrections%'"
        ).fetchall()[0][0]
    assert row["n_units"] == corrected > 0
    assert (
        row["effect"] == company.figures(1)["revenue_total", MAY] - company.figures(0)["revenue_total", MAY]
    )


def test_what_was_first_published_of_may_stays_known(company: Company) -> None:
    before, after = company.figures(0), company.figures(1)
    for row in company.rows("kpi_restatements"):
        key = (row["metric_name"], row["period_month"])
        assert row["value_restated"] == after[key]
        if key in before:
            assert row["value_as_first_published"] == row["value_as_last_published"] == before[key]
            assert row["n_changes"] == (before[key] != after[key])
            assert row["is_of_own_cycle"] == (row["period_month"] == MAY)


def test_the_report_and_the_command_tell_it(company: Company) -> None:
    said = (
        CliRunner()
        .invoke(cli.etalon, ["bridge", "revenue_total", "--company", str(company.directory)])
        .output
    )
    assert "revenue_total  2026-05" in said and "corrected" in said
    latest = company.published / "reports" / "latest"
    assert "Why figures of past months moved" in (latest / "data_quality.en.html").read_text(encoding="utf-8")
    french = (latest / "data_quality.fr.html").read_text(encoding="utf-8")
    assert "Pourquoi les chiffres des mois passés ont bougé" in french and "corrigées par la source" in french
