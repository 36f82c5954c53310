"""Company names: core name and legal form, as DuckDB SQL over plain words.

What does NOT belong here: folding a text into plain words (see text), telling two companies apart (see linkage), places
inside a name.
"""

from __future__ import annotations

from functools import cache

from ingest.sql import literal
from orchestration.matching.standardise.text import words_removed, words_replaced
from orchestration.matching.standardise.vocabulary import vocabulary


@cache
def _spellings() -> dict[str, str]:
    """Every spelling of a legal form -> the form, longest spelling first."""
    forms = vocabulary()["legal_forms"]
    known = {spelling: form for form, others in forms.items() for spelling in [form, *others]}
    return dict(sorted(known.items(), key=lambda item: (-len(item[0]), item[0])))


def _stripped(words: str) -> str:
    """SQL of the name without leading and trailing legal forms; the name itself when it is nothing else."""
    trailing = f"( ({'|'.join(_spellings())}))+$"
    leading = f"^(({'|'.join(sorted(vocabulary()['leading_forms'], key=len, reverse=True))}) )+"
    bare = f"regexp_replace(regexp_replace({words}, {literal(trailing)}, ''), {literal(leading)}, '')"
    return f"coalesce(nullif({bare}, ''), {words})"


def company_core_name(words: str) -> str:
    """SQL of a name in plain words without legal form and empty words, abbreviations spelled out: 'ets dupont cie sarl'
    gives 'dupont compagnie'."""
    core = words_removed(_stripped(words), vocabulary()["company_stop_words"])
    return words_replaced(core, vocabulary()["company_words"])


def company_legal_form(words: str) -> str:
    """SQL of the legal form of a name in plain words, in its short spelling ('limited' is 'ltd'), the last one written;
    NULL when none."""
    spellings = _spellings()
    trailing = f" ({'|'.join(spellings)})$"
    leading = f"^({'|'.join(form for form in vocabulary()['leading_forms'] if form in spellings)}) "
    found = (
        f"coalesce(nullif(regexp_extract({words}, {literal(trailing)}, 1), ''), "
        f"nullif(regexp_extract({words}, {literal(leading)}, 1), ''))"
    )
    keys = ", ".join(literal(each) for each in spellings)
    values = ", ".join(literal(each) for each in spellings.values())
    return f"MAP([{keys}], [{values}])[{found}]"
