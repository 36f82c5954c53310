"""The causes of a change, the order in which they are applied, and the precedence by which a unit gets its one cause.

What does NOT belong here: finding the causes (see attributing), the walk (see walking).
"""

from __future__ import annotations

#: Cause -> step. The population of before is restated first; what the new period brings comes last.
STEPS = {
    "definition_change": 1,
    "currency": 2,
    "cleaning_decision": 3,
    "merge": 4,
    "correction": 5,
    "late_data": 6,
    "new_data": 7,
    "elapsed_time": 8,
    "not_separable": 9,
}
CODES = {step: code for code, step in STEPS.items()}
#: Where the rows are those of the new publication in full.
LAST_STEP = max(STEPS.values())
#: A record that progresses is delivered again with what it progressed by: what is new of a unit comes first.
_OF_RECORDS = ("cleaning_decision", "late_data", "new_data", "correction")


def _ranks() -> dict[tuple[str, str], int]:
    order = [
        ("age_alone", "elapsed_time"),
        ("own_entity", "merge"),
        *(("record", cause) for cause in _OF_RECORDS),
        ("unit", "merge"),
        ("unit", "currency"),
        ("month", "currency"),
        ("entity", "merge"),
        *(("entity", cause) for cause in _OF_RECORDS),
        *(("sibling", cause) for cause in ("merge", *_OF_RECORDS, "currency")),
        ("settings", "definition_change"),
        ("settings", "cleaning_decision"),
        ("clock", "elapsed_time"),
        ("code", "definition_change"),
        ("nothing", "not_separable"),
    ]
    return {each: rank for rank, each in enumerate(order, start=1)}


#: (nearness of the sign to the unit, cause) -> rank; the smallest rank among the signs of a unit is its cause.
RANKS = _ranks()
