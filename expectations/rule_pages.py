"""docs/rules.md: the rule catalogue, table by table, in French and English.

`python -m expectations.rule_pages` writes it; a test fails when it is not that of the catalogue. What does not
belong here: what a rule may say (checks.py) and what it found (results.py).
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

from expectations.catalogue import DIMENSIONS, LAYERS, Catalogue, Layer, Rule, TableEntry, load_catalogue
from expectations.structure import Wording, structure

PAGE_FILE = Path(__file__).resolve().parents[1] / "docs" / "rules.md"

_TITLES: dict[Layer, str] = {
    "raw": "Sources (staging)",
    "master": "Master records",
    "fact": "Facts and metrics",
    "mart": "Marts",
}
_HEAD = "| rule | question | question (fr) | dimension | when it fails | owner | reason |"


def page_text(catalogue: Catalogue) -> str:
    """docs/rules.md: one section per layer, one table of rules per relation."""
    by_dimension = Counter(rule.dimension for rule in catalogue.rules)
    n_checks = sum(len(rule.checks) for rule in catalogue.rules)
    lines = [
        "# Rules",
        "",
        "Made by `python -m expectations.rule_pages` from `expectations/rules`: change a rule there, not on this page.",
        "",
        f"{len(catalogue.rules)} rules speak about {len(catalogue.tables)} tables ({n_checks} checks). A question is "
        "answered by yes when the rule passes. A critical rule that fails holds the publication, a warning is "
        "published with it, an info is only noted; `etalon journal --rule R-CRM-003` lists the rows. The tolerance is "
        "the largest share of failing rows that still passes; a rule that speaks about fewer rows than its minimum is "
        "not assessed, which is never a pass.",
        "",
        "| dimension | rules |",
        "|---|---|",
        *(f"| {each} | {by_dimension[each]} |" for each in DIMENSIONS),
        "",
        "What a contract says of its source (references, order of two dates) is a control of ingest and no rule: see "
        "[contracts](contracts.md). What the dbt project itself holds is at the [end](#held-by-dbt). Every result, of "
        "a rule or of dbt, is a row of `work/quality/rule_results.parquet` with its `dimension` and `origin`. "
        "`assess` in `expectations/rules/tables.yml` says how many rules of each dimension a table must have: a rule "
        "that gets lost shows as a table that was not assessed (R-IDX-001).",
    ]
    for layer in LAYERS:
        lines += ["", f"## {_TITLES[layer]}"]
        for name, entry in catalogue.tables.items():
            if entry.layer == layer:
                lines += ["", *_section(catalogue, name, entry)]
    kinds, tests = structure()
    lines += [
        "",
        "## Held by dbt",
        "",
        "Constraints hold when their table is built: the engine refuses the rows that break them. A test that fails "
        "stops the run. Rule ids are `D-<kind>-<columns>` and `D-<test>`.",
        "",
        "| kind or test | question | question (fr) | dimension | reason |",
        "|---|---|---|---|---|",
        *(_of_dbt(name, wording) for name, wording in {**kinds, **tests}.items()),
    ]
    return "\n".join(lines) + "\n"


def _section(catalogue: Catalogue, name: str, entry: TableEntry) -> list[str]:
    rules = [rule for rule in catalogue.rules if any(check.table == name for check in rule.checks)]
    return [
        f"### {name}",
        "",
        f"Key: {', '.join(f'`{each}`' for each in entry.key)}. Fed by: {', '.join(entry.fed_by)}.",
        "",
        _HEAD,
        "|---|---|---|---|---|---|---|",
        *(_row(rule) for rule in rules),
    ]


def _row(rule: Rule) -> str:
    outcome = "hold" if rule.severity == "critical" else rule.severity
    if rule.tolerance:
        outcome += f", over {_percent(rule.tolerance)}"
    if rule.min_rows > 1:
        outcome += f", of {rule.min_rows} rows or more"
    cells = (
        rule.id, rule.question_en, rule.question_fr, rule.dimension, outcome, rule.owner, f"`{rule.reason_code}`"
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _of_dbt(name: str, wording: Wording) -> str:
    columns = {"columns": "its columns"}, {"columns": "ses colonnes"}
    asked = wording.en.format(**columns[0]), wording.fr.format(**columns[1])
    return f"| {name} | {asked[0]} | {asked[1]} | {wording.dimension} | `{wording.reason_code}` |"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


if __name__ == "__main__":
    PAGE_FILE.write_text(page_text(load_catalogue()), encoding="utf-8")
