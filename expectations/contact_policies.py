"""contact_policies.yml of a company -> dated rows of the contact policy; without the file those of the project hold.

A row says what held between two days, in which version, by whom and on which ground. Rows of one profile follow each
other and never overlap, so that every day has at most one. What does NOT belong here: judging contacts
(quality_dbt.dq_contact_breaches), the rows that Etalon ships (dbt_project.yml).
"""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from expectations.catalogue import CatalogueError, explain, read_document
from expectations.checks import Strict

FILE = "contact_policies.yml"
#: Where a run keeps what dbt is given, below work/.
KEPT = Path("run") / "contact_policies.json"

_Hour = Annotated[int, Field(ge=0, le=24)]
_Count = Annotated[int, Field(ge=1, le=1000)]
_Rate = Annotated[float, Field(ge=0.0001, lt=1)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Dated(Strict):
    """valid_from: first day, None from ever. valid_to: first day that no longer counts, None for good."""

    version: _Name
    author: _Text
    basis: _Text
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _Dated:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must come after valid_from")
        return self


class Business(_Dated):
    """Everybody who belongs to a company."""

    profile_code: Literal["b2b_default"]
    send_from_hour: _Hour
    send_until_hour: _Hour
    account_max_touches: _Count
    account_window_hours: _Count
    mail_max_a_day: _Count
    cool_down_touches: _Count
    cool_down_days: _Count


class Consumer(_Dated):
    """Persons of a country whom no record ties to a company, on the telephone. call_hours: [from, until) of a day."""

    profile_code: Literal["fr_consumer"]
    country_code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    call_max_calls: _Count
    call_window_days: _Count
    call_hours: Annotated[list[tuple[_Hour, _Hour]], Field(min_length=1)]
    needs_opt_in: bool


class Data(_Dated):
    """How long a refusal without an end lasts, and how long data of prospects are kept."""

    profile_code: Literal["data"]
    cooling_off_days: _Count
    retention_months: _Count


class GuardRails(_Dated):
    """Weekly rates of mails above which (strictly) a week is in breach; a change up to the margin is none."""

    profile_code: Literal["guard_rails"]
    complaint_max_rate: _Rate
    unsubscribe_max_rate: _Rate
    bounce_max_rate: _Rate
    worse_margin_rate: _Rate


_ROWS = TypeAdapter(
    list[Annotated[Business | Consumer | Data | GuardRails, Field(discriminator="profile_code")]]
)
_PROFILES = ("b2b_default", "data")
#: What the project ships; its bars of the guard rails hold where a company writes none of its own.
_PROJECT = Path(__file__).resolve().parents[1] / "dbt_project" / "dbt_project.yml"


def read_contact_policies(path: Path) -> list[dict[str, Any]] | None:
    """The rows of a file as dbt takes them, earliest first; None without a file.

    Raises CatalogueError E-EXP-001 for what is not understood, overlaps, or leaves out a profile.
    """
    if not path.is_file():
        return None
    content, _ = read_document(path)
    rows = content.get("contact_policies") if len(content) == 1 else None
    if not isinstance(rows, list):
        raise CatalogueError(f"E-EXP-001 {path.name}: one list contact_policies expected")
    try:
        found = _ROWS.validate_python(rows)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: {explain(error)}") from error
    found.sort(key=lambda each: (each.profile_code, each.valid_from or date.min))
    for earlier, later in pairwise(found):
        if earlier.profile_code != later.profile_code:
            continue
        if earlier.valid_to is None or later.valid_from is None or later.valid_from < earlier.valid_to:
            raise CatalogueError(
                f"E-EXP-001 {path.name}: {earlier.profile_code}: {earlier.version} and {later.version} overlap"
            )
    for profile in _PROFILES:
        if not any(each.profile_code == profile for each in found):
            raise CatalogueError(f"E-EXP-001 {path.name}: no row of the profile {profile}")
    if len({each.country_code for each in found if isinstance(each, Consumer)}) > 1:
        raise CatalogueError(f"E-EXP-001 {path.name}: fr_consumer: one country_code expected in all rows")
    return [
        {name: value for name, value in each.model_dump(mode="json").items() if value is not None}
        for each in found
    ]


def known_at(rows: list[dict[str, Any]], end: date) -> list[dict[str, Any]]:
    """The rows of a file as they stood before the day `end`; none where the file was not written yet.

    A row that begins on it or later was not in force in the cycle, and an end on it or later had not come: a cycle run
    again judges as it judged before later rows were written. A profile that a file must have and that begins later
    keeps its first row, which holds on no day of the cycle.
    """
    found = [
        {name: value for name, value in row.items() if name != "valid_to" or value < end.isoformat()}
        for row in rows
        if row.get("valid_from", "") < end.isoformat()
    ]
    for profile in _PROFILES if found else ():
        if not any(row["profile_code"] == profile for row in found):
            found.append(next(row for row in rows if row["profile_code"] == profile))
    return found


def keep_contact_policies(company_root: Path, work: Path, cycle_end: date) -> None:
    """Write the company's rows, as they stood at the cycle's end, to work/run, where dbt operations and the fingerprint
    take them; remove older ones. Rows of the project hold where none of the company stood."""
    rows, kept = known_at(read_contact_policies(company_root / FILE) or [], cycle_end), work / KEPT
    if not rows:
        kept.unlink(missing_ok=True)
        return
    if not any(row["profile_code"] == "guard_rails" for row in rows):
        rows += _shipped_guard_rails()
    aside = kept.with_suffix(".tmp")
    aside.write_text(json.dumps(rows, sort_keys=True), encoding="utf-8")
    aside.replace(kept)


def kept_contact_policies(work: Path) -> list[dict[str, Any]] | None:
    """What keep_contact_policies() wrote, None when the rows of the project hold."""
    kept = work / KEPT
    return json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None


def _shipped_guard_rails() -> list[dict[str, Any]]:
    content, _ = read_document(_PROJECT)
    return [row for row in content["vars"]["contact_policies"] if row["profile_code"] == "guard_rails"]
