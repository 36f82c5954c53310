"""Registration numbers: SIREN, SIRET and EU VAT, checked; anything that identifies nobody becomes NULL.

SIREN and SIRET are DuckDB SQL. VAT numbers have a checksum per country: python-stdnum on distinct values, and its rule
for French ones written in the usual way as arrays, because they are most of what a French company has.
What does NOT belong here: phones, mail addresses, domains (see contact_points).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.no import mva as no_mva

from ingest.sql import literal
from orchestration.matching.standardise.vocabulary import vocabulary

#: La Poste: its thousands of SIRETs follow another rule, the sum of the digits is a multiple of 5.
LA_POSTE = "356000000"


def _digits(value: str) -> str:
    # A spreadsheet that took the number for a decimal writes 552100554.0.
    return rf"regexp_replace(regexp_replace({value}, '[.,]0+$', ''), '[\s.\-]+', '', 'g')"


def _luhn(digits: str, n: int) -> str:
    """SQL: the Luhn sum of `n` digits is a multiple of 10; the last digit counts once."""
    terms = []
    for position in range(1, n + 1):
        digit = f"try_cast(substr({digits}, {position}, 1) AS INTEGER)"
        doubled = (n - position) % 2 == 1
        terms.append(f"2 * {digit} - CASE WHEN {digit} > 4 THEN 9 ELSE 0 END" if doubled else digit)
    return f"({' + '.join(f'({term})' for term in terms)}) % 10 = 0"


def _is_sentinel(digits: str) -> str:
    listed = ", ".join(literal(each) for each in vocabulary()["sentinel_identifiers"])
    return f"{digits} IN ({listed})"


def siren(value: str) -> str:
    """SQL of the nine digits of a valid SIREN, also the first nine of a SIRET; NULL otherwise."""
    head = f"substr({_digits(value)}, 1, 9)"
    return (
        f"CASE WHEN NOT regexp_full_match({_digits(value)}, '[0-9]{{9}}|[0-9]{{14}}') THEN NULL "
        f"WHEN {_is_sentinel(head)} OR {_is_sentinel(_digits(value))} THEN NULL "
        f"WHEN {_luhn(head, 9)} THEN {head} END"
    )


def siret(value: str) -> str:
    """SQL of the fourteen digits of a valid SIRET (Luhn, or the rule of La Poste); NULL otherwise."""
    digits = _digits(value)
    total = " + ".join(f"try_cast(substr({digits}, {i}, 1) AS INTEGER)" for i in range(1, 15))
    return (
        f"CASE WHEN NOT regexp_full_match({digits}, '[0-9]{{14}}') OR {_is_sentinel(digits)} "
        f"OR {_is_sentinel(f'substr({digits}, 1, 9)')} THEN NULL "
        f"WHEN starts_with({digits}, '{LA_POSTE}') AND ({total}) % 5 = 0 THEN {digits} "
        f"WHEN {_luhn(digits, 14)} THEN {digits} END"
    )


def vat_numbers(values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Distinct texts -> table (value, vat_number): a compact VAT number of the EU, Britain, Norway or Switzerland with
    its country, NULL when it is none.

    A French number whose SIREN is a sentinel is none. Source of the checks: python-stdnum.
    """
    distinct = pc.drop_null(pc.unique(values)).cast(pa.string())
    is_plain = pc.match_substring_regex(distinct, r"\AFR[0-9]{11}\z")
    plain, others = distinct.filter(is_plain), distinct.filter(pc.invert(is_plain))
    found = pc.if_else(_are_french(plain), plain, None).to_pylist()
    found += [_vat(value) for value in others.to_pylist()]
    listed = pa.concat_arrays([plain, others])
    return pa.table({"value": listed, "vat_number": pa.array(map(_unless_sentinel, found), pa.string())})


def _are_french(numbers: pa.Array) -> pa.Array:
    """Which of the texts FR + 11 digits are valid: a SIREN (or 000 and six digits, Monaco) under its own two digits.

    (n,) text -> (n,) bool, as stdnum.fr.tva.validate says.
    """
    if not len(numbers):
        return pa.array([], pa.bool_())
    characters = np.array(numbers.to_pylist(), dtype="S13").view(np.uint8).reshape(-1, 13)
    digits = characters[:, 2:].astype(np.int64) - ord("0")
    siren = digits[:, 2:]
    doubled = 2 * siren[:, 1::2]
    luhn = siren[:, ::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    is_siren = (luhn % 10 == 0) | ~siren[:, :3].any(axis=1)
    value = siren @ 10 ** np.arange(8, -1, -1)
    return pa.array(is_siren & ((100 * value + 12) % 97 == 10 * digits[:, 0] + digits[:, 1]))


def _unless_sentinel(number: str | None) -> str | None:
    if number is None:
        return None
    digits = "".join(filter(str.isdigit, number))
    listed = vocabulary()["sentinel_identifiers"]
    return None if digits in listed or digits[-9:] in listed else number


#: Countries beyond the EU whose numbers are checked too.
_OTHER_VAT = {"GB": gb_vat, "CH": ch_vat, "NO": no_mva}


def _vat(value: str) -> str | None:
    country = value.strip()[:2].upper()
    module = _OTHER_VAT.get(country, eu_vat)
    try:
        number = module.validate(value.strip().upper())
    except (ValidationError, ValueError, IndexError):
        return None
    return number if number.startswith(country) else country + number
