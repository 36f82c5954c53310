"""No sentence for people tells a naive figure as a cause: "associated with", "associé à", and nothing stronger."""

from functools import cache

import pytest
from wording_faults import ROOT, Sentence, claims, sentences

_POINTS = "says where something points"
_VALUE = "the value of a question or the effect of a decision on a figure, recomputed: a counterfactual"
# (file, words of the sentence) -> why they may stand there. Each must still be needed.
ALLOWED = {
    ("expectations/rules/crm_business.yml", "Does every change of stage lead to a known stage?"): _POINTS,
    ("docs/rules.md", "Does every change of stage lead to a known stage?"): _POINTS,
    ("docs/history.md", "Meetings of a calendar lead to no lead yet"): _POINTS,
    ("docs/journal.md", "impact"): _VALUE,
    ("docs/stewardship.md", "The impact of a question"): _VALUE,
    ("docs/quality_report.md", "drives the Chromium"): "a test drives a browser",
    ("docs/simulation.md", "a true effect of the first five days"): "a planted truth is a cause",
    ("dbt_project/models/marts/sales/marts_sales_reps.yml", "is not what makes win"): "denies a cause",
}


@cache
def told() -> tuple[Sentence, ...]:
    return tuple(sentences())


@cache
def claiming() -> tuple[tuple[Sentence, tuple[str, ...]], ...]:
    """Sentences of the tree that hold a forbidden turn, with its names."""
    return tuple((s, tuple(found)) for s in told() if (found := claims(s.text)))


def is_allowed(sentence: Sentence) -> bool:
    return any(sentence.path == path and words in sentence.text for path, words in ALLOWED)


@pytest.mark.audit("R1")
def test_no_sentence_claims_a_cause():
    assert [(s.path, s.key, found, s.text) for s, found in claiming() if not is_allowed(s)] == []


@pytest.mark.audit("R1")
def test_what_is_called_associated_says_so_in_both_languages():
    associating = [s for s in told() if s.key.rpartition(".")[2] == "associated"]
    words = {"fr": "associé", "en": "associated with"}
    assert {s.path.split(".")[-2] for s in associating} == set(words)
    assert [s for s in associating if words[s.path.split(".")[-2]] not in s.text.lower()] == []


def test_every_allowance_is_needed():
    assert [a for a in ALLOWED if not any(s.path == a[0] and a[1] in s.text for s, _ in claiming())] == []


def test_all_kinds_of_texts_are_searched():
    found = told()
    paths = {s.path for s in found}
    assert {
        "orchestration/reporting/catalogue.fr.yml",
        "orchestration/reporting/catalogue.en.yml",
        "orchestration/commands/wording.yml",
        "orchestration/dictionary/french.yml",
        "orchestration/reporting/templates/data_quality.html.jinja",
        "dbt_project/models/metrics/metrics_leads.yml",
        "dbt_project/models/marts/sales/marts_sales_touch_lines.yml",
        "expectations/sentences.yml",
        "docs/metrics.md",
        "README.md",
    } <= paths
    assert {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "orchestration").rglob("catalogue.*.yml")
    } <= paths
    assert len(found) > 3000


@pytest.mark.parametrize(
    "text",
    [
        "Four more touches increase the conversion rate.",
        "Faster calls lead to more deals.",
        "Conversion is driven by cadence.",
        "The impact of a second call is 2 points.",
        "Contacting within 2 hours improves conversion.",
        "The effect of touches is linear.",
        "More mails result in meetings.",
        "A second call makes leads convert.",
        "Higher conversion thanks to persistence.",
        "Touches cause conversions.",
        "La hausse est provoquée par les relances.",
        "Six relances font augmenter la conversion.",
        "Rappeler en 2 heures améliore le taux de conversion.",
        "L'impact d'un appel de plus est de 2 points.",
        "Relancer entraîne plus de ventes.",
        "Plus de rendez-vous grâce aux relances.",
        "L'effet des relances est linéaire.",
        "Les appels génèrent des ventes.",
        "Une relance de plus cause des conversions.",
    ],
)
def test_a_planted_claim_is_found(text):
    assert claims(text)


@pytest.mark.parametrize(
    "text",
    [
        "Touches are associated with conversion: r 0.31.",
        "Les relances sont associées à la conversion : r 0,31.",
        "Leads to be contacted today.",
        "Causes are applied in this order; first cause: a credit note.",
        "Nombre effectif de comptes, premier contact effectif.",
        "Aucune cause ne fait d'écart.",
        "Le taux augmente de 2 points sur un an.",
        "The rate increased by 2 points over the year.",
    ],
)
def test_a_sentence_that_associates_is_left_alone(text):
    assert claims(text) == []


def test_a_sentence_planted_in_a_catalogue_is_found(tmp_path):
    folder = tmp_path / "orchestration" / "reporting"
    folder.mkdir(parents=True)
    (folder / "catalogue.en.yml").write_text("audit:\n  touches: {n: More touches drive conversion.}\n")
    (folder / "catalogue.fr.yml").write_text("audit:\n  lines:\n  - Les appels font augmenter le taux.\n")
    (folder / "page.html.jinja").write_text("<p>\n{{ t('drives') }} calls lead to deals</p>\n")
    found = [
        (s.path.rpartition("/")[2], s.key, claims(s.text)) for s in sentences(tmp_path) if claims(s.text)
    ]
    assert found == [
        ("catalogue.en.yml", "audit.touches.n", ["drives"]),
        ("catalogue.fr.yml", "audit.lines", ["fait augmenter", "augmente"]),
        ("page.html.jinja", "line 2", ["leads to"]),
    ]
