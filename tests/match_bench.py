"""Records for the matching step, written and matched in one folder.

What does NOT belong here: what is expected of a match (see the tests).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.matching import match
from orchestration.publication.registry import promote_registry, registry_path
from orchestration.stewardship.tables import SCHEMAS

SIREN_A, SIREN_B, SIREN_C = "732829320", "552100554", "542065479"
DAY = dt.date(2026, 1, 1)

ACCOUNT = pa.schema(
    [(name, pa.string()) for name in (
        "record_key", "contract", "source_instance", "source_record_id", "name", "name_key",
        "registration_number", "vat_number", "domain", "accountancy_code", "country_code", "postal_code",
        "city", "phone", "must_link_key", "parent_record_key")]
    + [("employee_count", pa.int32()), ("first_seen_on", pa.date32())]
)  # fmt: skip
PERSON = pa.schema(
    [(name, pa.string()) for name in (
        "record_key", "contract", "source_instance", "source_record_id", "name_key", "given_name", "family_name",
        "company_name", "company_name_key", "email", "phone", "mobile", "account_record_key", "must_link_key"
    )] + [("is_generic_email", pa.bool_()), ("first_seen_on", pa.date32())]
)  # fmt: skip


def account(key: str, **values: object) -> dict:
    return {
        "record_key": key,
        "contract": "crm_account",
        "source_instance": "crm",
        "first_seen_on": DAY,
    } | values


def person(key: str, **values: object) -> dict:
    words = (values.get("name_key") or "").split()
    if len(words) == 2:
        values = dict(zip(("given_name", "family_name"), words, strict=True)) | values
    return {
        "record_key": key,
        "contract": "crm_lead",
        "is_generic_email": False,
        "first_seen_on": DAY,
    } | values


class Bench:
    """One folder with exchange files; `run` returns ids per record and the edges."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry: Path | None = None

    def run(
        self,
        accounts: list[dict] = (),
        persons: list[dict] = (),
        cycle: str = "2026-01",
        decisions: list[dict] = (),
        threads: int = 2,
    ):
        for name, rows, schema in (("a", accounts, ACCOUNT), ("p", persons, PERSON)):
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), self.folder / f"{name}.parquet")
        out = self.folder / "out"
        decided = self.folder / "constraints.parquet"
        pq.write_table(pa.Table.from_pylist(list(decisions), schema=SCHEMAS["constraints"]), decided)
        report = match(
            self.folder / "a.parquet", self.folder / "p.parquet", self.registry, cycle, out,
            constraints=decided, threads=threads,
        )  # fmt: skip
        accounts_of = dict(
            zip(*pq.read_table(out / "account_members.parquet").to_pydict().values(), strict=True)
        )
        persons_of = dict(
            zip(*pq.read_table(out / "person_members.parquet").to_pydict().values(), strict=True)
        )
        return accounts_of | persons_of, pq.read_table(out / "edges.parquet").to_pylist(), report

    def items(self) -> list[dict]:
        """Questions for a steward of the last run."""
        return pq.read_table(self.folder / "out" / "review_items.parquet").to_pylist()

    def remember(self, cycle: str = "2026-01") -> None:
        """Make the last result the published registry."""
        promote_registry(self.folder / "out", self.folder / "published", cycle)
        self.registry = registry_path(self.folder / "published")


def decision(kind: str, left: str, right: str, number: int = 1, entity: str = "account") -> dict:
    """One row of constraints: kind must or cannot."""
    return {
        "entity": entity, "kind": kind, "left_record_key": left, "right_record_key": right,
        "decision_id": f"dec_{number}",
    }  # fmt: skip
