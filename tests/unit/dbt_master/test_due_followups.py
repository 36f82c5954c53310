"""Which open leads have a step of their sequence due and not done: PB2 asks for days 1, 3, 5, 8, 12 and 14."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from conftest import built
from planted import OWN, at
from test_contact_edges import Rows

#: 2026-07-01 00:00 in Paris, the first instant after the cycle.
AS_OF = at("2026-06-30 22:00:00")


def _created(age_days: int) -> datetime:
    return AS_OF - timedelta(days=age_days) + timedelta(hours=8)


@pytest.mark.audit("PB20", "PB2")
def test_a_lead_is_due_from_the_day_of_a_step_until_it_is_touched(tmp_path) -> None:
    rows = Rows()

    def lead(name: str, age_days: int, touched: tuple[int, ...] = (), **other: object) -> None:
        rows.person(name, created_at=_created(age_days), **other)
        rows.call(
            name, *(_created(age_days) + timedelta(days=day, hours=1) for day in touched), answered=True
        )

    lead("today", 1)  # the first step is due on this very day
    lead("fresh", 0)  # nothing is due yet
    lead("kept", 9, (1, 2, 6, 7))  # each step within a day of its own, the day before or after included
    lead("late", 9, (1, 8))  # days 3 and 5 were left out
    lead("never", 14)  # the last day of the window
    lead("over", 15)  # judged by the sequences that are over
    lead("gone", 9, status="disqualified")
    lead("won", 9, status="converted", is_converted=True, converted_at=_created(2))
    lead("refuses", 9, call_opt_out=True)
    lead("listed", 9)
    rows.listed("listed", "vip", None, "2026-06-01")
    lead("back", 9)  # what was refused and taken back forbids nothing
    rows.consent("back", "email", "opt_out", at("2026-06-01 08:00:00"))
    rows.consent("back", "email", "opt_in", at("2026-06-15 08:00:00"))
    lead("says_no", 9)
    rows.consent("says_no", "call", "opt_out", at("2026-06-28 08:00:00"))
    con = built(
        tmp_path / "work",
        {
            "crm_user": [{"source_record_id": "u1", "full_name": "Ana", "email": f"ana@{OWN}",
                          "phone_extension": "201", "timezone": "Europe/Paris"}],
            "crm_lead": rows.leads, "telephony_call_leg": rows.calls, "crm_consent": rows.consents,
        },
        "+dq_due_followups", timezone="Europe/Paris", as_of=str(AS_OF), same_account=[], same_person=[],
        exclusions=rows.lists,
    )  # fmt: skip
    with con:
        found = con.execute(
            "select split_part(x.record_key, '/', 3), template_code, n_steps_due, n_steps_done, days_late,"
            " last_touch_on, is_contactable, next_slot_at from quality_dbt.dq_due_followups as due"
            " inner join master.fct_leads as leads using (lead_id)"
            " inner join master.xref_persons as x on leads.person_id = x.person_id where x.contract = 'crm_lead'"
            " order by 1"
        ).fetchall()
    assert found == [
        ("back", "PB2", 4, 0, 8, None, True, AS_OF),
        ("late", "PB2", 4, 2, 6, date(2026, 6, 30), True, AS_OF),
        ("listed", "PB2", 4, 0, 8, None, False, None),
        ("never", "PB2", 6, 0, 13, None, True, AS_OF),
        ("today", "PB2", 1, 0, 0, None, True, AS_OF),
    ]
