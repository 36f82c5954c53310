"""What depends on dates: retention, the month a file tells of, copies that come again, versions of looked-up files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from company_site import LEAD_HEADER, LEADS, Site

from ingest.errors import ConfigurationError
from ingest.mapping import build_mapping
from ingest.strict_yaml import read_yaml

KEPT = (
    "SELECT source_record_id, last_name FROM raw.crm_lead r ANTI JOIN collect.dispositions "
    "USING (_delivery_id, _source_row_id) ORDER BY ALL"
)


def row(key: str, created: str, name: str = "Ann", email: str = "a@x.fr") -> str:
    return f"{key},{email},Open,{created},{name}\n"


def with_retention(days: int, column: str = "created_at") -> str:
    return LEADS.replace(
        "    from: leads\n", f"    from: leads\n    retention: {{days: {days}, column: {column}}}\n"
    )


def cycle(site: Site, month: str) -> None:
    file = site.root / "company.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(text[text.index("cycle: ") :][:14], f"cycle: {month}"), encoding="utf-8")


@pytest.mark.audit("CP4")
def test_records_older_than_their_retention_are_suppressed_and_counted(site: Callable[..., Site]) -> None:
    # as_of of June is 2026-06-30 22:00 UTC (midnight of 1 July in Paris); 30 days before it is 31 May 22:00 UTC.
    one = site(with_retention(30))
    lines = [
        row("1", "2026-05-31 23:59:59"),
        row("2", "2026-06-01 00:00:00"),
        row("3", "no date", email="bad"),
    ]
    one.put("2026-06/Leads.csv", LEAD_HEADER + "".join(lines))
    report = one.collect()
    assert report.imbalances == ()
    assert [r[0] for r in one.rows(KEPT)] == ["2", "3"]
    assert one.rows("SELECT disposition, reason_code FROM collect.dispositions") == [
        ("suppressed", "retention_expired")
    ]
    terms = dict(one.rows("SELECT name, value FROM collect.ledger_terms WHERE term = 'C'"))
    assert terms == {
        "records_in": 3, "kept": 2, "quarantined": 0, "excluded": 0, "exact_duplicate": 0, "superseded": 0,
        "suppressed": 1,
    }  # fmt: skip
    assert [fate.fate_code for fate in one.fates("1")] == ["suppressed"]


def test_suppression_follows_the_cycle_and_not_the_clock(site: Callable[..., Site]) -> None:
    one = site(with_retention(30))
    one.put("2026-06/Leads.csv", LEAD_HEADER + row("1", "2026-06-02 10:00:00"))
    one.collect()
    assert one.rows(KEPT) == [("1", "Ann")]
    before = one.state()
    cycle(one, "2026-07")
    report = one.collect()
    assert (report.landed, report.changed, one.rows(KEPT)) == ((), True, [])
    cycle(one, "2026-06")
    one.collect()
    assert one.state() == before


def test_the_newest_version_is_judged_and_the_journal_does_not_quote_suppressed_records(
    site: Callable[..., Site],
) -> None:
    one = site(with_retention(30))
    one.put("2026-04/Leads.csv", LEAD_HEADER + row("1", "2026-04-02 10:00:00", email="secret.name"))
    one.put("2026-06/Leads.csv", LEAD_HEADER + row("1", "2026-06-02 10:00:00"))
    one.collect()
    assert one.rows("SELECT disposition FROM collect.dispositions") == [("superseded",)]
    assert one.rows("SELECT count(*) FROM collect.changes") == [(1,)]
    cycle(one, "2026-08")
    one.collect()
    assert one.rows("SELECT disposition FROM collect.dispositions ORDER BY 1") == [
        ("superseded",),
        ("suppressed",),
    ]
    two = site(with_retention(30), name="two")
    two.put("2026-04/Leads.csv", LEAD_HEADER + row("1", "2026-04-02 10:00:00", email="secret.name"))
    two.collect()
    assert two.rows("SELECT * FROM collect.changes") == []


def test_no_version_of_an_expired_record_is_quoted(site: Callable[..., Site]) -> None:
    one = site(with_retention(30))
    one.put("2026-03/Leads.csv", LEAD_HEADER + row("1", "2026-04-02 10:00:00", email="first.secret"))
    one.put(
        "2026-04/Leads.csv",
        LEAD_HEADER
        + row("1", "no.date.secret", email="second.secret")  # a version without a date
        + row("1", "2026-04-03 10:00:00", email="third.secret")
        + row("", "2026-04-02 10:00:00", email="keyless.secret")  # set aside, and too old by its own date
        + row("2", "2026-04-02 10:00:00", email="kept.before")
        + row("", "2026-06-20 10:00:00", email="keyless.now"),
    )
    one.put(
        "2026-06/Leads.csv", LEAD_HEADER + row("1", "2026-04-04 10:00:00") + row("2", "2026-06-20 10:00:00")
    )
    report = one.collect()
    assert report.imbalances == ()
    assert one.rows("SELECT value_before FROM collect.changes ORDER BY 1") == [
        ("kept.before",),
        ("keyless.now",),
    ]
    found = [p for p in (one.root / "work" / "collect").rglob("*.parquet") if b"secret" in p.read_bytes()]
    assert found == []


@pytest.mark.parametrize("column", ["create_at", "email", "converted_at"])
def test_a_retention_needs_a_date_that_the_table_fills(tmp_path: Path, column: str) -> None:
    (tmp_path / "m.yml").write_text(with_retention(30, column), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="retention"):
        build_mapping("m", read_yaml(tmp_path / "m.yml"))


def missed(one: Site) -> Any:
    return one.rows(
        "SELECT status, measured FROM collect.control_results WHERE control = 'delivered_for_cycle'"
    )


def test_a_file_dated_after_its_month_counts_for_the_month_it_tells_of(site: Callable[..., Site]) -> None:
    text = LEADS.replace('path: "{date}/Leads.csv"', 'path: "leads_{date}.csv"\n    KEY')
    for key, status in {"required: true": "warn", "covers: previous_month": "pass"}.items():
        one = site(text.replace("KEY", key), name=status)
        one.put("leads_2026-07-01.csv", LEAD_HEADER + row("1", "2026-06-02 10:00:00"))
        one.collect()
        assert missed(one) == [(status, "2026-07-01")]
    late = site(text.replace("KEY", "covers: previous_month"), name="late")
    late.put("leads_2026-06-30.csv", LEAD_HEADER + row("1", "2026-05-02 10:00:00"))  # tells of May
    late.collect()
    assert missed(late) == [("warn", "2026-06-30")]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_content_that_comes_back_is_the_newest_again(
    site: Callable[..., Site], order: tuple[int, ...]
) -> None:
    first, second = (LEAD_HEADER + row("1", "2026-04-01 10:00:00", name) for name in ("Ann", "Bob"))
    contents = [("2026-04/Leads.csv", first), ("2026-05/Leads.csv", second), ("2026-06/Leads.csv", first)]
    one = site(name="one")
    for at in order:
        one.put(*contents[at])
        one.collect()
    assert one.rows(KEPT) == [("1", "Ann")]
    assert one.rows("SELECT DISTINCT delivered_on FROM raw.crm_lead ORDER BY 1") == [
        (dt.date(2026, 4, 30),), (dt.date(2026, 5, 31),),
    ]  # fmt: skip
    assert not one.collect().changed


OWNERS = LEADS.replace(
    "      last_name: Name\n", "      last_name: {lookup: {file: users, match: {Id: Name}, value: Name}}\n"
).replace(
    "tables:",
    '  users: {path: "{date}/Users.csv", format: delimited, delimiter: ",", expected_columns: [2] KEY}\ntables:',
)


def test_lookups_read_the_file_of_their_date_or_the_newest_one(site: Callable[..., Site]) -> None:
    for key, wanted in {"": ["Old", "New"], ", lookup_version: newest": ["New", "New"]}.items():
        one = site(OWNERS.replace(" KEY", key), name="newest" if key else "same")
        for month, name in (("2026-05", "Old"), ("2026-06", "New")):
            one.put(f"{month}/Users.csv", f"Id,Name\nu,{name}\n")
            one.put(f"{month}/Leads.csv", LEAD_HEADER + row(month, "2026-04-01 10:00:00", "u"))
        one.collect()
        assert [
            r[0] for r in one.rows("SELECT last_name FROM raw.crm_lead ORDER BY source_record_id")
        ] == wanted


def test_a_file_may_lie_at_several_paths(site: Callable[..., Site]) -> None:
    one = site(LEADS.replace('path: "{date}/Leads.csv"', 'path: ["{date}/Leads.csv", "Pistes_{date}.csv"]'))
    one.put("2026-06/Leads.csv", LEAD_HEADER + row("1", "2026-06-01 10:00:00"))
    one.put("Pistes_2026-05.csv", LEAD_HEADER + row("2", "2026-05-01 10:00:00"))
    one.put("pistes_2026-04.csv", LEAD_HEADER + row("3", "2026-04-01 10:00:00"))
    report = one.collect()
    assert [refusal.problem.code for refusal in report.refusals] == ["E-ING-018"]
    assert one.rows("SELECT source_record_id, delivered_on FROM raw.crm_lead ORDER BY 1") == [
        ("1", dt.date(2026, 6, 30)), ("2", dt.date(2026, 5, 31)),
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="either every path"):
        leads = {"path": ["{date}/a.csv", "b.csv"], "format": "parquet"}
        build_mapping("m", {**read_yaml(one.root / "mapping.yml"), "files": {"leads": leads}})
