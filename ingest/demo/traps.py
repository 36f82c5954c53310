"""Records that look alike and must stay apart: planted beside the world of the demo, with the truth about each.

Every trap is a handful of contacts or accounts of the CRM that no lead, opportunity or invoice names: a wrong merge is
counted without moving a figure of the world. A kind is listed by the columns of its members as SQL over one draw.
What does NOT belong here: duplicates that are to be found (records.py), the layout of the files (salesforce.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.demo.companies import luhn_digit
from ingest.demo.scratch import Scratch, pick
from ingest.demo.sizes import Size, epoch, stream
from ingest.demo.vocabulary import CITIES, FIRST_NAMES, JOB_TITLES, LAST_NAMES, TRADES, plain

_DAY_OF_PLANTING = (
    "12T09:00:00"  # of the first delivery: a later month would swell and the next one seem to shrink
)
_FIRST_NUMBER = 90_000_000  # ids that no record of the world has
_MEMBERS = 4  # numbers, telephone lines and records are counted from 4 x trap
_GIVEN_PAIRS = (
    ("Julien", "Julie"), ("Paul", "Paula"), ("Marie", "Marc"), ("Jean", "Jeanne"), ("Daniel", "Danielle"),
    ("Frédéric", "Frédérique"), ("Michel", "Michèle"), ("Pascal", "Pascale"), ("Martin", "Martine"),
)  # fmt: skip
_SYLLABLES_A = """
Bra Cri Dro Fre Gli Hui Jol Kra Lys Mev Nyx Oph Pru Quo Ryz Ska Tri Uve Vio Wyl Yam Zor Ebo Aku Iso
""".split()  # noqa: SIM905
_SYLLABLES_B = (
    "nova ketan dolis mirel vaux sorel pontal rigaud benac cluse thoré galis fonde zique lambert".split()  # noqa: SIM905
)
_SYLLABLES_C = ["a", "is", "on"]


@dataclass(frozen=True)
class _Person:
    """A contact: SQL of its columns. `employer` is 0 or 1, the firm of the trap that it works for."""

    first: str = "first"
    last: str = "last"
    email: str = "''"
    phone: str = "''"
    mobile: str = "''"
    employer: int = 0


@dataclass(frozen=True)
class _Company:
    """An account: SQL of its columns."""

    name: str
    website: str = "''"
    siren: str = "''"
    vat: str = "''"
    phone: str = "''"
    country: str = "'FR'"
    town: int = 0


_OWN_MAIL = "first_plain || '.' || last_plain || '@' || domain_0"
# telephone: the line that the company itself shows; a switchboard is also the number of its people
_PERSON_KINDS: dict[str, tuple[str, tuple[_Person, ...]]] = {
    "homonyms_two_companies": (
        "line(trap, 3)",
        (
            _Person(email=_OWN_MAIL, mobile="cell(trap, 0)"),
            _Person(
                email="first_plain || '.' || last_plain || '@' || domain_1",
                mobile="cell(trap, 1)",
                employer=1,
            ),
        ),
    ),
    "father_and_son": (
        "line(trap, 3)",
        (
            _Person(
                email="first_plain || '.' || last_plain || '.' || trap || 'a@freemail.example'",
                phone="line(trap, 0)",
                mobile="cell(trap, 0)",
            ),
            _Person(
                email="last_plain || '.jr.' || trap || 'b@webmail.example'",
                phone="line(trap, 0)",
                mobile="cell(trap, 1)",
            ),
        ),
    ),
    "couple_one_mailbox": (
        "line(trap, 3)",
        (
            _Person(
                "given", email="'les.' || last_plain || trap || '@freemail.example'", mobile="cell(trap, 0)"
            ),
            _Person(
                "given_alike",
                email="'les.' || last_plain || trap || '@freemail.example'",
                mobile="cell(trap, 1)",
            ),
        ),
    ),
    "contact_mailbox": (
        "line(trap, 0)",
        (
            _Person("given", email="'contact@' || domain_0", phone="line(trap, 0)"),
            _Person("given_alike", email="'contact@' || domain_0", phone="line(trap, 0)"),
            _Person(last="other_last", email="'contact@' || domain_0", phone="line(trap, 0)"),
        ),
    ),
    "switchboard": (
        "line(trap, 0)",
        (
            _Person(email=_OWN_MAIL, phone="line(trap, 0)"),
            _Person("given", phone="line(trap, 0)"),
            _Person(last="other_last", phone="line(trap, 0)"),
            _Person("given_alike", "other_last", phone="line(trap, 0)"),
        ),
    ),
    "addresses_one_digit": (
        "line(trap, 3)",
        (
            _Person(
                email="first_plain || '.' || last_plain || '1@' || domain_0",
                phone="line(trap, 0)",
                mobile="cell(trap, 0)",
            ),
            _Person(
                email="first_plain || '.' || last_plain || '2@' || domain_0",
                phone="line(trap, 0)",
                mobile="cell(trap, 1)",
            ),
        ),
    ),
    "similar_given_names": (
        "line(trap, 3)",
        (
            _Person(
                "given",
                email="given_plain || '.' || last_plain || '@' || domain_0",
                phone="line(trap, 0)",
            ),
            _Person(
                "given_alike",
                email="given_alike_plain || '.' || last_plain || '@' || domain_0",
                phone="line(trap, 0)",
            ),
        ),
    ),
    "homonyms_one_company": (
        "line(trap, 0)",
        (
            _Person(email=_OWN_MAIL, phone="line(trap, 0)", mobile="cell(trap, 0)"),
            _Person(
                email="substr(first_plain, 1, 1) || '.' || last_plain || '@' || domain_0",
                phone="line(trap, 0)",
                mobile="cell(trap, 1)",
            ),
        ),
    ),
}
_SITE = "'www.' || domain_0"
_ONLY_ODD = "case when trap % 2 = 1 then {} else '' end"
_COMPANY_KINDS: dict[str, tuple[_Company, ...]] = {
    "subsidiaries_one_domain": (
        _Company("firm_0 || ' Nord'", _SITE, "siren_0", phone="line(trap, 0)"),
        _Company("firm_0 || ' Sud'", _SITE, "siren_1", phone="line(trap, 0)", town=1),
    ),
    "franchise_two_towns": (
        _Company("'Agence ' || word_0", _SITE, _ONLY_ODD.format("siren_0"), phone="line(trap, 0)"),
        _Company("'Agence ' || word_0", _SITE, phone="line(trap, 1)", town=1),
    ),
    "same_name_two_countries": (
        _Company("firm_0", _SITE, "siren_0", phone="line(trap, 0)"),
        _Company("firm_0 || ' GmbH'", _ONLY_ODD.format("'www.' || domain_1"), country="'DE'"),
    ),
    "sentinel_number": (
        _Company(
            "firm_0", _SITE, "case when trap % 2 = 1 then '123456782' else '' end",
            "case when trap % 2 = 0 then 'DE999999999' else '' end", "line(trap, 0)",
            "case when trap % 2 = 0 then 'DE' else 'FR' end",
        ),
        _Company(
            "firm_1", "'www.' || domain_1", "case when trap % 2 = 1 then '123456782' else '' end",
            "case when trap % 2 = 0 then 'DE999999999' else '' end", "line(trap, 1)",
            "case when trap % 2 = 0 then 'DE' else 'FR' end", 1,
        ),
    ),
    "alike_names": (
        _Company("'Cabinet ' || word_0 || ' Expertise Comptable'", _SITE, phone="line(trap, 0)"),
        _Company(
            "'Cabinet ' || word_0 || ' Expertise Conseil'", "'www.' || domain_1", phone="line(trap, 1)", town=1
        ),
    ),
    "holding_and_operating": (
        _Company("'Holding ' || firm_0", _SITE, _ONLY_ODD.format("siren_0"), phone="line(trap, 0)"),
        _Company("firm_0", _SITE, _ONLY_ODD.format("siren_1"), phone="line(trap, 0)"),
    ),
    "numbered_companies": (
        _Company("'SCI ' || word_0 || ' 1'", siren=_ONLY_ODD.format("siren_0"), phone="line(trap, 0)"),
        _Company("'SCI ' || word_0 || ' 2'", siren=_ONLY_ODD.format("siren_1"), phone="line(trap, 0)"),
    ),
}  # fmt: skip


def plant_traps(scratch: Scratch, size: Size, seed: int) -> None:
    """Add the traps to sf_accounts and sf_contacts; table traps (trap_id, kind, entity, record_key)."""
    scratch.run("create table traps (trap_id varchar, kind varchar, entity varchar, record_key varchar)")
    if not size.traps_per_kind:
        return
    _draw(scratch, size, seed)
    for kind, (telephone, people) in _PERSON_KINDS.items():
        for number in range(1 + max(each.employer for each in people)):
            _add_account(
                scratch,
                kind,
                number,
                _Company(
                    f"firm_{number}",
                    f"'www.' || domain_{number}",
                    f"siren_{number}",
                    phone=telephone if number == 0 else "line(trap, 2)",
                    town=number,
                ),
            )
        for number, person in enumerate(people):
            _add_contact(scratch, kind, number, person)
    for kind, companies in _COMPANY_KINDS.items():
        for number, company in enumerate(companies):
            _add_account(scratch, kind, number, company)
            _add_to_traps(scratch, kind, number, "account")


def write_traps(scratch: Scratch, folder: Path) -> None:
    """traps.parquet: the records that must stay apart, one row each."""
    scratch.run(
        f"copy (select * from traps order by trap_id, record_key) to '{folder}/traps.parquet' (format parquet)"
    )


def _draw(scratch: Scratch, size: Size, seed: int) -> None:
    rng = stream(seed, "traps")
    kinds = [*_PERSON_KINDS, *_COMPANY_KINDS]
    n = size.traps_per_kind * len(kinds)
    trap = np.arange(n)
    words = [a + b + c for a in _SYLLABLES_A for b in _SYLLABLES_B for c in _SYLLABLES_C]
    word = rng.permutation(len(words))[: 2 * n]
    first, last = rng.integers(0, len(FIRST_NAMES), n), rng.integers(0, len(LAST_NAMES), n)
    other = (last + rng.integers(1, len(LAST_NAMES), n)) % len(LAST_NAMES)
    given = rng.integers(0, len(_GIVEN_PAIRS), n)
    town = rng.integers(0, len(CITIES), n)
    towns = (town, (town + rng.integers(1, len(CITIES), n)) % len(CITIES))
    trade = rng.integers(0, len(TRADES), n)
    columns = {
        "trap": trap,
        "kind": pick(kinds, trap // size.traps_per_kind),
        "first": pick(FIRST_NAMES, first),
        "first_plain": pick([plain(each) for each in FIRST_NAMES], first),
        "last": pick(LAST_NAMES, last),
        "last_plain": pick([plain(each) for each in LAST_NAMES], last),
        "other_last": pick(LAST_NAMES, other),
        "given": pick([a for a, _ in _GIVEN_PAIRS], given),
        "given_plain": pick([plain(a) for a, _ in _GIVEN_PAIRS], given),
        "given_alike": pick([b for _, b in _GIVEN_PAIRS], given),
        "given_alike_plain": pick([plain(b) for _, b in _GIVEN_PAIRS], given),
        "title": pick(JOB_TITLES, rng.integers(0, len(JOB_TITLES), n)),
        "owner": rng.integers(1, size.sellers - 1, n),
    }
    for number in (0, 1):
        stem = 98_000_000 + _MEMBERS * trap + number
        named = word[number * n : (number + 1) * n]
        columns |= {
            f"word_{number}": pick(words, named),
            f"word_{number}_plain": pick([plain(each) for each in words], named),
            f"trade_{number}": pick(TRADES, (trade + number * 7) % len(TRADES)),
            f"siren_number_{number}": stem * 10 + luhn_digit(stem),
            f"city_{number}": pick([city for city, _ in CITIES], towns[number]),
            f"postal_{number}": pick([postal for _, postal in CITIES], towns[number]),
            f"employees_{number}": rng.integers(3, 46, n),
        }
    derived = ", ".join(
        f"trade_{k} || ' ' || word_{k} as firm_{k}, lower(word_{k}_plain) || '-{'ab'[k]}.example' as domain_{k}, "
        f"cast(siren_number_{k} as varchar) as siren_{k}"
        for k in (0, 1)
    )
    scratch.store("trap_draws", columns, f"*, {derived}")
    # Numbers reserved for fiction that no person of these sizes has: 04 65 71 and 02 61 91.
    planted = epoch(f"{size.first_delivery}-{_DAY_OF_PLANTING}")
    scratch.run(f"""
        create or replace macro planted_at(trap) as {planted} + 60 * trap;
        create or replace macro line(trap, k) as '+3346571' || code({_MEMBERS} * trap + k, 4);
        create or replace macro cell(trap, k) as '+3326191' || code({_MEMBERS} * trap + k, 4);
        create or replace macro record_no(trap, k) as {_FIRST_NUMBER} + {_MEMBERS} * trap + k""")


def _add_account(scratch: Scratch, kind: str, number: int, company: _Company) -> None:
    shown_town = "case when {0} = 'DE' then '{1}' else {2} end"
    town = company.town
    scratch.run(f"""
        insert into sf_accounts by name
        select record_no(trap, {number}) as account_no, 'trap' as kind, record_no(trap, {number}) as acc,
          planted_at(trap) as created, -1 as deleted_s, {company.name} as name,
          {company.country} as country,
          {shown_town.format(company.country, "50667", f"postal_{town}")} as postal,
          {shown_town.format(company.country, "Köln", f"city_{town}")} as city,
          'Services' as industry, employees_{number} as employees, owner, false as is_strategic, 'EUR' as currency,
          {company.website} as website, {company.siren} as siren, {company.vat} as vat, '' as accountancy_code,
          typed(nullif({company.phone}, ''), 1) as phone, '' as street, -1 as shown_modified
        from trap_draws where kind = '{kind}'""")


def _add_contact(scratch: Scratch, kind: str, number: int, person: _Person) -> None:
    scratch.run(f"""
        insert into sf_contacts by name
        select record_no(trap, {number}) as contact_no, 'trap' as kind, record_no(trap, {number}) as per,
          planted_at(trap) + 20 as created, -1 as deleted_s, {person.first} as first, {person.last} as last,
          title, owner, false as opt_out, false as no_call, 'Web' as source,
          record_no(trap, {person.employer}) as account_no, {person.email} as email,
          typed(nullif({person.phone}, ''), 1) as phone, typed(nullif({person.mobile}, ''), 2) as mobile
        from trap_draws where kind = '{kind}'""")
    _add_to_traps(scratch, kind, number, "person")


def _add_to_traps(scratch: Scratch, kind: str, number: int, entity: str) -> None:
    contract, made_id = (
        ("crm_account", "account_id") if entity == "account" else ("crm_contact", "contact_id")
    )
    scratch.run(f"""
        insert into traps
        select 'trap-' || code(trap, 4), kind, '{entity}', 'crm/{contract}/' || {made_id}(record_no(trap, {number}))
        from trap_draws where kind = '{kind}'""")
