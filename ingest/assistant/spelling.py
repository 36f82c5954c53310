"""How vendors spell column names and closed lists: normalised names, the shipped mappings and two YAML of synonyms.

What does NOT belong here: deciding a match (contract_match.py).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import yaml

from ingest.contract import load_contracts
from ingest.mapping import MAPPINGS
from ingest.strict_yaml import read_yaml

HERE = Path(__file__).parent


@functools.lru_cache(maxsize=50_000)
def normalised(text: str) -> str:
    """`text` without case, accents, punctuation and the suffix of custom fields: 'N° TVA' -> 'ntva'."""
    text = re.sub(r"__c$|_c$", "", text.strip())
    bare = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("ß", "ss"))
    return "".join(c for c in bare if c.isalnum() and not unicodedata.combining(c) and c not in "ºª")


@functools.cache
def _shipped() -> dict[str, dict]:
    """Vendor -> parsed shipped mapping."""
    return {path.stem: read_yaml(path) for path in sorted(MAPPINGS.glob("*.yml"))}


@functools.cache
def _words(name: str) -> dict[str, dict[str, list[str]]]:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


@functools.cache
def header_names(contract: str) -> dict[str, dict[str, str]]:
    """Column of a contract -> normalised header -> where that spelling is known from."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    columns = {*load_contracts()[contract].names, "is_deleted"}
    for name in columns:
        found[name][normalised(name)] = "contract"
    words = _words("header_names.yml")
    for group in ("every_contract", contract):
        for column, spellings in words.get(group, {}).items():
            if column in columns:
                for spelling in spellings:
                    found[column].setdefault(normalised(spelling), "header_names")
    for vendor, mapping in _shipped().items():
        for table_name, table in mapping["tables"].items():
            if (table.get("contract") or table_name) != contract:
                continue
            for column, spec in table["columns"].items():
                source = spec if isinstance(spec, str) else spec.get("source")
                if source and column in found and not re.fullmatch(r"(column_?|c)\d+", source):
                    found[column].setdefault(normalised(source), vendor)
    return dict(found)


@functools.cache
def known_headers() -> frozenset[str]:
    """Every normalised header of every contract."""
    return frozenset(
        spelling
        for contract in load_contracts()
        for names in header_names(contract).values()
        for spelling in names
    )


@functools.cache
def accented_words() -> frozenset[str]:
    """Words of four letters and more, with an accent, of the known names and values; case folded."""
    texts = [n for g in _words("header_names.yml").values() for names in g.values() for n in names]
    texts += [n for g in _words("value_names.yml").values() for names in g.values() for n in names]
    words = (word.casefold() for text in texts for word in re.findall(r"[^\W\d_]{4,}", text))
    return frozenset(word for word in words if not word.isascii())


@functools.cache
def value_names(contract: str, column: str) -> dict[str, str]:
    """Normalised source value -> value of the closed list of a contract column; contradictory ones left out."""
    values = load_contracts()[contract].column(column).values
    found: dict[str, set[str]] = defaultdict(set)
    for value in values:
        found[normalised(value)].add(value)
    for value, spellings in _words("value_names.yml").get(f"{contract}.{column}", {}).items():
        for spelling in spellings:
            found[normalised(spelling)].add(value)
    for mapping in _shipped().values():
        for table_name, table in mapping["tables"].items():
            spec = table["columns"].get(column) if (table.get("contract") or table_name) == contract else None
            if isinstance(spec, dict) and "source" in spec:
                for text, value in (spec.get("map") or {}).items():
                    found[normalised(str(text))].add(str(value))
    return {text: next(iter(to)) for text, to in found.items() if len(to) == 1 and text}


def same_columns(names: list[str], is_named: bool) -> list[str]:
    """Shipped mappings with a file of exactly these columns; without a header, of as many."""
    found = []
    for vendor, mapping in _shipped().items():
        for spec in mapping["files"].values():
            expected, listed = spec.get("expected_columns"), spec.get("header")
            optional = {*spec.get("optional_columns", ())} & {*names}
            is_same = isinstance(expected, list) and {*map(str, expected)} | optional == {*names}
            is_as_wide = isinstance(listed, list) and len(listed) == len(names)
            if is_same if is_named else is_as_wide:
                found.append(vendor)
    return sorted(set(found))
