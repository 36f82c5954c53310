"""The default thresholds of the method as dbt has them, read for tests."""

from __future__ import annotations

from expectations.catalogue import read_document
from expectations.thresholds import Threshold, ended
from orchestration.project import DBT_PROJECT


def shipped_thresholds() -> tuple[Threshold, ...]:
    """The defaults of the method: var threshold_defaults of dbt_project.yml."""
    path = DBT_PROJECT / "dbt_project.yml"
    content, _ = read_document(path)
    return ended(content["vars"]["threshold_defaults"], path.name)
