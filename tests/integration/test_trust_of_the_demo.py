"""kpi_trust of a whole demo company against plain SQL on its warehouse: what warns, where, and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
import pytest

from ingest import load_company
from orchestration.publication.receipts import current_publication
from orchestration.reporting.inputs import load_audit_inputs

if TYPE_CHECKING:
    from tests.conftest import DemoRun

# metric -> months of the failing rows of a rule, written by hand and not taken from explaining/kpis.yml
BY_HAND = {
    ("mrr", "R-ERP-009"): (
        "select distinct m.period_month from failing as f"
        " join conforming.int_subscription_months as m using (record_key)"
        " join run.settings as s on m.period_month < s.cycle_end where m.reason_code is null"
    ),
    ("revenue_total", "R-ERP-041"): (
        "select distinct date_trunc('month', i.invoice_date) from failing as f"
        " join raw.erp_invoice as i on i.source_record_id = split_part(f.record_key, '/', 3)"
    ),
}


@pytest.fixture(scope="module")
def trust(demo_run: DemoRun) -> dict[str, dict[date, dict]]:
    live = current_publication(demo_run.published)["publication_id"]
    found: dict[str, dict[date, dict]] = defaultdict(dict)
    for row in pq.read_table(demo_run.published / "parquet" / live / "kpi_trust.parquet").to_pylist():
        found[row["metric_name"]][row["period_month"]] = row
    return found


@pytest.mark.parametrize(("metric", "rule_id"), BY_HAND)
def test_a_rule_makes_doubtful_the_months_of_its_failing_rows_and_no_other(
    demo_run: DemoRun, trust: dict, metric: str, rule_id: str
) -> None:
    failures = demo_run.work / "quality" / "rule_failures.parquet"
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"create temp table failing as from '{failures}' where rule_id = '{rule_id}'")
        rows = con.execute(BY_HAND[metric, rule_id]).fetchall()
    expected = {row[0] if type(row[0]) is date else row[0].date() for row in rows} & trust[metric].keys()
    said = {month for month, row in trust[metric].items() if rule_id in (row["rule_ids"] or "").split(",")}
    assert expected and said == expected
    assert said != trust[metric].keys()
    codes = {month: row["trust_code"] for month, row in trust[metric].items() if row["n"]}
    assert {codes[month] for month in said} == {"caution"}
    assert "reliable" in {code for month, code in codes.items() if month not in said}


def test_a_month_without_a_unit_is_not_assessed_and_its_reason_is_said(trust: dict) -> None:
    rows = [row for months in trust.values() for row in months.values()]
    assert {row["trust_code"] for row in rows} == {"reliable", "caution", "not_assessed"}
    empty = [row for row in rows if not row["n"]]
    assert empty and {row["trust_code"] for row in empty} == {"not_assessed"}
    assert all(row["is_too_few"] for row in empty if row["minimum_n"])
    assert all("No unit in this month" in row["caveat_en"] for row in empty if not row["unassessed_rule_ids"])
    for row in rows:
        if row["trust_code"] == "caution":
            assert row["caveat_en"], "a doubt has a reason"


def test_a_rule_on_one_source_says_nothing_of_the_figures_of_another(trust: dict) -> None:
    named = {metric: {row["rule_ids"] or "" for row in months.values()} for metric, months in trust.items()}
    assert not any("R-ERP-" in each for each in named["leads_new"] | named["complaint_rate"])
    assert not any("R-MST-016" in each for ids in named.values() for each in ids), (
        "no figure reads a VAT number"
    )


def test_the_sales_audit_shows_the_trust_that_travels_with_the_figures(
    demo_run: DemoRun, trust: dict
) -> None:
    kpis = load_audit_inputs(load_company(demo_run.company_dir)).kpis
    shown = {kpi.name: (kpi.trust, ",".join(kpi.trust_rule_ids) or None) for kpi in kpis}
    rows = {kpi.name: trust[kpi.name][date.fromisoformat(f"{kpi.period}-01")] for kpi in kpis}
    assert shown and shown == {name: (row["trust_code"], row["rule_ids"]) for name, row in rows.items()}
