"""Calendars: one iCalendar file per seller and month (CRLF, folded lines, Paris wall clock with TZID).

Planted: of four won deals that are no renewal, customer success meets the staff of one never, of one too late, of two
in the first week. It meets staff who never were leads, else the converted lead long after its window. What does NOT
belong here: which meetings are touches of leads (touches.py).
"""

from __future__ import annotations

from ingest.demo.companies import SUCCESS_MANAGERS
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY, Size
from ingest.demo.writing import ExtractWriter

FOLDER = "calendar"
_HEAD = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Etalon//Demo//FR
CALSCALE:GREGORIAN
BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""


def make_meetings(scratch: Scratch, size: Size) -> None:
    """Table meetings: one row per version of a meeting; `touch` is -1 when it is no touch."""
    first = size.delivery_months[0]
    scratch.run(f"""
        create or replace table meetings as
        with m as (
          select touch, per, at_s as start_s, 1800 + 900 * (touch % 4) as length_s, 0 as sequence,
            'CONFIRMED' as status,
            'ACCEPTED' as answer, touch as uid, 'rdv' as what from touches where kind = 5
          union all  -- planned a month earlier at another time, then moved
          select -1, per, at_s - 26 * {DAY}, 1800, -1, 'CONFIRMED', 'ACCEPTED', touch, 'rdv'
          from touches where kind = 5 and touch % 13 = 4
          union all  -- cancelled: never held
          select -1, t.per, t.at_s + 2 * {DAY}, 1800, 1, 'CANCELLED', 'NEEDS-ACTION', 10000000 + t.touch,
            'rdv'
          from touches t join persons p using (per) where t.kind = 1 and t.touch % 53 = 9 and p.own_email is
            not null
          union all  -- a customer declined
          select -1, per, {AS_OF} - (per * 37 % 300 + 3) * {DAY} + 36000, 3600, 0, 'CONFIRMED', 'DECLINED',
            20000000 + per, 'rdv'
          from persons where not is_lead and per % 11 = 3),
        known as (
          select m.*, p.owner as seller, p.own_email as email, lower(p.first_plain || ' ' || p.last_plain) as
            cn,
            m.uid % 100 as note
          from m join persons p using (per) where start_s < {AS_OF})
        select *, greatest(month_of(start_s), '{first}') as folder from known
        union all  -- the team's own weekly meeting and a day off: no outside attendee
        select -1, -1, second_no(f || '-03 08:00:00'), 2700, 0, 'CONFIRMED', 'ACCEPTED', 30000000 + seller *
          10000
          + cast(replace(f, '-', '') as int) % 10000, 'team', seller, null, null, 0, f
        from sellers, (select unnest({size.delivery_months}) as f) where is_active
        union all
        select -1, -1, second_no(f || '-15 00:00:00'), 0, 0, 'CONFIRMED', 'ACCEPTED', 40000000 + seller *
          10000
          + cast(replace(f, '-', '') as int) % 10000, 'off', seller, null, null, 0, f
        from sellers, (select unnest({size.delivery_months}) as f) where is_active and (seller +
          cast(right(f, 2) as int)) % 5 = 0""")
    _take_over(scratch, size)


def _take_over(scratch: Scratch, size: Size) -> None:
    """Meetings of customer success with the staff of a company after a deal is won."""
    first = size.delivery_months[0]
    scratch.run(f"""
        insert into meetings by name
        with staff as (
          select acc, arg_min(per, per) as per from persons where not is_lead and own_email is not null group by acc),
        reached as (
          select per, max(created) as created from touches join persons using (per)
          where kind in (3, 5) and own_email is not null group by per),
        planned as (
          select o.opp, coalesce(s.per, r.per) as per, r.created, s.per is not null as is_staff,
            (paris(o.closed) // {DAY} + case when o.opp % 4 = 1 then 8 + o.opp % 9 else o.opp % 7 end) * {DAY}
            + 36000 as start_s
          from opps o left join staff s using (acc) left join reached r on r.per = o.per
          where o.status = 'won' and o.type_code <> 'renewal' and o.opp % 4 <> 0)
        select -1 as touch, w.per, w.start_s, 2700 as length_s, 0 as sequence, 'CONFIRMED' as status,
          'ACCEPTED' as answer, 50000000 + w.opp as uid, 'rdv' as what,
          {size.first_success_manager} + w.opp % {SUCCESS_MANAGERS} as seller,
          p.own_email as email, lower(p.first_plain || ' ' || p.last_plain) as cn, w.opp % 100 as note,
          greatest(month_of(w.start_s), '{first}') as folder
        from planned w join persons p using (per)
        where w.start_s < {AS_OF} and (w.is_staff or w.start_s > w.created + {45 * DAY}) order by w.opp""")


def write_calendars(writer: ExtractWriter, size: Size) -> None:
    """<month>/<seller>.ics for every seller who has events in the month."""
    fold = "case when length({0}) <= 74 then {0} else left({0}, 74) || chr(10) || ' ' || substr({0}, 75) end"
    guest = "'ATTENDEE;CN=' || cn || ';PARTSTAT=' || answer || ':mailto:' || m.email"
    writer.scratch.run(f"""
        create or replace table ics_rows as
        with x as (select m.*, s.email as seller_email, s.last_plain, {fold.format("(" + guest + ")")} as
          guest,
            'ATTENDEE;PARTSTAT=ACCEPTED:mailto:' || s.email as host
          from meetings m join (from sellers union all by name from success_team) s on s.seller = m.seller)
        select folder, seller, start_s, uid, sequence,
          concat_ws(chr(10), 'BEGIN:VEVENT', 'UID:' || uid || '-demo@etalon-demo.example',
            'DTSTAMP:' || strftime(instant(start_s - 5 * {DAY}), '%Y%m%dT%H%M%SZ'),
            'LAST-MODIFIED:' || strftime(instant(start_s - 4 * {DAY} + sequence * 3600), '%Y%m%dT%H%M%SZ'),
            'SEQUENCE:' || (sequence + 1),
            case when what = 'off' then 'DTSTART;VALUE=DATE:' || strftime(instant(start_s), '%Y%m%d')
              else 'DTSTART;TZID=Europe/Paris:' || strftime(instant(paris(start_s)), '%Y%m%dT%H%M%S') end,
            case when what = 'off' then 'DTEND;VALUE=DATE:' || strftime(instant(start_s + {DAY}), '%Y%m%d')
              else 'DTEND;TZID=Europe/Paris:' || strftime(instant(paris(start_s + length_s)),
                '%Y%m%dT%H%M%S') end,
            case when what = 'team' then 'RRULE:FREQ=WEEKLY;COUNT=4' end,
            'SUMMARY:' || case what when 'team' then 'Réunion d''équipe\\, revue des affaires' when 'off'
              then 'Congé' else 'Rendez-vous client' end,
            'STATUS:' || status, 'ORGANIZER:mailto:' || seller_email, host, guest, 'END:VEVENT') as line
        from x order by folder, seller, start_s, uid, sequence""")
    team = "(from sellers union all by name from success_team)"
    names = dict(writer.scratch.rows(f"select seller, last_plain || '.' || first_plain from {team}"))
    for folder, seller in writer.scratch.rows("select distinct folder, seller from ics_rows order by all"):
        writer.write(
            f"{FOLDER}/{folder}/{names[seller]}.ics",
            f"""select line, cast(null as varchar) as defects, uid as key from ics_rows
                where folder = '{folder}' and seller = {seller} order by start_s, uid, sequence""",
            header=_HEAD,
            footer="END:VCALENDAR\n",
            newline="\r\n",
        )
