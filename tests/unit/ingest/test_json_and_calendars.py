from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest
from company_site import Site

from ingest.errors import ConfigurationError
from ingest.json_reading import path_steps

EVENTS = """
version: 1
source: {system: mailer}
files:
  events:
    path: "{date}/events.jsonl"
    format: jsonl
    fields: {id: sg_event_id, mail: "$.user.email", kind: event, at: timestamp, tags: category, first:
    "category[0]", smtp: '$."smtp-id"'}
tables:
  email_event:
    from: events
    columns:
      source_record_id: id
      message_id: smtp
      campaign_id: first
      recipient_email: mail
      event_type: {source: kind, map: {open: opened}}
      occurred_at: {source: at, type: epoch_s}
      reason: tags
"""


def event(i: int, **more: object) -> str:
    item = {"sg_event_id": f"e{i}", "user": {"email": f"U{i}@x.fr"}, "event": "open",
            "timestamp": 1700000000 + i,
            "category": ["a", "b"], "smtp-id": f"<{i}@y>"} | more  # fmt: skip
    return json.dumps(item) + "\n"


def rows(site: Site) -> list[tuple]:
    return site.rows(
        "SELECT _source_row_id, source_record_id, message_id, campaign_id, recipient_email, occurred_at, "
        "reason "
        "FROM raw.email_event ORDER BY 1"
    )


@pytest.mark.audit("CO1")
def test_json_lines_give_declared_fields_and_physical_lines(site: Callable[..., Site]) -> None:
    where = site(EVENTS.replace("format: jsonl", "format: jsonl\n    final_newline: optional"))
    where.put(
        "2026-06/events.jsonl", event(1) + "\n" + event(2, category="solo", event="opened").rstrip("\n")
    )
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert rows(where) == [
        (1, "e1", "<1@y>", "a", "u1@x.fr", dt.datetime(2023, 11, 14, 22, 13, 21), '["a","b"]'),
        (3, "e2", "<2@y>", None, "u2@x.fr", dt.datetime(2023, 11, 14, 22, 13, 22), "solo"),
    ]
    assert where.rows(
        "SELECT reader, n_physical_lines, n_blank_lines, n_records FROM collect.deliveries"
    ) == [("fast", 3, 1, 2)]


@pytest.mark.parametrize("cut", [2, 20])
def test_json_lines_cut_within_the_last_one_are_refused(site: Callable[..., Site], cut: int) -> None:
    where = site(EVENTS)
    where.put("2026-06/events.jsonl", (event(1) + event(2))[:-cut])
    (refusal,) = where.collect().refusals
    assert refusal.problem.code == "E-ING-003" and "last line is 2" in refusal.problem.text("what")
    assert where.rows("SELECT * FROM raw.email_event") == []


@pytest.mark.parametrize("end", ["", " ", "\n  "])
def test_json_lines_whose_last_one_is_whole_need_no_newline(site: Callable[..., Site], end: str) -> None:
    where = site(EVENTS)
    where.put("2026-06/events.jsonl", (event(1) + event(2)).rstrip("\n") + end)
    assert where.collect().refusals == ()
    assert [row[1] for row in rows(where)] == ["e1", "e2"]
    asked = site(EVENTS.replace("format: jsonl", "format: jsonl\n    final_newline: required"), name="asked")
    asked.put("2026-06/events.jsonl", (event(1) + event(2)).rstrip("\n") + end)
    (refusal,) = asked.collect().refusals
    assert refusal.problem.code == "E-ING-003"


@pytest.mark.parametrize(
    "bad",
    [
        '{"a":',
        "null",
        "[1]",
        "5",
        '{"a":1} x',
        "not json",
        '{"sg_event_id":"x"',
        "  \x00{}",
        '{"a":1}{"b":2}',
    ],
)
def test_a_line_that_is_no_object_is_quarantined_and_costs_no_neighbour(
    site: Callable[..., Site], bad: str
) -> None:
    where = site(EVENTS)
    where.put("2026-06/events.jsonl", event(1) + bad + "\n" + event(2))
    report = where.collect()
    assert report.kept == 2 and not report.imbalances
    assert where.rows("SELECT _source_row_id, reason_code FROM collect.quarantine_lines") == [
        (2, "not_a_json_object")
    ]
    assert [r[0] for r in rows(where)] == [1, 3]


def test_fast_and_strict_json_readers_give_identical_rows(site: Callable[..., Site]) -> None:
    lines = (
        event(1)
        + event(2, category="é\u2028x")
        + event(3, category=None)
        + event(4, user={}, timestamp="1700000004")
    )
    fast, strict = site(EVENTS, name="fast"), site(EVENTS, name="strict")
    fast.put("2026-06/events.jsonl", lines)
    strict.put("2026-06/events.jsonl", lines + "bad\n")
    fast.collect()
    strict.collect()
    assert rows(fast) == rows(strict)
    assert [s.rows("SELECT reader FROM collect.deliveries")[0][0] for s in (fast, strict)] == [
        "fast",
        "strict",
    ]


def test_an_array_of_objects_is_read_and_other_elements_are_quarantined(site: Callable[..., Site]) -> None:
    where = site(EVENTS.replace("jsonl", "json"))
    where.put("2026-06/events.json", "[" + event(1).strip() + ",\n7,\n" + event(2).strip() + "]")
    report = where.collect()
    assert report.kept == 2 and not report.imbalances
    assert where.rows("SELECT _source_row_id, raw_line FROM collect.quarantine_lines") == [(2, "7")]
    where.put("2026-07/events.json", '[{"a": 1}')
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-013"]


def test_json_paths() -> None:
    assert path_steps("$.user.email", "") == ["user", "email"]
    assert path_steps('$."smtp-id"[2].x', "") == ["smtp-id", 2, "x"]
    for wrong in ("", "$", "[0]", 'a."b'):
        with pytest.raises(ConfigurationError):
            path_steps(wrong, "")


CALENDAR = """
version: 1
source: {system: cal}
defaults: {timezone: Europe/Paris}
files:
  meetings: {path: "*.ics", format: ics}
tables:
  calendar_event:
    from: meetings
    stream: events
    columns:
      source_record_id: {expr: "\\"UID\\" || coalesce('/' || \\"RECURRENCE-ID\\", '')"}
      uid: UID
      recurrence_id: RECURRENCE-ID
      organizer_email: ORGANIZER
      starts_at: DTSTART
      ends_at: DTEND
      is_all_day: IS-ALL-DAY
      status: {source: STATUS, map: {"": confirmed, CONFIRMED: confirmed, CANCELLED: cancelled}}
      sequence: SEQUENCE
  calendar_attendee:
    from: meetings
    stream: attendees
    columns:
      source_record_id: {hash: [UID, ATTENDEE]}
      event_key: UID
      email: ATTENDEE
      response: {source: PARTSTAT, map: {"": none, ACCEPTED: accepted, NEEDS-ACTION: none}}
"""


def calendar(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{body}END:VCALENDAR\n".replace("\n", "\r\n")


@pytest.mark.audit("CO4")
def test_times_of_calendars_become_utc(site: Callable[..., Site]) -> None:
    where = site(CALENDAR)
    where.put(
        "a.ics",
        calendar(
            "UID:zone\nDTSTART;TZID=America/New_York:20260701T090000\nDURATION:PT90M",
            "UID:windows\nDTSTART;TZID=Romance Standard Time:20260701T090000\nDTEND;TZID=Romance "
            "Standard Time:20260701T100000",
            "UID:floating\nDTSTART:20260101T090000",
            "UID:day\nDTSTART;VALUE=DATE:20260701\nSTATUS:CANCELLED",
            "UID:utc\nRECURRENCE-ID:20260701T070000Z\nDTSTART:20260701T080000Z\nSEQUENCE:2",
        ),
    )
    report = where.collect()
    assert not report.refusals and not report.imbalances
    assert where.rows(
        "SELECT uid, starts_at, ends_at, is_all_day, status FROM raw.calendar_event ORDER BY _source_row_id"
    ) == [
        ("zone", dt.datetime(2026, 7, 1, 13), dt.datetime(2026, 7, 1, 14, 30), False, "confirmed"),
        ("windows", dt.datetime(2026, 7, 1, 7), dt.datetime(2026, 7, 1, 8), False, "confirmed"),
        ("floating", dt.datetime(2026, 1, 1, 8), None, False, "confirmed"),
        ("day", dt.datetime(2026, 7, 1), dt.datetime(2026, 7, 2), True, "cancelled"),
        ("utc", dt.datetime(2026, 7, 1, 8), None, False, "confirmed"),
    ]


def test_attendees_are_parts_of_their_event(site: Callable[..., Site]) -> None:
    where = site(CALENDAR)
    where.put(
        "a.ics",
        calendar(
            "UID:u1\nDTSTART:20260701T080000Z\nORGANIZER;CN=Ann:MAILTO:Ann@x.fr\n"
            'ATTENDEE;PARTSTAT=ACCEPTED;CN="Bob, jr":mailto:bob@y.fr\nATTENDEE:mailto:\n  carl@y.fr\n'
            "BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM"
        ),
    )
    where.collect()
    assert where.rows(
        "SELECT _source_row_id, _record_part, email, response FROM raw.calendar_attendee ORDER BY ALL"
    ) == [(1, 0, "bob@y.fr", "accepted"), (1, 1, "carl@y.fr", "none")]
    assert where.rows("SELECT organizer_email FROM raw.calendar_event") == [("ann@x.fr",)]


def test_a_broken_event_is_quarantined_with_its_lines_and_the_others_are_kept(
    site: Callable[..., Site],
) -> None:
    where = site(CALENDAR)
    text = calendar("UID:a\nDTSTART:20260701T080000Z", "UID:b\nDTSTART;;X:2026", "UID:c\nDTSTART:nonsense",
                    "UID:d\nDTSTART;TZID=Nowhere:20260701T080000",
                    "UID:e\nDTSTART:20260702T080000Z")  # fmt: skip
    where.put("a.ics", text.replace("UID:e", "UID:f\r\nBEGIN:VEVENT\r\nUID:e"))
    report = where.collect()
    assert report.kept == 2 and not report.imbalances
    assert where.rows("SELECT uid, _set_aside FROM raw.calendar_event ORDER BY 1") == [
        ("a", None), ("c", "required_value_invalid"), ("e", None),
    ]  # fmt: skip
    quarantined = where.rows("SELECT count(*), min(reason_code) FROM collect.quarantine_lines")
    assert quarantined == [(10, "broken_calendar_component")]


def test_a_calendar_of_one_unreadable_invitation_is_set_aside_and_not_refused(
    site: Callable[..., Site],
) -> None:
    where = site(CALENDAR)
    where.put("a.ics", calendar("UID:d\nDTSTART;TZID=Nowhere:20260701T080000"))
    report = where.collect()
    assert report.refusals == () and not report.imbalances
    assert where.rows("SELECT DISTINCT reason_code, detail FROM collect.quarantine_lines") == [
        ("broken_calendar_component", "unknown TZID Nowhere")
    ]


def test_a_calendar_cut_between_two_meetings_is_refused(site: Callable[..., Site]) -> None:
    where = site(CALENDAR)
    text = calendar("UID:a\nDTSTART:20260601T080000Z", "UID:b\nDTSTART:20260602T080000Z")
    head, _ = text.rsplit("BEGIN:VEVENT", 1)
    for cut, opened in ((head, 1), (text + head, len(text.splitlines()) + 1), (head + text, 1)):
        where.put("a.ics", cut)
        (refusal,) = where.collect().refusals
        assert refusal.problem.code == "E-ING-036"
        assert f"line {opened} is not closed" in refusal.problem.text("what")
        assert f"ligne {opened} n'est pas" in refusal.problem.text("what", "fr")
    assert where.rows("SELECT * FROM raw.calendar_event") == []
    where.put("a.ics", text)
    assert where.collect().refusals == ()


def test_a_file_that_is_no_calendar_is_refused(site: Callable[..., Site]) -> None:
    where = site(CALENDAR)
    where.put("a.ics", "Subject,Start\nx,y\n")
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-013"]


@pytest.mark.parametrize("depth", [1_200, 200_000])
def test_json_nested_too_deeply_is_refused_and_stops_nothing_else(
    site: Callable[..., Site], depth: int
) -> None:
    mapping = EVENTS.replace("events.jsonl", "events.json").replace("format: jsonl", "format: json")
    one = site(mapping)
    one.put("2026-05/events.json", json.dumps([json.loads(event(1))]))
    one.put("2026-06/events.json", '[{"sg_event_id": "e2", "category": ' + "[" * depth + "]" * depth + "}]")
    report = one.collect()
    assert [refusal.problem.code for refusal in report.refusals] == ["E-ING-013"]
    assert (report.records_in, report.imbalances) == (1, ())
    one.put("2026-05/events.json.manifest.json", "[" * depth + "]" * depth)
    assert "E-ING-017" in [refusal.problem.code for refusal in one.collect().refusals]


def test_a_mapping_nested_too_deeply_is_no_yaml_we_read(site: Callable[..., Site]) -> None:
    one = site(EVENTS + "x: " + "[" * 5_000 + "]" * 5_000 + "\n")
    with pytest.raises(ConfigurationError, match="E-ING-101"):
        one.collect()
