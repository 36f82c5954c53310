"""French sentences are typed with a space before `: ; ! ? % »` and after `«`, and shown with one that does not break.

Not here: numbers and dates (tests/unit/reporting/test_report_formatting.py), the wording itself (test_wording.py).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from ingest.typography import french_spaces, typeset

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingest", "expectations", "orchestration")
#: A label of words and the value that follows it: what joins them stands in ingest.typography.COLON.
WORDING = {"wording", "words", "word_or_code", "text", "label", "_reason", "reason_of", "_kind"}
#: Who shows sentences of a catalogue to a person, and a function that gives everything it can show.
SHOWN = {
    "orchestration/commands/wording.yml": ("orchestration.commands.output", "_catalogue"),
    "orchestration/cycles/wording.yml": ("orchestration.cycles.words", "_catalogue"),
    "orchestration/stewardship/wording.yml": ("orchestration.stewardship.words", "_catalogue"),
    "orchestration/matching/linkage/wording.yml": ("orchestration.matching.linkage.explanation", "wording"),
    "expectations/sentences.yml": ("expectations.wording", "sentences"),
    "ingest/controls.yml": ("ingest.controls_result", "sentences"),
    "ingest/assistant/wording.yml": ("ingest.assistant.questions", "_catalogue"),
    "ingest/errors.yml": ("ingest.errors", "catalogue"),
}
#: Those whose French is as typed in published tables and gets its spaces where each sentence is shown.
SHOWN_ONE_BY_ONE = {
    "orchestration/dictionary/french.yml": lambda: shown_of_the_dictionary(),
    "orchestration/dictionary/unavailable.yml": lambda: shown_of_the_unavailable(),
    "dbt_project/models/metrics": lambda: shown_of_the_metrics(),
    "expectations/rules": lambda: shown_of_the_rules(),
    "expectations/structure.yml": lambda: shown_of_the_structure(),
}
#: Typed without its space: a word, a bracket or a place, then the sign, then the end or a space.
UNSPACED = re.compile(r"[\w})\]»’](?:[:;!?](?=\s|$)|%(?![\w(]))|«(?=[^\s\u00a0])|[^\s\u00a0]»")
BREAKING = re.compile(r" [:;!?%»€]|« ")
#: What is no sentence: commands, paths, addresses and names of options.
CODE = re.compile(r"`[^`]*`|https?://\S+|etalon [a-z]\S*|\S+\.(?:yml|csv|sql|json|md)\b|<[^>]+>")

#: Keys of files that people write, quoted in sentences as they are typed there.
FILES_OF_PEOPLE = ROOT / "ingest" / "mapping.schema.json"
OTHER_KEYS = {"order", "sources", "instance", "mapping", "folder", "cadence"}


@cache
def quoted_keys() -> re.Pattern[str]:
    """`header:` and every other key of a mapping, with its colon."""
    keys = set(OTHER_KEYS)

    def gather(node: object) -> None:
        if isinstance(node, dict):
            keys.update(node.get("properties", {}))
            for value in node.values():
                gather(value)
        elif isinstance(node, list):
            for value in node:
                gather(value)

    gather(json.loads(FILES_OF_PEOPLE.read_text(encoding="utf-8")))
    return re.compile(rf"\b(?:{'|'.join(sorted(keys))}):")


def leaves(node: object, key: str = "", *, is_french: bool = False) -> Iterator[tuple[str, str]]:
    """(key, sentence) of everything below a key `fr`."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(
                value, f"{key}.{name}", is_french=is_french or name == "fr" or str(name).endswith("_fr")
            )
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from leaves(value, f"{key}.{index}", is_french=is_french)
    elif is_french and isinstance(node, str):
        yield key, node


def french_sentences() -> Iterator[tuple[str, str, str]]:
    """(file, key, sentence) of every catalogue of the three packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.yml")):
            named = path.name.endswith(".fr.yml") or path.name == "french.yml"
            found = yaml.load(
                path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            )
            for key, sentence in leaves(found, is_french=named):
                yield path.relative_to(ROOT).as_posix(), key, sentence


def test_no_french_sentence_is_typed_without_the_space_before_a_sign():
    told = list(french_sentences())
    assert len(told) > 2_000
    assert {path for path, _, _ in told} >= set(SHOWN)
    assert [
        (path, key, text)
        for path, key, text in told
        if UNSPACED.search(quoted_keys().sub("x", CODE.sub("x", text)))
    ] == []


@pytest.mark.parametrize("path", SHOWN)
def test_what_a_command_shows_breaks_at_no_sign(path):
    module, name = SHOWN[path]
    shown = list(leaves(getattr(import_module(module), name)()))
    assert shown
    assert [(key, text) for key, text in shown if BREAKING.search(text)] == []


def test_coded_errors_and_reasons_break_at_no_sign():
    from ingest.reasons import reasons
    from orchestration.coded_errors import read_catalogue

    files = sorted((ROOT / "orchestration").rglob("errors.yml"))
    assert len(files) >= 6
    told = [text for path in files for _, text in leaves(read_catalogue(path))]
    told += [reason.text("fr") for reason in reasons().values()]
    assert len(told) > 200
    assert [text for text in told if BREAKING.search(text)] == []


def shown_of_the_dictionary() -> tuple[list[str], list[str]]:
    from orchestration.dictionary.french import said, sentences

    return list(sentences().values()), [said(text, "fr")[0] for text in sentences()]


def shown_of_the_unavailable() -> tuple[list[str], list[str]]:
    from orchestration.dictionary.unavailable import Unavailable, unavailable

    # the list may be empty: one more shows that its sentences get their spaces
    planted = Unavailable(
        "planted", "Départs : causes", "Reasons of leaving", "Quel extrait ?", "Which extract?"
    )
    told = (*unavailable().values(), planted)
    typed = [text for each in told for text in (each.label_fr, each.missing_fr)]
    return typed, [text for each in told for text in (each.label("fr"), each.missing("fr"))]


def shown_of_the_metrics() -> tuple[list[str], list[str]]:
    from orchestration.dictionary import dictionary

    typed = [text for each in dictionary().values() for text in (each.label_fr, each.definition_fr)]
    return typed, [
        text for each in dictionary().values() for text in (each.label("fr"), each.definition("fr"))
    ]


def shown_of_the_rules() -> tuple[list[str], list[str]]:
    from expectations.catalogue import load_catalogue
    from orchestration.commands.worklist import _questions

    return [rule.question_fr for rule in load_catalogue().rules], list(_questions("fr").values())


def shown_of_the_structure() -> tuple[list[str], list[str]]:
    """The verdict on dbt tests that fail: their questions stand in its sentences."""
    from expectations.gate import _of_rule
    from expectations.results import RuleResult

    content = yaml.safe_load((ROOT / "expectations" / "structure.yml").read_text(encoding="utf-8"))
    typed = [text for _, text in leaves(content)]
    results = [
        RuleResult("D-x", "fact", "facts.x", "critical", "fail", 9, 1, None, Decimal(0), question_fr=text)
        for text in typed
    ]
    return typed, [_of_rule("hold", "critical_rule_failed", result).fr for result in results]


@pytest.mark.parametrize("path", SHOWN_ONE_BY_ONE)
def test_what_is_published_as_typed_breaks_at_no_sign_where_it_is_shown(path):
    typed, shown = SHOWN_ONE_BY_ONE[path]()
    assert len(typed) == len(shown)
    assert any(BREAKING.search(text) for text in typed), "else nothing is proved"
    assert [text for text in shown if BREAKING.search(text)] == []


def labels_with_a_plain_colon(code: str) -> list[int]:
    """Lines of f-strings in which words of a language are followed by `: ` as English has it."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for part, after in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(part, ast.FormattedValue) and isinstance(after, ast.Constant)):
                continue
            calls = [each for each in ast.walk(part.value) if isinstance(each, ast.Call)]
            names = {getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls}
            if names & WORDING and re.match(r":(\s|$)", str(after.value)):
                found.append(node.lineno)
    return found


def test_no_command_joins_a_label_and_its_value_as_only_english_does():
    assert labels_with_a_plain_colon("say(f\"{wording('next', language)}: {command}\")") == [1]
    assert labels_with_a_plain_colon("say(f\"{wording('next', language)}{COLON[language]}{command}\")") == []
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(files) > 200
    faults = {
        path.relative_to(ROOT).as_posix(): lines
        for path in files
        if (lines := labels_with_a_plain_colon(path.read_text(encoding="utf-8")))
    }
    assert faults == {}


def test_the_spaces_of_french_are_set_in_sentences_and_nowhere_else():
    assert french_spaces("Pourquoi ? « Oui » : 5 %") == "Pourquoi\u202f? «\u00a0Oui\u00a0»\u00a0: 5\u202f%"
    assert typeset({"en": {"a": "Why ?"}, "fr": {"a": ["Quoi ?"], "n": 3}}) == {
        "en": {"a": "Why ?"},
        "fr": {"a": ["Quoi\u202f?"], "n": 3},
    }
