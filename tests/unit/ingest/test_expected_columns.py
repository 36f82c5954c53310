"""expected_columns: exactly these by default; at_least these, others listed; optional_columns may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site

from ingest.conversion import check_mapping
from ingest.errors import ConfigurationError
from ingest.mapping import build_mapping
from ingest.strict_yaml import read_yaml

NAMES = "[Id, Email, Status, Created, Name]"
AT_LEAST = LEADS.replace(f"expected_columns: {NAMES}", f"expected_columns: {{at_least: {NAMES}}}")
WIDER = "Score,Id,Email,Status,Created,Name,Custom 1\n7,1,a@x.fr,Open,2026-06-01 10:00:00,Ann,x\n"


def test_the_strict_list_refuses_a_column_more(site: Callable[..., Site]) -> None:
    one = site()
    one.put("2026-06/Leads.csv", WIDER)
    assert [r.problem.code for r in one.collect().refusals] == ["E-ING-007"]


@pytest.mark.audit("CO2")
def test_at_least_reads_its_columns_and_lists_the_others(site: Callable[..., Site]) -> None:
    one = site(AT_LEAST)
    one.put("2026-05/Leads.csv", LEAD_HEADER + "1,a@x.fr,Open,2026-05-01 10:00:00,Ann\n")
    one.put("2026-06/Leads.csv", WIDER)
    report = one.collect()
    assert (report.refusals, report.imbalances) == ((), ())
    assert one.rows(
        "SELECT source_record_id, last_name, delivered_on FROM raw.crm_lead ORDER BY 3 DESC LIMIT 1"
    )[0][:2] == ("1", "Ann")
    found = one.rows(
        "SELECT file_path, level, measured, params FROM collect.control_results WHERE control = 'extra_columns'"
    )
    assert [row[:3] for row in found] == [("crm/2026-06/Leads.csv", "info", "2")]
    assert json.loads(found[0][3])["detail"] == "Score, Custom 1"


def test_at_least_still_refuses_what_is_missing_misspelt_or_cut_wrongly(site: Callable[..., Site]) -> None:
    for name, (text, code) in {
        "misspelt": (WIDER.replace("Email", "E-mail"), "E-ING-007"),
        "separator": (WIDER.replace(",", ";"), "E-ING-006"),
        "twice": (WIDER.replace("Score", "Name"), "E-ING-007"),
    }.items():
        one = site(AT_LEAST, name=name)
        one.put("2026-06/Leads.csv", text)
        assert [r.problem.code for r in one.collect().refusals] == [code]


def test_a_column_that_the_mapping_reads_must_be_among_them(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(AT_LEAST.replace("last_name: Name", "last_name: Score"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="Score"):
        check_mapping(build_mapping("m", read_yaml(tmp_path / "m.yml")), lambda stream: ())


OPTIONAL = LEADS.replace(
    f"expected_columns: {NAMES}",
    "expected_columns: [Id, Email, Status, Created]\n    optional_columns: [Name, Score]",
)


@pytest.mark.audit("CO2")
def test_an_optional_column_is_read_where_it_is_and_empty_where_it_is_not(site: Callable[..., Site]) -> None:
    one = site(OPTIONAL)
    one.put("2026-05/Leads.csv", "Id,Email,Status,Created\n1,a@x.fr,Open,2026-05-01 10:00:00\n")
    one.put("2026-06/Leads.csv", LEAD_HEADER + "2,b@x.fr,Open,2026-06-01 10:00:00,Ben\n")
    report = one.collect()
    assert (report.refusals, report.imbalances) == ((), ())
    assert one.rows("SELECT source_record_id, last_name FROM raw.crm_lead ORDER BY 1") == [
        ("1", None),
        ("2", "Ben"),
    ]


@pytest.mark.parametrize("broken", ['1,"a@x.fr,Open,2026-05-01 10:00:00\n', "1,a@x.fr,Open\n"])
def test_the_strict_reader_fills_optional_columns_too(site: Callable[..., Site], broken: str) -> None:
    one = site(OPTIONAL)
    one.put("2026-05/Leads.csv", f"Id,Email,Status,Created\n{broken}2,b@x.fr,Open,2026-05-02 10:00:00\n")
    report = one.collect()
    assert (report.refusals, report.imbalances) == ((), ())
    assert one.rows("SELECT source_record_id, last_name FROM raw.crm_lead") == [("2", None)]


def test_a_column_that_is_neither_expected_nor_optional_refuses_the_file(site: Callable[..., Site]) -> None:
    one = site(OPTIONAL)
    one.put("2026-06/Leads.csv", WIDER)  # holds Custom 1
    assert [r.problem.code for r in one.collect().refusals] == ["E-ING-007"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("expected_columns: [5]\n    optional_columns: [Name]", "beside the names"),
        ("expected_columns: [Id, Name]\n    optional_columns: [Name]", "name Name twice"),
    ],
)
def test_optional_columns_stand_beside_other_names(tmp_path: Path, keys: str, said: str) -> None:
    (tmp_path / "m.yml").write_text(LEADS.replace(f"expected_columns: {NAMES}", keys), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        build_mapping("m", read_yaml(tmp_path / "m.yml"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("expected_columns: {atleast: [Id]}", "at_least"),
        ("expected_columns: [5]\n    lookup_verison: newest", "lookup_version"),
        ("expected_columns: [5]\n    cover: previous_month", "covers"),
        ("expected_columns: [5]\n    sheets: Leads", "sheet"),
    ],
)
def test_a_misspelt_key_names_the_nearest_one(tmp_path: Path, wrong: str, right: str) -> None:
    (tmp_path / "m.yml").write_text(LEADS.replace(f"expected_columns: {NAMES}", wrong), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        build_mapping("m", read_yaml(tmp_path / "m.yml"))
    assert dict(error.value.problem.params)["nearest"] == right


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("sheet: Leads", "sheet belongs to xlsx"),
        ("covers: previous_month\n    path: Leads.csv", "covers"),
    ],
)
def test_keys_that_have_no_meaning_are_refused(tmp_path: Path, keys: str, said: str) -> None:
    text = LEADS.replace(
        '    path: "{date}/Leads.csv"\n', "" if "path" in keys else '    path: "{date}/Leads.csv"\n'
    )
    (tmp_path / "m.yml").write_text(
        text.replace("format: delimited", f"{keys}\n    format: delimited"), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match=said):
        build_mapping("m", read_yaml(tmp_path / "m.yml"))


@pytest.mark.parametrize(
    "key", ["delimiter: ','", "encoding: cp1252", "quote: null", "final_newline: required", "newline: lf"]
)
def test_a_workbook_has_no_dialect(tmp_path: Path, key: str) -> None:
    text = LEADS.replace('format: delimited\n    delimiter: ","', f"format: xlsx\n    {key}")
    (tmp_path / "m.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no meaning for format xlsx"):
        build_mapping("m", read_yaml(tmp_path / "m.yml"))
