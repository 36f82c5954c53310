"""True customers, subscriptions, invoices: what was sold and what recurs, month by month.

What does NOT belong here: the layouts of the ERP and of the ledger (erp.py, ledger.py), planted dirt
  (dirt.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch, pick
from ingest.demo.sizes import (
    AS_OF,
    DAY,
    Size,
    month_start,
    stream,
)
from ingest.demo.vocabulary import PRODUCTS

PLAN_PRICES = np.array([price for _, _, _, recurring, price in PRODUCTS if recurring][:3])
PLAN_CODES = [code for code, *_ in PRODUCTS][:3]
ADD_ON_CODE, ADD_ON_PRICE = "MOD-ANA", 36
EARLY_DAYS = 80  # within the 90 days of early churn


def _starts(months: list[str]) -> np.ndarray:
    """The first day of each month, and the day after the last one: month number `i` is [i], [i + 1]."""
    return np.array([month_start(m) // DAY for m in months] + [AS_OF // DAY])


def _early_leavers(start_index: np.ndarray, first: int, n_months: int) -> np.ndarray:
    """Two customers, or as many as there are, who start within the events and long enough ago to leave early."""
    may_leave = (start_index >= first) & (start_index + 3 < n_months)
    return may_leave & (np.cumsum(may_leave) <= 2)


def make_customers(scratch: Scratch, size: Size, seed: int) -> None:
    """Table customers: existing ones and those won since; some companies have two codes."""
    rng = stream(seed, "customers")
    months = size.subscription_months
    starts = _starts(months)
    scratch.run("""
        create or replace table first_customers as
        select acc, -1 as won_s from companies where is_base
        union all
        select acc, min(closed) from opps where status = 'won' and closed > 0
          and acc not in (select acc from companies where is_base) group by acc
        order by won_s, acc""")
    base = scratch.arrays("select * from first_customers order by won_s, acc")
    n = len(base["acc"])
    won_day = base["won_s"] // DAY
    won_index = np.searchsorted(starts, won_day, side="right") - 1
    start_index = np.where(base["won_s"] < 0, rng.integers(0, len(months) - 14, n), won_index)
    second = np.flatnonzero((base["won_s"] < 0) & (rng.random(n) < 0.06))
    if len(second) == 0:
        second = np.array([0])
    index = np.concatenate([np.arange(n), second])
    m = len(index)
    subscribes = rng.random(m) < 0.72
    scratch.store(
        "customers",
        {
            "cust": np.arange(m),
            "acc": base["acc"][index],
            "is_second_code": np.arange(m) >= n,
            "start_index": start_index[index],
            "start_day": np.where(
                base["won_s"][index] < 0,
                starts[start_index[index]] + rng.integers(0, 20, m),
                won_day[index],
            ),
            "subscribes": subscribes,
            "yearly": rng.random(m) < 0.3,
        },
        "*, 'C' || code(cust + 1, 6) as code_text",
    )
    scratch.run("""
        update customers set subscribes = false
        where is_second_code or acc in (select acc from companies where currency <> 'EUR')""")


def make_subscriptions(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables subs (one row per contract line), mrr_months (true MRR at month end), early_leavers (a customer each)."""
    rng = stream(seed, "subscriptions")
    history = size.subscription_months
    starts = _starts(history)
    customer = scratch.arrays(
        "select cust, start_index, start_day, yearly from customers where subscribes order by cust"
    )
    n = len(customer["cust"])
    plan = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    seats = np.maximum(1, np.round(rng.lognormal(2.2, 0.8, n))).astype(np.int64)
    has_add_on = rng.random(n) < 0.15
    discount = np.where(rng.random(n) < 0.15, np.minimum(12, PLAN_PRICES[plan] * seats // 4), 0)
    early = _early_leavers(customer["start_index"], history.index(size.first_event_month), len(history))
    if not size.has_sheets:
        early[:] = False
    active = np.zeros(n, dtype=bool)
    ever = np.zeros(n, dtype=bool)
    since = np.zeros(n, dtype=np.int64)
    lapsed = np.zeros(n, dtype=np.int64)
    lines: list[np.ndarray] = []  # cust, is_add_on, start, end, seats, discount, plan
    monthly: list[np.ndarray] = []
    closing_reason: list[np.ndarray] = []

    def close(mask: np.ndarray, day: np.ndarray, changed: bool) -> None:
        rows = np.flatnonzero(mask)
        lines.append(np.stack([rows, since[rows], day[rows], seats[rows], discount[rows]], axis=1))
        closing_reason.append(np.full(len(rows), changed))

    spell_start = np.zeros(n, dtype=np.int64)
    regretted: list[np.ndarray] = []
    spells: list[np.ndarray] = []
    for index in range(len(history)):
        day = starts[index] + rng.integers(0, 27, n)
        u = rng.random(n)
        begins = ~ever & (customer["start_index"] == index)
        day = np.where(begins, np.clip(customer["start_day"], starts[index], starts[index + 1] - 1), day)
        regrets = early & active & (index == customer["start_index"] + 2)
        day = np.where(regrets, np.minimum(day, customer["start_day"] + EARLY_DAYS), day)
        returns = ever & ~active & (lapsed >= 2) & (u < 0.12)
        grows = active & ~regrets & (u < 0.030)
        shrinks = active & ~regrets & ~grows & (u < 0.045) & (seats > 2)
        leaves = regrets | active & ~grows & ~shrinks & (u > 0.982)
        close(grows | shrinks, day, True)
        seats = np.where(
            grows,
            seats + np.maximum(1, seats // 4),
            np.where(shrinks, seats - np.maximum(1, seats // 5), seats),
        )
        since = np.where(grows | shrinks | begins | returns, day, since)
        close(leaves, day, False)
        sorry = np.flatnonzero(regrets)
        regretted.append(np.stack([sorry, spell_start[sorry], day[sorry]], axis=1))
        gone = np.flatnonzero(leaves)
        spells.append(np.stack([gone, spell_start[gone], day[gone]], axis=1))
        spell_start = np.where(begins | returns, day, spell_start)
        active = (active | begins | returns) & ~leaves
        ever |= begins
        lapsed = np.where(active, 0, lapsed + 1)
        mrr = np.where(active, seats * PLAN_PRICES[plan] - discount + has_add_on * ADD_ON_PRICE, 0)
        rows = np.flatnonzero(active)
        monthly.append(np.stack([rows, np.full(len(rows), index), mrr[rows], spell_start[rows]], axis=1))
    close(active, np.full(n, -1), False)
    still = np.flatnonzero(active)
    spells.append(np.stack([still, spell_start[still], np.full(len(still), -1)], axis=1))

    line = np.concatenate(lines)
    spell = np.concatenate(spells)
    spell = spell[has_add_on[spell[:, 0]]]
    row = np.concatenate([line[:, 0], spell[:, 0]])
    add_on = np.concatenate([np.zeros(len(line), dtype=bool), np.ones(len(spell), dtype=bool)])
    months = np.where(customer["yearly"][row], 12, 1)
    price = np.where(add_on, ADD_ON_PRICE, PLAN_PRICES[plan[row]])
    scratch.store(
        "subs",
        {
            "cust": customer["cust"][row],
            "product": pick([*PLAN_CODES, ADD_ON_CODE], np.where(add_on, 3, plan[row])),
            "start_day": np.concatenate([line[:, 1], spell[:, 1]]),
            "end_day": np.concatenate([line[:, 2], spell[:, 2]]),
            "months": months,
            "unit_amount": price * months,
            "quantity": np.where(
                add_on, 1, np.concatenate([line[:, 3], np.ones(len(spell), dtype=np.int64)])
            ),
            "discount": np.where(
                add_on, 0, np.concatenate([line[:, 4], np.zeros(len(spell), dtype=np.int64)])
            )
            * months,
            "ended_by_change": np.concatenate(
                [np.concatenate(closing_reason), np.zeros(len(spell), dtype=bool)]
            ),
        },
        "*",
    )
    scratch.run("""create or replace table subs as
        select row_number() over (order by start_day, cust, product) - 1 as sub, * from subs order by sub""")
    sorry = np.concatenate(regretted)
    early_rows = {"cust": customer["cust"][sorry[:, 0]], "start_day": sorry[:, 1], "end_day": sorry[:, 2]}
    scratch.store("early_leavers", early_rows)
    month = np.concatenate(monthly)
    scratch.store(
        "mrr_months",
        {
            "cust": customer["cust"][month[:, 0]],
            "month_index": month[:, 1],
            "period_month": pick(history, month[:, 1]),
            "mrr": month[:, 2],
            "spell_start": month[:, 3],
            "yearly": customer["yearly"][month[:, 0]],
            "product": pick(PLAN_CODES, plan[month[:, 0]]),
        },
    )


def make_invoices(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables rates, invoices and invoice_lines (amounts in document currency, credit notes negative)."""
    rng = stream(seed, "invoices")
    months = size.revenue_months
    history = size.subscription_months
    first_index = history.index(size.first_revenue_month)
    days = _starts(history)
    scratch.store(
        "rates",
        {
            "period_month": months,
            "usd": np.round(0.92 + 0.03 * np.sin(np.arange(len(months)) / 3), 4),
            "gbp": np.round(1.17 + 0.02 * np.cos(np.arange(len(months)) / 4), 4),
        },
        "period_month, cast(usd as decimal(18,8)) as usd, cast(gbp as decimal(18,8)) as gbp",
    )
    # Recurring lines: monthly plans every month, yearly plans on the month of the spell's anniversary.
    scratch.run(f"""
        create or replace table recurring as
        select cust, month_index, period_month, product, case when yearly then mrr * 12 else mrr end as net
        from mrr_months
        where month_index >= {first_index} and mrr > 0 and (not yearly or
          (month_index - (select count(*) - 1 from (select unnest([{", ".join(map(str, days[:-1]))}]) as s)
             where s <= spell_start)) % 12 = 0)
        order by cust, month_index""")
    customer = scratch.arrays(
        "select cust, start_index, subscribes, is_second_code from customers order by cust"
    )
    n, span = len(customer["cust"]), len(history) - first_index
    chance = np.where(customer["is_second_code"], 0.12, np.where(customer["subscribes"], 0.10, 0.30))
    hit = rng.random((n, span)) < chance[:, None]
    index = np.arange(span)[None, :] + first_index
    first = np.maximum(customer["start_index"], first_index)[:, None]
    hit = (
        hit | ((index == first) & ~customer["subscribes"][:, None] & ~customer["is_second_code"][:, None])
    ) & (index >= first)
    who, when = np.nonzero(hit)
    product = rng.integers(4, 8, len(who))
    price = np.array([p[4] for p in PRODUCTS])[product]
    quantity = np.where(product == 7, rng.integers(2, 40, len(who)), rng.integers(1, 6, len(who)))
    scratch.store(
        "one_off",
        {
            "cust": customer["cust"][who],
            "month_index": when + first_index,
            "product": pick([p[0] for p in PRODUCTS], product),
            "quantity": quantity,
            "unit_price": np.round(price * rng.uniform(0.85, 1.1, len(who)), 2),
            "ships": product == 7,
        },
        "cust, month_index, product, quantity, cast(unit_price as decimal(18,2)) as unit_price, ships",
    )
    starts = ", ".join(map(str, days))
    names = ", ".join(f"'{m}'" for m in history)
    scratch.run(f"""
        create or replace table documents as
        select row_number() over (order by month_index, cust) - 1 as inv, cust, month_index, 0 as doc_kind,
          -1 as original,
          [{names}][month_index + 1] as period_month, [{starts}][month_index + 1] + hash(cust * 131 +
            month_index) % 27 as day
        from (select distinct cust, month_index from
          (select cust, month_index from recurring union all select cust, month_index from one_off))
        order by inv;
        create or replace table document_lines as
        select d.inv, l.* exclude (cust, month_index) from documents d join (
          select cust, month_index, 1 as rank, product, cast(1 as bigint) as quantity, cast(net as
            decimal(18,2)) as unit_price,
            cast(net as decimal(18,2)) as net from recurring
          union all select cust, month_index, 2, product, quantity, unit_price, cast(quantity * unit_price as
            decimal(18,2))
            from one_off
          union all select cust, month_index, 3, 'PORT', 1, 25.00, 25.00 from one_off where ships) l using
            (cust, month_index);
        insert into documents
        select (select count(*) from documents) + row_number() over (order by inv) - 1, cust, month_index +
          1, 1, inv,
          [{names}][month_index + 2], [{starts}][month_index + 2] + hash(inv) % 25
        from documents where hash(inv * 7 + 3) % 100 < 3 and month_index + 1 < {len(history)};
        insert into document_lines
        select c.inv, l.rank, l.product, 1, -round(l.net * 0.3, 2), -round(l.net * 0.3, 2)
        from documents c join document_lines l on l.inv = c.original and l.rank = (select min(rank) from
          document_lines m
          where m.inv = c.original) where c.doc_kind = 1;
        create or replace table invoices as
        select d.*, c.acc, a.currency, case when a.country = 'FR' then 0.20 else 0.00 end as tax_rate,
          case when d.doc_kind = 0 then 'F' else 'A' end || replace(d.period_month, '-', '') || '-' ||
            code(d.inv, 6) as number_text,
          case a.currency when 'USD' then r.usd when 'GBP' then r.gbp else cast(1 as decimal(18,8)) end as
            rate,
          case when hash(d.inv * 11) % 10 < 8 then d.day + 20 + hash(d.inv * 13) % 40 else -1 end as paid_day,
          false as is_intercompany
        from documents d join customers c using (cust) join companies a on a.acc = c.acc
        join rates r using (period_month) order by inv;
        create or replace table invoice_lines as
        select row_number() over (order by inv, rank) - 1 as line, inv,
          row_number() over (partition by inv order by rank) as line_number, product, quantity, unit_price,
            net
        from document_lines order by line""")
