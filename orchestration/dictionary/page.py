"""docs/metrics.md: the dictionary of metrics, in French and English.

`python -m orchestration.dictionary.page` writes it; a test fails when it is not that of the definitions. What does not
belong here: the definitions (dbt_project/models/metrics), the glossary of the reports (orchestration.reporting).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from expectations.owners import owner_name
from orchestration.dictionary.metric import Metric, dictionary
from orchestration.dictionary.unavailable import Unavailable, unavailable
from orchestration.dictionary.units import unit_name

PAGE_FILE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def page_text(metrics: Mapping[str, Metric], absent: Mapping[str, Unavailable]) -> str:
    """The page: an index, one section per published metric under its owner, the halves, what is not computed."""
    shown = [metric for metric in metrics.values() if metric.is_published]
    owners = sorted({metric.owner for metric in shown})
    lines = [
        "# Metrics",
        "",
        "Made by `python -m orchestration.dictionary.page` from the `metrics:` of `dbt_project/models/metrics`: change "
        "a definition there, not on this page.",
        "",
        f"{len(shown)} metrics are published, each with one definition. The marts (SQL) and an independent "
        "recomputation in plain Python agree on every one of them, month by month and segment by segment; so does "
        f"MetricFlow, which computes {sum(1 for each in shown if not each.is_read_from_mart)} of them itself from the "
        "facts and reads the row of the mart for the others, marked *two faces*. The example of each is executed on a "
        "planted company. A figure that cannot be computed is null with a reason, never 0. Money is in the reporting "
        "currency at the month's fixed rate.",
        "",
        "`etalon metrics show NAME` says the same on the command line, `etalon metrics query NAME` gives the figures "
        "of the publication. The reports link to the same text as a glossary; `dim_metric` holds it beside the marts.",
        "",
        "| metric | label | libellé | unit | owner |",
        "|---|---|---|---|---|",
    ]
    for owner in owners:
        lines += [
            f"| [`{each.name}`](#{each.name}) | {each.label_en} | {each.label_fr} | {each.unit} | {owner} |"
            for each in _of(shown, owner)
        ]
    for owner in owners:
        lines += ["", f"## {owner_name(owner, 'en')}"]
        for metric in _of(shown, owner):
            lines += ["", *_section(metric)]
    lines += [
        "",
        "## Halves",
        "",
        "Metrics that are published as the numerator, the denominator or a part of others.",
        "",
        "| metric | label | part of | formula |",
        "|---|---|---|---|",
        *(
            f"| `{each.name}` | {each.label_en} | {_part_of(each, metrics)} | {each.formula} |"
            for each in metrics.values()
            if not each.is_published
        ),
    ]
    if absent:
        lines += [
            "",
            "## Not computed",
            "",
            "Metrics that a sales audit asks for and that need an extract which nobody gives yet.",
            "",
            "| metric | label | libellé | what is missing |",
            "|---|---|---|---|",
            *(
                f"| `{each.name}` | {each.label_en} | {each.label_fr} | {each.missing_en} |"
                for each in absent.values()
            ),
        ]
    return "\n".join(lines) + "\n"


def _part_of(half: Metric, metrics: Mapping[str, Metric]) -> str:
    readers = (
        each.name for each in metrics.values() if half.name in (each.numerator, each.denominator, *each.parts)
    )
    return ", ".join(f"`{name}`" for name in dict.fromkeys([*half.half_of, *readers]))


def _of(metrics: Iterable[Metric], owner: str) -> list[Metric]:
    return [metric for metric in metrics if metric.owner == owner]


def _section(metric: Metric) -> list[str]:
    unit = unit_name(metric.unit, "en")
    facts = {
        "formula": metric.formula,
        "halves": " / ".join(f"`{half}`" for half in metric.halves or ()),
        "unit": f"{unit}, {metric.currency}" if metric.currency else unit,
        "one unit is": f"{metric.grain}, placed by `{metric.anchor}`",
        "cut by": ", ".join(f"`{cut}`" for cut in metric.cuts),
        "two faces": "MetricFlow reads the row of the mart" if metric.is_read_from_mart else "",
        "better": {"up": "higher", "down": "lower"}.get(metric.better, ""),
        "too few under": str(metric.minimum_n) if metric.minimum_n else "",
        "a month without rows": f"`{metric.empty_month}`" if metric.empty_month else "",
        "version": metric.version,
    }
    lines = [
        f"### {metric.name}",
        "",
        f"**{metric.label_en}** · {metric.label_fr}",
        "",
        f"{metric.definition_en} *{metric.definition_fr}*",
        "",
        *(f"- {name}: {text}" for name, text in facts.items() if text),
        *(f"- filter: {rule}" for rule in metric.filters),
        *(f"- edge: {rule}" for rule in metric.edge_rules),
    ]
    example = metric.example
    if example:
        kind = example.segment_kind_code
        where = "" if kind == "all" else f", {kind} {example.segment_code}"
        lines.append(
            f"- example ({example.period_month:%Y-%m}{where}): {example.text} Value {example.value.normalize():f}."
        )
    return lines


if __name__ == "__main__":
    PAGE_FILE.write_text(page_text(dictionary(), unavailable()), encoding="utf-8")
