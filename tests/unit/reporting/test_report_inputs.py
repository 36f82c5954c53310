"""What the loaders read from a company directory, whole, partial or empty; and the files they become."""

# ruff: noqa: E501 - planted tables read as tables

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from planted_company import company_in

from ingest.company import Company
from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.publication.report_stamp import missing_reports
from orchestration.reporting import REPORTS, render_reports
from orchestration.reporting.definitions import metric_definitions, tile_settings
from orchestration.reporting.inputs import load_audit_inputs, load_quality_inputs

D = Decimal
PARQUET = {
    "run/settings": """
        select 'demo' as company, '2026-06' as cycle, timestamp '2026-07-01' as as_of, date '2026-06-01' as cycle_start,
            date '2026-07-01' as cycle_end, 'EUR' as reporting_currency, 'Europe/Paris' as timezone,
            30 as conversion_window_days, 10 as conversation_min_s, '' as own_domains, 'c0de' as code_version, 'p0l1' as policy_version, 'run-1' as run_id""",
    "collect/ledger_terms": """
        select * from (values
            ('crm', 'd1', 'crm_lead', 'C', 'records_in', 10), ('crm', 'd1', 'crm_lead', 'C', 'kept', 7),
            ('crm', 'd1', 'crm_lead', 'C', 'excluded', 2), ('crm', 'd1', 'crm_lead', 'C', 'quarantined', 1),
            ('crm', 'd2', 'crm_lead', 'C', 'records_in', 1), ('crm', 'd2', 'crm_lead', 'C', 'kept', 1),
            ('crm', 'd1', null, 'B', 'physical_lines', 11)
        ) t (source_instance, _delivery_id, contract, term, name, value)""",
    "collect/dispositions": """
        select 'crm' as source_instance, 'crm_lead' as contract, disposition, reason_code from (values
            ('excluded', 'test_record'), ('excluded', 'test_record'), ('quarantined', 'required_value_missing'),
            ('superseded', 'superseded_by_newer')) t (disposition, reason_code)""",
    "collect/deliveries": """
        select 'd1' as _delivery_id, 'crm' as source_instance, 'crm/leads.csv' as file_path, repeat('ab', 32) as file_sha256,
            120 as file_bytes, date '2026-06-30' as delivered_on, 11 as n_records, 13 as n_physical_lines,
            1 as n_header_lines, 0 as n_blank_lines, 11 as n_record_lines, 1 as n_quarantined_lines, 0 as n_repaired_lines""",
    "collect/quarantine_lines": "select 'crm' as source_instance, 'unclosed_quote' as reason_code, 'x' as raw_line",
    "collect/changes": """
        select 'crm_lead' as contract, 'email' as field, 'email_invalid' as reason_code, 'null' as action,
            'jane.doe@client.example' as value_before from range(3)""",
    "collect/refusals": """
        select 'crm' as source_instance, 'crm/x.csv' as file_path, 'E-ING-014' as error_code, 'w' as what,
            'line 1' as where_, null as why, 'etalon run' as next_command, '{"detail": "x"}' as params""",
    "matching/edges": """
        select 'person' as entity, 'same_email' as evidence_code, 'accepted' as decision from range(2)""",
    "quality/rule_results": """
        select 'R-CRM-001' as rule_id, 'master' as layer, 'master.fct_leads' as table_name, 'warning' as severity,
            'warn' as status, 7::bigint as n_evaluated, 1::bigint as n_failed, 0::decimal(9, 6) as tolerance,
            'revops' as owner, 'Question ?' as question_fr, 'Question?' as question_en, null as detail,
            null::date as waived_until""",
    "quality/gate_verdicts": """
        select '2026-06' as cycle, 'publish_with_warnings' as verdict, 'a,b' as reasons, 'R-CRM-001' as rule_ids,
            0::bigint as ledger_imbalances, 'p0l1' as policy_version, ['Titre.', 'Une raison.'] as sentences_fr,
            ['Headline.', 'A reason.'] as sentences_en""",
}
TABLES = {
    "quality_dbt.dq_journal": """
        select 'email_invalid' as reason_code, 'null' as action, 'crm_lead' as contract, 'email' as field,
            'rule' as actor, 'd1' as _delivery_id, line::bigint as _source_row_id, 'crm/crm_lead/00Q' as record_key,
            'jane.doe@client.example' as value_before, null::varchar as value_after, n as n_decisions
        from (values (2, 7), (1, 9)) t (n, line)""",
    "quality_dbt.dq_merges": """
        select * from (values ('person', 'crm/crm_lead/1', 'crm_lead'), ('account', 'crm/crm_lead/1', 'crm_lead'))
        t (entity, record_key, contract)""",
    "quality_dbt.dq_ledger_balances": """
        select 'C' as term, 'crm_lead' as stream, 'kept_counted:crm/d1' as scope, 7::decimal(38, 4) as left_value,
            7::decimal(38, 4) as right_value, 0::decimal(38, 4) as difference""",
    "master.xref_persons": """
        select 'crm' as source_instance, 'crm_lead' as contract, p as person_id from (values ('a'), ('a'), ('b')) t (p)""",
    "master.xref_accounts": """
        select 'crm' as source_instance, 'crm_account' as contract, 'x' as account_id""",
    "marts.mart_management_kpis_month": """
        select metric_name, period_month, segment_kind_code, segment_code, v::decimal(38, 10) as metric_value,
            n::decimal(38, 4) as numerator, d::decimal(38, 4) as denominator, reason_code, caveat_code,
            i::bigint as n_immature
        from (values
            ('leads_new', date '2026-06-01', 'all', 'all', 40, null, null, null, null, null),
            ('leads_new', date '2026-05-01', 'all', 'all', 50, null, null, null, null, null),
            ('leads_new', date '2025-06-01', 'all', 'all', 32, null, null, null, null, null),
            ('leads_new', date '2026-05-01', 'channel', 'inbound', 50, null, null, null, null, null),
            ('cr', date '2026-06-01', 'all', 'all', 0, 0, 1, null, 'cohort_partly_immature', 39),
            ('cr', date '2026-05-01', 'all', 'all', 0.2, 10, 50, null, null, 0),
            ('cr', date '2026-05-01', 'channel', 'inbound', 0.2, 10, 50, null, null, 0),
            ('ttf_hours', date '2026-06-01', 'all', 'all', null, null, 0, 'no_contacted_lead', null, null)
        ) t (metric_name, period_month, segment_kind_code, segment_code, v, n, d, reason_code, caveat_code, i)""",
    "marts.mart_finance_mrr_month": """
        select date '2026-06-01' as period_month, 'all' as segment_kind_code, 100::decimal(38, 4) as opening_mrr,
            10::decimal(38, 4) as new_mrr, 0::decimal(38, 4) as reactivation_mrr, 5::decimal(38, 4) as expansion_mrr,
            -3::decimal(38, 4) as contraction_mrr, -2::decimal(38, 4) as churn_mrr, 110::decimal(38, 4) as closing_mrr""",
    "marts.mart_finance_revenue_month": """
        select period_month, 'all' as segment_kind_code, amount::decimal(38, 4) as revenue_amount,
            0::decimal(38, 4) as new_business_amount
        from (values (date '2026-04-01', 7), (date '2026-06-01', 9)) t (period_month, amount)""",
    "marts.mart_marketing_complaints_week": """
        select date '2026-06-29' as iso_week_start_on, 'all' as segment_kind_code, 3::bigint as n_complained,
            1000::bigint as n_delivered, 1010::bigint as n_sent, 4::bigint as n_unsubscribed, 0.004::decimal(18, 10) as unsubscribe_rate,
            5::bigint as n_bounced_hard, 0.005::decimal(18, 10) as bounce_rate, 0.003::decimal(18, 10) as complaint_rate, 0.0015::decimal(18, 10) as complaint_max_rate,
            true as is_complaint_breach""",
    "marts.mart_sales_stages_month": """
        select 'proposal' as stage_code, 5 as stage_rank, period_month, 'all' as segment_kind_code,
            2::bigint as n_matured, 1::bigint as n_reached_next
        from (values (date '2026-05-01'), (date '2026-06-01'), (date '2025-06-01')) t (period_month)""",
    "marts.mart_sales_stage_verdicts_month": """
        select 'proposal' as stage_code, period_month, 'all' as segment_kind_code, n::bigint as n_matured, verdict_code,
            points::decimal(18, 6) as change_points
        from (values (date '2026-04-01', 40, 'weakness', -12.5), (date '2026-05-01', 35, 'strength', 20),
            (date '2026-06-01', 0, 'too_few', null)) t (period_month, n, verdict_code, points)""",
}


@dataclass
class PlantedRun:
    content: dict = field(default_factory=dict)

    @property
    def state(self):
        return SimpleNamespace(content=self.content)

    @property
    def settings(self):
        return SimpleNamespace(run_id="run-1")


def plant(root: Path, without: tuple[str, ...] = ()) -> Company:
    company = company_in(root)
    with duckdb.connect() as connection:
        for name, query in PARQUET.items():
            path = company.work / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    with duckdb.connect(str(company.work / "warehouse.duckdb")) as connection:
        for name, query in TABLES.items():
            schema = name.split(".")[0]
            if schema not in without:
                connection.execute(f"create schema if not exists {schema}")
                connection.execute(f"create table {name} as {query}")
    return company


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Company:
    return plant(tmp_path_factory.mktemp("company"))


def test_the_row_account_follows_the_ledger(planted):
    quality = load_quality_inputs(planted)
    (leads,) = quality.accounts
    assert (leads.records_in, leads.kept, leads.excluded, leads.quarantined) == (11, 8, 2, 1)
    assert leads.difference == 0
    assert leads.merged == 1, "a lead that is an account record too counts once"
    assert leads.kept_as_own == 7
    assert [(item.disposition, item.reason_code, item.n_records) for item in leads.set_aside] == [
        ("excluded", "test_record", 2),
        ("quarantined", "required_value_missing", 1),
    ]
    assert leads.set_aside[0].label_fr == "Un enregistrement de test."
    (lines,) = quality.lines
    assert lines.difference == 0
    assert lines.set_aside[0].reason_code == "unclosed_quote"


def test_decisions_are_counted_and_their_values_left_behind(planted):
    quality = load_quality_inputs(planted)
    (decision,) = quality.decisions
    assert (decision.reason_code, decision.field_name, decision.n_decisions) == ("email_invalid", "email", 3)
    assert "client.example" not in repr(quality)


def test_verdict_rules_and_merges_are_read_as_written(planted):
    quality = load_quality_inputs(planted)
    assert quality.verdict.code == "publish_with_warnings"
    assert quality.verdict.reasons_en == ("A reason.",)
    assert quality.rules[0].status == "warn"
    assert quality.merges[0].n_edges == 2
    assert [(e.entity, e.n_source_rows, e.n_golden) for e in quality.entities] == [
        ("account", 1, 1),
        ("person", 3, 2),
    ]
    assert quality.refusals[0].why == ""
    assert quality.refusals[0].why_fr != ""
    assert quality.balances[0].difference == 0


def test_a_cohort_metric_shows_the_last_month_whose_windows_are_over(planted):
    audit = load_audit_inputs(planted)
    kpis = {kpi.name: kpi for kpi in audit.kpis}
    assert kpis["cr"].period == "2026-05"
    assert kpis["cr"].measure.value == D("0.2")
    assert kpis["leads_new"].period == "2026-06"
    assert kpis["leads_new"].before(1) == 50
    assert kpis["leads_new"].before(12) == 32
    assert kpis["ttf_hours"].measure.reason_code == "no_contacted_lead"
    assert [(s.dimension, s.code, s.n_leads) for s in audit.segments] == [("channel", "inbound", 50)]
    assert audit.segment_period == "2026-05"


def test_the_other_panels_come_from_their_marts(planted):
    audit = load_audit_inputs(planted)
    assert audit.bridge.difference == 0
    assert [(m.period, m.total) for m in audit.revenue] == [("2026-04", 7), ("2026-05", 0), ("2026-06", 9)]
    assert len(audit.complaints) == 13
    assert audit.complaints[-1].is_breach
    assert audit.complaints[0].rate is audit.complaints[0].bar is None
    assert audit.complaints[-1].bar == audit.complaint_bar == D("0.0015"), "the bar is the mart's"
    (stage,) = audit.stages
    assert (stage.n_reached, stage.n_next, stage.conversion) == (4, 2, D("0.5"))
    newest = (stage.verdict, stage.change, stage.judged_month)  # the windows of June are open
    assert newest == ("strength", D("0.2"), date(2026, 5, 1))


@pytest.mark.audit("DE20", "FR1")
def test_the_bars_of_the_pages_are_those_of_the_framing_note(tmp_path):
    company = plant(tmp_path)
    assert load_audit_inputs(company).bars == METHOD_BARS, "no note"
    with duckdb.connect(str(company.work / "warehouse.duckdb")) as connection:
        connection.execute(
            "create table marts.mart_management_framing_cycle as select 'setting' as kind_code, i as item_code,"
            " v::decimal(18, 10) as setting_value from (values ('r_green', 0.3), ('r_amber', 0.155),"
            " ('delta_points', 3.5), ('minimum_n', 45), ('minimum_events', 12), ('landmark_1_days', 5)) t (i, v)"
        )
    assert load_audit_inputs(company).bars == Bars(D("0.3"), D("0.155"), D("3.5"), 45, 12)


def test_a_company_without_a_run_gives_an_empty_report_and_no_error(tmp_path):
    company = company_in(tmp_path)
    quality = load_quality_inputs(company)
    assert quality.verdict.code == "not_decided"
    assert quality.accounts == quality.rules == quality.balances == ()
    assert load_audit_inputs(company).kpis == ()
    pages = {path.name for path in render_reports(company, "run-0")}
    assert len(pages) == 2 * (len(REPORTS) - 1 + 2), (
        "a page a language, glossary and index; no workbook without lines"
    )


def test_marts_of_a_held_cycle_are_not_shown(tmp_path):
    company = plant(tmp_path)
    path = company.work / "quality" / "gate_verdicts.parquet"
    held = PARQUET["quality/gate_verdicts"].replace("publish_with_warnings", "hold")
    path.unlink()
    duckdb.execute(f"copy ({held}) to '{path}' (format parquet)")
    assert load_audit_inputs(company).kpis == ()


def test_a_run_without_marts_still_has_its_quality_report(tmp_path):
    company = plant(tmp_path, without=("marts", "master"))
    assert load_audit_inputs(company).kpis == ()
    assert load_quality_inputs(company).accounts[0].records_in == 11


def test_reading_leaves_the_warehouse_free_for_a_writer(planted):
    load_quality_inputs(planted)
    duckdb.connect(str(planted.work / "warehouse.duckdb")).close()


def test_reports_stand_beside_the_run_and_under_latest(planted):
    files = render_reports(planted, PlantedRun(), names=("data_quality",))
    folder = planted.published / "reports"
    assert files == [
        folder / "run-1" / f"{page}.{language}.html"
        for page in ("data_quality", "glossary", "index")
        for language in ("fr", "en")
    ]
    assert (folder / "latest" / "data_quality.fr.html").read_bytes() == files[0].read_bytes()
    assert not list(folder.rglob("*.writing"))


def test_pages_of_a_held_run_take_the_stamp_of_the_latest_ones_away(planted):
    published = planted.published
    (published / "receipts").mkdir(parents=True)
    (published / "receipts" / "2026-06-0a1b.json").write_text("{}")
    render_reports(planted, "2026-06-0a1b")
    assert missing_reports(published, "2026-06-0a1b") == []
    render_reports(planted, "2026-06-0a1b", names=("data_quality",))
    assert missing_reports(published, "2026-06-0a1b") == [], "a page of the same publication"
    render_reports(planted, "run-2", names=("data_quality",))
    assert missing_reports(published, "2026-06-0a1b") == ["reports/latest/written.json"]


def test_a_publication_takes_over_what_its_run_had_written(planted):
    render_reports(planted, PlantedRun(), names=("data_quality",))
    files = render_reports(planted, PlantedRun({"publication_id": "2026-06-0a1b"}), names=("sales_audit",))
    assert {path.parent.name for path in files} == {"2026-06-0a1b"}
    assert {path.name.split(".")[0] for path in files} == {"data_quality", "sales_audit", "glossary", "index"}
    assert not (planted.published / "reports" / "run-1").exists()
    again = render_reports(planted, PlantedRun({"publication_id": "2026-06-0a1b"}), names=("sales_audit",))
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden"])
def test_an_id_that_is_a_path_is_refused(planted, name):
    with pytest.raises(ValueError, match="no publication or run id"):
        render_reports(planted, name)


def test_an_unknown_report_is_refused(planted):
    with pytest.raises(ValueError, match="unknown report budget"):
        render_reports(planted, "run-1", names=("budget",))


def test_every_tile_is_a_metric_with_labels_and_definitions_in_both_languages():
    definitions = metric_definitions()
    for tile in tile_settings():
        definition = definitions[tile.name]
        assert definition.label_fr and definition.label_en
        assert len(definition.definition_fr) > 10 and len(definition.definition_en) > 10
        assert definition.better in ("up", "down", "none")
        assert tile.month in ("cycle", "matured")


def test_a_formula_without_a_definition_is_told_with_labels(tmp_path):
    (tmp_path / "m.yml").write_text(
        "metrics:\n"
        "- {name: a_b, config: {meta: {label_fr: Moitié, label_en: Half}}}\n"
        "- {name: r, config: {meta: {label_fr: Taux, label_en: Rate, formula: a_b / total <= x}}}\n",
        encoding="utf-8",
    )
    definition = metric_definitions(tmp_path)["r"]
    assert definition.definition_fr == "Moitié ÷ total ≤ x"
    assert definition.unit == "count"
