"""`etalon metrics`: the dictionary on the command line, and questions asked of a published file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.dictionary import dictionary
from orchestration.dictionary.asking import Asked, UnknownNameError, ask, opened
from orchestration.project import ROOT

COMPANY_YML = """\
version: 1
company: planted
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [planted.example]
cycle: 2026-06
sources: []
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a published file of two metrics, three months and one cut."""
    root = tmp_path_factory.mktemp("company")
    (root / "company.yml").write_text(COMPANY_YML)
    (root / "extracts").mkdir()
    (root / "published").mkdir()
    with duckdb.connect(str(root / "published" / "marts.duckdb")) as con:
        con.execute(
            """
            create table mart_management_kpis_month (
                metric_name varchar, period_month date, segment_kind_code varchar, segment_code varchar,
                metric_value decimal(38, 10), numerator decimal(38, 4), denominator decimal(38, 4),
                unit_code varchar, reporting_currency varchar, n_immature bigint, reason_code varchar,
                caveat_code varchar
            );
            insert into mart_management_kpis_month values
                ('cr', '2026-04-01', 'all', 'all', 0.25, 10, 40, 'rate', null, 0, null, null),
                ('cr', '2026-05-01', 'all', 'all', 0.2, 1, 5, 'rate', null, 2, null, 'cohort_partly_immature'),
                ('cr', '2026-06-01', 'all', 'all', null, 0, 0, 'rate', null, 9, 'cohort_immature', null),
                ('cr', '2026-05-01', 'channel', 'inbound', 0.5, 1, 2, 'rate', null, 0, null, null),
                ('cr', '2026-05-01', 'channel', 'outbound', 0, 0, 3, 'rate', null, 2, null, null),
                ('revenue_total', '2026-05-01', 'all', 'all', 200.1, null, null, 'money', 'EUR', null, null, null);
            create table kpi_trust (
                metric_name varchar, period_month date, trust_code varchar, is_too_few boolean, rule_ids varchar,
                caveat_fr varchar, caveat_en varchar
            );
            insert into kpi_trust values
                ('cr', '2026-05-01', 'caution', true, 'R-CRM-001,R-CRM-003', 'Prudence : 5.', 'Beware: 5.'),
                ('revenue_total', '2026-05-01', 'reliable', false, null, null, null);
            create table dim_publication (
                publication_id varchar, cycle varchar, company varchar, verdict varchar,
                reporting_currency varchar, is_current boolean
            );
            insert into dim_publication values
                ('2026-05-aaaaaaaaaaaa', '2026-05', 'planted', 'publish', 'EUR', false),
                ('2026-06-bbbbbbbbbbbb', '2026-06', 'planted', 'publish', 'EUR', true);
            """
        )
    return root


def invoke(company: Path, *arguments: str):
    return CliRunner().invoke(cli.etalon, ["metrics", *arguments, "--company", str(company)])


def answered(company: Path, *arguments: str) -> dict:
    result = invoke(company, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_figure_comes_with_its_halves_its_reason_and_its_trust(company):
    content = answered(company, "query", "cr")
    assert content["publication"]["publication_id"] == "2026-06-bbbbbbbbbbbb"
    rows = {row["period_month"]: row for row in content["rows"]}
    assert list(rows) == ["2026-04-01", "2026-05-01", "2026-06-01"]
    may = rows["2026-05-01"]
    assert (may["metric_value"], may["numerator"], may["denominator"]) == ("0.2000000000", "1.0000", "5.0000")
    assert (may["trust_code"], may["rule_ids"], may["n_immature"]) == ("caution", "R-CRM-001,R-CRM-003", 2)
    june = rows["2026-06-01"]
    assert june["metric_value"] is None and june["reason"].startswith("cohort_immature: window")
    assert rows["2026-04-01"]["trust_code"] is None


def test_the_same_for_people_in_both_languages(company):
    text = invoke(company, "query", "cr").output.splitlines()
    assert text[0] == "cr  planted  2026-06-bbbbbbbbbbbb"
    assert "0.2  = 1 / 5  2 not due yet  caution, too few (R-CRM-001, R-CRM-003)" in text[2]
    assert text[3].split()[:2] == ["2026-06", "–"] and "window of the leads still open" in text[3]
    french = invoke(company, "query", "cr", "--month", "2026-06", "--language", "fr").output
    assert "fenêtre des leads encore ouverte" in french
    assert "200.1 EUR  reliable" in invoke(company, "query", "revenue_total").output


def test_months_and_segments_are_chosen(company):
    assert len(answered(company, "query", "cr", "--from", "2026-05")["rows"]) == 2
    assert len(answered(company, "query", "cr", "--to", "2026-05")["rows"]) == 2
    assert len(answered(company, "query", "cr", "--month", "2026-05")["rows"]) == 1
    by = answered(company, "query", "cr", "--by", "channel")["rows"]
    assert [row["segment_code"] for row in by] == ["inbound", "outbound"]
    (one,) = answered(company, "query", "cr", "--segment", "channel=inbound")["rows"]
    assert one["metric_value"] == "0.5000000000"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "conversion"), "Nearest"),
        (("query", "revenue"), "revenue_total"),
        (("query", "leads_matured"), "half of cr, touches_per_lead"),
        (("query", "cr", "--by", "country"), "channel"),
        (("query", "cr", "--segment", "channel=inbund"), "inbound"),
        (("query", "cr", "--segment", "channel"), "CUT=SEGMENT"),
        (("query", "cr", "--segment", "channel=inbound", "--by", "stage"), "two cuts"),
        (("query", "cr", "--month", "2025-01"), "2026-04 .. 2026-06"),
        (("query", "cr", "--month", "may"), "YYYY-MM"),
        (("query", "cr", "--month", "2026-05", "--to", "2026-06"), "--from and --to"),
        (("show", "convertion_rate"), "Nearest"),
        (("list", "--owner", "financ"), "finance"),
    ],
)
def test_what_is_not_known_is_a_usage_error_that_names_what_is(company, arguments, said):
    result = invoke(company, *arguments)
    assert result.exit_code == exit_codes.USAGE
    assert said in result.output


def test_a_company_that_published_nothing_is_told_to_run(tmp_path):
    (tmp_path / "company.yml").write_text(COMPANY_YML)
    (tmp_path / "extracts").mkdir()
    result = invoke(tmp_path, "query", "cr")
    assert result.exit_code == exit_codes.IO_ERROR and "etalon run" in result.output


def test_the_dictionary_is_listed_with_halves_only_when_asked(company):
    published = {name for name, each in dictionary().items() if each.is_published}
    assert {each["name"] for each in answered(company, "list")["metrics"]} == published
    assert {each["name"] for each in answered(company, "list", "--all")["metrics"]} == set(dictionary())
    finance = answered(company, "list", "--owner", "finance")["metrics"]
    assert finance and {each["owner"] for each in finance} == {"finance"}
    assert "Taux de conversion (CR)  (rate, revops, v1)" in invoke(company, "list", "--language", "fr").output


def test_a_metric_is_shown_with_its_edges_its_example_and_its_trust(company):
    text = invoke(company, "show", "cr").output
    for said in ("Conversion rate", "leads_converted_in_window / leads_matured", "lower bound", "1/5, where"):
        assert said in text
    assert "Published: 2026-05" in text and "caution" in text and "Beware: 5." in text
    french = invoke(company, "show", "cr", "--language", "fr").output
    assert "Part de la cohorte mûre" in french and "Prudence : 5." in french
    content = answered(company, "show", "cr")
    assert content["metric"]["numerator"] == "leads_converted_in_window"
    assert content["last"]["period_month"] == "2026-05-01"


def test_the_dictionary_needs_no_company(tmp_path):
    assert invoke(tmp_path / "nowhere", "list").exit_code == 0
    assert "Published" not in invoke(tmp_path / "nowhere", "show", "mrr").output


def test_a_question_starts_no_engine_but_the_file_it_asks(company):
    """MetricFlow takes ten seconds to start; the published file answers by itself."""
    script = (
        "import sys; from orchestration.cli import etalon\n"
        f"try: etalon.main(['metrics', 'query', 'cr', '--json', '--company', {str(company)!r}])\n"
        "except SystemExit as leaving: assert not leaving.code, leaving.code\n"
        "heavy = {'dagster', 'dbt', 'metricflow', 'pandas', 'great_expectations', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


def test_a_question_never_writes_the_file(company):
    before = (company / "published" / "marts.duckdb").stat()
    with opened(company / "published" / "marts.duckdb") as con:
        assert ask(con, Asked("cr"))
        with pytest.raises(duckdb.InvalidInputException):
            con.execute("delete from m.mart_management_kpis_month")
        with pytest.raises(UnknownNameError):
            ask(con, Asked("cr'; drop table m.kpi_trust; --"))
    assert (company / "published" / "marts.duckdb").stat().st_mtime_ns == before.st_mtime_ns
