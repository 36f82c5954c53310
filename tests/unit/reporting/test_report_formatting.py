"""Numbers, money and dates as French and English readers write them."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from orchestration.reporting.formatting import Formats, add_months

FR, EN = Formats("fr"), Formats("en")
D = Decimal


@pytest.mark.parametrize(
    ("value", "places", "fr", "en"),
    [
        (0, 0, "0", "0"),
        (999, 0, "999", "999"),
        (1_234_567, 0, "1\u202f234\u202f567", "1,234,567"),
        (D("-1234.55"), 1, "\u22121\u202f234,6", "\u22121,234.6"),
        (D("0.125"), 2, "0,13", "0.13"),
        (0.1, 1, "0,1", "0.1"),
        (D("-0.004"), 2, "0,00", "0.00"),
        (None, 0, "–", "–"),
        (float("nan"), 0, "–", "–"),
    ],
)
def test_numbers_are_grouped_and_rounded_half_up(value, places, fr, en):
    assert FR.decimal(value, places) == fr
    assert EN.decimal(value, places) == en


def test_rates_are_percentages_and_their_differences_are_points():
    assert FR.percent(D("0.1184")) == "11,8\u202f%"
    assert EN.percent(D("0.1184")) == "11.8%"
    assert FR.points(D("0.0065")) == "+0,7\u00a0pt"
    assert EN.points(D("-0.0065")) == "\u22120.7\u00a0pp"


def test_a_bar_shows_every_digit_that_it_has():
    assert (FR.exact(D("0.3000"), 2), EN.exact(D("0.1550"), 2), EN.exact(D("2.0000")), EN.exact(D(40))) == (
        "0,30", "0.155", "2", "40",
    )  # fmt: skip
    assert (FR.exact_percent(D("0.0020000000")), EN.exact_percent(D("0.00045"))) == ("0,2\u202f%", "0.045%")
    assert FR.exact(None) == FR.exact_percent(None) == "–"


def test_a_share_never_shows_a_zero_that_it_is_not():
    assert EN.share(16 / 402_000) == "<\u202f0.01%"
    assert EN.share(0) == "0.00%"
    assert FR.share(D("0.0301")) == "3,01\u202f%"


@pytest.mark.parametrize(
    ("amount", "currency", "fr", "en"),
    [
        (D("1284.5"), "EUR", "1\u202f285\u00a0€", "€1,285"),
        (D("-12"), "USD", "\u221212\u00a0$", "\u2212$12"),
        (D("12000"), "CHF", "12\u202f000\u00a0CHF", "12,000\u00a0CHF"),
        (None, "EUR", "–", "–"),
    ],
)
def test_money_names_its_currency(amount, currency, fr, en):
    assert FR.money(amount, currency) == fr
    assert EN.money(amount, currency) == en


def test_tiles_shorten_millions_only():
    assert FR.money_short(D("1284310.55"), "EUR") == "1,28\u00a0M€"
    assert EN.money_short(D("-1284310.55"), "EUR") == "\u2212€1.28M"
    assert EN.money_short(D("1284310"), "CHF") == "1.28\u00a0M\u00a0CHF"
    assert EN.money_short(D("999999"), "EUR") == "€999,999"


def test_dates_follow_the_language_and_instants_name_their_zone():
    assert FR.date(date(2026, 7, 1)) == "1er\u00a0juillet\u00a02026"
    assert EN.date(date(2026, 7, 1)) == "1\u00a0July\u00a02026"
    assert FR.date_short(date(2026, 7, 1)) == "01/07/2026"
    assert EN.date_short(date(2026, 7, 1)) == "2026-07-01"
    assert FR.month("2026-02") == "février\u00a02026"
    assert EN.month_short("2026-02") == "Feb\u00a026"
    assert EN.instant(datetime(2026, 7, 1, 6, 5)).endswith("06:05\u00a0UTC")
    assert FR.instant(None) == FR.date(None) == FR.month(None) == "–"


def test_months_cross_the_year_in_both_directions():
    assert add_months(date(2026, 1, 31), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 6, 1), 12) == date(2027, 6, 1)


def test_sizes_are_decimal_and_named_in_the_language():
    assert FR.size(23_400_120) == "23,4\u00a0Mo"
    assert EN.size(999) == "999\u00a0B"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="expected one of fr, en"):
        Formats("de")
