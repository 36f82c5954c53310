"""What the sections of the data-quality report read: whole, of another shape, or not there at all."""

# ruff: noqa: E501 - planted tables read as tables

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from planted_company import company_in

from orchestration.reporting.followup_inputs import BREACHES_SHOWN, ITEMS_SHOWN
from orchestration.reporting.inputs import load_quality_inputs
from orchestration.reporting.render import render_data_quality
from orchestration.settings import fingerprint, read_settings

D = Decimal
SETTINGS = """
    select 'demo' as company, '2026-06' as cycle, timestamp '2026-07-01' as as_of, date '2026-06-01' as cycle_start,
        date '2026-07-01' as cycle_end, 'EUR' as reporting_currency, 'Europe/Paris' as timezone,
        30 as conversion_window_days, 20 as conversation_min_s, '' as own_domains, 'c0de' as code_version, 'p0l1' as policy_version, 'run-1' as run_id"""
HISTORY = """
    select s::int as sequence, 'pub-' || s as publication_id, strftime(date '2025-01-01' + to_months(s::int), '%Y-%m') as cycle,
        source_instance, contract, 100 * s::bigint as records_in, 90 * s::bigint as kept, s::bigint as quarantined,
        2::bigint as excluded, 0::bigint as exact_duplicate, 0::bigint as superseded, 0::bigint as suppressed
    from range(1, 15) r (s), (values ('crm', 'crm_lead'), ('crm', 'crm_account'), ('erp', 'erp_invoice')) c (source_instance, contract)"""
RULES = """
    select s::int as sequence, 'pub-' || s as publication_id, '2026-01' as cycle, 'R-CRM-' || lpad(n::varchar, 3, '0') as rule_id,
        'master.t' as table_name, case when n < 4 then 'validity' else 'volume' end as dimension, 'raw' as layer,
        'warning' as severity, 'revops' as owner,
        case when n = 1 and s > 10 then 'fail' when n = 2 then 'waived' when n = 4 then 'not_assessed' else 'pass' end as status,
        10::bigint as n_evaluated, 1::bigint as n_failed
    from range(1, 15) r (s), range(1, 6) k (n)"""
IMPACT = """
    select * from (values
        ('cr', date '2026-06-01', 'reason', 'test_record', 'points', null, null, 0),
        ('cr', date '2026-05-01', 'reason', 'test_record', 'points', 0.20, 0.18, 5),
        ('cr', date '2026-05-01', 'rule', 'R-CRM-001', 'points', 0.20, 0.25, 2),
        ('cr', date '2026-05-01', 'rule', 'R-CRM-999', 'points', 0.20, 0.20, 0),
        ('cr', date '2026-04-01', 'reason', 'test_record', 'points', 0.50, 0.10, 5),
        ('revenue_total', date '2026-06-01', 'merge', 'same_email', 'euros', 1000.55, 900.05, 7),
        ('revenue_total', date '2026-07-01', 'merge', 'same_email', 'euros', 1, 2, 7)
    ) t (metric_name, period_month, switch_kind, switch_code, unit_code, p, w, n_rows)"""
RESULTS = """
    select 'R-CRM-001' as rule_id, 'master' as layer, 'master.fct_leads' as table_name, 'warning' as severity,
        'warn' as status, 7::bigint as n_evaluated, 1::bigint as n_failed, 0::decimal(9, 6) as tolerance,
        'revops' as owner, 'Question ?' as question_fr, 'Question?' as question_en, null as detail,
        null::date as waived_until, 'validity' as dimension, 'dbt' as origin"""
WORK = """
    select 'itm_' || n as item_id, 'R-CRM-001' as rule_id, 'email_invalid' as reason_code, 'raw.crm_lead' as table_name,
        'crm' as source_instance, 'crm_lead' as contract,
        case when n = 1 then 'crm/crm_attendee/jane.doe@client.example' else 'crm/crm_lead/' || n end as record_key,
        'email' as field, case when n % 3 = 0 then 'finance' else 'sales_ops' end as owner, 'rep_1' as assignee,
        (1000 - n)::decimal(18, 2) as impact_value, 'EUR' as impact_unit,
        case when n > 30 then 'closed' else 'open' end as status, date '2026-01-01' as opened_on, '2026-01' as opened_cycle,
        case when n > 40 then date '2026-05-31' when n > 30 then date '2026-06-01' end as closed_on,
        case when n > 30 then n::int end as days_to_fix, n::int as age_days, n::int as impact_rank,
        case when n in (3, 6) then 'deal' when n > 9 then 'crm/crm_lead/' || n end as impact_key
    from range(1, 51) r (n)"""
JOURNAL = """
    select * from (values
        ('email_invalid', 'null', 'crm_lead', 'email', 'rule', 'd1', 7, 'crm/crm_lead/1', 'jane.doe@client.example', null),
        ('value_unknown', 'correct', 'crm_lead', 'status', 'rule', 'd1', 8, 'crm/crm_lead/2', 'Jane 12', 'open'),
        ('same_email', 'merge', 'crm_lead', 'person_id', 'rule', 'd1', 9, 'crm/crm_lead/3', 'crm/crm_lead/3', 'per_0a1b2c3d4e5f'),
        ('internal_attendee', 'exclude', 'calendar_event', 'attendee', 'rule', 'd2', 3, 'cal/calendar_event/7', null, null),
        ('unclosed_quote', 'quarantine', null, null, 'rule', 'd1', 10, null, 'Doe;Jane;+33612345678', null),
        ('steward_override', 'override', 'crm_account', 'city', 'Ann Lee', null, null, 'crm/crm_account/4', null, 'Paris')
    ) t (reason_code, action, contract, field, actor, _delivery_id, _source_row_id, record_key, value_before, value_after),
    (select 3 as n_decisions)"""
TABLES = {
    "quality_dbt.dq_journal": JOURNAL,
    "quality_dbt.dq_compliance": """
        select * from (values
            ('after_opt_out', 'email', date '2026-06-01', 100, 4, 3), ('after_opt_out', 'email', date '2026-07-01', 100, 0, 9),
            ('cool_down', 'voice', date '2026-06-01', 0, 50, null)
        ) t (check_code, channel_code, period_month, n_assessed, n_not_assessed, n_breaches)""",
    "quality_dbt.dq_contact_breaches": """
        select 'email:' || n as touch_key, 'after_opt_out' as check_code, 'per_' || n as person_id, 'email' as channel_code,
            timestamp '2026-05-31 23:00:00' + to_hours(n::int) as occurred_at,
            (timestamp '2026-06-01 01:00:00' + to_hours(n::int))::date as occurred_on, 'b2b_default' as profile_code
        from range(0, 20) r (n)""",
    "quality_dbt.dq_reconciliation": """
        select *, crm_amount - erp_amount as difference, crm_amount * rate as crm_amount_reporting,
            erp_amount * rate as erp_amount_reporting, (crm_amount - erp_amount) * rate as difference_reporting
        from (values
            ('invoiced_equal', date '2026-06-01', 'EUR', 2, 3, 100.10::decimal(38, 4), 100.10::decimal(38, 4), 1, 0, 0),
            ('never_invoiced', date '2026-05-01', 'EUR', 1, 0, 0.3333, 0, 1, 3, 2),
            ('never_invoiced', null, 'USD', 1, 0, 50, 0, 2, 0, 0),
            ('never_invoiced', date '2026-07-01', 'EUR', 1, 0, 7, 0, 1, 9, 9)
        ) t (cause_code, period_month, currency, n_opportunities, n_lines, crm_amount, erp_amount, rate, n_rates_missing, n_opportunities_unrated)""",
    "quality_dbt.dq_review_queue": """
        select 'account' as entity, 'pair' as kind, 10.5::decimal(18, 2) as impact_value, 'EUR' as impact_unit,
            case when n = 1 then timestamp '2026-06-01' end as postponed_at from range(3) r (n)""",
}
PARQUET = {
    "run/settings": SETTINGS,
    "quality/rule_results": RESULTS,
    "quality/kpi_impact": f"""
        select * exclude (p, w), p::decimal(38, 10) as value_published, w::decimal(38, 10) as value_without,
            (p - w)::decimal(38, 10) as difference, '{{inputs}}' as inputs_fingerprint from ({IMPACT})""",
    "quality/worklist": WORK,
    "collect/deliveries": """
        select 'd1' as _delivery_id, 'crm' as source_instance, 'crm/leads.csv' as file_path, 'ab' as file_sha256,
            120 as file_bytes, date '2026-06-30' as delivered_on, 11 as n_records, 13 as n_physical_lines,
            1 as n_header_lines, 0 as n_blank_lines, 11 as n_record_lines, 1 as n_quarantined_lines, 0 as n_repaired_lines
        union all select 'd2', 'cal', 'cal/jane.doe.txt', 'cd', 9, date '2026-06-30', 1, 1, 0, 0, 1, 0, 0""",
    "collect/ledger_terms": """
        select contract, delivery as _delivery_id, split_part(contract, '_', 1) as source_instance, 'C' as term,
            'kept' as name, 1 as value
        from (values ('crm_lead', 'd1'), ('calendar_event', 'd2')) t (contract, delivery)""",
    "stewardship/decisions": """
        select 'dec_1' as decision_id, 'account' as entity, 'same' as kind, ['crm/a/jane.doe@client.example', 'erp/b/1'] as record_keys,
            null as field, 'active' as status, 'Ann Lee' as author, 'Seen on site' as reason,
            timestamp '2026-06-02 10:00:00' as decided_at, null::date as expires_on""",
    "matching/id_changes": """
        select 'person' as entity, cause from (values ('first_seen'), ('merge'), ('merge')) t (cause)""",
}
REGISTRY = {"account_history": HISTORY, "rule_history": RULES}


def plant(root: Path, without: str = "", inputs: str = ""):
    company = company_in(root)
    files = {company.work / f"{name}.parquet": query for name, query in PARQUET.items() if name != without}
    registry = company.published / "registry"
    files |= {registry / f"{name}.parquet": query for name, query in REGISTRY.items() if name != without}
    with duckdb.connect() as connection:
        for path, query in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            measured_on = ""
            if "{inputs}" in query:
                measured_on = inputs or fingerprint(read_settings(company.work), ["d1", "d2", "dec_1"])
            connection.execute(
                f"copy ({query.replace('{inputs}', measured_on)}) to '{path}' (format parquet)"
            )
    with duckdb.connect(str(company.work / "warehouse.duckdb")) as connection:
        connection.execute("create schema quality_dbt")
        for name, query in TABLES.items():
            if name != without:
                connection.execute(f"create table {name} as {query}")
    return company


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def quality(company):
    return load_quality_inputs(company, "pub-14")


def test_the_row_account_is_compared_with_the_publication_before_this_one(company, quality):
    assert {each.published_as for each in quality.former_accounts} == {"pub-13"}
    assert [(each.source_instance, each.contract, each.records_in) for each in quality.former_accounts] == [
        ("crm", "crm_account", 1_300),
        ("crm", "crm_lead", 1_300),
        ("erp", "erp_invoice", 1_300),
    ]
    unpublished = load_quality_inputs(company)
    assert {each.published_as for each in unpublished.former_accounts} == {"pub-14"}
    again = load_quality_inputs(company, "pub-3")
    assert {each.published_as for each in again.former_accounts} == {"pub-2"}


def test_trends_hold_the_last_twelve_publications_by_dimension_and_source(quality):
    points = [each for each in quality.history.dimensions if each.dimension == "validity"]
    assert [each.sequence for each in points] == list(range(3, 15))
    assert [(each.n_pass, each.n_fail, each.n_waived) for each in (points[0], points[-1])] == [
        (2, 0, 1),
        (1, 1, 1),
    ]
    (volume, *_) = [each for each in quality.history.dimensions if each.dimension == "volume"]
    assert (volume.n_pass, volume.n_not_assessed) == (1, 1)
    last = [each for each in quality.history.sources if each.sequence == 14]
    assert [(each.source_instance, each.records_in, each.n_set_aside) for each in last] == [
        ("crm", 2_800, 32),
        ("erp", 1_400, 16),
    ]


def test_the_effect_of_cleaning_is_that_of_the_last_month_with_a_value(quality):
    found = {(each.metric_name, each.switch_code): each for each in quality.impacts}
    assert set(found) == {
        ("cr", "test_record"), ("cr", "R-CRM-001"), ("cr", "R-CRM-999"), ("revenue_total", "same_email"),
    }  # fmt: skip
    assert found["cr", "test_record"].period == "2026-05"
    assert found["cr", "test_record"].effect == D("0.02")
    assert found["cr", "R-CRM-001"].effect == D("-0.05")
    assert found["cr", "R-CRM-001"].issue_fr == "Question ?"
    assert found["revenue_total", "same_email"].effect == D("100.50")
    assert (found["cr", "test_record"].unit, found["revenue_total", "same_email"].unit) == ("rate", "money")


def test_the_worklist_is_summed_by_owner_and_cut_to_the_first_items(quality):
    owners = {each.owner: each for each in quality.work}
    assert {name: (each.n_open, each.n_closed) for name, each in owners.items()} == {
        "sales_ops": (20, 7),
        "finance": (10, 3),
    }
    # what two items share is at stake once
    assert owners["finance"].impact == (("EUR", sum(D(1000 - n) for n in range(3, 31, 3) if n != 6)),)
    assert owners["sales_ops"].oldest_days == 29
    closed = sorted(n for n in range(31, 51) if n % 3 == 0)
    assert (
        owners["finance"].median_days_to_fix == D(closed[len(closed) // 2 - 1] + closed[len(closed) // 2]) / 2
    )
    ranks = [each.impact_rank for each in owners["sales_ops"].items]
    assert ranks == [n for n in range(1, 31) if n % 3][:ITEMS_SHOWN]


def test_samples_of_the_journal_show_what_was_wrong_and_nobody(quality):
    samples = {each.reason_code: each for each in quality.samples}
    assert samples["email_invalid"].before == "xxxx.xxx@xxxxxx.xxxxxxx"
    assert samples["value_unknown"].before == "xxxx 12"
    assert samples["same_email"].after == "per_0a1b2c3d4e5f"
    assert samples["unclosed_quote"].before == "xxx;xxxx;+00000000000"
    assert samples["steward_override"].after == "xxxxx"
    assert samples["email_invalid"].place == "crm:crm/leads.csv:7"
    assert (samples["steward_override"].place, samples["steward_override"].record_key) == (
        "",
        "crm/crm_account/4",
    )


def test_who_decided_is_a_rule_or_a_person(quality):
    actors = {each.reason_code: each.actor for each in quality.decisions}
    assert (actors["email_invalid"], actors["steward_override"]) == ("rule", "person")


def test_stewards_questions_and_changed_ids_are_read(quality):
    (decision,) = quality.steward_decisions
    assert (decision.kind, decision.author, decision.decided_at) == (
        "same",
        "Ann Lee",
        datetime(2026, 6, 2, 10),
    )
    assert decision.record_keys == ("•••@•••", "erp/b/1")
    (review,) = quality.reviews
    assert (review.n_items, review.n_postponed, review.impact_value) == (3, 1, D("31.50"))
    assert [(each.cause, each.n_records) for each in quality.id_changes] == [("merge", 2)]


def test_the_classes_that_people_gave_to_outliers_are_shown(tmp_path):
    company = plant(tmp_path)
    duckdb.execute(
        "copy (select 'dec_9' as decision_id, 'touches_per_lead' as metric_code, 'lea_1' as record_key,"
        " 'error' as class_code, 'Ann Lee' as author, 'Test of the dialler' as reason,"
        " timestamp '2026-06-03 10:00:00' as decided_at, 'replaced' as status)"
        f" to '{company.work}/stewardship/outlier_classes.parquet' (format parquet)"
    )
    quality = load_quality_inputs(company, "pub-14")
    assert [(each.kind, each.field_name, each.status) for each in quality.steward_decisions][1:] == [
        ("outlier", "touches_per_lead = error", "replaced")
    ]
    page = render_data_quality(quality, "fr")
    assert "Classe d’une valeur extrême" in page.replace("&#39;", "’").replace("'", "’")
    assert "Remplacée" in page and "Test of the dialler" in page


def test_compliance_counts_what_was_not_assessed_and_proves_breaches_of_the_cycle(quality):
    counts = {(each.check_code, each.period): each for each in quality.compliance.counts}
    assert set(counts) == {("after_opt_out", "2026-06"), ("cool_down", "2026-06")}
    cool_down = counts["cool_down", "2026-06"]
    assert (cool_down.n_assessed, cool_down.n_not_assessed, cool_down.n_breaches) == (0, 50, 0)
    assert quality.compliance.n_breaches == 20
    assert len(quality.compliance.breaches) == BREACHES_SHOWN
    assert quality.compliance.breaches[0].touch_key == "email:19"


def test_the_reconciliation_keeps_every_decimal_and_stops_at_the_cycle(quality):
    own = [each for each in quality.reconciliation if not each.is_converted]
    assert sum(each.difference for each in own) == D("50.3333")
    converted = [each for each in quality.reconciliation if each.is_converted]
    assert {each.currency for each in converted} == {"EUR"}
    assert sum(each.difference for each in converted) == D("100.3333")
    unrated = [(each.n_opportunities_unrated, each.n_lines_unrated) for each in converted]
    assert tuple(map(sum, zip(*unrated, strict=True))) == (2, 1)


def test_a_file_of_one_person_is_shown_by_its_delivery(quality):
    assert {(each.source_instance, each.file_path) for each in quality.files} == {
        ("crm", "crm/leads.csv"),
        ("cal", "d2"),
    }
    assert {each.place for each in quality.samples if each.table_name == "calendar_event"} == {"cal:d2:3"}


def test_nobody_is_named_in_the_page(quality):
    for language in ("fr", "en"):
        page = render_data_quality(quality, language)
        assert not [word for word in ("jane", "client.example", "33612345678", "Jane") if word in page]


FILLED_BY = {
    "quality/kpi_impact": ("impacts", "etalon impact --all"),
    "quality/worklist": ("work", "etalon run"),
    "quality_dbt.dq_compliance": ("compliance", "etalon run"),
    "quality_dbt.dq_reconciliation": ("reconciliation", "etalon run"),
}


@pytest.mark.parametrize("name", FILLED_BY)
def test_a_table_that_is_not_there_is_told_with_the_command_that_fills_it(tmp_path, name):
    attribute, command = FILLED_BY[name]
    quality = load_quality_inputs(plant(tmp_path, without=name), "pub-14")
    assert getattr(quality, attribute) is None
    assert command in render_data_quality(quality, "en")


def test_effects_measured_on_other_inputs_count_as_not_measured(tmp_path):
    assert load_quality_inputs(plant(tmp_path, inputs="0" * 64)).impacts is None


def test_a_file_of_another_shape_is_not_read(tmp_path):
    company = plant(tmp_path)
    for name in ("quality/kpi_impact", "quality/worklist"):
        (company.work / f"{name}.parquet").unlink()
        duckdb.execute(f"copy (select 1 as one) to '{company.work / name}.parquet' (format parquet)")
    quality = load_quality_inputs(company)
    assert quality.impacts is None and quality.work is None


def test_waivers_of_the_company_are_listed_alive_and_dead(tmp_path):
    company = plant(tmp_path)
    (company.root / "waivers.csv").write_text(
        "rule_id,table_name,author,reason,decided_on,expires_on\n"
        "R-CRM-001,,Ann Lee,Until the migration is over,2026-06-01,2026-09-30\n"
        "R-CRM-001,raw.crm_lead,Ann Lee,Until the migration is over,2026-06-01,2026-07-01\n",
        encoding="utf-8",
    )
    found = load_quality_inputs(company).waivers
    assert [(each.table_name, each.is_alive, each.expires_on) for each in found] == [
        ("raw.crm_lead", False, date(2026, 7, 1)),
        ("*", True, date(2026, 9, 30)),
    ]
