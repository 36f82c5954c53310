"""What really happened to each lead: touches, conversion, and the planted effects of the two mini-cases.

M1 (SMB inbound): conversion rises with touches up to 6, then stays flat; among leads first reached within 2
  hours
45 % lie in the quadrant "many touches and converted". M2 (enterprise): S-shaped curve, a cluster of strategic
accounts that converts with few touches, and beyond 8 touches a warm introduction that makes the difference.

What does NOT belong here: logs of the systems (pbx.py, mailing.py, calendars.py, salesforce.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, CONVERSATION_MIN_S, DAY, Size, stream

# Kinds of touch; a logged call is one made on a mobile phone that only the CRM knows.
CALL_ANSWERED, CALL_UNANSWERED, CALL_IN, MAIL, MAIL_BOUNCED, MEETING, SOCIAL, CALL_LOGGED = range(8)
CHUNK = 250_000
LAST_TOUCH_DAY = 24.0


def make_touches(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables lead_lives (one row per lead) and touches (one row per true touch), in chunks of leads."""
    n = size.leads
    for start in range(0, n, CHUNK):
        _chunk(scratch, seed, start, min(n, start + CHUNK))
    # Two touches of a person within 20 minutes could pass for copies of one: the second is left out.
    scratch.run("""
        create or replace table touches as
        select row_number() over (order by at_s, per) - 1 as touch, * from (
          select *, lag(at_s) over (partition by per order by at_s, kind, talk_s) as before_s from touches)
        where before_s is null or at_s - before_s >= 1200
        order by touch;
        alter table touches drop column before_s""")


def _chunk(scratch: Scratch, seed: int, start: int, stop: int) -> None:
    rng = stream(seed, f"touches {start}")
    person = scratch.arrays(
        f"""select per, created, channel, size_code, is_vip, own_email is not null as has_mail,
            own_phone is not null as has_phone from persons where per >= {start} and per < {stop} order by
              per"""
    )
    n = len(person["per"])
    created = person["created"]
    inbound = person["channel"] == "inbound"
    smb = person["size_code"] == "smb"
    enterprise = person["size_code"] == "enterprise"
    m1 = smb & inbound
    vip = person["is_vip"] & enterprise
    fast = inbound & (rng.random(n) < np.where(m1, 0.42, 0.25))

    count = np.select(
        [vip, m1 & fast, m1, enterprise],
        [
            rng.integers(2, 5, n),
            np.clip(np.round(rng.normal(6.4, 2.2, n)), 1, 12),
            rng.poisson(3.0, n),
            np.clip(rng.poisson(7.6, n), 0, 18),
        ],
        np.clip(rng.poisson(4.6, n), 0, 14),
    ).astype(np.int64)
    count = np.where(fast, np.maximum(count, 1), count)
    extreme = ~inbound & ~enterprise & (rng.random(n) < 0.0012)
    extreme |= (person["per"] % 1499 >= 77) & (person["per"] % 1499 < 80) & ~inbound
    count = np.where(extreme, rng.integers(38, 56, n), count)
    reachable = person["has_mail"] | person["has_phone"]
    count = np.where(reachable, count, 0)
    warm = enterprise & (count > 8) & (rng.random(n) < 0.6)

    first_delay = (
        np.select(
            [fast, inbound],
            [rng.uniform(0.1, 1.9, n), np.clip(2.4 + rng.lognormal(2.0, 1.0, n), 2.4, 200)],
            np.clip(4 + rng.lognormal(3.0, 0.8, n), 4, 240),
        )
        * 3600
    )
    chance = _conversion_chance(count, m1, fast, enterprise, vip, warm)
    converts = rng.random(n) < chance

    lead = np.repeat(np.arange(n), count)
    order_in_lead = np.arange(len(lead)) - np.repeat(np.cumsum(count) - count, count)
    share = rng.random(len(lead))
    delay = first_delay[lead] + share * (LAST_TOUCH_DAY * DAY - first_delay[lead])
    delay = np.where(order_in_lead == 0, first_delay[lead], delay)
    moment = created[lead] + delay.astype(np.int64)
    in_hours = moment // DAY * DAY + rng.integers(7 * 3600, 16 * 3600, len(lead))
    moment = np.where(
        (moment // DAY > created[lead] // DAY) & ~(fast[lead] & (order_in_lead == 0)), in_hours, moment
    )
    saturday = (moment // DAY + 3) % 7 == 5
    moment = np.where(saturday & (delay > 3 * DAY), moment + 2 * DAY, moment)

    kind = _kinds(rng, lead, order_in_lead, fast, warm, enterprise, person)
    moment = np.where(kind == MEETING, (moment + 899) // 900 * 900, moment)
    talk = np.select([kind == CALL_ANSWERED, kind == CALL_IN], [1, 1], 0) * np.where(
        rng.random(len(lead)) < 0.07,
        rng.integers(2, CONVERSATION_MIN_S - 1, len(lead)),
        np.clip(rng.lognormal(5.0, 1.0, len(lead)), CONVERSATION_MIN_S + 2, 3000).astype(np.int64),
    )
    talk = np.where((kind == CALL_LOGGED) & (rng.random(len(lead)) < 0.7), 180, talk)
    forced = fast[lead] & (order_in_lead == 0) & (talk > 0)
    talk = np.where(forced, np.maximum(talk, 45), talk)

    last_touch = np.maximum(created, 0)
    np.maximum.at(last_touch, lead, moment)
    late = converts & (rng.random(n) < 0.07)
    day = last_touch // DAY + rng.integers(1, 3, n)
    day = np.minimum(np.maximum(day, created // DAY + 1), created // DAY + 28)
    day = np.where(late, created // DAY + rng.integers(33, 75, n), day)
    converted = day * DAY + rng.integers(8 * 3600, 16 * 3600, n)
    converted = np.where(converts & (converted < AS_OF), converted, -1)
    scratch.append(
        "lead_lives",
        {
            "per": person["per"],
            "planned_touches": count,
            "is_fast": fast,
            "is_m1": m1,
            "is_vip_case": vip,
            "has_warm_intro": warm,
            "is_extreme": extreme,
            "converted": converted,
            "is_disqualified": (converted < 0) & (rng.random(n) < 0.35),
        },
    )
    kept = moment < AS_OF
    scratch.append(
        "touches",
        {
            "per": person["per"][lead][kept],
            "at_s": moment[kept],
            "kind": kind[kept].astype(np.int8),
            "talk_s": talk[kept].astype(np.int32),
            "is_warm": (warm[lead] & (order_in_lead == 7))[kept],
        },
    )
    _later_touches(scratch, rng, person, fast)


def _conversion_chance(
    count: np.ndarray,
    m1: np.ndarray,
    fast: np.ndarray,
    enterprise: np.ndarray,
    vip: np.ndarray,
    warm: np.ndarray,
) -> np.ndarray:
    plateau = np.minimum(count, 6) / 6
    s_curve = 1 / (1 + np.exp(-(count - 8) / 1.1))
    return np.select(
        [vip, m1 & fast, m1, enterprise & (count > 8), enterprise],
        [
            0.75,
            0.04 + 0.59 * plateau,
            0.03 + 0.15 * plateau,
            np.where(warm, 0.50, 0.16) * s_curve,
            0.02 + 0.4 * s_curve,
        ],
        0.03 + 0.014 * np.minimum(count, 12),
    )


def _kinds(
    rng: np.random.Generator, lead: np.ndarray, order_in_lead: np.ndarray, fast: np.ndarray, warm: np.ndarray,
    enterprise: np.ndarray, person: dict[str, np.ndarray],
) -> np.ndarray:  # fmt: skip
    size = len(lead)
    u = rng.random(size)
    kind = np.select(
        [u < 0.23, u < 0.46, u < 0.53, u < 0.87, u < 0.885, u < 0.92, u < 0.97],
        [CALL_ANSWERED, CALL_UNANSWERED, CALL_IN, MAIL, MAIL_BOUNCED, MEETING, SOCIAL],
        CALL_LOGGED,
    )
    kind = np.where((kind == MEETING) & ~enterprise[lead] & (rng.random(size) < 0.6), MAIL, kind)
    first_fast = fast[lead] & (order_in_lead == 0)
    kind = np.where(first_fast, np.where(u < 0.6, CALL_ANSWERED, MAIL), kind)
    kind = np.where(warm[lead] & (order_in_lead == 7), SOCIAL, kind)
    has_mail, has_phone = person["has_mail"][lead], person["has_phone"][lead]
    needs_mail = np.isin(kind, (MAIL, MAIL_BOUNCED, MEETING))
    kind = np.where(needs_mail & ~has_mail, CALL_ANSWERED, kind)
    needs_phone = np.isin(kind, (CALL_ANSWERED, CALL_UNANSWERED, CALL_IN, CALL_LOGGED))
    return np.where(needs_phone & ~has_phone, MAIL, kind)


def _later_touches(
    scratch: Scratch, rng: np.random.Generator, person: dict[str, np.ndarray], fast: np.ndarray
) -> None:
    """Calls after the window, only to leads surely reached inside it: they must not count as touches."""
    n = len(fast)
    chosen = fast & person["has_phone"] & (rng.random(n) < 0.2)
    moment = (
        person["created"] // DAY * DAY + rng.integers(36, 80, n) * DAY + rng.integers(8 * 3600, 15 * 3600, n)
    )
    chosen &= moment < AS_OF
    scratch.append(
        "touches",
        {
            "per": person["per"][chosen],
            "at_s": moment[chosen],
            "kind": np.full(int(chosen.sum()), CALL_ANSWERED, dtype=np.int8),
            "talk_s": rng.integers(30, 600, int(chosen.sum())).astype(np.int32),
            "is_warm": np.zeros(int(chosen.sum()), dtype=bool),
        },
    )
