"""From the company's decisions and the records of a run to the tables under work/stewardship/.

What does NOT belong here: the rules (standing.py), the files (files.py).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from orchestration.stewardship.content import content_hashes
from orchestration.stewardship.decisions import ENTITIES
from orchestration.stewardship.exclusions import exclusion_table, read_exclusions
from orchestration.stewardship.files import read_decisions
from orchestration.stewardship.outlier_classes import outlier_table, read_outlier_classes
from orchestration.stewardship.standing import Standing, decision_tables, stand
from orchestration.stewardship.tables import write_decision_tables


def prepare(folder: Path, work: Path, as_of: dt.date) -> Standing:
    """Read the decisions below `folder`, judge them on the records of `work`, write work/stewardship/*.parquet.

    as_of: first day after the cycle. Raises StewardshipError for a file that cannot be read.
    """
    standing = current_standing(folder, work, as_of)
    tables = decision_tables(standing) if standing.decisions else {}
    tables["outlier_classes"] = outlier_table(read_outlier_classes(folder))
    tables["exclusions"] = exclusion_table(read_exclusions(folder))
    write_decision_tables(tables, work / "stewardship")
    return standing


def current_standing(folder: Path, work: Path, as_of: dt.date) -> Standing:
    """The same without writing: what stands now, judged on the records of the last run."""
    decisions = read_decisions(folder)
    keys = {
        entity: {key for each in decisions if each.entity == entity for key in each.record_keys}
        for entity in ENTITIES
    }
    return stand(
        decisions, {entity: content_hashes(work, entity, keys[entity]) for entity in ENTITIES}, as_of
    )
