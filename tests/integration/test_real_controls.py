"""Controls on real vendor files: what they prove, and what they find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from real_extracts import (
    SOURCES,
    VENDORS,
    Collected,
    needs_samples,
    needs_vendor_samples,
    open_collected,
    write_company,
)

from ingest import collect
from ingest.mapping import MAPPINGS


def found(collected: Collected, columns: str, where: str) -> list[tuple]:
    return collected.rows(f"SELECT {columns} FROM collect_control_results WHERE {where} ORDER BY ALL")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    root = write_company(tmp_path_factory.mktemp("real") / "company", SOURCES)
    return open_collected(root, collect(root))


@needs_samples[0]
@needs_samples[1]
def test_the_clocks_of_the_call_logs_agree_as_they_are_mapped(collected: Collected) -> None:
    assert found(collected, "source_instance, status, n_evaluated, n_failed", "kind = 'clock'") == [
        ("freepbx", "pass", 856, 0),
        ("pbx_pjsip", "not_assessed", 14, 0),
        ("pbx_sip", "pass", 42, 0),
    ]


@needs_samples[0]
@needs_samples[1]
def test_every_date_of_the_freepbx_log_fits_both_orders(collected: Collected) -> None:
    (row,) = found(collected, "n_evaluated, measured, status, level", "kind = 'ambiguous_dates'")
    assert row == (856, "0", "warn", "info")


@needs_samples[0]
@needs_samples[1]
def test_month_before_day_is_disproved_by_the_epoch_of_the_freepbx_log(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["freepbx"])
    text = (MAPPINGS / "freepbx_25.yml").read_text(encoding="utf-8")
    (root / "swapped.yml").write_text(text.replace("%d/%m/%Y", "%m/%d/%Y"), encoding="utf-8")
    company = root / "company.yml"
    company.write_text(company.read_text().replace("mapping: freepbx_25", "mapping: swapped.yml"))
    swapped = open_collected(root, collect(root))
    (row,) = found(swapped, "status, code, n_evaluated, n_failed, params", "kind = 'clock'")
    # All 856 rows parse; on 178 of them day and month are the same number, or the day is the same by chance.
    assert row[:4] == ("fail", "clock_month_day", 856, 856 - 178)
    params = json.loads(row[4])
    assert params["fitting"] == params["sampled"] == 400


@needs_samples[0]
@needs_samples[1]
def test_another_zone_is_disproved_and_the_right_one_named(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["freepbx"])
    company = root / "company.yml"
    company.write_text(
        company.read_text().replace(
            "  mapping: freepbx_25\n", "  mapping: freepbx_25\n  options: {timezone: UTC}\n"
        )
    )
    wrong = open_collected(root, collect(root))
    (row,) = found(wrong, "status, code, n_failed, params", "kind = 'clock'")
    assert row[:3] == ("fail", "clock_zone", 856)
    assert "Europe/Lisbon" in json.loads(row[3])["zones"]


@needs_vendor_samples[0]
@needs_vendor_samples[1]
def test_dates_out_of_order_and_dangling_keys_are_found(collected_vendors: Collected) -> None:
    assert found(
        collected_vendors, "source_instance, n_evaluated, n_failed", "kind = 'order' AND status = 'warn'"
    ) == [
        ("netsuite", 5, 5),  # every customer was last modified before it was created
        ("pardot", 100, 7),
    ]
    dangling = found(
        collected_vendors,
        "source_instance, column_name, n_evaluated, n_failed",
        "kind = 'orphan' AND status = 'warn' AND source_instance IN ('quickbooks', 'sage_intacct')",
    )
    assert dangling == [
        ("quickbooks", "customer_id", 11, 11),  # of payments
        ("quickbooks", "customer_id", 35, 35),
        ("quickbooks", "invoice_id", 29, 23),
        ("quickbooks", "product_id", 24, 12),
        ("sage_intacct", "invoice_id", 10, 10),
    ]


@needs_vendor_samples[0]
@needs_vendor_samples[1]
def test_no_vendor_has_a_control_that_cannot_be_computed(collected_vendors: Collected) -> None:
    assert found(collected_vendors, "source_instance, control", "code = 'broken'") == []
    instances = {row[0] for row in found(collected_vendors, "DISTINCT source_instance", "kind = 'required'")}
    assert instances == set(VENDORS)
