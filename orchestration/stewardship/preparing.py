"""From the company's decisions and the records of a run to the tables under work/stewardship/.

What does NOT belong here: the rules (standing.py), the files (files.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from orchestration.stewardship.content import content_hashes
from orchestration.stewardship.decisions import ENTITIES, Decision
from orchestration.stewardship.exclusions import exclusion_table, known_at, read_exclusions
from orchestration.stewardship.files import read_decisions
from orchestration.stewardship.outlier_classes import outlier_table, read_outlier_classes
from orchestration.stewardship.standing import Standing, decision_tables, stand
from orchestration.stewardship.tables import write_decision_tables


def prepare(folder: Path, work: Path, as_of: dt.date) -> Standing:
    """Read the decisions below `folder`, judge them on the records of `work`, write work/stewardship/*.parquet.

    as_of: first day after the cycle. Raises StewardshipError for a file that cannot be read.
    """
    decisions = of_the_cycle(read_decisions(folder), as_of)
    keys = {
        entity: {key for each in decisions if each.entity == entity for key in each.record_keys}
        for entity in ENTITIES
    }
    standing = stand(
        decisions, {entity: content_hashes(work, entity, keys[entity]) for entity in ENTITIES}, as_of
    )
    tables = decision_tables(standing) if standing.decisions else {}
    tables["outlier_classes"] = outlier_table(read_outlier_classes(folder))
    tables["exclusions"] = exclusion_table(known_at(read_exclusions(folder), as_of))
    write_decision_tables(tables, work / "stewardship")
    return standing


def of_the_cycle(decisions: Sequence[Decision], end: dt.date) -> tuple[Decision, ...]:
    """Decisions without the links between companies that were decided on `end` or later and begin no sooner.

    All other decisions say what was always so: whenever they are taken, they correct the cycles run after them. A link
    that begins later is no fact of the cycle, which stays as it was published.
    """
    later = {
        each.decision_id
        for each in decisions
        if each.kind == "group_link"
        and each.decided_at.date() >= end
        and each.valid_from is not None
        and each.valid_from >= end
    }
    return tuple(each for each in decisions if each.decision_id not in later and each.undone_id not in later)
