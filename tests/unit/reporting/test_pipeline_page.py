"""The weekly review of the pipeline: what it says in each state, and what it reads (row FD5)."""

# ruff: noqa: E501 - planted tables read as tables

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import duckdb
import planted_cycles
import planted_pipelines as planted
import pytest
from test_cycle_pages import part, text_of

from orchestration.reporting.formatting import LANGUAGES
from orchestration.reporting.inputs import reading
from orchestration.reporting.pipeline_inputs import AT_RISK_SHOWN, MOVED_SHOWN, pipeline_review
from orchestration.reporting.render import CYCLE_PAGES

pytestmark = pytest.mark.audit("FD5")


def shown(review, language: str = "en") -> str:
    return CYCLE_PAGES["pipeline_review"](replace(planted_cycles.CYCLE, pipeline=review), language)


def test_the_steps_of_both_windows_stand_side_by_side_and_add_up_as_printed():
    page = part(shown(planted.REVIEW), "moved")
    assert "Open pipeline at the beginning 84 1,240,000 80 1,105,000" in page
    assert "New deals 6 +86,000 19 +310,000" in page and "Won 4 −95,000 9 −160,000" in page
    assert "Effect of exchange rates – −420 – −2,920" in page
    assert "Open pipeline at the end 82 1,194,081 82 1,194,081" in page
    assert "of which planned day pushed, still open 3 44,000 8 90,000" in page
    assert "Brought into the quarter" not in page and "Pushed out" not in page


def test_the_summary_says_both_windows_in_one_sentence_each():
    page = part(shown(planted.REVIEW), "summary")
    assert (
        "From 24 June 2026 to 30 June 2026: from €1,240,000 (84 deals) to €1,194,081 (82), −\u2060€45,920; won 4, lost 5,"
        " planned day pushed 3." in page
    )
    assert "From 1 June 2026" in page
    assert "The history of 2 deals does not tell" in page
    french = part(shown(planted.REVIEW, "fr"), "summary")
    assert (
        "Du 24 juin 2026 au 30 juin 2026 :" in french and "gagnées 4, perdues 5, date repoussée 3" in french
    )


def test_the_waterfall_has_a_table_and_labels_of_its_own():
    page = shown(planted.REVIEW)
    drawn = re.search(r'<svg[^>]*aria-labelledby="pipeline-week-title".*?</svg>', page, re.DOTALL)[0]
    for label in ("Beginning", "New", "Reopened", "Raised", "Lowered", "Currency", "Won", "Lost", "End"):
        assert f">{label}<" in drawn
    assert "+86.0 k" in text_of(drawn) and "1,194.1 k" in text_of(drawn)
    assert 'class="chart"' not in shown(planted.STILL) and 'class="chart"' not in shown(planted.UNCONVERTED)


def test_the_quarter_tells_what_was_pushed_out_of_it_and_brought_into_it():
    page = part(shown(planted.REVIEW), "quarter")
    assert "Brought into the quarter 3 +40,000 10 +180,000" in page
    assert "Pushed out of the quarter 2 −30,000 2 −30,000" in page


def test_forecasts_stand_beside_their_last_snapshot():
    page = part(shown(planted.REVIEW), "forecast")
    assert "Commit 210,000 210,000 222,500 +12,500 9" in page
    assert "upside 1,000 0 1,000 0 1" not in page, "what the week has no row of was not there a week ago"
    assert "The whole open pipeline 1,105,000 1,240,000 1,194,081 −45,920 82" in page
    assert "Weighted by the chance to win 276,250 310,000 298,520 −11,480" in page


def test_slipped_deals_come_first_with_why_and_both_days():
    page = part(shown(planted.REVIEW), "at-risk")
    assert "planned day pushed by 45 d" in page and "2026-07-15 → 2026-08-29" in page
    assert "planned day passed, nothing for 41 d, pushed 4 times, slower than 9 of 10 won ones" in page
    assert page.index("000011") < page.index("000012")
    assert "2 of 19 deals" in page


def test_the_deals_behind_each_part_say_what_changed_and_nobody_is_named():
    page = part(shown(planted.REVIEW), "deals")
    assert "5 of 27 deals" in page
    assert re.search(r"000003 crm · acc_\w+ Amount raised 40,003 → 52,000 Prospecting → Proposal", page)
    assert "Pipeline → Commit" in page and "Unknown stage" in page


def test_a_deal_that_changes_its_stage_shows_in_both_stages():
    page = part(shown(planted.REVIEW), "by-stage")
    assert page.index("Prospecting") < page.index("Proposal") < page.index("Unknown stage")
    assert "Proposal 400,000 (20) 0 +40,000 0 0 0 440,000 (21)" in page
    teams = part(shown(planted.REVIEW), "by-team")
    assert "12 of 14 teams" in teams and "No team" in teams


def test_a_still_week_gives_way_to_the_month():
    page = shown(planted.STILL_WEEK)
    assert "no movement, 2 deals worth €1,000" in part(page, "summary")
    assert "The deals behind the movements of the month" in part(page, "deals")
    assert "Nothing moved in the week; the month, from 1 June 2026" in part(page, "moved")
    french = shown(planted.STILL_WEEK, "fr")
    assert "Rien n’a bougé dans la semaine\u202f; le mois" in french


@pytest.mark.parametrize(
    "moved",
    [
        planted.movement(
            "week", opening="1000", rate="-10", counts={"opening": 2, "closing": 2, "unchanged": 2}
        ),
        planted.movement("week", kind="stage", segment="proposal", counts={"entered": 1, "closing": 1}),
        planted.movement(
            "week", kind="forecast_category", segment="commit", counts={"left": 1, "opening": 1}
        ),
        planted.movement("week", "quarter", counts={"moved_in": 1, "closing": 1}),
    ],
)
def test_a_week_in_which_only_rates_stages_forecasts_or_the_quarter_move_is_not_still(moved):
    review = replace(planted.STILL, movements=(*planted.STILL.movements, moved))
    assert planted.STILL.is_still("week") and review.is_still("month") and not review.is_still("week")


def test_a_week_in_which_only_a_stage_changes_says_both_ends_and_draws_nothing():
    entered = planted.movement("week", kind="stage", segment="proposal", counts={"entered": 1, "closing": 1})
    changed = planted.deal(1, "unchanged")
    review = replace(
        planted.STILL,
        window="week",
        movements=(*planted.STILL.movements, entered),
        moved=(changed,),
        n_moved=1,
    )
    page = shown(review)
    assert "From 24 June 2026 to 30 June 2026: from €1,000 (2 deals) to €1,000 (2)" in part(page, "summary")
    assert 'class="chart"' not in page
    assert "Stage or forecast changed 40,001 Prospecting → Proposal" in part(page, "deals")


@pytest.mark.parametrize(("language", "one"), [("en", "1 deal"), ("fr", "1 affaire")])
def test_one_deal_is_told_in_the_singular(language, one):
    counts = {"opening": 1, "closing": 1}
    for review, told in (
        (planted.movement("week", opening="1000", counts=counts), one),
        (
            planted.movement("week", opening="1000", increase="5", counts=counts | {"increased": 1}),
            f"({one})",
        ),
        (planted.movement("week", reason="exchange_rate_missing", counts=counts | {"unconverted": 1}), one),
    ):
        month = replace(review, window="month", start_on=planted.STARTS["month"])
        page = part(shown(replace(planted.STILL, movements=(review, month)), language), "summary")
        assert page.count(told) >= 2 and f"{one}s" not in page


def test_amounts_that_are_missing_say_why_and_counts_stay():
    page = shown(planted.UNCONVERTED)
    assert "Without amounts: 1 deal has no exchange rate." in part(page, "summary")
    assert "Without amounts: 2 deals have no exchange rate." in part(page, "summary")
    assert "Open pipeline at the beginning 9 – 9 –" in part(page, "moved")
    assert "An amount is missing: an exchange rate is missing." in part(page, "forecast")
    assert not re.search(r"\bNone\b", text_of(page))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_says_something_and_nothing_is_raw(language):
    for review in (
        None,
        planted.NOTHING,
        planted.STILL,
        planted.STILL_WEEK,
        planted.UNCONVERTED,
        planted.REVIEW,
    ):
        page = shown(review, language)
        sections = re.findall(r'<section class="part".*?</section>', page, re.DOTALL)
        assert sections
        for section in sections:
            assert "<p>" in section or "<li>" in section or "<table" in section
        assert not re.search(r"\bpipeline\.[a-z_]+|\b(None|won_exit|best_case)\b", text_of(page))
    absent = text_of(shown(None, language))
    assert ("n’ont pas été calculés" if language == "fr" else "were not computed") in absent


_ROW = """
    select w as window_code, s as scope_code, k as segment_kind_code, c as segment_code,
        case w when 'week' then date '2026-06-24' else date '2026-06-01' end as window_start_on,
        date '2026-07-01' as window_end_on, {counts}, {amounts}, null as amount_reason_code,
        null as opening_weighted_reason_code, null as closing_weighted_reason_code
    from (values {rows}) t (w, s, k, c, moved)"""
_COUNTED = tuple(planted.WEEK.counts)
_VALUED = tuple(planted.WEEK.amounts)


def marts(moved_in_the_week: int) -> dict[str, str]:
    counts = ", ".join(
        f"{'moved' if name == 'n_new' else 3}::bigint as {name}"
        if name in ("n_new", "n_opening")
        else f"0::bigint as {name}"
        for name in _COUNTED
    )
    amounts = ", ".join(
        f"{0 if name == 'rate_amount' else 1.5}::decimal(38, 4) as {name}" for name in _VALUED
    )
    rows = (
        f"('week', 'open', 'all', 'all', {moved_in_the_week}), ('month', 'open', 'all', 'all', 2),"
        " ('week', 'open', 'stage', 'proposal', 0)"
    )
    return {
        "marts.mart_sales_pipeline_movements_cycle": _ROW.format(counts=counts, amounts=amounts, rows=rows),
        "marts.mart_sales_pipeline_deals_cycle": """
            select w as window_code, 'opp_' || lpad(i::varchar, 3, '0') as opportunity_id, 'acc' as account_id, 'carried' as entry_code,
                case when i % 2 = 0 then 'won' else 'open' end as exit_code,
                case when i % 2 = 0 then 'won' else 'unchanged' end as movement_code,
                'proposal' as stage_before_code, case when i % 2 = 1 then 'proposal' end as stage_after_code,
                'commit' as forecast_category_before_code, null as forecast_category_after_code,
                date '2026-07-01' as expected_close_before_on, date '2026-07-09' as expected_close_after_on,
                i % 4 = 1 as is_slipped, case when i % 4 = 1 then 8::bigint end as slip_days,
                100::decimal(18, 4) as opening_amount, 0::decimal(18, 4) as change_amount, i::decimal(18, 4) as last_value_amount,
                null as amount_reason_code
            from range(1, 61) r (i), (values ('week'), ('month')) v (w)""",
        "marts.mart_sales_pipeline_open_cycle": """
            select 'opp_' || lpad(i::varchar, 3, '0') as opportunity_id, i::bigint as n_silent_days, 0::bigint as n_close_date_pushes,
                i > 30 as is_silent, false as is_close_date_passed, false as is_often_pushed, false as is_slower_than_won, i > 30 as is_stale
            from range(1, 61, 2) r (i)""",
    }  # fmt: skip


def test_deals_that_change_their_stage_are_listed_among_the_movements(tmp_path):
    planned = marts(0)
    deals = planned["marts.mart_sales_pipeline_deals_cycle"].replace(
        "case when i % 2 = 1 then 'proposal' end",
        "case when i = 1 then 'negotiation' when i % 2 = 1 then 'proposal' end",
    )
    with duckdb.connect(str(_work(tmp_path) / "warehouse.duckdb")) as con:
        con.execute("create schema marts")
        for name, query in (planned | {"marts.mart_sales_pipeline_deals_cycle": deals}).items():
            con.execute(f"create table {name} as {query}")
        con.execute(
            "update marts.mart_sales_pipeline_movements_cycle set n_entered = 1 where segment_code = 'proposal'"
        )
    with reading(tmp_path / "work") as reader:
        review = pipeline_review(reader)
    assert (review.window, review.n_moved) == ("week", 31), "30 won ones and the one of another stage"


@pytest.mark.parametrize(("moved_in_the_week", "window"), [(1, "week"), (0, "month")])
def test_the_review_reads_both_windows_and_lists_the_largest_deals_of_one(
    tmp_path, moved_in_the_week, window
):
    with duckdb.connect(str(_work(tmp_path) / "warehouse.duckdb")) as con:
        con.execute("create schema marts")
        for name, query in marts(moved_in_the_week).items():
            con.execute(f"create table {name} as {query}")
    with reading(tmp_path / "work") as reader:
        review = pipeline_review(reader)
    assert review.window == window
    assert review.whole("month").count("new") == 2 and review.whole("week").amount("won_exit") == D("1.5")
    assert [row.segment for row in review.of("week", kind="stage")] == ["proposal"]
    assert (len(review.moved), review.n_moved) == (MOVED_SHOWN, 30)
    assert [deal.opportunity_id for deal in review.moved[:2]] == ["opp_060", "opp_058"]
    assert (len(review.at_risk), review.n_at_risk) == (AT_RISK_SHOWN, 23)
    assert [deal.is_slipped for deal in review.at_risk] == [True] * AT_RISK_SHOWN
    assert review.at_risk[0].opportunity_id == "opp_057" and review.at_risk[0].close_after == date(2026, 7, 9)


def test_without_the_marts_there_is_no_review(tmp_path):
    duckdb.connect(str(_work(tmp_path) / "warehouse.duckdb")).close()
    with reading(tmp_path / "work") as reader:
        assert pipeline_review(reader) is None


def _work(folder: Path) -> Path:
    work = folder / "work"
    work.mkdir()
    return work
