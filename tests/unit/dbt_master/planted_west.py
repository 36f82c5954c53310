"""A company in New York as raw rows: what a day is there, and what the CRM gives by the day only.

What does NOT belong here: building the warehouse (conftest.py).
"""

from __future__ import annotations

from decimal import Decimal

from planted import at


def _lead(name: str, created_at: str, converted_on: str | None = None, **values: object) -> dict:
    row = {"source_record_id": name, "email": f"{name}@client.example", "created_at": at(created_at)}
    row |= {"status": "converted" if converted_on else "new", "is_converted": converted_on is not None}
    if converted_on:
        row |= {"converted_at": at(converted_on), "converted_at_precision": "day"}
    return row | values


ROWS: dict[str, list[dict]] = {
    "crm_lead": [
        # 02:00 UTC is 22:00 of the day before in New York
        _lead("evening", "2026-05-05 02:00:00", "2026-05-04"),
        _lead("noon", "2026-05-04 16:00:00", "2026-05-04"),
        _lead("too_early", "2026-05-05 16:00:00", "2026-05-04"),
        _lead("day_30", "2026-05-05 02:00:00", "2026-06-03"),
        _lead("day_31", "2026-05-05 02:00:00", "2026-06-04"),
        _lead("timed", "2026-05-05 02:00:00", "2026-05-05 01:59:59", converted_at_precision="second"),
        _lead("by_day", "2026-05-04", created_at_precision="day"),
        _lead("may", "2026-06-01 02:00:00"),  # 31 May, 22:00
        _lead("june", "2026-07-01 02:00:00"),  # 30 June, 22:00: before as_of
        _lead("july", "2026-07-01 04:00:00"),  # 1 July, 00:00: as_of
    ],
    "crm_opportunity": [
        {"source_record_id": "o1", "stage": "Won", "stage_code": "won", "status": "won",
         "amount": Decimal(10), "currency": "EUR", "created_at": at("2026-06-01 02:00:00"),
         "closed_at": at("2026-05-31"), "closed_at_precision": "day"},
        {"source_record_id": "o2", "stage": "Lost", "stage_code": "lost", "status": "lost",
         "amount": Decimal(10), "currency": "EUR", "created_at": at("2026-05-02 15:00:00"),
         "closed_at": at("2026-07-01 03:59:59")},
    ],
    "crm_activity": [
        # logged on the day of creation, without a time: a contact, not one before the creation
        {"source_record_id": "x1", "activity_type": "email", "person_type": "lead", "person_id": "noon",
         "occurred_at": at("2026-05-04"), "occurred_at_precision": "day"},
        {"source_record_id": "x2", "activity_type": "email", "person_type": "lead", "person_id": "day_31",
         "occurred_at": at("2026-06-04"), "occurred_at_precision": "day"},
        {"source_record_id": "x3", "activity_type": "email", "person_type": "lead", "person_id": "too_early",
         "occurred_at": at("2026-05-04"), "occurred_at_precision": "day"},
        {"source_record_id": "x4", "activity_type": "email", "person_type": "lead", "person_id": "by_day",
         "occurred_at": at("2026-05-04 20:00:00")},
        {"source_record_id": "x5", "activity_type": "email", "person_type": "lead", "person_id": "evening",
         "occurred_at": at("2026-05-05 03:00:00")},
    ],
    "email_event": [
        {"source_record_id": f"m{n}", "message_id": f"m{n}", "recipient_email": "a@else.example",
         "event_type": "sent", "occurred_at": at(when), "is_automated": True}
        for n, when in enumerate(["2026-06-01 03:59:59", "2026-06-01 04:00:00", "2026-07-01 03:59:59"])
    ],
}  # fmt: skip
