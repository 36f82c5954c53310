"""The rules of survivorship: rules.csv, a company's own lines over it, and the table that dbt reads.

One line an attribute: criteria and sources in order, best first, separated by `>`, and when a difference goes to
review. A company changes a line by repeating it in stewardship/survivorship.csv.
What does NOT belong here: what a criterion computes (dbt macro survivorship.sql), values of records.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract import load_contracts
from orchestration.matching.errors import MatchingError

DEFAULT_RULES = Path(__file__).with_name("rules.csv")
COLUMNS = ("entity", "attribute", "criteria", "sources", "review_when")
#: What may decide between two values. A criterion that finds them equal leaves the choice to the next one.
CRITERIA = (
    "override",  # a steward set it
    "validity",  # passes its check: checksum of a number, personal mailbox, mobile before landline
    "source_priority",  # order of `sources`
    "agreement",  # given by more sources
    "recency",  # modified later
    "completeness",  # from the record that fills more attributes
    "any_true",  # true when any record says so
)
#: When a difference that no steward settled goes to review.
REVIEWS = (
    "never",
    "different",
    "different_valid",  # both values pass their check; VAT numbers of one country
    "different_same_source",  # two records of the winner's own source
    "other_size_band",  # more than twice as many employees, and another size band
)
#: Flags hold when any source says so. A steward may set the strategic one; nobody but the person takes a refusal back.
_FLAG_CRITERIA = {
    "is_strategic": (("override", "any_true"), ("any_true",)),
    "is_customer": (("any_true",),),
    "is_email_opted_out": (("any_true", "override"), ("any_true",)),
    "is_call_opted_out": (("any_true", "override"), ("any_true",)),
}


@dataclass(frozen=True)
class Rule:
    """How one attribute of a golden record is chosen. criteria, sources (contracts): best first."""

    entity: str
    attribute: str
    criteria: tuple[str, ...]
    sources: tuple[str, ...]
    review_when: str

    @property
    def is_overridable(self) -> bool:
        """True when a steward may set the value."""
        return "override" in self.criteria


RULES_SCHEMA = pa.schema(
    [
        ("entity", pa.string()),
        ("attribute", pa.string()),
        *((f"criterion_{place}", pa.string()) for place in range(1, len(CRITERIA) + 1)),
        ("sources", pa.string()),  # ',best,next,': the place of ',contract,' in it is the contract's rank
        ("is_overridable", pa.bool_()),
        ("review_when", pa.string()),
    ]
)


def load_rules(own: Path | None = None) -> tuple[Rule, ...]:
    """The rules of rules.csv, each replaced by the line that `own` (a company's file) has for the same attribute.

    Raises MatchingError E-MAT-040 (no such table), 041 (attribute), 042 (criteria), 043 (source), 044 (review_when).
    """
    rules = {(rule.entity, rule.attribute): rule for rule in _read(DEFAULT_RULES)}
    if own is None or not own.is_file():
        return tuple(rules.values())
    replaced: set[tuple[str, str]] = set()
    for line, rule in enumerate(_read(own), start=2):
        key = (rule.entity, rule.attribute)
        if key not in rules:
            known = ", ".join(sorted(attribute for entity, attribute in rules if entity == rule.entity))
            raise _refused("E-MAT-041", own, line, attribute=" ".join(key), known=known or "account, person")
        if key in replaced:
            raise _refused(
                "E-MAT-041", own, line, attribute=f"{' '.join(key)} (again)", known="one line each"
            )
        replaced.add(key)
        rules[key] = rule
    return tuple(rules.values())


def write_rules(own: Path | None, folder: Path) -> None:
    """Write load_rules(own) as <folder>/survivorship_rules.parquet (RULES_SCHEMA), replaced by rename."""
    rows = _rows(load_rules(own))
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "survivorship_rules.aside"
    pq.write_table(pa.Table.from_pylist(rows, schema=RULES_SCHEMA), aside, compression="lz4")
    aside.replace(folder / "survivorship_rules.parquet")


def own_rules(folder: Path) -> list[str]:
    """The rules below `folder`, as written by write_rules(), that are not those of rules.csv, each as text."""
    path = folder / "survivorship_rules.parquet"
    if not path.is_file():
        return []
    shipped = _rows(load_rules())
    return [json.dumps(row, sort_keys=True) for row in pq.read_table(path).to_pylist() if row not in shipped]


def _rows(rules: Iterable[Rule]) -> list[dict[str, object]]:
    """Rows of RULES_SCHEMA."""
    places = range(1, len(CRITERIA) + 1)
    return [
        {
            "entity": rule.entity,
            "attribute": rule.attribute,
            **dict.fromkeys((f"criterion_{place}" for place in places), None),
            **{f"criterion_{place}": each for place, each in enumerate(rule.criteria, start=1)},
            "sources": f",{','.join(rule.sources)},",
            "is_overridable": rule.is_overridable,
            "review_when": rule.review_when,
        }
        for rule in rules
    ]


def _read(path: Path) -> Iterator[Rule]:
    """One rule a line. Excel writes a byte order mark and, in French, semicolons."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("E-MAT-040", path, 1, detail="not UTF-8") from error
    lines = text.splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    rows = csv.DictReader(lines, delimiter=delimiter)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise _refused("E-MAT-040", path, 1, detail=", ".join(rows.fieldnames or ()) or "empty")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise _refused("E-MAT-040", path, line, detail="another number of cells than the header")
        yield _rule({name: value.strip() for name, value in row.items()}, path, line)


def _rule(row: dict[str, str], path: Path, line: int) -> Rule:
    criteria, sources = _ordered(row["criteria"]), _ordered(row["sources"])
    said = {"attribute": f"{row['entity']} {row['attribute']}"}
    wrong = [each for each in criteria if each not in CRITERIA]
    if wrong or not criteria or len(set(criteria)) < len(criteria):
        problem = ", ".join(wrong) or row["criteria"] or "nothing"
        raise _refused("E-MAT-042", path, line, problem=problem, known=", ".join(CRITERIA), **said)
    allowed = _FLAG_CRITERIA.get(row["attribute"])
    if (allowed is not None) != ("any_true" in criteria) or (allowed and criteria not in allowed):
        known = " / ".join(" > ".join(each) for each in allowed or (CRITERIA[:-1],))
        raise _refused("E-MAT-042", path, line, problem=row["criteria"], known=known, **said)
    contracts = load_contracts()
    wrong = [each for each in sources if each not in contracts]
    if wrong or len(set(sources)) < len(sources):
        problem = ", ".join(wrong) or row["sources"]
        raise _refused("E-MAT-043", path, line, problem=problem, known=", ".join(sorted(contracts)), **said)
    if row["review_when"] not in REVIEWS:
        known = ", ".join(REVIEWS)
        raise _refused("E-MAT-044", path, line, problem=row["review_when"] or "nothing", known=known, **said)
    return Rule(row["entity"], row["attribute"], criteria, sources, row["review_when"])


def _ordered(cell: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in cell.split(">") if each.strip())


def _refused(code: str, path: Path, line: int, **params: str) -> MatchingError:
    return MatchingError(code, f"{path.name}:{line}", is_usage=True, **params)
