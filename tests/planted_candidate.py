"""A small audited candidate: the state that a run leaves just before the publication, without running one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.catalogue import load_catalogue
from expectations.gate import Verdict, _say, write_verdict
from expectations.ratchet import write_progress
from expectations.results import RuleResult, write_results
from expectations.results import judge as judge_counts
from ingest import Company, load_company
from ingest.demo.framing import write_notes
from ingest.ledger import RECORD_TERMS
from orchestration.cycles.note import read_note
from orchestration.publication.judging import decided
from orchestration.settings import RunSettings, cycle_bounds, read_settings, write_settings

COMPANY_YML = """\
version: 1
company: planted
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [planted.example]
cycle: 2026-06
sources: []
"""


@cache
def framing_version(cycle: str) -> str:
    """Of the note that is planted for a cycle."""
    with TemporaryDirectory() as folder:
        write_notes(Path(folder), [cycle])
        note = read_note(Path(folder), cycle)
    assert note is not None
    return note.version


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
    framing_version=framing_version("2026-06"),
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


def plant(
    root: Path,
    *,
    n_leads: int = 7,
    n_quarantined: int = 0,
    settings: RunSettings = SETTINGS,
    delivery: str = "d1",
    results: Iterable[RuleResult] = (),
) -> Company:
    """Write company.yml and the state of an audited candidate under `root`; every rule passes but `results`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "company.yml").write_text(COMPANY_YML)
    (root / "extracts").mkdir(exist_ok=True)
    write_notes(root, [settings.cycle])
    work, delivered_on = root / "work", settings.cycle_end - dt.timedelta(days=1)
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
                   cast(n_leads as decimal(38, 10)) as metric_value, cast(n_leads as decimal(38, 4)) as numerator,
                   cast(null as decimal(38, 4)) as denominator, cast(null as varchar) as reason_code,
                   cast(null as varchar) as caveat_code,
                   'count' as unit_code
            from marts.mart_sales_leads_month;
        create schema metrics;
        create table metrics.fct_lead_cadences as
            select 'lea_' || period_month || '_' || number as lead_id, period_month as created_on, true as is_dated
            from marts.mart_sales_leads_month, unnest(range(n_leads)) as leads (number);
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
            select term, 'crm_lead' as stream, 'd1' as scope, cast(1 as decimal(38, 4)) as left_value,
                   cast(1 as decimal(38, 4)) as right_value, cast(0 as decimal(38, 4)) as difference
            from (values ('A'), ('B'), ('C'), ('E')) as terms (term);
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
                "delivered_on": pa.array([delivered_on]),
                "is_missed": [False],
            }
        ),
        work / "collect" / "deliveries.parquet",
    )
    fates = {"records_in": n_leads + n_quarantined, "kept": n_leads, "quarantined": n_quarantined}
    write_terms(work, {name: fates.get(name, 0) for name in ("records_in", *RECORD_TERMS)}, delivery)
    ids = {"golden_id": ["acc_1"], "entity": ["account"], "anchor_record_key": ["k1"]}
    ids |= {"minted_in_cycle": ["2026-06"], "status": ["active"]}
    ids |= {"merged_into": pa.array([None], pa.string()), "reason": ["first_seen"]}
    ids |= {"retired_in_cycle": pa.array([None], pa.string())}
    held = {"record_key": ["k1"], "golden_id": ["acc_1"], "home_id": pa.array([None], pa.string())}
    held |= {"valid_from": [dt.date(2026, 7, 1)], "valid_to": pa.array([None], pa.date32())}
    pq.write_table(pa.table(ids), work / "matching" / "golden_ids.parquet")
    for entity in ("account", "person"):
        pq.write_table(pa.table(held), work / "matching" / f"{entity}_history.parquet")
    write_results(every_rule(results), results_path(root))
    judge(root)
    return load_company(root)


def write_terms(work: Path, values: Mapping[str, int], delivery: str) -> None:
    """Term C of one delivery of leads."""
    rows = [
        {
            "source_instance": "crm",
            "_delivery_id": delivery,
            "contract": "crm_lead",
            "term": "C",
            "name": name,
        }
        | {"value": value}
        for name, value in values.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), work / "collect" / "ledger_terms.parquet")


def of_cycle(cycle: str, run_id: str = "run-1") -> RunSettings:
    """The planted settings for another month."""
    start, end = cycle_bounds(cycle)
    as_of = dt.datetime(end.year, end.month, end.day)
    return replace(
        SETTINGS, cycle=cycle, cycle_start=start, cycle_end=end, as_of=as_of, run_id=run_id,
        framing_version=framing_version(cycle),
    )  # fmt: skip


def results_path(root: Path) -> Path:
    return root / "work" / "quality" / "rule_results.parquet"


def result(rule_id: str, layer: str, table: str, **values: Any) -> RuleResult:
    """One result; passes unless told otherwise."""
    found = RuleResult(rule_id, layer, table, "critical", "pass", 5, 0, Decimal(0), Decimal(0))
    return replace(found, **values)


@cache
def _passing() -> dict[tuple[str, str], RuleResult]:
    catalogue = load_catalogue()
    return {
        (rule.id, check.table): judge_counts(rule, catalogue.layer(check), check.table, 1000, 0)
        for rule in catalogue.rules
        for check in rule.checks
    }


def every_rule(results: Iterable[RuleResult] = ()) -> list[RuleResult]:
    """Every rule of the catalogue with a pass on 1,000 rows, and `results` in place of their own."""
    given = {(each.rule_id, each.table_name): each for each in results}
    return list((_passing() | given).values())


def passing(rule_id: str, **values: Any) -> RuleResult:
    """The result of one rule of the catalogue on its first table, with `values` changed."""
    found = next(each for (name, _), each in _passing().items() if name == rule_id)
    return replace(found, **values)


def judge(root: Path, verdict: str | None = None) -> None:
    """Write the gate's verdict on the planted candidate, or one of the given code that is nobody's."""
    path, company = root / "work" / "quality" / "gate_verdicts.parquet", load_company(root)
    settings = read_settings(company.work)
    if verdict is None:
        content, progress = decided(company, settings, filled=frozenset())
        write_progress(progress, settings.cycle, path.with_name("ratchet.parquet"))
    else:
        content = Verdict(settings.cycle, verdict, _say("note", "nothing_assessed"), (), 0, "p" * 12)
    write_verdict(content, path)
