"""True opportunities: path through the seven stages, outcome, reopenings.

What does NOT belong here: the CRM's records of them (salesforce.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch, pick
from ingest.demo.sizes import AS_OF, DAY, Size, month_end, stream
from ingest.demo.vocabulary import LOST_REASONS

RUNGS = 6  # prospecting .. negotiation; closing is rung 7
WON, LOST = 7, 8
LEAVER_MONTH = "2025-10"  # the last month in which the seller who left closed anything
PROBABILITY = [10, 20, 35, 50, 65, 80, 100, 0]
#: Field of MEDDIC -> rung whose gate asks for it; one deal in eight passes without a field (macro lacks_evidence).
EVIDENCE = {
    "Metrics__c": 5,
    "EconomicBuyer__c": 5,
    "DecisionCriteria__c": 5,
    "DecisionProcess__c": 6,
    "IdentifiedPain__c": 4,
    "Champion__c": 6,
}


def make_deals(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables opps (one row per true opportunity) and opp_changes (one row per recorded change)."""
    rng = stream(seed, "deals")
    lead = scratch.arrays(
        """select l.per, l.converted, p.acc, p.owner, p.size_code, c.currency from lead_lives l
           join persons p using (per) join companies c using (acc) where l.converted > 0 order by
             l.converted, l.per"""
    )
    kept = rng.random(len(lead["per"])) < 0.85
    base = scratch.arrays("select acc, owner, size_code, currency from companies where is_base order by acc")
    repeat = np.repeat(np.arange(len(base["acc"])), rng.poisson(1.6, len(base["acc"])))
    opened_base = (
        size.first_event_s
        + rng.integers(0, (AS_OF - size.first_event_s) // DAY - 5, len(repeat)) * DAY
        + rng.integers(25_200, 57_600, len(repeat))
    )

    per = np.concatenate([lead["per"][kept], np.full(len(repeat), -1)])
    acc = np.concatenate([lead["acc"][kept], base["acc"][repeat]])
    owner = np.concatenate([lead["owner"][kept], base["owner"][repeat]])
    band = np.concatenate([lead["size_code"][kept], base["size_code"][repeat]])
    currency = np.concatenate([lead["currency"][kept], base["currency"][repeat]])
    opened = np.concatenate([lead["converted"][kept], opened_base])
    order = np.argsort(opened, kind="stable")
    per, acc, owner, band, currency, opened = (x[order] for x in (per, acc, owner, band, currency, opened))
    n = len(per)
    kind = np.where(per >= 0, 0, np.where(rng.random(n) < 0.7, 1, 2))

    median = np.select([band == "smb", band == "mid"], [26, 48], 85) * np.where(kind == 0, 1.0, 0.6)
    cycle = np.clip(median * rng.lognormal(0, 0.5, n), 3, 400)
    wins = rng.random(n) < np.where(kind == 0, 0.34, 0.55)
    close_day = opened // DAY + np.ceil(cycle).astype(np.int64)
    closed = close_day * DAY + rng.integers(8 * 3600, 16 * 3600, n)
    start = np.where(rng.random(n) < 0.3, 2, 1)
    top = np.where(
        wins, RUNGS, np.maximum(start, rng.choice(6, n, p=[0.12, 0.22, 0.2, 0.18, 0.16, 0.12]) + 1)
    )

    rung = np.arange(1, RUNGS + 1)[None, :]
    visited = (rung >= start[:, None]) & (rung <= top[:, None])
    skipped = visited & (rung > start[:, None]) & (rung < top[:, None]) & (rng.random((n, RUNGS)) < 0.12)
    visited &= ~skipped
    step = (rung - start[:, None]) / (top - start + 1)[:, None]
    entered = opened[:, None] + ((closed - opened)[:, None] * step * 0.97).astype(np.int64)
    happened = visited & (entered < AS_OF)

    is_closed = closed < AS_OF
    can_reopen = wins & is_closed & visited[:, 5] & (closed - entered[:, 5] > 4 * DAY)
    reopened = can_reopen & (rng.random(n) < 0.05)
    if can_reopen.any():
        reopened[np.flatnonzero(can_reopen)[:2]] = True
    # What the one who left had closed by then; the rest of the team's deals stay with their owners.
    if size.has_sheets:
        owner = np.where(
            is_closed & (closed < month_end(LEAVER_MONTH)) & (np.arange(n) % 7 == 3), size.sellers, owner
        )
    value = np.select([band == "smb", band == "mid"], [3_000, 12_000], 45_000)
    amount = np.round(value * rng.lognormal(0, 0.6, n) / 50) * 50 + 50
    amount = np.where(rng.random(n) < 0.03, 0, np.where(rng.random(n) < 0.04, 10_000, amount))
    scratch.store(
        "opps",
        {
            "opp": np.arange(n),
            "per": per,
            "acc": acc,
            "owner": owner,
            "type_code": pick(["new", "expansion", "renewal"], kind),
            "opened": opened,
            "closed": np.where(is_closed, closed, -1),
            "status": pick(["open", "won", "lost"], np.where(~is_closed, 0, np.where(wins, 1, 2))),
            "amount": amount.astype(np.int64),
            "currency": pick(
                ["EUR", "GBP", "USD"], np.select([currency == "GBP", currency == "USD"], [1, 2], 0)
            ),
            # one open deal in six still shows a closing day that has passed
            "expected_day": np.where(
                is_closed, close_day, np.where(np.arange(n) % 6 == 1, AS_OF // DAY - 20, close_day)
            ),
            "planned_day": close_day,
            "top_rung": np.where(happened.any(axis=1), (happened * rung).max(axis=1), 0),
            "is_reopened": reopened,
            "lost_reason": pick(LOST_REASONS, rng.integers(0, len(LOST_REASONS), n)),
        },
    )
    opp_index = np.broadcast_to(np.arange(n)[:, None], (n, RUNGS))
    rows = [(opp_index[happened], entered[happened], np.broadcast_to(rung, (n, RUNGS))[happened])]
    done = np.flatnonzero(is_closed)
    rows.append((done, closed[done], np.where(wins[done], WON, LOST)))
    again = np.flatnonzero(reopened)
    gap = closed[again] - entered[again, 5]
    rows.append((again, entered[again, 5] + gap // 3, np.full(len(again), LOST)))
    rows.append((again, entered[again, 5] + gap * 2 // 3, np.full(len(again), RUNGS)))
    # Amount or close-date edits repeat the stage: a history row is not a stage reached.
    pushed = np.flatnonzero((top >= 3) & visited[:, 2] & (rng.random(n) < 0.3))
    later = entered[pushed, 2] + (closed[pushed] - entered[pushed, 2]) // 50
    pushed, later = pushed[later < AS_OF], later[later < AS_OF]
    rows.append((pushed, later, np.full(len(pushed), 3)))
    scratch.store(
        "opp_changes",
        {
            "opp": np.concatenate([r[0] for r in rows]),
            "at_s": np.concatenate([r[1] for r in rows]),
            "stage": np.concatenate([r[2] for r in rows]),
        },
    )
    _edit_history(scratch, seed)


def _edit_history(scratch: Scratch, seed: int) -> None:
    """What each history row showed: amounts first guessed, closing days pushed, the last row as the record is now."""
    scratch.run(f"""
        create or replace table opp_changes as
        with placed as (
          select row_number() over (order by c.at_s, c.opp, c.stage) - 1 as change, c.opp, c.at_s, c.stage,
            row_number() over (partition by c.opp order by c.at_s, c.stage) as place,
            count(*) over (partition by c.opp) as n_places, o.amount, o.expected_day, o.opened // {DAY} as opened_day,
            o.planned_day, cast(hash(c.opp * 41 + {seed}) % 1000000 as bigint) as u
          from opp_changes c join opps o using (opp))
        select change, opp, at_s, stage,
          case when amount > 0 and u % 10 < 4 and place * 2 <= n_places
            then greatest(50, amount * (60 + u // 10 % 81) // 5000 * 50) else amount end as amount,
          case when stage >= {WON} then at_s // {DAY} when place = n_places then expected_day
            else greatest(opened_day + (planned_day - opened_day) * (50 + u // 1000 % 81) // 100,
              at_s // {DAY} + 7) end as expected_day,
          u % 23 = 5 as has_no_forecast
        from placed order by change""")
    scratch.run(
        f"create or replace macro lacks_evidence(opp, n) as hash(opp * 67 + n * 7919 + {seed}) % 8 = 0"
    )
