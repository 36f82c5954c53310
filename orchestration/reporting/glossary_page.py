"""The glossary: every metric of the dictionary, as a reader of the reports looks it up.

What does not belong here: definitions (dbt_project/models/metrics), HTML (templates), values of a month.
Formulas, edges and examples are English, with their French in dictionary/french.yml; what has none is marked as
English, so that a screen reader pronounces it as such.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from expectations.owners import owner_name
from orchestration.dictionary.french import said
from orchestration.dictionary.metric import Metric
from orchestration.dictionary.unavailable import Unavailable
from orchestration.dictionary.units import unit_name
from orchestration.reporting.definitions import readable
from orchestration.reporting.figures import RunFacts
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording

#: Chapters, in the order of a sale: dbt_project/models/metrics/metrics_<domain>.yml.
_DOMAINS = (
    *("sales", "leads", "handoffs", "activity", "marketing", "pipeline", "reps", "finance", "revenue"),
    *("subscriptions", "orders", "customers", "key_accounts", "quality"),
)


@dataclass(frozen=True)
class Said:
    """A text and the language it is in, 'fr' or 'en'."""

    text: str
    language: str


@dataclass(frozen=True)
class Entry:
    """One metric as the page shows it."""

    name: str
    label: str
    definition: str
    formula: Said
    unit: str
    grain: Said
    anchor: str
    cuts: tuple[str, ...]
    better: str
    minimum: str
    owner: str
    version: str
    halves: tuple[tuple[str, str], ...]
    filters: tuple[Said, ...]
    edge_rules: tuple[Said, ...]
    example: Said | None
    example_value: str


@dataclass(frozen=True)
class Chapter:
    """The metrics of one domain, by label."""

    code: str
    title: str
    entries: tuple[Entry, ...]


def glossary_context(
    run: RunFacts,
    metrics: Mapping[str, Metric],
    absent: Mapping[str, Unavailable],
    t: Wording,
    f: Formats,
) -> dict[str, object]:
    """Everything the template `glossary.html.jinja` reads. metrics: the whole dictionary, halves included."""
    shown = [metric for metric in metrics.values() if metric.is_published]
    chapters = []
    for domain in sorted({metric.domain for metric in shown}, key=_DOMAINS.index):
        entries = [_entry(metric, metrics, run, t, f) for metric in shown if metric.domain == domain]
        entries.sort(key=lambda entry: (_alphabetical(entry.label), entry.name))
        chapters.append(Chapter(f"of-{domain}", t(f"glossary.domain.{domain}"), tuple(entries)))
    return {
        "run": run,
        "chapters": tuple(chapters),
        "n_metrics": f.integer(len(shown)),
        "absent": tuple(
            (each.name, t.pick(each.label_fr, each.label_en), t.pick(each.missing_fr, each.missing_en))
            for each in sorted(absent.values(), key=lambda each: each.label(t.language).casefold())
        ),
        "other": "en" if t.language == "fr" else "fr",
    }


def _entry(metric: Metric, metrics: Mapping[str, Metric], run: RunFacts, t: Wording, f: Formats) -> Entry:
    labels = {name: each.label_en for name, each in metrics.items()}
    halves = tuple(
        (name, t.pick(metrics[name].label_fr, metrics[name].label_en) if name in metrics else name)
        for name in (metric.numerator, metric.denominator)
        if name
    )
    formula = _said(metric.formula, t)
    if len(halves) == 2:
        formula = Said(f"{halves[0][1]} ÷ {halves[1][1]}", t.language)
    elif formula.language == "en":
        formula = Said(readable(metric.formula, labels), "en")
    example = metric.example
    unit = unit_name(metric.unit, t.language)
    return Entry(
        name=metric.name,
        label=t.pick(metric.label_fr, metric.label_en),
        definition=t.pick(metric.definition_fr, metric.definition_en),
        formula=formula,
        unit=f"{unit} ({run.reporting_currency})" if metric.currency else unit,
        grain=_said(metric.grain, t),
        anchor=metric.anchor,
        cuts=metric.cuts,
        better=t(f"glossary.better.{metric.better}"),
        minimum=f.integer(metric.minimum_n) if metric.minimum_n else "",
        owner=owner_name(metric.owner, t.language),
        version=metric.version,
        halves=halves or tuple((half, half) for half in metric.halves or ()),
        filters=tuple(_said(rule, t) for rule in metric.filters),
        edge_rules=tuple(_said(rule, t) for rule in metric.edge_rules),
        example=_said(example.text, t) if example else None,
        example_value=_exact(example.value, f) if example else "",
    )


def _alphabetical(label: str) -> str:
    """Where a label stands in a list: accents and case make no difference."""
    return "".join(
        sign for sign in unicodedata.normalize("NFKD", label.casefold()) if not unicodedata.combining(sign)
    )


def _exact(value: Decimal, f: Formats) -> str:
    """All digits of a value, as the language writes them."""
    exponent = value.normalize().as_tuple().exponent
    return f.decimal(value, max(0, -exponent) if isinstance(exponent, int) else 0)


def _said(text: str, t: Wording) -> Said:
    given, language = said(text, t.language)
    return Said(t.pick(given, given) if language == t.language else given, language)
