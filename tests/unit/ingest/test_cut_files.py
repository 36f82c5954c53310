"""A table cut between two rows ends like a whole one: its volume tells, and a person may say that it is right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from company_site import LEAD_HEADER, LEADS, Site

from ingest.company import load_company
from ingest.controls_result import ControlResult, result_of, sentence
from ingest.delivery_overview import decide
from ingest.errors import ConfigurationError


def leads(n: int, month: str = "2026-06") -> str:
    return LEAD_HEADER + "".join(f"{month}-{i},a{i}@x.fr,Open,{month}-01 10:00:00,N{i}\n" for i in range(n))


def put_months(site: Site, *sizes: int) -> None:
    """The first export and the months up to the cycle's, the last one of `sizes`."""
    june = 2026 * 12 + 5
    months = [f"{each // 12}-{each % 12 + 1:02d}" for each in range(june - len(sizes) + 1, june + 1)]
    for month, n in zip(months, sizes, strict=True):
        site.put(f"{month}/Leads.csv", leads(n, month))


def result(site: Site, kind: str, path: str = "crm/2026-06/Leads.csv") -> ControlResult:
    site.collect()
    (found,) = site.rows(
        f"SELECT * FROM collect.control_results WHERE kind = '{kind}' AND file_path = '{path}'"
    )
    names = [
        name
        for (name,) in site.rows("SELECT column_name FROM (DESCRIBE SELECT * FROM collect.control_results)")
    ]
    return result_of(dict(zip(names, found, strict=True)))


@pytest.mark.parametrize(
    ("sizes", "outcome"),
    [
        ((400, 40, 60, 19), ("error", "fail", "volume_history")),
        ((400, 40, 60, 20), ("warn", "warn", "volume")),
        ((400, 40, 60, 0), ("error", "fail", "volume_history")),
        ((400, 40, 60, 30), ("warn", "pass", "volume")),
        ((400, 9, 60, 1), ("warn", "warn", "volume")),  # a handful, once, says nothing
        ((400, 40, 19), ("warn", "warn", "volume")),  # one month is no history
        ((40, 19), ("warn", "warn", "volume")),
        ((400, 12, *[40] * 12, 19), ("error", "fail", "volume_history")),  # the small one is over a year ago
        ((400, 12, *[40] * 11, 19), ("warn", "warn", "volume")),
    ],
)  # fmt: skip
def test_a_month_far_below_the_smallest_of_its_year_holds(
    site: Callable[..., Site], sizes: tuple[int, ...], outcome: tuple[str, str, str]
) -> None:
    where = site()
    put_months(where, *sizes)
    found = result(where, "volume")
    assert (found.level, found.status, found.code) == outcome
    for language in ("en", "fr"):
        assert "None" not in sentence(found.code, found.params, language)
    if found.code == "volume_history":
        assert "etalon waive add crm/volume_leads" in sentence(found.code, found.params)


def test_what_came_on_several_dates_of_a_month_is_one_month(site: Callable[..., Site]) -> None:
    where = site()
    for month, n in (("2026-03", 400), ("2026-04", 40), ("2026-05", 60)):
        where.put(f"{month}/Leads.csv", leads(n, month))
    where.put("2026-06-15/Leads.csv", leads(30))
    where.put("2026-06-20/Leads.csv", leads(3, "2026-06"))
    late = result(where, "volume", "crm/2026-06-20/Leads.csv")
    assert (late.code, late.level, late.measured) == ("volume", "warn", "3")
    where.put("2026-06-15/Leads.csv", leads(16))
    cut = result(where, "volume", "crm/2026-06-20/Leads.csv")
    assert (cut.code, cut.status, cut.measured) == ("volume_history", "fail", "19")
    assert (
        "19 records for 2026-06, and 40 in the smallest of the 2 months before (2026-04; at least 20)"
        in sentence(cut.code, cut.params)
    )


def test_snapshots_of_one_month_do_not_add_up(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace("delimiter:", "snapshot: {complete: true, max_removed: 1}\n    delimiter:"))
    for day, n in (
        ("2026-04-30", 40),
        ("2026-05-10", 40),
        ("2026-05-20", 40),
        ("2026-06-10", 40),
        ("2026-06-20", 19),
    ):
        where.put(f"{day}/Leads.csv", leads(n, day[:7]))
    found = result(where, "volume", "crm/2026-06-20/Leads.csv")
    assert (found.code, found.measured, found.params["least"]) == ("volume_history", "19", 40)


def test_a_file_that_comes_on_change_or_has_a_check_of_its_own_is_not_held_for_its_volume(
    site: Callable[..., Site],
) -> None:
    on_change = LEADS.replace("delimiter:", "cadence: on_change\n    delimiter:")
    checked = LEADS.rstrip() + "\nchecks:\n  - {name: size, type: volume, file: leads, max_drop: 0.5}\n"
    for name, mapping in (("on_change", on_change), ("checked", checked)):
        where = site(mapping, name=name)
        put_months(where, 400, 40, 60, 1)
        assert result(where, "volume").status == "warn"


def test_a_content_that_loses_records_of_the_one_it_replaces_holds_until_it_is_whole(
    site: Callable[..., Site],
) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(40))
    where.collect()
    where.put("2026-06/Leads.csv", leads(6))
    found = result(where, "replaced")
    assert (found.level, found.status, found.control) == ("error", "fail", "replaced_leads")
    assert (found.previous, found.measured, found.n_failed) == ("40", "6", 34)
    assert f"etalon deliveries accept {found.delivery_id}" in sentence(found.code, found.params)
    assert "34 are gone (at most 10% of 40, or 4, may go unasked)" in sentence(found.code, found.params)
    assert "(au plus 10 % de 40, ou 4, peuvent partir" in sentence(found.code, found.params, "fr")
    where.put("2026-06/Leads.csv", leads(41))
    assert result(where, "replaced").status == "pass"
    where.put("2026-06/Leads.csv", leads(40))
    assert result(where, "replaced").status == "pass"


@pytest.mark.parametrize(("before", "after", "status"), [
    (40, 36, "pass"), (40, 35, "fail"), (100, 90, "pass"), (100, 89, "fail"), (9, 5, "pass"), (9, 4, "fail"),
    (40, 0, "fail"),
])  # fmt: skip
def test_a_correction_may_take_a_tenth_and_a_handful_away(
    site: Callable[..., Site], before: int, after: int, status: str
) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(before))
    where.collect()
    where.put("2026-06/Leads.csv", leads(after))
    assert result(where, "replaced").status == status


def test_a_smaller_content_is_accepted_by_name_for_these_bytes(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(40))
    where.collect()
    where.put("2026-06/Leads.csv", leads(6))
    delivery = result(where, "replaced").delivery_id or ""
    company = load_company(where.root)
    decide(company, delivery, "accept", "Ann Lee", "test rows taken out", dt.date(2026, 7, 2))
    found = result(where, "replaced")
    assert (found.status, found.code) == ("pass", "replaced_accepted")
    where.put("2026-06/Leads.csv", leads(1))
    found = result(where, "replaced")
    assert (found.status, found.previous) == ("fail", "6")
    where.put("2026-06/Leads.csv", leads(5))
    found = result(where, "replaced")
    assert (found.status, found.previous) == ("pass", "6"), "the accepted content is the measure now"
    where.put("2026-05/Leads.csv", leads(3, "2026-05"))
    where.collect()
    (other,) = where.rows(
        "SELECT _delivery_id FROM collect.deliveries WHERE file_path = 'crm/2026-05/Leads.csv'"
    )
    with pytest.raises(ConfigurationError) as refused:
        decide(company, other[0], "accept", "Ann Lee", "nothing to accept", dt.date(2026, 7, 2))
    assert refused.value.problem.code == "E-ING-181"


def test_a_file_that_loses_a_few_records_with_each_export_is_no_cut_one(site: Callable[..., Site]) -> None:
    where = site()
    for n in (40, 37, 34, 31):
        where.put("2026-06/Leads.csv", leads(n))
        found = result(where, "volume" if n == 40 else "replaced")
        assert n == 40 or (found.status, found.measured) == ("pass", str(n))
    assert found.previous == "34"


def test_a_cut_content_that_nobody_accepted_is_no_measure_for_the_next(site: Callable[..., Site]) -> None:
    where = site()
    for n in (40, 38, 12, 11):
        where.put("2026-06/Leads.csv", leads(n))
        where.collect()
    found = result(where, "replaced")
    assert (found.status, found.previous) == ("fail", "38")
    where.put("2026-06/Leads.csv", leads(36))
    assert result(where, "replaced").status == "pass"
