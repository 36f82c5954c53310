"""kpi_trust recomputed by hand from planted findings."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from planted_candidate import MANIFEST, of_cycle, passing, plant, result

from orchestration.project import ROOT
from orchestration.publication import publish
from orchestration.publication.reach import Reach
from orchestration.publication.trust import Findings, caveats, concerned, metric_trust, tables_behind

BEHIND = tables_behind(MANIFEST)["leads_new"]
PASSED = result("R-CRM-001", "raw", "raw.crm_lead")


def trust(*judged, unassessed=(), worse=()):
    where = Reach({"leads_new": BEHIND})
    return metric_trust(
        concerned("leads_new", Findings(judged, unassessed, worse), where).of(date(2026, 6, 1))
    )


def test_a_due_critical_rule_that_was_not_assessed_leaves_no_metric_reliable() -> None:
    gap = result("R-CRM-002", "raw", "raw.crm_lead", status="not_assessed", cause="too_few_rows")
    elsewhere = replace(gap, table_name="raw.erp_invoice")
    assert trust(PASSED).code == "reliable"
    assert trust(PASSED, unassessed=[elsewhere]).code == "reliable"
    found = trust(PASSED, unassessed=[gap])
    assert (found.code, found.unassessed) == ("not_assessed", ("R-CRM-002",))
    failed = replace(PASSED, rule_id="R-CRM-003", status="fail")
    assert trust(failed, unassessed=[gap]).code == "unreliable"


def test_a_waived_rule_is_caution_with_its_date_and_a_worse_one_too() -> None:
    waived = replace(PASSED, status="waived", waived_until=date(2026, 8, 1))
    found = trust(waived)
    assert (found.code, found.rule_ids, found.waived) == (
        "caution",
        ("R-CRM-001",),
        ("R-CRM-001 2026-08-01",),
    )
    assert (trust(PASSED, worse=[PASSED]).code, trust(PASSED, worse=[PASSED]).worse) == (
        "caution",
        ("R-CRM-001",),
    )


def test_kpi_trust_names_waivers_gaps_lateness_and_small_numbers_month_by_month(tmp_path: Path) -> None:
    table = "marts.mart_sales_leads_month"
    waived = passing("R-MRT-001", status="waived", n_failed=9, waived_until=date(2026, 8, 1))
    assert waived.table_name == table
    (tmp_path / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        "R-MRT-001,,Ann Lee,migration of June,2026-06-01,2026-08-01\n"
    )
    company = plant(tmp_path, results=[waived])
    receipt = publish(company, MANIFEST)
    june, may = sorted(
        pq.read_table(receipt.parquet / "kpi_trust.parquet").to_pylist(),
        key=lambda row: row["period_month"],
        reverse=True,
    )
    assert (june["trust_code"], june["n"], june["is_too_few"], june["minimum_n"]) == (
        "caution",
        Decimal(7),
        False,
        5,
    )
    assert (may["n"], may["is_too_few"]) == (Decimal(3), True)
    assert june["waived_rules"] == "R-MRT-001 2026-08-01" and june["rule_ids"] == "R-MRT-001"
    assert june["caveat_en"] == "Failure accepted until the date given: R-MRT-001 2026-08-01."
    assert may["caveat_fr"].endswith("Trop peu d'unités pour conclure : 3, minimum 5.")
    assert (june["last_delivery_on"], june["n_days_since_delivery"]) == (date(2026, 6, 30), 1)
    assert (june["late_contracts"], june["unassessed_rule_ids"], june["worse_rule_ids"]) == (None, None, None)


def test_a_source_that_did_not_deliver_makes_its_month_doubtful_and_no_other(tmp_path: Path) -> None:
    company = plant(tmp_path, n_leads=50)
    path = tmp_path / "work" / "collect" / "deliveries.parquet"
    late = pq.read_table(path)
    late = late.set_column(late.column_names.index("is_missed"), "is_missed", [[True]])
    pq.write_table(late, path)
    found = pq.read_table(publish(company, MANIFEST).parquet / "kpi_trust.parquet").to_pylist()
    by_month = {row["period_month"]: row for row in found}
    june, may = by_month[date(2026, 6, 1)], by_month[date(2026, 5, 1)]
    assert (june["trust_code"], june["caveat_en"]) == (
        "caution", "Nothing was delivered for this month: crm_lead."
    )  # fmt: skip
    assert may["late_contracts"] == "crm_lead" and "delivered" not in (may["caveat_en"] or "")


def test_a_share_that_rose_since_the_last_publication_is_named_beside_the_number(tmp_path: Path) -> None:
    publish(plant(tmp_path, n_leads=200, settings=of_cycle("2026-05"), delivery="d0"), MANIFEST)
    receipt = publish(plant(tmp_path, n_leads=200, n_quarantined=20), MANIFEST)
    found = pq.read_table(receipt.parquet / "kpi_trust.parquet").to_pylist()
    assert {(row["worse_rule_ids"], row["trust_code"]) for row in found} == {("crm/quarantined", "caution")}
    assert found[-1]["caveat_en"] == "Worse than in the last publication: crm/quarantined."
    assert {row["verdict"] for row in found} == {"publish_with_warnings"}


def test_both_languages_have_the_same_caveats_with_the_same_places() -> None:
    french, english = caveats()["fr"], caveats()["en"]
    assert french.keys() == english.keys()
    for key in french:
        places = [
            {name for _, name, _, _ in string.Formatter().parse(text)} for text in (french[key], english[key])
        ]
        assert places[0] == places[1], key


def test_every_caveat_code_of_the_marts_has_a_sentence() -> None:
    """A code without one would stop the publication."""
    case = re.compile(
        r"case(?:(?!\bcase\b).)*?\bend(?= as \w*caveat_code|\s*\{%- endset|\"\s*%\})", re.DOTALL
    )
    found = {
        code
        for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")
        for block in case.findall(path.read_text(encoding="utf-8"))
        for code in re.findall(r"then '(\w+)'", block)
    }
    assert {"cohort_partly_immature", "conversion_undated", "history_under_12_months"} <= found
    assert found <= caveats()["en"].keys()
