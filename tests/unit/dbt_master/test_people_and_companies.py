"""A person's companies with their dates, and conversions that stay whole when leads and contacts merge or part."""

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import planted_groups
import pytest
from planted import golden_id
from planted_groups import MOTORS, SAME_PERSON, acc

SELECTION = ("+bridge_person_accounts", "+fct_leads", "+fct_opportunities")
CONVERTED = {"crm/crm_contact/ka", "crm/crm_contact/kb", "crm/crm_lead/lead_a", "crm/crm_lead/lead_b"}


@pytest.fixture(scope="module")
def motors(company_of_motors: Callable, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return company_of_motors(tmp_path_factory.mktemp("people") / "work", MOTORS)


@pytest.fixture(scope="module")
def links(motors) -> list[tuple]:
    """(person, account, from, to, source, primary) of every link; persons keyed by their first record."""
    with motors.master([], *SELECTION) as con:
        return con.execute("select * from master.bridge_person_accounts order by all").fetchall()


def of(links: list[tuple], *records: str) -> set[tuple]:
    person = golden_id("per", min(records))
    return {row[1:] for row in links if row[0] == person}


@pytest.mark.audit("MD9", "MD3")
def test_a_contact_who_changed_company_has_a_period_at_each(links):
    assert of(links, "crm/crm_contact/mover", "crm/crm_lead/old_mover") == {
        (acc("peugeot"), date(2020, 5, 5), date(2023, 2, 10), "contact", False),
        (acc("fiat"), date(2023, 2, 10), None, "contact", True),
        (golden_id("acc", "crm/crm_lead/old_mover"), date(2019, 1, 1), None, "lead", False),
    }


def test_a_conversion_and_a_mail_domain_place_whom_no_company_field_places(links):
    assert of(links, "crm/crm_lead/won") == {(acc("fca"), date(2026, 5, 1), None, "conversion", True)}
    assert of(links, "crm/crm_lead/by_mail") == {(acc("fiat"), date(2026, 4, 1), None, "mail_domain", False)}
    assert of(links, "crm/crm_lead/by_free_mail") == set()


@pytest.mark.audit("MD9")
def test_one_link_of_a_person_is_primary_and_is_the_account_of_the_person(motors):
    with motors.master([], *SELECTION) as con:
        wrong = con.execute(
            "select persons.person_id, count(links.person_id) as n"
            " from master.dim_persons as persons left join master.bridge_person_accounts as links"
            " on persons.person_id = links.person_id and persons.account_id = links.account_id"
            " and links.is_primary and links.valid_to is null"
            " where persons.account_id <> 'unknown' group by all having n <> 1"
        ).fetchall()
        overlapping = con.execute(
            "select one.person_id from master.bridge_person_accounts as one"
            " join master.bridge_person_accounts as other using (person_id, account_id)"
            " where one.valid_from < other.valid_from and coalesce(one.valid_to, date '9999-12-31') > other.valid_from"
        ).fetchall()
        n_primary = con.execute(
            "select count(*) from master.bridge_person_accounts where is_primary"
        ).fetchone()[0]
    assert not wrong
    assert not overlapping
    assert n_primary >= 5


def conversions(con: duckdb.DuckDBPyConnection) -> dict[str, tuple]:
    """lead record -> (lead, converted, its opportunity, the lead that each opportunity names)."""
    rows = con.execute(
        "select xref.source_record_id, leads.lead_id, leads.is_converted, leads.converted_on, leads.opportunity_id,"
        " (select list(opportunity_id order by opportunity_id) from master.fct_opportunities"
        " where lead_id = leads.lead_id)"
        " from master.xref_persons as xref inner join master.fct_leads as leads using (person_id)"
        " where xref.contract = 'crm_lead' order by 1"
    ).fetchall()
    return {record: tuple(values) for record, *values in rows}


APART = [{"crm/crm_contact/ka", "crm/crm_lead/lead_a"}, {"crm/crm_contact/kb", "crm/crm_lead/lead_b"}]
OPPORTUNITIES = [f"crm/crm_opportunity/{o}" for o in ("oa", "ob")]


def test_a_merge_of_converted_contacts_keeps_both_opportunities_and_an_unmerge_gives_each_its_own(motors):
    with motors.master([], *SELECTION, same_person=APART) as con:
        before = conversions(con)
    assert before["lead_a"][1:] == (True, date(2026, 3, 1), OPPORTUNITIES[0], OPPORTUNITIES[:1])
    assert before["lead_b"][1:] == (True, date(2026, 3, 2), OPPORTUNITIES[1], OPPORTUNITIES[1:])
    assert before["lead_c"][1:] == (False, None, None, None)

    with motors.master([], *SELECTION, same_person=[CONVERTED]) as con:
        merged = conversions(con)
    assert merged["lead_a"] == merged["lead_b"]
    _, is_converted, converted_on, opportunity, named = merged["lead_a"]
    assert (is_converted, converted_on, named) == (True, date(2026, 3, 1), OPPORTUNITIES)
    assert opportunity == OPPORTUNITIES[0]  # that of the conversion the lead is dated by

    with motors.master([], *SELECTION, same_person=APART) as con:
        assert conversions(con) == before


def test_a_lead_that_never_converted_takes_on_the_conversion_of_the_person_it_is_merged_with(motors):
    together = [{*APART[0], "crm/crm_lead/lead_c"}, APART[1]]
    with motors.master([], *SELECTION, same_person=together) as con:
        merged = conversions(con)
        n_leads = con.execute("select count(*) from master.fct_leads").fetchone()[0]
    assert merged["lead_c"] == merged["lead_a"]
    assert merged["lead_a"][1:] == (True, date(2026, 3, 1), OPPORTUNITIES[0], OPPORTUNITIES[:1])
    assert n_leads == len({values[0] for values in merged.values()})


def test_what_the_crm_itself_merged_is_one_conversion_without_a_steward(motors):
    with motors.master([], *SELECTION, same_person=SAME_PERSON) as con:
        tied = dict(
            con.execute(
                "select record_key, must_link_key from resolution.int_person_records where must_link_key is not null"
            ).fetchall()
        )
    assert tied["crm/crm_contact/ka"] == "crm/crm_contact/kb"
    assert tied["crm/crm_lead/lead_a"] == "crm/crm_contact/ka"
    assert planted_groups.SAME_PERSON[1] == CONVERTED
