"""Numbers, money, dates and periods as a French or an English reader writes them.

What does not belong here: sentences (wording.py) and the choice of what is shown (templates).

Two languages need a page of code; a locale library would bring its own data version, and with it reports
whose bytes change when the library is updated. Values are rounded half up on `Decimal`, because a rate that
is compared with a bar on DECIMAL must not be printed from a binary float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from ingest.typography import NARROW_SPACE, NO_BREAK_SPACE

MINUS = "\u2212"
MISSING = "–"

LANGUAGES = ("fr", "en")

_MONTHS = {
    "fr": (
        ("janvier", "février", "mars", "avril", "mai", "juin",
         "juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    ),
    "en": (
        ("January", "February", "March", "April", "May", "June",
         "July", "August", "September", "October", "November", "December"),
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
}  # fmt: skip
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}

Number = int | float | Decimal


def to_decimal(value: Number) -> Decimal:
    """The value as a Decimal; a float through its shortest text, so that 0.1 stays 0.1."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def month_start(period: str | date) -> date:
    """The first day of '2026-06' or of the month a date falls in."""
    if isinstance(period, str):
        year, month = period.split("-")[:2]
        return date(int(year), int(month), 1)
    return date(period.year, period.month, 1)


def add_months(day: date, n_months: int) -> date:
    """The first day of the month `n_months` after the month of `day`."""
    index = day.year * 12 + day.month - 1 + n_months
    return date(index // 12, index % 12 + 1, 1)


@dataclass(frozen=True)
class Formats:
    """Formats of one language ('fr' or 'en'). Every method returns plain text and `–` for a missing value."""

    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"language is {self.language!r}, expected one of {', '.join(LANGUAGES)}")

    @property
    def _group(self) -> str:
        return NARROW_SPACE if self.language == "fr" else ","

    @property
    def _point(self) -> str:
        return "," if self.language == "fr" else "."

    def decimal(self, value: Number | None, places: int = 0, *, signed: bool = False) -> str:
        """`-1234.5` with one place: `−1 234,5` (FR, narrow no-break space) or `−1,234.5` (EN)."""
        if value is None:
            return MISSING
        number = to_decimal(value)
        if not number.is_finite():
            return MISSING
        rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        whole, _, fraction = f"{abs(rounded):f}".partition(".")
        grouped = re.sub(r"(?<=\d)(?=(\d{3})+$)", self._group, whole)
        text = grouped + (self._point + fraction if fraction else "")
        if rounded == 0:
            return text
        if rounded < 0:
            return MINUS + text
        return "+" + text if signed else text

    def integer(self, value: Number | None, *, signed: bool = False) -> str:
        return self.decimal(value, 0, signed=signed)

    def percent(self, value: Number | None, places: int = 1, *, signed: bool = False) -> str:
        """A rate in 0-1 as a percentage."""
        if value is None:
            return MISSING
        space = NARROW_SPACE if self.language == "fr" else ""
        return f"{self.decimal(to_decimal(value) * 100, places, signed=signed)}{space}%"

    def exact(self, value: Number | None, places: int = 0) -> str:
        """A bar: every decimal that it has, and at least so many."""
        if value is None:
            return MISSING
        return self.decimal(value, max(places, -to_decimal(value).normalize().as_tuple().exponent))

    def exact_percent(self, value: Number | None, places: int = 1) -> str:
        """A bar in 0-1 as a percentage with every decimal that it has, and at least so many."""
        if value is None:
            return MISSING
        space = NARROW_SPACE if self.language == "fr" else ""
        return f"{self.exact(to_decimal(value) * 100, places)}{space}%"

    def share(self, value: Number | None) -> str:
        """A share to two decimals that never shows a zero that it is not."""
        smallest = Decimal("0.0001")
        if value is not None and 0 < to_decimal(value) < smallest:
            return f"<{NARROW_SPACE}{self.percent(smallest, 2)}"
        return self.percent(value, 2)

    def points(self, value: Number | None, places: int = 1) -> str:
        """A difference of two rates, in percentage points, always with its sign."""
        if value is None:
            return MISSING
        unit = "pt" if self.language == "fr" else "pp"
        return f"{self.decimal(to_decimal(value) * 100, places, signed=True)}{NO_BREAK_SPACE}{unit}"

    def money(self, value: Number | None, currency: str, places: int = 0, *, signed: bool = False) -> str:
        """An amount; a currency without a known symbol is named by its code."""
        if value is None:
            return MISSING
        symbol = _SYMBOLS.get(currency, currency)
        text = self.decimal(value, places, signed=signed)
        if self.language == "fr" or len(symbol) > 1:
            return f"{text}{NO_BREAK_SPACE}{symbol}"
        sign, digits = (text[0], text[1:]) if text[0] in f"{MINUS}+" else ("", text)
        return f"{sign}{symbol}{digits}"

    def money_short(self, value: Number | None, currency: str) -> str:
        """An amount for a tile: to the unit below one million, then in millions with two decimals."""
        if value is None:
            return MISSING
        amount = to_decimal(value)
        if abs(amount) < 1_000_000:
            return self.money(amount, currency)
        symbol = _SYMBOLS.get(currency, currency)
        millions = self.decimal(amount / 1_000_000, 2)
        if self.language == "fr" or len(symbol) > 1:
            return f"{millions}{NO_BREAK_SPACE}M{symbol if len(symbol) == 1 else NO_BREAK_SPACE + symbol}"
        sign, digits = (MINUS, millions[1:]) if millions.startswith(MINUS) else ("", millions)
        return f"{sign}{symbol}{digits}M"

    def with_unit(self, value: Number | None, unit: str, places: int = 0, *, signed: bool = False) -> str:
        """A number and its unit, never broken over two lines."""
        text = self.decimal(value, places, signed=signed)
        return text if value is None or not unit else f"{text}{NO_BREAK_SPACE}{unit}"

    def month(self, period: str | date | None) -> str:
        """`juin 2026`, `June 2026`."""
        if period is None:
            return MISSING
        day = month_start(period)
        return f"{_MONTHS[self.language][0][day.month - 1]}{NO_BREAK_SPACE}{day.year}"

    def month_short(self, period: str | date | None) -> str:
        """`juin 26`, `Jun 26`."""
        if period is None:
            return MISSING
        day = month_start(period)
        return f"{_MONTHS[self.language][1][day.month - 1]}{NO_BREAK_SPACE}{day.year % 100:02d}"

    def date(self, day: date | None) -> str:
        """`30 juin 2026`, `30 June 2026`."""
        if day is None:
            return MISSING
        number = "1er" if self.language == "fr" and day.day == 1 else str(day.day)
        return NO_BREAK_SPACE.join((number, _MONTHS[self.language][0][day.month - 1], str(day.year)))

    def date_short(self, day: date | None) -> str:
        """`30/06/2026` in French, ISO `2026-06-30` in English (no reader can swap day and month)."""
        if day is None:
            return MISSING
        return f"{day:%d/%m/%Y}" if self.language == "fr" else f"{day:%Y-%m-%d}"

    def instant(self, at: datetime | None) -> str:
        """A UTC instant to the minute, with the zone written out."""
        if at is None:
            return MISSING
        clock = f"{at:%H} h {at:%M}" if self.language == "fr" else f"{at:%H:%M}"
        return f"{self.date(at.date())}, {clock.replace(' ', NARROW_SPACE)}{NO_BREAK_SPACE}UTC"

    def size(self, n_bytes: int | None) -> str:
        """Bytes, decimal units."""
        if n_bytes is None:
            return MISSING
        units = ("o", "ko", "Mo", "Go") if self.language == "fr" else ("B", "kB", "MB", "GB")
        number, step = to_decimal(n_bytes), 0
        while number >= 1000 and step < len(units) - 1:
            number, step = number / 1000, step + 1
        return self.with_unit(number, units[step], 0 if step == 0 else 1)
