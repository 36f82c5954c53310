"""Who may be contacted, why not and when: a second writing of the rules, asked at eight instants, and edges.

The rules are written here contact by contact from the method; the earliest slot is proved by looking at every quarter
of an hour before it. What does NOT belong here: breaches of the past (test_policy_and_reconciliation.py).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import planted
import planted_policy as company
import pytest
from conftest import built, write_settings
from planted import at

INSTANTS = (
    "2026-05-14 08:30:00",  # Ascension Day, a holiday
    "2026-05-29 21:59:59",
    "2026-06-12 12:00:00",
    "2026-06-30 22:00:00",
    "2026-07-11 05:10:00",
    "2026-08-12 15:00:00",  # consent is asked for from 11 August
    "2026-08-20 08:00:00",
    "2026-09-21 09:00:00",  # a Monday in the hours of consumers, a month after the last contact
)
ORDER = (
    *(
        "opt_out",
        "dispute",
        "no_reach",
        "manual_list",
        "vip_other_channel",
        "cool_down",
        "account_cap",
        "mail_cap",
    ),
    *("outside_hours", "consumer_cap", "consumer_hours", "consumer_opt_in", "zone_unknown", "no_legal_basis"),
    "no_contact_point",
)
FOR_GOOD = {"zone_unknown", "no_legal_basis", "no_contact_point", "consumer_opt_in"}
COLUMN = {"voice": "voice", "email": "mail", "social": "social"}
#: person -> lists in force: (list, channel left open, until)
LISTED = {
    "bert": [("vip_other_channel", "email", None)],
    "uri": [("no_reach", None, at("2026-06-30 22:00:00"))],
}


def _entry(n: int, subject: str, list_code: str, channel: str | None, first: str, last: str | None) -> dict:
    return {
        "decision_id": f"dec_{n}", "exclusion_id": f"exc_{n:012x}", "subject_key": subject, "list_code": list_code,
        "channel_code": channel, "valid_from": planted.on(first), "valid_to": planted.on(last) if last else None,
        "escalated_to": "sales_manager", "reason_code": "manager_decision", "author": "Ann", "status": "active",
        "decided_at": at("2026-01-01 08:00:00"),
    }  # fmt: skip


EXCLUSIONS = [
    _entry(1, "crm/crm_lead/bert", "vip", "email", "2026-04-01", None),
    _entry(2, "crm/crm_lead/uri", "no_reach", None, "2026-04-01", "2026-07-01"),
    _entry(3, "crm/crm_lead/nobody", "dispute", None, "2026-04-01", None),
    _entry(4, "crm/crm_lead/nina", "dispute", None, "2026-06-15", "2026-06-15"),  # ended before it began
    {**_entry(5, "crm/crm_lead/anne", "manual", None, "2026-04-01", None), "status": "replaced"},
]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contactability") / "work"
    built(
        folder, company.ROWS, "+dq_contactability", "+dq_escalations", "+dq_watch_weeks", "+dq_compliance",
        timezone=company.COMPANY_ZONE, as_of=company.AS_OF, same_account=company.SAME_ACCOUNT, same_person=[],
        exclusions=EXCLUSIONS,
    ).close()  # fmt: skip
    return folder


def _asked(work: Path, instant: str) -> dict[str, dict]:
    """Name of the lead -> its row at another as_of, by the compiled query of the model."""
    (compiled,) = (work / "target").rglob("compiled/**/dq_contactability.sql")
    query = compiled.read_text().replace('"warehouse".', "")
    settings = work / "run" / "settings.parquet"
    before = settings.read_bytes()
    settings.unlink()
    (work / "run").rename(work / "kept_run")
    try:
        write_settings(work, company.COMPANY_ZONE, instant)
        with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
            rows = con.execute(
                "select split_part(x.record_key, '/', 3) as name, found.* from"
                f" ({query}) as found"
                " inner join master.xref_persons as x using (person_id) where x.contract = 'crm_lead'"
            )
            names = [column[0] for column in rows.description]
            return {row[0]: dict(zip(names, row, strict=True)) for row in rows.fetchall()}
    finally:
        settings.unlink()
        (work / "run").rmdir()
        (work / "kept_run").rename(work / "run")
        settings.write_bytes(before)


def _reasons(person: company.Person, channel: str, moment: datetime, known: datetime) -> set[str]:
    """Every reason against a contact at `moment`, of which the state is known up to `known`."""
    found = set()
    for refusal in company.REFUSALS:
        binds = refusal.channel in ("all", channel)
        if refusal.person == person.name and binds and (refusal.until is None or moment < refusal.until):
            found.add("dispute" if person.name == "anne" else "opt_out")
    if person.name == "drap" and channel != "email":
        found.add("opt_out")  # by a flag without a date
    for reason, left_open, until in LISTED.get(person.name, ()):
        if channel != left_open and (until is None or known < until) and (until is None or moment < until):
            found.add(reason)
    past = [c for c in company.CONTACTS if c.moment < known]
    own = [c for c in past if c.person == person]
    paused_until = _paused_until(person, own, known)
    if paused_until and moment < paused_until:
        found.add("cool_down")

    def recent(contacts: list[company.Contact], span: timedelta) -> int:
        return sum(moment - span < c.moment for c in contacts)

    of_company = [c for c in past if c.person.company == person.company and not c.is_automated]
    if person.company and recent(of_company, timedelta(hours=48)) >= 2:
        found.add("account_cap")
    local = company._clock(moment, person.zone) if person.zone else None
    if channel == "email" and local:
        days = [company._clock(c.moment, person.zone).date() for c in own if c.channel == "email"]
        if days.count(local.date()) >= 2:
            found.add("mail_cap")
    if channel != "social" and local is None:
        found.add("zone_unknown")
    if channel != "social" and person.company and local:
        is_elsewhere = local.utcoffset() != company._clock(moment, company.COMPANY_ZONE).utcoffset()
        if is_elsewhere and not 9 <= local.hour < 17:
            found.add("outside_hours")
    if not person.company:
        needs_opt_in = company._clock(known, company.COMPANY_ZONE).date().isoformat() >= "2026-08-11"
        consented = company.OPT_IN.get(person.name, datetime.max) <= known
        if channel == "voice":
            allowed = any(since <= local.hour < until for since, until in ((10, 13), (14, 20)))
            if local.weekday() > 4 or local.date().isoformat() in company.HOLIDAYS or not allowed:
                found.add("consumer_hours")
            if recent([c for c in own if c.channel == "voice"], timedelta(days=30)) >= 4:
                found.add("consumer_cap")
            if needs_opt_in and not consented:
                found |= {"consumer_opt_in", "no_legal_basis"}
        else:
            found.add("no_legal_basis")
    return found


def _paused_until(person: company.Person, own: list[company.Contact], known: datetime) -> datetime | None:
    moments = sorted({(c.moment, 0) for c in own} | {(c.moment, 1) for c in own if c.answered}
                     | {(when, 1) for name, when in company.CAME if name == person.name and when < known})  # fmt: skip
    count, until = 0, None
    for moment, is_answer in moments:
        if is_answer:
            count, until = 0, None
        elif until is None or moment >= until:
            count = 1 if until is not None else count + 1
            until = moment + timedelta(days=7) if count == 5 else None
    return until


@pytest.mark.audit("DE9", "DE11", "DE12", "DE13", "DE18", "DE3", "CP1", "CP2")
@pytest.mark.parametrize("instant", INSTANTS)
def test_every_person_is_told_the_first_reason_and_the_earliest_slot(work: Path, instant: str) -> None:
    known, found = at(instant), _asked(work, instant)
    assert set(found) >= {person.name for person in company.PERSONS}
    for person in company.PERSONS:
        row = found[person.name]
        for channel, name in COLUMN.items():
            told = f"{person.name} {channel} {instant}"
            reasons = _reasons(person, channel, known, known)
            first = min(reasons, key=ORDER.index, default=None)
            assert (row[f"is_{name}_allowed"], row[f"{name}_reason_code"]) == (first is None, first), told
            slot = row[f"{name}_next_slot_at"]
            if slot is None:
                later = [known + timedelta(days=days) for days in (1, 30, 90, 200)]
                assert all(
                    _reasons(person, channel, each, known) - {"consumer_hours", "outside_hours"}
                    for each in later
                ), told
                continue
            assert slot >= known and not _reasons(person, channel, slot, known), told
            if slot > known:
                earlier = [
                    known + timedelta(minutes=15 * n)
                    for n in range(int((slot - known).total_seconds() // 900))
                ]
                for each in (*earlier, slot - timedelta(seconds=1)):
                    assert each < known or _reasons(person, channel, each, known), f"{told} {each}"


def test_the_planted_company_has_every_reason_somewhere(work: Path) -> None:
    seen = Counter(
        row[f"{name}_reason_code"]
        for instant in INSTANTS
        for row in _asked(work, instant).values()
        for name in COLUMN.values()
    )
    by_hand = {"manual_list", "no_contact_point", "mail_cap"}  # test_contact_edges.py
    assert set(seen) - {None} >= set(ORDER) - by_hand, seen
    assert seen[None] > 20


@pytest.mark.audit("DE12", "DE14")
def test_a_contact_by_another_channel_than_the_validated_one_is_a_breach(work: Path) -> None:
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        found = set(
            con.execute(
                "select touch_key, proof_at from quality_dbt.dq_contact_breaches where check_code = 'listed_contact'"
            ).fetchall()
        )
        listed = at("2026-03-31 22:00:00")  # the first instant of 1 April in Paris
        expected = {
            (c.key, listed)
            for c in company.CONTACTS
            if c.key in company.JUDGED
            and (
                (c.person.name == "bert" and c.channel == "voice")
                or (c.person.name == "uri" and c.moment < at("2026-06-30 22:00:00"))
            )
        }
        assert found == expected and len(expected) > 20
        rows = con.execute(
            "select right(exclusion_id, 1), subject_kind_code, n_contacts_outside, contacts_reason_code, is_in_force"
            " from quality_dbt.dq_escalations order by 1"
        ).fetchall()
        june = [
            c for c in company.CONTACTS if at("2026-05-31 22:00:00") <= c.moment < at("2026-06-30 22:00:00")
        ]
        calls = sum(c.person.name == "bert" and c.channel == "voice" for c in june)
        assert rows == [
            ("1", "person", calls, None, True),
            ("2", "person", sum(c.person.name == "uri" for c in june), None, False),
            ("3", "nobody", None, "subject_not_found", True),
        ]
        judged = con.execute(
            "select sum(n_breaches), sum(n_assessed) from quality_dbt.dq_compliance where check_code = 'listed_contact'"
        ).fetchone()
        assert judged[0] == len(expected) and judged[1] > judged[0]


@pytest.mark.audit("CP8")
def test_what_support_and_legal_watch_is_counted_by_week(work: Path) -> None:
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select cast(iso_week_start_on as varchar), kind_code, n_events from quality_dbt.dq_watch_weeks"
            " where iso_week_start_on >= date '2026-03-01' order by all"
        ).fetchall()
    assert rows == [
        ("2026-03-30", "dispute", 1),  # the entry about nobody counts: somebody said so
        ("2026-03-30", "listed", 2),
        ("2026-04-06", "opt_out", 1),
        ("2026-06-08", "opt_out", 1),
    ]
