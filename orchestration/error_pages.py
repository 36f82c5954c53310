"""docs/errors.md: every coded error with what it says, why it stops there, what to do, and an example.

`python -m orchestration.error_pages` writes it; a test fails when it is not that of the catalogues. What does not
belong here: the sentences (errors.yml of each package) and when an error is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Formatter

import yaml

from ingest.errors import CATALOGUE
from orchestration.coded_errors import read_catalogue
from orchestration.project import ROOT

PAGE_FILE = ROOT / "docs" / "errors.md"
EXAMPLES_FILE = Path(__file__).with_name("error_examples.yml")

#: Letters of a code -> what its errors are about, in the order of the page.
_TITLES = {
    "ING": "Extracts, mappings and configuration",
    "EXP": "Rules, policy and waivers",
    "RUN": "Runs",
    "MAT": "Matching and survivorship",
    "STW": "Stewardship and exclusions",
    "WRK": "Worklists",
    "CYC": "Audit cycle",
    "XPT": "Experiments",
    "IMP": "Decisions and the figures they move",
    "ACC": "Roles",
    "REP": "Printed reports",
}
_PARTS = {"what": "says", "why": "why it stops there", "next": "what to do"}

Sentences = Mapping[str, Mapping[str, str]]


def catalogues() -> dict[str, Sentences]:
    """Code -> language -> {what, why, next}, of every package."""
    files = (CATALOGUE, *sorted((ROOT / "orchestration").glob("*/errors.yml")))
    return {code: sentences for path in files for code, sentences in read_catalogue(path).items()}


def examples() -> dict[str, dict[str, str]]:
    """Code -> values of an example; `where` is the place that stands before the message."""
    read = yaml.safe_load(EXAMPLES_FILE.read_text(encoding="utf-8"))
    return {code: {name: str(value) for name, value in values.items()} for code, values in read.items()}


def fields_named(sentences: Sentences) -> set[str]:
    """Names that the sentences of an error are filled with, in either language."""
    texts = (text for parts in sentences.values() for text in parts.values())
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def page_text(found: Mapping[str, Sentences], shown: Mapping[str, Mapping[str, str]]) -> str:
    """The page: one section per kind of error, one table per code."""
    lines = [
        "# Errors",
        "",
        "Made by `python -m orchestration.error_pages` from the files `errors.yml` beside the code: change a sentence"
        " there, not on this page.",
        "",
        f"{len(found)} errors have a code, which is never used again for another. A command prints the code, the place,"
        " what happened and why it stops there, then what to do, in the language asked for (`--language fr`). Words in"
        " braces stand for what the case fills in; the examples are of a company that does not exist. Exit codes are"
        " in [operations](operations.md), reasons why a single row is set aside in `ingest/reasons.yml`.",
    ]
    for letters, title in _TITLES.items():
        codes = sorted(code for code in found if code.split("-")[1] == letters)
        lines += ["", f"## {title}"]
        for code in codes:
            lines += ["", *_section(code, found[code], shown[code])]
    return "\n".join(lines) + "\n"


def _section(code: str, sentences: Sentences, values: Mapping[str, str]) -> list[str]:
    rows = [
        f"| {label} | {_cell(sentences['en'][part])} | {_cell(sentences['fr'][part])} |"
        for part, label in _PARTS.items()
    ]
    what = sentences["en"]["what"].format_map(values)
    # Where the sentence names its place itself, the command does not say it twice.
    place = "" if "{where}" in sentences["en"]["what"] else f"{values['where']}: "
    return [
        f"### {code}",
        "",
        "| | English | français |",
        "|---|---|---|",
        *rows,
        "",
        f"For example: `{code} {place}{what}`",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    PAGE_FILE.write_text(page_text(catalogues(), examples()), encoding="utf-8")
