"""What matching is given, and the golden accounts and persons made of its answer."""

import hashlib

import planted
import pytest
from planted import golden_id, on

ECLAIR = golden_id("acc", "crm/crm_account/a1")


def rows(con, sql):
    return con.execute(sql).fetchall()


def test_a_company_key_has_no_accent_legal_form_or_and(warehouse):
    keys = dict(rows(warehouse, "select source_record_id, name_key from resolution.int_account_records"))
    assert keys["a1"] == keys["a1bis"] == "ECLAIR FILS"
    assert keys["child"] == "CHILD"
    assert keys["c2"] == "CLIENT"


def test_a_siren_comes_from_a_siret_or_a_french_vat_number_and_passes_luhn(warehouse):
    numbers = dict(
        rows(warehouse, "select source_record_id, registration_number from resolution.int_account_records")
    )
    assert numbers["a1"] == planted.SIREN
    assert numbers["c1"] == planted.SIREN
    assert numbers["a1bis"] is None


def test_own_and_shared_domains_identify_no_company(warehouse):
    domains = dict(rows(warehouse, "select source_record_id, domain from resolution.int_account_candidates"))
    assert domains["a1"] == "eclair.fr"
    assert domains["l1"] == "client.fr"
    assert domains["self"] is None


def test_deleted_test_and_internal_records_are_not_matched_but_told(warehouse):
    reasons = dict(rows(warehouse, "select record_key, reason_code from resolution.int_record_exclusions"))
    assert reasons == {
        "crm/crm_lead/test": "test_record",
        "crm/crm_lead/staff": "internal_record",
        "crm/crm_lead/deleted": "deleted_in_source",
        "crm/crm_account/gone": "deleted_in_source",
        "crm/crm_account/self": "internal_record",
    }


def test_a_record_merged_in_the_crm_stays_as_a_must_link(warehouse):
    (link,) = rows(
        warehouse,
        "select must_link_key from resolution.int_account_records where source_record_id = 'merged'",
    )
    assert link == ("crm/crm_account/a1",)


@pytest.mark.audit("CO3", "MD1")
def test_every_kept_record_has_exactly_one_golden_id(warehouse):
    n_records, n_keys, n_unknown = rows(
        warehouse,
        "select count(*), count(distinct record_key), count(*) filter (where account_id = 'unknown')"
        " from master.xref_accounts",
    )[0]
    assert (n_records, n_keys, n_unknown) == (13, 13, 0)


def test_a_set_aside_record_reaches_no_table(warehouse):
    assert rows(warehouse, "select count(*) from raw.crm_lead where source_record_id = 'aside'") == [(1,)]
    assert rows(
        warehouse, "select count(*) from staging.stg_crm__leads where source_record_id = 'aside'"
    ) == [(0,)]


def test_a_golden_account_takes_each_attribute_from_its_best_record(warehouse):
    assert rows(
        warehouse,
        "select account_name, registration_number, vat_number, city, employee_count, size_band_code,"
        " is_strategic, is_customer, owner_rep_id, n_source_records"
        f" from master.dim_accounts where account_id = '{ECLAIR}'",
    ) == [
        # a1bis is the most recent CRM record; what it lacks comes from a1, then from the ERP
        (
            "ECLAIR ET FILS",
            planted.SIREN,
            "FR96552100554",
            "Paris",
            90,
            "smb",
            True,
            True,
            "crm/crm_user/u1",
            5,
        )
    ]


def test_groups_follow_parents_to_the_top_and_survive_loops(warehouse):
    groups = dict(
        rows(
            warehouse,
            "select source_record_id, group_id"
            " from master.dim_accounts join master.xref_accounts using (account_id)",
        )
    )
    assert groups["child"] == groups["grandchild"] == groups["a1"] == "grp_" + ECLAIR[4:]
    assert groups["loop1"] == groups["loop2"]
    assert rows(
        warehouse,
        f"select n_accounts from master.dim_corporate_groups where group_id = '{groups['a1']}'",
    ) == [(3,)]


def test_a_switchboard_names_the_account_but_nobody(warehouse):
    assert rows(
        warehouse,
        "select person_id, account_id, n_persons, is_shared from master.bridge_person_contact_points"
        " where contact_value = '+33100000001'",
    ) == [("unknown", ECLAIR, 2, True)]


@pytest.mark.audit("CP1")
def test_an_opt_out_on_one_record_holds_for_the_person(warehouse):
    assert rows(
        warehouse,
        "select is_call_opted_out, is_email_opted_out from master.dim_persons where last_name = 'Roy'",
    ) == [(True, False)]


def test_whom_no_record_names_is_a_person_whose_key_tells_nothing(warehouse):
    found = {
        r[0]: r[1:]
        for r in rows(
            warehouse,
            "select coalesce(points.email, points.phone), points.record_key, points.given_name, points.family_name,"
            " points.first_seen_on, persons.lead_id, persons.account_id from resolution.int_person_records as points"
            " inner join master.xref_persons using (record_key) inner join master.dim_persons as persons"
            " using (person_id) where points.contract not in ('crm_contact', 'crm_lead')",
        )
    }
    hashed = {value: hashlib.md5(value.encode()).hexdigest() for value in found}
    nobody = ("unknown", "unknown")
    assert found == {
        value: (f"{instance}/{contract}/{hashed[value]}", *names, on(day), *nobody)
        for value, instance, contract, names, day in (
            ("+33699999999", "pbx", "call_party", (None, None), "2026-05-06"),
            ("z.martin@client.fr", "cal", "calendar_attendee", ("Zoé", "Martin"), "2026-07-08"),
            ("stranger@else.fr", "mail", "email_recipient", (None, None), "2026-05-07"),
        )
    }, "no colleague, no shared mailbox, nobody whom a record names"


def test_a_ledger_customer_bears_the_longest_name_of_its_books_and_their_first_day(warehouse):
    # the label of an opening balance is longer, and no name
    assert rows(
        warehouse,
        "select record_key, name, accountancy_code, first_seen_on from resolution.int_account_records"
        " where contract = 'ledger_customer'",
    ) == [("erp/ledger_customer/C001", "ECLAIR ET FILS", "C001", on("2026-01-01"))]
