"""What is wrong with the definition of a metric: the rules of the dictionary that a machine can read.

What does NOT belong here: whether a value is right (tests/golden, tests/integration).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from orchestration.dictionary.metric import metric_meta

REQUIRED = (
    *("label_fr", "label_en", "definition_fr", "definition_en", "formula", "grain", "anchor", "unit"),
    *("better", "minimum_n", "owner", "version", "published", "edge_rules"),
)
EXAMPLE = ("period_month", "segment_kind_code", "segment_code", "value", "text")
TYPES = ("simple", "ratio", "derived", "cumulative", "conversion")
#: Words that a French text spells with an accent: without it the keyboard, not the writer, has spoken.
_BARE = re.compile(
    r"\b(a la|deja|pondere|periode|duree|cloturee?s?|gagnees?|perdues? a|deliv?rees?|reponses?|societes?|"
    r"cree(?:e|s|es)?|etapes?|echeances?|opportunite|premiere|derniere|debut|apres|qualifiee?s?)\b",
    re.IGNORECASE,
)


class Fault(NamedTuple):
    """One rule broken by one metric."""

    rule: str
    metric: str
    detail: str


def faults(
    metrics: Iterable[Mapping[str, Any]],
    owners: Iterable[str],
    units: Iterable[str],
    reasons: Iterable[str],
    contracts: Iterable[str],
) -> list[Fault]:
    """Every fault of `metrics`, raw entries of YAML files or of the manifest. The rest: the known codes."""
    by_name: dict[str, Mapping[str, Any]] = {}
    found = []
    for metric in metrics:
        if metric["name"] in by_name:
            found.append(Fault("defined_once", metric["name"], "defined twice"))
        by_name[metric["name"]] = metric
    known = _Known(by_name, *map(frozenset, (owners, units, reasons, contracts)))
    for name, metric in by_name.items():
        for rule, check in RULES.items():
            found += (Fault(rule, name, detail) for detail in check(metric, known))
    return found


class _Known(NamedTuple):
    metrics: Mapping[str, Mapping[str, Any]]
    owners: frozenset[str]
    units: frozenset[str]
    reasons: frozenset[str]
    contracts: frozenset[str]


def _complete(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    if metric.get("type") not in TYPES:
        yield f"type {metric.get('type')}"
    if not metric.get("description"):
        yield "no description"
    yield from (f"no {key}" for key in REQUIRED if meta.get(key) in (None, "", [], ()))


def _labelled(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    if metric.get("label") != meta.get("label_fr"):
        yield f"label {metric.get('label')!r} is not label_fr"
    for text in ("label", "definition"):
        given = [str(meta.get(f"{text}_{language}") or "") for language in ("fr", "en")]
        if len(given[0]) > 40 and given[0] == given[1]:
            yield f"{text}_fr is the English one"
        if bare := _BARE.search(given[0]):
            yield f"{text}_fr without its accents: {bare[0]}"
    for language in ("fr", "en"):
        definition = str(meta.get(f"definition_{language}") or "")
        if definition and not definition.rstrip().endswith((".", "?")):
            yield f"definition_{language} is no sentence"


def _coded(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    if meta.get("unit") not in known.units:
        yield f"unit {meta.get('unit')}"
    if meta.get("better") not in ("up", "down", "none"):
        yield f"better {meta.get('better')}"
    if meta.get("owner") not in known.owners:
        yield f"owner {meta.get('owner')}"
    version, minimum = meta.get("version"), meta.get("minimum_n")
    if not (isinstance(version, int) and version >= 1):
        yield f"version {version}"
    if not (isinstance(minimum, int) and minimum >= 0):
        yield f"minimum_n {minimum}"
    if not isinstance(meta.get("published"), bool):
        yield f"published {meta.get('published')}"


def _money_names_its_currency(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    is_money = str(meta.get("unit")).startswith("money")
    if is_money and not meta.get("currency"):
        yield "money without a currency"
    if not is_money and meta.get("currency"):
        yield "a currency and no money"


def _edges_are_sentences(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    for key in ("edge_rules", "filters"):
        rules = metric_meta(metric).get(key) or []
        if isinstance(rules, str):
            yield f"{key} is no list"
            continue
        yield from (
            f"no sentence: {rule}" for rule in rules if not re.match(r".{8,}[.)]$", str(rule), re.DOTALL)
        )


def _derived_names_its_halves(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    """meta.numerator and meta.denominator of a derived rate: made of the metrics that it is derived from."""
    meta = metric_meta(metric)
    given = [meta.get(side) for side in ("numerator", "denominator")]
    if any(given) and (metric.get("type") != "derived" or not all(given)):
        yield "numerator and denominator are both said, and of a derived metric"
    for half in filter(None, given):
        if not set(re.findall(r"\w+", str(half))) & _reads(metric):
            yield f"{half} names no metric that it is derived from"


def _example_if_published(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    example = meta.get("worked_example")
    if not example:
        if meta.get("published"):
            yield "published without a worked example"
        return
    yield from (f"example without {key}" for key in EXAMPLE if example.get(key) in (None, ""))
    try:
        if date.fromisoformat(str(example.get("period_month"))).day != 1:
            yield "the example's month is no first day"
        Decimal(str(example.get("value")))
    except (ValueError, InvalidOperation):
        yield "the example's month or value is none"
    if isinstance(example.get("value"), float):
        yield "the example's value is a binary float: write it as text"
    if len(str(example.get("text") or "")) <= 10:
        yield "the example says nothing"


def _published_says_where_it_comes_from(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    meta = metric_meta(metric)
    if not meta.get("published"):
        return
    empty, contracts = meta.get("empty_month"), meta.get("contracts")
    if empty != "zero" and empty not in known.reasons:
        yield f"empty_month {empty} is neither zero nor a reason with a wording"
    if (earlier := meta.get("earlier_month")) and earlier not in known.reasons:
        yield f"earlier_month {earlier} is no reason with a wording"
    if not isinstance(contracts, list):
        yield "contracts is no list"
    else:
        yield from (f"contract {each}" for each in contracts if each not in known.contracts)
    if sum(key in meta for key in ("cuts", "segments", "cell")) != 1:
        yield "one of cuts, segments and cell says how MetricFlow is asked"


def _cumulative_says_its_value(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    if metric.get("type") != "cumulative":
        return
    parts = (metric.get("type_params") or {}).get("cumulative_type_params") or {}
    if parts.get("period_agg") != "last":
        yield f"period_agg is {parts.get('period_agg')}: a value to date is that of the last day"


def _ratio_shows_its_halves(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    if metric.get("type") != "ratio":
        return
    for side in ("numerator", "denominator"):
        half = (metric.get("type_params") or {}).get(side)
        name = half.get("name") if isinstance(half, Mapping) else half
        if not name or name not in known.metrics:
            yield f"{side} {name} is no metric"
            continue
        meta = metric_meta(known.metrics[name])
        if not meta.get("published") and metric["name"] not in _names(meta.get("half_of")):
            yield f"{side} {name} is neither published nor half_of {metric['name']}"


def _unpublished_is_part_of_a_metric(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    for name in _names(metric_meta(metric).get("half_of")):
        if name not in known.metrics:
            yield f"half_of {name}, which is no metric"
    meta = metric_meta(metric)
    is_read = any(metric["name"] in _reads(other) for other in known.metrics.values())
    if meta.get("published") is False and not meta.get("half_of") and not is_read:
        yield "neither published nor part of a metric"


def _conversion_waits_for_its_window(metric: Mapping[str, Any], known: _Known) -> Iterator[str]:
    if metric.get("type") != "conversion":
        return
    parts = (metric.get("type_params") or {}).get("conversion_type_params") or {}
    base = parts.get("base_measure") or {}
    base = {"name": base} if isinstance(base, str) else base
    if "matured" not in str(base.get("filter") or "") and "matured" not in str(base.get("name") or ""):
        yield "the base is not filtered on matured units: open windows count as not converted"


def _reads(metric: Mapping[str, Any]) -> set[str]:
    """The metrics that a ratio or a derived metric is made of."""
    parts = metric.get("type_params") or {}
    given = [parts.get("numerator"), parts.get("denominator"), *(parts.get("metrics") or [])]
    return {each.get("name") if isinstance(each, Mapping) else each for each in given if each}


def _names(given: Any) -> tuple[str, ...]:
    if not given:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


#: Rule -> what it finds wrong. Each is broken by a planted definition in test_metrics.py.
RULES: dict[str, Callable[[Mapping[str, Any], _Known], Iterable[str]]] = {
    "complete": _complete,
    "labelled": _labelled,
    "coded": _coded,
    "money_names_its_currency": _money_names_its_currency,
    "edges_are_sentences": _edges_are_sentences,
    "derived_names_its_halves": _derived_names_its_halves,
    "example_if_published": _example_if_published,
    "published_says_where_it_comes_from": _published_says_where_it_comes_from,
    "cumulative_says_its_value": _cumulative_says_its_value,
    "ratio_shows_its_halves": _ratio_shows_its_halves,
    "unpublished_is_part_of_a_metric": _unpublished_is_part_of_a_metric,
    "conversion_waits_for_its_window": _conversion_waits_for_its_window,
}
