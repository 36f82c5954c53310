"""The rules of survivorship as a company may change them, and what is refused."""

import csv
import re

import pyarrow.parquet as pq
import pytest

from orchestration.matching.errors import MatchingError
from orchestration.project import ROOT
from orchestration.survivorship import RULES_SCHEMA, load_rules, own_rules, write_rules
from orchestration.survivorship.rules import CRITERIA, DEFAULT_RULES, REVIEWS

HEADER = "entity,attribute,criteria,sources,review_when\n"
GOOD = "account,city,override > recency > source_priority,crm_account > erp_customer,different\n"


def own(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "survivorship.csv"
    path.write_bytes(text.encode(encoding))
    return path


def rule(rules, entity, attribute):
    (found,) = [each for each in rules if (each.entity, each.attribute) == (entity, attribute)]
    return found


def test_a_company_changes_one_rule_and_keeps_the_others(tmp_path):
    rules = load_rules(own(tmp_path, HEADER + GOOD))
    city = rule(rules, "account", "city")
    assert city.criteria == ("override", "recency", "source_priority")
    assert city.sources == ("crm_account", "erp_customer")
    assert city.review_when == "different"
    assert [each for each in rules if each != city] == [
        each for each in load_rules() if (each.entity, each.attribute) != ("account", "city")
    ]


def test_a_file_that_excel_saved_in_french_is_read(tmp_path):
    text = (HEADER + GOOD).replace(",", ";").replace("\n", "\r\n")
    assert load_rules(own(tmp_path, text, "utf-8-sig")) == load_rules(own(tmp_path, HEADER + GOOD))


def test_without_a_file_of_its_own_a_company_has_the_rules_of_the_project(tmp_path):
    assert load_rules(tmp_path / "survivorship.csv") == load_rules()


@pytest.mark.audit("EX11")
def test_a_rule_of_its_own_is_news_for_a_run_and_part_of_the_publication(tmp_path):
    from planted_candidate import plant

    from orchestration.inputs import list_inputs
    from orchestration.publication.judging import run_fingerprint
    from orchestration.settings import read_settings
    from orchestration.stewardship.files import SURVIVORSHIP

    company = plant(tmp_path)
    settings, folder = read_settings(company.work), company.work / "stewardship"
    before = run_fingerprint(company.work, settings)
    write_rules(None, folder)
    assert own_rules(folder) == [] and run_fingerprint(company.work, settings) == before
    company.stewardship.mkdir()
    path = own(company.stewardship, HEADER + GOOD)
    assert path == company.stewardship / SURVIVORSHIP and path in list_inputs(company).files
    write_rules(path, folder)
    assert len(own_rules(folder)) == 1 and run_fingerprint(company.work, settings) != before


def test_every_rule_is_written_for_dbt_with_its_order(tmp_path):
    write_rules(None, tmp_path)
    table = pq.read_table(tmp_path / "survivorship_rules.parquet")
    assert table.schema == RULES_SCHEMA
    written = {(row["entity"], row["attribute"]): row for row in table.to_pylist()}
    assert len(written) == table.num_rows == len(load_rules())
    for each in load_rules():
        row = written[each.entity, each.attribute]
        given = [row[f"criterion_{place}"] for place in range(1, 8)]
        assert given == [*each.criteria, *[None] * (7 - len(each.criteria))]
        assert row["sources"] == "," + ",".join(each.sources) + ","
        assert row["is_overridable"] == ("override" in each.criteria)


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("entity,attribute\naccount,city\n", "E-MAT-040", "survivorship.csv:1"),
        ("", "E-MAT-040", "survivorship.csv:1"),
        (HEADER + "account,city,override\n", "E-MAT-040", "survivorship.csv:2"),
        (HEADER + GOOD + GOOD.replace("city", "colour"), "E-MAT-041", "survivorship.csv:3"),
        (HEADER + GOOD.replace("account,", "firm,", 1), "E-MAT-041", "survivorship.csv:2"),
        (HEADER + GOOD + GOOD, "E-MAT-041", "survivorship.csv:3"),
        (HEADER + GOOD.replace("recency", "youth"), "E-MAT-042", "survivorship.csv:2"),
        (HEADER + GOOD.replace("recency", "override"), "E-MAT-042", "survivorship.csv:2"),
        (HEADER + GOOD.replace("override > recency > source_priority", ""), "E-MAT-042", "survivorship.csv:2"),
        (HEADER + GOOD.replace("recency", "any_true"), "E-MAT-042", "survivorship.csv:2"),
        (HEADER + GOOD.replace("erp_customer", "salesforce"), "E-MAT-043", "survivorship.csv:2"),
        (HEADER + GOOD.replace("different", "sometimes"), "E-MAT-044", "survivorship.csv:2"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_applied_is_refused_with_its_line(tmp_path, text, code, where):
    with pytest.raises(MatchingError) as refused:
        load_rules(own(tmp_path, text))
    assert (refused.value.code, refused.value.where) == (code, where)
    for language in ("fr", "en"):
        for part in MatchingError.catalogue()[code][language]:
            assert "{" not in refused.value.text(part, language)


@pytest.mark.parametrize("criteria", ["override > any_true", "recency", "any_true > recency"])
def test_no_rule_lets_a_record_or_a_steward_undo_a_refusal_of_contact(tmp_path, criteria):
    line = f"person,is_email_opted_out,{criteria},crm_contact > crm_lead,never\n"
    with pytest.raises(MatchingError) as refused:
        load_rules(own(tmp_path, HEADER + line))
    assert refused.value.code == "E-MAT-042"


def test_the_documented_rules_are_those_of_the_file():
    page = (ROOT / "docs" / "data_model.md").read_text(encoding="utf-8")
    for row in csv.DictReader(DEFAULT_RULES.read_text(encoding="utf-8").splitlines()):
        cells = [row["entity"], f"`{row['attribute']}`", row["criteria"], row["sources"], row["review_when"]]
        assert f"| {' | '.join(cells)} |" in page
    section = page.split("## Survivorship")[1].split("\n## ")[0]
    assert all(f"| {criterion} |" in section for criterion in CRITERIA)
    assert all(condition in section for condition in REVIEWS)


def test_every_attribute_of_the_rules_is_one_that_dbt_chooses():
    macro = (ROOT / "dbt_project" / "macros" / "survivorship.sql").read_text(encoding="utf-8")
    listed = macro.split("{% set attributes")[1].split("{{ return(attributes")[0]
    assert {each.attribute for each in load_rules()} == set(re.findall(r"'(\w+)': \(", listed))
