"""A figure is explained by the rows that give it: counted again they are the figure, in every month and segment."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from expectations.connection import connect
from ingest.contract import load_contracts
from orchestration import cli
from orchestration.access.reading_log import read_log
from orchestration.explaining.definitions import Definition, definition_of, definitions
from orchestration.explaining.golden import explain_golden
from orchestration.explaining.kpi import UnknownFigureError, explain_kpi, months_of, recounted
from orchestration.explaining.row import explain_row
from orchestration.project import ROOT

MART = "marts.mart_management_kpis_month"
#: What the tiny company gives no figure of: nobody on its strategic list buys, and few accounts buy again.
WITHOUT_A_FIGURE = {
    "deal_score_brier",
    "reply_rate",
    "clv_bgnbd",
}


@pytest.fixture(scope="module")
def warehouse(demo_run):
    with connect(demo_run.work / "warehouse.duckdb") as con:
        yield con


#: What no source of the demo company brings: its mail platform reports no replies.


def words() -> dict[str, dict[str, str]]:
    return yaml.safe_load((ROOT / "orchestration" / "commands" / "wording.yml").read_text(encoding="utf-8"))


def test_every_kpi_of_the_mart_can_be_explained(warehouse) -> None:
    names = {name for (name,) in warehouse.execute(f"select distinct metric_name from {MART}").fetchall()}
    assert names == set(definitions())


@pytest.mark.parametrize("definition", definitions().values(), ids=lambda each: each.metric_name)
def test_the_rows_of_a_figure_give_the_figure(warehouse, definition: Definition) -> None:
    figures = warehouse.execute(
        f"select period_month, segment_kind_code, segment_code, metric_value, numerator, denominator from {MART}"
        " where metric_name = $name and metric_value is not null order by all",
        {"name": definition.metric_name},
    ).fetchall()
    assert bool(figures) == (definition.metric_name not in WITHOUT_A_FIGURE)
    kinds = {row[1] for row in figures}
    assert kinds <= {"all", *definition.segments}
    newest = sorted({row[0] for row in figures})[-3:]
    for month, kind, code, value, numerator, denominator in figures:
        if kind != "all" and month not in newest:
            continue
        counted = recounted(warehouse, definition, month, (kind, code))
        place = (definition.metric_name, month, kind, code)
        for name, given in (("numerator", numerator), ("denominator", denominator)):
            if given is not None and name in counted:
                assert counted[name] == given, (place, name)
        shown = counted.get("value")
        if shown is None and counted.get("denominator"):
            shown = counted["numerator"] / counted["denominator"]
        assert abs((shown or 0) - value) < Decimal("0.00001"), place


def test_the_rows_of_a_month_are_told_by_state_with_lines_that_exist(demo_run) -> None:
    definition = definition_of("conversion_rate")
    month = months_of(demo_run.work, definition)[-1]
    shown = explain_kpi(demo_run.work, definition, month)
    states = {each.state: each.n_rows for each in shown.states}
    assert states["converted"] == shown.numerator
    assert sum(n for state, n in states.items() if state != "immature") == shown.denominator
    assert shown.samples
    for sample in shown.samples:
        (row,) = explain_row(demo_run.work, sample.address)
        assert row.fate.record_key == sample.record_key and row.fate.fate_code == "kept"
        assert ("cr", month, sample.state) in {
            (each.metric_name, each.period_month, each.state) for each in row.counted
        }
        assert len(row.decisions) == min(sample.n_decisions, 50)


@pytest.mark.parametrize("contract", ["crm_activity", "telephony_call_leg", "email_event"])
def test_a_touch_stands_in_the_figures_of_its_lead(demo_run, warehouse, contract: str) -> None:
    stream, relation, key = {
        "crm_activity": ("activity", "staging.stg_crm__activities", "r.record_key"),
        "telephony_call_leg": (
            "call", "staging.stg_telephony__call_legs", "r.source_instance || '/' || r.call_id"
        ),
        "email_event": (
            "email", "staging.stg_emailing__events",
            "md5(r.source_instance || '/' || r.message_id || '/' || r.recipient_email)",
        ),
    }[contract]  # fmt: skip
    delivery, line, instance, month = warehouse.execute(
        f"select r._delivery_id, r._source_row_id, r.source_instance, cast(date_trunc('month', l.created_on) as date)"
        f" from {relation} as r join master.fct_touches as t on t.source_key = {key}"
        " join metrics.fct_lead_cadences as l using (lead_id)"
        f" where t.source_stream_code = '{stream}' and l.is_dated order by all limit 1"
    ).fetchone()
    (row,) = explain_row(demo_run.work, f"{instance}:{delivery}:{line}")
    assert row.fate.contract == contract
    assert ("touches_per_lead", month) in {(each.metric_name, each.period_month) for each in row.counted}


def test_the_records_left_out_of_all_months_are_those_of_the_journal(demo_run, warehouse) -> None:
    definition = definition_of("leads_new")
    months = [
        month
        for (month,) in warehouse.execute(
            "select distinct cast(date_trunc('month', created_at) as date) from raw.crm_lead"
            " where created_at is not null"
        ).fetchall()
    ]
    found: dict[str, int] = {}
    for month in sorted({*months, *(_before(month) for month in months)}):
        try:
            shown = explain_kpi(demo_run.work, definition, month, n_samples=0)
        except UnknownFigureError:
            continue
        for each in shown.left_out:
            found[each.reason_code] = found.get(each.reason_code, 0) + each.n_records
    known = dict(
        warehouse.execute(
            "select reason_code, cast(sum(n_decisions) as bigint) from quality_dbt.dq_journal"
            " where contract = 'crm_lead' and step_code in ('record', 'exclusion') group by 1"
        ).fetchall()
    )
    assert found and all(n <= known[code] for code, n in found.items())


def _before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def test_a_golden_record_is_explained_by_its_records_links_and_values(demo_run, warehouse) -> None:
    (account,) = warehouse.execute(
        "select account_id from master.xref_accounts where account_id <> 'unknown'"
        " group by 1 having count(*) between 3 and 6 order by 1 limit 1"
    ).fetchone()
    shown = explain_golden(demo_run.work, demo_run.published, account)
    keys = {row["record_key"] for row in shown.records}
    expected = warehouse.execute(
        "select record_key from master.xref_accounts where account_id = $id", {"id": account}
    ).fetchall()
    assert keys == {key for (key,) in expected}
    assert shown.links and all({link.left_record_key, link.right_record_key} <= keys for link in shown.links)
    revenue = warehouse.execute(
        "select sum(net_amount_reporting) from metrics.fct_revenue_lines where account_id = $id",
        {"id": account},
    ).fetchone()[0]
    assert shown.facts["revenue_amount"] == revenue
    name = warehouse.execute(
        "select account_name from master.dim_accounts where account_id = $id", {"id": account}
    )
    given = {row["attribute"]: row["value"] for row in shown.values}
    assert given["account_name"] == name.fetchone()[0]


def test_nobody_is_named_unless_asked(demo_run, warehouse) -> None:
    person, email, family = warehouse.execute(
        "select p.person_id, x.email, x.family_name from master.dim_persons as p"
        " join master.xref_persons as k using (person_id)"
        " join resolution.int_person_records as x using (record_key)"
        " where x.contract = 'crm_lead' and x.email is not null and length(x.family_name) > 3 order by 1 limit 1"
    ).fetchone()
    record = warehouse.execute(
        "select source_instance || ':' || source_record_id from master.xref_persons"
        " where person_id = $id and contract = 'crm_lead' order by 1",
        {"id": person},
    ).fetchone()[0]
    for subject in (person, record):
        arguments = ["explain", subject, "--company", str(demo_run.company_dir)]
        for options in ([], ["--json"], ["--language", "fr"]):
            shown = CliRunner().invoke(cli.etalon, [*arguments, *options])
            assert shown.exit_code == 0, shown.output
            assert email not in shown.output and family not in shown.output
        assert email in CliRunner().invoke(cli.etalon, [*arguments, "--raw"]).output.lower()
    values = {
        row["attribute"]: row["value"]
        for row in explain_golden(demo_run.work, demo_run.published, person).values
    }
    assert values["is_email_opted_out"] in ("true", "false") and date.fromisoformat(values["first_seen_on"])


@pytest.mark.audit("CP6")
def test_what_was_explained_is_logged_by_its_table_and_publication(demo_run, warehouse) -> None:
    (person,) = warehouse.execute(
        "select person_id from master.xref_persons where person_id <> 'unknown' order by 1 limit 1"
    ).fetchone()
    shown = explain_kpi(demo_run.work, definition_of("cr"), months_of(demo_run.work, definition_of("cr"))[-1])
    address = next(each.address for each in shown.samples if each.address)
    n_before = len(read_log(demo_run.company_dir)[0])
    for subject in ("cr", person, address):
        arguments = ["explain", subject, "--company", str(demo_run.company_dir)]
        assert CliRunner().invoke(cli.etalon, arguments).exit_code == 0
    found = read_log(demo_run.company_dir)[0][n_before:]
    assert [(each.relation, each.n_rows) for each in found] == [
        ("mart_management_kpis_month", 1), ("dim_persons", 1), ("crm_lead", 1),
    ]  # fmt: skip
    live = json.loads((demo_run.published / "current.json").read_text())["publication_id"]
    assert {each.publication_id for each in found} == {live}


def test_the_command_walks_from_the_figure_to_the_line_in_both_languages(demo_run) -> None:
    arguments = ["explain", "cr", "--company", str(demo_run.company_dir)]
    english = CliRunner().invoke(cli.etalon, arguments)
    assert english.exit_code == 0, english.output
    assert "converted in the window" in english.output and "Next: etalon explain crm:" in english.output
    following = english.output.rsplit("etalon explain ", 1)[1].strip()
    row = CliRunner().invoke(cli.etalon, ["explain", following, "--company", str(demo_run.company_dir)])
    assert row.exit_code == 0 and "Stands in:" in row.output
    assert (
        "converti dans la fenêtre" in CliRunner().invoke(cli.etalon, [*arguments, "--language", "fr"]).output
    )
    content = json.loads(CliRunner().invoke(cli.etalon, [*arguments, "--json"]).output)
    assert content["kpi"]["counted"]["denominator"] == content["kpi"]["denominator"] + "00"


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["cr", "--month", "2026-13"], ["cr", "--month", "1999-01"], ["cr", "--segment", "stage=won"],
     ["cr", "--segment", "channel"], ["acc_000000000000"], ["crm:nothing"], ["crm:x.csv:3", "--month", "2026-06"]],
)  # fmt: skip
def test_what_does_not_exist_is_a_usage_error(demo_run, arguments: list[str]) -> None:
    found = CliRunner().invoke(cli.etalon, ["explain", *arguments, "--company", str(demo_run.company_dir)])
    assert found.exit_code == 2, found.output


def test_every_state_of_a_row_is_worded_and_every_contract_is_known(warehouse) -> None:
    for definition in definitions().values():
        assert {*definition.contracts, *definition.of_record} <= set(load_contracts())
        found = warehouse.execute(
            f"select distinct {definition.state} from {definition.rows} as r"
        ).fetchall()
        for language in ("en", "fr"):
            assert {f"explain_state_{state}" for (state,) in found} <= set(words()[language]), (
                definition.metric_name
            )


def test_every_criterion_of_survivorship_is_worded(warehouse) -> None:
    rules = (
        (ROOT / "orchestration" / "survivorship" / "rules.csv").read_text(encoding="utf-8").splitlines()[1:]
    )
    codes = {code.strip() for line in rules for code in line.split(",")[2].split(">")}
    codes |= {
        code
        for (code,) in warehouse.execute(
            "select criterion from master.golden_values union select lost_by from master.golden_alternatives"
        ).fetchall()
        if code
    }
    for language in ("en", "fr"):
        assert {f"explain_criterion_{code}" for code in codes} <= set(words()[language])


def test_a_figure_that_is_wrong_is_seen(demo_copy) -> None:
    demo = demo_copy()
    with duckdb.connect(str(demo.work / "warehouse.duckdb")) as con:
        con.execute("delete from metrics.fct_lead_cadences where is_converted_in_window")
    definition = definition_of("cr")
    shown = explain_kpi(demo.work, definition, months_of(demo.work, definition)[-1])
    assert shown.counted["numerator"] == 0 != shown.numerator
