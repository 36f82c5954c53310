"""E.164 as SQL: generated from the national number plans of the phonenumbers package, no row in Python.

What does NOT belong here: deciding which column is a phone (mappings do).
"""

from __future__ import annotations

import functools
import re

from phonenumbers import PhoneMetadata

from ingest.sql import literal

# Characters people write between digits; a full-width or typographic dash is one of them.
SEPARATORS = " .-()/\t\u00a0\u202f\u2010\u2011\u2013_"


@functools.cache
def known_region(region: str) -> bool:
    """True when `region` (ISO 3166-1 alpha-2) has a number plan."""
    return PhoneMetadata.metadata_for_region(region) is not None


@functools.cache
def national_pattern(region: str) -> str:
    """RE2 pattern with one group, the national significant number, for the ways `region` writes its numbers.

    Accepted: +CC, the international prefix and CC, CC alone, the national prefix, or the bare national
    number.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        raise ValueError(f"{region} has no number plan")
    code = str(metadata.country_code)
    national = metadata.general_desc.national_number_pattern
    trunk = f"(?:{metadata.national_prefix})?" if metadata.national_prefix else ""
    international = metadata.international_prefix or "00"
    return (
        rf"^(?:(?:\+|00|{international}){code}{trunk}|{code}|{metadata.national_prefix or ''})?({national})$"
    )


def bare_sql(text: str) -> str:
    """SQL of `text` without separators, the French '(0)' and an extension (x12, ext. 12, poste 12)."""
    plain = f"translate(replace({text}, '(0)', ''), {literal(SEPARATORS)}, '')"
    return (
        rf"CASE WHEN regexp_full_match({text}, '\+?[0-9]+') THEN {text} WHEN regexp_matches({text}, "
        rf"'[a-zA-Z#]') "
        rf"THEN regexp_replace({plain}, '(?i)(?:ext|x|poste|#)+:?[0-9]{{1,6}}$', '') ELSE {plain} END"
    )


def e164_sql(bare: str, region: str) -> str:
    """SQL of the E.164 form of `bare` (see bare_sql), or NULL when it is no number of `region` nor
    international.

    A foreign number needs its + or international prefix and is checked for length only (7 to 15 digits).
    The usual spellings are matched first, without groups: that is several times faster than extracting.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        raise ValueError(f"{region} has no number plan")
    code = str(metadata.country_code)
    trunk = metadata.national_prefix or ""
    national = metadata.general_desc.national_number_pattern
    international = metadata.international_prefix or "00"

    def spelled(prefix: str) -> str:
        return f"regexp_full_match({bare}, {literal(f'{prefix}(?:{national})')})"

    own = f"nullif(regexp_extract({bare}, {literal(national_pattern(region))}, 1), '')"
    foreign = rf"nullif(regexp_extract({bare}, '^(?:\+|00|{international})([1-9][0-9]{{6,14}})$', 1), '')"
    cases = [f"WHEN {spelled(re.escape('+' + code))} THEN {bare}"]
    if trunk:
        cases.append(f"WHEN {spelled(trunk)} THEN {literal('+' + code)} || substr({bare}, {len(trunk) + 1})")
    cases.append(f"WHEN {spelled('')} THEN {literal('+' + code)} || {bare}")
    return (
        f"CASE {' '.join(cases)} WHEN regexp_full_match({bare}, '[0-9]{{1,6}}') THEN NULL "
        f"ELSE coalesce({literal('+' + code)} || {own}, "
        f"CASE WHEN {foreign} NOT LIKE {literal(code + '%')} THEN '+' || {foreign} END) END"
    )
