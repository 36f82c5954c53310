"""Groups on every day, revenue in three views, gaps: against links followed by hand."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import duckdb
import planted_groups
import pytest
from planted_groups import INVOICES, LAST_DAY, LINKS, MOTORS, ByHand, acc, covers_all_time, grp

RANDOM_VERSIONS, RANDOM_LINKS = planted_groups.random_companies(seed=5)
GROUPS = ("+mart_finance_groups_month", "dim_corporate_groups", "int_group_gaps")


@pytest.fixture(scope="module")
def by_hand() -> ByHand:
    return ByHand(MOTORS + RANDOM_VERSIONS, LINKS + RANDOM_LINKS)


@pytest.fixture(scope="module")
def con(
    company_of_motors: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    motors = company_of_motors(tmp_path_factory.mktemp("motors") / "work", MOTORS + RANDOM_VERSIONS)
    with motors.master(LINKS + RANDOM_LINKS, *GROUPS) as con:
        yield con


def periods(con: duckdb.DuckDBPyConnection, kind: str) -> dict[str, list[tuple[date, date | None, str]]]:
    """account_id -> (valid_from, valid_to, group_id) in order."""
    found = defaultdict(list)
    for account_id, *period in con.execute(
        "select account_id, valid_from, valid_to, group_id from master.bridge_account_groups"
        " where kind_code = $1 order by account_id, valid_from", [kind],
    ).fetchall():  # fmt: skip
        found[account_id].append(tuple(period))
    return found


def on_day(found: dict[str, list[tuple]], account_id: str, day: date) -> list[str]:
    return [g for start, end, g in found[account_id] if start <= day and (end is None or day < end)]


@pytest.mark.audit("MD7")
def test_a_merger_is_dated_rows_and_no_merge_of_accounts(con):
    found = periods(con, "legal")
    for brand, owner in (("peugeot", "psa"), ("citroen", "psa"), ("fiat", "fca")):
        assert on_day(found, acc(brand), date(2021, 1, 15)) == [grp(owner)]
        assert on_day(found, acc(brand), date(2021, 1, 16)) == [grp("stellantis")]
    assert len({acc(name) for name in ("psa", "fca", "stellantis", "peugeot")}) == 4
    assert (
        con.execute(
            "select count(*) from master.dim_accounts where account_name like 'p% motors'"
        ).fetchone()[0]
        == 2
    )


def test_a_parent_that_a_later_version_shows_holds_since_that_version(con):
    found = periods(con, "legal")
    assert on_day(found, acc("opel"), date(2017, 7, 31)) == [grp("opel")]
    assert on_day(found, acc("opel"), date(2017, 8, 1)) == [grp("psa")]
    assert on_day(found, acc("sold"), date(2018, 6, 29)) == [grp("fca")]
    assert on_day(found, acc("sold"), date(2018, 6, 30)) == [grp("psa")]


def test_a_steward_says_that_a_company_stood_alone(con):
    found = periods(con, "legal")
    assert on_day(found, acc("ds"), date(2014, 5, 31)) == [grp("ds")]
    assert on_day(found, acc("ds"), date(2014, 6, 1)) == [grp("psa")]


def test_every_account_has_one_legal_group_on_every_day(con):
    found = periods(con, "legal")
    accounts = {a for (a,) in con.execute("select account_id from master.dim_accounts").fetchall()}
    assert set(found) == accounts
    assert all(covers_all_time([p[:2] for p in each]) for each in found.values())


@pytest.mark.audit("MD7", "MD8")
@pytest.mark.parametrize("kind", ["legal", "buying"])
def test_groups_are_those_found_by_hand_on_every_day_of_change(con, by_hand, kind):
    found = periods(con, kind)
    prefix = {"legal": "grp_", "buying": "buy_"}[kind]
    days, n_checked = by_hand.days(), 0
    for name in sorted(by_hand.names):
        for day in days:
            top = by_hand.top(name, kind, day)
            here = on_day(found, acc(name), day)
            if kind == "buying" and top == name:
                assert here in ([], [prefix + acc(name)[4:]])  # the head of a buying group may belong to it
            else:
                assert here == [prefix + acc(top)[4:]], (name, day, top)
                n_checked += 1
    assert n_checked > (5000 if kind == "legal" else 500)


def test_loops_end_and_stand_under_one_company(con, by_hand):
    found = periods(con, "legal")
    tops = {on_day(found, acc(name), LAST_DAY)[0] for name in ("ring1", "ring2", "ring3", "tail")}
    assert tops == {"grp_" + min(acc(n) for n in ("ring1", "ring2", "ring3"))[4:]}


@pytest.mark.audit("MD8")
def test_the_head_of_a_buying_group_belongs_to_it_as_long_as_it_has_members(con):
    buyers = "buy_" + acc("alliance")[4:]
    assert periods(con, "buying")[acc("alliance")] == [(date(2022, 1, 1), None, buyers)]
    assert periods(con, "buying")[acc("fiat")] == [(date(2022, 1, 1), date(2024, 1, 1), buyers)]


def test_flags_of_the_bridge_agree_with_its_dates(con, by_hand):
    wrong = con.execute(
        "select account_id from master.bridge_account_groups where is_as_is <>"
        " (valid_from <= date '2026-06-30' and coalesce(valid_to, date '9999-12-31') > date '2026-06-30')"
    ).fetchall()
    assert not wrong
    last = date(2090, 1, 1)  # after every link
    pro_forma = dict(
        con.execute(
            "select account_id, group_id from master.bridge_account_groups"
            " where is_pro_forma and kind_code = 'legal'"
        ).fetchall()
    )
    for name in by_hand.names:
        assert pro_forma[acc(name)] == grp(by_hand.top(name, "legal", last)), name
    assert pro_forma[acc("rover")] == grp("stellantis")
    in_force = con.execute(
        "select group_id from master.bridge_account_groups where is_pro_forma and kind_code = 'buying'"
        f" and account_id in ('{acc('rover')}', '{acc('fiat')}')"
    ).fetchall()
    assert in_force == [("buy_" + acc("alliance")[4:],)]  # of rover, until 2028; fiat has left


def test_segment_and_flag_of_a_group_are_those_of_its_members(con):
    groups = {
        g: rest
        for g, *rest in con.execute(
            "select group_id, kind_code, n_accounts, employee_count, size_band_code, is_strategic"
            " from master.dim_corporate_groups"
        ).fetchall()
    }
    members = ["stellantis", "psa", "peugeot", "citroen", "ds", "opel", "sold", "fca", "fiat"]
    assert groups[grp("stellantis")] == ["legal", len(members), 1190, "enterprise", True]
    assert groups[grp("psa")] == ["legal", 0, None, "unknown", False]
    assert groups["buy_" + acc("alliance")[4:]] == ["buying", 3, 610, "mid", False]
    assert groups["none"][:2] == ["buying", 0]


@pytest.mark.audit("MD7")
def test_three_views_attribute_every_invoice_to_the_group_found_by_hand(con, by_hand):
    expected = defaultdict(Decimal)
    for name, text, amount in INVOICES:
        day = date.fromisoformat(text)
        for view, at_day in (("as_was", day), ("as_is", LAST_DAY), ("pro_forma", date(2090, 1, 1))):
            legal = "unknown" if name == "stranger" else grp(by_hand.top(name, "legal", at_day))
            expected[view, "legal", legal, day.replace(day=1)] += Decimal(amount)
            if view == "pro_forma":
                at_day = date(2027, 6, 1)  # rover's link has a known end: it is the last that has not ended
            top = name if name == "stranger" else by_hand.top(name, "buying", at_day)
            buying = "unknown" if name == "stranger" else "none" if top == name else "buy_" + acc(top)[4:]
            expected[view, "buying", buying, day.replace(day=1)] += Decimal(amount)
    found = {
        tuple(key): amount
        for *key, amount in con.execute(
            "select view_code, kind_code, group_id, period_month, revenue_amount from marts.mart_finance_groups_month"
        ).fetchall()
    }
    assert found == dict(expected)


def test_every_view_adds_up_to_the_whole(con):
    whole = sum(Decimal(amount) for _, _, amount in INVOICES)
    sums = con.execute(
        "select view_code, kind_code, sum(revenue_amount), sum(n_lines)"
        " from marts.mart_finance_groups_month group by all"
    ).fetchall()
    assert len(sums) == 6
    assert {row[2:] for row in sums} == {(whole, len(INVOICES))}


def test_gaps_are_parents_without_a_record_loops_and_companies_that_look_like_members(con, by_hand):
    gaps = con.execute(
        "select left_record_key, right_record_key, reason, item_id, entity, kind from conforming.int_group_gaps"
    )
    found = {row[:3]: row[3:] for row in gaps.fetchall()}
    account = planted_groups.account
    assert (account("adrift"), account("nowhere"), "parent_not_found") in found
    assert (account("garage"), account("stellantis"), "domain_of_a_group") in found
    assert not {account("lone"), account("lost")} & {left for left, _, _ in found}
    loops = [row for row in found if row[2] == "parents_in_a_loop"]
    rings = {account(name) for name in ("ring1", "ring2", "ring3")}
    assert sum({left, right} <= rings for left, right, _ in loops) == 1
    standing = {by_hand.top(n, "legal", LAST_DAY) for n in by_hand.names}
    in_loops = {top for top in standing if by_hand.parent(top, "legal", LAST_DAY) is not None}
    assert len(loops) == len(in_loops) >= 2
    ids = [values[0] for values in found.values()]
    assert len(set(ids)) == len(ids)
    assert all(len(item) == 16 and item.startswith("rev_") for item in ids)
    assert {values[1:] for values in found.values()} == {("account", "missing_parent")}
