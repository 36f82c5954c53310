"""Postal addresses and dates of birth, as DuckDB SQL.

What does NOT belong here: geocoding; names of persons or companies.
"""

from __future__ import annotations

from orchestration.matching.standardise.text import plain_words, words_replaced
from orchestration.matching.standardise.vocabulary import vocabulary


def street_number(address: str) -> str:
    """SQL of the house number inside an address line ('12 bis rue ...' is '12', 'Hauptstr. 7a' is '7'); NULL: none."""
    words = plain_words(address)
    return (
        rf"coalesce(nullif(ltrim(regexp_extract({words}, '^([0-9]+)', 1), '0'), ''), "
        rf"nullif(ltrim(regexp_extract({words}, '(?:^|\s)([0-9]+)\s?[a-z]?$', 1), '0'), ''))"
    )


def street_name(address: str) -> str:
    """SQL of the street without number and unit, types spelled out: '12bis, av. Foch' is 'avenue foch'.

    A remark on where along the street is cut off: '854 7th Ave. between 54th and 55th Sts.' is '7th avenue'.
    """
    positions = "|".join(vocabulary()["street_position_words"])
    words = rf"regexp_replace({plain_words(address)}, '(\S+ \S+) ({positions}) .*$', '\1')"
    bare = rf"regexp_replace({words}, '^[0-9]+\s?(bis|ter|quater|[a-d])?(\s|$)|\s[0-9]+\s?[a-z]?$', '', 'g')"
    glued = rf"regexp_replace({bare}, '(\pL{{3,}})(strasse|str)(\s|$)', '\1 street\3', 'g')"
    return words_replaced(f"nullif({glued}, '')", vocabulary()["street_words"])


def postal_code(value: str) -> str:
    """SQL of a postal code in upper case without blanks and country prefix, the +4 of a US code cut off."""
    text = rf"upper(regexp_replace(regexp_replace({value}, '[.,]0+$', ''), '[^A-Za-z0-9-]+', '', 'g'))"
    code = rf"regexp_replace({text}, '^(F|D|B|CH|A|L|I|E)-([0-9]+)$|^([0-9]{{5}})-[0-9]{{4}}$', '\2\3')"
    return f"nullif(replace({code}, '-', ''), '')"


def city_name(value: str) -> str:
    """SQL of a city: plain words without CEDEX and district number, 'saint' as 'st'."""
    words = rf"regexp_replace({plain_words(value)}, '\s(cedex(\s[0-9]+)?|[0-9]+(er|e|eme)?)$', '')"
    return words_replaced(words, {"saint": "st", "sainte": "st", "ste": "st"})


def birth_date(value: str) -> str:
    """SQL of the date of birth as text yyyy-mm-dd; NULL when no date of a living person.

    yyyymmdd and ISO first, then day first (the European reading), then month first where the day leaves no choice.
    """
    text = rf"regexp_replace(trim({value}), '([.]0+|[T ]\d.*)$', '')"
    parsed = (
        f"coalesce(try_strptime({text}, ['%Y-%m-%d', '%Y%m%d', '%Y/%m/%d', '%d/%m/%Y', '%d-%m-%Y', '%d.%m.%Y', "
        f"'%m/%d/%Y', '%d %b %Y', '%d %B %Y', '%b %d, %Y']))"
    )
    return (
        f"CASE WHEN {parsed} BETWEEN TIMESTAMP '1850-01-01' AND TIMESTAMP '2100-01-01' "
        f"THEN strftime({parsed}, '%Y-%m-%d') END"
    )
