"""Roles: what a column of a table means to the linkage, and a guess of it from the column's name.

What does NOT belong here: the values of a role (see records).
"""

from __future__ import annotations

import re
from typing import Literal

Entity = Literal["person", "site", "organisation"]

_PLACE = ("address", "street_number", "street", "postal_code", "city", "region", "country")
_FIRM = ("name", "registration_number", "vat_number", "website", "email", "phone", "mobile")

#: Roles of each entity. `record_key` names the rows, `source` the system a row comes from.
ROLES: dict[str, tuple[str, ...]] = {
    "person": (
        "given_name", "family_name", "full_name", "birth_date", "national_id", "email", "phone", "mobile",
        "company", "website", *_PLACE,
    ),
    "site": (*_FIRM, *_PLACE),
    "organisation": (*_FIRM, *_PLACE),
}  # fmt: skip

#: Words of a column name (letters and digits only) that speak for a role, tried in this order.
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("given_name", r"(given|first|fore|fname|prenom|vorname|nombre$)(_?name)?"),
    ("family_name", r"(family|last|sur)_?name|surname|lname|nom(_de)?_famille|nachname|apellidos?|cognome"),
    ("full_name", r"(full|person|contact|display|complete)_?name|nom_complet"),
    ("birth_date", r"(date_of_|date_)?birth(_?date|day)?|dob|date_(de_)?naissance|naissance|geburtsdatum"),
    ("national_id", r"(soc_sec|ssn|national|social_security|passport|nino)(_?(id|number|no))?|nir"),
    ("email", r"(e_?mail|courriel|mail)(_?(address|adresse))?"),
    ("mobile", r"(mobile|cell|portable|gsm)(_?(phone|number|no))?"),
    ("phone", r"(tele)?phone(_?(number|no|1))?|tel|telefono?|telefon|fixe"),
    ("registration_number", r"siren|siret|registration_(number|no|id)|company_(number|no)|duns"),
    ("vat_number", r"vat(_?(number|no|id))?|tva(_intracom.*)?|ust_?id(_?nr)?"),
    ("website", r"web_?site|url|domain|homepage|site_web|web"),
    ("company", r"company(_?name)?|employer|account(_?name)?|organi[sz]ation|entreprise|societe"),
    ("name", r"name|nom|raison_sociale|denomination|label|title|(company|site|account|org(anisation)?|business|"
             r"facility|restaurant|trade)_?name|firma"),
    ("street_number", r"(street|house)_?(number|no)|numero(_voie)?"),
    ("address", r"(street_)?addr(ess)?e?(_?1|_line_?1)?|adresse(_1)?|address_?1|location"),
    ("street", r"street(_?name)?|voie|rue|strasse"),
    ("postal_code", r"(post(al)?|zip)_?(code)?(_[a-z]+)?|code_postal|cp|plz"),
    ("city", r"city|ville|town|suburb|commune|ort|localite|place|birth_?place|place_of_birth|lieu_naissance"),
    ("region", r"state|region|province|county|departement"),
    ("country", r"country(_?code)?|pays|land"),
)  # fmt: skip
_KEY = r"(record_?key|rec(ord)?_?id|unique_?id|id|key)"
_SOURCE = r"(source|system|data_?set|source_(system|dataset|name))"


def _plain(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def guess_roles(columns: list[str], entity: str) -> dict[str, str]:
    """Role -> column, from the names alone; one column per role, the first that fits, left to right."""
    wanted = ROLES[entity]
    found: dict[str, str] = {}
    for column in columns:
        plain = _plain(column)
        for role, pattern in (("record_key", _KEY), ("source", _SOURCE), *_PATTERNS):
            role_fits = role in wanted or role in ("record_key", "source")
            if entity != "person" and role == "company":
                role, role_fits = "name", True
            if entity == "person" and role == "name":
                role, role_fits = "full_name", True
            if role_fits and role not in found and re.fullmatch(pattern, plain):
                found[role] = column
                break
    if "given_name" in found and "family_name" in found:
        found.pop("full_name", None)
    return found


def guess_entity(columns: list[str]) -> Entity:
    """person when a column names a person's name or birth; site when an address stands by a name; else organisation."""
    person = guess_roles(columns, "person")
    if person.keys() & {"given_name", "family_name", "birth_date", "national_id"} or (
        "full_name" in person and "company" in person
    ):
        return "person"
    site = guess_roles(columns, "site")
    return "site" if site.keys() & {"address", "street", "phone", "postal_code"} else "organisation"
