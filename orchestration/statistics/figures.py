"""How an estimate is written into a table: ten decimals, exact where it is a fraction of counts.

What does NOT belong here: an estimate, a reason.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

RATE = pa.decimal128(18, 10)
_STEP = Decimal("1e-10")


def decimal(value: float | None) -> Decimal | None:
    """A number as ten decimals; None stays None."""
    return None if value is None else Decimal(repr(value)).quantize(_STEP)


def exact(value: Fraction | None) -> Decimal | None:
    """A fraction as ten decimals, divided with 28 digits; None stays None."""
    if value is None:
        return None
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_STEP)


def share(count: int, units: int) -> Decimal | None:
    """count / units as ten decimals; None without units."""
    return exact(Fraction(count, units)) if units else None
