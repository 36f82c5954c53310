"""The checks that a contract implies without a word in the mapping: its references and the order of its dates.

What does NOT belong here: checks declared by a mapping (check_model.py), deliveries (controls_deliveries.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ingest.check_model import CheckReference, CheckSpec
from ingest.contract import Contract

# Largest share of failing rows that passes. A reference in a CRM outlives the record it names, a date is typed by
# hand: one in a hundred is the noise of any source. A mapping that declares the same check sets its own.
TOLERANCE = 0.01


def implied_checks(contract: Contract, declared: Sequence[CheckSpec]) -> list[CheckSpec]:
    """Orphan and order checks of a contract. Those that a mapping declares for the same columns replace them."""
    orphans = {(check.column) for check in declared if check.type == "orphan"}
    orders = {(check.earlier, check.later) for check in declared if check.type == "order"}
    checks = [
        CheckSpec(
            name=f"orphan_{contract.name}_{column}",
            type="orphan",
            table=contract.name,
            column=column,
            references=CheckReference(contract=target),
            max_failed=TOLERANCE,
        )
        for column, target in contract.references
        if column not in orphans
    ]
    return checks + [
        CheckSpec(
            name=f"order_{contract.name}_{earlier}_{later}",
            type="order",
            table=contract.name,
            earlier=earlier,
            later=later,
            max_failed=TOLERANCE,
        )
        for earlier, later in contract.order
        if (earlier, later) not in orders
    ]


def filled_columns(tables: Collection[object]) -> frozenset[str]:
    """Columns that at least one of the tables (mapping_model.TableSpec) of a contract fills."""
    return frozenset(name for table in tables for name in table.columns)  # type: ignore[attr-defined]
