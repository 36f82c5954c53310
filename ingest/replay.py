"""Repaired lines taken back: a file of lines that a person edited is checked, recorded and read again.

Recorded repairs are data under decisions/repairs/, one file a delivery; collect applies them at every run.
What does NOT belong here: how a repair is read (repairs.py), listing and showing (quarantine.py), printing.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ingest.collecting import CollectReport, Progress, collect, load_mappings
from ingest.company import Company
from ingest.decisions import write_decisions
from ingest.deliveries import Delivery, DeliveryStore
from ingest.errors import RefusedFile
from ingest.inert_text import meant_line
from ingest.landing import Landing
from ingest.lookup_choice import chosen_lookups
from ingest.mapping import Mapping
from ingest.private_files import private_files
from ingest.quarantine import (
    KEY,
    Wanted,
    columns_of,
    rows_outside,
    separator_of,
    spec_of,
    whole_lines,
    why_not_repairable,
)
from ingest.reasons import codes_of
from ingest.repairs import FOLDER, Repair, Repairs, cells_of, load_repairs, require_agreement, text_sha256
from ingest.sql import connect, literal

_KEYED = re.compile(r'"?(?P<source>[a-z][a-z0-9_]*):(?P<delivery>[0-9a-f]{12}):(?P<line>[1-9][0-9]*)"?')
_HEADER = re.compile(rf'"?{KEY}\b')

State = Literal["new", "unchanged", "recorded", "not_needed", "invalid"]


@dataclass(frozen=True)
class Checked:
    """One line of a repair file. new: to be recorded; unchanged: as it was quarantined; recorded: the same repair
    stands in decisions/; not_needed: the line is not quarantined (any more); invalid: why says what is wrong.
    """

    source_instance: str
    delivery_id: str
    file_path: str
    line: int
    state: State
    why: str = ""
    repair: Repair | None = None


@dataclass(frozen=True)
class ReplayReport:
    """What a replay did. recovered, still_outside, newly_outside: (kind, reason code) -> rows, over all deliveries;
    files: written under decisions/ -> new repairs.
    """

    checked: tuple[Checked, ...] = ()
    files: dict[Path, int] = field(default_factory=dict)
    landed: tuple[str, ...] = ()
    recovered: dict[tuple[str, str], int] = field(default_factory=dict)
    still_outside: dict[tuple[str, str], int] = field(default_factory=dict)
    newly_outside: dict[tuple[str, str], int] = field(default_factory=dict)
    not_applied: tuple[dict[str, str], ...] = ()

    def count(self, state: State) -> int:
        """Lines of the repair file in a state."""
        return sum(each.state == state for each in self.checked)


@dataclass
class _Entry:
    source: str
    delivery: str
    line: int
    text: str


def check_repairs(
    company: Company, file: Path, author: str, reason: str, decided_on: dt.date
) -> tuple[Checked, ...]:
    """Hold every line of a repair file against its mapping; nothing is written.

    Raises RefusedFile E-ING-171 and E-ING-172, and ConfigurationError E-ING-170 for a line that has another repair.
    """
    mappings = load_mappings(company)
    store = DeliveryStore(company.work)
    known = store.load()
    recorded = load_repairs(company.decisions)
    checked: list[Checked] = []
    entries: dict[str, list[_Entry]] = {}
    for entry in _entries(file, known, company):
        entries.setdefault(entry.delivery, []).append(entry)
    for delivery_id, own in entries.items():
        delivery = known[delivery_id]
        checked += _check_delivery(company, delivery, own, recorded, (author, reason, decided_on.isoformat()))
    return tuple(_with_conversion(company, checked, known, mappings, recorded, store))


def replay(
    company: Company, checked: tuple[Checked, ...] = (), *, progress: Progress | None = None
) -> ReplayReport:
    """Record the new repairs of `checked`, then read again whatever a repair or a mapping changed.

    Raises RefusedFile E-ING-173, with nothing recorded, when a line of them is invalid.
    """
    invalid = [each for each in checked if each.state == "invalid"]
    if invalid:
        detail = "; ".join(
            f"{each.source_instance}:{each.delivery_id}:{each.line} {each.why}" for each in invalid[:10]
        )
        raise RefusedFile("E-ING-173", invalid[0].file_path, count=len(invalid), detail=detail)
    files = _record(company, [each.repair for each in checked if each.state == "new" and each.repair])
    before = _outside(company)
    report = collect(company, progress=progress)
    after = _outside(company)
    return ReplayReport(
        checked, files, report.landed, _by_reason(before, set(before) - set(after)),
        _by_reason(after, set(before) & set(after)), _by_reason(after, set(after) - set(before)),
        _not_applied(report),
    )  # fmt: skip


def _entries(file: Path, known: dict[str, Delivery], company: Company) -> list[_Entry]:
    """Lines of a repair file: behind a key up to the next key. Raises RefusedFile E-ING-172."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedFile("E-ING-172", file.name, detail=f"it is no UTF-8 ({error.reason})") from None
    found: list[_Entry] = []
    marks: dict[str, str] = {}
    is_open = False
    for number, line in enumerate(text.replace("\r\n", "\n").removesuffix("\n").split("\n"), start=1):
        match = _KEYED.match(line)
        if _HEADER.match(line):
            is_open = False
        elif match:
            delivery = known.get(match["delivery"])
            if delivery is None or delivery.source_instance != match["source"]:
                raise RefusedFile(
                    "E-ING-172", file.name, detail=f"line {number} names the unknown delivery {match[0]}"
                )
            if delivery.delivery_id not in marks:
                marks[delivery.delivery_id] = separator_of(spec_of(company, delivery))
            mark = marks[delivery.delivery_id]
            rest = line[match.end() :]
            if not rest.startswith(mark):
                raise RefusedFile(
                    "E-ING-172", file.name, detail=f"no {mark!r} behind the key of line {number}"
                )
            found.append(_Entry(match["source"], match["delivery"], int(match["line"]), rest[len(mark) :]))
            is_open = True
        elif is_open:
            found[-1].text += f"\n{line}"
        elif line.strip():
            raise RefusedFile("E-ING-172", file.name, detail=f"line {number} has no key")
    if not found:
        raise RefusedFile("E-ING-172", file.name, detail="it holds no key")
    for entry in found:
        entry.text = meant_line(entry.text.rstrip("\n"))  # blank lines that an editor leaves between two keys
    return found


def _check_delivery(
    company: Company, delivery: Delivery, entries: list[_Entry], recorded: Repairs, said: tuple[str, str, str]
) -> list[Checked]:
    spec = spec_of(company, delivery)
    why_not = why_not_repairable(spec)
    if why_not:
        place = f"{delivery.source_instance}: {delivery.file_path}"
        raise RefusedFile("E-ING-171", place, detail=why_not)
    rows = rows_outside(company.work, Wanted(delivery.source_instance, delivery.delivery_id))
    waiting = {row.line for row in rows if row.kind == "line"}
    raw = whole_lines(company, delivery, spec, [entry.line for entry in entries])
    n_columns = len(columns_of(company, delivery, spec))
    repairs = {
        repair.line: repair for repair in recorded.get((delivery.source_instance, delivery.file_sha256), ())
    }
    checked: list[Checked] = []
    made: dict[int, Repair] = {}
    for entry in entries:
        place = (delivery.source_instance, delivery.delivery_id, delivery.file_path, entry.line)
        before = raw.get(entry.line)
        if before is None:
            checked.append(Checked(*place, "invalid", "the file has no such line"))
            continue
        if entry.text == before:
            checked.append(Checked(*place, "unchanged" if entry.line in waiting else "not_needed"))
            continue
        made_now = Repair(
            delivery.source_instance, delivery.file_path, delivery.file_sha256, entry.line, text_sha256(before),
            entry.text, *said,
        )  # fmt: skip
        known = repairs.get(entry.line) or made.get(entry.line)
        if known is not None:
            require_agreement(known, made_now)
            checked.append(Checked(*place, "recorded"))
        elif entry.line not in waiting:
            checked.append(Checked(*place, "not_needed"))
        else:
            cells = cells_of(entry.text, spec, n_columns, delivery.file_path)
            why = cells if isinstance(cells, str) else ""
            made[entry.line] = made_now
            checked.append(Checked(*place, "invalid" if why else "new", why, made_now))
    return checked


def _with_conversion(
    company: Company, checked: list[Checked], known: dict[str, Delivery], mappings: dict[str, Mapping],
    recorded: Repairs, store: DeliveryStore,
) -> list[Checked]:  # fmt: skip
    """`checked` with those invalid whose record the conversion would set aside: the file is read with them."""
    made_of: dict[str, list[Repair]] = {}
    for each in checked:
        if each.repair and each.state == "new":
            made_of.setdefault(each.delivery_id, []).append(each.repair)
    if not made_of:
        return checked
    found: dict[tuple[str, int], str] = {}
    conversions: dict[Any, Any] = {}  # views on the one connection, named by their number
    with private_files(company.work):
        connection = connect(company.work)
        try:
            for delivery_id, made in made_of.items():
                delivery = known[delivery_id]
                key = (delivery.source_instance, delivery.file_sha256)
                book = {**recorded, key: (*recorded.get(key, ()), *made)}
                mapping = mappings[delivery.source_instance]
                lookups, _ = chosen_lookups(delivery, mapping, known, known)
                landing = Landing(
                    connection, store, mapping, delivery, lookups, conversions=conversions, repairs=book
                )
                for line, reason in _set_aside(landing, {repair.line for repair in made}).items():
                    found[(delivery_id, line)] = reason
        finally:
            connection.close()
    return [
        replace(each, state="invalid", why=found[(each.delivery_id, each.line)])
        if each.state == "new" and (each.delivery_id, each.line) in found
        else each
        for each in checked
    ]


def _set_aside(landing: Landing, lines: set[int]) -> dict[int, str]:
    """Reason code of the records at `lines` that the conversion sets aside, or `not_read` where none begins."""
    landing.scratch.mkdir(parents=True, exist_ok=True)
    prepared, streams = landing.prepared(), {}
    try:
        lookups = landing.lookup_tables()
        streams = landing.opened(prepared, strictly=True)
        read = {line.line for records in streams.values() for line in records.repaired}
        found = dict.fromkeys(lines - read, "not_read")
        numbers = ", ".join(str(line) for line in sorted(lines))
        codes = ", ".join(literal(code) for code in [*codes_of("quarantined"), "repeated_header"])
        for query in landing.queries(landing.records(streams), streams, lookups).values():
            rows = landing.connection.execute(
                f"SELECT DISTINCT _source_row_id, _set_aside FROM ({query}) "
                f"WHERE _source_row_id IN ({numbers}) AND _set_aside IN ({codes})"
            ).fetchall()
            found |= dict(rows)
        return found
    finally:
        landing.close(streams)
        prepared.close()
        shutil.rmtree(landing.scratch, ignore_errors=True)


def _record(company: Company, repairs: list[Repair]) -> dict[Path, int]:
    """Write repairs under decisions/repairs/, beside those that stand there."""
    written = {}
    recorded = load_repairs(company.decisions)
    by_file: dict[tuple[str, str], list[Repair]] = {}
    for repair in repairs:
        by_file.setdefault((repair.source_instance, repair.file_sha256), []).append(repair)
    for key, new in by_file.items():
        path = company.decisions / FOLDER / f"{key[0]}-{key[1][:12]}.yml"
        name = path.relative_to(company.decisions).as_posix()
        listed = [repair for repair in recorded.get(key, ()) if repair.stated_in == name] + new
        content: dict[str, Any] = {
            "version": 1,
            "source": key[0],
            "file": new[0].file_path,
            "file_sha256": key[1],
            "repairs": [
                {
                    "line": repair.line,
                    "raw_sha256": repair.raw_sha256,
                    "repaired": repair.repaired,
                    "author": repair.author,
                    "reason": repair.reason,
                    "decided_on": dt.date.fromisoformat(repair.decided_on),
                }
                for repair in sorted(listed, key=lambda repair: repair.line)
            ],
        }
        write_decisions(path, content)
        written[path] = len(new)
    return written


Place = tuple[str, str, str, int, str | None]


def _outside(company: Company) -> dict[Place, str]:
    """Every row that did not get in -> its reason code; none before the first collect."""
    try:
        rows = rows_outside(company.work, Wanted())
    except FileNotFoundError:
        return {}
    return {
        (row.kind, row.source_instance, row.delivery_id, row.line, row.contract): row.reason_code
        for row in rows
    }


def _by_reason(rows: dict[Place, str], places: Iterable[Place]) -> dict[tuple[str, str], int]:
    return dict(sorted(Counter((place[0], rows[place]) for place in places).items()))


def _not_applied(report: CollectReport) -> tuple[dict[str, str], ...]:
    return tuple(each for each in report.warnings if each["control"] == "repair_not_applied")
