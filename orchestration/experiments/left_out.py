"""Whom an experiment must not draw: exclusion lists in force, holdout, other experiments on some of its days (EX4).

An account holds its persons: what is done to one of them is done in the account, and the arm of an account reaches all
of them. Whoever is taken as an account is taken with its persons, and an account one of whose persons is taken is taken
too, whatever the unit of the other experiment. Golden ids move: who was drawn is found by the id and by the records it
had.
What does NOT belong here: who is eligible (population), arms (assignment).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.experiments.errors import ExperimentError
from orchestration.experiments.kept import HOLDOUT
from orchestration.experiments.protocol import FOLDER, Protocol, list_protocols
from orchestration.experiments.records import Drawn, read_assignment

# Accounts and persons that are named, by golden id or by record, and where persons are held.
_NAMED = """
with accounts as (
  select a.account_id from named_units as n join master.dim_accounts as a on a.account_id = n.name
  union select x.account_id from named_units as n join master.xref_accounts as x on x.record_key = n.name),
persons as (
  select p.person_id from named_units as n join master.dim_persons as p on p.person_id = n.name
  union select x.person_id from named_units as n join master.xref_persons as x on x.record_key = n.name),
places as (
  select person_id, account_id from master.dim_persons union select person_id, account_id from master.fct_leads)
"""
_REACHED = {
    "account": _NAMED
    + """select account_id as unit_id from accounts
union select h.account_id from persons as p join places as h on h.person_id = p.person_id
""",
    "person": _NAMED
    + """select person_id as unit_id from persons
union select h.person_id from accounts as a join places as h on h.account_id = a.account_id
""",
}
_LISTED = """
select account_id from quality_dbt.dq_escalations where is_in_force
union select person_id from quality_dbt.dq_escalations where is_in_force
"""
_HAS_LISTS = """
select 1 from information_schema.tables where table_schema = 'quality_dbt' and table_name = 'dq_escalations'
"""


@dataclass(frozen=True)
class LeftOut:
    """Units of the protocol's kind that must not be drawn, by reason; one may have several."""

    listed: frozenset[str]
    held: frozenset[str]
    elsewhere: frozenset[str]

    def __contains__(self, unit_id: str) -> bool:
        return unit_id in self.listed or unit_id in self.held or unit_id in self.elsewhere

    def counts(self, units: Iterable[str]) -> dict[str, int]:
        """How many of `units` have each reason, each unit once by its first: list, holdout, other experiment."""
        known = frozenset(units)
        listed = known & self.listed
        held = (known & self.held) - listed
        return {
            "n_on_list": len(listed),
            "n_in_holdout": len(held),
            "n_in_other_experiment": len((known & self.elsewhere) - listed - held),
        }


def left_out(con: duckdb.DuckDBPyConnection, company_root: Path, protocol: Protocol) -> LeftOut:
    """Who must not be drawn, from the files of the company and the warehouse of the last run.

    Raises ExperimentError E-XPT-001 for a holdout that cannot be read, E-XPT-009 for a damaged assignment.
    """
    listed = [row[0] for row in con.execute(_LISTED).fetchall()] if con.execute(_HAS_LISTS).fetchall() else []
    elsewhere = [name for drawn in _others(company_root, protocol) for name in _names(drawn)]
    return LeftOut(
        *(_reached(con, protocol, names) for names in (listed, read_holdout(company_root), elsewhere))
    )


def read_holdout(company_root: Path) -> list[str]:
    """Golden ids of experiments/holdout.csv (column unit_id), which no experiment ever draws; none without the file."""
    path = company_root / FOLDER / HOLDOUT
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(";,", key=text.split("\n", 1)[0].count)
    rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    if rows and "unit_id" not in rows[0]:
        raise ExperimentError(
            "E-XPT-001", f"{FOLDER}/{HOLDOUT}", is_usage=True, detail="a column unit_id is expected"
        )
    return [row["unit_id"].strip() for row in rows if row["unit_id"]]


def _others(company_root: Path, protocol: Protocol) -> Iterator[Drawn]:
    """The arms of other experiments that share a day with this one."""
    for other in list_protocols(company_root):
        overlaps = other.start_on < protocol.end_on and protocol.start_on < other.end_on
        if other.code != protocol.code and overlaps:
            drawn = read_assignment(company_root / FOLDER / other.code, other)
            if drawn is not None:
                yield drawn


def _names(drawn: Drawn) -> Iterator[str]:
    """Golden ids and record keys of the units that were drawn."""
    told = drawn.rows.to_pydict()
    yield from told["unit_id"]
    for instance, contract, record in zip(
        told["source_instance"], told["contract"], told["source_record_id"], strict=True
    ):
        if record:
            yield f"{instance}/{contract}/{record}"


def _reached(con: duckdb.DuckDBPyConnection, protocol: Protocol, names: Iterable[str]) -> frozenset[str]:
    """The units of the protocol's kind that are named, or go with who is."""
    told = sorted(set(names) - {"unknown"})
    if not told:
        return frozenset()
    con.register("named_units", pa.table({"name": pa.array(told, pa.string())}))
    try:
        found = con.execute(_REACHED[protocol.unit]).fetchall()
    finally:
        con.unregister("named_units")
    return frozenset(row[0] for row in found if row[0] != "unknown")
