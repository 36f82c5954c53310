"""The glossary page: every published metric once, in the reader's language, with what is not computed."""

import re

import planted_reports as planted
import pytest

from orchestration.dictionary import dictionary
from orchestration.reporting.render import render_glossary


def text_of(page: str) -> str:
    plain = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", plain.replace("&#39;", "'").replace("\u202f", " ").replace("\u00a0", " "))


@pytest.mark.audit("FR12")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_published_metric_of_the_tree_has_one_entry_and_no_half_has_one(language):
    page = render_glossary(planted.RUN, language)
    entries = re.findall(r'<article class="metric" id="([a-z0-9_]+)"', page)
    assert sorted(entries) == sorted(name for name, each in dictionary().items() if each.is_published)
    index = re.findall(r'<th scope="row"><a href="#([a-z0-9_]+)"', page)
    assert index == entries


def test_an_entry_says_what_the_definition_says_in_the_language_of_the_page():
    french = text_of(render_glossary(planted.RUN, "fr", planted.METRICS, planted.ABSENT))
    english = text_of(render_glossary(planted.RUN, "en", planted.METRICS, planted.ABSENT))
    assert "Taux de conversion de la période." in french and "Conversion rate of the period." in english
    assert "Leads convertis ÷ Volume de leads" in french and "Converted leads ÷ New leads" in english
    assert (
        "One of five leads. 0.2" in english
        and "One of five leads. 0,2" in french
        and "Trop peu sous 30" in french
    )
    assert "montant (EUR)" in french and "money (EUR)" in english
    assert "Il faut un extrait du personnel." in french and "An extract of the staff is needed." in english


def test_english_text_on_the_french_page_says_that_it_is_english():
    page = render_glossary(planted.RUN, "fr", planted.METRICS, planted.ABSENT)
    assert '<li lang="en">Tests are left out.</li>' in page
    assert '<li lang="fr">Un lead sans date de création n’appartient à aucun mois.</li>' in page
    assert '<dd lang="fr">Leads convertis ÷ Volume de leads</dd>' in page
    assert '<dd lang="en">count of golden leads</dd>' in page
    assert (
        'lang="fr"'
        not in render_glossary(planted.RUN, "en", planted.METRICS, planted.ABSENT).split("<main", 1)[1]
    )


def test_markup_in_a_definition_stays_text():
    (metric,) = planted.metrics_of(
        [planted.definition("x", "<img src=x onerror=a()>", "<script>a()</script>")]
    )
    for language in ("fr", "en"):
        page = render_glossary(planted.RUN, language, {"x": metric}, {})
        assert "<script" not in page and "<img" not in page and "&lt;" in page


def test_labels_are_in_the_order_of_the_alphabet_whatever_their_accents():
    metrics = planted.metrics_of(
        [
            planted.definition(name, label, label)
            for name, label in (("z", "Zone"), ("e", "Étapes"), ("a", "âge"))
        ]
    )
    page = render_glossary(planted.RUN, "fr", {each.name: each for each in metrics}, {})
    assert re.findall(r'<article class="metric" id="(.)"', page) == ["a", "e", "z"]
