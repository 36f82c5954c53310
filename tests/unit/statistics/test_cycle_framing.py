"""Counts of the framing note on planted leads, persons and deliveries."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from ingest.demo.framing import write_notes
from orchestration.cycles.note import Framing, read_note
from orchestration.statistics.cycle_framing import compute

SETTINGS = SimpleNamespace(
    cycle="2026-06", cycle_start=date(2026, 6, 1), cycle_end=date(2026, 7, 1), as_of=datetime(2026, 7, 1)
)
LEADS = [  # created, mql, sql, channel, size, seller
    ("2026-06-01", "2026-06-02", None, "inbound", "smb", "r1"),
    ("2026-06-30", "2026-07-01", None, "inbound", "smb", "r2"),  # an MQL of July
    ("2026-06-15", "2026-06-20", "2026-06-25", "outbound", "mid", "r1"),
    ("2026-06-15", None, None, "inbound", "enterprise", "nobody"),
    (
        "2026-05-31",
        "2026-06-03",
        "2026-06-04",
        "inbound",
        "smb",
        "r1",
    ),  # a lead of May that qualified in June
    ("2026-07-01", None, None, "inbound", "smb", "r1"),  # half-open: the first day of July is outside
    (None, None, None, "inbound", "smb", "r1"),
]


@pytest.fixture
def con():
    con = duckdb.connect()
    con.execute(
        """
        create schema metrics; create schema master; create schema collect; create schema run; create schema staging;
        create schema conforming;
        create table metrics.fct_lead_cadences (created_on date, mql_on date, sql_on date, channel_code varchar,
          size_band_code varchar, rep_id varchar);
        create table master.dim_reps as select * from (values ('r1', 'Paris'), ('r2', 'L''Isle')) t(rep_id, team_name);
        create table metrics.fct_stage_passages as select * from (values
          ('o1', 'negotiation', date '2026-06-01'), ('o1', 'negotiation', date '2026-06-09'),
          ('o2', 'negotiation', date '2026-07-01'), ('o3', 'proposal', date '2026-06-05'))
          t(opportunity_id, stage_code, entered_on);
        create table collect.deliveries as select * from (values
          ('crm', date '2026-06-30', false), ('crm', date '2026-07-02', false), ('erp', date '2026-06-30', false))
          t(source_instance, delivered_on, is_missed);
        create table collect.ledger_terms as select * from (values
          ('crm', 'crm_lead', 'C', 'records_in', 7), ('crm', 'crm_lead', 'C', 'kept', 6),
          ('crm', 'email_event', 'C', 'records_in', 3), ('crm', 'email_event', 'C', 'kept', 2),
          ('crm', 'crm_lead', 'B', 'kept', 99)) t(source_instance, contract, term, name, value);
        create table master.dim_accounts as
          select * from (values ('a1', true), ('a2', false)) t(account_id, is_customer);
        create table master.dim_persons as select * from (values
          ('p1', 'a1', false, true), ('p2', 'a2', false, false), ('p3', 'a1', true, false), ('p4', null, false, false),
          ('unknown', null, false, false)) t(person_id, account_id, is_email_opted_out, is_call_opted_out);
        create table staging.stg_crm__consents (source_instance varchar, person_type varchar, person_id varchar,
          email varchar, channel varchar, status varchar, effective_at timestamp, expires_at timestamp,
          is_deleted boolean);
        create table master.xref_persons as select * from (values ('crm/crm_lead/L1', 'p1'), ('crm/crm_lead/L3', 'p3'))
          t(record_key, person_id);
        create table conforming.int_person_attributes as select * from (values ('p2', 'b@two.example'))
          t(person_id, email);
        create table run.framing (cycle varchar, standing_code varchar, note varchar);
        """
    )
    con.executemany("insert into metrics.fct_lead_cadences values (?, ?, ?, ?, ?, ?)", LEADS)
    yield con
    con.close()


def framing(tmp_path: Path, **values) -> Framing:
    write_notes(tmp_path, ["2026-06"])
    content = read_note(tmp_path, "2026-06").framing.model_dump(mode="json")
    return Framing.model_validate(content | values)


def keep(con, note: Framing, standing: str = "approved") -> None:
    con.execute("insert into run.framing values ('2026-06', ?, ?)", [standing, note.model_dump_json()])


def items(tables, kind: str) -> dict[str, dict]:
    return {r["item_code"]: r for r in tables["cycle_framing"].to_pylist() if r["kind_code"] == kind}


@pytest.mark.audit("FR3", "FR4", "FR5", "FR11")
def test_segments_and_phases_count_the_leads_of_the_period(con, tmp_path):
    note = framing(
        tmp_path,
        segments=[
            {"code": "all"},
            {"code": "smb_inbound", "channel_code": ["inbound"], "size_band_code": ["smb"]},
            {"code": "bigger", "size_band_code": ["mid", "enterprise"]},
            {"code": "quoted", "team_code": ["L'Isle", "unknown"]},
            {"code": "mqls", "phase": ["mql"]},
            {"code": "nobody", "channel_code": ["partner"]},
        ],
    )
    keep(con, note)
    found = compute(con, SETTINGS)
    segments = items(found, "segment")
    assert {name: (row["n_in"], row["n_out"]) for name, row in segments.items()} == {
        "all": (4, 0), "smb_inbound": (2, 2), "bigger": (2, 2), "quoted": (2, 2), "mqls": (3, 1), "nobody": (0, 4),
    }  # fmt: skip
    assert segments["mqls"]["out_rate"] == Decimal("0.25") and segments["mqls"]["reason_code"] is None
    phases = items(found, "phase")
    assert {name: row["n_in"] for name, row in phases.items()} == {
        "lead": 4, "mql": 3, "sql": 2, "opportunity:negotiation": 1,
    }  # fmt: skip
    assert phases["mql"]["detail_code"] == "meeting"
    assert (phases["mql"]["period_start"], phases["mql"]["period_end"]) == (
        date(2026, 6, 1),
        date(2026, 7, 1),
    )


@pytest.mark.audit("FR4")
def test_a_shorter_period_is_half_open_and_an_empty_one_gives_a_reason(con, tmp_path):
    keep(con, framing(tmp_path, period={"start": "2026-06-02", "end": "2026-06-15"}))
    segment = items(compute(con, SETTINGS), "segment")["all"]
    assert (segment["n_in"], segment["n_out"], segment["out_rate"], segment["reason_code"]) == (
        0, 0, None, "no_units",
    )  # fmt: skip


@pytest.mark.audit("FR14", "CP2")
def test_persons_without_the_legal_basis_of_a_purpose_are_counted(con, tmp_path):
    said = [  # p1 by its record, p2 by its address, p3 opted out since, and three that do not count
        ("crm", "lead", "L1", None, "email", "opt_in", "2026-01-01", None, False),
        ("crm", "lead", "gone", "b@two.example", "all", "opt_in", "2026-01-01", "2027-01-01", False),
        ("crm", "lead", "L3", None, "email", "opt_in", "2026-01-01", None, False),
        ("crm", "lead", "L1", None, "call", "opt_in", "2026-07-02", None, False),
        ("crm", "lead", "gone", "b@two.example", "call", "opt_in", "2026-01-01", "2026-06-30", False),
        ("crm", "lead", "gone", "b@two.example", "call", "opt_in", "2026-01-01", None, True),
    ]
    con.executemany("insert into staging.stg_crm__consents values (?, ?, ?, ?, ?, ?, ?, ?, ?)", said)
    bases = [
        {"purpose": "mail", "channel": "email", "basis": "legitimate_interest"},
        {"purpose": "call", "channel": "call", "basis": "legitimate_interest"},
        {"purpose": "service_mail", "channel": "email", "basis": "contract"},
        {"purpose": "newsletter", "channel": "email", "basis": "consent"},
        {"purpose": "survey_call", "channel": "call", "basis": "consent"},
    ]
    keep(con, framing(tmp_path, legal_basis=bases))
    found = items(compute(con, SETTINGS), "legal_basis")
    assert {name: (row["n_in"], row["n_out"]) for name, row in found.items()} == {
        "mail": (3, 1), "call": (3, 1), "service_mail": (1, 3), "newsletter": (2, 2), "survey_call": (1, 3),
    }  # fmt: skip
    assert found["service_mail"]["out_rate"] == Decimal("0.75")


@pytest.mark.audit("FR6", "CO10")
def test_every_source_has_its_last_delivery_and_its_rows(con, tmp_path):
    keep(con, framing(tmp_path))
    found = items(compute(con, SETTINGS), "source")
    crm, erp = found["crm"], found["erp"]
    assert (crm["delivered_on"], crm["n_in"], crm["n_out"]) == (date(2026, 7, 2), 8, 2)
    assert (crm["detail_code"], erp["detail_code"]) == ("sales_operations", None)
    assert (erp["n_in"], erp["out_rate"], erp["reason_code"]) == (0, None, "no_units")


@pytest.mark.audit("FR9", "FR13", "PB14")
def test_duties_and_settings_are_published_as_codes_and_no_name_with_them(con, tmp_path):
    note = framing(tmp_path, team_capacity={"Paris": 90})
    keep(con, note)
    found = compute(con, SETTINGS)
    assert items(found, "role")["vp_sales"]["detail_code"] == "A"
    assert items(found, "audience")["managers"]["detail_code"] == "sales"
    assert items(found, "setting")["attribution_window_days"]["setting_value"] == 30
    assert items(found, "setting")["landmark_2_days"]["setting_value"] == 5
    assert items(found, "team_capacity")["Paris"]["setting_value"] == 90
    text = str(found["cycle_framing"].to_pylist())
    assert note.decision_sought not in text and note.contact.approved_by not in text


@pytest.mark.audit("FR10", "PB9")
def test_the_steps_say_what_stands_at_the_publication(con, tmp_path):
    without = compute(con, SETTINGS)
    assert without["cycle_framing"].num_rows == 0
    first, *_ = without["cycle_steps"].to_pylist()
    assert (first["step_code"], first["status_code"], first["reason_code"]) == (
        "frame",
        "open",
        "framing_missing",
    )
    keep(con, framing(tmp_path))
    con.execute("update collect.deliveries set is_missed = source_instance = 'erp'")
    found = {row["step_code"]: row for row in compute(con, SETTINGS)["cycle_steps"].to_pylist()}
    assert {code: row["reason_code"] for code, row in found.items() if row["status_code"] != "done"} == {
        "collect": "delivery_missing", "decide": "after_the_month", "experiment": "after_the_month",
    }  # fmt: skip
    assert found["experiment"]["due_on"] == date(2026, 7, 31)
