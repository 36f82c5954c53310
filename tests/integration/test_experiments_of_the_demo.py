"""The experiments of the demo: what is published equals their truth, and a protocol touched afterwards says so."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.experiments.assignment import places
from orchestration.inputs import scan_inputs


def rows(path: Path, query: str) -> list[dict]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.sql(query).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def published(demo_run) -> dict[str, dict]:
    found = rows(demo_run.marts, "select * from marts.mart_sales_experiments_cycle")
    return {row["experiment_code"]: row for row in found}


@pytest.mark.audit("EX1", "EX10")
def test_each_experiment_has_the_status_of_its_truth(demo_run, published):
    with (demo_run.company_dir / "truth" / "experiments.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert {row["experiment_code"]: row["status_code"] for row in truth} == {
        code: row["status_code"] for code, row in published.items()
    }
    changed = published["shorter_mail"]
    assert changed["delta_points"] is None and changed["colour_code"] is None and not changed["is_valid"]


@pytest.mark.audit("EX7", "EX10")
def test_an_experiment_without_effect_is_read_and_proves_nothing(published):
    row = published["early_call"]
    assert row["delta_low_points"] < 0 < row["delta_high_points"] and row["colour_code"] != "green"
    assert row["is_proved"] is False and row["is_ratio_mismatch"] is False


@pytest.mark.audit("EX4", "EX6")
def test_the_leads_of_the_arms_are_those_of_the_master_counted_again(demo_run, published):
    """By plain counting: golden accounts of the records in the file, arms by the place of the unit."""
    with (demo_run.company_dir / "experiments" / "early_call" / "assignment.csv").open(
        encoding="utf-8-sig"
    ) as file:
        drawn = list(csv.DictReader(file, delimiter=";"))
    for row, place in zip(drawn, places("etalon:early_call", [row["unit_id"] for row in drawn]), strict=True):
        assert row["arm_code"] == ("as_before" if place < 5000 else "early")
    arms: dict[str, set[str]] = {}
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        golden = dict(con.execute("select record_key, account_id from master.xref_accounts").fetchall())
        leads = con.execute(
            "select account_id, is_matured, is_converted_in_window from metrics.fct_lead_cadences"
            " where created_on >= date '2026-03-30' and created_on < date '2026-05-25'"
        ).fetchall()
    for row in drawn:
        account = golden.get(f"crm/crm_lead/{row['source_record_id']}", "unknown")
        if account != "unknown":
            arms.setdefault(account, set()).add(row["arm_code"])
    counts = {(arm, key): 0 for arm in ("as_before", "early") for key in ("n", "x")}
    for account, is_matured, is_converted in leads:
        if is_matured and len(arms.get(account, ())) == 1:
            (arm,) = arms[account]
            counts[arm, "n"] += 1
            counts[arm, "x"] += is_converted
    row = published["early_call"]
    assert (counts["early", "n"], counts["early", "x"]) == (row["n_test_leads"], row["n_test_converted"])
    assert (counts["as_before", "n"], counts["as_before", "x"]) == (
        row["n_control_leads"],
        row["n_control_converted"],
    )
    assert counts["early", "n"] > 0 and np.isfinite(float(row["power_rate"]))


@pytest.mark.audit("EX11", "EX1")
def test_a_touched_protocol_is_news_and_hypothesis_and_names_are_published_nowhere(demo_copy):
    company = demo_copy()
    from ingest import load_company

    settings = load_company(company.company_dir)
    before = scan_inputs(settings)
    assert "experiments/early_call/protocol.yml" in {each["path"] for each in before}
    path = company.company_dir / "experiments" / "early_call" / "protocol.yml"
    path.write_text(path.read_text().replace("alpha: 0.05", "alpha: 0.10"))
    assert scan_inputs(settings) != before
    kept = json.loads((company.work / "run" / "experiments.json").read_text())
    assert not {"hypothesis", "owners", "rollout"} & set().union(*(each["protocol"] for each in kept))


@pytest.mark.audit("EX10")
def test_the_light_of_the_whole_company_leans_on_its_experiment(demo_run):
    found = rows(
        demo_run.marts,
        "select colour_code, experiment_code from marts.mart_sales_touch_lines_cycle"
        " where design_code = 'landmark_5' and segment_kind_code = 'all'",
    )
    assert found and all(
        row["experiment_code"] == "early_call" and row["colour_code"] != "green" for row in found
    )
