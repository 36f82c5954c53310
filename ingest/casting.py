"""SQL of one typed value from its text: numbers, dates, instants, booleans, e-mails, phones, closed lists.

Every cast is a try: what cannot be read becomes null, and the caller journals it with `reason`.
What does NOT belong here: where the text comes from (conversion.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest.contract import Column
from ingest.local_time import shift_sql, utc_sql
from ingest.mapping import ColumnSpec, Defaults
from ingest.phone_numbers import bare_sql, e164_sql, is_short_sql, usual_sql
from ingest.sql import ident, literal

TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes", "t", "y"), ("false", "0", "no", "f", "n")
# Instants outside this range are a wrong unit (milliseconds read as seconds) or a default, not an event.
EARLIEST, LATEST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"
_ISO_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_ISO_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_SPACES = {" ": " \u00a0\u202f"}


@dataclass(frozen=True)
class Cast:
    """How one column gets its value: helper columns of two earlier stages, the value, why it may be null.

    flag: SQL of a reason code when the value is kept but doubtful, or None; is_doubtful: SQL test for it.
    """

    value: str
    reason: str
    prepared: list[str] = field(default_factory=list)
    shifted: list[str] = field(default_factory=list)
    flag: str | None = None
    is_doubtful: str | None = None


def cast_of(name: str, text: str, column: Column, spec: ColumnSpec, defaults: Defaults) -> Cast:
    """The cast of SQL `text` into `column`, read as the type that the mapping declares for the source."""
    kind = spec.type or column.type
    if kind in {"timestamp", "date", "epoch_s", "epoch_ms", "excel_serial"}:
        return _temporal(name, text, column, spec, defaults, kind)
    if kind == "email":
        return Cast(_email_sql(text), "email_invalid")
    if kind == "phone":
        return _phone(name, text, spec.region or defaults.phone_region or "")
    if kind == "boolean":
        true, false = (", ".join(literal(w) for w in words) for words in (TRUE_WORDS, FALSE_WORDS))
        return Cast(
            f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END",
            "boolean_invalid",
        )
    if kind in {"integer", "decimal"}:
        return _number(name, text, column, spec)
    if column.type == "enum":
        if spec.map is not None and spec.on_unmapped != "keep":
            return Cast(text, "unmapped_value")  # a map gives values of the contract only (mapping.py)
        values = ", ".join(literal(v) for v in column.values)
        return Cast(f"CASE WHEN {text} IN ({values}) THEN {text} END", "unmapped_value")
    return Cast(text, "text_invalid")


def _email_sql(text: str) -> str:
    """SQL of a mailbox in lower case, NULL for what is none. Searches for single characters tell nearly every one for
    half of what the pattern costs; the pattern has the word on the others.
    """
    strange = ("@.", " ", "\t", "\n", "\f", "\r")
    usual = [f"{text} LIKE '%@%.%'", f"{text} NOT LIKE '%@%@%'", f"({text} < '@' OR {text} >= 'A')"]
    usual += [f"NOT ends_with({text}, '.')", *(f"NOT contains({text}, {literal(each)})" for each in strange)]
    pattern = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
    return (
        f"CASE WHEN {' AND '.join(usual)} THEN lower({text}) "
        f"WHEN regexp_full_match({text}, '{pattern}') THEN lower({text}) END"
    )


def _phone(name: str, text: str, region: str) -> Cast:
    """Numbers written as the region usually writes them need neither cleaning nor the patterns of all the others."""
    usual, bare = ident(f"p_{name}"), ident(f"b_{name}")
    return Cast(
        f"CASE WHEN {usual} IS NOT NULL THEN {usual} WHEN {bare} IS NOT NULL THEN {e164_sql(bare, region)} END",
        "phone_unparsable",
        prepared=[f"{usual_sql(text, region)} AS {usual}"],
        shifted=[
            f"CASE WHEN {usual} IS NULL AND NOT {is_short_sql(text)} THEN {bare_sql(text)} END AS {bare}"
        ],
    )


def _number(name: str, text: str, column: Column, spec: ColumnSpec) -> Cast:
    mark, thousands = spec.decimal or ".", spec.thousands
    prepared = []
    source = text
    removed = [spec.strip] if isinstance(spec.strip, str) else spec.strip or []
    if removed or spec.suffixes:
        for piece in removed:
            source = f"replace({source}, {literal(piece)}, '')"
        source = f"trim({source})"
        bare = ident(f"b_{name}")
        prepared.append(f"{source} AS {bare}")
        source = bare
    factor = ""
    if spec.suffixes:
        cases, lengths = [], []
        for suffix, value in sorted(spec.suffixes.items(), key=lambda item: -len(item[0])):
            test = f"WHEN upper({source}) LIKE {literal('%' + suffix.upper())}"
            cases.append(f"{test} THEN {int(value)}")
            lengths.append(f"{test} THEN trim(left({source}, length({source}) - {len(suffix)}))")
        factor = f" * CASE {' '.join(cases)} ELSE 1 END"
        source = f"CASE {' '.join(lengths)} ELSE {source} END"
    shape = _number_shape(mark, thousands, column.type == "integer" and not spec.suffixes)
    digits = source
    for character in _SPACES.get(thousands or "", thousands or ""):
        digits = f"replace({digits}, {literal(character)}, '')"
    if mark != ".":
        digits = f"replace({digits}, {literal(mark)}, '.')"
    if column.type == "integer":
        target = "BIGINT"
        if not spec.suffixes:
            digits = f"split_part({digits}, '.', 1)"
        else:
            digits = f"try_cast({digits} AS DECIMAL(18,4)){factor}"
    else:
        target = column.duckdb_type
        if factor:
            digits = f"try_cast({digits} AS DECIMAL(18,4)){factor}"
    matched = f"WHEN regexp_full_match({source}, {literal(shape)}) THEN try_cast({digits} AS {target})"
    if target == "BIGINT" and not spec.suffixes:
        # Most whole numbers are written as SQL writes them, and to see that costs a third of the pattern.
        plain = f"try_cast({source} AS BIGINT)"
        return Cast(
            f"CASE WHEN CAST({plain} AS VARCHAR) = {source} THEN {plain} {matched} END",
            "number_invalid", prepared=prepared,
        )  # fmt: skip
    return Cast(f"CASE {matched} END", "number_invalid", prepared=prepared)


def _number_shape(mark: str, thousands: str | None, whole: bool) -> str:
    """RE2 pattern of a number: grouped digits only in whole groups of three, decimals only after the mark."""
    point = re.escape(mark)
    plain = r"[0-9]+"
    if thousands:
        group = "[" + "".join(re.escape(c) for c in _SPACES.get(thousands, thousands)) + "]"
        plain = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)"
    fraction = rf"(?:{point}0*)?" if whole else rf"(?:{point}[0-9]*)?"
    bare_fraction = "" if whole else rf"|[+-]?{point}[0-9]+"
    return rf"[+-]?{plain}{fraction}{bare_fraction}"


def _temporal(name: str, text: str, column: Column, spec: ColumnSpec, defaults: Defaults, kind: str) -> Cast:
    zone = spec.timezone or defaults.timezone
    reason = "date_invalid" if column.type == "date" else "timestamp_invalid"
    day_only = spec.precision == "day" or (kind == "date" and column.type == "timestamp")
    utc, local, shift = ident(f"u_{name}"), ident(f"l_{name}"), ident(f"s_{name}")
    aware, naive = _instants(text, spec, kind)
    prepared = [
        f"{aware or 'CAST(NULL AS TIMESTAMP)'} AS {utc}",
        f"{naive or 'CAST(NULL AS TIMESTAMP)'} AS {local}",
    ]
    if column.type == "date" or day_only:
        zoned = f"timezone({literal(zone)}, timezone('UTC', {utc}))"
        day = f"CAST(coalesce({zoned if aware else utc}, {local}) AS DATE)"
        return Cast(day if column.type == "date" else f"CAST({day} AS TIMESTAMP)", reason, prepared=prepared)
    if not naive:
        return Cast(utc, reason, prepared=prepared)
    sql_shift = shift_sql(local, zone)
    if sql_shift == "0":
        converted, shifted, flag = utc_sql(local, zone, "0"), [], None
    else:
        converted, shifted = utc_sql(local, zone, shift), [f"{sql_shift} AS {shift}"]
        flag = f"CASE WHEN {shift} > 0 THEN 'dst_ambiguous' WHEN {shift} < 0 THEN 'dst_gap' END"
    value = f"coalesce({utc}, {converted})" if aware else converted
    is_doubtful = f"{shift} <> 0" if flag else None
    return Cast(
        value, reason, prepared=prepared, shifted=shifted, flag=flag, is_doubtful=is_doubtful
    )  # fmt: skip


def instants_sql(text: str, spec: ColumnSpec, kind: str) -> str:
    """SQL of the timestamp that a text stands for, as it is written: no zone is applied to a local one."""
    aware, naive = _instants(text, spec, kind)
    return f"coalesce({', '.join(filter(None, [naive, aware]))})"


def _instants(text: str, spec: ColumnSpec, kind: str) -> tuple[str, str]:
    """SQL of (UTC timestamp of values that name their offset, local timestamp of the others), '' for none."""
    if kind in {"epoch_s", "epoch_ms"}:
        factor = 1_000_000 if kind == "epoch_s" else 1_000
        digits = 11 if kind == "epoch_s" else 14
        whole = f"try_cast({text} AS BIGINT)"  # what nearly every source writes
        # A double holds every microsecond of this range exactly.
        instant = (
            f"CASE WHEN {whole} BETWEEN 0 AND {10**digits - 1} AND CAST({whole} AS VARCHAR) = {text} "
            f"THEN make_timestamp({whole} * {factor}) "
            f"WHEN regexp_full_match({text}, '[0-9]{{1,{digits}}}(?:[.][0-9]+)?') "
            f"THEN make_timestamp(CAST(round(try_cast({text} AS DOUBLE) * {factor}) AS BIGINT)) END"
        )
        return _plausible(instant), ""
    if kind == "excel_serial":
        number = f"try_cast({text} AS DOUBLE)"
        instant = (
            f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,6}}(?:[.][0-9]+)?') "
            f"THEN TIMESTAMP '1899-12-30' + to_seconds(CAST(round({number} * 86400) AS BIGINT)) END"
        )
        return "", _plausible(instant)
    aware, naive = [], []
    for pattern in spec.formats or ["iso"]:
        if pattern == "iso":
            stamp = rf"{_ISO_DAY}[T ]{_ISO_CLOCK} ?(?:Z|UTC|[+-]\d{{2}}(?::?\d{{2}})?)"
            aware.append(
                f"CASE WHEN regexp_full_match({text}, '{stamp}') "
                f"THEN timezone('UTC', try_cast({text} AS TIMESTAMPTZ)) END"
            )
            plain = rf"{_ISO_DAY}(?:[T ]{_ISO_CLOCK})?"
            naive.append(
                f"CASE WHEN regexp_full_match({text}, '{plain}') THEN try_cast({text} AS TIMESTAMP) END"
            )
        elif "%z" in pattern:
            aware.append(f"timezone('UTC', try_strptime({text}, {literal(pattern)}))")
        else:
            parsed = f"try_strptime({text}, {literal(pattern)})"
            # %Y also reads two digits, as a year of the first century.
            naive.append(f"CASE WHEN year({parsed}) >= 1000 THEN {parsed} END")
    return _first(aware), _first(naive)


def _plausible(instant: str) -> str:
    return f"CASE WHEN {instant} >= {EARLIEST} AND {instant} < {LATEST} THEN {instant} END"


def _first(items: list[str]) -> str:
    if len(items) < 2:
        return items[0] if items else ""
    return f"coalesce({', '.join(items)})"
