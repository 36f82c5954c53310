"""Lands damaged files as any extract is landed, and counts what became of every row and every line.

A batch is one company whose one source holds many files of one shape: `collect` chooses the readers, lands, converges
and writes its tables. The counts are made from the generated rows, the bytes, and the written tables.
What does NOT belong here: making files (streams.py, kinds.py), the page (figures.py).
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from ingest import collect
from ingest.errors import Problem
from tests.faults.damage.kinds import KINDS, Damaged
from tests.faults.damage.streams import COLUMNS, Row, Stream

COMPANY = """version: 1
company: site
reporting_currency: EUR
timezone: UTC
cycle: 2026-06
sources:
  - {instance: site, mapping: mapping.yml, folder: site}
"""
LINE_END = re.compile(rb"\r*\n|\r")
ERROR_CODE = re.compile(r"^E-ING-\d{3}$")


@dataclass
class Outcome:
    """Counts over damaged files. lost, altered: rows that no damage touched; invented: records that no line holds.

    max_lost_in_a_file counts rows touched by a lost line end too. faults: what is wrong, in words, with its seed.
    """

    files: int = 0
    rows: int = 0
    untouched: int = 0
    lost: int = 0
    altered: int = 0
    invented: int = 0
    imbalances: int = 0
    refused: int = 0
    fast: int = 0
    quarantined_lines: int = 0
    touched: int = 0
    touched_kept_equal: int = 0
    touched_kept_other: int = 0
    touched_set_aside: int = 0
    duplicates: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add the counts of another batch."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, list):
                mine.extend(value)
            elif isinstance(mine, Counter):
                mine.update(value)
            else:
                setattr(self, name, mine + value)


@dataclass(frozen=True)
class Case:
    """One damaged file: its rows, its damage and its bytes."""

    name: str
    rows: list[Row]
    damaged: Damaged
    content: bytes


def cases(stream: Stream, kind: str, seeds: range) -> list[Case]:
    """Damaged files of one shape and kind, one for each seed; the same seed gives the same bytes."""
    made = []
    for seed in seeds:
        generator = random.Random(f"{stream.name}/{kind}/{seed}")
        # Keys differ between all files of all kinds: a copy is one only within its file.
        label = f"{list(KINDS).index(kind):02}.{seed:05}"
        rows = stream.rows(generator, generator.randrange(20, 61), label)
        damaged = KINDS[kind](generator, stream, rows)
        made.append(Case(f"{kind}-{seed:05}", rows, damaged, damaged.content(stream, rows)))
    return made


def run_batch(root: Path, stream: Stream, made: list[Case]) -> Outcome:
    """Land the files of `made` in one company under `root` and count."""
    folder = root / "extracts" / "site"
    folder.mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY, encoding="utf-8")
    (root / "mapping.yml").write_text(stream.mapping(), encoding="utf-8")
    for case in made:
        (folder / f"{case.name}.dat").write_bytes(case.content)
        if case.damaged.manifest is not None:
            manifest = folder / f"{case.name}.dat.manifest.json"
            manifest.write_text(json.dumps({"rows": case.damaged.manifest}), encoding="utf-8")
    report = collect(root)
    state = _State(root / "work")
    outcome = Outcome()
    refused = {Path(r.file_path).stem: r.problem for r in report.refusals}
    for case in made:
        _count(case, stream, state, refused.get(case.name), outcome)
    if report.imbalances:
        outcome.faults.append(f"{stream.name}: the report names {len(report.imbalances)} imbalances")
        outcome.imbalances += len(report.imbalances)
    return outcome


class _State:
    """What collect wrote, by delivery."""

    def __init__(self, work: Path) -> None:
        self.deliveries = {
            Path(row["file_path"]).stem: row for row in _rows(work / "collect" / "deliveries.parquet")
        }
        raw: list[dict] = []
        for path in (work / "raw" / "crm_account").glob("site__*.parquet"):
            raw += _rows(path)
        self.raw = _grouped(raw)
        self.lines = _grouped(_rows(work / "collect" / "quarantine_lines.parquet"))
        self.dispositions = _grouped(_rows(work / "collect" / "dispositions.parquet"))
        self.terms = _grouped(_rows(work / "collect" / "ledger_terms.parquet"))


def _rows(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def _grouped(rows: list[dict]) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row["_delivery_id"], []).append(row)
    return groups


@dataclass(frozen=True)
class _Place:
    """Physical lines of a chunk: first line, and how many."""

    first: int
    size: int


def _places(case: Case, stream: Stream) -> tuple[dict[int, list[_Place]], set[int], int]:
    """Places of the sound rows of a file, the lines of nobody, and the number of physical lines."""
    line = 1 + len(LINE_END.findall(stream.head))
    sound: dict[int, list[_Place]] = {}
    others: set[int] = set()
    for chunk in case.damaged.chunks:
        content = case.rows[chunk].raw + stream.end if isinstance(chunk, int) else chunk
        ends = [match.end() for match in LINE_END.finditer(content)]
        size = len(ends) + (0 if ends and ends[-1] == len(content) else 1)
        if isinstance(chunk, int):
            sound.setdefault(chunk, []).append(_Place(line, size))
        else:
            others |= set(range(line, line + size))
        line += size
    return sound, others, line - 1


def _count(case: Case, stream: Stream, state: _State, refusal: Problem | None, outcome: Outcome) -> None:
    where = f"{stream.name}/{case.name}"
    outcome.files += 1
    outcome.rows += len(case.rows)
    untouched = [i for i in range(len(case.rows)) if i not in case.damaged.touched]
    delivery = state.deliveries.get(case.name)
    if delivery is None:
        # A file that is refused says why; its rows are not lost: they are all still to come.
        if refusal and ERROR_CODE.match(refusal.code) and refusal.text("what"):
            outcome.refused += 1
            outcome.codes[refusal.code] += 1
        else:
            outcome.lost += len(untouched)
            outcome.faults.append(f"{where}: neither landed nor refused with a code")
        return
    outcome.untouched += len(untouched)
    outcome.touched += len(case.damaged.touched)
    outcome.fast += delivery["reader"] == "fast"
    key = delivery["_delivery_id"]
    raw, lines = state.raw.get(key, []), state.lines.get(key, [])
    outcome.quarantined_lines += len(lines)
    sound, others, n_lines = _places(case, stream)
    _count_rows(case, stream, sound, others, raw, outcome, where)
    wrong = _recount(case, stream, state, key, sound, others, n_lines)
    outcome.imbalances += len(wrong)
    outcome.faults += [f"{where}: {what}" for what in wrong]
    copies = sum(d["disposition"] == "exact_duplicate" for d in state.dispositions.get(key, []))
    outcome.duplicates += copies
    if (wanted := sum(len(places) - 1 for places in sound.values())) > copies:
        outcome.faults.append(f"{where}: {copies} copies told as such, {wanted} made")


def _values(stream: Stream, row: dict) -> tuple:
    values = [row[COLUMNS[name]] for name in stream.columns]
    return tuple(v.strftime("%Y-%m-%d %H:%M:%S") if hasattr(v, "strftime") else v for v in values)


def _count_rows(
    case: Case, stream: Stream, sound: dict[int, list[_Place]], others: set[int], raw: list[dict],
    outcome: Outcome, where: str,
) -> None:  # fmt: skip
    """Every untouched row stands at its line with its values; every other record stands on lines of nobody."""
    by_line: dict[int, list[dict]] = {}
    for row in raw:
        by_line.setdefault(row["_source_row_id"], []).append(row)
    for index, places in sound.items():
        for place in places:
            found = by_line.pop(place.first, [])
            if not found:
                outcome.lost += 1
                outcome.faults.append(f"{where}: row {index} of line {place.first} is lost")
            elif [_values(stream, row) for row in found] != [case.rows[index].truth]:
                outcome.altered += 1
                outcome.faults.append(f"{where}: row {index} of line {place.first} is altered: {found}")
    truths = {row.truth for row in case.rows}
    for line, found in by_line.items():
        extra = len(found) if line not in others else len(found) - 1
        outcome.invented += extra
        if extra:
            outcome.faults.append(f"{where}: line {line} gives records that it does not hold")
        for row in found:
            outcome.touched_set_aside += row["_set_aside"] is not None
            if row["_set_aside"] is None and _values(stream, row) in truths:
                outcome.touched_kept_equal += 1
            elif row["_set_aside"] is None:
                outcome.touched_kept_other += 1


def _recount(
    case: Case, stream: Stream, state: _State, key: str, sound: dict[int, list[_Place]], others: set[int],
    n_lines: int,
) -> list[str]:  # fmt: skip
    """Identities A, B, C of one delivery counted again from bytes, lines and tables; what does not hold."""
    terms: dict[str, int] = {}
    for term in state.terms.get(key, []):
        terms[term["name"]] = terms.get(term["name"], 0) + term["value"]
    raw, lines = state.raw.get(key, []), state.lines.get(key, [])
    wrong = []

    def same(name: str, found: int, counted: int) -> None:
        if found != counted:
            wrong.append(f"{name}: {found} in the ledger, {counted} counted")

    same("file_bytes", terms.get("file_bytes", -1), len(case.content))
    same("lines_bytes", terms.get("lines_bytes", -1), len(case.content))
    same("physical_lines", terms["physical_lines"], n_lines)
    same(
        "physical_lines by line ends", n_lines, len(LINE_END.findall(case.content)) + _open_end(case.content)
    )
    same("header_lines", terms["header_lines"], len(LINE_END.findall(stream.head)))
    same("quarantined_lines", terms["quarantined_lines"], len(lines))
    numbers = [line["_source_row_id"] for line in lines]
    same("lines quarantined once", len(numbers), len(set(numbers)))
    sound_lines = {p.first + i for places in sound.values() for p in places for i in range(p.size)}
    same("lines of nobody and of rows", len(sound_lines) + len(others) + terms["header_lines"], n_lines)
    # Lines of nobody are blank, quarantined or part of a record that begins on one of them.
    begun = {row["_source_row_id"] for row in raw if row["_source_row_id"] in others}
    left = len(others) - len(set(numbers) & others) - terms["blank_lines"]
    in_sound = sum(p.size for i, places in sound.items() for p in places) - len(set(numbers) & sound_lines)
    same("record_lines", terms["record_lines"], in_sound + left)
    if left < len(begun) or (left and not begun):
        wrong.append(f"{left} lines are part of {len(begun)} damaged records")
    dispositions = Counter(d["disposition"] for d in state.dispositions.get(key, []))
    same("records_in", terms.get("records_in", 0), len(raw))
    same("kept", terms.get("kept", 0), len(raw) - dispositions.total())
    for name in ("quarantined", "excluded", "exact_duplicate", "superseded"):
        same(name, terms.get(name, 0), dispositions[name])
    return wrong


def _open_end(content: bytes) -> int:
    return int(not content.endswith((b"\n", b"\r")))
