"""A file never seen before -> a draft mapping: bytes, layout, columns, contract, then the YAML with its evidence.

Nothing is sniffed: what the file proves is filled in, the rest is asked, and what nobody answers stays a value that
refuses to load. Memory is bounded: one pass over the bytes, a sample, and DuckDB aggregates over a scratch Parquet.
What does NOT belong here: each kind of evidence (the other modules) and the terminal (orchestration).
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.assistant.columns import ENUM_VALUES, Profile, key_candidates, profile_columns
from ingest.assistant.contract_match import ContractScore, score_contracts
from ingest.assistant.encodings import ByteEvidence, decide_encoding, read_bytes
from ingest.assistant.filling import ColumnPlan, Filling
from ingest.assistant.layout import MAX_COLUMNS, Dialect, Header, decide_dialect, decide_header, head_lines
from ingest.assistant.questions import Ask, Decision, Interview, Question, Said, proved, said
from ingest.assistant.spelling import known_headers, same_columns
from ingest.assistant.table import Table, open_table
from ingest.assistant.writing import Sheet
from ingest.calendar_reading import stream_columns
from ingest.contract import load_contract, load_contracts
from ingest.conversion import check_mapping
from ingest.errors import ConfigurationError, RefusedFile
from ingest.mapping import build_mapping
from ingest.phone_numbers import known_region
from ingest.spreadsheets import is_workbook, write_sheet_text
from ingest.strict_yaml import read_yaml
from ingest.text_preparation import inspect_bytes, prepare
from ingest.zone_names import known_zone

# First bytes of formats that are no delimited text.
OTHER_FORMATS = {
    b"PK\x03\x04": "ZIP",
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
    b"BEGIN:VCALENDAR": "iCalendar",
}
TOTALS = ("total", "totaux", "total général", "grand total", "sous-total", "subtotal")


@dataclass(frozen=True)
class Hints:
    """What is known besides the file: a company's zone and currency, offered first, never taken as proof."""

    timezone: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Draft:
    """The mapping text, what stays open, and the facts that a caller may want to show.

    claims: what the file proves of its layout: encoding, delimiter, header, date formats by header.
    """

    text: str
    contract: str
    system: str
    open_questions: tuple[Question, ...]
    n_answers: int
    n_rows: int
    n_misfits: int
    claims: dict[str, Any]


def draft_mapping(
    path: Path,
    *,
    contract: str | None = None,
    ask: Ask | None = None,
    language: str = "en",
    hints: Hints | None = None,
) -> Draft:
    """The draft for `path`. contract: name of the contract to fill; asked for when None.

    ask: answers a question or gives None to leave it open. Raises RefusedFile (E-ING-002, E-ING-023) when the file is
    neither delimited text nor a workbook of one visible sheet, ConfigurationError (E-ING-106) for an unknown contract.
    """
    if contract is not None:
        load_contract(contract)
    interview = Interview(ask)
    key = "files.rows"
    with tempfile.TemporaryDirectory(prefix="etalon-map-") as folder:
        scratch = Path(folder)
        source, workbook_sheet = path, None
        if is_workbook(path):
            workbook_sheet, source = _sheet_as_text(path, scratch)
        facts = read_bytes(source)
        _refuse_other_formats(source, facts)
        # The text of a sheet was written here: how is no question.
        of_text = interview if workbook_sheet is None else Interview(None)
        encoding = decide_encoding(facts, f"{key}.encoding", of_text)
        text = _prepared(source, encoding.best if workbook_sheet is None else "utf-8", scratch)
        lines = head_lines(text)
        if not lines:
            raise RefusedFile("E-ING-023", path.name, detail="no line end in the first MB")
        dialect = decide_dialect(lines, key, of_text)
        if dialect.reading.width > MAX_COLUMNS:
            raise RefusedFile("E-ING-023", path.name, detail=f"more than {MAX_COLUMNS} columns")
        if not dialect.reading.records:
            raise RefusedFile("E-ING-023", path.name, detail="no record in the first MB")
        header = decide_header(dialect.reading, set(known_headers()), key, interview)
        n_before = header.skip_lines + (header.n_lines if header.decision.best else 0)
        offset = _offset(text, n_before)
        quote, delimiter = dialect.quote.best, dialect.delimiter.best
        with open_table(text, offset, delimiter, quote, header.names, scratch) as table:
            return _Draft(
                path,
                facts,
                encoding,
                dialect,
                header,
                table,
                interview,
                language,
                hints or Hints(),
                workbook_sheet,
            ).draft(contract)


def _sheet_as_text(path: Path, scratch: Path) -> tuple[str, Path]:
    """Name of the sheet of a workbook, and its rows as delimited text."""
    target = scratch / "sheet.tsv"
    try:
        return write_sheet_text(path, target, MAX_COLUMNS, path.name), target
    except RefusedFile as error:
        if error.problem.code == "E-ING-023":
            raise
        raise RefusedFile("E-ING-023", path.name, detail=error.problem.text("what")) from None


def _refuse_other_formats(path: Path, facts: ByteEvidence) -> None:
    if facts.size == 0:
        raise RefusedFile("E-ING-002", path.name)
    with path.open("rb") as stream:
        head = stream.read(4096)
    for mark, name in OTHER_FORMATS.items():
        if head.startswith(mark):
            raise RefusedFile("E-ING-023", path.name, detail=name)
    if re.match(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*\"|\[\s*[\{\[])", head):
        raise RefusedFile("E-ING-023", path.name, detail="JSON")
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|html|!DOCTYPE)", head, re.IGNORECASE):
        raise RefusedFile("E-ING-023", path.name, detail="XML or HTML")


def _prepared(path: Path, encoding: str, scratch: Path) -> Path:
    facts = inspect_bytes(path)
    try:
        return prepare(
            path, facts, encoding=encoding, repair_newlines=True, quarantine_undecodable=False, strip_bom=True,
            scratch=scratch, where=path.name,
        ).path  # fmt: skip
    except RefusedFile as error:
        raise RefusedFile("E-ING-023", path.name, detail=error.problem.text("what")) from None


def _offset(text: Path, n_lines: int) -> int:
    """Byte where line `n_lines` (0-based) begins."""
    at = 0
    with text.open("rb") as stream:
        for _ in range(n_lines):
            at += len(stream.readline())
    return at


@dataclass
class _Draft:
    """The second half: contract, columns, defaults, YAML."""

    path: Path
    facts: ByteEvidence
    encoding: Decision
    dialect: Dialect
    header: Header
    table: Table
    interview: Interview
    language: str
    hints: Hints
    workbook_sheet: str | None = None

    def draft(self, wanted: str | None) -> Draft:
        profiles = profile_columns(self.table)
        keys = key_candidates(self.table, profiles)
        is_named = bool(self.header.decision.best)
        contract = self._contract(wanted, profiles, is_named)
        final_newline = self._final_newline()
        totals, n_totals = self._totals(profiles)
        filling = Filling(
            self.table, profiles, keys, load_contract(contract.best), self.interview, is_named, n_totals
        )
        filling.fill()
        defaults = self._defaults(filling)
        system = re.sub(r"[^a-z0-9]+", "_", self.path.stem.lower()).strip("_") or "vendor"
        system = system if system[0].isalpha() else f"vendor_{system}"
        text = self._write(system, contract, profiles, filling, defaults, final_newline, totals)
        claims = {
            "encoding": None if self.encoding.is_open or self.encoding.is_answer else self.encoding.best,
            "delimiter": None if _undecided(self.dialect.delimiter) else self.dialect.delimiter.best,
            "header": None if _undecided(self.header.decision) else self.header.decision.best,
            "skip_rows": self.header.skip_lines,
            "names": list(self.table.names),
        }
        return Draft(
            text, contract.best, system, tuple(self.interview.open_questions), self.interview.n_answers,
            self.table.n_rows, self.table.n_misfits, claims,
        )  # fmt: skip

    # ------------------------------------------------------------ decisions about the whole file

    def _contract(self, wanted: str | None, profiles: list[Profile], is_named: bool) -> Decision:
        if wanted is not None:
            return proved(wanted)
        scores = score_contracts(profiles, is_named)
        shown = tuple(score.said for score in scores[:4])
        question = Question("contract", said("ask_contract"), shown, tuple(s.name for s in scores))
        return self.interview.decide(question, _likeliest(scores))

    def _final_newline(self) -> Decision | None:
        if self.facts.ends_with_newline or self.facts.mark.startswith("utf-16"):
            return None
        question = Question(
            "files.rows.final_newline", said("ask_final_newline"), (), ("optional", "required")
        )
        return self.interview.decide(question, "optional")

    def _totals(self, profiles: list[Profile]) -> tuple[Decision | None, int]:
        words = ", ".join(f"'{word}'" for word in TOTALS)
        for profile in profiles[:5]:
            column = self.table.column(profile.at)
            found = self.table.rows(
                f"SELECT {column}, count(*) FROM {self.table.all_rows} WHERE lower({column}) IN ({words}) GROUP BY ALL"
            )
            if found and profile.n_distinct > ENUM_VALUES and profile.name:
                text, n = found[0]
                name, value = profile.name.replace('"', '""'), text.replace("'", "''")
                question = Question(
                    "files.rows.drop_rows_where", said("ask_totals", n=n, text=text, header=profile.name), (),
                    (f"\"{name}\" = '{value}'", "false"),
                )  # fmt: skip
                return self.interview.decide(question, None), n
        return None, 0

    def _defaults(self, filling: Filling) -> dict[str, Any]:
        needs = filling.needs
        defaults: dict[str, Any] = {}
        if needs.local_times:
            defaults["timezone"] = self._zone(filling)
        if not needs.has_currency and "currency" in filling.contract.names:
            column = filling.contract.column("currency")
            if needs.currency_signs:
                defaults["currency"] = proved("EUR", said("euro_sign"))
            elif column.required:
                first = (self.hints.currency,) if self.hints.currency else ()
                options = tuple(dict.fromkeys((*first, "EUR", "USD", "GBP", "CHF")))
                question = Question(
                    "defaults.currency", said("ask_currency"), (), options,
                    lambda a: bool(re.fullmatch("[A-Z]{3}", a)), is_free=True,
                )  # fmt: skip
                defaults["currency"] = self.interview.decide(question, None)
        if needs.has_phone:
            question = Question(
                "defaults.phone_region", said("ask_region"), self._phone_evidence(needs.phones),
                ("FR", "BE", "CH", "GB", "DE", "ES", "IT", "US"),
                lambda a: bool(re.fullmatch("[A-Z]{2}", a)) and known_region(a), is_free=True,
            )  # fmt: skip
            defaults["phone_region"] = self.interview.decide(question, None)
        if needs.missing:
            evidence = [said("missing_text", text=t, n=n) for t, n in sorted(needs.missing.items())]
            defaults["null_values"] = proved(["", *sorted(needs.missing)], *evidence)
        return defaults

    def _zone(self, filling: Filling) -> Decision:
        needs = filling.needs
        evidence: list[Said] = [said("local_times", headers=", ".join(needs.local_times))]
        zones: list[str] = []
        for clock in needs.zones:
            evidence.append(clock.said)
            zones = [z for z in clock.zones if not zones or z in zones]
        if needs.zones and zones and zones[0] == "UTC" and len(needs.zones) == len(needs.local_times):
            return proved("UTC", *evidence)
        hinted = [self.hints.timezone] if self.hints.timezone else []
        usual = zones[:8] if zones else ["Europe/Paris", "UTC", "Europe/London", "America/New_York"]
        options = tuple(dict.fromkeys([*(h for h in hinted if not zones or h in zones), *usual]))
        question = Question(
            "defaults.timezone", said("ask_zone"), tuple(evidence), options, _is_zone, is_free=True
        )
        return self.interview.decide(question, None)

    def _phone_evidence(self, profiles: list[Profile]) -> tuple[Said, ...]:
        found = []
        for profile in profiles[:3]:
            column = self.table.column(profile.at)
            digits = f"regexp_replace({column}, '[^0-9+]', '', 'g')"
            international, french, total = self.table.row(
                f"SELECT count(*) FILTER ({digits} LIKE '+%' OR {digits} LIKE '00%'), "
                f"count(*) FILTER (regexp_full_match({digits}, '0[1-9][0-9]{{8}}')), count({column}) "
                f"FROM {self.table.all_rows}"
            )
            found.append(
                said("phones", header=profile.name, international=international, french=french, n=total)
            )
        return tuple(found)

    # ------------------------------------------------------------ YAML

    def _write(
        self, system: str, contract: Decision, profiles: list[Profile], filling: Filling, defaults: dict[str, Any],
        final_newline: Decision | None, totals: Decision | None,
    ) -> str:  # fmt: skip
        sheet = Sheet(self.language)
        n_open = len(self.interview.open_questions)
        sheet.note(
            0, said("title", file=self.path.name, rows=self.table.n_rows, misfits=self.table.n_misfits)
        )
        sheet.note(0, said("open_count", n=n_open) if n_open else said("all_decided"))
        for vendor in same_columns(list(self.table.names), bool(self.header.decision.best)):
            sheet.note(0, said("shipped_reads", vendor=vendor) if self.header.decision.best else
                       said("shipped_width", vendor=vendor, n=len(self.table.names)))  # fmt: skip
        sheet.put(0, "version", 1)
        sheet.opens(0, "source")
        sheet.put(1, "system", system, said("name_from_file"))
        sheet.put(1, "domain", filling.contract.domain)
        if defaults:
            sheet.opens(0, "defaults")
            for key, value in defaults.items():
                sheet.put(1, key, value)
        sheet.opens(0, "files")
        sheet.opens(1, "rows")
        self._write_file(sheet, profiles, final_newline, totals)
        sheet.opens(0, "tables")
        self._write_table(sheet, contract, filling)
        return sheet.text()

    def _write_file(
        self, sheet: Sheet, profiles: list[Profile], final_newline: Decision | None, totals: Decision | None
    ) -> None:
        sheet.put(2, "path", _pattern(self.path.name), said("path_from_name"))
        if self.workbook_sheet is not None:
            sheet.put(2, "format", "xlsx")
            sheet.put(2, "sheet", self.workbook_sheet)
        else:
            self._write_dialect(sheet)
        sheet.notes(2, self.header.skip_evidence)
        if self.header.skip_lines:
            sheet.put(2, "skip_rows", self.header.skip_lines)
        decision = self.header.decision
        names = list(self.table.names)
        if decision.is_open:
            sheet.put(2, "header", decision)
        elif decision.best:
            sheet.notes(2, decision.evidence)
            by_count = len(names) > 60 or len(set(names)) < len(names) or not all(names)
            sheet.put(2, "expected_columns", [len(names)] if by_count else names)
        else:
            sheet.notes(2, decision.evidence)
            sheet.put(2, "header", names)
        if self.table.n_misfits:
            sheet.note(2, said("misfits", n=self.table.n_misfits, width=len(names)))
        if totals is not None and (totals.is_open or totals.best != "false"):
            sheet.put(2, "drop_rows_where", totals)
        if final_newline is not None:
            sheet.put(2, "final_newline", final_newline)

    def _write_dialect(self, sheet: Sheet) -> None:
        sheet.put(2, "format", "delimited")
        sheet.put(2, "encoding", self.encoding)
        sheet.put(2, "delimiter", self.dialect.delimiter)
        if self.dialect.quote.is_open or self.dialect.quote.best is None:
            sheet.put(2, "quote", self.dialect.quote)
        else:
            sheet.notes(2, self.dialect.quote.evidence)

    def _write_table(self, sheet: Sheet, contract: Decision, filling: Filling) -> None:
        sheet.opens(1, contract.best)
        if contract.is_open:
            sheet.put(2, "contract", contract)
        else:
            sheet.notes(2, contract.evidence)
        sheet.put(2, "from", "rows")
        sheet.opens(2, "columns")
        for plan in filling.plans:
            _write_column(sheet, plan)
        if filling.unmatched:
            sheet.note(3, said("unmatched", columns=", ".join(filling.unmatched)))
        used = {plan.keys.get("source") for plan in filling.plans}
        for profile in filling.profiles:
            if profile.name not in used:
                sheet.note(3, said("unused", header=profile.name, facts=profile.said))


def _write_column(sheet: Sheet, plan: ColumnPlan) -> None:
    nested = [note for value in plan.keys.values() if isinstance(value, Decision) for note in value.evidence]
    sheet.notes(3, [*plan.notes, *nested])
    if plan.open is not None:
        sheet.put(3, plan.name, _bare(plan.open))
        return
    sheet.opens(3, plan.name)
    for key, value in plan.keys.items():
        if key == "map" and isinstance(value, dict):
            if not value:
                continue
            sheet.opens(4, "map")
            for text, target in value.items():
                sheet.put(5, text, _bare(target), plan.map_notes.get(text))
        else:
            sheet.put(4, key, _bare(value))


def _bare(value: Any) -> Any:
    """A value whose evidence is already written above."""
    return Decision(value.best, (), value.question) if isinstance(value, Decision) else value


def _undecided(decision: Decision) -> bool:
    return decision.is_open or decision.is_answer


def _likeliest(scores: list[ContractScore]) -> str:
    return scores[0].name if scores else next(iter(load_contracts()))


def _is_zone(name: str) -> bool:
    try:
        return bool(known_zone(name))
    except ValueError:
        return False


def _pattern(name: str) -> str:
    """The file name as a path of the mapping: a date in it becomes {date}."""
    name = re.sub(r"[{}]", "?", name)
    month, day = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
    date = rf"(?<!\d)(?:19|20)\d{{2}}(?:-{month}(?:-{day})?|{month}(?:{day})?)(?!\d)"
    return re.sub(date, "{date}", name) if len(re.findall(date, name)) == 1 else name


def problem_of(text: str, scratch: Path) -> ConfigurationError | None:
    """Why a drafted mapping does not load, or None when it does."""
    target = scratch / "mapping.yml"
    target.write_text(text, encoding="utf-8")
    try:
        check_mapping(build_mapping("mapping", read_yaml(target)), stream_columns)
    except ConfigurationError as error:
        return error
    return None
