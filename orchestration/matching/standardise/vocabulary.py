"""The word lists of standardisation, read once: vocabulary.yml beside this file and the reference seeds of dbt.

What does NOT belong here: SQL.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.project import ROOT

_SEEDS = ROOT / "dbt_project" / "seeds" / "reference"


@cache
def vocabulary() -> dict[str, Any]:
    """vocabulary.yml: section -> list or map of plain words."""
    return yaml.safe_load(Path(__file__).with_name("vocabulary.yml").read_text(encoding="utf-8"))


@cache
def generic_mailboxes() -> frozenset[str]:
    """Local parts that name a function, never a person. Source: the dbt seed generic_mailboxes."""
    return frozenset(row["local_part"] for row in _seed("generic_mailboxes"))


@cache
def mail_domains(kind: str) -> frozenset[str]:
    """Domains of one kind (free_mail, shared_host, test). Source: the dbt seed mail_domains."""
    return frozenset(row["domain"] for row in _seed("mail_domains") if row["kind_code"] == kind)


def _seed(name: str) -> list[dict[str, str]]:
    with (_SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
