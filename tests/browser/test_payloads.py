"""No text of the data runs in a report: every payload in every class of field, in a real browser without its CSP."""

# ruff: noqa: E501 - one line of code for the browser, one for Python

import html

import pytest

from orchestration.reporting.render import CYCLE_PAGES, render_data_quality, render_sales_audit_detail
from tests.browser.payloads import RUN, WAYS_OUT, payloads
from tests.browser.planted_payloads import (
    AUDIT_CLASSES,
    CLASSES,
    CYCLE_CLASSES,
    audit,
    cycle,
    marker,
    quality,
)

pytestmark = pytest.mark.browser

PAYLOADS = payloads()
# Elements and names of attributes in document order, as the browser's HTML parser made them.
SKELETON = "[...document.querySelectorAll('*')].map(e => e.tagName + [...e.attributes].map(a => ' ' + a.name).join('')).join('\\n')"
RAN = "window.hostile_code_ran"


@pytest.fixture
def unguarded(browser):
    """The browser with the page's content security policy switched off: escaping has to hold alone."""
    browser.send("Page.setBypassCSP", enabled=True)
    yield browser
    browser.send("Page.setBypassCSP", enabled=False)


def test_there_are_enough_payloads_and_classes_of_fields():
    assert len(PAYLOADS) >= 60
    assert len(CLASSES) >= 12
    assert len({marker(name) for name in (*CLASSES, *AUDIT_CLASSES)}) == len({*CLASSES, *AUDIT_CLASSES})


def test_the_payloads_run_where_nothing_escapes_them(unguarded, tmp_path):
    """The control: a page that pastes them in is taken over by most of them, so that silence elsewhere means something."""
    page, ran = tmp_path / "pasted.html", []
    sample = PAYLOADS[:: len(PAYLOADS) // 24]
    for payload in sample:
        page.write_text(
            f'<!doctype html><p title="x{payload}">{payload}</p>', encoding="utf-8", errors="replace"
        )
        unguarded.open(page)
        unguarded.evaluate("new Promise(done => setTimeout(done, 20))")
        ran.append(unguarded.evaluate(RAN) == 1)
    assert sum(ran) >= len(sample) / 2


# Pages that draw their charts anew for each payload take some of them.
STEPS = {"data_quality": 1, "sales_audit_detail": 3, "sales_audit": 6} | dict.fromkeys(
    ("decision", "monthly_note", "contact_charter", "standup", "pipeline_review"), 3
)


@pytest.mark.parametrize(("report", "step"), STEPS.items())
def test_no_payload_changes_the_page_or_runs(unguarded, tmp_path, report, step):
    draw, plant, classes = {
        "data_quality": (render_data_quality, quality, CLASSES),
        "sales_audit_detail": (render_sales_audit_detail, audit, AUDIT_CLASSES),
    }.get(report) or (CYCLE_PAGES[report], cycle, CYCLE_CLASSES[report])
    page = tmp_path / "hostile.html"

    def opened(payload: str, language: str) -> str:
        page.write_text(draw(plant(payload), language), encoding="utf-8")
        unguarded.open(page)
        return unguarded.evaluate(SKELETON)

    calm = {language: opened("", language) for language in ("fr", "en")}
    text = unguarded.evaluate("document.documentElement.textContent")
    assert [name for name in classes if marker(name) not in text] == [], "every class of field is shown"
    for number, payload in enumerate(PAYLOADS[::step]):
        language = ("fr", "en")[number % 2]
        assert opened(payload, language) == calm[language], repr(payload)
        assert unguarded.evaluate(RAN) is None, repr(payload)
    assert unguarded.dialogs == []
    assert {url for url in unguarded.requests if not url.startswith("data:")} == {page.as_uri()}


def test_the_policy_stops_a_script_that_would_get_in(browser, tmp_path):
    page = tmp_path / "injected.html"
    drawn = render_data_quality(quality(""), "en")
    page.write_text(
        drawn.replace("</main>", f"<script>{RUN}</script><img src=x: onerror={RUN}></main>"), encoding="utf-8"
    )
    browser.open(page)
    assert browser.evaluate(RAN) is None
    assert any("Content Security Policy" in each for each in browser.complaints)


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_payload_is_shown_as_it_was_written(way):
    """Without a browser: the escaped text stands in the page, the plain one nowhere."""
    payload = f"{way}<b title=1>{way}"
    drawn = render_data_quality(quality(payload), "en")
    assert "<b title=1>" not in drawn
    assert (
        html.escape(marker("company") + payload, quote=True)
        .replace("&#x27;", "&#39;")
        .replace("&quot;", "&#34;")
        in drawn
    )
