"""A refusal anywhere is a refusal: of deleted and test records, of shared addresses, of the mail platform alone."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import planted
import pytest
from conftest import built

# record -> (refuses mail, refuses calls) of its person
EXPECTED = {
    "crm/crm_lead/tied": (True, True),  # the CRM converted it into the deleted contact that refuses
    "crm/crm_lead/same_address": (True, True),  # has the address of a deleted contact
    "crm/crm_lead/same_mobile": (
        False,
        True,
    ),  # has the mobile of a deleted contact, who refused calls and mail
    "crm/crm_lead/of_a_test": (True, False),  # has the address of a test record
    "crm/crm_lead/unsubscribed": (True, False),
    "crm/crm_lead/complained": (True, False),
    "crm/crm_lead/opened": (False, False),
    "crm/crm_contact/couple_a": (True, False),  # two persons, one address
    "crm/crm_contact/couple_b": (True, False),
    "crm/crm_contact/desk_a": (True, True),  # a shared mailbox: mail stops for all, calls for who said so
    "crm/crm_contact/desk_b": (True, False),
    "crm/crm_contact/two_records": (True, False),
    "crm/crm_contact/second_record": (True, False),
    "crm/crm_contact/nothing": (False, False),
}
_LEAD = {"status": "new", "is_converted": False}
_ROWS = {
    "crm_contact": [
        {"source_record_id": "gone", "last_name": "Gone", "email": "gone@acme.fr", "mobile": "+33600000001",
         "email_opt_out": True, "call_opt_out": True, "is_deleted": True},
        {"source_record_id": "couple_a", "first_name": "Anne", "last_name": "Roy", "email": "les.roy@acme.fr",
         "email_opt_out": True},
        {"source_record_id": "couple_b", "first_name": "Luc", "last_name": "Roy", "email": "les.roy@acme.fr"},
        {"source_record_id": "desk_a", "last_name": "Bel", "email": "contact@acme.fr", "email_opt_out": True,
         "call_opt_out": True},
        {"source_record_id": "desk_b", "last_name": "Cor", "email": "contact@acme.fr"},
        {"source_record_id": "two_records", "last_name": "Dun", "email": "dun@acme.fr"},
        {"source_record_id": "second_record", "last_name": "Dun", "email": "dun2@acme.fr",
         "email_opt_out": True},
        {"source_record_id": "nothing", "last_name": "Elm", "email": "elm@acme.fr", "mobile": "+33600000009",
         "email_opt_out": False, "call_opt_out": False},
    ],
    "crm_lead": [
        _LEAD | {"source_record_id": "tied", "last_name": "Gone", "converted_contact_id": "gone"},
        _LEAD | {"source_record_id": "same_address", "last_name": "Gone", "email": "gone@acme.fr"},
        _LEAD | {"source_record_id": "same_mobile", "last_name": "Other", "mobile": "+33600000001"},
        _LEAD | {"source_record_id": "test", "first_name": "Test", "last_name": "TEST",
                 "email": "fox@acme.fr", "email_opt_out": True},
        _LEAD | {"source_record_id": "of_a_test", "last_name": "Fox", "email": "fox@acme.fr"},
        _LEAD | {"source_record_id": "unsubscribed", "last_name": "Gal", "email": "gal@acme.fr"},
        _LEAD | {"source_record_id": "complained", "last_name": "Hel", "email": "hel@acme.fr"},
        _LEAD | {"source_record_id": "opened", "last_name": "Isa", "email": "isa@acme.fr"},
    ],
    "email_event": [
        {"source_record_id": f"e{i}", "message_id": "bulk", "recipient_email": to, "event_type": kind,
         "occurred_at": planted.at("2026-05-05 08:00:00"), "sender_email": f"ana@{planted.OWN}",
         "is_automated": True}
        for i, (to, kind) in enumerate(
            [("gal@acme.fr", "unsubscribed"), ("gal@acme.fr", "delivered"), ("hel@acme.fr", "complained"),
             ("isa@acme.fr", "opened"), ("nobody@else.fr", "unsubscribed")]
        )
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    con = built(
        tmp_path_factory.mktemp("consent") / "work", _ROWS, "+dim_persons", "+golden_values",
        timezone="Europe/Paris", as_of="2026-06-30 22:00:00", same_account=[],
        same_person=[{"crm/crm_contact/two_records", "crm/crm_contact/second_record"}],
    )  # fmt: skip
    yield con
    con.close()


@pytest.mark.audit("CP1", "R5")
def test_the_most_restrictive_choice_holds_for_every_person(refusals: duckdb.DuckDBPyConnection) -> None:
    found = {
        key: (mail, calls)
        for key, mail, calls in refusals.execute(
            "select record_key, is_email_opted_out, is_call_opted_out from master.xref_persons"
            " inner join master.dim_persons using (person_id)"
        ).fetchall()
    }
    # a recipient whom no record bears refused mail in the mail platform
    recipients = {key: found.pop(key) for key in list(found) if "/email_recipient/" in key}
    assert found == EXPECTED and list(recipients.values()) == [(True, False)]


def test_each_record_is_counted_once_and_the_lineage_tells_the_refusal(
    refusals: duckdb.DuckDBPyConnection,
) -> None:
    (n_records,) = refusals.execute(
        "select count(*) from conforming.int_person_attributes where contract <> 'email_recipient'"
    ).fetchone()
    assert n_records == len(EXPECTED)
    told = refusals.execute(
        "select count(*) from master.golden_values inner join master.dim_persons on golden_id = person_id"
        " where attribute = 'is_email_opted_out' and value <> cast(is_email_opted_out as varchar)"
    ).fetchone()
    assert told == (0,)
