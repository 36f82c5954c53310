"""iCalendar files -> two streams of records: events, and the attendees of each event.

Each VEVENT is read by itself, so that a broken one goes to quarantine and the others are kept. Times leave
here as UTC text; an all-day event keeps its calendar day at 00:00. The mapping's zone is used for floating
times.
What does NOT belong here: expansion of RRULE (an occurrence without override has no record) and types.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb
import pyarrow as pa
from icalendar import Timezone, vDuration
from icalendar.parser import Contentline, Parameters
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from ingest.errors import RefusedFile
from ingest.reading import LineCounts, Records, positions
from ingest.sql import ident
from ingest.strict_reader import RAW_LINE_LIMIT, Quarantined, lines_of
from ingest.text_preparation import Prepared

MAX_CALENDAR_BYTES = 256 << 20
EVENT_COLUMNS = (
    "UID", "RECURRENCE-ID", "SEQUENCE", "STATUS", "METHOD", "ORGANIZER", "SUMMARY", "LOCATION",
    "DTSTART", "DTEND", "IS-ALL-DAY", "RRULE", "CREATED", "LAST-MODIFIED", "DTSTAMP", "N-ATTENDEES",
)  # fmt: skip
ATTENDEE_COLUMNS = (
    "UID", "RECURRENCE-ID", "SEQUENCE", "DTSTART", "ATTENDEE", "PARTSTAT", "CUTYPE", "ROLE", "CN",
    "IS-ORGANIZER",
)  # fmt: skip

NEEDED = (
    "UID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RECURRENCE-ID",
    "STATUS",
    "SEQUENCE",
    "ORGANIZER",
    "ATTENDEE",
)
# Everything else (descriptions, alarms, vendor properties) is passed over before it is parsed.
READ = (*NEEDED, "BEGIN", "END", "SUMMARY", "LOCATION", "RRULE", "CREATED", "LAST-MODIFIED", "DTSTAMP")
LONGEST = max(map(len, READ))

_PLAIN = r"[^\x00-\x20\x7f\";:,=\\^%]+"
SIMPLE_LINE = re.compile(rf"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+={_PLAIN}(?: {_PLAIN})*)*):([^\"\\]*)")
MARKS = frozenset("BEMbem")  # of BEGIN, END and METHOD
MOMENT = re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?")


def stream_columns(stream: str | None) -> tuple[str, ...]:
    """Column names of a stream, `events` or `attendees`; empty for none."""
    return {"events": EVENT_COLUMNS, "attendees": ATTENDEE_COLUMNS}.get(stream or "", ())


@dataclass
class _Component:
    """Physical lines of one VEVENT, 1-based first line, and the METHOD of its calendar."""

    first_line: int
    lines: list[str] = field(default_factory=list)
    method: str | None = None
    is_closed: bool = False


class _Property(NamedTuple):
    name: str
    params: Parameters | dict[str, str]
    value: str


class BrokenComponentError(Exception):
    """A VEVENT that cannot be read; the message says why."""


def read_calendar(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, zone: str, where: str
) -> dict[str, Records]:
    """Streams `events` and `attendees` of one calendar text.

    _row is the ordinal of the VEVENT in the file, _part the position of the attendee in it. zone: IANA zone
    of floating times. Raises RefusedFile E-ING-012 above 256 MB, E-ING-013 when nothing in it is iCalendar, E-ING-036
    when a calendar in it is not closed.
    """
    size = prepared.path.stat().st_size
    if size > MAX_CALENDAR_BYTES:
        raise RefusedFile("E-ING-012", where, size=size >> 20, limit=MAX_CALENDAR_BYTES >> 20)
    lines = lines_of(prepared.path)
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    if not any(line.strip().upper().startswith("BEGIN:") for line in lines):
        raise RefusedFile("E-ING-013", where, format="iCalendar", detail="no BEGIN line")
    components, zone_blocks, n_blank, unclosed = _split(lines)
    if unclosed:
        raise RefusedFile("E-ING-036", where, opened=unclosed, line=len(lines))
    zones = _Zones(zone, zone_blocks)
    events: list[tuple] = []
    attendees: list[tuple] = []
    quarantine: list[Quarantined] = []
    n_record_lines = 0
    for ordinal, component in enumerate(components, start=1):
        try:
            bad = [n for n in range(len(component.lines)) if component.first_line + n in prepared.undecodable]
            if bad:
                raise BrokenComponentError("bytes that the declared encoding does not have")
            event, people = _read_event(component, zones)
        except BrokenComponentError as error:
            for offset, line in enumerate(component.lines):
                quarantine.append(
                    (
                        component.first_line + offset,
                        "broken_calendar_component",
                        line[:RAW_LINE_LIMIT],
                        str(error),
                    )
                )
            continue
        n_record_lines += len(component.lines)
        events.append((ordinal, 0, *event))
        attendees += [(ordinal, part, *person) for part, person in enumerate(people)]
    header = len(lines) - n_blank - n_record_lines - len(quarantine)
    counts = LineCounts(len(lines), header, n_blank, n_record_lines, len(quarantine))
    return {
        stream: _records(connection, stream, rows, prepared, counts, quarantine)
        for stream, rows in (("events", events), ("attendees", attendees))
    }


def _records(
    connection: duckdb.DuckDBPyConnection, stream: str, rows: list[tuple], prepared: Prepared,
    counts: LineCounts, quarantine: list[Quarantined],
) -> Records:  # fmt: skip
    columns = stream_columns(stream)
    kinds = [("_row", pa.int64()), ("_part", pa.int32())] + [
        (f"c{i}", pa.string()) for i in range(len(columns))
    ]
    values = zip(*rows, strict=True) if rows else ([] for _ in kinds)
    arrays = [pa.array(column, kind) for column, (_, kind) in zip(values, kinds, strict=True)]
    name = f"{stream}_{prepared.path.stem}"
    connection.register(name, pa.Table.from_arrays(arrays, names=[column for column, _ in kinds]))
    return Records(
        f"SELECT * FROM {ident(name)}", positions(columns), len(rows), counts, "strict", prepared.n_bytes_read,
        quarantine=quarantine, registered=[name], is_header_only=not rows and not quarantine,
    )  # fmt: skip


def _split(lines: list[str]) -> tuple[list[_Component], list[list[str]], int, int | None]:
    """VEVENT components, VTIMEZONE blocks, the number of blank lines outside both, and the line of the first
    calendar that nothing closes.
    """
    components: list[_Component] = []
    zones: list[list[str]] = []
    current: _Component | None = None
    zone: list[str] | None = None
    method: str | None = None
    n_blank = 0
    calendar: int | None = None  # line of the one that is open
    unclosed: int | None = None
    for number, line in enumerate(lines, start=1):
        # A line that begins with a space continues the one before, whatever it says.
        word = line.rstrip().upper() if line[:1] in MARKS else ""
        if word == "BEGIN:VEVENT" or word in {"END:VCALENDAR", "BEGIN:VCALENDAR"}:
            # A VEVENT that is still open here was never closed.
            current, zone = None, None
            if word == "BEGIN:VEVENT":
                current = _Component(number, method=method)
                components.append(current)
            elif word == "BEGIN:VCALENDAR":
                unclosed = unclosed or calendar
                method, calendar = None, number
            else:
                calendar = None
        if current is not None:
            current.lines.append(line)
            if word == "END:VEVENT":
                current.is_closed, current = True, None
            continue
        if word == "BEGIN:VTIMEZONE":
            zone = []
            zones.append(zone)
        if zone is not None:
            zone.append(line)
            zone = None if word == "END:VTIMEZONE" else zone
        elif word.startswith("METHOD:"):
            method = word.split(":", 1)[1]
        n_blank += not word and not line.strip()
    return components, zones, n_blank, unclosed or calendar


def _properties(component: _Component) -> list[_Property]:
    """Properties of the VEVENT itself (those of nested alarms are left out), unfolded."""
    unfolded: list[str] = []
    for line in component.lines[1:-1] if component.is_closed else component.lines[1:]:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1] += line[1:]
        elif line.strip():
            unfolded.append(line)
    found, depth = [], 0
    for line in unfolded:
        word = line[:LONGEST].upper()
        if not word.startswith(READ):
            continue
        try:
            name, params, value = _simple_parts(line) or Contentline(line).parts()
        except (ValueError, IndexError) as error:
            # A broken line of no use here (a vendor's X- property) does not cost the event.
            if depth == 0 and word.startswith(NEEDED):
                raise BrokenComponentError(str(error).splitlines()[0]) from None
            continue
        name = name.upper()
        if name == "BEGIN":
            depth += 1
        elif name == "END":
            depth -= 1
        elif depth == 0:
            found.append(_Property(name, params, str(value)))
    return found


def _simple_parts(line: str) -> tuple[str, dict[str, str], str] | None:
    """Name, parameters by upper-case name and value of a line without quotes and escapes, as nearly all are; else None.

    The library reads each character in Python; this gives the same parts ten times faster.
    """
    found = SIMPLE_LINE.fullmatch(line)
    if not found:
        return None
    name, params, value = found.groups()
    if not params:
        return name, {}, value
    pairs = [item.split("=", 1) for item in params.split(";")[1:]]
    return name, {key.upper(): text for key, text in pairs}, value


def _read_event(component: _Component, zones: _Zones) -> tuple[tuple, list[tuple]]:
    if not component.is_closed:
        raise BrokenComponentError("BEGIN:VEVENT without END:VEVENT")
    properties = _properties(component)
    first: dict[str, _Property] = {}
    for item in properties:
        first.setdefault(item.name, item)

    def text(name: str) -> str | None:
        item = first.get(name)
        return _unescape(item.value).strip() or None if item else None

    start = zones.instant(first.get("DTSTART"))
    end = zones.instant(first.get("DTEND")) or zones.end_of(first.get("DTSTART"), first.get("DURATION"))
    recurrence = zones.instant(first.get("RECURRENCE-ID"))
    people = [(item, _address(item)) for item in properties if item.name == "ATTENDEE"]
    organizer = _address(first["ORGANIZER"]) if "ORGANIZER" in first else None
    event = (
        text("UID"), recurrence, text("SEQUENCE"), text("STATUS"), component.method, organizer,
        text("SUMMARY"),
        text("LOCATION"), start, end, str(_is_day(first.get("DTSTART"))).lower(),
        first["RRULE"].value if "RRULE" in first else None, zones.instant(first.get("CREATED")),
        zones.instant(first.get("LAST-MODIFIED")), zones.instant(first.get("DTSTAMP")), str(len(people)),
    )  # fmt: skip
    attendees = [
        (
            event[0], recurrence, event[2], start, address, _param(item, "PARTSTAT"),
            _param(item, "CUTYPE"), _param(item, "ROLE"), _param(item, "CN"),
            "true" if address == organizer else "false",
        )
        for item, address in people
    ]  # fmt: skip
    return event, attendees


def _param(item: _Property, name: str) -> str | None:
    value = item.params.get(name)
    return str(value[0] if isinstance(value, list) else value) if value else None


def _address(item: _Property) -> str | None:
    """Mail address of an ATTENDEE or ORGANIZER: the EMAIL parameter, else the value without mailto:."""
    value = _param(item, "EMAIL") or item.value.strip()
    return (value[7:] if value[:7].lower() == "mailto:" else value) or None


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    return (
        value.replace("\\n", "\n")
        .replace("\\N", "\n")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .replace("\\\\", "\\")
    )


def _is_day(item: _Property | None) -> bool:
    return item is not None and (_param(item, "VALUE") == "DATE" or (len(item.value.strip()) == 8))


class _Zones:
    """Time zones of one calendar: IANA names, Windows names, and the VTIMEZONE blocks of the file."""

    def __init__(self, default: str, blocks: list[list[str]]) -> None:
        self.default = zoneinfo.ZoneInfo(default)
        self.found: dict[str, dt.tzinfo] = {}
        self.blocks: dict[str, list[str]] = {}
        for block in blocks:
            for line in block:
                if line.upper().startswith("TZID"):
                    self.blocks.setdefault(line.split(":", 1)[-1].strip().strip('"'), block)

    def zone(self, name: str) -> dt.tzinfo:
        """The zone called `name`. Raises BrokenComponentError when nothing defines it."""
        if name not in self.found:
            self.found[name] = self._resolve(name)
        return self.found[name]

    def _resolve(self, name: str) -> dt.tzinfo:
        parts = name.strip("/").split("/")
        located = [
            line.split(":", 1)[1].strip()
            for line in self.blocks.get(name, [])
            if line.upper().startswith("X-LIC-LOCATION:")
        ]
        candidates = [
            name,
            *located,
            "/".join(parts[-3:]),
            "/".join(parts[-2:]),
            WINDOWS_TO_OLSON.get(name, ""),
        ]
        for candidate in candidates:
            try:
                return zoneinfo.ZoneInfo(candidate)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                continue
        if name in self.blocks:
            try:
                return Timezone.from_ical("\r\n".join(self.blocks[name]) + "\r\n").to_tz(lookup_tzid=False)
            except Exception as error:
                raise BrokenComponentError(f"VTIMEZONE {name}: {error}") from None
        raise BrokenComponentError(f"unknown TZID {name}")

    def instant(self, item: _Property | None) -> str | None:
        """UTC text of a date or date-time property; the raw text when it is none, so that the cast journals
        it.
        """
        if item is None:
            return None
        moment = self._moment(item)
        return _utc_text(moment) if moment is not None else (item.value.strip() or None)

    def _moment(self, item: _Property) -> dt.datetime | None:
        """Aware datetime; an all-day value is its day at 00:00 UTC. None when the text is no date."""
        text = item.value.strip()
        if not MOMENT.fullmatch(text):
            return None
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        if len(text) == 8 or text.endswith("Z"):
            return moment.replace(tzinfo=dt.UTC)
        name = _param(item, "TZID")
        return moment.replace(tzinfo=self.zone(name) if name else self.default)

    def end_of(self, start: _Property | None, duration: _Property | None) -> str | None:
        """UTC text of start + duration; the next day for an all-day event without end; else None."""
        moment = self._moment(start) if start else None
        if moment is None:
            return None
        if duration is None:
            return _utc_text(moment + dt.timedelta(days=1)) if _is_day(start) else None
        try:
            length = vDuration.from_ical(duration.value.strip())
        except ValueError:
            return duration.value.strip()
        # Days and weeks are wall-clock days; hours are elapsed time.
        days = dt.timedelta(days=length.days)
        return _utc_text((moment + days).astimezone(dt.UTC) + (length - days))


def _utc_text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
