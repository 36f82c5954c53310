"""Controls against planted truths: each kind finds what was planted, passes without it, and changes no row."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from company_site import LEADS, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.controls_result import ControlResult, result_of, sentence, sentences
from ingest.errors import ConfigurationError

CRM = """
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris, phone_region: FR, currency: EUR}
files:
  leads:
    path: "{date}/Leads.csv"
    format: delimited
    delimiter: ","
    required: false
    expected_columns: [Id, Email, Status, Created, Modified, Owner]
  users:
    path: "{date}/Users.csv"
    format: delimited
    delimiter: ","
    required: false
    expected_columns: [Id, Name]
  deals:
    path: "{date}/Deals.csv"
    format: delimited
    delimiter: ","
    required: false
    expected_columns: [Id, Amount, Status, Created, Closed, Owner, Account]
  calls:
    path: "{date}/Calls.csv"
    format: delimited
    delimiter: ","
    required: false
    expected_columns: [Id, Started, Duration]
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: Id
      email: Email
      status: {source: Status, map: {Open: new, Won: converted}}
      is_converted: {source: Status, type: boolean, map: {Open: "false", Won: "true"}}
      created_at: {source: Created, formats: ["%Y-%m-%d %H:%M:%S"]}
      modified_at: {source: Modified, formats: ["%Y-%m-%d %H:%M:%S"]}
      owner_id: Owner
  crm_user:
    from: users
    columns: {source_record_id: Id, full_name: Name}
  crm_opportunity:
    from: deals
    columns:
      source_record_id: Id
      amount: Amount
      stage: Status
      status: {source: Status, map: {Open: open, Won: won}}
      created_at: {source: Created, formats: ["%Y-%m-%d %H:%M:%S"]}
      closed_at: {source: Closed, formats: ["%Y-%m-%d"], precision: day}
      owner_id: Owner
      account_id: Account
  telephony_call_leg:
    from: calls
    columns:
      source_record_id: Id
      call_id: Id
      direction: {const: outbound}
      outcome: {const: answered}
      started_at: {source: Started, formats: ["%d/%m/%Y %H:%M:%S"]}
      duration_s: Duration
"""
LEAD_HEADER = "Id,Email,Status,Created,Modified,Owner\n"
EPOCH = (
    "{name: zone, type: clock, table: telephony_call_leg, column: started_at,"
    " epoch: \"split_part(source_record_id, '.', 1)\"}"
)
START = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)


@pytest.fixture
def crm(tmp_path: Path) -> Callable[..., Site]:
    """A site whose mapping has these checks (lines of YAML flow style)."""
    made: list[Site] = []

    def make(*checks: str) -> Site:
        text = CRM + ("checks:\n" + "".join(f"  - {check}\n" for check in checks) if checks else "")
        made.append(Site(tmp_path / f"site_{len(made)}", text))
        return made[-1]

    return make


def results(site: Site, kind: str | None = None) -> list[ControlResult]:
    site.collect()
    names = [
        row[0]
        for row in site.rows("SELECT column_name FROM (DESCRIBE SELECT * FROM collect.control_results)")
    ]
    rows = site.rows("SELECT * FROM collect.control_results ORDER BY ALL")
    found = [result_of(dict(zip(names, row, strict=True))) for row in rows]
    return [each for each in found if kind in (None, each.kind)]


def one(site: Site, kind: str, name: str | None = None) -> ControlResult:
    (found,) = [each for each in results(site, kind) if name in (None, each.control)]
    return found


def failures(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT control_id, field, _source_row_id, reason_code, action FROM collect.control_failures ORDER BY ALL"
    )


def leads(n: int, **changed: str) -> str:
    """n leads, the first of them with other values."""
    lines = []
    for i in range(n):
        row = {
            "Id": f"L{i}", "Email": f"p{i}@one.example", "Status": "Open", "Created": "2026-06-02 10:00:00",
            "Modified": "2026-06-03 10:00:00", "Owner": "U1",
        }  # fmt: skip
        lines.append(",".join((row | (changed if i == 0 else {})).values()))
    return LEAD_HEADER + "".join(f"{line}\n" for line in lines)


def calls(zone: str, order: str = "%d/%m/%Y", n: int = 60, step_h: int = 9) -> str:
    """Calls whose id begins with the epoch of their start; the start is the wall clock of `zone`."""
    lines = []
    for i in range(n):
        moment = START + timedelta(hours=step_h * i)
        wall = moment.astimezone(ZoneInfo(zone)).strftime(f"{order} %H:%M:%S")
        lines.append(f"{int(moment.timestamp())}.{i},{wall},30\n")
    return "Id,Started,Duration\n" + "".join(lines)


# ---------------------------------------------------------------- clocks


def test_a_clock_that_agrees_passes(crm: Callable[..., Site]) -> None:
    site = crm(EPOCH)
    site.put("2026-06/Calls.csv", calls("Europe/Paris"))
    found = one(site, "clock")
    assert (found.status, found.n_evaluated, found.n_failed) == ("pass", 60, 0)


@pytest.mark.audit("CO7")
def test_a_file_wrong_by_one_hour_is_found_and_the_zone_that_fits_is_named(crm: Callable[..., Site]) -> None:
    site = crm(EPOCH.replace("}", ", level: error}"))
    site.put("2026-05/Calls.csv", calls("Europe/Paris", n=40))
    site.put("2026-06/Calls.csv", calls("Europe/Lisbon", n=40, step_h=11).replace(".", ".9"))
    by_file = {each.file_path: each for each in results(site, "clock")}
    assert {path: each.status for path, each in by_file.items()} == {
        "crm/2026-05/Calls.csv": "pass", "crm/2026-06/Calls.csv": "fail",
    }  # fmt: skip
    wrong = by_file["crm/2026-06/Calls.csv"]
    assert (wrong.n_failed, wrong.code, wrong.params["offset"]) == (40, "clock_zone", "-1 h")
    assert "Europe/Lisbon" in wrong.params["zones"] or "Europe/London" in wrong.params["zones"]
    assert wrong.examples == tuple(f"crm/2026-06/Calls.csv:{line}" for line in (2, 3, 4))
    assert {(row[0], row[1], row[3], row[4]) for row in failures(site)} == {
        ("crm/zone", "started_at", "clock_mismatch", "keep_flagged")
    }
    assert len(failures(site)) == 40


def test_the_evidence_is_about_the_times_that_differ_in_a_file_of_two_clocks(
    crm: Callable[..., Site],
) -> None:
    site = crm(EPOCH.replace("}", ", max_failed: 0.1}"))
    right, wrong = calls("Europe/Paris", n=90), calls("UTC", n=12, step_h=31).replace(".", ".9")
    site.put("2026-06/Calls.csv", right + wrong.split("\n", 1)[1])
    found = one(site, "clock")
    assert (found.status, found.n_failed, found.code, found.params["offset"]) == (
        "warn",
        12,
        "clock_zone",
        "-2 h",
    )
    assert found.params["zones"].startswith("UTC")


def test_day_and_month_swapped_is_proven_by_the_epoch(crm: Callable[..., Site]) -> None:
    site = crm(EPOCH)
    days = [d for d in range(1, 13) if d != 6]
    lines = []
    for i, day in enumerate(days * 2):
        moment = datetime(2026, 6, day, 7 + i % 9, i, tzinfo=UTC)
        wall = moment.astimezone(ZoneInfo("Europe/Paris")).strftime("%m/%d/%Y %H:%M:%S")
        lines.append(f"{int(moment.timestamp())}.{i},{wall},30\n")
    site.put("2026-06/Calls.csv", "Id,Started,Duration\n" + "".join(lines))
    found = one(site, "clock")
    assert (found.status, found.code, found.n_failed) == ("warn", "clock_month_day", 22)
    assert (found.params["fitting"], found.params["sampled"]) == (22, 22)


def test_too_few_times_are_not_assessed(crm: Callable[..., Site]) -> None:
    site = crm(EPOCH)
    site.put("2026-06/Calls.csv", calls("Asia/Tokyo", n=19))
    assert (one(site, "clock").status, one(site, "clock").code) == ("not_assessed", "too_few")
    assert failures(site) == []


def test_times_outside_the_hours_of_work_and_times_that_are_none(crm: Callable[..., Site]) -> None:
    check = "{name: shift, type: hours, table: telephony_call_leg, column: started_at, between: [8, 20], min: 0.9}"
    night = "".join(f"a{i},0{1 + i % 9}/06/2026 {i % 24:02d}:15:00,30\n" for i in range(48))
    noon = "".join(f"b{i},0{1 + i % 9}/06/2026 12:{i % 60:02d}:00,30\n" for i in range(48))
    month = "".join(f"c{i},0{1 + i % 9}/06/2026 {8 + i % 12:02d}:06:00,30\n" for i in range(48))
    work = "".join(f"d{i},0{1 + i % 9}/06/2026 {8 + i % 12:02d}:{i % 60:02d}:00,30\n" for i in range(48))
    found = {}
    for name, text in (("night", night), ("noon", noon), ("month", month), ("work", work)):
        site = crm(check)
        site.put("2026-06/Calls.csv", "Id,Started,Duration\n" + text)
        found[name] = (one(site, "hours").status, one(site, "hours").code)
    assert found == {
        "night": ("warn", "hours"), "noon": ("warn", "hours_one_hour"),
        "month": ("warn", "hours_minute_is_month"), "work": ("pass", "hours"),
    }  # fmt: skip


def test_dates_that_fit_both_orders_are_told(crm: Callable[..., Site]) -> None:
    check = "{name: order, type: ambiguous_dates, table: telephony_call_leg, column: started_at}"
    for last_day, status in ((12, "warn"), (13, "pass")):
        site = crm(check)
        days = [1 + i % 12 for i in range(30)] + [last_day]
        text = "".join(f"a{i},{day:02d}/06/2026 10:00:00,3\n" for i, day in enumerate(days))
        site.put("2026-06/Calls.csv", "Id,Started,Duration\n" + text)
        assert (one(site, "ambiguous_dates").status, one(site, "ambiguous_dates").n_evaluated) == (status, 31)


# ---------------------------------------------------------------- rows


def test_a_record_modified_before_it_was_created_needs_no_declaration(crm: Callable[..., Site]) -> None:
    name = "order_crm_lead_created_at_modified_at"
    site = crm()
    site.put("2026-06/Leads.csv", leads(30, Modified="2026-06-01 10:00:00"))
    found = one(site, "order", name)
    assert (found.status, found.n_evaluated, found.n_failed) == ("warn", 30, 1)
    assert found.examples == ("crm/2026-06/Leads.csv:2",)
    assert failures(site) == [(f"crm/{name}", "modified_at", 2, "date_order", "keep_flagged")]
    good = crm()
    good.put("2026-06/Leads.csv", leads(30))
    assert one(good, "order", name).status == "pass"


def test_a_closing_day_is_compared_with_the_day_of_opening(crm: Callable[..., Site]) -> None:
    site = crm()
    site.put(
        "2026-06/Deals.csv",
        "Id,Amount,Status,Created,Closed,Owner,Account\n"
        "D1,10,Won,2026-06-05 23:30:00,2026-06-05,U1,A1\n"  # closed on the day it was opened
        "D2,10,Won,2026-06-05 09:30:00,2026-06-04,U1,A1\n",
    )
    assert (
        one(site, "order", "order_crm_opportunity_created_at_closed_at").n_failed,
        failures(site)[0][2],
    ) == (
        1,
        3,
    )


def test_orphans_are_found_only_where_the_same_source_delivers_what_is_named(
    crm: Callable[..., Site],
) -> None:
    name = "orphan_crm_lead_owner_id"
    site = crm()
    site.put("2026-06/Leads.csv", leads(30, Owner="U9"))
    absent = one(site, "orphan", name)
    assert (absent.status, absent.code) == ("not_assessed", "orphan_absent")
    site.put("2026-06/Users.csv", "Id,Name\nU1,One\n")
    found = one(site, "orphan", name)
    assert (found.status, found.n_evaluated, found.n_failed) == ("warn", 30, 1)
    assert failures(site) == [(f"crm/{name}", "owner_id", 2, "orphan_reference", "keep_flagged")]
    site.put("2026-06/Users.csv", "Id,Name\nU1,One\nU9,Nine\n")
    assert one(site, "orphan", name).status == "pass"


def test_a_check_of_the_mapping_takes_the_place_of_the_contracts(crm: Callable[..., Site]) -> None:
    site = crm(
        "{name: owner, type: orphan, table: crm_lead, column: owner_id, references: {contract: crm_user}, level: error}"
    )
    site.put("2026-06/Leads.csv", leads(300, Owner="U9"))
    site.put("2026-06/Users.csv", "Id,Name\nU1,One\n")
    assert [(r.control, r.status) for r in results(site, "orphan") if r.column_name == "owner_id"] == [
        ("owner", "fail")
    ]


def test_rows_out_of_range_and_fields_that_contradict_each_other(crm: Callable[..., Site]) -> None:
    site = crm(
        "{name: length, type: range, table: telephony_call_leg, column: duration_s, min: 0, max: 28800}",
        "{name: since, type: range, table: telephony_call_leg, column: started_at, min: '2026-06-02'}",
        "{name: agrees, type: condition, table: crm_lead, must: \"is_converted = (status = 'converted')\"}",
        '{name: mailed, type: condition, table: crm_lead, where: "status = \'new\'", must: "email is not null"}',
    )
    site.put(
        "2026-06/Calls.csv",
        "Id,Started,Duration\n1,03/06/2026 10:00:00,-4\n2,01/06/2026 10:00:00,28800\n3,03/06/2026 10:00:00,28801\n",
    )
    site.put("2026-06/Leads.csv", leads(5, Status="Won"))
    site.put("2026-06/Leads.csv", leads(5, Email=""))
    counted = {r.control: (r.n_evaluated, r.n_failed, r.status) for r in results(site)}
    assert counted["length"] == (3, 2, "warn")
    assert counted["since"] == (3, 1, "warn")
    assert counted["agrees"] == (5, 0, "pass")
    assert counted["mailed"] == (5, 1, "warn")
    assert {row[0]: row[3] for row in failures(site)} == {
        "crm/length": "out_of_range", "crm/since": "out_of_range", "crm/mailed": "cross_field_contradiction",
    }  # fmt: skip


def test_an_unknown_condition_is_no_failure_and_a_tolerance_counts(crm: Callable[..., Site]) -> None:
    check = "{name: mail, type: condition, table: crm_lead, must: \"email like 'p%'\", max_failed: 0.1}"
    site = crm(check)
    text = leads(11, Email="").replace("p1@", "x@")
    site.put("2026-06/Leads.csv", text)
    assert (one(site, "condition").n_evaluated, one(site, "condition").n_failed) == (10, 1)
    assert one(site, "condition").status == "pass"


@pytest.mark.audit("CO6")
def test_filled_unique_constant_and_adding_up(crm: Callable[..., Site]) -> None:
    site = crm(
        "{name: filled, type: completeness, table: crm_lead, column: email, min: 0.95}",
        "{name: alone, type: unique, table: crm_lead, columns: [email]}",
        "{name: typed, type: constant, table: crm_opportunity, column: amount, max_share: 0.5}",
        "{name: sums, type: total, table: crm_opportunity, column: amount, where: \"status = 'won'\","
        " equals: {table: crm_opportunity, column: amount}, tolerance: 0.01}",
        "{name: calls, type: total, table: crm_opportunity, column: amount,"
        " equals: {table: telephony_call_leg, column: duration_s}}",
    )
    site.put("2026-06/Leads.csv", leads(10, Email="").replace("p3@", "p2@"))
    deals = "".join(
        f"D{i},{1000 if i < 15 else i},{'Open' if i == 29 else 'Won'},2026-06-05 10:00:00,2026-06-06,U1,A1\n"
        for i in range(30)
    )
    site.put("2026-06/Deals.csv", "Id,Amount,Status,Created,Closed,Owner,Account\n" + deals)
    found = {r.control: r for r in results(site)}
    assert (found["filled"].status, found["filled"].measured) == ("warn", "0.9")
    assert (found["alone"].status, found["alone"].n_evaluated, found["alone"].n_failed) == ("warn", 9, 2)
    assert (found["typed"].status, found["typed"].measured) == ("warn", "0.5")
    assert (found["sums"].status, found["sums"].params["difference"]) == ("warn", "-29")
    assert found["calls"].status == "not_assessed"


@pytest.mark.parametrize(("level", "status"), [("error", "fail"), ("warn", "warn"), ("info", "warn")])
def test_a_check_that_cannot_be_computed_is_a_breach_at_its_level_and_spoils_no_other(
    crm: Callable[..., Site], level: str, status: str
) -> None:
    site = crm(
        '{name: huge, type: condition, table: crm_opportunity, must: "amount * amount * amount > 0", '
        f"level: {level}}}",
        "{name: filled, type: completeness, table: crm_opportunity, column: amount, min: 1}",
    )
    site.put(
        "2026-06/Deals.csv",
        "Id,Amount,Status,Created,Closed,Owner,Account\nD1,99999999999999,Won,2026-06-05 10:00:00,2026-06-06,U1,A1\n",
    )
    found = {r.control: (r.status, r.code) for r in results(site)}
    assert found["huge"] == (status, "broken")
    assert found["filled"] == ("pass", "completeness")


# ---------------------------------------------------------------- deliveries


def test_a_cut_delivery_is_smaller_than_the_one_before_and_ends_earlier(crm: Callable[..., Site]) -> None:
    checks = (
        "{name: size, type: volume, file: leads, max_drop: 0.2, level: error}",
        "{name: last, type: last_timestamp, table: crm_lead, column: modified_at, level: error}",
    )
    may, june = leads(50).replace("2026-06", "2026-05"), leads(60)
    site = crm(*checks)
    site.put("2026-05/Leads.csv", may)
    site.put("2026-06/Leads.csv", june)
    assert {r.status for r in results(site) if r.control in ("size", "last")} == {"pass", "not_assessed"}
    cut = crm(*checks)
    cut.put("2026-05/Leads.csv", may)
    cut.put("2026-06/Leads.csv", "\n".join(may.split("\n")[:21]).replace("one.example", "two.example") + "\n")
    found = {r.control: r for r in results(cut) if r.file_path.startswith("crm/2026-06")}
    assert (found["size"].status, found["size"].measured, found["size"].previous) == ("fail", "20", "50")
    assert (found["last"].status, found["last"].code) == ("fail", "last_timestamp_not_later")


def test_a_time_from_the_future_is_told(crm: Callable[..., Site]) -> None:
    site = crm("{name: last, type: last_timestamp, table: crm_lead, column: created_at}")
    site.put("2026-06/Leads.csv", leads(3, Created="2027-06-02 10:00:00"))
    assert (one(site, "last_timestamp").status, one(site, "last_timestamp").code) == (
        "warn",
        "last_timestamp_ahead",
    )


def test_increments_are_compared_with_increments_and_not_with_the_first_export_of_all(
    crm: Callable[..., Site],
) -> None:
    site = crm()
    for month, n in (("2026-03", 400), ("2026-04", 20), ("2026-05", 24), ("2026-06", 10)):
        site.put(f"{month}/Leads.csv", leads(n).replace("2026-06", month))
    found = {r.file_path[4:11]: (r.status, r.code, r.previous) for r in results(site, "volume")}
    assert found == {
        "2026-03": ("not_assessed", "volume_first", None),
        "2026-04": ("not_assessed", "volume_after_first", "400"),
        "2026-05": ("pass", "volume", "20"),
        "2026-06": ("warn", "volume", "24"),
    }
    two = crm()
    for month, n in (("2026-05", 400), ("2026-06", 20)):
        two.put(f"{month}/Leads.csv", leads(n).replace("2026-06", month))
    assert [r.status for r in results(two, "volume") if "2026-06" in r.file_path] == ["warn"], (
        "nothing else to go by"
    )


def test_older_deliveries_only_tell(crm: Callable[..., Site]) -> None:
    site = crm("{name: size, type: volume, file: leads, max_drop: 0.2, level: error}")
    for month, n in (("2026-04", 50), ("2026-05", 10), ("2026-06", 50)):
        site.put(f"{month}/Leads.csv", leads(n).replace("2026-06", month))
    found = {(r.file_path, r.level, r.status) for r in results(site, "volume") if r.control == "size"}
    assert sorted(found) == [
        ("crm/2026-04/Leads.csv", "info", "not_assessed"),
        ("crm/2026-05/Leads.csv", "info", "warn"),
        ("crm/2026-06/Leads.csv", "error", "pass"),
    ]


@pytest.mark.audit("CO6")
def test_a_key_that_tells_no_records_apart_and_records_without_required_values(
    crm: Callable[..., Site],
) -> None:
    site = crm()
    rows = [line.split(",", 1)[1] for line in leads(40).splitlines()[1:]]
    site.put("2026-06/Leads.csv", LEAD_HEADER + "".join(f"0,{row}\n" for row in rows))
    assert (one(site, "key").status, one(site, "key").n_failed) == ("warn", 39)
    other = crm()
    other.put("2026-06/Leads.csv", leads(40, Id=""))
    found = {r.kind: r for r in results(other)}
    assert (found["required"].status, found["required"].n_failed) == ("warn", 1)
    assert (found["key"].status, found["key"].n_failed) == ("pass", 0)


@pytest.mark.audit("FD7")
def test_a_delivery_older_than_the_deadline_of_its_contract_is_late(crm: Callable[..., Site]) -> None:
    site = crm()
    site.put("2026-04/Leads.csv", leads(30).replace("2026-06", "2026-04"))
    assert [(r.status, r.measured) for r in results(site, "freshness")] == [("warn", "61")]
    site.put("2026-06/Leads.csv", leads(31))
    assert [(r.status, r.measured) for r in results(site, "freshness")] == [("pass", "0")]


# ---------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("check", "code", "words"),
    [
        ("{name: a, type: unique, table: crm_leed, columns: [email]}", "E-ING-160", "crm_lead"),
        ("{name: a, type: unique, table: crm_lead, columns: [emial]}", "E-ING-160", "email"),
        ("{name: a, type: unique, table: crm_lead, colums: [email]}", "E-ING-104", "columns"),
        ("{name: a, type: unike, table: crm_lead, columns: [email]}", "E-ING-105", "unique"),
        ("{name: a, type: volume, file: leeds, max_drop: 0.1}", "E-ING-160", "leads"),
        ("{name: a, type: condition, table: crm_lead, must: \"emial is null\"}", "E-ING-160", "email"),
        ("{name: a, type: condition, table: crm_lead, must: \"email in (select 1)\"}", "E-ING-108", "subquery"),
        ("{name: a, type: condition, table: crm_lead, must: \"read_text('x') = ''\"}", "E-ING-108", "read_text"),
        ("{name: a, type: condition, table: crm_lead, must: \"created_at + 'x' > 1\"}", "E-ING-108", ""),
        ("{name: a, type: clock, table: crm_lead, column: email, epoch: score}", "E-ING-161", "timestamp"),
        ("{name: a, type: clock, table: crm_lead, column: created_at}", "E-ING-105", "epoch"),
        ("{name: a, type: order, table: crm_lead, earlier: created_at, later: modified_at, tolerance_s: 3}",
         "E-ING-105", "tolerance_s"),
        ("{name: a, type: orphan, table: crm_lead, column: owner_id, references: {contract: crm_usr}}",
         "E-ING-160", "crm_user"),
        ("{name: a, type: range, table: crm_lead, column: created_at, min: 3}", "E-ING-161", "date"),
        ("{name: a, type: volume, file: leads, max_drop: 0.1}\n  - {name: a, type: volume, file: leads, max_drop: 0.2}",
         "E-ING-161", "twice"),
    ],
)  # fmt: skip
def test_a_check_that_measures_nothing_is_refused_with_the_nearest_name(
    crm: Callable[..., Site], check: str, code: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        crm(check).collect()
    assert raised.value.problem.code == code and words in str(raised.value)


def test_every_sentence_stands_in_both_languages_with_the_same_places(crm: Callable[..., Site]) -> None:
    texts = sentences()
    assert texts["fr"].keys() == texts["en"].keys()
    for code, text in texts["en"].items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", texts["fr"][code])), code
    site = crm(EPOCH, "{name: filled, type: completeness, table: crm_lead, column: email, min: 0.95}")
    site.put("2026-06/Leads.csv", leads(30, Email=""))
    site.put("2026-06/Calls.csv", calls("Asia/Tokyo"))
    said = {
        r.control: (sentence(r.code, r.params, "en"), sentence(r.code, r.params, "fr")) for r in results(site)
    }
    assert said["filled"][0] == "email of crm_lead is filled in 96.67% of 30 rows (at least 95%)."
    assert said["filled"][1] == "email de crm_lead est rempli dans 96,67 % de 30 lignes (au moins 95 %)."
    assert "Asia/Tokyo" in said["zone"][0] and "+7 h" in said["zone"][0]
    for each in results(site):
        assert " - " not in sentence(each.code, each.params, "en"), each


# ---------------------------------------------------------------- what a control never does

ROW = st.tuples(
    st.integers(0, 6), st.sampled_from(["", "a@b.fr", "c@d.fr"]), st.sampled_from(["Open", "Won", "?"]),
    st.integers(1, 28), st.integers(1, 28), st.sampled_from(["U1", "U9", ""]),
)  # fmt: skip
ALL_CHECKS = (
    "{name: a, type: unique, table: crm_lead, columns: [email]}",
    "{name: b, type: completeness, table: crm_lead, column: email, min: 1, level: error}",
    "{name: c, type: order, table: crm_lead, earlier: created_at, later: modified_at, level: error}",
    "{name: d, type: condition, table: crm_lead, must: \"is_converted = (status = 'converted')\", level: error}",
    "{name: e, type: orphan, table: crm_lead, column: owner_id, references: {contract: crm_user}, level: error}",
    "{name: f, type: constant, table: crm_lead, column: owner_id, min_rows: 1}",
    "{name: g, type: hours, table: crm_lead, column: created_at, min_rows: 1}",
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=12))
def test_no_control_changes_a_row(crm: Callable[..., Site], rows: list[tuple[Any, ...]]) -> None:
    text = LEAD_HEADER + "".join(
        f"L{key},{mail},{status},2026-06-{created:02d} 10:00:00,2026-06-{modified:02d} 10:00:00,{owner}\n"
        for key, mail, status, created, modified, owner in rows
    )
    states = []
    for checks in ((), ALL_CHECKS):
        site = crm(*checks)
        site.put("2026-06/Leads.csv", text)
        site.put("2026-06/Users.csv", "Id,Name\nU1,One\n")
        site.collect()
        states.append(site.state())
    assert states[0] == states[1]


def test_results_are_computed_again_only_when_something_changed(crm: Callable[..., Site]) -> None:
    site = crm(EPOCH)
    site.put("2026-06/Calls.csv", calls("Europe/Paris"))
    site.collect()
    marker = site.root / "work" / "collect" / "controls.json"
    before = marker.stat().st_mtime_ns
    site.collect()
    assert marker.stat().st_mtime_ns == before
    mapping = site.root / "mapping.yml"
    mapping.write_text(mapping.read_text().replace("name: zone", "name: clock_of_the_pbx"))
    report = site.collect()
    assert report.landed == ()  # a check changes no row
    assert one(site, "clock").control == "clock_of_the_pbx"
    failing = site.root / "work" / "collect" / "control_failures.parquet"
    failing.write_bytes(b"damaged")
    assert "work/collect/control_failures.parquet" in site.collect().repaired


def test_without_checks_the_simple_site_has_results_too(tmp_path: Path) -> None:
    site = Site(tmp_path / "site", LEADS)
    site.put("2026-06/Leads.csv", "Id,Email,Status,Created,Name\n1,a@b.fr,Open,2026-06-01 10:00:00,A\n")
    assert {each.kind for each in results(site)} >= {"volume", "required", "delivered_for_cycle"}
