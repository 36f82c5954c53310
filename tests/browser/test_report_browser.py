"""The two reports and the glossary in a real browser: nothing loads, nothing complains, everything is reached, all of it prints."""

# ruff: noqa: E501 - one line of code for the browser, one for Python

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.reporting.index_page import FORMS
from orchestration.reporting.index_page import PAGES as INDEXED
from orchestration.reporting.printing import find_browser, print_pages
from orchestration.reporting.render import (
    CYCLE_PAGES,
    render_data_quality,
    render_glossary,
    render_index,
    render_sales_audit_detail,
)
from tests.unit.reporting import planted_cycles
from tests.unit.reporting import planted_reports as planted

pytestmark = pytest.mark.browser

EVERY_FILE = {f"{name}.{language}.{form}" for name in INDEXED for language in ("fr", "en") for form in FORMS}

PAGES = {
    "quality-fr": lambda: render_data_quality(planted.QUALITY, "fr"),
    "quality-en": lambda: render_data_quality(planted.QUALITY, "en"),
    "held-fr": lambda: render_data_quality(planted.HELD_QUALITY, "fr"),
    "busy-en": lambda: render_data_quality(planted.BUSY_QUALITY, "en"),
    "empty-fr": lambda: render_data_quality(planted.EMPTY_QUALITY, "fr"),
    "cycle-fr": lambda: CYCLE_PAGES["sales_audit"](planted_cycles.CYCLE, "fr"),
    "cycle-en": lambda: CYCLE_PAGES["sales_audit"](planted_cycles.CYCLE, "en"),
    "cycle-few-fr": lambda: CYCLE_PAGES["sales_audit"](planted_cycles.FEW_CYCLE, "fr"),
    "cycle-sparse-en": lambda: CYCLE_PAGES["sales_audit"](planted_cycles.SPARSE_CYCLE, "en"),
    "decision-fr": lambda: CYCLE_PAGES["decision"](planted_cycles.CYCLE, "fr"),
    "charter-en": lambda: CYCLE_PAGES["contact_charter"](planted_cycles.CYCLE, "en"),
    "note-fr": lambda: CYCLE_PAGES["monthly_note"](planted_cycles.CYCLE, "fr"),
    "standup-en": lambda: CYCLE_PAGES["standup"](planted_cycles.CYCLE, "en"),
    "pipeline-fr": lambda: CYCLE_PAGES["pipeline_review"](planted_cycles.CYCLE, "fr"),
    "pipeline-month-en": lambda: CYCLE_PAGES["pipeline_review"](planted_cycles.FEW_CYCLE, "en"),
    "index-fr": lambda: render_index(planted.RUN, EVERY_FILE, "fr"),
    "audit-fr": lambda: render_sales_audit_detail(planted.AUDIT, "fr"),
    "audit-en": lambda: render_sales_audit_detail(planted.AUDIT, "en"),
    "glossary-fr": lambda: render_glossary(planted.RUN, "fr"),
    "glossary-en": lambda: render_glossary(planted.RUN, "en", planted.METRICS, planted.ABSENT),
}
QUALITY = [name for name in PAGES if name.split("-")[0] in ("quality", "held", "busy", "empty", "glossary")]
CYCLE = [
    name
    for name in PAGES
    if name.split("-")[0] in ("cycle", "decision", "charter", "note", "standup", "pipeline", "index")
]
UPRIGHT = ("decision", "contact_charter", "monthly_note", "standup")
PAPER = {"sales_audit": (842, 595)} | dict.fromkeys(UPRIGHT, (595, 842))
# Every text with its colour, the ground below it and its size; the ground is the nearest one that is painted.
COLOURS = """
(() => {
  const found = [];
  const solid = colour => { const m = colour.match(/[\\d.]+/g).map(Number); return m.length < 4 || m[3] > 0.99 ? m : null; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('.unseen, .skip, title')) continue;
    const style = getComputedStyle(element);
    let ground = null, above = element;
    while (above && !(ground = solid(getComputedStyle(above).backgroundColor))) above = above.parentElement;
    const ink = solid(element.closest('svg') ? style.fill : style.color);
    found.push([ink, ground || [255, 255, 255], parseFloat(style.fontSize), walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
})()
"""
REACHABLE = "a[href], button, input, summary, [tabindex='0']"
ACTIVE = "[...document.querySelectorAll(`{}`)].indexOf(document.activeElement)".replace("{}", REACHABLE)


@pytest.fixture(params=PAGES)
def page(request, tmp_path) -> Path:
    """Every state of both reports, as a file."""
    path = tmp_path / f"{request.param}.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    return path


@pytest.fixture(params=QUALITY)
def quality_page(request, tmp_path) -> Path:
    path = tmp_path / f"{request.param}.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    return path


@pytest.fixture(params=[*QUALITY, *CYCLE])
def read_page(request, tmp_path) -> Path:
    path = tmp_path / f"{request.param}.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    return path


def test_a_page_loads_nothing_and_makes_the_browser_say_nothing(browser, page):
    for scheme, medium in (("light", ""), ("dark", ""), ("light", "print")):
        browser.show(scheme=scheme, medium=medium)
        browser.open(page)
        assert len(browser.picture()) > 20_000
    assert browser.complaints == []
    assert browser.dialogs == []
    assert {url for url in browser.requests if not url.startswith("data:")} == {page.as_uri()}


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_is_wider_than_its_window(browser, page, width):
    browser.resize(width, 800)
    browser.open(page)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    # a tile or a card cuts or lets out what is wider than itself; wide tables scroll in a part of their own
    spilt = (
        "[...document.querySelectorAll('.tile, .panel')].filter(each => each.scrollWidth > each.clientWidth)"
    )
    assert browser.evaluate(f"{spilt}.map(each => each.innerText.slice(0, 60))") == []


def test_what_scrolls_sideways_on_a_telephone_says_so_and_nothing_else_does(browser, page):
    browser.resize(390, 844)
    browser.open(page)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    parts = browser.evaluate(
        """[...document.querySelectorAll('.scroll')].filter(each => each.checkVisibility()).map(each => [
            each.scrollWidth - each.clientWidth, parseFloat(getComputedStyle(each, '::before').height) > 5,
            each.getAttribute('aria-label')])"""
    )
    assert [label for hidden, told, label in parts if hidden > 1 and not told] == []
    assert [label for hidden, told, label in parts if hidden < 1 and told] == [], (
        "less than a pixel hides nothing"
    )
    # nothing else hides what is wider than it
    others = """[...document.querySelectorAll('body *')].filter(each => !each.matches('.scroll, .unseen')
        && each.checkVisibility() && ['auto', 'scroll', 'hidden'].includes(getComputedStyle(each).overflowX)
        && each.scrollWidth > each.clientWidth + 1).map(each => each.className)"""
    assert browser.evaluate(others) == []


def test_everything_that_can_be_used_is_reached_by_the_tab_key_and_shows_it(browser, read_page):
    browser.open(read_page)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    n = browser.evaluate(f"document.querySelectorAll(`{REACHABLE}`).length")
    order = []
    for _ in range(n):
        browser.press("Tab", 9)
        order.append(browser.evaluate(ACTIVE))
        shown = browser.evaluate(
            "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)(getComputedStyle(document.activeElement))"
        )
        assert shown, f"no focus ring on element {order[-1]}"
    assert order == list(range(n)), "in reading order, none left out"


def test_a_closed_part_opens_with_the_keyboard(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(PAGES["quality-en"](), encoding="utf-8")
    browser.open(page)
    closed = "document.querySelector('#annex details:not([open])')"
    browser.evaluate(f"window.part = {closed}, part.querySelector('summary').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.evaluate("part.open") is True


@pytest.mark.parametrize(("scheme", "medium"), [("light", ""), ("dark", ""), ("dark", "print")])
def test_every_text_has_the_contrast_of_wcag_aa(browser, read_page, scheme, medium):
    browser.show(scheme=scheme, medium=medium)
    browser.open(read_page)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    texts = browser.evaluate(COLOURS)
    assert len(texts) > 20
    weak = [
        (text, size, ratio) for ink, ground, size, text in texts if (ratio := contrast(ink, ground)) < 4.5
    ]
    assert weak == []


def contrast(one: list[float], two: list[float]) -> float:
    def luminance(colour: list[float]) -> float:
        parts = [part / 255 for part in colour[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_ci_brings_the_browser_and_does_not_skip_it():
    script = (Path(__file__).parents[2] / ".ci" / "run").read_text(encoding="utf-8")
    assert "export ETALON_BROWSER=required" in script and "chromium" in script
    assert script.index("ETALON_BROWSER") < script.index("make test")


def test_paper_shows_what_is_closed_on_screen_but_for_long_lists(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(PAGES["quality-en"](), encoding="utf-8")
    browser.show(medium="print")
    browser.open(page)
    height = "[...document.querySelectorAll('{}')].map(each => each.querySelector('table').getBoundingClientRect().height)"
    shown = browser.evaluate(height.format("details:not([open]):not(.long)"))
    assert len(shown) > 5 and min(shown) > 20
    left_out = browser.evaluate(
        "[...document.querySelectorAll('details.long:not([open])')].map(each => each.innerText)"
    )
    assert left_out and all("Listed on screen." in each for each in left_out)


def test_paper_is_light_whatever_the_theme(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(PAGES["quality-en"](), encoding="utf-8")
    browser.show(scheme="dark", medium="print")
    browser.open(page)
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_headings_landmarks_and_tables_say_what_they_are(browser, quality_page):
    browser.open(quality_page)
    levels = browser.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => +each.tagName[1])")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = browser.evaluate("[...document.querySelectorAll('main > section')].map(each => each.id)")
    n_sections = 10 if "glossary" not in quality_page.name else len(ids)
    links = browser.evaluate(
        "[...document.querySelectorAll('nav a')].map(each => each.getAttribute('href').slice(1))"
    )
    assert len(ids) == n_sections >= 3 and ids == links
    for selector in ("header", "nav[aria-label]", "main", "footer"):
        assert browser.evaluate(f"document.querySelectorAll('body {selector}').length") >= 1
    unlabelled = """
        [...document.querySelectorAll('section, [role=region], svg[role=img]')].filter(each => {
            const by = each.getAttribute('aria-labelledby');
            return !(each.getAttribute('aria-label') || '').trim() && !(by && document.getElementById(by)?.textContent.trim());
        }).length"""
    assert browser.evaluate(unlabelled) == 0
    assert browser.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert (
        browser.evaluate(
            "[...document.querySelectorAll('table')].filter(t => !t.tHead || !t.querySelector('tbody th, tfoot th')).length"
        )
        == 0
    )
    assert (
        browser.evaluate(
            "[...document.querySelectorAll('table')].filter(t => !t.closest('[role=region]')).length"
        )
        == 0
    )


def test_no_table_and_no_drawing_is_cut_on_paper(browser, quality_page):
    paper = round((210 - 2 * 12) / 25.4 * 96)
    browser.show(medium="print")
    browser.resize(paper, 1000)
    browser.open(quality_page)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    cut = browser.evaluate(
        f"""[...document.querySelectorAll('td, th, svg, code, h2, li, dd, p')]
            .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > {paper} + 1)
            .map(each => each.closest('section')?.id + ': ' + each.textContent.trim().slice(0, 40))"""
    )
    assert cut == []


def test_the_quality_report_prints_on_a4_with_its_text(browser, quality_page, tmp_path):
    browser.open(quality_page)
    printed = tmp_path / "report.pdf"
    printed.write_bytes(browser.pdf())
    content = printed.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 2
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", content)
    assert [round(float(side)) for side in box.groups()] == [595, 842]
    assert b"/StructTreeRoot" in content, "tagged, so that a screen reader finds headings and tables"
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-layout", str(printed), "-"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for heading in browser.evaluate(
            "[...document.querySelectorAll('h2')].map(each => each.lastChild.data.trim())"
        ):
            words = re.findall(r"\w{4,}", heading)
            assert words[0] in text and words[-1] in text


STATES = {
    name: getattr(planted_cycles, f"{name.upper()}CYCLE")
    for name in ("", "held_", "few_", "sparse_", "fragile_")
}


@pytest.mark.audit("DA10", "VI8", "DE22", "DE24", "PB7", "PB8")
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("state", STATES)
def test_a_page_of_the_cycle_prints_on_one_a4(browser, tmp_path, name, state, language):
    page = tmp_path / "page.html"
    page.write_text(CYCLE_PAGES[name](STATES[state], language), encoding="utf-8")
    browser.open(page)
    content = browser.pdf()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", content)
    assert tuple(round(float(side)) for side in box.groups()) == PAPER[name]


def test_nothing_of_the_dashboard_is_cut_on_paper(browser, tmp_path):
    """At the width of the paper no cell or line of text runs out of its panel."""
    page = tmp_path / "page.html"
    for language in ("fr", "en"):
        page.write_text(CYCLE_PAGES["sales_audit"](planted_cycles.CYCLE, language), encoding="utf-8")
        browser.show(medium="print")
        browser.resize(round((297 - 2 * 6) / 25.4 * 96), 760)
        browser.open(page)
        spilt = browser.evaluate(
            """[...document.querySelectorAll('.panel, .tile')].flatMap(panel =>
                [...panel.querySelectorAll('td, th, p, svg, dd')].filter(each => each.checkVisibility() && !each.closest('.unseen')
                    && each.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1)
                .map(each => each.textContent.trim().slice(0, 40)))"""
        )
        assert spilt == [], language


@pytest.mark.audit("DA10")
def test_the_machines_chromium_prints_a_page_beside_its_html(chromium, tmp_path):
    page = tmp_path / "sales_audit.fr.html"
    page.write_text(CYCLE_PAGES["sales_audit"](planted_cycles.CYCLE, "fr"), encoding="utf-8")
    assert find_browser()
    (made,) = print_pages([page])
    assert made == tmp_path / "sales_audit.fr.pdf"
    assert len(re.findall(rb"/Type\s*/Page\b", made.read_bytes())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales_audit.fr.html", "sales_audit.fr.pdf"]
