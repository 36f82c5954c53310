"""What a decision does to a KPI equals the same counted by hand from the planted rows."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import planted_impact as planted
import pytest
from click.testing import CliRunner

from ingest.company import Company, load_company
from orchestration import cli
from orchestration.commands.impact import _say_effects
from orchestration.impact.errors import ImpactError
from orchestration.impact.measuring import measure
from orchestration.impact.results import inputs_fingerprint, read_impact
from orchestration.impact.scratch import Scratch
from orchestration.impact.switches import (
    EVERY_MERGE,
    POLICIES,
    Switch,
    find_switch,
    largest_switches,
    switches,
)
from orchestration.project import DBT_PROJECT

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
# kind, code -> conversion rate of April and win rate of May had the decision gone the other way
WITHOUT = {
    ("reason", "test_record"): (planted.conversion_rate(but="test_record"), planted.won_over_closed()),
    ("reason", "deleted_in_source"): (
        planted.conversion_rate(but="deleted_in_source"),
        planted.won_over_closed(but="deleted_in_source"),
    ),
    ("reason", "superseded_by_newer"): (
        planted.conversion_rate(but="superseded_by_newer"),
        planted.won_over_closed(),
    ),
    ("merge", "same_email"): (planted.conversion_rate(but="same_email"), planted.won_over_closed()),
    ("rule", "R-CRM-010"): (planted.conversion_rate(), planted.won_over_closed(flagged="R-CRM-010")),
}


@pytest.fixture(scope="module")
def measured(planted_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A copy of the company in which every decision has been measured."""
    root = tmp_path_factory.mktemp("measured") / "company"
    shutil.copytree(planted_company.root, root)
    company = load_company(root)
    known = switches(company.work)
    found = measure(company, [find_switch(known, kind, code) for kind, code in WITHOUT])
    assert [each.status for each in found] == ["measured"] * len(WITHOUT), found
    return company


def effects(company: Company) -> dict[tuple[str, str, str, date], tuple[Decimal, Decimal, Decimal]]:
    rows = read_impact(company.work, inputs_fingerprint(company.work)).to_pylist()
    return {
        (row["switch_kind"], row["switch_code"], row["metric_name"], row["period_month"]): (
            row["value_published"],
            row["value_without"],
            row["difference"],
        )
        for row in rows
    }


def close(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) < Decimal("0.000000001")


def test_every_decision_changes_the_rates_by_what_is_counted_by_hand(measured: Company) -> None:
    assert planted.conversion_rate() == Decimal("0.5")  # the plant is what its comments say
    found = effects(measured)
    for (kind, code), (conversion, won) in WITHOUT.items():
        for metric, month, published, without in (
            ("cr", APRIL, planted.conversion_rate(), conversion),
            ("win_rate_close", MAY, planted.won_over_closed(), won),
        ):
            values = found[kind, code, metric, month]
            assert close(values[0], published), (code, metric, values)
            assert close(values[1], without), (code, metric, values)
            assert close(values[2], published - without), (code, metric, values)


def test_money_of_deleted_deals_is_told_in_money(measured: Company) -> None:
    rows = read_impact(measured.work, inputs_fingerprint(measured.work)).to_pylist()
    (row,) = [
        row
        for row in rows
        if (row["switch_code"], row["metric_name"], row["period_month"])
        == ("deleted_in_source", "win_amount_rate_close", MAY)
    ]
    assert close(row["value_published"], Decimal(100) / 150) and close(
        row["value_without"], Decimal(130) / 180
    )
    assert {row["unit_code"] for row in rows} >= {"rate", "count"}


def test_a_measurement_leaves_the_candidate_as_it_was(planted_company: Company, measured: Company) -> None:
    with duckdb.connect() as con:
        for name, company in (("before", planted_company), ("after", measured)):
            con.execute(f"attach '{company.work / 'warehouse.duckdb'}' as {name} (read_only)")
        table = "marts.mart_management_kpis_month"
        assert con.execute(f"from before.{table} except from after.{table}").fetchall() == []
    for folder in ("raw", "collect", "matching"):
        for path in sorted((planted_company.work / folder).rglob("*.parquet")):
            again = measured.work / path.relative_to(planted_company.work)
            assert again.read_bytes() == path.read_bytes(), path.name
    assert not (measured.work / "impact" / "build").exists()


def test_what_is_measured_is_not_measured_again_and_goes_with_its_inputs(measured: Company) -> None:
    known = switches(measured.work)
    (again,) = measure(measured, [find_switch(known, "reason", "test_record")])
    assert again.status == "known"
    before = read_impact(measured.work, inputs_fingerprint(measured.work))
    (measured.work / "quality" / "kpi_impact.parquet").unlink()
    measure(measured, [find_switch(known, "reason", "test_record")])
    assert read_impact(measured.work, inputs_fingerprint(measured.work)).equals(before), (
        "parts are joined again"
    )
    assert read_impact(measured.work, "other inputs").num_rows == 0


def test_a_copy_that_has_other_figures_than_the_run_measures_nothing(
    planted_company: Company, tmp_path: Path
) -> None:
    shutil.copytree(planted_company.root, tmp_path / "company")
    company = load_company(tmp_path / "company")
    with duckdb.connect(str(company.work / "warehouse.duckdb")) as con:
        con.execute(
            "update marts.mart_management_kpis_month set metric_value = 0.9"
            " where metric_name = 'cr' and period_month = date '2026-04-01' and segment_kind_code = 'all'"
        )
    with pytest.raises(ImpactError, match="E-IMP-002"):
        measure(company, [find_switch(switches(company.work), "reason", "test_record")])
    assert not (company.work / "quality" / "kpi_impact.parquet").exists()


def test_a_value_that_was_refused_stands_again_as_it_came(planted_company: Company, tmp_path: Path) -> None:
    scratch = Scratch(planted_company.work, tmp_path / "build")
    scratch.reset()
    scratch.take_back("email_invalid")
    query = "select source_record_id, email from '{}/raw/crm_lead/*.parquet' order by all"
    before = duckdb.sql(query.format(planted_company.work)).fetchall()
    after = duckdb.sql(query.format(scratch.folder)).fetchall()
    assert set(after) - set(before) == {("L5", "elodie at marchand")} and len(after) == len(before)


def test_without_any_merge_every_record_is_a_golden_record_of_its_own(
    planted_company: Company, tmp_path: Path
) -> None:
    scratch = Scratch(planted_company.work, tmp_path / "build")
    query = "select record_key, golden_id from '{}/matching/person_history.parquet' where valid_to is null"
    before = dict(duckdb.sql(query.format(planted_company.work)).fetchall())
    for code, others in ((EVERY_MERGE, 1), ("same_email", 1), ("must_link", 0)):
        scratch.reset()
        scratch.separate(code)
        after = dict(duckdb.sql(query.format(scratch.folder)).fetchall())
        assert (
            after.keys() == before.keys() and len(set(after.values())) == len(set(before.values())) + others
        )
        assert len([key for key in after if after[key] != before[key]]) == others, "the anchor keeps the id"


def test_a_decision_that_the_run_never_took_is_not_measured(planted_company: Company) -> None:
    with pytest.raises(ImpactError, match="E-IMP-003"):
        find_switch(switches(planted_company.work), "reason", "double_logged")


def test_the_largest_decisions_are_those_of_most_rows_that_can_be_measured() -> None:
    known = [
        Switch("reason", "small", 2), Switch("reason", "large", 9), Switch("reason", "kept", 99, "kept"),
        Switch("merge", EVERY_MERGE, 50), Switch("merge", "same_email", 9), Switch("rule", "R-1", 3),
    ]  # fmt: skip
    assert [each.code for each in largest_switches(known, 2)] == ["large", "same_email"]
    assert [each.code for each in largest_switches(known, 3)] == ["large", "same_email", "R-1"]
    assert largest_switches(known, 0) == []
    assert [each.code for each in largest_switches(known, len(known))] == [
        "small", "large", EVERY_MERGE, "same_email", "R-1",
    ]  # fmt: skip


def test_the_reasons_that_models_can_leave_out_are_those_of_the_list() -> None:
    texts = [path.read_text() for path in sorted(DBT_PROJECT.rglob("*.sql"))]
    given = {code for text in texts for code in re.findall(r"applies\(\s*'([a-z_]+)'", text)}
    assert given == set(POLICIES)


def test_the_command_tells_effects_in_points_and_lists_what_can_be_measured(measured: Company) -> None:
    arguments = ["impact", "--company", str(measured.root)]
    listed = CliRunner().invoke(cli.etalon, arguments)
    assert listed.exit_code == 0, listed.output
    assert "every_merge" in listed.output and "measured" in listed.output
    content = json.loads(
        CliRunner().invoke(cli.etalon, [*arguments, "--reason", "test_record", "--json"]).output
    )
    assert [each["status"] for each in content["measured"]] == ["known"]
    assert {row["switch_code"] for row in content["impact"]} == {"test_record"}
    refused = CliRunner().invoke(cli.etalon, [*arguments, "--reason", "no_such_reason"])
    assert refused.exit_code == 2 and "E-IMP-003" in refused.output


def test_a_line_that_is_no_record_cannot_come_back_and_the_command_says_why(planted_company: Company) -> None:
    (line,) = [each for each in switches(planted_company.work) if each.code == "wrong_field_count"]
    assert line.obstacle == "no_record"
    for language, words in (("en", "no record"), ("fr", "pas un enregistrement")):
        arguments = ["impact", "--reason", line.code, "--language", language]
        refused = CliRunner().invoke(cli.etalon, [*arguments, "--company", str(planted_company.root)])
        assert refused.exit_code == 2 and words in " ".join(refused.output.split())


def test_the_command_names_the_last_month_and_shows_the_largest_effect_too(capsys) -> None:
    def row(metric: str, month: int, published: str | None, without: str) -> dict:
        values = {"value_published": published and Decimal(published), "value_without": Decimal(without)}
        difference = published and Decimal(published) - Decimal(without)
        return {
            "switch_kind": "reason", "switch_code": "double_logged", "n_rows": 7, "metric_name": metric,
            "period_month": date(2026, month, 1), "unit_code": "count", **values, "difference": difference,
        }  # fmt: skip

    rows = [row("touches", 1, "90", "100"), row("touches", 5, "99", "100"), row("touches", 6, "50", "50")]
    rows += [row("leads", 4, "9", "10"), row("undated", 2, "9", "10"), row("undated", 3, None, "10")]
    _say_effects(rows, "EUR", "en", 20)
    told = [[*line.split()[:2], line.rsplit("  ", 1)[1]] for line in capsys.readouterr().out.splitlines()[1:]]
    assert told == [
        ["touches", "2026-05", "last month that moved"],
        ["touches", "2026-01", "largest effect"],
        ["leads", "2026-04", "last month that moved, and the largest effect"],
        ["undated", "2026-03", "last month that moved"],
        ["undated", "2026-02", "largest effect"],
    ]
