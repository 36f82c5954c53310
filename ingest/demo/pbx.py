"""Telephony: every call of the world, and Asterisk's Master.csv (21 columns, no header, wall clock of Paris).

What does NOT belong here: which calls count as touches (touches.py) or how legs are folded (the pipeline).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import (
    DAY,
    Size,
    month_end,
    month_start,
    stream,
)
from ingest.demo.writing import ExtractWriter

FOLDER = "telephony"
Arrays = dict[str, np.ndarray]
OUT, IN, INTERNAL = 0, 1, 2
ANSWERED, NO_ANSWER, BUSY, FAILED, VOICEMAIL = range(5)
NOBODY, SWITCHBOARD, EXTENSION, CONFERENCE, HIDDEN = (
    -1,
    -2,
    -3,
    -4,
    -5,
)  # negative `per`: who is at the other end
LEGS_PER_CALL = 1.16
LATE_MONTH, LATE_FOLDER = "2026-04", "2026-06"
AUTUMN_NIGHT = 1761438600  # 2025-10-26 02:30 summer time in Paris; an hour later it is 02:30 again


def make_calls(scratch: Scratch, size: Size, seed: int) -> None:
    """Table calls: one row per call, `linked` = linkedid: the calls that are touches, and all others."""
    scratch.run(f"""
        create or replace table raw_calls as
        select touch, at_s, per, 0 as acc, p.owner as seller, case when kind = 2 then {IN} else {OUT} end as
          dir,
          talk_s as talk, 4 + touch * 7 % 19 as ring,
          case when talk_s > 0 then {ANSWERED} when touch % 6 = 1 then {BUSY} else {NO_ANSWER} end as outcome,
          case when touch % 9 = 2 then 2 when kind = 2 and touch % 5 = 1 then 2 else 1 end as legs
        from touches t join persons p using (per) where kind in (0, 1, 2)
        union all  -- an attempt that failed in the network is no touch
        select -1, at_s - 300, per, 0, p.owner, {OUT}, 0, 1, {FAILED}, 1 from touches t join persons p using
          (per)
        where kind in (0, 1) and touch % 23 = 4
        union all  -- the lead calls back and reaches the voice mailbox
        select -1, at_s + 3600, per, 0, p.owner, {IN}, 15 + touch % 60, 20, {VOICEMAIL}, 2 from touches t
          join persons p using (per)
        where kind = 1 and touch % 17 = 6""")
    known = scratch.arrays("select count(*) as n from raw_calls")["n"][0]
    wanted = size.leads * size.calls_per_lead / (LEGS_PER_CALL if size.name in ("tiny", "demo") else 1.0)
    months = size.event_months
    per_month = max(40, int((wanted - known) / len(months)))
    staff = scratch.arrays(
        "select per, owner from persons where not is_lead and own_phone is not null order by per"
    )
    scratch.run("""create or replace table called_switchboards as
        select acc, any_value(owner) as owner from persons
        where phone_kind = 2 and is_lead group by acc having count(*) >= 3 order by acc""")
    boards = scratch.arrays("select acc, owner from called_switchboards order by acc")
    for month in months:
        _other_calls(scratch, size, seed, month, per_month, staff, boards)
    scratch.run("""
        create or replace table calls as
        select row_number() over (order by at_s, touch, per, seller, talk, ring) as call_no, * from raw_calls
          order by call_no;
        alter table calls add column linked varchar;
        update calls set linked = at_s || '.' || (call_no * 4);
        drop table raw_calls""")


def _other_calls(
    scratch: Scratch, size: Size, seed: int, month: str, n: int, staff: Arrays, boards: Arrays
) -> None:
    rng = stream(seed, f"calls {month}")
    days = (month_end(month) - month_start(month)) // DAY
    at_s = month_start(month) + rng.integers(0, days, n) * DAY + rng.integers(7 * 3600, 16 * 3600, n)
    u = rng.random(n)
    person = rng.integers(0, max(1, len(staff["per"])), n)
    board = rng.integers(0, max(1, len(boards["acc"])), n)
    per = np.select(
        [u < 0.50, u < 0.58, u < 0.68, u < 0.71, u < 0.72],
        [0, SWITCHBOARD, EXTENSION, CONFERENCE, HIDDEN],
        NOBODY,
    )
    if len(boards["acc"]) == 0:
        per = np.where(per == SWITCHBOARD, NOBODY, per)
    seller = rng.integers(1, size.sellers - 1, n)
    seller = np.where(per == 0, staff["owner"][person], seller)
    acc = np.where(
        per == SWITCHBOARD, boards["acc"][board] if len(boards["acc"]) else 0, rng.integers(0, 1_000_000, n)
    )
    per = np.where(per == 0, staff["per"][person], per)
    direction = np.where(
        np.isin(per, (EXTENSION, CONFERENCE)),
        INTERNAL,
        np.where((rng.random(n) < 0.3) | (per == HIDDEN), IN, OUT),
    )
    outcome = rng.choice(4, n, p=[0.52, 0.36, 0.08, 0.04])
    outcome = np.where(
        (direction == IN) & (outcome >= BUSY), np.where(rng.random(n) < 0.5, VOICEMAIL, NO_ANSWER), outcome
    )
    outcome = np.where(per == CONFERENCE, ANSWERED, outcome)
    talk = np.where(
        np.isin(outcome, (ANSWERED, VOICEMAIL)), np.clip(rng.lognormal(4.7, 1.1, n), 1, 5000), 0
    ).astype(np.int64)
    legs = np.where(per == CONFERENCE, 1, np.where(rng.random(n) < 0.16, 2, 1))
    legs = np.where(outcome == VOICEMAIL, 2, legs)
    if month == "2025-10":
        at_s[:6], per[:6], direction[:6], outcome[:6], talk[:6] = (
            AUTUMN_NIGHT + np.arange(6) * 600,
            NOBODY,
            IN,
            ANSWERED,
            60,
        )
    columns = {
        "touch": np.full(n, -1), "at_s": at_s, "per": per, "acc": acc, "seller": seller,
        "dir": direction, "talk": talk,
        "ring": rng.integers(3, 30, n), "outcome": outcome, "legs": legs,
    }  # fmt: skip
    scratch.append("raw_calls", columns)


def write_calls(writer: ExtractWriter, size: Size) -> None:
    """Master.csv of every month, the late legs of April in June's folder."""
    for month in size.delivery_months:
        start = 0 if month == size.first_delivery else month_start(month)
        late = "and call_no % 23 <> 5" if month == LATE_MONTH else ""
        _write(
            writer,
            size,
            f"{FOLDER}/{month}/Master.csv",
            f"at_s >= {start} and at_s < {month_end(month)} {late}",
            month,
        )
    late = f"at_s >= {month_start(LATE_MONTH)} and at_s < {month_end(LATE_MONTH)} and call_no % 23 = 5"
    _write(writer, size, f"{FOLDER}/{LATE_FOLDER}/Master_late_{LATE_MONTH}.csv", late, "late")


def _write(writer: ExtractWriter, size: Size, path: str, where: str, month: str) -> None:
    listed = str(size.lists_structural_rows).lower()
    extra = ""
    if size.lists_structural_rows and month == "2026-05":
        extra = f"""union all select *, 1 from timed where call_no % {size.every(301)} = 7 and leg = 0
          union all select *, 2 from timed where call_no % {size.every(701)} = 11 and leg = 0"""
    query = f"""
      with chosen as (select * from calls where {where}),
      numbered as (
        select c.*, case when c.per >= 0 then p.own_phone when c.per = {SWITCHBOARD} then k.switchboard
            when c.per = {NOBODY} then '+33188' || code(c.acc, 6) when c.per = {HIDDEN} then 'anonymous'
            when c.per = {EXTENSION} then cast(2100 + (c.acc % {size.sellers}) as varchar) else '8001' end as
              other,
          cast(2100 + c.seller as varchar) as ext,
          c.per = {NOBODY} and c.call_no % {size.every(211)} = 2 as is_impossible, c.per = {NOBODY} and
            c.call_no % {size.every(157)} = 1 as is_wrong_zone,
          c.call_no % 5 as way
        from chosen c left join persons p on p.per = c.per left join companies k on k.acc = c.acc and c.per =
          {SWITCHBOARD}),
      dialled as (
        select *, case when other not like '+%' then other when way = 0 then other when way = 1 then '00' ||
          substr(other, 2)
            when way = 4 and per = {NOBODY} then substr(other, 2)
            else case when other like '+33%' then '0' || substr(other, 4) else '00' || substr(other, 2) end
              end as number
        from numbered),
      legged as (
        select d.*, 0 as leg, d.at_s as leg_s from dialled d
        union all select d.*, 1, d.at_s + d.ring from dialled d where d.legs > 1),
      shaped as (
        select *,
          case when legs = 1 or leg = 1 then outcome when dir = {OUT} then {FAILED} else {NO_ANSWER} end as
            result,
          leg_s + case when is_wrong_zone then 0 else paris(leg_s) - leg_s end as wall,
          case when dir = {IN} and leg = 0 and legs > 1 then cast(2101 + (seller + 1) % {size.sellers - 1} as
            varchar) else ext end as agent
        from legged),
      timed as (
        select *, result in ({ANSWERED}, {VOICEMAIL}) as taken, case when result in ({ANSWERED}, {VOICEMAIL})
          then talk else 0 end as billed
        from shaped),
      parts as (select *, 0 as part from timed {extra}),
      ordered as (select * from parts order by leg_s, call_no, leg, part),
      text as (select *, leg_s || '.' || (call_no * 4 + leg) as key,
        '"","' || concat_ws('","', case when dir = {IN} then number else ext end,
          case when dir = {IN} then case when result = {VOICEMAIL} then 'vmu' || agent else '700' end else
            number end,
          case when dir = {IN} then 'from-trunk' else 'from-internal' end,
          case when dir = {IN} then case when call_no % {size.every(499)} = 3 then '""' || chr(165) ||
            chr(165) || 'b"" <' || number || '>' else number end
            else '""' || ext || '"" <' || ext || '>' end,
          case when dir = {IN} then 'PJSIP/trunk-' else 'PJSIP/' || ext || '-' end || lpad(to_hex(call_no),
            8, '0'),
          case when result = {VOICEMAIL} or per = {CONFERENCE} then '' when dir = {IN} then 'PJSIP/' || agent
            || '-' || lpad(to_hex(call_no + 1), 8, '0')
            when per = {EXTENSION} then 'PJSIP/' || other || '-' || lpad(to_hex(call_no + 1), 8, '0')
            else 'PJSIP/trunk-' || lpad(to_hex(call_no + 1), 8, '0') end,
          case when result = {VOICEMAIL} then 'VoiceMail' when per = {CONFERENCE} then 'ConfBridge' else
            'Dial' end,
          case when result = {VOICEMAIL} then agent || '@default,u' else 'PJSIP/' || agent || ',60,tT' end,
          strftime(instant(wall), '%Y-%m-%d %H:%M:%S'),
          case when taken then strftime(instant(wall + ring), '%Y-%m-%d %H:%M:%S') else '' end,
          strftime(instant(wall + ring + billed), '%Y-%m-%d %H:%M:%S'))
        || '",' || case when is_impossible then case when call_no % 2 = 0 then -15 else 400000 end else ring
          + billed end
        || ',' || case when is_impossible then case when call_no % 2 = 0 then -20 else 400000 end else billed
          end || ',"'
        || concat_ws('","', ['ANSWERED', 'NO ANSWER', 'BUSY', 'FAILED', 'ANSWERED'][result + 1],
          'DOCUMENTATION',
          leg_s || '.' || (call_no * 4 + leg), '', '', linked) || '",' || (call_no * 4 + leg) as whole,
        nullif(concat_ws(',', case when dir = {IN} and call_no % {size.every(499)} = 3 then '11' end,
          case when is_wrong_zone or (at_s between {AUTUMN_NIGHT} and {AUTUMN_NIGHT} + 3600) then '19' end,
            case when is_impossible then '20' end,
          case when {listed} and leg > 0 then '37' end, case when {listed} and result = {VOICEMAIL} then '38'
            end,
          case when {listed} and dir = {INTERNAL} then '39' end, case when {listed} and per = {HIDDEN} or
            (way = 4 and per = {NOBODY} and {listed}) then '40' end), '') as flaws
        from ordered)
      select case part when 2 then '"","0199' else whole end as line, case part when 1 then '1' when 2 then
        '10' else flaws end as defects, key
      from text"""
    writer.write(path, query, encoding="latin-1")
