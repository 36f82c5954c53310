"""True persons and the life of their leads: creation, touches to come, conversion.

What does NOT belong here: the systems' records (salesforce.py) and the single touches (touches.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch, pick
from ingest.demo.sizes import AS_OF, DAY, Size, stream
from ingest.demo.vocabulary import FIRST_NAMES, FREE_MAIL_DOMAINS, JOB_TITLES, LAST_NAMES, LEAD_SOURCES, plain

CHANNELS = ["inbound", "outbound", "partner"]
# kind of mailbox: 0 own address, 1 free mail, 2 shared contact@ mailbox, 3 none
# kind of phone: 0 mobile, 1 direct line, 2 mobile and the company's switchboard, 3 none


def make_people(scratch: Scratch, size: Size, seed: int) -> None:
    """Table persons: leads first (by creation time), then contacts who never were leads."""
    rng = stream(seed, "people")
    n = size.leads
    company = scratch.arrays(
        "select acc, size_code, is_base, domain = own_domain as own_mail from companies order by acc"
    )
    weight = np.where(company["size_code"] == "smb", 1.0, np.where(company["size_code"] == "mid", 1.7, 2.6))
    weight = weight * np.where(company["own_mail"], 1.0, 0.0)
    weight = weight / np.sqrt(1 + company["acc"] / 20)
    lead_acc = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(n), side="right").clip(
        0, len(weight) - 1
    )

    began = size.first_event_s
    days = (AS_OF - began) // DAY
    day = np.floor(days * rng.random(n) ** 0.88).astype(np.int64)
    weekday = (began // DAY + day + 3) % 7  # 1970-01-01 was a Thursday; 0 = Monday
    day = np.where((weekday >= 5) & (rng.random(n) < 0.85), np.maximum(day - 2, 0), day)
    created = np.sort(began + day * DAY + rng.integers(6 * 3600, 17 * 3600, n))

    base = company["acc"][company["is_base"]]
    contact_acc = np.repeat(base, rng.integers(1, 4, len(base)))
    acc = np.concatenate([lead_acc, contact_acc])
    total = len(acc)
    is_lead = np.arange(total) < n
    position = _count_within(acc)
    first = (acc * 31 + position * 7) % len(FIRST_NAMES)
    last = (acc * 17 + position * 11 + position // len(FIRST_NAMES)) % len(LAST_NAMES)
    _plant_homonyms(acc, first, last, n)

    lead_position = np.where(is_lead, position, 0)
    mail_kind = np.select(
        [rng.random(total) < 0.03, rng.random(total) < 0.05, rng.random(total) < 0.05], [3, 1, 2], 0
    )
    crowded = np.bincount(lead_acc, minlength=len(weight))[acc] >= 3
    mail_kind = np.where((mail_kind == 2) & ~(crowded & (lead_position < 4)), 0, mail_kind)
    mail_kind = np.where(is_lead, mail_kind, 0)
    phone_kind = rng.choice(4, total, p=[0.52, 0.30, 0.14, 0.04])
    phone_kind = np.where((phone_kind == 2) & ~crowded, 0, phone_kind)
    phone_kind = np.where((mail_kind >= 2) & (phone_kind == 3), 0, phone_kind)
    source_u = rng.random(total)
    channel = rng.choice(3, total, p=[0.55, 0.33, 0.12])
    scratch.store(
        "persons",
        {
            "per": np.arange(total),
            "acc": acc,
            "is_lead": is_lead,
            "first": pick(FIRST_NAMES, first),
            "last": pick(LAST_NAMES, last),
            "first_plain": pick([plain(x) for x in FIRST_NAMES], first),
            "last_plain": pick([plain(x) for x in LAST_NAMES], last),
            "title": pick(JOB_TITLES, rng.integers(0, len(JOB_TITLES), total)),
            "mail_kind": mail_kind,
            "free_domain": pick(FREE_MAIL_DOMAINS, np.arange(total) % 2),
            "phone_kind": phone_kind,
            "created": np.concatenate([created, np.full(total - n, 0)]),
            "channel": pick(CHANNELS, channel),
            "source": pick(
                [s for c in CHANNELS for s in LEAD_SOURCES[c]],
                np.select(
                    [channel == 0, channel == 1],
                    [np.floor(source_u * 4), 4 + np.floor(source_u * 3)],
                    7 + np.floor(source_u * 2),
                ).astype(np.int64),
            ),
            "opt_out": rng.random(total) < 0.02,
            "no_call": rng.random(total) < 0.01,
            "score": rng.integers(1, 100, total),
            "fmt": rng.integers(0, 5, total),
        },
        # Numbers reserved for fiction as far as they go: 01 99 00, 02 61 91, 03 53 01, 04 65 71, 020 7946.
        """* exclude (free_domain, first_plain, last_plain), first_plain, last_plain,
           first_plain || '.' || last_plain || per || '@' || free_domain as free_mail,
           case when per < 10000 then '+3319900' || code(per, 4)
                when per < 20000 then '+3326191' || code(per - 10000, 4)
                when per < 30000 then '+3335301' || code(per - 20000, 4)
                when per < 40000 then '+3346571' || code(per - 30000, 4)
                else '+33' || (750000000 + per) end as number""",
    )
    scratch.run("""
        create or replace table persons as
        select p.* exclude (number),
          case when c.country = 'GB' and row_number() over (partition by c.country order by per) <= 1000
            then '+442079460' || code(row_number() over (partition by c.country order by per) - 1, 3)
            else p.number end as number,
          c.size_code, c.is_vip, c.domain, c.country, c.owner,
          case p.mail_kind when 0 then p.first_plain || '.' || p.last_plain || '@' || c.domain
            when 1 then p.free_mail when 2 then 'contact@' || c.domain end as email,
          case p.mail_kind when 0 then p.first_plain || '.' || p.last_plain || '@' || c.domain
            when 1 then p.free_mail end as own_email,
          case when p.phone_kind < 3 then number end as own_phone, c.switchboard
        from persons p join companies c using (acc) order by per""")


def _count_within(group: np.ndarray) -> np.ndarray:
    """Position of each row among the rows of its group, in order of appearance."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    start = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
    sizes = np.diff(np.r_[start, len(group)])
    position = np.empty(len(group), dtype=np.int64)
    position[order] = np.arange(len(group)) - np.repeat(start, sizes)
    return position


def _plant_homonyms(acc: np.ndarray, first: np.ndarray, last: np.ndarray, n_leads: int) -> None:
    """One "Jean Martin" in each of a few companies: same name, different persons."""
    _, first_seen = np.unique(acc[:n_leads], return_index=True)
    chosen = np.sort(first_seen)[5 : 5 + max(2, n_leads // 1500)]
    first[chosen], last[chosen] = FIRST_NAMES.index("Jean"), LAST_NAMES.index("Martin")
