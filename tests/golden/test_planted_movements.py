"""The weekly review of the pipeline: what moved in the last seven days and in the month, part by part (row FD5).

The compiled queries of the project run on deals planted here; openings and closings are recomputed in plain Python by
`oracle_pipeline.Pipeline`, which shares no code with them. Cycle: June 2026, Paris; the week begins on 24 June.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from tests.compiled_models import compiled_models, on_warehouse
from tests.golden.oracle_pipeline import FUNNEL, Pipeline
from tests.golden.planted_company import AS_OF

pytestmark = pytest.mark.audit("FD5")

PARIS = ZoneInfo("Europe/Paris")
STARTS = {"week": date(2026, 6, 24), "month": date(2026, 6, 1)}
END = date(2026, 7, 1)
RATES = [
    ("EUR", date(1900, 1, 1), date(9999, 12, 1), D(1)),
    ("USD", date(2020, 1, 1), date(2026, 6, 1), D("0.5")),
    ("USD", date(2026, 6, 1), date(9999, 12, 1), D("0.4")),
]
TEAMS = {"rep_n": "North", "rep_s": "South"}
PARTS = (
    *("opening_amount", "new_amount", "reopened_amount", "moved_in_amount", "entered_amount", "rate_amount"),
    *("increase_amount", "decrease_amount", "won_exit_amount", "lost_exit_amount", "moved_out_amount"),
    "left_amount",
)
COLUMNS = {
    "fct_opportunities": "opportunity_id varchar, account_id varchar, group_id varchar, lead_id varchar,"
    " rep_id varchar, opportunity_type_code varchar, stage_code varchar, currency varchar, amount decimal(18, 4),"
    " expected_close_on date, forecast_category_code varchar, opened_on date, closed_on date, is_open boolean,"
    " is_won boolean, is_lost boolean, size_band_code varchar",
    "fct_opportunity_changes": "opportunity_change_key varchar, opportunity_id varchar, changed_at timestamp,"
    " stage_code varchar, amount decimal(18, 4), expected_close_on date, forecast_category_code varchar",
    "dim_reps": "rep_id varchar, team_name varchar",
    "int_month_rates": "currency varchar, valid_from_month date, valid_to_month date, exchange_rate decimal(18, 8)",
    "fct_stage_win_rates": "snapshot_on date, stage_code varchar, win_probability decimal(18, 10)",
}


@dataclass(frozen=True)
class Deal:
    """changes: instant in Paris, stage, amount, planned day, category; only what the row tells."""

    name: str
    opened: str
    changes: Sequence[tuple[str, str | None, str | None, str | None, str | None]] = ()
    closed: str | None = None
    status: str = "open"
    amount: str | None = None
    currency: str = "EUR"
    rep: str = "rep_n"


def deal(name: str, amount: str | None, *later: tuple, opened: str = "2026-05-02", **other: object) -> Deal:
    """A deal in prospecting from its opening, planned for August; its present amount is the last one told."""
    first = (f"{opened} 09:00", "prospecting", amount, "2026-08-15", "pipeline")
    amounts = [change[2] for change in (first, *later) if change[2] is not None]
    return Deal(name, opened, (first, *later), amount=amounts[-1] if amounts else None, **other)


DEALS = [
    deal("kept", "1000"),
    deal("up", "1000", ("2026-06-25 10:00", None, "1500", None, None)),
    deal("down", "2000", ("2026-06-10 10:00", None, "1200", None, None), rep="rep_s"),
    deal("new", "300", opened="2026-06-26"),
    deal("won", "500", ("2026-06-20 10:00", None, "600", None, None), ("2026-06-28 10:00", "won", None, None, None),
         closed="2026-06-28", status="won"),
    deal("lost", "400", ("2026-06-05 10:00", "lost", None, None, None), closed="2026-06-05", status="lost"),
    deal("quick", "70", ("2026-06-27 10:00", "won", None, None, None), opened="2026-06-25", closed="2026-06-27",
         status="won"),
    # shown as lost in May, open again since 15 June: gone at the beginning of the month, there at that of the week
    deal("back", "800", ("2026-05-20 10:00", "lost", None, None, None),
         ("2026-06-15 10:00", "negotiation", None, None, None)),
    # shown as lost in May, closed in the CRM in June: it had left before
    deal("late", "900", ("2026-05-20 10:00", "lost", None, None, None), closed="2026-06-12", status="lost"),
    deal("dollar", "1000", currency="USD"),
    deal("slipped", "2000", ("2026-06-25 10:00", None, None, "2026-11-15", None)),
    deal("pulled", "3000", ("2026-05-03 10:00", None, None, "2026-12-01", None),
         ("2026-06-25 10:00", None, None, "2026-09-01", "commit")),
    # 23:59 of 30 June in Paris counts, midnight does not; 23:30 of 23 June is before the week
    deal("last_minute", "100", ("2026-06-30 23:59", None, "110", None, None),
         ("2026-07-01 00:00", None, "990", None, None)),
    deal("eve", "50", ("2026-06-23 23:30", None, "60", None, None), ("2026-06-24 00:00", "proposal", None, None, None)),
    Deal("untold", "2026-05-02", amount="20"),
    deal("bare", None),
    deal("closed_before", "5", ("2026-05-30 10:00", "won", None, None, None), closed="2026-05-30", status="won"),
]  # fmt: skip


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC).replace(tzinfo=None)


def tables(deals: Sequence[Deal]) -> dict[str, list[dict]]:
    """Relations of the master layer and the chances to win, as rows."""
    day = date.fromisoformat
    made: dict[str, list[dict]] = {
        "dim_reps": [{"rep_id": rep, "team_name": team} for rep, team in TEAMS.items()],
        "int_month_rates": [
            {"currency": code, "valid_from_month": begin, "valid_to_month": end, "exchange_rate": rate}
            for code, begin, end, rate in RATES
        ],
        "fct_stage_win_rates": [
            {"snapshot_on": on, "stage_code": stage, "win_probability": D(rank + (on == END)) / 10}
            for on in (date(2026, 6, 1), END)
            for rank, stage in enumerate(FUNNEL, start=1)
        ],
        "fct_opportunities": [],
        "fct_opportunity_changes": [],
    }
    for each in deals:
        told = [change[1] for change in each.changes if change[1]]
        made["fct_opportunities"].append(
            {"opportunity_id": each.name, "account_id": "acc", "group_id": "unknown", "lead_id": "unknown",
             "rep_id": each.rep, "opportunity_type_code": "new", "stage_code": told[-1] if told else "unknown",
             "currency": each.currency, "amount": None if each.amount is None else D(each.amount),
             "expected_close_on": None, "forecast_category_code": None, "opened_on": day(each.opened),
             "closed_on": day(each.closed) if each.closed else None, "is_open": each.status == "open",
             "is_won": each.status == "won", "is_lost": each.status == "lost", "size_band_code": "mid"}
        )  # fmt: skip
        made["fct_opportunity_changes"] += [
            {"opportunity_change_key": f"{each.name}/{n:03d}", "opportunity_id": each.name, "changed_at": instant(at),
             "stage_code": stage, "amount": None if amount is None else D(amount),
             "expected_close_on": day(planned) if planned else None, "forecast_category_code": category}
            for n, (at, stage, amount, planned, category) in enumerate(each.changes)
        ]  # fmt: skip
    return made


class Review:
    """The three models on planted deals, on a connection that holds them in memory."""

    def __init__(self, con: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> None:
        self.con, self.queries = con, queries

    def build(self, deals: Sequence[Deal]) -> dict[str, list[dict]]:
        planted = tables(deals)
        for name, columns in COLUMNS.items():
            self.con.execute(f"create or replace table memory.main.{name} ({columns})")
            if planted[name]:
                names = [column.split()[0] for column in re.split(r",\s*(?![\d ]*\))", columns)]
                rows = [{column: row.get(column) for column in names} for row in planted[name]]
                self.con.register("planted_rows", pa.Table.from_pylist(rows))
                self.con.execute(f"insert into memory.main.{name} by name select * from planted_rows")
        for model in (
            "fct_pipeline_movements",
            "mart_sales_pipeline_movements_cycle",
            "mart_sales_pipeline_deals_cycle",
        ):
            query = self.here(self.queries[model], *COLUMNS, "fct_pipeline_movements")
            self.con.execute(f"create or replace table memory.main.{model} as {query}")
        return planted

    def here(self, query: str, *names: str) -> str:
        """A compiled query that reads the named relations from memory."""
        for name in names:
            query = re.sub(rf'("\w+"\.)?"\w+"\."{name}"', f"memory.main.{name}", query)
        return query

    def cell(self, window: str, scope: str = "open", kind: str = "all", code: str = "all") -> dict:
        found = self.con.execute(
            "select * from memory.main.mart_sales_pipeline_movements_cycle where window_code = ? and scope_code = ?"
            " and segment_kind_code = ? and segment_code = ?",
            (window, scope, kind, code),
        )
        names = [column[0] for column in found.description]
        (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))

    def of(self, name: str, columns: str, window: str) -> tuple:
        return self.con.execute(
            f"select {columns} from memory.main.mart_sales_pipeline_deals_cycle"
            " where opportunity_id = ? and window_code = ?",
            (name, window),
        ).fetchone()


@pytest.fixture
def review(planted_work: Path) -> Iterator[Review]:
    queries = compiled_models(planted_work.parent / "project" / "target", "metrics", "marts")
    with on_warehouse(planted_work) as con:
        yield Review(con, queries)


def told(row: dict, names: str) -> tuple:
    return tuple(row[name] for name in names.split())


def test_the_parts_of_the_month_are_those_of_the_planted_deals(review):
    review.build(DEALS)
    row = review.cell("month")
    assert (row["window_start_on"], row["window_end_on"]) == (STARTS["month"], END)
    # kept, up, down, won, lost, dollar at 0.5, slipped, pulled, last_minute, eve, untold; bare adds nothing
    assert row["opening_amount"] == 1000 + 1000 + 2000 + 500 + 400 + 500 + 2000 + 3000 + 100 + 50 + 20
    assert told(row, "n_opening n_new n_reopened n_won n_lost n_closing") == (12, 2, 1, 2, 1, 12)
    assert told(row, "new_amount reopened_amount rate_amount") == (300 + 70, 800, -100)
    assert told(row, "increase_amount decrease_amount") == (500 + 100 + 10 + 10, -800)
    assert told(row, "won_exit_amount lost_exit_amount") == (-600 - 70, -400)
    assert told(row, "n_increased n_decreased n_unchanged n_slipped n_without_amount") == (4, 1, 6, 1, 1)
    assert row["closing_amount"] == 1000 + 1500 + 1200 + 300 + 800 + 400 + 2000 + 3000 + 110 + 60 + 20


def test_the_week_knows_what_stood_on_its_first_morning(review):
    """23:30 of 23 June in Paris is before the week; 00:00 of 24 June is a movement of it."""
    review.build(DEALS)
    row = review.cell("week")
    assert (row["window_start_on"], row["window_end_on"]) == (STARTS["week"], END)
    assert told(row, "n_opening n_new n_reopened n_won n_lost n_closing") == (12, 2, 0, 2, 0, 12)
    assert told(row, "increase_amount decrease_amount rate_amount reopened_amount") == (500 + 10, 0, 0, 0)
    assert told(row, "won_exit_amount new_amount") == (-600 - 70, 300 + 70)
    assert review.of("eve", "stage_before_code, stage_after_code, change_amount", "week") == (
        "prospecting",
        "proposal",
        0,
    )
    assert review.of("eve", "change_amount", "month") == (10,)
    assert review.of("back", "movement_code, entry_code", "month") == ("reopened", "reopened")
    assert review.of("back", "movement_code, entry_code", "week") == ("unchanged", "carried")


def test_a_week_without_movement_weighs_the_same_at_both_ends(review):
    """The chances of 1 June and of 1 July differ; only the month opens with the older ones, as its snapshot does."""
    review.build([deal("kept", "1000"), deal("other", "500", opened="2026-05-20")])
    week, month = review.cell("week"), review.cell("month")
    assert week["n_unchanged"] == week["n_opening"] == week["n_closing"] == 2
    assert told(week, "opening_weighted_amount closing_weighted_amount") == (D(300), D(300))
    assert told(month, "opening_weighted_amount closing_weighted_amount") == (D(150), D(300))


@pytest.fixture
def meeting(review, planted_work) -> Callable[[Sequence[Deal]], Callable[[], list[tuple]]]:
    """What assert_pipeline_movements_meet_the_snapshots finds broken, beside snapshots taken from the movements."""
    folder = planted_work.parent / "project" / "target" / "compiled" / "etalon" / "tests" / "singular"
    query = (folder / "assert_pipeline_movements_meet_the_snapshots.sql").read_text(encoding="utf-8")
    query = review.here(query, "mart_sales_pipeline_movements_cycle", "mart_sales_pipeline_month")

    def build(deals: Sequence[Deal]) -> Callable[[], list[tuple]]:
        review.build(deals)
        review.con.execute(
            "create or replace table memory.main.mart_sales_pipeline_month as"
            " select date '2026-05-01' as period_month, segment_kind_code, segment_code, n_opening as n_open,"
            " opening_amount as pipeline_amount, opening_weighted_amount as weighted_amount"
            " from memory.main.mart_sales_pipeline_movements_cycle where window_code = 'month' and n_opening > 0"
            " and scope_code = 'open' union all"
            " select date '2026-06-01', segment_kind_code, segment_code, n_closing, closing_amount,"
            " closing_weighted_amount from memory.main.mart_sales_pipeline_movements_cycle"
            " where window_code = 'month' and n_closing > 0 and scope_code = 'open'"
        )
        return lambda: review.con.execute(query).fetchall()

    return build


@pytest.mark.parametrize("month", ["2026-05-01", "2026-06-01"])
@pytest.mark.parametrize("column", ["pipeline_amount", "weighted_amount"])
@pytest.mark.parametrize("value", ["null", "1"])
def test_an_amount_that_one_side_lacks_does_not_meet_the_snapshots(review, meeting, month, column, value):
    broken = meeting(DEALS)
    assert broken() == []
    review.con.execute(
        f"update memory.main.mart_sales_pipeline_month set {column} = {value}"
        f" where segment_kind_code = 'all' and period_month = date '{month}'"
    )
    assert {row[2] for row in broken()} == {"snapshot"}


@pytest.mark.parametrize(
    "column", ["opening_amount", "closing_amount", "closing_weighted_amount", "won_exit_amount"]
)
def test_an_amount_that_the_movements_lack_is_broken(review, meeting, column):
    broken = meeting(DEALS)
    review.con.execute(
        f"update memory.main.mart_sales_pipeline_movements_cycle set {column} = null where segment_kind_code = 'all'"
    )
    assert broken() != []


def test_without_an_exchange_rate_the_amounts_of_both_are_null_or_that_of_the_snapshot_is_known(
    review, meeting
):
    broken = meeting([*DEALS, deal("yen", "900", currency="JPY")])
    assert broken() == []
    review.con.execute("update memory.main.mart_sales_pipeline_month set pipeline_amount = 5, weighted_amount = 1"
                       " where segment_kind_code = 'all' and period_month = date '2026-06-01'")  # fmt: skip
    assert broken() == [], (
        "what came and left within the window has no rate: the snapshot knows nothing of it"
    )


def test_what_left_before_and_what_nobody_dated_is_in_no_window(review):
    review.build([*DEALS, Deal("undated", "2026-05-02", amount="7", status="lost")])
    for window in STARTS:
        for name in ("late", "closed_before", "undated"):
            assert review.of(name, "movement_code", window) is None
    assert review.of("lost", "movement_code", "month") == ("lost",)
    assert review.of("lost", "movement_code", "week") is None


def test_what_is_planned_for_another_quarter_moves_out_of_it_and_back_in(review):
    """The quarter that holds 1 July ends in September: November is beyond it, December was."""
    review.build(DEALS)
    row = review.cell("week", "quarter")
    assert told(row, "n_moved_in moved_in_amount n_moved_out moved_out_amount") == (1, 3000, 1, -2000)
    assert review.of("slipped", "is_slipped, slip_days, quarter_exit_code, movement_code", "week") == (
        *(True, 92, "moved_out", "unchanged"),
    )
    assert review.of("pulled", "is_slipped, quarter_entry_code, quarter_exit_code", "week") == (
        *(False, "moved_in", "open"),
    )
    assert review.of("untold", "quarter_entry_code", "week") == (None,), "no planned day: in no quarter"
    whole = review.cell("week")
    assert told(whole, "n_moved_in n_moved_out moved_in_amount") == (0, 0, 0)


def test_a_deal_that_changes_its_stage_leaves_one_segment_and_enters_the_other(review):
    review.build(DEALS)
    entered = review.cell("week", kind="stage", code="proposal")
    left = review.cell("week", kind="stage", code="prospecting")
    assert told(entered, "n_opening n_entered entered_amount closing_amount") == (0, 1, 60, 60)
    assert told(left, "n_left left_amount") == (1, -60)
    commit = review.cell("week", kind="forecast_category", code="commit")
    assert told(commit, "n_opening n_entered entered_amount n_closing closing_amount") == (
        *(0, 1, 3000, 1, 3000),
    )
    assert review.cell("month", kind="team", code="South")["decrease_amount"] == -800


def test_the_amounts_are_null_with_a_reason_where_one_has_no_exchange_rate(review):
    review.build([*DEALS, deal("yen", "900", currency="JPY")])
    row = review.cell("week")
    assert (row["n_unconverted"], row["amount_reason_code"]) == (1, "exchange_rate_missing")
    assert {row[name] for name in (*PARTS, "closing_amount", "slipped_amount")} == {None}
    assert row["n_opening"] == 13, "the deal itself is counted"
    assert review.cell("week", kind="team", code="South")["closing_amount"] == 1200
    assert review.of("yen", "last_value_amount, amount_reason_code, amount_after", "week") == (
        *(None, "exchange_rate_missing", 900),
    )
    assert review.of("bare", "last_value_amount, amount_reason_code", "week") == (0, "amount_missing")


def test_a_company_without_a_deal_has_no_row(review):
    review.build([])
    for name in ("mart_sales_pipeline_movements_cycle", "mart_sales_pipeline_deals_cycle"):
        assert review.con.execute(f"select count(*) from memory.main.{name}").fetchone() == (0,)


def made_up(seed: int, n: int) -> list[Deal]:
    """Deals whose history jumps about: stages forth and back, closings with and without a row, other currencies."""
    chance = random.Random(seed)

    def moment(first: str, days: int) -> str:
        at = datetime.fromisoformat(f"{first} 00:00") + timedelta(minutes=chance.randrange(1440 * days))
        return at.strftime("%Y-%m-%d %H:%M")

    made = []
    for index in range(n):
        opened = moment("2026-04-15", 76)[:10]
        rows = [
            (
                moment(opened, 60),
                chance.choice([None, *FUNNEL, "lost", "won"]),
                chance.choice([None, f"{chance.randrange(1, 10**7) / 10**4:.4f}"]),
                chance.choice([None, moment("2026-05-01", 240)[:10]]),
                chance.choice([None, "pipeline", "best_case", "commit"]),
            )
            for _ in range(chance.randrange(6))
        ]
        status = chance.choice(["open", "open", "won", "lost"])
        closed = moment(opened, 70)[:10] if status != "open" and chance.random() < 0.9 else None
        made.append(
            Deal(f"d{index}", opened, sorted(rows, key=lambda row: row[0]), closed, status,
                 chance.choice(["123.4567", "80", None]), chance.choice(["EUR", "USD"]),
                 chance.choice(["rep_n", "rep_s", "rep_x"]))
        )  # fmt: skip
    return made


@pytest.mark.parametrize("seed", range(4))
def test_every_opening_and_closing_equals_the_recomputation_and_the_parts_add_up(review, seed):
    planted = review.build(made_up(seed, 400))
    pipeline = Pipeline(planted | {"fct_leads": [], "fct_opportunity_stages": []}, AS_OF, "Europe/Paris")
    expected: dict[tuple[str, str, str], list] = defaultdict(lambda: [0, 0, 0, 0])
    for window, start in STARTS.items():
        for side, on in ((0, start), (2, END)):
            month = (on - timedelta(days=1)).replace(day=1)
            for each in pipeline.deals:
                state = pipeline.known(each, on)
                if state is None:
                    continue
                value = pipeline.money(state["amount"], each["currency"], month) or 0
                team = TEAMS.get(each["rep_id"], "unknown")
                for cut in (("all", "all"), ("stage", state["stage"]), ("team", team),
                            ("forecast_category", state["category"])):  # fmt: skip
                    cell = expected[window, *cut]
                    cell[side] += 1
                    cell[side + 1] += value
    rows = review.con.execute(
        "select window_code, segment_kind_code, segment_code, n_opening, opening_amount, n_closing, closing_amount"
        " from memory.main.mart_sales_pipeline_movements_cycle where scope_code = 'open'"
    ).fetchall()
    found = {row[:3]: list(row[3:]) for row in rows if row[3] or row[5]}
    assert found == dict(expected)
    assert len(found) > 20
    broken = review.con.execute(
        f"select count(*) filter (where {' + '.join(PARTS)} <> closing_amount or n_opening + n_new + n_reopened"
        " + n_moved_in + n_entered - n_left - n_won - n_lost - n_moved_out <> n_closing), count(*)"
        " from memory.main.mart_sales_pipeline_movements_cycle"
    ).fetchone()
    assert broken[0] == 0 and broken[1] > 40
    # over the segments of a cut, what enters and what leaves is the same
    crossed = review.con.execute(
        "select sum(n_entered - n_left), sum(entered_amount + left_amount), sum(n_entered)"
        " from memory.main.mart_sales_pipeline_movements_cycle where segment_kind_code = 'stage'"
    ).fetchone()
    assert crossed[:2] == (0, 0) and crossed[2] > 10
