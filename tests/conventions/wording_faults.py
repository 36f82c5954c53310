"""Words that claim a cause, searched in every sentence that people read (rule R1 of the audit).

A figure without an experiment is "associated with" another one, "associé à" in French. The lists hold verbs and turns
that say more; a sentence that really tells a cause (what a correction changed, what a randomised test brought) is let
through by its key, with the reason. What does NOT belong here: French typography and equal keys (test_report_wording).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]

# Files whose every text is for people; a dbt file only by its descriptions and the texts of its metrics.
CATALOGUES = (
    "orchestration/**/*.yml",
    "expectations/**/*.yml",
    "ingest/*.yml",
    "dbt_project/models/metrics/*.yml",
    "dbt_project/models/marts/**/*.yml",
    "dbt_project/models/quality/*.yml",
)
TEMPLATES = ("orchestration/**/*.jinja", "orchestration/**/*.html")
PAGES = ("README.md", "docs/*.md")
# Lists of words for machines, no sentences.
NO_SENTENCES = ("orchestration/matching/standardise/vocabulary.yml", "orchestration/explaining/kpis.yml")

_MORE = r"(?:more |fewer |higher |lower |an? |the |its |their )?"
_RESULT = r"(?:conversion|convert|cr\b|win|sale|revenue|deal|meeting|chance|rate|number of|lead|customer)"
ENGLISH = {
    "causes": rf"\bcause[sd]? {_MORE}{_RESULT}|\bcaus(?:ed|ing)\b",
    "impact": r"\bimpact(?:s|ed|ing|ful)?\b",
    "leads to": r"\b(?:leads?|led|leading) to\b(?! be\b)",
    "drives": r"\bdriv(?:e|es|en|ing)\b|\bdrove\b|\bdrivers? of\b",
    "increases": r"\b(?:increas(?:e|es|ed|ing)|boost(?:s|ed|ing)?|improv(?:e|es|ed|ing)|rais(?:es|ed|ing)"
    rf"|lift(?:s|ed|ing)|reduc(?:e|es|ed|ing)|lowers|lowering) {_MORE}{_RESULT}",
    "results in": r"\bresult(?:s|ed|ing)? in\b",
    "thanks to": r"\bthanks to\b|\bbecause of\b|\bdue to\b(?! be\b)",
    "makes ... convert": r"\bmak(?:es?|ing) (?:\w+ ){0,3}(?:convert|buy|win|sell|answer)\b",
    "effect of": r"\beffects? of (?:the |a |each |one more )?"
    r"(?:touch|contact|call|mail|meeting|cadence|first|ttf|speed)",
    "brings": rf"\b(?:brings?|brought|produc(?:e|es|ed)|generat(?:e|es|ed)) {_MORE}(?:conversion|sale|deal|customer)",
}
_SUITE = r"(?:le |la |les |l'|l’|leur |son |sa |ses |un |une |des |plus de |moins de |davantage de )?"
_RESULTAT = (
    r"(?:taux|conversion|convert|cr\b|chance|nombre|vente|chiffre|affaire|rendez-vous|lead|client|signature)"
)
FRENCH = {
    "cause": rf"\bcause(?:nt)? {_SUITE}{_RESULTAT}|\bcaus(?:é|ée|és|ées|ant|er|ait|era)\b",
    "impact": r"\bimpact(?:e|ent|s|é|er|ant)?\b",
    "provoque": r"\bprovoqu(?:e|ent|é|ée|er|ant)\b|\bentra[iî]ne(?:nt|ra|rait)?\b|\bentraînant\b",
    "fait augmenter": r"\b(?:fait|font|faire|fera|ferait|faisant) (?:\w+ )?"
    r"(?:augmenter|baisser|monter|grimper|progresser|convertir|croître|chuter|signer|gagner|acheter)\b",
    "augmente": r"\b(?:augment(?:e|ent|er|ant)|accroît|accroissent|amélior(?:e|ent|er|ant)|boost(?:e|ent|er)"
    rf"|dop(?:e|ent|er)|rédui(?:t|sent|re)|diminu(?:e|ent|er)|élèv(?:e|ent)|favoris(?:e|ent|er)) {_SUITE}{_RESULTAT}",
    "grâce à": r"\bgrâce (?:à|aux?)\b|\ben raison d|\bdue?s? (?:à|aux?)\b|\bà cause d",
    "effet de": r"\b(?:effets?|influence) (?:de |des |du |d'|d’)(?:la |le |l'|l’)?"
    r"(?:contact|relance|appel|e-mail|touche|cadence|délai|premier|vitesse|réactivité)",
    "génère": rf"\b(?:génèr(?:e|ent)|génér(?:er|é)|produi(?:t|sent)|rapport(?:e|ent)|amèn(?:e|ent)) {_SUITE}"
    r"(?:conversion|vente|affaire|client|signature)",
}
FORBIDDEN = {
    language: {name: re.compile(pattern, re.IGNORECASE) for name, pattern in words.items()}
    for language, words in (("en", ENGLISH), ("fr", FRENCH))
}
# the command recomputes figures without a decision: a counterfactual, and its name stays
_COMMANDS = re.compile(r"etalon impact|orchestration/impact|quality/impact|impacts?\.parquet")


@dataclass(frozen=True)
class Sentence:
    """A text of one file. key: where it stands, dotted; line numbers for templates."""

    path: str
    key: str
    text: str


def sentences(root: Path = ROOT) -> Iterator[Sentence]:
    """Every text that people read, of catalogues, definitions, templates and pages of the documentation."""
    for pattern in CATALOGUES:
        for path in sorted(root.glob(pattern)):
            told = path.relative_to(root).as_posix()
            if told not in NO_SENTENCES:
                # a label like n or no stays text
                document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
                yield from (Sentence(told, key, text) for key, text in _texts(document, ""))
    for pattern in TEMPLATES:
        for path in sorted(root.glob(pattern)):
            for number, line in enumerate(_visible(path.read_text(encoding="utf-8")), 1):
                if line.strip():
                    yield Sentence(path.relative_to(root).as_posix(), f"line {number}", line)
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if line.strip():
                    yield Sentence(path.relative_to(root).as_posix(), f"line {number}", line)


def _texts(node: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        named = f"{key}.{node['name']}" if isinstance(node.get("name"), str) else key
        for name, value in node.items():
            told = f"{named}.{name}".strip(".")
            # a catalogue of translations has the sentence itself as its key
            if isinstance(name, str) and " " in name:
                yield told, name
            yield from _texts(value, told)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, key)
    elif isinstance(node, str) and " " in node:
        yield key, node


def _visible(template: str) -> list[str]:
    """Lines of a template without its tags, its expressions and its styles: the same number of lines."""
    for hidden in (r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}", r"<style.*?</style>", r"<[^>]*>"):
        template = re.sub(hidden, lambda m: "\n" * m.group().count("\n"), template, flags=re.DOTALL)
    return template.splitlines()


def claims(text: str) -> list[str]:
    """Names of the forbidden turns that stand in a text, of both languages; a command's own name is no claim."""
    text = _COMMANDS.sub("", text)
    return [name for words in FORBIDDEN.values() for name, pattern in words.items() if pattern.search(text)]
