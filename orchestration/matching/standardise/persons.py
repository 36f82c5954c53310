"""Person names: given name and family name as keys, as DuckDB SQL.

Nicknames are not replaced: "Bill" and "William" are compared as they are written, a merge needs other evidence.
What does NOT belong here: titles of jobs, comparing two persons (see linkage).
"""

from __future__ import annotations

from orchestration.matching.standardise.text import plain_words, words_removed
from orchestration.matching.standardise.vocabulary import vocabulary


def name_words(name: str) -> str:
    """SQL of the words of a name without titles ('Dr Anne-Marie D'Arc' is 'anne marie d arc')."""
    return words_removed(plain_words(name), vocabulary()["person_titles"])


def joined(words: str) -> str:
    """SQL of the words of a name as one key."""
    return f"nullif(replace({words}, ' ', ''), '')"


def given_name(name: str) -> str:
    """SQL of a given name as one key: words joined, 'Jean-Marie', 'Jean Marie' and 'JeanMarie' are one."""
    return joined(name_words(name))


def family_name(name: str) -> str:
    """SQL of a family name as one key, particles kept and joined: 'de la Cruz', 'De La Cruz', 'Delacruz' are one."""
    return joined(name_words(name))


def family_core(words: str) -> str:
    """SQL of a family name in words without its particles: 'van der berg' and 'berg' are both 'berg'."""
    return f"replace({words_removed(words, vocabulary()['name_particles'])}, ' ', '')"


def given_of_full(name: str) -> str:
    """SQL of the given name inside a full name: after the comma of 'Martin, Jean', else the first word."""
    after = rf"nullif(trim(regexp_extract({name}, '^[^,]+,(.*)$', 1)), '')"
    words = name_words(f"coalesce({after}, {name})")
    return (
        f"CASE WHEN {after} IS NOT NULL THEN {given_name(after)} "
        f"WHEN contains({words}, ' ') THEN split_part({words}, ' ', 1) END"
    )


def family_of_full(name: str) -> str:
    """SQL of the family name inside a full name: before the comma, else all words after the first."""
    before = rf"nullif(trim(regexp_extract({name}, '^([^,]+),', 1)), '')"
    words = name_words(name)
    rest = rf"regexp_replace({words}, '^\S+ ', '')"
    return f"coalesce({family_name(before)}, replace({rest}, ' ', ''))"
