"""French VAT numbers as arrays: python-stdnum, asked one by one, is the independent judge of every text.

What does NOT belong here: other countries (see test_standardise).
"""

import random

import pyarrow as pa
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from orchestration.matching.standardise import identifiers


def _judged(text: str) -> str | None:
    try:
        return vat.validate(text)
    except ValidationError:
        return None


def _keyed(siren: str) -> str:
    return f"FR{int(siren + '12') % 97:02d}{siren}"


def _texts() -> list[str]:
    """Valid numbers, every digit of some changed, numbers without a SIREN, Monaco, and what only looks like one."""
    chance = random.Random(5)
    sirens = ["303265045", "552100554", "732829320", "000123456", "000000000", "356000000", "123456782"]
    sirens += [f"{chance.randrange(10**9):09d}" for _ in range(3000)]
    texts = [_keyed(siren) for siren in sirens]
    texts += [
        text[:at] + digit + text[at + 1 :]
        for text in texts[:3]
        for at in range(2, 13)
        for digit in "0123456789"
    ]
    texts += [f"FR{chance.randrange(10**11):011d}" for _ in range(3000)]
    odd = [
        "FR4030326504",
        "FR403032650455",
        "FR40 303 265 045",
        "fr40303265045",
        "FR40303265045\n",
        "FR٤0303265045",
    ]
    return list(dict.fromkeys([*texts, *odd, "FRK7399859412", "40303265045", "DE136695976"]))


def test_arrays_judge_french_numbers_as_stdnum_does_one_by_one():
    texts = _texts()
    listed = identifiers.vocabulary()["sentinel_identifiers"]
    expected = {text: _judged(text) for text in texts}
    expected = {text: None if (number or "")[-9:] in listed else number for text, number in expected.items()}
    table = identifiers.vat_numbers(pa.chunked_array([texts, texts[:10], [None]]))
    assert dict(zip(*(table[name].to_pylist() for name in ("value", "vat_number")), strict=True)) == expected
    assert sum(number is not None for number in expected.values()) > 250


def test_no_number_at_all_gives_no_row():
    assert identifiers.vat_numbers(pa.array([None], pa.string())).num_rows == 0
