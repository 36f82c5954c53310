"""What is to be mended: found once, valued, owned, closed by the next extract and by nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pyarrow.parquet as pq
from planted_worklist import (
    A_MONTH,
    ALL,
    BAD_SIREN,
    LEGS,
    LOGGED,
    NO_CONTACT_POINT,
    NO_NUMBER,
    PAYMENT,
    WON_WITHOUT_AMOUNT,
    Site,
)

from orchestration.worklists.building import WorklistCounts
from orchestration.worklists.reading import owner_figures
from orchestration.worklists.schema import HISTORY, HISTORY_FILE, WORKLIST, WORKLIST_FILE

JUNE_END = dt.date(2026, 6, 30)


def test_every_failing_record_control_and_line_is_an_item_and_a_month_is_none(site: Site) -> None:
    counts = site.run(ALL, controls=("crm/crm_account/a1",))
    table = pq.read_table(site.work / WORKLIST_FILE)
    assert table.schema.equals(WORKLIST)
    rows = table.to_pylist()
    assert counts == WorklistCounts(n_open=8, n_opened=8, n_closed=0)
    keys = {(row["rule_id"], row["contract"], row["record_key"]) for row in rows}
    assert keys == {
        ("R-CRM-010", "crm_opportunity", "crm/crm_opportunity/o1"),
        ("R-CRM-012", "erp_customer", "erp/erp_customer/c1"),
        ("R-TEL-003", "telephony_call_leg", "pbx/telephony_call_leg/9"),
        ("R-FCT-003", "crm_activity", "crm/crm_activity/x1"),
        ("R-CRM-002", "crm_lead", "crm/crm_lead/=1+1"),
        ("crm/order", "crm_account", "crm/crm_account/a1"),
        ("quarantine", "crm_lead", "crm/2026-06/a.csv:7"),
        ("quarantine", None, "erp/2026-06/c.csv:4"),
    }
    assert A_MONTH[0] not in {row["rule_id"] for row in rows}
    assert len({row["item_id"] for row in rows}) == len(rows)


def test_an_item_has_the_money_of_its_record_its_company_or_counts_what_it_is(site: Site) -> None:
    site.run(ALL, controls=("crm/crm_account/a1",))
    found = site.items("impact_value", "impact_unit", "assignee", "owner")
    # 1000 of the last twelve months, 700 of the open deal, 50 of recurring revenue; 9000 are older
    assert found["R-CRM-012"] == (D(1750), "EUR", None, "data_steward")
    assert found["R-CRM-010"] == (D(1750), "EUR", "crm/crm_user/u1", "sales_operations"), (
        "no amount of its own"
    )
    assert found["R-TEL-003"] == (D(1), "touches", None, "telephony")
    assert found["R-CRM-002"] == (D(1), "leads", None, "sales_operations"), "its owner is no seller any more"
    assert found["R-FCT-003"] == (D(1), "touches", "crm/crm_user/u1", "sales_operations")
    assert found["crm/order"] == (D(1), "records", None, "sales_operations")
    lines = [r for r in pq.read_table(site.work / WORKLIST_FILE).to_pylist() if r["rule_id"] == "quarantine"]
    owners = {row["record_key"]: row["owner"] for row in lines}
    # a line that is no record belongs to whoever owns most of its file
    assert owners == {"crm/2026-06/a.csv:7": "sales_operations", "erp/2026-06/c.csv:4": "finance"}


def test_each_record_has_its_own_amount_and_names_whose_it_is(site: Site) -> None:
    site.run((*LEGS, PAYMENT, WON_WITHOUT_AMOUNT, BAD_SIREN, NO_NUMBER))
    rows = pq.read_table(site.work / WORKLIST_FILE).to_pylist()
    legs = {row["record_key"]: row for row in rows if row["rule_id"] == "R-ERP-025"}
    assert [legs[key]["impact_value"] for key in sorted(legs)] == [D(120), D(100), D(20)], "not the entry's"
    assert all(row["impact_key"] == key for key, row in legs.items())
    found = site.items("impact_value", "impact_key")
    assert found["R-ERP-019"] == (D(20_000_000), "erp/erp_payment/p1"), "what was paid, not the document"
    assert found["R-CRM-010"] == found["R-CRM-012"] == (D(1750), "acc_1"), "one company's money"
    assert found["R-TEL-003"][1] == "pbx/telephony_call_leg/9"


def test_a_history_of_before_the_key_of_impacts_is_carried_on(site: Site) -> None:
    site.run(ALL)
    site.publish()
    history = site.published / HISTORY_FILE
    pq.write_table(pq.read_table(history).drop_columns(["impact_key"]), history)
    site.run((BAD_SIREN,))
    assert site.items("status", "impact_key")["R-CRM-010"] == ("closed", None)


def test_money_ranks_before_leads_touches_and_records(site: Site) -> None:
    site.run(ALL, controls=("crm/crm_account/a1",))
    ranked = sorted(pq.read_table(site.work / WORKLIST_FILE).to_pylist(), key=lambda row: row["impact_rank"])
    assert [row["impact_rank"] for row in ranked] == list(range(1, 9))
    assert [row["impact_unit"] for row in ranked] == ["EUR"] * 2 + ["leads"] * 2 + ["touches"] * 2 + [
        "records"
    ] * 2


def test_the_age_of_an_item_counts_from_the_delivery_that_brought_it(site: Site) -> None:
    site.run(ALL)
    found = site.items("opened_on", "age_days", "opened_cycle", "status")
    assert found["R-CRM-010"] == (dt.date(2026, 5, 31), 30, "2026-06", "open")
    assert found["R-TEL-003"] == (dt.date(2026, 6, 28), 2, "2026-06", "open")
    assert found["R-FCT-003"] == (dt.date(2026, 5, 31), 30, "2026-06", "open"), (
        "a rule on facts names no delivery: it is that of the record"
    )
    site.run(
        (
            (
                "R-FCT-003",
                "master.fct_touches",
                "activity:crm/crm_activity/none",
                None,
                "sales_operations",
                None,
            ),
        )
    )
    assert site.items("opened_on", "age_days")["R-FCT-003"] == (JUNE_END, 0), "a record that is no more"


def test_what_the_next_extract_no_longer_shows_is_closed_by_it(site: Site) -> None:
    site.run(ALL)
    site.publish()
    counts = site.run((BAD_SIREN, NO_NUMBER, LOGGED, NO_CONTACT_POINT))
    assert (counts.n_opened, counts.n_closed) == (0, 1)
    # the last extract of the CRM came on 28 June, 28 days after the one that brought the item
    closed = site.items("status", "opened_on", "closed_on", "days_to_fix", "age_days", "impact_rank")[
        "R-CRM-010"
    ]
    assert closed == ("closed", dt.date(2026, 5, 31), dt.date(2026, 6, 28), 28, None, None)
    figures = {each.owner: each for each in owner_figures(site.work)}
    assert (figures["sales_operations"].n_closed, figures["sales_operations"].median_days_to_fix) == (
        1,
        D(28),
    )
    assert figures["telephony"].median_days_to_fix is None


def test_a_rule_that_was_not_assessed_closes_nothing(site: Site) -> None:
    site.run(ALL)
    site.publish()
    counts = site.run((BAD_SIREN,), unassessed=("R-CRM-010", "R-TEL-003", "R-CRM-002"))
    found = site.items("status", "opened_on")
    assert found["R-CRM-010"] == ("open", dt.date(2026, 5, 31)) and found["R-TEL-003"][0] == "open"
    assert found["R-FCT-003"][0] == "closed" and counts.n_closed == 1


def test_a_rule_that_was_withdrawn_asks_nobody_and_fixes_nothing(site: Site) -> None:
    site.run(ALL)
    site.publish()
    site.run((BAD_SIREN,), withdrawn=("R-CRM-010",))
    assert "R-CRM-010" not in site.items("status")


def test_an_item_that_comes_back_is_open_since_it_came_back(site: Site) -> None:
    site.run(ALL)
    site.publish()
    site.run((BAD_SIREN,))
    site.publish()
    site.run((BAD_SIREN, WON_WITHOUT_AMOUNT), "2026-07")
    assert site.items("status", "opened_on", "opened_cycle", "closed_on")["R-CRM-010"] == (
        "open", dt.date(2026, 6, 28), "2026-07", None
    )  # fmt: skip


def test_an_open_item_keeps_its_first_day_and_publishing_twice_changes_nothing(site: Site) -> None:
    site.run(ALL)
    site.publish()
    first = (site.published / HISTORY_FILE).read_bytes()
    again = site.run(ALL)
    assert again.n_opened == again.n_closed == 0
    site.publish()
    assert (site.published / HISTORY_FILE).read_bytes() == first
    later = (*WON_WITHOUT_AMOUNT[:5], "june")  # delivered again, still without an amount
    site.run((later,), "2026-07")
    assert site.items("opened_on", "opened_cycle", "age_days")["R-CRM-010"] == (
        dt.date(2026, 5, 31),
        "2026-06",
        61,
    )


def test_a_past_cycle_published_again_leaves_the_later_history(site: Site) -> None:
    site.run(ALL, "2026-07")
    site.publish("2026-07")
    first = (site.published / HISTORY_FILE).read_bytes()
    counts = site.run((NO_NUMBER,), "2026-06")
    assert counts.n_closed == 0, "what a later cycle opened is unknown to an earlier one"
    site.publish("2026-06")
    assert (site.published / HISTORY_FILE).read_bytes() == first


def test_the_published_history_holds_no_key_made_of_an_address_or_a_number(site: Site) -> None:
    address = (
        "R-CRM-002",
        "staging.stg_crm__leads",
        "crm/crm_lead/ann@acme.fr",
        None,
        "sales_operations",
        "june",
    )
    number = (*NO_NUMBER[:2], "pbx/telephony_call_leg/+33612345678", *NO_NUMBER[3:])
    site.run((address, number, BAD_SIREN))
    site.publish()
    history = pq.read_table(site.published / HISTORY_FILE)
    assert history.schema.names == HISTORY.names
    assert "ann@" not in str(history.to_pylist()) and "+336" not in str(history.to_pylist())
    assert "erp/erp_customer/c1" in history.column("record_key").to_pylist()
    assert site.run((address, number, BAD_SIREN)).n_opened == 0, "a masked key is still the same item"
