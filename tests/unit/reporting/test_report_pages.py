"""The two pages: what they say in each state of a run, and what they can never do."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import planted_reports as planted
import pytest

from orchestration.reporting import render
from orchestration.reporting.audit_page import change
from orchestration.reporting.figures import Refusal, Verdict
from orchestration.reporting.formatting import Formats
from orchestration.reporting.privacy import masked
from orchestration.reporting.render import render_data_quality, render_sales_audit_detail
from orchestration.reporting.wording import Wording

PAYLOAD = "\"'><img src=x onerror=alert(1)><script>alert(2)</script><svg/onload=alert(3)>{{7*7}}</style>&lt;"
LANGUAGES = ("fr", "en")


class Seen(HTMLParser):
    """Tags with their attribute names, ids, texts and every value of an attribute that loads something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, str]] = set()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags |= {(tag, "")} | {(tag, name) for name, _ in attributes}
        self.ids += [value for name, value in attributes if name == "id"]
        self.loads += [value for name, value in attributes if name in ("src", "href", "action", "srcset")]

    def handle_data(self, data):
        self.texts.append(data)


def pages(language):
    yield from (render_data_quality(inputs, language) for inputs in planted.ALL_QUALITY)
    yield from (render_sales_audit_detail(inputs, language) for inputs in planted.ALL_AUDIT)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Seen(page).texts)).replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_in_any_text_of_the_data_stays_text(language):
    for draw, inputs in (
        (render_data_quality, planted.HELD_QUALITY),
        (render_data_quality, planted.QUALITY),
        (render_sales_audit_detail, planted.AUDIT),
        (render_sales_audit_detail, planted.HELD_AUDIT),
    ):
        calm = Seen(draw(inputs, language))
        page = draw(planted.with_every_text(inputs, PAYLOAD), language)
        hostile = Seen(page)
        assert hostile.tags - calm.tags == set()
        assert "onerror" in page, "the payload is shown, as text"
        assert "{{7*7}}" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_one_offline_file_without_script(language):
    for page in pages(language):
        seen = Seen(page)
        assert f'<html lang="{language}">' in page
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page.replace("&#39;", "'")
        assert not {tag for tag, _ in seen.tags} & {"script", "img", "iframe", "object", "form", "base"}
        assert not [name for _, name in seen.tags if name.startswith("on")]
        # links to follow by hand, nothing that loads: pages beside it, itself in the other language
        glossary, other = f"glossary.{language}.html", "en" if language == "fr" else "fr"
        beside = {glossary, f"index.{language}.html", f"sales_audit_detail.{other}.html"}
        assert all(value.startswith(("#", "data:")) or value in beside for value in seen.loads)
        assert glossary in seen.loads
        assert not re.search(r"(https?:)?//\w|url\(\s*['\"]?(?!#)|@import", page)
        assert len(seen.ids) == len(set(seen.ids))


def test_the_same_inputs_give_the_same_bytes():
    for language in LANGUAGES:
        assert list(pages(language)) == list(pages(language))


def test_templates_use_no_raw_filter():
    for path in (Path(render.__file__).parent / "templates").rglob("*.jinja"):
        source = path.read_text(encoding="utf-8")
        assert "|safe" not in source.replace(" ", "")
        assert "autoescape" not in source


def test_a_held_cycle_says_so_and_shows_no_figure():
    quality = text_of(render_data_quality(planted.HELD_QUALITY, "en"))
    assert "The tables of June 2026 are not published." in quality
    assert "12 of 41,208 row(s) do not pass" in quality
    assert "E-ING-014" in quality
    assert "none" in quality
    audit = text_of(render_sales_audit_detail(planted.HELD_AUDIT, "fr"))
    assert "ne sont pas publiés" in audit
    assert "tant que la publication est retenue" in audit
    assert "R-CRM-001" in audit
    assert "Volume de leads" not in audit


def test_the_gates_own_sentences_are_shown_when_it_left_some():
    verdict = replace(planted.HELD_QUALITY.verdict, reasons_fr=("Le compte D ne tombe pas juste.",))
    page = text_of(render_data_quality(replace(planted.HELD_QUALITY, verdict=verdict), "fr"))
    assert "Le compte D ne tombe pas juste." in page


def section(page: str, name: str) -> str:
    """One section of the page as text."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return text_of(found[0])


def test_controls_stand_by_source_the_gravest_first_and_passed_ones_are_only_counted():
    page = render_data_quality(planted.QUALITY, "en")
    annex, page = section(page, "annex"), text_of(page)
    listed = annex[annex.index("Controls by source and status") :]
    assert listed.index("pbx: beyond the threshold") < listed.index("crm: beyond the threshold")
    order = ("pbx/zone", "crm/order_crm_lead", "crm/orphan_crm_lead", "pbx/volume_calls", "pbx/hours")
    assert sorted(order, key=listed.index) == list(order)
    assert "unseen_passed_control" not in page
    assert "1190 of 1200 times differ from the clock. For example pbx/2026-06/Master.csv:2" in listed
    assert "waived until" in listed
    french = text_of(render_data_quality(planted.QUALITY, "fr"))
    assert "1190 heures sur 1200 s’écartent de l’horloge." in french


def test_a_rule_that_was_not_assessed_is_never_among_the_passed():
    page = render_data_quality(planted.QUALITY, "en")
    annex = section(page, "annex")
    assert annex.index("R-ERP-009") < annex.index("R-CRM-001")
    groups = re.findall(r"<details.*?</details>", page[page.index('<section id="annex"') :], re.DOTALL)
    passed = next(group for group in groups if "R-CRM-001" in group)
    assert "R-ERP-009" not in passed and "light pass" in passed
    assert "1 check was not assessed" in text_of(
        render_data_quality(replace(planted.QUALITY, verdict=Verdict("publish")), "en")
    )


def test_a_kpi_without_value_shows_its_reason():
    page = text_of(render_sales_audit_detail(planted.SPARSE_AUDIT, "en"))
    assert "window of the leads still open" in page
    assert "no value for this month" in page
    assert "n too small, minimum 30" in page
    assert "within the bar of 0.2%" in page
    assert "Unreliable" in page


def test_figures_are_written_as_each_language_writes_them():
    french, english = (text_of(render_sales_audit_detail(planted.AUDIT, language)) for language in LANGUAGES)
    assert "11,8 %" in french and "402 150 €" in french and "389 sur 3 287" in french
    assert "11.8%" in english and "€402,150" in english and "389 of 3,287" in english
    assert "juin 2026" in french and "June 2026" in english


def test_a_breach_of_the_complaint_bar_is_said_in_words():
    assert "au-dessus de la barre de 0,2 %" in text_of(render_sales_audit_detail(planted.AUDIT, "fr"))


@pytest.mark.audit("R1")
def test_the_page_associates_and_never_causes():
    words = {"fr": ("cause", "provoque", "entraîne"), "en": ("cause", "drives", "leads to")}
    for language, forbidden in words.items():
        page = text_of(render_sales_audit_detail(planted.AUDIT, language)).lower()
        assert ("associés à" if language == "fr" else "associated with") in page
        assert not [word for word in forbidden if word in page]


def test_every_chart_has_its_table():
    page = render_sales_audit_detail(planted.AUDIT, "en")
    assert page.count('class="chart"') == 3
    assert text_of(page).count("Show the table") == 3
    assert page.count('class="spark"') == len(planted.AUDIT.kpis)
    assert "Values of the 13 months" in page


def test_the_account_of_a_source_is_the_sum_of_its_tables():
    page = text_of(render_data_quality(planted.QUALITY, "en"))
    crm = [account for account in planted.ACCOUNTS if account.source_instance == "crm"]
    assert all(account.difference == 0 for account in crm)
    assert f"{sum(a.records_in for a in crm):,}" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask jane.doe@client.example today", "ask •••@••• today"),
        ("tel +33 6 12 34 56 78.", "tel •••."),
        ("06 12 34 56 78", "•••"),
        ("crm/leads_2026-06-30.csv:8412 0a1b2c3d4e5f", "crm/leads_2026-06-30.csv:8412 0a1b2c3d4e5f"),
        ("12 of 0612345678901 rows", "12 of 0612345678901 rows"),
        ("calendar/2026-05/blanc.sarah.ics:12, x", "calendar/2026-05/•••.ics:12, x"),
        ("files: cal/Sarah Blanc.ICS (2)", "files: cal/•••.ICS (2)"),
        ("(blanc.sarah.ics)", "(•••.ics)"),
    ],
)
def test_direct_identifiers_in_free_text_are_masked(text, shown):
    assert masked(text) == shown


def test_no_free_text_shows_an_identifier():
    refusal = Refusal("crm", "crm/jane.doe@client.example.csv", "E-ING-001", *["call +33612345678"] * 4)
    page = render_data_quality(replace(planted.HELD_QUALITY, refusals=(refusal,)), "en")
    assert "client.example" not in page
    assert "33612345678" not in page


def test_a_change_is_in_points_for_a_rate_and_relative_for_a_volume():
    t, f = Wording("en"), Formats("en")
    rate, volume, hours = planted.KPIS[1], planted.KPIS[0], planted.KPIS[3]
    assert change(rate, 1, t, f).text == "+0.6\u00a0pp"
    assert change(volume, 12, t, f).text == "+14.5%"
    assert (change(hours, 1, t, f).text, change(hours, 1, t, f).sense) == ("\u22120.6\u00a0h", "better")
    unknown = replace(volume, history=volume.history[-2:])
    assert change(unknown, 12, t, f).text == "–"
    from_zero = replace(volume, history=(("2026-05", Decimal(0)), volume.history[-1]))
    assert change(from_zero, 1, t, f).text == "–"


def contrast(one: str, two: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_colours_meet_wcag_aa_in_every_theme():
    style = (Path(render.__file__).parent / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*)\}", style)
    themes = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block)) for block in blocks]
    assert len(themes) == 3, "light, dark and print"
    for theme in themes:
        grounds = ("ground", "surface", "raised")
        pairs = [(ink, ground) for ink in ("ink", "muted", "accent") for ground in grounds]
        pairs += [(name, f"{name}-ground") for name in ("good", "caution", "bad", "quiet", "exempt")]
        pairs += [(name, "surface") for name in ("good", "bad", "alarm")]
        pairs += [("ink", "quiet-ground"), ("muted", "quiet-ground")]
        ratios = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in pairs}
        assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
