"""The keys of a mapping file: pydantic models, each key with its description and the checks it can do alone.

mapping.schema.json and the table of keys in docs/mapping.md are held against these models by tests.
What does NOT belong here: checks against contracts and companies (mapping.py), SQL (conversion.py).
"""

from __future__ import annotations

import codecs
import datetime as dt
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingest.check_model import CheckSpec
from ingest.date_formats import check_formats
from ingest.lookup_model import ColumnLookup, NamedLookup, lookup_order
from ingest.shape_model import SHAPES, Explode, FillDown, Fold, Pair, Unpivot
from ingest.zone_names import Zone

# Codecs that Python counts as text and that write host names or source code, not extracts.
NO_EXTRACTS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SourceInfo(_Strict):
    """Which vendor system this mapping reads."""

    system: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Vendor system, written to source_system.")
    domain: str = Field(default="", description="Business domain, for people.")
    owner: str = Field(default="", description="Who answers for this source, for people.")


class Defaults(_Strict):
    """Values used where a column does not say otherwise; `options` of company.yml override them."""

    timezone: Zone = Field(default="UTC", description="IANA zone of times without an offset.")
    currency: str | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="Fills a currency column that a table leaves out."
    )
    phone_region: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}$", description="Country of phone numbers without +."
    )
    null_values: list[str] = Field(
        default_factory=lambda: [""], description="Texts that mean missing; the empty text always does."
    )


class Snapshot(_Strict):
    """A file that holds all records of its source: those that the newest one does not hold are removed."""

    complete: Literal[True] = Field(description="true: a record that is not in the file is gone.")
    max_removed: float = Field(
        gt=0, le=1, description="Largest share of the known records that one file may remove without asking."
    )


class Privacy(_Strict):
    """Columns of a file that never reach raw as they are."""

    drop: list[str] = Field(default_factory=list, description="Columns that are not read at all.")
    hash: list[str] = Field(
        default_factory=list, description="Columns of which only the SHA-256 with the company's salt is read."
    )

    @model_validator(mode="after")
    def _one_fate(self) -> Privacy:
        if set(self.drop) & set(self.hash) or not (self.drop or self.hash):
            raise ValueError("privacy names columns to drop or to hash, each once")
        return self


class AtLeast(_Strict):
    """expected_columns: {at_least: [...]}."""

    at_least: list[str] = Field(
        min_length=1,
        description="Columns that must be there; others are listed in the controls and not read.",
    )


class Retention(_Strict):
    """How long the records of a table may be used."""

    days: int = Field(
        ge=1, le=36_500, description="Records older than this many days at as_of are suppressed."
    )
    column: str = Field(description="Contract column, a date or a timestamp, that says how old a record is.")


class FileSpec(_Strict):
    """One kind of file: where it lies and how its bytes become records."""

    path: str | list[str] = Field(
        min_length=1,
        description="Below the source's folder, or a list of such paths; *, ?, **/ and {date} are replaced.",
    )
    format: Literal["delimited", "jsonl", "json", "ics", "parquet", "fixed_width", "xlsx"] = Field(
        description="How the bytes hold records."
    )
    sheet: str | int | None = Field(
        default=None,
        description="Sheet of a workbook: its name, or its number among the visible ones, the first is 1.",
    )
    compression: Literal["gzip", "zip"] | None = Field(
        default=None, description="How the file was compressed; its text is expanded within bounds."
    )
    member: str | None = Field(
        default=None, description="The file inside a zip, by name or pattern; needed when it holds several."
    )
    encoding: str = Field(default="utf-8", description="Python codec, decoded strictly.")
    newline: Literal["auto", "lf"] = Field(
        default="auto", description="auto turns CRLF, CR and CR CR LF into LF; lf takes CR as data."
    )
    delimiter: str | None = Field(default=None, description="One character between two values.")
    quote: str | None = Field(
        default='"', description="Character around values; null for files without quoting."
    )
    escape: str | None = Field(
        default=None, description="Character before a quote inside a value; a doubled quote by default."
    )
    header: Literal[True] | list[str] = Field(
        default=True, description="true, or the names of the columns of a file without header."
    )
    header_aliases: dict[str, str] = Field(
        default_factory=dict, description="Spelling in the file: name used in this mapping."
    )
    expected_columns: list[int] | list[str] | AtLeast | None = Field(
        default=None,
        description="Names of the columns, those that must be there, or the allowed numbers of columns; another "
        "header refuses the file.",
    )
    optional_columns: list[str] = Field(
        default_factory=list,
        description="Columns beside expected_columns that the vendor may not deliver: read where they are there, "
        "empty where they are not.",
    )
    fields: dict[str, str | tuple[int, int]] | list[str] | None = Field(
        default=None,
        description="Fields of a record. JSON: name: path, or a list of top-level keys; fixed_width: name: [start, "
        "length], in characters, the first one is 1.",
    )
    line_length: int | tuple[int, int] | None = Field(
        default=None,
        description="Characters of every line of a fixed_width file, or [shortest, longest]; by default those up to "
        "the end of the last field.",
    )
    skip_rows: int = Field(
        default=0,
        ge=0,
        description="Lines before the header, or before the first record of a file without header.",
    )
    drop_rows_where: str | None = Field(
        default=None, description="Condition of rows that are no record, such as totals."
    )
    on_bad_line: Literal["quarantine", "refuse"] = Field(
        default="quarantine",
        description="What a line that is no record does: it is set aside, or the file is refused.",
    )
    on_undecodable: Literal["refuse", "quarantine"] = Field(
        default="refuse", description="What bytes that the encoding does not have do."
    )
    on_utf8: Literal["refuse", "accept"] = Field(
        default="refuse",
        description="What a file does whose bytes are UTF-8 although its encoding is a code page of one byte a "
        "character: accept where the source passes on raw bytes, whatever they are.",
    )
    final_newline: Literal["required", "optional"] | None = Field(
        default=None, description="Whether a file without a newline at its end counts as cut."
    )
    trim: bool = Field(default=True, description="Remove the spaces around values.")
    null_values: list[str] | None = Field(
        default=None, description="Texts that mean missing in this file, instead of those of defaults."
    )
    required: bool = Field(default=True, description="false when the vendor may not deliver it.")
    privacy: Privacy | None = Field(
        default=None, description="Columns that are dropped or hashed before raw."
    )
    cadence: Literal["monthly", "on_change"] | None = Field(
        default=None,
        description="monthly: a month without a delivery holds the publication; on_change: it comes when it changes.",
    )
    covers: Literal["previous_month"] | None = Field(
        default=None,
        description="previous_month: the date in the path is after the month that the file tells of.",
    )
    lookup_version: Literal["same_date", "newest"] = Field(
        default="same_date",
        description="Which delivery of this file others look values up in: that of their own date, or the newest one.",
    )

    snapshot: Snapshot | None = Field(
        default=None,
        description="Declares the file a complete snapshot: records absent from the newest one are removed.",
    )

    @field_validator("encoding")
    @classmethod
    def _codec(cls, value: str) -> str:
        try:
            info = codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no Python codec") from None
        if not getattr(info, "_is_text_encoding", True):
            raise ValueError(f"{value!r} does not turn bytes into text")
        if info.name.replace("-", "_") in NO_EXTRACTS:
            raise ValueError(f"{value!r} is no encoding of extracts")
        return info.name

    @field_validator("path")
    @classmethod
    def _relative(cls, value: str | list[str]) -> str | list[str]:
        paths = [value] if isinstance(value, str) else value
        for path in paths:
            if path.startswith("/") or ".." in Path(path).parts:
                raise ValueError("path is relative to the source's folder")
            if path.count("{date}") > 1 or "{" in path.replace("{date}", ""):
                raise ValueError("path may hold {date} once and no other braces")
        if len({"{date}" in path for path in paths}) > 1:
            raise ValueError("either every path of a file holds {date}, or none")
        return value

    @model_validator(mode="after")
    def _by_format(self) -> FileSpec:
        given = self.model_fields_set
        only_delimited = {"delimiter", "quote", "escape", "header", "header_aliases", "expected_columns"}
        only_delimited |= {"optional_columns", "skip_rows", "final_newline"}
        if self.sheet is not None and self.format != "xlsx":
            raise ValueError("sheet belongs to xlsx")
        if isinstance(self.sheet, int) and self.sheet < 1:
            raise ValueError("the first sheet is 1")
        if self.format != "delimited":
            allowed = {
                "xlsx": {
                    *("header", "header_aliases", "expected_columns", "optional_columns"),
                    *("skip_rows", "on_bad_line"),
                },
                "fixed_width": {"skip_rows", "final_newline"},
                "jsonl": {"final_newline"},
                "parquet": {"expected_columns", "optional_columns", "header_aliases"},
            }
            if self.is_binary:
                only_delimited |= {"encoding", "newline", "on_undecodable", "on_utf8", "on_bad_line"}
            wrong = sorted(given & only_delimited - allowed.get(self.format, set()))
            if wrong:
                raise ValueError(f"{wrong[0]} has no meaning for format {self.format}")
        if (self.format in {"json", "jsonl", "fixed_width"}) != (self.fields is not None):
            raise ValueError("fields belongs to json, jsonl and fixed_width, and only to them")
        if self.line_length is not None and self.format != "fixed_width":
            raise ValueError(f"line_length has no meaning for format {self.format}")
        if self.fields is not None:
            self._check_fields()
        if self.format == "delimited":
            self._check_dialect()
        if self.format in {"delimited", "xlsx"}:
            self._check_header()
        self._check_columns()
        if self.member is not None and (self.compression != "zip" or set(self.member) & set("{}")):
            raise ValueError(
                "member names the file inside a zip: a name or a pattern with * and ?, no braces"
            )
        for key in ("cadence", "covers"):
            if getattr(self, key) in {"monthly", "previous_month"} and not self.is_dated:
                raise ValueError(f"{key}: {getattr(self, key)} needs {{date}} in the path")
        if self.snapshot and not self.is_dated:
            raise ValueError("snapshot needs {date} in the path: the newest one counts")
        return self

    def _check_fields(self) -> None:
        places = (
            [isinstance(v, tuple) for v in self.fields.values()] if isinstance(self.fields, dict) else [False]
        )
        is_placed = all(places) if self.format == "fixed_width" else any(places)
        if not self.fields or is_placed != (self.format == "fixed_width"):
            wanted = "name: [start, length]" if self.format == "fixed_width" else "name: path"
            raise ValueError(f"fields of {self.format} are written {wanted}")
        if self.format != "fixed_width":
            return
        if any(start < 1 or size < 1 for start, size in self.field_places().values()):
            raise ValueError("a field starts at 1 or after and has one character or more")
        shortest, longest = self.line_lengths()
        last = max(start + size - 1 for start, size in self.field_places().values())
        if not 1 <= shortest <= longest or last > longest:
            raise ValueError(f"the last field ends at {last}, line_length at {longest}")

    def _check_dialect(self) -> None:
        if not self.delimiter or len(self.delimiter) != 1 or self.delimiter in "\r\n":
            raise ValueError("delimiter must be one character")
        for name in ("quote", "escape"):
            value = getattr(self, name)
            if value is not None and (len(value) != 1 or value in "\r\n"):
                raise ValueError(f"{name} must be one character, no line break, or null")
            if value == self.delimiter:
                raise ValueError(
                    f"{name} and delimiter are both {value!r}: no value could be told from its end"
                )
        if self.quote is None and self.escape is not None:
            raise ValueError("escape needs a quote")

    def _check_columns(self) -> None:
        expected = self.expected_columns
        if isinstance(expected, list):
            if not expected:
                raise ValueError("expected_columns is empty: counts [13], a list of names, or at_least")
            if any(isinstance(n, int) and n < 1 for n in expected):
                raise ValueError("expected_columns counts columns from 1 on")
        names = [str(n) for n in (expected.at_least if isinstance(expected, AtLeast) else expected or [])]
        names += self.optional_columns
        if self.optional_columns and (not names or names[0].isdigit() or expected is None):
            raise ValueError("optional_columns stands beside the names of expected_columns")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected_columns and optional_columns name {twice[0]} twice")
        declared = self.declared_columns
        if declared is not None and not isinstance(expected, AtLeast):
            strangers = sorted(set(self.header_aliases.values()) - set(declared))
            if strangers:
                raise ValueError(
                    f"header_aliases leads to {strangers[0]}, which expected_columns does not name"
                )

    def _check_header(self) -> None:
        if self.header is True and self.expected_columns is None:
            raise ValueError(
                "expected_columns is required with a header: counts [13], a list of names, or at_least"
            )
        if self.header is not True:
            if len(set(self.header)) != len(self.header) or not self.header:
                raise ValueError("header lists each column name once")
            if self.expected_columns is not None or self.header_aliases:
                raise ValueError(
                    "a listed header already fixes the columns: no expected_columns, no header_aliases"
                )

    @property
    def paths(self) -> list[str]:
        """Patterns of its paths below the source's folder."""
        return [self.path] if isinstance(self.path, str) else self.path

    @property
    def is_dated(self) -> bool:
        """True when its paths hold {date}."""
        return "{date}" in self.paths[0]

    @property
    def is_binary(self) -> bool:
        """True for a format that is no text."""
        return self.format in {"parquet", "xlsx"}

    @property
    def declared_columns(self) -> list[str] | None:
        """Names that a header, or expected_columns and optional_columns, declare; None when they are only counted."""
        if isinstance(self.header, list):
            return self.header
        if isinstance(self.expected_columns, AtLeast):
            return [*self.expected_columns.at_least, *self.optional_columns]
        expected = self.expected_columns or []
        if not expected or not isinstance(expected[0], str):
            return None
        return [*(str(name) for name in expected), *self.optional_columns]

    @property
    def is_monthly(self) -> bool:
        """True when a month without a delivery is incomplete: required and dated, unless declared otherwise."""
        if self.cadence:
            return self.cadence == "monthly"
        return self.required and self.is_dated

    def month_told(self, day: dt.date) -> str:
        """The month (yyyy-mm) that a delivery dated `day` tells of."""
        told = day.replace(day=1) - dt.timedelta(days=1) if self.covers == "previous_month" else day
        return f"{told:%Y-%m}"

    @property
    def escape_character(self) -> str | None:
        """The declared escape; a doubled quote where none is declared."""
        return self.escape or self.quote

    @property
    def needs_final_newline(self) -> bool:
        """True when a file without a newline at its end counts as cut; of jsonl see check_final_newline."""
        return (
            self.final_newline
            or ("required" if self.format in {"delimited", "fixed_width", "jsonl"} else "optional")
        ) == "required"

    def field_paths(self) -> dict[str, str]:
        """Record field -> JSON path, for json and jsonl."""
        if isinstance(self.fields, dict):
            return {name: str(path) for name, path in self.fields.items()}
        return {name: name for name in self.fields or []}

    def field_places(self) -> dict[str, tuple[int, int]]:
        """Record field -> (first character, number of characters), for fixed_width."""
        fields = self.fields if isinstance(self.fields, dict) else {}
        return {name: place for name, place in fields.items() if isinstance(place, tuple)}

    def line_lengths(self) -> tuple[int, int]:
        """Shortest and longest line of a fixed_width file, in characters."""
        if isinstance(self.line_length, tuple):
            return self.line_length
        last = self.line_length or max(start + size - 1 for start, size in self.field_places().values())
        return last, last


class UnmappedDefault(_Strict):
    """on_unmapped: {default: value}."""

    default: str = Field(description="Value of everything that map does not list.")


SourceType = Literal[
    "text", "email", "phone", "boolean", "integer", "decimal",
    "timestamp", "date", "epoch_s", "epoch_ms", "excel_serial",
]  # fmt: skip


class ColumnSpec(_Strict):
    """How one column of a contract is filled: exactly one origin, then map, then type."""

    source: str | None = Field(default=None, description="A column of the file.")
    const: str | int | float | bool | None = Field(default=None, description="A constant.")
    expr: str | None = Field(default=None, description="Scalar SQL over the columns of the record.")
    hash: list[str] | None = Field(
        default=None, min_length=1, description="Columns whose SHA-256 (32 digits) is the value."
    )
    occurrence: bool = Field(
        default=False, description="Number equal rows of one file, so that rows without a key stay apart."
    )
    row_number: Literal[True] | None = Field(default=None, description="The line of the record.")
    lookup: ColumnLookup | None = Field(
        default=None, description="A value taken from another file of the source."
    )
    map: dict[str, str | bool | int] | None = Field(
        default=None,
        description="Value of the source: value of the contract; the empty text stands for missing.",
    )
    on_unmapped: Literal["journal", "refuse", "keep"] | UnmappedDefault = Field(
        default="journal", description="What a value that map does not list becomes."
    )
    type: SourceType | None = Field(
        default=None, description="How the source writes the value; the type of the contract by default."
    )
    formats: list[str] = Field(default_factory=list, description="Ordered strptime patterns, or iso.")
    precision: Literal["second", "minute", "day"] | None = Field(
        default=None, description="day keeps the calendar day; second and minute are noted."
    )
    timezone: Zone | None = Field(default=None, description="IANA zone of local times.")
    decimal: str | None = Field(default=None, min_length=1, max_length=1, description="Decimal mark.")
    thousands: str | None = Field(
        default=None, min_length=1, max_length=1, description="Mark between groups of three digits."
    )
    strip: str | list[str] | None = Field(
        default=None, description="Texts to remove from numbers, such as currency signs."
    )
    suffixes: dict[str, int] | None = Field(default=None, description="Suffix of a number: factor.")
    region: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}$", description="Country of phone numbers without +."
    )
    null_values: list[str] | None = Field(
        default=None, description="More texts that mean missing, for this column."
    )
    required: bool = Field(default=False, description="true sets aside records without it.")

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> ColumnSpec:
        origins = [n for n in ORIGINS if getattr(self, n) is not None]
        if len(origins) != 1:
            raise ValueError(f"exactly one of {', '.join(ORIGINS)} is needed, found {origins or 'none'}")
        if self.occurrence and self.hash is None:
            raise ValueError("occurrence belongs to hash")
        if "on_unmapped" in self.model_fields_set and self.map is None:
            raise ValueError("on_unmapped needs a map")
        if "formats" in self.model_fields_set and not self.formats:
            raise ValueError("formats is empty: write iso or a pattern such as %Y-%m-%d")
        check_formats(self.formats)
        return self


ORIGINS = ("source", "const", "expr", "hash", "row_number", "lookup")


class Dedupe(_Strict):
    """A declared key on which two records of one source are one, whatever their ids."""

    key: list[str] = Field(min_length=1, description="Contract columns on which two records are one.")
    keep: Literal["first", "last"] = Field(default="last", description="Which of them stays.")
    order_by: list[str] = Field(default_factory=list, description="Contract columns that order them.")


class TableSpec(_Strict):
    """One contract filled from one file or from the union of several."""

    contract: str | None = Field(
        default=None, description="The contract filled, when the table has another name."
    )
    from_: str | list[str] = Field(alias="from", description="A key of files, or a list of them (union).")
    stream: Literal["events", "attendees"] | None = Field(
        default=None, description="Which records of a calendar."
    )
    fill_down: FillDown | None = Field(
        default=None, description="Columns whose blank cells take the value above."
    )
    explode: Explode | None = Field(default=None, description="A list in one cell becomes one row per item.")
    unpivot: Unpivot | None = Field(default=None, description="Columns become rows.")
    pair: Pair | None = Field(default=None, description="A start and an end become one row.")
    fold: Fold | None = Field(default=None, description="Rows with one key become one row.")
    where: str | None = Field(default=None, description="Records for which it is false are kept out.")
    exclude: dict[str, str] = Field(
        default_factory=dict, description="Reason code: condition of the records kept out for it."
    )
    lookups: dict[str, NamedLookup] = Field(
        default_factory=dict,
        description="Other files joined to each row; their columns are read as name.column.",
    )
    key: list[str] = Field(
        default_factory=lambda: ["source_record_id"],
        min_length=1,
        description="Contract columns that make two records versions of one.",
    )
    dedupe: Dedupe | None = Field(
        default=None, description="A declared key on which two records are one although their ids differ."
    )
    retention: Retention | None = Field(
        default=None, description="Records that are too old to be used at as_of, by a column of the contract."
    )
    columns: dict[str, ColumnSpec] = Field(description="Column of the contract: how it is filled.")

    @model_validator(mode="after")
    def _one_shape(self) -> TableSpec:
        shapes = [name for name in SHAPES if getattr(self, name) is not None]
        if len(shapes) > 1:
            raise ValueError(f"a table has one shape: {shapes[0]} or {shapes[1]}")
        if (shapes or self.fill_down) and self.stream is not None:
            raise ValueError(f"{(shapes or ['fill_down'])[0]} has no meaning for a calendar")
        try:
            lookup_order(self.lookups)
        except ValueError as cycle:
            raise ValueError(f"lookups that match each other: {cycle}") from None
        if self.pair and "end" in self.lookups:
            raise ValueError("with pair, end. names the columns of the end: give the lookup another name")
        return self

    @property
    def files(self) -> list[str]:
        """File keys that the table reads."""
        return [self.from_] if isinstance(self.from_, str) else self.from_

    def looked_up(self, name: str) -> tuple[str, str] | None:
        """(lookup, column of its file) when `name` reads a column of a named lookup, else None."""
        lookup, dot, column = name.partition(".")
        return (lookup, column) if dot and lookup in self.lookups else None


class MappingModel(_Strict):
    """The whole mapping file."""

    version: int = Field(ge=1, description="Version of this mapping, kept with each delivery.")
    source: SourceInfo = Field(description="The vendor system.")
    defaults: Defaults = Field(
        default_factory=Defaults, description="Values used where a column does not say otherwise."
    )
    files: dict[str, FileSpec] = Field(description="Kinds of file, by a key of your choice.")
    tables: dict[str, TableSpec] = Field(description="Contracts filled.")
    checks: list[CheckSpec] = Field(
        default_factory=list, description="Controls of what the source delivered; none changes a row."
    )
