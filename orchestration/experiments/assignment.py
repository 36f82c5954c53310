"""Which arm a unit gets (row EX4): GrowthBook's hash, version 2, or blocks of it inside the strata.

Pure and deterministic: the same seed and unit give the same arm on every machine, so that an assignment can be checked
by anybody who has the list of units. Not here: who is eligible (population), files (records).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

#: Places of the circle that a hash names.
PLACES = 10_000
_OFFSET, _PRIME = np.uint32(0x811C9DC5), np.uint32(0x01000193)


def fnv1a32(texts: Sequence[str]) -> np.ndarray:
    """FNV-1a, 32 bits, of the UTF-8 bytes of each text (Fowler, Noll, Vo; IETF draft-eastlake-fnv)."""
    coded = [text.encode() for text in texts]
    lengths = np.array([len(each) for each in coded], dtype=np.int64)
    found = np.full(len(coded), _OFFSET, dtype=np.uint32)
    if not len(coded) or not lengths.max():
        return found
    width = int(lengths.max())
    letters = np.frombuffer(b"".join(each.ljust(width, b"\0") for each in coded), dtype=np.uint8)
    letters = letters.reshape(len(coded), width)
    with np.errstate(over="ignore"):
        for place in range(width):
            inside = lengths > place
            found[inside] = (found[inside] ^ letters[inside, place]) * _PRIME
    return found


def places(seed: str, units: Sequence[str]) -> np.ndarray:
    """Place of each unit on the circle, 0 to 9,999: FNV-1a of the decimal FNV-1a of seed and unit, modulo 10,000.

    This is GrowthBook's hash version 2, whose value is the place divided by 10,000.
    """
    once = fnv1a32([f"{seed}{unit}" for unit in units])
    return (fnv1a32([str(each) for each in once.tolist()]) % PLACES).astype(np.int64)


def bounds(weights: Sequence[Decimal]) -> list[int]:
    """First place after each arm, for weights in any unit. Raises ValueError when none is above zero."""
    total = sum(weights, Decimal(0))
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, and one must be above zero")
    reached, found = Decimal(0), []
    for weight in weights:
        reached += weight
        found.append(int((reached * PLACES / total).to_integral_value()))
    return found


def by_hash(seed: str, units: Sequence[str], weights: Sequence[Decimal]) -> np.ndarray:
    """Number of the arm of each unit by its place; an arm of weight zero gets none."""
    return np.searchsorted(np.array(bounds(weights)), places(seed, units), side="right")


def by_block(
    seed: str, units: Sequence[str], strata: Sequence[str], weights: Sequence[Decimal]
) -> np.ndarray:
    """Number of the arm of each unit: inside each stratum units stand in the order of their hash and are cut by weight.

    In every stratum each arm has its due, rounded up or down; the hash of the stratum says which, so that small strata
    do not all favour the same arm. Depends on the whole list of units.
    """
    if not len(units):
        return np.zeros(0, dtype=np.int64)
    names, codes = np.unique(np.array([str(each) for each in strata]), return_inverse=True)
    order = np.lexsort((np.array([str(each) for each in units]), places(seed, units), codes))
    counts = np.bincount(codes, minlength=len(names))
    rank = np.empty(len(units), dtype=np.int64)
    rank[order] = np.arange(len(units)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = places(f"{seed}/stratum", names.tolist())[codes]
    # The middle of each unit's share of the circle, in whole numbers: (rank + start / 10,000) / units of the stratum.
    place = (rank * PLACES + start) // counts[codes]
    return np.searchsorted(np.array(bounds(weights)), place, side="right")
