"""The dashboard and the pages around it: what they say in each state of a cycle."""

import ast
import inspect
import re
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import planted_cycles as planted
import pytest
import yaml
from planted_reports import D, with_every_text

from orchestration.audit import thresholds
from orchestration.audit.traffic_light import Bars
from orchestration.experiments import kept, readout, verdict
from orchestration.reporting import documents
from orchestration.reporting.formatting import LANGUAGES, Formats
from orchestration.reporting.index_page import PAGES
from orchestration.reporting.note_page import figures
from orchestration.reporting.render import CYCLE_PAGES, render_index
from orchestration.reporting.standup_page import standup_days
from orchestration.reporting.wording import Wording

DOCUMENTS = ("decision", "contact_charter", "monthly_note", "standup", "pipeline_review")
HOSTILE = "</title><script>alert(1)</script><b onload=x>{{ 7*7 }}"


def text_of(page: str) -> str:
    plain = unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)))
    return re.sub(r"\s+", " ", plain)


def part(page: str, name: str) -> str:
    found = re.search(
        rf'<section class="(?:panel )?[^"]*" (?:id="{name}" )?aria-labelledby="{name}-heading">.*?</section>',
        page,
        re.DOTALL,
    )
    assert found, name
    return text_of(found[0])


class Balanced(HTMLParser):
    VOID = frozenset({"meta", "link", "br", "input", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", CYCLE_PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_a_cycle_is_a_whole_page(name, language):
    for cycle in planted.ALL_CYCLES:
        page = CYCLE_PAGES[name](cycle, language)
        parser = Balanced()
        parser.feed(page)
        assert parser.open == []
        assert f'<html lang="{language}">' in page and "http" not in page.replace("http-equiv", "")
        assert not re.search(r"\b(None|nan|cycle\.[a-z_]+\.[a-z_]+)\b", text_of(page))


@pytest.mark.parametrize("name", CYCLE_PAGES)
def test_texts_of_the_data_stay_text(name):
    page = CYCLE_PAGES[name](with_every_text(planted.CYCLE, HOSTILE), "en")
    assert "<script" not in page and "<b onload" not in page and "49" not in re.findall(r">\s*49\s*<", page)


@pytest.mark.audit("DA1", "DA2", "DA3", "DA10")
def test_the_six_tiles_say_value_interval_number_target_and_both_changes():
    page = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    tiles = [text_of(each) for each in re.findall(r'<article class="tile.*?</article>', page, re.DOTALL)]
    assert len(tiles) == 6
    ttf, touches, cr, r, q1, complaints = tiles
    assert (
        "6.2 h" in ttf and "n = 3,412" in ttf and "target: 4 h, met by 43%" in ttf and "−0.4 h better" in ttf
    )
    assert "4.0" in touches and "half of the leads from 2.0 to 6.0" in touches
    # Wilson for 389 of 3,287, computed by hand: 10.78 % to 12.98 %
    assert "11.8%" in cr and "95% interval 10.8% to 13.0%" in cr and "389 of 3,287" in cr
    whole = planted.LINES[0]
    assert f"{whole.r:.2f}" in r and "target: at least 0.25" in r and f"n = {whole.n_leads:,}" in r
    assert f"{whole.n_q1:,} of {whole.n_leads:,}" in q1
    assert "95% upper bound 0.274%" in complaints and "target: at most 0.2%" in complaints
    assert all("Reliable" in tile or "Caution" in tile for tile in tiles), "a trust mark each"
    assert page.count('class="spark"') == 6


@pytest.mark.audit("DE20", "DE22")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "fewer than 45 leads, fewer than 12 conversions, r below 0.155, r below 0.30,"
            " gain of the experiment below 3.5 pp",
        ),
        (
            "fr",
            "moins de 45 leads, moins de 12 conversions, r sous 0,155, r sous 0,30, gain de l’expérience sous 3,5 pt",
        ),
    ],
)
def test_reasons_and_charts_name_the_bars_of_the_framing_note(language, said):
    codes = "too_few_units,too_few_events,r_below_amber_bar,r_below_green_bar,gain_below_bar"
    counts = (
        (0, 20, 4),
        (1, 14, 5),
        (2, 10, 5),
    )  # 44 leads, 14 conversions: enough for the method's defaults
    few = planted.line_of(counts, kind="channel", segment="inbound")
    lines = (replace(planted.LINES[0], colour_reason_codes=codes), few)
    audit = replace(planted.CYCLE.audit, bars=Bars(D("0.3"), D("0.155"), D("3.5"), 45, 12))
    cycle = replace(planted.CYCLE, audit=audit, lines=lines)
    for name in ("sales_audit", "decision"):
        page = text_of(CYCLE_PAGES[name](cycle, language))
        assert said in page, name
    dashboard = text_of(CYCLE_PAGES["sales_audit"](cycle, language))
    assert {"en": "target: at least 0.30", "fr": "cible : au moins 0,30"}[language] in dashboard
    assert {"en": "45 leads and 12 conversions are needed", "fr": "il faut 45 leads et 12 conversions"}[
        language
    ] in dashboard
    alone = replace(cycle, lines=(planted.line_of(counts),))
    told = text_of(CYCLE_PAGES["sales_audit"](alone, language))
    assert {"en": "at least 45 and 12 are needed", "fr": "il en faut au moins 45 et 12"}[language] in told


@pytest.mark.audit("DE15", "DE24")
def test_every_page_names_the_bar_of_complaints_that_the_mart_holds():
    def pages(bar) -> dict[str, str]:
        weeks = tuple(replace(week, bar=bar) for week in planted.CYCLE.audit.complaints)
        kpis = tuple(replace(kpi, bar=bar if kpi.bar else None) for kpi in planted.CYCLE.audit.kpis)
        cycle = replace(planted.CYCLE, audit=replace(planted.CYCLE.audit, complaints=weeks, kpis=kpis))
        names = ("sales_audit", "contact_charter", "monthly_note")
        return {name: text_of(CYCLE_PAGES[name](cycle, "en")) for name in names}

    strict = pages(D("0.00045"))
    assert "target: at most 0.045%" in strict["sales_audit"]
    assert "Above 0.045% of delivered mails" in strict["contact_charter"]
    assert "bar 0.045%" in strict["monthly_note"]
    none = pages(None)
    assert (
        "no bar in force" in none["monthly_note"]
        and "of delivered mails: revise" not in none["contact_charter"]
    )


def test_r_and_q1_are_compared_with_what_earlier_cycles_published():
    page = text_of(CYCLE_PAGES["sales_audit"](planted.CYCLE, "en"))
    step = planted.LINES[0].r - D("0.10")
    assert f"May 26 +{step:.2f} better" in page
    alone = text_of(CYCLE_PAGES["sales_audit"](replace(planted.CYCLE, former=()), "en"))
    assert "May 26 +0.02 better" not in alone


@pytest.mark.audit("DA4", "DA5", "VI1", "VI2", "VI3", "VI4", "VI8")
def test_the_charts_have_lines_means_quadrants_and_a_table_each():
    page = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    scatter = re.search(r'<svg[^>]*aria-labelledby="scatter-title".*?</svg>', page, re.DOTALL)[0]
    whole = planted.LINES[0]
    for index, n in enumerate((whole.n_q1, whole.n_q2, whole.n_q3, whole.n_q4), start=1):
        assert f"Q{index} · {n:,}" in scatter
    assert ("mean 1.84" in scatter and "fill-opacity" in scatter) or "opacity" in scatter
    assert page.count('class="chart"') == 3 and text_of(page).count("Show the table") == 3
    for name in ("scatter", "delays", "multiples"):
        assert f'aria-labelledby="{name}-title"' in page
    rows = part(page, "scatter")
    assert "900 54 6.0%" in rows and "9 2 22.2%" in rows


@pytest.mark.audit("QU10", "QU11", "QU12")
def test_the_table_of_the_line_shows_without_the_top_the_landmarks_and_each_segment():
    page = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    rows = part(page, "sensitivity")
    for label in (
        "Judged, touches before day 5",
        "Without the top 1%",
        "Touches before day 3",
        "All touches (not judged)",
        "Inbound",
        "Size unknown",
    ):
        assert label in rows
    assert "5,660" in rows, "5,669 leads less the 9 above the limit"
    assert "Segments differ (cut by size): +2.1 pp per touch inside them." in rows
    fragile = part(CYCLE_PAGES["sales_audit"](planted.FRAGILE_CYCLE, "en"), "sensitivity")
    assert "fragile" in fragile
    reversed_ = part(CYCLE_PAGES["sales_audit"](planted.FEW_CYCLE, "en"), "sensitivity")
    assert "The opposite holds inside the segments (cut by channel)" in reversed_


def test_too_few_leads_hide_the_scatter_and_say_how_many_are_needed():
    page = CYCLE_PAGES["sales_audit"](planted.FEW_CYCLE, "en")
    assert 'aria-labelledby="scatter-title"' not in page
    assert "40 leads and 0 conversions; at least 30 and 10 are needed" in text_of(page)
    tile = text_of(re.findall(r'<article class="tile few.*?</article>', page, re.DOTALL)[-1])
    assert "few" in page and tile
    full = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    assert "n = 26 (2 conv.)" in full and "30 leads and 10 conversions are needed" in text_of(full)


@pytest.mark.audit("DA6", "DA7", "DA9", "OU5", "DE15")
def test_accounts_outliers_and_rails_are_shown_with_what_to_do():
    page = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    listed = part(page, "accounts")
    q3 = [each.account_id for each in planted.ACCOUNTS if each.quadrant == "Q3"]
    assert sum(each in listed for each in q3) == 10, "ten of twelve"
    assert all(each.key in part(page, "outliers") for each in planted.OUTLIERS)
    assert "propose for the exclusion list" in part(page, "outliers")
    rails = part(page, "rails")
    assert "breached" in rails and "3 / 13" in rails and "Complaints: revise content, lower cap." in rails


def test_a_block_without_its_mart_says_that_it_has_no_data():
    page = text_of(CYCLE_PAGES["sales_audit"](planted.SPARSE_CYCLE, "en"))
    assert (
        page.count("No data") == 6
        and "No experiment is registered. Without one, nothing turns green." in page
    )
    held = text_of(CYCLE_PAGES["sales_audit"](planted.HELD_CYCLE, "en"))
    assert "not shown while publication is held" in held and "No data" not in held


@pytest.mark.audit("DE22", "FR2", "DE21")
def test_the_decision_page_says_colour_reasons_thresholds_and_who_approved():
    page = CYCLE_PAGES["decision"](planted.CYCLE, "en")
    assert "Test before deploying" in text_of(page)
    assert "Faut-il passer le TTF cible" in part(page, "sought") and "VP Sales on 2 June 2026" in part(
        page, "sought"
    )
    lights = part(page, "lights")
    assert "Outbound" in lights and "Red r below 0.10" in lights and "fewer than 30 leads" in lights
    thresholds = part(page, "thresholds")
    assert thresholds.index("4 in 10 d") < thresholds.index("2 h"), "the change first"
    assert "→ 5" in thresholds and "VP Sales 2026-04-01" in thresholds and "method default" in thresholds
    assert "+2.4 pp [+0.6 pp; +4.2 pp]" in part(page, "experiments")
    assert "worse than before" in part(page, "rails")
    alone = CYCLE_PAGES["decision"](planted.SPARSE_CYCLE, "en")
    assert "No framing note says which decision is sought." in text_of(alone)


@pytest.mark.audit("DE24", "DE9", "DE11", "DE12", "DE13", "DE18")
def test_the_charter_lists_thresholds_by_segment_and_every_exception():
    page = CYCLE_PAGES["contact_charter"](planted.CYCLE, "en")
    segments = part(page, "segments")
    assert "Inbound · SMB 4 10 d" in segments and "VP Sales 2026-04-01" in segments
    exceptions = part(page, "exceptions")
    assert "After 5 touches without a reply, no touch for 7 days" in exceptions
    assert (
        "At most 2 touches within 48 hours." in exceptions and "from 9:00 to 17:00 local time" in exceptions
    )
    assert (
        "Stop at once" in exceptions
        and "one validated channel only" in exceptions
        and "Above 0.2%" in exceptions
    )
    without = part(CYCLE_PAGES["contact_charter"](planted.FEW_CYCLE, "en"), "exceptions")
    assert "48 hours" not in without and "Stop at once" in without


@pytest.mark.audit("PB8", "QU18", "R1")
def test_the_monthly_note_associates_and_leaves_three_lessons_to_people():
    page = text_of(CYCLE_PAGES["monthly_note"](planted.CYCLE, "en"))
    assert (
        "associated with later conversion: r 0.12" in page and "389 converted in their window: 11.8%" in page
    )
    assert all(lesson.replace("'", "'") in page for lesson in planted.NOTE.lessons)
    one = CYCLE_PAGES["monthly_note"](planted.FRAGILE_CYCLE, "en")
    assert one.count('class="blank"') == 2 and "To be written by a person" in text_of(one)
    assert "Touches of the first 5 days show no association with later conversion" in text_of(one), "p = 0.4"
    assert (
        "1. Is half of the leads contacted within the target?" in page and "43.00% [41.00%; 45.00%]" in page
    )
    french = text_of(CYCLE_PAGES["monthly_note"](planted.CYCLE, "fr"))
    assert "sont associés à la conversion qui suit" in french


@pytest.mark.audit("R1")
@pytest.mark.parametrize("name", CYCLE_PAGES)
def test_no_generated_sentence_speaks_of_causes(name):
    words = {
        "fr": r"\b(cause|causent|provoque|entraîne|grâce à|augmente|impact)",
        "en": r"\b(causes?|drives|leads to|thanks to|increases|impact)\b",
    }
    for language, forbidden in words.items():
        for cycle in planted.ALL_CYCLES:
            assert not re.findall(forbidden, text_of(CYCLE_PAGES[name](cycle, language)).lower())


def test_figures_of_a_cycle_without_any_are_said_to_be_missing():
    told = figures(planted.SPARSE_CYCLE, Wording("en"), Formats("en"))
    assert "Fewer than half of the leads" in told[1] and "Too few to judge: 0 leads" in told[-1]


@pytest.mark.audit("PB7")
@pytest.mark.parametrize(
    ("cycle", "second", "fourth"),
    [
        ("2026-06", date(2026, 7, 13), date(2026, 7, 27)),  # July 2026 begins on a Wednesday
        ("2026-05", date(2026, 6, 8), date(2026, 6, 22)),  # June 2026 begins on a Monday
        ("2026-12", date(2027, 1, 11), date(2027, 1, 25)),
    ],
)
def test_the_stand_up_is_on_the_monday_of_weeks_two_and_four(cycle, second, fourth):
    assert standup_days(cycle) == (second, fourth)
    assert {each.weekday() for each in standup_days(cycle)} == {0}


def test_the_agenda_names_the_days_and_the_steps():
    page = text_of(CYCLE_PAGES["standup"](planted.CYCLE, "fr"))
    assert "Lundi 13 juillet 2026 et lundi 27 juillet 2026" in page and "7. Expérimenter et déployer" in page


def test_every_page_is_linked_by_the_index_and_only_what_is_there():
    present = {
        "sales_audit.fr.html",
        "sales_audit.fr.pdf",
        "sales_audit.fr.xlsx",
        "glossary.en.html",
        "other.html",
    }
    page = render_index(planted.CYCLE.audit.run, present, "fr")
    assert set(re.findall(r'href="([a-z_]+\.(?:fr|en)\.(?:html|pdf|xlsx))"', page)) == {
        *(present - {"other.html"}),
        "index.en.html",
    }
    assert set(CYCLE_PAGES) < set(PAGES)


def _codes(module, *functions) -> set[str]:
    """The codes that functions of a module write: texts without spaces."""
    tree = ast.parse(inspect.getsource(module))
    return {
        node.value
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.name in functions
        for node in ast.walk(each)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"[a-z0-9_]+", node.value)
    }


def _silent(module) -> set[str]:
    """Why a proposal has no value: the last of what Proposal() is given, and what says that cells are too few."""
    calls = [each for each in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(each, ast.Call)]
    given = [
        each.args[6] for each in calls if getattr(each.func, "id", "") == "Proposal" and len(each.args) == 7
    ]
    return {
        node.value
        for argument in given
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and node.value
    } | _codes(module, "_too_few")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_a_page_shows_has_words_and_no_other(language):
    path = Path(documents.__file__).with_name(f"catalogue.cycle.{language}.yml")
    words = yaml.safe_load(path.read_text(encoding="utf-8"))["cycle"]
    states = {
        *(readout.PLANNED, readout.RUNNING, readout.MATURING, kept.FINISHED, kept.DRAFT, kept.CHANGED),
        *(kept.LATE, kept.UNASSIGNED, kept.ASSIGNED_LATE, kept.ARMS_CHANGED),
    }
    assert set(words["experiment_state"]) == states
    told = _codes(verdict, "verdict", "_harm")
    assert "bar_met" in told and set(words["experiment_reason"]) == told | (states - {kept.FINISHED})
    silent = _silent(thresholds)
    assert {"no_plateau", "not_shown_safe"} <= silent
    assert set(words["threshold_reason"]) == silent | {"not_from_data", "none_logged"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*DOCUMENTS, "sales_audit_detail"])
def test_every_page_leads_to_the_index_and_to_the_other_language(name, language):
    other = "en" if language == "fr" else "fr"
    page = CYCLE_PAGES[name](planted.CYCLE, language)
    assert f'href="index.{language}.html"' in page and f'href="{name}.{other}.html"' in page


def test_the_monthly_note_names_the_guard_rails_that_are_breached():
    told = part(CYCLE_PAGES["monthly_note"](planted.CYCLE, "en"), "guard")
    assert "Complaints: 3 weeks above the bar." in told and "a guard rail" not in told
    assert "Plaintes : 3 semaines" in part(CYCLE_PAGES["monthly_note"](planted.CYCLE, "fr"), "guard")


def test_no_indicator_is_a_tile_twice():
    names = [
        each["name"]
        for each in yaml.safe_load(Path(documents.__file__).with_name("kpis.yml").read_text())["tiles"]
    ]
    assert len(names) == len(set(names))


@pytest.mark.audit("FR12", "CO10", "DA8")
def test_the_dashboard_says_where_its_figures_come_from():
    page = CYCLE_PAGES["sales_audit"](planted.CYCLE, "en")
    foot = text_of(page[page.index("<footer") :])
    assert (
        "Attribution window 30 days" in foot
        and "Last delivery: 30 June 2026" in foot
        and "2026-06-0a1b2c3d4e5f" in foot
    )
    assert 'href="glossary.en.html"' in page and 'href="data_quality.en.html"' in page
    assert "1,664,495 records received: 1,642,863 kept, 3,121 merged" in text_of(page)
