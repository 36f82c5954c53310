"""The row ledger, terms A to C: bytes, lines and records of every delivery, with their balance.

A lines_bytes = file_bytes (those of the text inside a compressed file); B physical = header + blank + record +
quarantined + repaired; C records_in = kept + quarantined + excluded + exact_duplicate + superseded + suppressed, per
contract. The terms are integers; an imbalance of one is a fault.
What does NOT belong here: terms D to H (entities, facts, money, journal, chain).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.deliveries import Delivery
from ingest.dispositions import COUNT_COLUMNS, union_query

LINE_TERMS = ("header_lines", "blank_lines", "record_lines", "quarantined_lines", "repaired_lines")
RECORD_TERMS = ("kept", "quarantined", "excluded", "exact_duplicate", "superseded", "suppressed")


@dataclass(frozen=True)
class Term:
    """One ledger value. contract is None at file level."""

    source_instance: str
    delivery_id: str
    contract: str | None
    term: str
    name: str
    value: int


@dataclass(frozen=True)
class Imbalance:
    """Two sides of one identity that differ."""

    delivery_id: str
    contract: str | None
    term: str
    left: int
    right: int


def ledger_terms(
    connection: duckdb.DuckDBPyConnection, work: Path, deliveries: list[Delivery], contracts: list[str]
) -> list[Term]:
    """Terms A and B from the delivery records, C from the counts of the dispositions."""
    terms = []
    for delivery in deliveries:
        held = delivery.file_bytes if delivery.text_bytes is None else delivery.text_bytes
        values = [
            ("A", "file_bytes", held),
            ("A", "lines_bytes", delivery.n_bytes_read),
            ("B", "physical_lines", delivery.n_physical_lines),
            ("B", "header_lines", delivery.n_header_lines),
            ("B", "blank_lines", delivery.n_blank_lines),
            ("B", "record_lines", delivery.n_record_lines),
            ("B", "quarantined_lines", delivery.n_quarantined_lines),
            ("B", "repaired_lines", delivery.n_repaired_lines),
        ]
        terms += [Term(delivery.source_instance, delivery.delivery_id, None, t, n, v) for t, n, v in values]
    files = [work / "collect" / "parts" / f"{name}.counts.parquet" for name in sorted(contracts)]
    counted = connection.execute(union_query(files, COUNT_COLUMNS)).fetchall()
    found = {(row[2], row[0], row[3]): row[4] for row in counted}
    for delivery in deliveries:
        for contract in sorted(delivery.tables):
            for name in ("records_in", *RECORD_TERMS):
                value = found.get((delivery.delivery_id, contract, name), 0)
                terms.append(Term(delivery.source_instance, delivery.delivery_id, contract, "C", name, value))
    return terms


def imbalances(terms: list[Term], deliveries: list[Delivery]) -> list[Imbalance]:
    """Identities A to C that do not hold, and raw files whose rows differ from what landing wrote."""
    values: dict[tuple[str, str | None, str], dict[str, int]] = {}
    for term in terms:
        values.setdefault((term.delivery_id, term.contract, term.term), {})[term.name] = term.value
    found = []
    for (delivery_id, contract, letter), items in values.items():
        if letter == "A":
            left, right = items["file_bytes"], items["lines_bytes"]
        elif letter == "B":
            left = items["physical_lines"]
            right = sum(items[name] for name in LINE_TERMS)
        else:
            left, right = items["records_in"], sum(items[name] for name in RECORD_TERMS)
        if left != right:
            found.append(Imbalance(delivery_id, contract, letter, left, right))
    for delivery in deliveries:
        for contract, landed in delivery.tables.items():
            counted = values.get((delivery.delivery_id, contract, "C"), {}).get("records_in", 0)
            if counted != landed:
                found.append(Imbalance(delivery.delivery_id, contract, "C", landed, counted))
    return found
