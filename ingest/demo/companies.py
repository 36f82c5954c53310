"""True companies of the demo world: names, national numbers, sizes, groups, sellers.

What does NOT belong here: how any system records them (salesforce.py, erp.py).
"""

from __future__ import annotations

import numpy as np

from ingest.demo.scratch import Scratch, pick
from ingest.demo.sizes import Size, stream
from ingest.demo.vocabulary import (
    CITIES,
    FIRST_NAMES,
    FOREIGN_CITIES,
    FOREIGN_FORMS,
    INDUSTRIES,
    LAST_NAMES,
    LEGAL_FORMS,
    ROOTS_A,
    ROOTS_B,
    TRADES,
    plain,
)

COUNTRIES = ["FR", "DE", "BE", "GB", "US"]
GROUP_BLOCK = 20  # companies 20b .. 20b+3 of every third block form a group led by 20b
STRATEGIC_BELOW = 240  # of the companies below this number, those that lead a group are strategic
SIZE_CODES = ["smb", "mid", "enterprise"]
SUCCESS_MANAGERS = 2


def luhn_digit(number: np.ndarray) -> np.ndarray:
    """Check digit that makes `number` followed by it valid under the Luhn rule."""
    total = np.zeros(number.shape, dtype=np.int64)
    rest = number.copy()
    for position in range(8):
        digit = rest % 10
        rest = rest // 10
        doubled = np.where(digit > 4, digit * 2 - 9, digit * 2)
        total += doubled if position % 2 == 0 else digit
    return (10 - total % 10) % 10


def _german_vat(number: np.ndarray) -> np.ndarray:
    product = np.full(number.shape, 10)
    for position in range(7, -1, -1):
        digit = number // 10**position % 10
        total = (digit + product) % 10
        total = np.where(total == 0, 10, total)
        product = 2 * total % 11
    return (11 - product) % 10


def _british_vat(number: np.ndarray) -> np.ndarray:
    total = np.zeros(number.shape, dtype=np.int64)
    for position, weight in zip(range(6, -1, -1), range(8, 1, -1), strict=True):
        total += number // 10**position % 10 * weight
    return 97 - total % 97


def make_sellers(scratch: Scratch, size: Size) -> None:
    """Table sellers: one row per user of the CRM; the first is the head of sales, the last an integration.

    Behind them, outside benchmarks, an account executive who left: who sold some deals once (deals.py), nothing since.
    """
    n = size.sellers
    index = np.arange(n + size.has_sheets)
    roles = np.select([index == 0, index == n], [0, 2], 1 + (index - 1) % 3)
    team = index % 3
    scratch.store(
        "sellers",
        {
            "seller": index,
            "first": pick(FIRST_NAMES, (index * 7 + 3) % len(FIRST_NAMES)),
            "last": pick(LAST_NAMES, (index * 13 + 5) % len(LAST_NAMES)),
            "first_plain": pick([plain(x) for x in FIRST_NAMES], (index * 7 + 3) % len(FIRST_NAMES)),
            "last_plain": pick([plain(x) for x in LAST_NAMES], (index * 13 + 5) % len(LAST_NAMES)),
            "role": pick(["Head of Sales", "SDR", "AE", "KAM"], roles),
            "team": pick(["Paris", "Lyon", "Enterprise"], team),
            "is_active": index < n - 1,
        },
        "*, 2100 + seller as extension, first_plain || '.' || last_plain || '@etalon-demo.example' as email",
    )


def make_success_team(scratch: Scratch, size: Size) -> None:
    """Table success_team: users of the CRM behind the sellers and the one who left; they own no record, call nobody."""
    index = np.arange(SUCCESS_MANAGERS)
    first, last = (
        [names[(step * size.sellers + 17 + i * step) % len(names)] for i in index]
        for names, step in ((FIRST_NAMES, 7), (LAST_NAMES, 13))
    )
    scratch.store(
        "success_team",
        {
            "seller": size.first_success_manager + index,
            "first": np.array(first),
            "last": np.array(last),
            "first_plain": np.array([plain(x) for x in first]),
            "last_plain": np.array([plain(x) for x in last]),
            "role": np.array(["Customer Success Manager"] * SUCCESS_MANAGERS),
            "team": np.array(["Customer Success"] * SUCCESS_MANAGERS),
            "is_active": np.array([True] * SUCCESS_MANAGERS),
        },
        "*, first_plain || '.' || last_plain || '@etalon-demo.example' as email",
    )


def make_companies(scratch: Scratch, size: Size, seed: int) -> None:
    """Table companies: one row per true company (`acc` from 0) and its group (`root_acc`)."""
    rng = stream(seed, "companies")
    n = size.accounts
    acc = np.arange(n)
    in_block = acc % GROUP_BLOCK
    grouped = ((acc // GROUP_BLOCK) % 3 == 0) & (in_block < 4) & (acc - in_block + 3 < n)
    parent = np.where(grouped & (in_block > 0), np.where(in_block == 3, acc - 1, acc - in_block), -1)
    root = np.where(grouped, acc - in_block, acc)

    band = rng.choice(3, n, p=[0.62, 0.23, 0.15])
    band = np.where(grouped & (in_block == 0), 2, band)
    is_vip = acc % 67 == 41
    band = np.where(is_vip, 2, band)
    employees = np.select(
        [band == 0, band == 1],
        [rng.integers(3, 46, n), rng.integers(110, 241, n)],
        (1100 * 10 ** (rng.random(n) * 1.2)).astype(np.int64),
    )
    country = np.where(grouped, 0, rng.choice(5, n, p=[0.86, 0.04, 0.04, 0.03, 0.03]))
    is_base = (rng.random(n) < (0.15 if size.leads < 1000 else 0.08)) | (grouped & (in_block < 2))

    serial = 100 + acc * 7919 % 999_000
    stem = 99_000_000 + serial
    siren = stem * 10 + luhn_digit(stem)
    belgian = 4_000_000 + acc
    german = 20_000_000 + acc
    british = 9_000_000 - acc % 1_000_000 - 1

    shuffled = rng.permutation(n)
    trade, rest = shuffled % len(TRADES), shuffled // len(TRADES)
    part_a, rest = rest % len(ROOTS_A), rest // len(ROOTS_A)
    part_b, number = rest % len(ROOTS_B), rest // len(ROOTS_B)
    city = rng.integers(0, len(CITIES), n)
    foreign = {c: FOREIGN_CITIES[c] for c in COUNTRIES[1:]}
    scratch.store(
        "companies",
        {
            "acc": acc,
            "trade": pick(TRADES, trade),
            "trade_plain": pick([plain(t) for t in TRADES], trade),
            "word": pick([a + b for a in ROOTS_A for b in ROOTS_B], part_a * len(ROOTS_B) + part_b),
            "number": number,
            "form": pick(
                LEGAL_FORMS + [FOREIGN_FORMS[c] for c in COUNTRIES[1:]],
                np.where(country == 0, rng.integers(0, 5, n), 4 + country),
            ),
            "country": pick(COUNTRIES, country),
            "city": pick(
                [c for c, _ in CITIES] + [foreign[c][0] for c in COUNTRIES[1:]],
                np.where(country == 0, city, len(CITIES) - 1 + country),
            ),
            "postal": pick(
                [p for _, p in CITIES] + [foreign[c][1] for c in COUNTRIES[1:]],
                np.where(country == 0, city, len(CITIES) - 1 + country),
            ),
            "industry": pick(INDUSTRIES, rng.integers(0, len(INDUSTRIES), n)),
            "employees": employees,
            "size_code": pick(SIZE_CODES, band),
            "is_vip": is_vip,
            # VIPs are prospects; the leaders of a few groups are customers, so that the strategic list has revenue
            "is_strategic": is_vip | (grouped & (in_block == 0) & (acc < STRATEGIC_BELOW)),
            "is_base": is_base,
            "parent_acc": parent,
            "root_acc": root,
            "currency": pick(["EUR", "GBP", "USD"], np.select([country == 3, country == 4], [1, 2], 0)),
            "owner": rng.integers(1, size.sellers - 1, n),
            "siren_number": siren,
            "fr_key": (12 + 3 * (siren % 97)) % 97,
            "belgian": belgian * 100 + 97 - belgian % 97,
            "german": german * 10 + _german_vat(german),
            "british": british * 100 + _british_vat(british),
        },
        """acc, form,
           trade || ' ' || word || case when number > 0 then ' ' || (number + 1) else '' end as name,
           lower(trade_plain || '-' || word) || case when number > 0 then '-' || (number + 1) else '' end ||
             '.example'
             as own_domain,
           country, city, postal, industry, employees, size_code, is_vip, is_strategic, is_base, parent_acc, root_acc,
             currency, owner,
           case when country = 'FR' then cast(siren_number as varchar) end as siren,
           case country when 'FR' then 'FR' || lpad(cast(fr_key as varchar), 2, '0') || siren_number
             when 'BE' then 'BE0' || belgian when 'DE' then 'DE' || german when 'GB' then 'GB' || british end
               as vat,
           case when acc < 10000 then '+3353649' || code(acc, 4) else '+33' || (757000000 + acc) end as
             switchboard""",
    )
    # One group shares its web domain: different national numbers must still keep its companies apart.
    scratch.run("""
        alter table companies add column domain varchar;
        update companies set domain = own_domain;
        update companies set domain = (select own_domain from companies where acc = 0) where acc in (1, 2);
    """)


def own_siren() -> str:
    """National number of the demo company itself."""
    stem = np.array([99_000_001])
    return f"{int(stem[0])}{int(luhn_digit(stem)[0])}"
