"""Decisions that cannot all be obeyed: what must be one joins what must be two, directly or over further records.

Nobody knows which of them is wrong, so that none of those on the way is obeyed; decisions beside the way stand.
What does NOT belong here: statuses (see stewardship.standing), numbers and nodes (see resolution). Records are keys or
node numbers, whatever is hashable and has an order; decisions are some hundreds and handled one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: record -> neighbour -> decisions that join them
Joined = Mapping[Any, Mapping[Any, list[str]]]


@dataclass(frozen=True)
class Fight:
    """keys: the two records that are joined and must not be. decision_ids: sorted, the one that parts them included."""

    keys: tuple[Any, Any]
    decision_ids: tuple[str, ...]


def joined_by(must: Iterable[tuple[Any, Any, str]]) -> Joined:
    """Neighbours out of (left, right, decision)."""
    joined: dict[Any, dict[Any, list[str]]] = {}
    for left, right, name in must:
        joined.setdefault(left, {}).setdefault(right, []).append(name)
        joined.setdefault(right, {}).setdefault(left, []).append(name)
    return joined


def fights_with_decisions(joined: Joined, apart: Iterable[tuple[Any, Any, str]]) -> set[Fight]:
    """Pairs of records that one decision keeps apart and others join. apart: (left, right, decision)."""
    component = _components(joined)
    found = set()
    for left, right, name in apart:
        if left in component and component[left] == component.get(right):
            steps = [step for *_, steps in _ways(joined, (left,), (right,)) for step in steps]
            names = {each for step in steps for each in step}
            found.add(Fight(_sorted(left, right), tuple(sorted({name, *names}))))
    return found


def fights_with_parts(joined: Joined, parted: Mapping[str, Mapping[Any, Hashable]]) -> set[Fight]:
    """Parts of one decision that others join. parted: decision -> record -> its part.

    What the decision itself joins within its parts is on no way: a way begins and ends where two parts meet.
    """
    return {
        Fight(fight.keys, tuple(sorted({name, *fight.decision_ids})))
        for name, parts in parted.items()
        for fight in fights_with_numbers(joined, parts)
    }


def fights_with_numbers(joined: Joined, numbers: Mapping[Any, Hashable]) -> set[Fight]:
    """Records of two legal numbers that decisions join. numbers: record -> number, of those that have one."""
    component = _components(joined)
    held: dict[Any, dict[Hashable, list[Any]]] = {}
    for record in sorted(set(numbers) & set(component)):
        held.setdefault(component[record], {}).setdefault(numbers[record], []).append(record)
    found = set()
    for by_number in held.values():
        for number, records in by_number.items():
            others = [each for other, theirs in by_number.items() if other != number for each in theirs]
            for start, end, steps in _ways(joined, records, others):
                names = {each for step in steps for each in step}
                found.add(Fight(_sorted(start, end), tuple(sorted(names))))
    return found


def _sorted(one: Any, other: Any) -> tuple[Any, Any]:
    return (one, other) if one < other else (other, one)


def _components(joined: Joined) -> dict[Any, Any]:
    component: dict[Any, Any] = {}
    for start in sorted(joined):
        if start in component:
            continue
        component[start] = start
        waiting = [start]
        while waiting:
            for other in joined[waiting.pop()]:
                if other not in component:
                    component[other] = start
                    waiting.append(other)
    return component


def _ways(
    joined: Joined, starts: Collection[Any], ends: Collection[Any]
) -> Iterator[tuple[Any, Any, list[list[str]]]]:
    """(start, end, decisions of each step) of the ways between: the shortest is taken out until none is left."""
    ends = set(ends)
    taken: set[tuple[Any, Any]] = set()
    while True:
        before = {start: start for start in starts}
        waiting = deque(sorted(starts))
        end = None
        while waiting and end is None:
            here = waiting.popleft()
            for there in sorted(joined[here]):
                if there not in before and (here, there) not in taken:
                    before[there] = here
                    waiting.append(there)
                    if there in ends:
                        end = there
                        break
        if end is None:
            return
        steps = []
        here = end
        while before[here] != here:
            steps.append(joined[here][before[here]])
            taken |= {(here, before[here]), (before[here], here)}
            here = before[here]
        yield here, end, steps
