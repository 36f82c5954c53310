"""A size says which months a company covers, and everything that is generated follows it.

What does NOT belong here: that the world is consistent (test_generation.py).
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
import pytest

from ingest.demo import SIZES, generate
from ingest.demo.ledger import fiscal_years
from ingest.demo.sizes import Size, months_before
from orchestration.commands.demo import command
from tests.unit.demo.extract_reader import read_all

THREE_YEARS = Size("three-years", 300, 5.0, 10.0, 6, "2026-03", True, first_event_month="2023-07")


@pytest.fixture(scope="module")
def three_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company as small as `tiny` over twice its months."""
    root = tmp_path_factory.mktemp("sizes") / THREE_YEARS.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, THREE_YEARS.name, THREE_YEARS)
        generate(root, THREE_YEARS.name)
    return root


def test_months_before_cross_the_year() -> None:
    assert [months_before("2025-01", n) for n in (0, 1, 6, 12, 13, -12)] == [
        "2025-01", "2024-12", "2024-07", "2024-01", "2023-12", "2026-01",
    ]  # fmt: skip


def test_bench_36m_covers_36_months_and_the_sizes_before_it_18() -> None:
    covered = {name: (len(size.event_months), size.event_months[0]) for name, size in SIZES.items()}
    assert covered.pop("bench-36m") == (36, "2023-07")
    assert set(covered.values()) == {(18, "2025-01")}
    tiny, long = SIZES["tiny"], SIZES["bench-36m"]
    assert (tiny.first_revenue_month, tiny.subscription_months[0]) == ("2024-07", "2022-07")
    assert (long.first_revenue_month, long.subscription_months[0]) == ("2023-01", "2021-01")
    assert tiny.event_months[-1] == long.event_months[-1] == long.subscription_months[-1] == "2026-06"


def test_bench_36m_holds_the_volumes_of_bench_300k() -> None:
    short, long = SIZES["bench-300k"], SIZES["bench-36m"]
    assert (long.leads, long.calls_per_lead, long.mail_events_per_lead) == (300_000, 10.0, 30.0)
    assert (short.leads, short.sellers, short.delivery_months) == (
        long.leads,
        long.sellers,
        long.delivery_months,
    )


def test_the_help_of_the_command_names_every_size() -> None:
    (told,) = (option.help for option in command.params if option.name == "size")
    assert all(name in told for name in SIZES)


def test_leads_calls_and_newsletters_lie_in_every_month_of_the_size(three_years: Path) -> None:
    """Calls of strangers and newsletters: those to leads follow the leads."""
    read = read_all(three_years / "extracts")
    values = {kind: [each.values for each in read[kind] if each.values] for kind in ("telephony", "mailing")}
    stranger = re.compile(r"(\+33|0033|33|0)188\d{6}")
    months = {
        "calls": {
            row["start"][:7]
            for row in values["telephony"]
            if stranger.fullmatch(row["src"]) or stranger.fullmatch(row["dst"])
        },
        "newsletters": {
            f"{dt.datetime.fromtimestamp(row['timestamp'], dt.UTC):%Y-%m}"
            for row in values["mailing"]
            if "marketing_campaign_id" in row
        },
        "leads": {row.values["CreatedDate"][:7] for row in read["crm/Lead"] if row.values},
    }
    assert {kind: sorted(found) for kind, found in months.items()} == dict.fromkeys(
        months, THREE_YEARS.event_months
    )


def test_ledgers_are_one_a_year_and_only_the_last_is_short(three_years: Path) -> None:
    names = sorted(path.name[-12:-4] for path in (three_years / "extracts" / "ledger").iterdir())
    assert names == ["20231231", "20241231", "20251130", "20260630"]
    spans = [
        (dt.date.fromisoformat(first), dt.date.fromisoformat(end))
        for first, end, _ in fiscal_years(THREE_YEARS)
    ]
    assert [(end - first).days for first, end in spans] == [365, 366, 365, 181]
    assert [end for _, end in spans[:-1]] == [first for first, _ in spans[1:]]


def test_the_revenue_of_every_month_is_explained_to_the_cent(three_years: Path) -> None:
    rows = duckdb.sql(f"from '{three_years}/truth/reconciliation.csv' order by period_month").fetchall()
    assert [month for month, *_ in rows] == THREE_YEARS.revenue_months
    for month, invoiced, booked, *causes in rows:
        assert round(invoiced + sum(causes) - booked, 2) == 0, month
    sold = duckdb.sql(
        f"select strftime(period_start, '%Y-%m') from '{three_years}/truth/kpi_values.parquet'"
        " where metric_name = 'revenue_total' and value > 0 order by 1"
    ).fetchall()
    assert [month for (month,) in sold] == THREE_YEARS.revenue_months
