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


def usual_sql(text: str, region: str) -> str:
    """SQL of the E.164 form of `text` in one of the usual spellings of `region`, all digits; NULL for any other."""
    return f"CASE {' '.join(_usual_cases(text, region))} END"


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
    international = metadata.international_prefix or "00"
    own = f"nullif(regexp_extract({bare}, {literal(national_pattern(region))}, 1), '')"
    foreign = rf"nullif(regexp_extract({bare}, '^(?:\+|00|{international})([1-9][0-9]{{6,14}})$', 1), '')"
    return (
        f"CASE {' '.join(_usual_cases(bare, region))} WHEN {is_short_sql(bare)} THEN NULL "
        f"ELSE coalesce({literal('+' + code)} || {own}, "
        f"CASE WHEN {foreign} NOT LIKE {literal(code + '%')} THEN '+' || {foreign} END) END"
    )


def is_short_sql(text: str) -> str:
    """SQL condition that `text` is an extension or another short number of the house."""
    return f"regexp_full_match({text}, '[0-9]{{1,6}}')"


def _usual_cases(text: str, region: str) -> list[str]:
    """The spellings +CC, national prefix and bare national number as branches of a CASE."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        raise ValueError(f"{region} has no number plan")
    code, trunk = f"+{metadata.country_code}", metadata.national_prefix or ""
    national = metadata.general_desc.national_number_pattern

    def spelled(prefix: str) -> str:
        matched = f"regexp_full_match({text}, {literal(f'{re.escape(prefix)}(?:{national})')})"
        if not prefix:
            return matched
        # Two comparisons of first characters spare most texts the pattern.
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return f"{text} >= {literal(prefix)} AND {text} < {literal(after)} AND {matched}"

    cases = [f"WHEN {spelled(code)} THEN {text}"]
    if trunk:
        cases.append(f"WHEN {spelled(trunk)} THEN {literal(code)} || substr({text}, {len(trunk) + 1})")
    return [*cases, f"WHEN {spelled('')} THEN {literal(code)} || {text}"]
