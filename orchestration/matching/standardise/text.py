"""Plain words: the folding that every other builder starts from, as DuckDB SQL over one text expression.

What does NOT belong here: anything that knows companies, persons or places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.sql import literal
from orchestration.matching.standardise.vocabulary import vocabulary

#: Letters that strip_accents keeps, written as people type them without the key.
_LETTERS = {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}


def blank_to_null(value: str) -> str:
    """SQL of the trimmed text; NULL when it is empty or one of the words people type for nothing."""
    words = ", ".join(literal(word) for word in vocabulary()["sentinel_words"])
    bare = f"trim(regexp_replace(lower({value}), '[^a-z0-9]+', ' ', 'g'))"
    # A text in another script has no Latin letter: it is not one of the words.
    return (
        f"CASE WHEN {bare} IN ({words}) OR regexp_full_match({value}, '[\\s[:punct:]]*') "
        f"THEN NULL ELSE trim({value}) END"
    )


def folded(value: str) -> str:
    """SQL of the lower-case text without accents (ligatures spelled out)."""
    text = f"lower({value})"
    for letter, spelled in _LETTERS.items():
        text = f"replace({text}, {literal(letter)}, {literal(spelled)})"
    return f"strip_accents({text})"


def plain_words(value: str) -> str:
    """SQL of the folded words, one blank between them; dots and apostrophes vanish inside a word ('s.a.' is 'sa').

    NULL when nothing is left. Letters of other scripts stay as they are.
    """
    text = f"translate({folded(value)}, {literal(chr(0x2019) + chr(0x2018) + '`´')}, {literal(chr(39) * 4)})"
    text = rf"regexp_replace({text}, '(\pL)\.(\pL)?', '\1\2', 'g')"
    # The replacement above consumes the letter after the dot: once more for every second dot.
    text = rf"regexp_replace({text}, '(\pL)\.(\pL)?', '\1\2', 'g')"
    text = f"replace({text}, {literal(chr(39))}, ' ')"
    return rf"nullif(trim(regexp_replace({text}, '[^\pL\pN]+', ' ', 'g')), '')"


def words_replaced(words: str, replacements: Mapping[str, str]) -> str:
    """SQL of the text of plain words with whole words replaced; an empty replacement removes the word."""
    keys = ", ".join(literal(key) for key in replacements)
    values = ", ".join(literal(value) for value in replacements.values())
    table = f"MAP([{keys}], [{values}])"
    tokens = f"list_transform(string_split({words}, ' '), lambda w: coalesce({table}[w], w))"
    return f"nullif(array_to_string(list_filter({tokens}, lambda w: w <> ''), ' '), '')"


def words_removed(words: str, removed: Iterable[str]) -> str:
    """SQL of the text of plain words without those given; the text itself when nothing would be left."""
    return f"coalesce({words_replaced(words, dict.fromkeys(removed, ''))}, {words})"


def sorted_words(words: str) -> str:
    """SQL of the words in alphabetical order: a key that word order does not change."""
    return f"array_to_string(list_sort(string_split({words}, ' ')), ' ')"
