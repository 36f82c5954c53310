"""A small audited candidate: the state that a run leaves just before the publication, without running one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.gate import Verdict, _say, write_verdict
from expectations.results import RuleResult, write_results
from ingest import Company, load_company
from orchestration.settings import RunSettings, write_settings

COMPANY_YML = """\
version: 1
company: planted
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [planted.example]
cycle: 2026-06
sources: []
"""

SETTINGS = RunSettings(
    company="planted",
    cycle="2026-06",
    as_of=dt.datetime(2026, 7, 1),
    cycle_start=dt.date(2026, 6, 1),
    cycle_end=dt.date(2026, 7, 1),
    reporting_currency="EUR",
    timezone="Europe/Paris",
    conversion_window_days=30,
    conversation_min_s=10,
    own_domains="planted.example",
    code_version="c" * 12,
    policy_version="p" * 12,
    run_id="run-1",
)


def _model(name: str, schema: str, key: str, columns: dict[str, str], **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "description": f"One row per {key} of {name}.",
        "config": {"meta": meta},
        "constraints": [],
        "columns": {
            column: {
                "name": column,
                "description": text,
                "constraints": [{"type": "primary_key"}] if column == key else [],
                "config": {"meta": {}},
            }
            for column, text in columns.items()
        },
    }


MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.etalon.mart_sales_leads_month": _model(
            "mart_sales_leads_month", "marts", "period_month", {"period_month": "Month.", "n_leads": "Leads."}
        ),
        "model.etalon.mart_management_kpis_month": _model(
            "mart_management_kpis_month", "marts", "kpi_key", {"kpi_key": "Key.", "metric_name": "Metric."}
        ),
        "model.etalon.dim_products": _model(
            "dim_products", "master", "product_id", {"product_id": "Product."}, publish=True
        ),
        "model.etalon.dim_persons": _model("dim_persons", "master", "person_id", {"person_id": "Person."}),
    },
    "sources": {"source.etalon.raw.crm_lead": {"name": "crm_lead"}},
    "semantic_models": {"semantic_model.etalon.leads": {"name": "leads"}},
    "metrics": {
        "metric.etalon.leads_new": {
            "name": "leads_new",
            "description": "Leads created.",
            "config": {
                "meta": {
                    "label_fr": "Leads",
                    "label_en": "Leads",
                    "unit": "count",
                    "version": 2,
                    "minimum_n": 5,
                }
            },
        },
        "metric.etalon.half": {"name": "half", "config": {"meta": {"published": False}}},
    },
    "parent_map": {
        "metric.etalon.leads_new": ["semantic_model.etalon.leads"],
        "semantic_model.etalon.leads": ["model.etalon.mart_sales_leads_month"],
        "model.etalon.mart_sales_leads_month": ["source.etalon.raw.crm_lead"],
    },
}


def plant(root: Path, *, n_leads: int = 7, settings: RunSettings = SETTINGS, delivery: str = "d1") -> Company:
    """Write company.yml and the state of an audited candidate under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "company.yml").write_text(COMPANY_YML)
    (root / "extracts").mkdir(exist_ok=True)
    work = root / "work"
    for folder in ("collect", "matching", "quality", "run", "tmp"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    write_settings(settings, work)
    (work / "warehouse.duckdb").unlink(missing_ok=True)
    con = duckdb.connect(str(work / "warehouse.duckdb"))
    con.execute(
        f"""
        create schema marts; create schema master; create schema quality_dbt;
        create table marts.mart_sales_leads_month (period_month date primary key, n_leads bigint not null);
        insert into marts.mart_sales_leads_month values ('2026-06-01', {n_leads}), ('2026-05-01', 3);
        create table marts.mart_management_kpis_month as
            select 'leads_new|' || period_month as kpi_key, 'leads_new' as metric_name, period_month,
                   'all' as segment_kind_code, 'all' as segment_code,
                   cast(n_leads as decimal(38, 6)) as value, cast(n_leads as decimal(38, 6)) as numerator,
                   cast(null as decimal(38, 6)) as denominator
            from marts.mart_sales_leads_month;
        create table master.dim_products as select 'p1' as product_id, 'Étalon "A"' as product_name;
        create table master.dim_persons as select 'per_1' as person_id, 'a@b.example' as email;
        create table quality_dbt.dq_journal as
            select 'j_' || step_code as journal_id, step_code, 'crm_lead' as contract, 'crm/crm_lead/1' as record_key,
                   'per_1' as value_after, 'merge' as action, 'same_email' as reason_code, 'rule' as actor,
                   timestamp '2026-07-01' as decided_at
            from (values ('merge'), ('record')) as steps (step_code);
        create table quality_dbt.dq_journal_summary as
            select step_code, contract, action, reason_code, count(*) as n_decisions
            from quality_dbt.dq_journal group by all;
        create table quality_dbt.dq_ledger_terms as
            select 'C' as term, 'crm_lead' as stream, cast({n_leads} as decimal(38, 4)) as value;
        create table quality_dbt.dq_ledger_balances as
            select 'C' as term, 'crm_lead' as stream, 'd1' as scope, cast(1 as decimal(38, 4)) as left_value,
                   cast(1 as decimal(38, 4)) as right_value, cast(0 as decimal(38, 4)) as difference;
        """
    )
    con.close()
    pq.write_table(
        pa.table(
            {
                "_delivery_id": [delivery],
                "source_instance": ["crm"],
                "mapping": ["salesforce"],
                "mapping_version": pa.array([1], pa.int64()),
                "mapping_hash": ["m"],
                "file_path": ["crm/leads.csv"],
                "file_sha256": ["s"],
                "file_bytes": pa.array([10], pa.int64()),
                "delivered_on": pa.array([dt.date(2026, 6, 30)]),
            }
        ),
        work / "collect" / "deliveries.parquet",
    )
    ids = {"golden_id": ["acc_1"], "entity": ["account"], "anchor_record_key": ["k1"]}
    ids |= {"minted_in_cycle": ["2026-06"], "status": ["active"]}
    ids |= {"merged_into": pa.array([None], pa.string()), "reason": ["first_seen"]}
    ids |= {"retired_in_cycle": pa.array([None], pa.string())}
    held = {"record_key": ["k1"], "golden_id": ["acc_1"], "home_id": pa.array([None], pa.string())}
    held |= {"valid_from": [dt.date(2026, 7, 1)], "valid_to": pa.array([None], pa.date32())}
    pq.write_table(pa.table(ids), work / "matching" / "golden_ids.parquet")
    for entity in ("account", "person"):
        pq.write_table(pa.table(held), work / "matching" / f"{entity}_history.parquet")
    write_results([result("R-MRT-001", "mart", "marts.mart_sales_leads_month")], results_path(root))
    judge(root, "publish")
    return load_company(root)


def results_path(root: Path) -> Path:
    return root / "work" / "quality" / "rule_results.parquet"


def result(rule_id: str, layer: str, table: str, **values: Any) -> RuleResult:
    """One result; passes unless told otherwise."""
    found = RuleResult(rule_id, layer, table, "critical", "pass", 5, 0, Decimal(0), Decimal(0))
    return replace(found, **values)


def judge(root: Path, verdict: str) -> None:
    """Write a verdict for the planted cycle."""
    headline = _say("note", "nothing_assessed")
    content = Verdict("2026-06", verdict, headline, (), 0, "p" * 12)
    write_verdict(content, root / "work" / "quality" / "gate_verdicts.parquet")
