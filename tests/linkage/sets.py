"""Generators: contacts of firms, private persons, business sites, organisations. Rows are dictionaries of texts.

Every row has rec_id, truth (the real entity) and trap (the name of the trap it was planted for, or empty).
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tests.linkage.vocabulary import (
    CITIES,
    FORMS,
    GIVEN,
    STREET_TYPES,
    STREETS,
    TRADES,
    plain,
    siren,
    syllable_names,
    typo,
)  # fmt: skip


@dataclass
class RecordSet:
    """rows: the records. n_traps: planted groups of records that look alike and are not the same."""

    columns: tuple[str, ...]
    rows: list[dict[str, str | None]] = field(default_factory=list)
    n_traps: int = 0

    def add(self, truth: str, trap: str = "", **values: str | None) -> None:
        self.rows.append({"truth": truth, "trap": trap, **values})

    def table(self, seed: int = 0) -> pa.Table:
        """The records in a random order, named r0, r1, ..."""
        order = np.random.default_rng(seed).permutation(len(self.rows))
        data = {"rec_id": [f"r{i}" for i in range(len(order))]}
        for column in ("truth", "trap", *self.columns):
            data[column] = [self.rows[i].get(column) for i in order]
        return pa.table({name: pa.array(values, pa.string()) for name, values in data.items()})


def _phone(rng: np.random.Generator, kind: str) -> str:
    return f"+33{'6' if kind == 'mobile' else '1'}{int(rng.integers(10_000_000, 99_999_999))}"


def _spelled_phone(rng: np.random.Generator, number: str) -> str:
    national = "0" + number[3:]
    forms = [number, national, " ".join(national[i : i + 2] for i in range(0, 10, 2)), f"+33 (0){number[3:]}"]
    return forms[int(rng.integers(4))]


def _date(rng: np.random.Generator) -> str:
    return str(np.datetime64("1940-01-01") + int(rng.integers(0, 24_000)))


def _address(rng: np.random.Generator) -> dict[str, str]:
    kind = STREET_TYPES[int(rng.integers(len(STREET_TYPES)))][0]
    city = int(rng.integers(len(CITIES)))
    return {
        "address": f"{int(rng.integers(1, 150))} {kind} {STREETS[int(rng.integers(len(STREETS)))]}",
        "postal_code": f"{(city * 3 + 1) % 95 + 1:02d}{int(rng.integers(0, 10)) * 100:03d}",
        "city": CITIES[city],
    }


def _noisy_address(rng: np.random.Generator, place: dict[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = dict(place)
    if rng.random() < 0.5:
        for long, short in STREET_TYPES:
            found["address"] = found["address"].replace(f" {long} ", f" {short} ")
    if rng.random() < 0.15:
        found["address"] = typo(rng, found["address"])
    if rng.random() < 0.1:
        found["postal_code"] = None
    if rng.random() < 0.2:
        found["city"] = found["city"].upper()
    return found


def business_contacts(n_persons: int, seed: int, n_traps_each: int = 0) -> RecordSet:
    """Contacts of firms: the same person as CRM contact, lead and attendee; one to three records each."""
    rng = np.random.default_rng(seed)
    found = RecordSet(("first_name", "last_name", "email", "phone", "mobile", "company"))
    families = syllable_names(rng, max(400, n_persons // 6))
    weights = 1 / np.arange(3, len(families) + 3)
    family_of = rng.choice(len(families), n_persons, p=weights / weights.sum())
    n_firms = max(20, n_persons // 8)
    stems = syllable_names(rng, n_firms, 3)
    trades = rng.integers(0, len(TRADES), n_firms)
    boards = [_phone(rng, "fixed") for _ in range(n_firms)]
    # A firm does not employ two people of one name here: nothing in such records could tell them apart.
    taken: set[tuple[int, str, str]] = set()
    for number in range(n_persons):
        firm = int(rng.integers(n_firms))
        given, family = GIVEN[int(rng.integers(len(GIVEN)))], families[family_of[number]]
        while (firm, plain(given), plain(family)) in taken:
            firm = int(rng.integers(n_firms))
        taken.add((firm, plain(given), plain(family)))
        name = f"{stems[firm]} {TRADES[trades[firm]]}"
        domain = f"{plain(stems[firm])}{firm}.fr"
        row = {
            "first_name": given, "last_name": family, "company": name, "phone": boards[firm],
            "email": f"{plain(given)}.{plain(family)}@{domain}", "mobile": _phone(rng, "mobile"),
        }  # fmt: skip
        found.add(f"p{number}", **_written(rng, row, FORMS))
        for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.33, 0.12]))):
            found.add(f"p{number}", **_noisy_contact(rng, row))
    if n_traps_each:
        _contact_traps(found, rng, n_traps_each, families, stems)
    return found


def _written(rng: np.random.Generator, row: dict, forms: list[str]) -> dict[str, str | None]:
    copy = dict(row)
    copy["company"] = f"{row['company']} {forms[int(rng.integers(len(forms)))]}".strip()
    for column in ("phone", "mobile"):
        copy[column] = _spelled_phone(rng, row[column]) if row[column] else None
    if rng.random() < 0.3:
        copy["mobile"] = None
    return copy


def _noisy_contact(rng: np.random.Generator, row: dict) -> dict[str, str | None]:
    copy = _written(rng, row, FORMS)
    if rng.random() < 0.15:
        copy["email"] = None
    elif rng.random() < 0.06:
        local, host = row["email"].split("@")
        copy["email"] = f"{local}+salon@{host}".upper()
    if rng.random() < 0.12:
        copy["last_name"] = typo(rng, copy["last_name"])
    if rng.random() < 0.05:
        copy["first_name"] = typo(rng, copy["first_name"])
    elif rng.random() < 0.04:
        copy["first_name"], copy["last_name"] = copy["last_name"], copy["first_name"]
    elif rng.random() < 0.04:
        copy["first_name"] = copy["first_name"][0] + "."
    if rng.random() < 0.3:
        copy["first_name"], copy["last_name"] = copy["first_name"].upper(), copy["last_name"].upper()
    if rng.random() < 0.1:
        copy["company"] = None
    if rng.random() < 0.25:
        copy["phone"] = None
    return copy


def _contact_traps(
    found: RecordSet, rng: np.random.Generator, n: int, families: list[str], stems: list[str]
) -> None:
    """homonyms, generic mailboxes, switchboards, free mail, couples: groups of two different people."""
    for i in range(n):

        def person(
            trap: str, who: str, first: str, last: str, company: str | None, i: int = i, **values: str
        ) -> None:
            found.add(
                f"{trap}{i}{who}",
                trap=f"{trap}{i}",
                first_name=first,
                last_name=last,
                company=company,
                **values,
            )

        def names() -> tuple[str, str, str, str]:
            given, other = (GIVEN[k] for k in rng.choice(len(GIVEN), 2, replace=False))
            family, second = (families[k] for k in rng.choice(len(families), 2, replace=False))
            return given, other, family, second

        def firm(kind: str, i: int = i) -> tuple[str, str, str]:
            return f"{stems[(i * 7) % len(stems)]} {kind}{i}", f"{kind.lower()}{i}.fr", _phone(rng, "fixed")

        given, _, family, _ = names()
        for who, kind in zip("ab", ("Trap", "Snare"), strict=True):
            name, domain, board = firm(kind)
            person(
                "homonym",
                who,
                given,
                family,
                name,
                email=f"{plain(given)}.{plain(family)}@{domain}",
                phone=board,
            )
        given, other, family, second = names()
        name, domain, board = firm("Mail")
        person("mailbox", "a", given, family, name, email=f"contact@{domain}", phone=board)
        person("mailbox", "b", other, second, name, email=f"contact@{domain}", phone=board)
        given, other, family, second = names()
        name, domain, board = firm("Board")
        for who, first in zip("ab", (given, other), strict=True):
            address = f"{plain(first)}.{plain(second)}@{domain}"
            person("switchboard", who, first, second, name, phone=board, email=address)
        given, other, family, _ = names()
        address = f"{plain(given)}.{plain(family)}"
        person(
            "free_mail",
            "a",
            given,
            family,
            None,
            email=f"{address}{2 * i}@gmail.com",
            mobile=_phone(rng, "mobile"),
        )
        person(
            "free_mail",
            "b",
            given,
            family,
            None,
            email=f"{address}{2 * i + 1}@gmail.com",
            mobile=_phone(rng, "mobile"),
        )
        shared = f"famille.{plain(family)}{i}@orange.fr"
        person("couple", "a", given, family, None, email=shared)
        person("couple", "b", other, family, None, email=shared)
        found.n_traps += 5


def private_persons(n_persons: int, seed: int, n_traps_each: int = 0) -> RecordSet:
    """Persons with birth date and postal address."""
    rng = np.random.default_rng(seed)
    found = RecordSet(("first_name", "last_name", "birth_date", "phone", "address", "postal_code", "city"))
    families = syllable_names(rng, max(300, n_persons // 4))

    def person(truth: str, first: str, last: str, born: str, place: dict, phone: str, trap: str = "") -> None:
        found.add(truth, trap, first_name=first, last_name=last, birth_date=born, phone=phone, **place)

    for number in range(n_persons):
        given, family = GIVEN[int(rng.integers(len(GIVEN)))], families[int(rng.integers(len(families)))]
        born, place, phone = _date(rng), _address(rng), _phone(rng, "fixed")
        person(f"p{number}", given, family, born, place, phone)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15]))):
            moved = _address(rng) if rng.random() < 0.15 else place
            person(
                f"p{number}",
                typo(rng, given) if rng.random() < 0.15 else given,
                typo(rng, family) if rng.random() < 0.15 else family.upper(),
                born[:-1] + str((int(born[-1]) + 1) % 10) if rng.random() < 0.08 else born,
                _noisy_address(rng, moved),
                _spelled_phone(rng, phone) if rng.random() < 0.7 else None,
            )
    for i in range(n_traps_each):
        for trap in ("twins", "father_son", "siblings"):
            given, other = (GIVEN[k] for k in rng.choice(len(GIVEN), 2, replace=False))
            family, place, home = (
                families[int(rng.integers(len(families)))],
                _address(rng),
                _phone(rng, "fixed"),
            )
            born = _date(rng)
            later = str(np.datetime64(born) + 9_000 + i)
            second = (given if trap == "father_son" else other, born if trap == "twins" else later)
            for who, (first, day) in zip("ab", ((given, born), second), strict=True):
                person(f"{trap}{i}{who}", first, family, day, place, home, f"{trap}{i}")
        given, family, born = GIVEN[i % len(GIVEN)], families[int(rng.integers(len(families)))], _date(rng)
        later = str(np.datetime64(born) + 9_000 + i)
        person(f"namesake{i}a", given, family, born, _address(rng), _phone(rng, "fixed"), f"namesake{i}")
        person(f"namesake{i}b", given, family, later, _address(rng), _phone(rng, "fixed"), f"namesake{i}")
        found.n_traps += 4
    return found


def business_sites(n_sites: int, seed: int, n_traps_each: int = 0) -> RecordSet:
    """Shops and offices with name, address, telephone, web site."""
    rng = np.random.default_rng(seed)
    found = RecordSet(("name", "address", "postal_code", "city", "phone", "website"))
    stems = syllable_names(rng, n_sites, 3)

    def site(
        truth: str, name: str, place: dict, phone: str | None, website: str | None, trap: str = ""
    ) -> None:
        found.add(truth, trap, name=name, phone=phone, website=website, **place)

    for number in range(n_sites):
        trade = TRADES[int(rng.integers(len(TRADES)))]
        name, place, phone = f"{stems[number]} {trade}", _address(rng), _phone(rng, "fixed")
        web = f"www.{plain(stems[number])}.fr"
        site(f"s{number}", f"{name} SARL", place, phone, web)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15]))):
            spelled = rng.random()
            written = (
                typo(rng, name) if spelled < 0.2
                else f"{trade} {stems[number]}" if spelled < 0.3
                else f"Ets {name}" if spelled < 0.45
                else stems[number] if spelled < 0.55
                else name.upper()
            )  # fmt: skip
            site(
                f"s{number}",
                written,
                _noisy_address(rng, place),
                _spelled_phone(rng, phone) if rng.random() < 0.75 else None,
                web if rng.random() < 0.5 else None,
            )
    for i in range(n_traps_each):
        brand = f"{stems[i % n_sites]} Express"
        for who in "ab":
            site(
                f"franchise{i}{who}",
                brand,
                _address(rng),
                _phone(rng, "fixed"),
                f"brand{i}.com",
                f"franchise{i}",
            )
        place, board = _address(rng), _phone(rng, "fixed")
        for who, name in zip(
            "ab", (f"Cabinet {stems[i % n_sites]}", f"{stems[-1 - i % n_sites]} Conseil"), strict=True
        ):
            site(f"building{i}{who}", name, place, board, None, f"building{i}")
        found.n_traps += 2
    return found


def organisations(n_firms: int, seed: int, n_traps_each: int = 0) -> RecordSet:
    """Legal entities of several systems: name, SIREN, web site, country. Renamed firms keep their SIREN."""
    rng = np.random.default_rng(seed)
    found = RecordSet(("name", "siren", "website", "country", "city"))
    stems = syllable_names(rng, n_firms, 3)
    number = 10_000_000

    def firm(
        truth: str,
        name: str,
        legal: str | None,
        web: str | None,
        city: str,
        trap: str = "",
        country: str = "FR",
    ):
        found.add(truth, trap, name=name, siren=legal, website=web, country=country, city=city)

    for i in range(n_firms):
        trade, legal, number = TRADES[int(rng.integers(len(TRADES)))], siren(number), number + 37
        name, city, web = (
            f"{stems[i]} {trade}",
            CITIES[int(rng.integers(len(CITIES)))],
            f"{plain(stems[i])}.fr",
        )
        firm(f"o{i}", f"{name} SAS", legal, web, city)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15]))):
            kind = rng.random()
            if kind < 0.15:  # renamed, found again by its number
                firm(f"o{i}", f"{stems[-1 - i]} Holding", legal, None, city)
            elif kind < 0.5:
                firm(f"o{i}", f"{name.upper()} S.A.S.", legal if rng.random() < 0.6 else None, web, city)
            else:
                firm(f"o{i}", typo(rng, name), None, f"https://www.{web}/fr", city)
    for i in range(n_traps_each):
        group, city = stems[i % n_firms], CITIES[int(rng.integers(len(CITIES)))]
        for who, suffix in zip("ab", ("Nord", "Sud"), strict=True):
            number += 37
            firm(
                f"group{i}{who}",
                f"Trap{i} {group} {suffix}",
                siren(number),
                f"group{i}.com",
                city,
                f"group{i}",
            )
        for who in "ab":
            number += 37
            firm(f"name{i}{who}", f"Twin{i} {group} SARL", siren(number), None, CITIES[i % 28], f"name{i}")
        firm(f"country{i}a", f"Border{i} {group}", None, f"border{i}.com", "Paris", f"country{i}")
        firm(f"country{i}b", f"Border{i} {group} GmbH", None, f"border{i}.com", "Berlin", f"country{i}", "DE")
        found.n_traps += 3
    return found
