"""Whom an experiment must not draw: exclusion lists of its days, holdout, other experiments on some of them (EX4).

An account holds its persons: what is done to one of them is done in the account, and the arm of an account reaches all
of them. Whoever is taken as an account is taken with its persons, and an account one of whose persons is taken is taken
too, whatever the unit of the other experiment. Golden ids move: who was drawn is found by the id and by the records it
had; an id that people wrote and that was merged since is the one it was merged into.
Lists are read from the file of people: what was entered after the last run holds too.
What does NOT belong here: who is eligible (population), arms (assignment).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest import Company
from orchestration.experiments.errors import ExperimentError
from orchestration.experiments.kept import HOLDOUT
from orchestration.experiments.protocol import FOLDER, Protocol, list_protocols
from orchestration.experiments.records import Drawn, read_assignment
from orchestration.publication.registry import GOLDEN_IDS, current_ids, registry_path
from orchestration.stewardship.exclusions import read_exclusions, standing

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
# As int_contact_exclusions finds them: a record that is a person's and a company's, as a lead is, is the person's.
_LISTED = """
with persons as (
  select n.name, p.person_id from named_units as n join master.dim_persons as p on p.person_id = n.name
  union select n.name, x.person_id from named_units as n join master.xref_persons as x on x.record_key = n.name),
accounts as (
  select n.name, a.account_id from named_units as n join master.dim_accounts as a on a.account_id = n.name
  union select n.name, x.account_id from named_units as n join master.xref_accounts as x on x.record_key = n.name)
select person_id from persons
union select account_id from accounts anti join persons on persons.name = accounts.name
"""
_KNOWN = """
select n.name from named_units as n
semi join (
  select account_id as name from master.dim_accounts union all select person_id from master.dim_persons
  union all select record_key from master.xref_accounts union all select record_key from master.xref_persons
) as k on k.name = n.name
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


def left_out(con: duckdb.DuckDBPyConnection, company: Company, protocol: Protocol) -> LeftOut:
    """Who must not be drawn, from the files of the company and the warehouse of the last run.

    Raises ExperimentError E-XPT-001 for a holdout that cannot be read or names nobody, E-XPT-009 for a damaged
    assignment; StewardshipError for exclusion lists that cannot be read.
    """
    subjects = [
        entry.subject_key
        for entry in standing(read_exclusions(company.stewardship)).values()
        if entry.valid_from < protocol.end_on
        and (entry.valid_to is None or entry.valid_to > max(protocol.start_on, entry.valid_from))
    ]
    listed = _asked(con, _LISTED, _moved(con, company, subjects).values())
    held = _moved(con, company, read_holdout(company.root))
    if unknown := sorted(name for name, now in held.items() if now is None):
        raise _wrong_holdout(f"nobody is or was {', '.join(repr(name[:60]) for name in unknown[:3])}")
    elsewhere = [name for drawn in _others(company.root, protocol) for name in _names(drawn)]
    return LeftOut(*(_reached(con, protocol, names) for names in (listed, held.values(), elsewhere)))


def read_holdout(company_root: Path) -> list[str]:
    """The ids of experiments/holdout.csv (column unit_id), which no experiment ever draws; none without the file.

    Raises ExperimentError E-XPT-001 for what is no text, or has no such column.
    """
    path = company_root / FOLDER / HOLDOUT
    if not path.is_file():
        return []
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong_holdout(f"byte {error.start} is not UTF-8") from error
    delimiter = max(";,", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if header.count("unit_id") != 1:
            raise _wrong_holdout("a column unit_id is expected")
        place = header.index("unit_id")
        cells = [row[place].strip() for row in reader if len(row) > place]
    except csv.Error as error:
        raise _wrong_holdout(f"line {reader.line_num}: {error}") from error
    return [cell for cell in cells if cell]


def _wrong_holdout(detail: str) -> ExperimentError:
    return ExperimentError("E-XPT-001", f"{FOLDER}/{HOLDOUT}", is_usage=True, detail=detail)


def _moved(con: duckdb.DuckDBPyConnection, company: Company, names: Collection[str]) -> dict[str, str | None]:
    """Each name with the one that holds today: itself, or the id it was merged into; None for what never was.

    An id whose records are all gone stays itself: nobody is left to be drawn. The registry of the last run comes
    before the published one, as the warehouse is of that run.
    """
    found: dict[str, str | None] = {name: name for name in _asked(con, _KNOWN, names)}
    for path in (company.work / "matching" / GOLDEN_IDS, registry_path(company.published)):
        if (rest := sorted(set(names) - set(found))) and path is not None and path.is_file():
            found |= current_ids(path, rest)
    return dict.fromkeys(names) | found


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


def _reached(
    con: duckdb.DuckDBPyConnection, protocol: Protocol, names: Iterable[str | None]
) -> frozenset[str]:
    """The units of the protocol's kind that are named, or go with who is."""
    return _asked(con, _REACHED[protocol.unit], names)


def _asked(con: duckdb.DuckDBPyConnection, query: str, names: Iterable[str | None]) -> frozenset[str]:
    """The ids that a query on named_units finds."""
    told = sorted({name for name in names if name} - {"unknown"})
    if not told:
        return frozenset()
    con.register("named_units", pa.table({"name": pa.array(told, pa.string())}))
    try:
        found = con.execute(query).fetchall()
    finally:
        con.unregister("named_units")
    return frozenset(row[0] for row in found if row[0] != "unknown")
