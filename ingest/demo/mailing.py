"""E-mailing: every message of the world and the SendGrid event webhook files (one JSON event per line).

What does NOT belong here: which messages are touches (touches.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY, Size, month_end, month_start, stream
from ingest.demo.writing import ExtractWriter

FOLDER = "mailing"
EVENTS_PER_MESSAGE = 2.75
BREACH_WEEKS = (20, 61)  # weeks since the first Monday in which complaints exceed 0.2 %
RESENT = ("2026-05", "2026-06")


def make_mails(scratch: Scratch, size: Size, seed: int) -> None:
    """Table mails: one row per message, with the second of each thing that happened to it (-1 = never)."""
    rng = stream(seed, "mails")
    own = scratch.arrays(
        "select touch, at_s, per, kind = 4 as bounced from touches where kind in (3, 4) order by touch"
    )
    n = len(own["touch"])
    u = rng.random(n)
    delivered = ~own["bounced"]
    opened = delivered & (u < 0.5)
    scratch.append("mails_raw", {
        "touch": own["touch"], "sent_s": own["at_s"], "per": own["per"], "is_bulk": np.zeros(n, dtype=bool),
        "week": np.full(n, -1),
        "fate": np.where(delivered, 0, np.where(rng.random(n) < 0.8, 1, 2)).astype(np.int8),
        "delivered_s": np.where(delivered, own["at_s"], -1),
        "open_s": _later(rng, own["at_s"], opened, 200, 2 * DAY),
        "machine_s": _later(rng, own["at_s"], delivered & (rng.random(n) < 0.2), 2, 20),
        "click_s": _later(rng, own["at_s"], opened & (u < 0.08), 3 * DAY, 4 * DAY),
        "scan_s": _later(rng, own["at_s"], delivered & (rng.random(n) < 0.01), 1, 3),
        "unsub_s": np.full(n, -1), "complaint_s": np.full(n, -1),
    })  # fmt: skip
    began = size.first_event_s
    monday = began - (began // DAY + 3) % 7 * DAY + 7 * DAY
    weeks = (AS_OF - monday) // (7 * DAY)
    people = scratch.arrays("select per, created, is_lead from persons where email is not null order by per")
    staff = people["per"][~people["is_lead"]]
    leads, created = people["per"][people["is_lead"]], people["created"][people["is_lead"]]
    wanted = max(0, (size.leads * size.mail_events_per_lead - n * 2.65) / EVENTS_PER_MESSAGE)
    per_week = max(12, int(wanted / weeks))
    for week in range(weeks):
        _campaign(
            scratch,
            stream(seed, f"campaign {week}"),
            week,
            monday + week * 7 * DAY + DAY + 9 * 3600,
            per_week,
            leads,
            created,
            staff,
            size,
        )
    scratch.run("""
        create or replace table mails as
        select row_number() over (order by sent_s, touch, per, fate, week) - 1 as mail, * from mails_raw
          order by mail;
        drop table mails_raw""")


def _later(
    rng: np.random.Generator, moment: np.ndarray, mask: np.ndarray, least: int, most: int
) -> np.ndarray:
    after = moment + rng.integers(least, most, len(moment))
    return np.where(mask & (after < AS_OF), after, -1)


def _campaign(
    scratch: Scratch, rng: np.random.Generator, week: int, start: int, n: int, leads: np.ndarray,
    created: np.ndarray, staff: np.ndarray, size: Size,
) -> None:  # fmt: skip
    reachable = int(np.searchsorted(created, start - DAY))
    pool = np.concatenate([leads[:reachable], staff])
    n = min(n, len(pool))
    per = rng.choice(pool, n, replace=False) if n < len(pool) else pool
    stranger = rng.random(n) < 0.02
    per = np.where(stranger, -1 - rng.permutation(n), per)
    sent = start + rng.integers(0, 7200, n)
    fate = np.where(stranger, 1, np.where(rng.random(n) < 0.012, 2, np.where(rng.random(n) < 0.006, 3, 0)))
    if week % 9 == 4:
        per, sent, fate = (
            np.r_[per, -1_000_000],
            np.r_[sent, start],
            np.r_[fate, 3],
        )  # a test message to ourselves
        n += 1
    delivered = fate == 0
    delivered_s = np.where(delivered, sent + rng.integers(1, 40, n), -1)
    share = 0.00025
    if week in BREACH_WEEKS:
        share = 0.03 if size.leads < 20_000 else 0.008
    complains = delivered & (rng.random(n) < share)
    if week in BREACH_WEEKS:
        complains[np.flatnonzero(delivered)[:2]] = True
    opened = delivered & (rng.random(n) < 0.32)
    scratch.append("mails_raw", {
        "touch": np.full(n, -1), "sent_s": sent, "per": per, "is_bulk": np.ones(n, dtype=bool),
        "week": np.full(n, week),
        "fate": fate.astype(np.int8), "delivered_s": delivered_s,
        "open_s": _later(rng, sent, opened, 300, 3 * DAY),
        "machine_s": _later(rng, sent, delivered & (rng.random(n) < 0.22), 2, 30),
        "click_s": _later(rng, sent, opened & (rng.random(n) < 0.15), 3 * DAY, 4 * DAY),
        "scan_s": _later(rng, sent, delivered & (rng.random(n) < 0.015), 41, 44),
        "unsub_s": _later(rng, sent, delivered & (rng.random(n) < 0.004), 600, 3 * DAY),
        "complaint_s": _later(rng, sent, complains, 600, 6 * DAY),
    })  # fmt: skip


_EVENTS = (
    # event, moment, condition, extra JSON, order
    ("processed", "sent_s", "fate <> 3", "", 0),
    ("dropped", "sent_s", "fate = 3", ',"reason":"Bounced Address"', 1),
    ("delivered", "delivered_s", "fate = 0", ',"response":"250 OK"', 2),
    ("bounce", "sent_s + 4", "fate = 1", ',"type":"bounce","status":"5.1.1","reason":"550 unknown user"', 3),
    ("bounce", "sent_s + 9", "fate = 2", ',"type":"blocked","status":"5.7.1","reason":"554 refused"', 4),
    (
        "click",
        "scan_s",
        "scan_s > 0",
        ',"useragent":"BarracudaCentral/1.0","url":"https://etalon-demo.example/a"',
        5,
    ),
    ("open", "machine_s", "machine_s > 0", ',"sg_machine_open":true,"useragent":"Mozilla/5.0"', 6),
    (
        "open",
        "open_s",
        "open_s > 0",
        ',"sg_machine_open":false,"useragent":"Mozilla/5.0 (Windows NT 10.0)"',
        7,
    ),
    (
        "click",
        "click_s",
        "click_s > 0",
        ',"useragent":"Mozilla/5.0 (Windows NT 10.0)","url":"https://etalon-demo.example/b"',
        8,
    ),
    ("unsubscribe", "unsub_s", "unsub_s > 0", "", 9),
    ("spamreport", "complaint_s", "complaint_s > 0", "", 10),
)


def write_mails(writer: ExtractWriter, size: Size) -> None:
    """events.jsonl of every month; one month is sent again, byte for byte, in the next folder."""
    for month in size.delivery_months:
        start = 0 if month == size.first_delivery else month_start(month)
        _write(writer, size, month, start, month_end(month))
    source = f"{FOLDER}/{RESENT[0]}/events.jsonl"
    writer.copy(source, f"{FOLDER}/{RESENT[1]}/events_resent.jsonl")


def _write(writer: ExtractWriter, size: Size, month: str, start: int, end: int) -> None:
    listed = str(size.lists_structural_rows).lower()
    pieces = " union all ".join(
        f"select mail, {moment} as at_s, {order} as kind from m "
        f"where {condition} and {moment} >= {start} and {moment} < {end}"
        for _, moment, condition, _, order in _EVENTS
    )
    events = ", ".join(f"'{event}'" for event, *_ in _EVENTS)
    extras = ", ".join(f"'{extra}'" for _, _, _, extra, _ in _EVENTS)
    broken = (
        f"union all select *, 2 from e where mail % {size.every(997)} = 5 and kind = 0"
        if month == "2026-05"
        else ""
    )
    models = "['d-first-mail', 'd-reminder', 'd-case-study'][cast(hash(mail * 29) % 3 as int) + 1]"
    template = ',"sg_template_id":"\' || ' + models + " || '\"" if size.has_sheets else ""
    event_id = "'e' || lpad(to_base(mail * 16 + kind, 36), 11, '0')"
    # Narrow rows are sorted first; the text is made afterwards, in order.
    query = f"""
      with m as (select * from mails where sent_s < {end} and sent_s >= {start - 10 * DAY}),
      e as ({pieces}),
      parts as (select *, 0 as part from e union all select *, 1 from e where (mail * 16 + kind) % 71 = 11
        {broken}),
      shown as (
        select e.mail, e.at_s, e.kind, e.part, m.per, m.is_bulk, m.week, coalesce(p.opt_out, false) as
          opt_out,
          case when m.per >= 0 then p.email when m.per = -1000000 then 'qa@etalon-demo.example'
            else 'ancien' || m.mail || '@liste-' || (-m.per % 5) || '.example' end as email,
          case when m.is_bulk then '' else coalesce(s.email, '') end as seller
        from parts e join m using (mail) left join persons p on p.per = m.per left join sellers s on s.seller
          = p.owner),
      ordered as (select * from shown order by at_s, mail, kind, part),
      text as (
        select *, {event_id} as key,
          '{{"email":"' || email || '","timestamp":' || at_s
            || ',"smtp-id":"<' || lpad(to_base(mail, 36), 8, '0')
          || '@mx.etalon-demo.example>","event":"' || [{events}][kind + 1]
          || case when is_bulk then '","category":["newsletter","bulk"]' else '","category":"cadence"{template}' end
          || ',"sg_event_id":"' || {event_id} || '","sg_message_id":"m' || lpad(to_base(mail, 36), 9, '0')
          || '.recvd-7d' || (kind % 3) || '.0"' || [{extras}][kind + 1]
          || case when is_bulk then ',"marketing_campaign_id":"MC' || code(week, 4) ||
            '"}}' else ',"seller":"' || seller || '"}}' end as whole
        from ordered)
      select case when part = 2 then left(whole, 60) else whole end as line, key,
        case part when 1 then '42' when 2 then '10' else nullif(concat_ws(',', case when {listed} and kind in
          (5, 6) then '41' end,
          case when kind in (9, 10) and per >= 0 and not opt_out then '43' end, case when per = -1000000 then
            '36' end), '') end as defects
      from text"""
    writer.write(f"{FOLDER}/{month}/events.jsonl", f"select line, defects, key from ({query})")
