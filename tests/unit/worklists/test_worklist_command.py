"""`etalon worklist`: lists are bounded, exports are whole, and no cell of them is a formula."""

from __future__ import annotations

import csv
import io
import json
import stat

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from planted_worklist import ALL, NO_NUMBER, Site

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.safe_sheets import FORMULA
from orchestration.worklists.schema import WORKLIST


def invoke(site: Site, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.etalon, ["worklist", *arguments, "--company", str(site.root)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("name", ["list", "show", "export"])
def test_every_command_has_examples_and_json(name: str) -> None:
    told = CliRunner().invoke(cli.etalon, ["worklist", name, "--help"]).output
    assert "Examples:" in told and "--json" in told and "--company" in told


def test_lists_are_bounded_by_rule_and_say_how_much_there_is(site: Site) -> None:
    calls = tuple((*NO_NUMBER[:2], f"pbx/telephony_call_leg/{n}", *NO_NUMBER[3:]) for n in range(50))
    site.run((*ALL, *calls))
    found = json.loads(invoke(site, "list", "--json"))
    shown = [item["rule_id"] for item in found["items"]]
    assert found["total"] == 56 and shown.count("R-TEL-003") == 5 and shown[0] in ("R-CRM-010", "R-CRM-012")
    assert {each["owner"] for each in found["owners"]} >= {"finance", "telephony"}
    owned = json.loads(
        invoke(site, "list", "--owner", "telephony", "--per-rule", "100", "--limit", "100", "--json")
    )
    assert owned["total"] == len(owned["items"]) == 50
    told = invoke(site, "list", "--language", "fr", "--rule", "R-CRM-012")
    assert "1\u202f750 EUR" in told and "30 jours" in told and "ouverts" in told
    assert "R-CRM-012" in invoke(site, "list", "--rule", "R-CRM-0122", code=exit_codes.USAGE)


def test_one_item_is_shown_with_its_question_and_the_next_command(site: Site) -> None:
    site.run(ALL)
    item = json.loads(invoke(site, "list", "--rule", "R-CRM-010", "--json"))["items"][0]["item_id"]
    told = invoke(site, "show", item)
    assert "Does every won opportunity carry an amount?" in told and "etalon journal --record" in told
    assert "E-WRK-002" in invoke(site, "show", "wrk_none", code=exit_codes.USAGE)
    lines = json.loads(invoke(site, "list", "--rule", "quarantine", "--json"))["items"]
    assert "etalon quarantine show crm:" in invoke(
        site, "show", next(each["item_id"] for each in lines if each["source_instance"] == "crm")
    )


def test_an_export_holds_every_item_and_no_formula(site: Site) -> None:
    calls = tuple((*NO_NUMBER[:2], f"pbx/telephony_call_leg/{n}", *NO_NUMBER[3:]) for n in range(50))
    keys = ["=1+1", "+33", "-5", "@x", "=cmd|'/c calc'!A1", '=HYPERLINK("http://x")']
    # keys of the data stand behind their source, so the texts a spreadsheet would run are planted as fields
    hostile = tuple((*ALL[1][:2], f"erp/erp_customer/{n}", key, *ALL[1][4:]) for n, key in enumerate(keys))
    site.run((*calls, *hostile))
    path = site.root / "list.csv"
    invoke(site, "export", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 50 + len(keys) + 2
    assert not [cell for row in rows for cell in row.values() if cell.startswith(FORMULA)]
    assert {row["field"].lstrip("'") for row in rows} >= set(keys), "the text itself survives"
    invoke(site, "export", str(site.root / "list.xlsx"), "--language", "fr")
    sheet = load_workbook(site.root / "list.xlsx").active
    assert sheet["A1"].value == "Élément"
    assert sheet.title == "liste de travail" and sheet.max_row == len(rows) + 1
    assert not [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    impacts = [row[10].value for row in sheet.iter_rows(min_row=2)]
    assert all(isinstance(value, int | float) for value in impacts), "amounts stay numbers"
    assert "E-WRK-003" in invoke(site, "export", str(path), code=exit_codes.USAGE)
    assert "E-WRK-004" in invoke(site, "export", str(site.root / "list.ods"), code=exit_codes.USAGE)


def test_a_french_spreadsheet_sums_the_amounts_of_a_french_export(site: Site) -> None:
    site.run(ALL)
    for language in ("fr", "en"):
        invoke(
            site, "export", str(site.root / f"{language}.csv"), "--language", language, "--rule", "R-CRM-012"
        )
    text = {name: (site.root / f"{name}.csv").read_bytes().decode("utf-8-sig") for name in ("fr", "en")}
    (french,) = csv.DictReader(io.StringIO(text["fr"]), delimiter=";")
    (english,) = csv.DictReader(io.StringIO(text["en"]), delimiter=";")
    assert (french["Enjeu"], english["impact_value"]) == ("1750,00", "1750.00")
    assert list(english) == [*WORKLIST.names, "question"] and len(french) == len(english)
    assert not set(french) & set(english) - {"question"}, "every header is French"


def test_without_a_run_there_is_no_worklist(site: Site) -> None:
    assert "E-WRK-001" in invoke(site, "list", code=exit_codes.USAGE)


def test_keys_made_of_an_address_are_masked_on_the_screen(site: Site) -> None:
    site.run(
        (
            (
                "R-CRM-002",
                "staging.stg_crm__leads",
                "crm/crm_lead/ann@acme.fr",
                None,
                "sales_operations",
                "june",
            ),
        )
    )
    assert "ann@" not in invoke(site, "list") and "ann@" not in invoke(site, "list", "--json")
