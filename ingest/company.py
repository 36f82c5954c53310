"""company.yml: which sources one company delivers, where its state lies, the settings of its cycle.

What does NOT belong here: reading extracts (landing.py) or vendor knowledge (mappings/).
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ingest.errors import ConfigurationError
from ingest.local_time import first_instant
from ingest.strict_yaml import read_yaml, validate
from ingest.zone_names import Zone

# A shorter salt is found by trying; the variable wins over company.yml, which may be shared.
SALT_VARIABLE, SALT_LENGTH = "ETALON_PRIVACY_SALT", 16


@dataclass(frozen=True)
class Source:
    """One instance of a vendor system: `mapping` is a vendor name or a path relative to the company.

    privacy_salt: that of the company, for columns that its mapping hashes.
    """

    instance: str
    mapping: str
    folder: str
    options: tuple[tuple[str, Any], ...] = ()
    privacy_salt: str | None = field(default=None, repr=False)

    def option_values(self) -> dict[str, Any]:
        """Options as a dictionary; they override the defaults of the mapping."""
        return dict(self.options)


@dataclass(frozen=True)
class Company:
    """Settings of one company and the folders of its state (see docs of the company directory)."""

    root: Path
    company: str
    reporting_currency: str
    timezone: str
    own_domains: tuple[str, ...]
    cycle: str
    conversion_window_days: int
    conversation_min_s: int
    sources: tuple[Source, ...] = field(default=())

    @property
    def extracts(self) -> Path:
        """Input files; read only to the pipeline."""
        return self.root / "extracts"

    @property
    def work(self) -> Path:
        """Pipeline state; can be rebuilt from the extracts."""
        return self.root / "work"

    @property
    def decisions(self) -> Path:
        """What people decided: repaired lines, accepted snapshots. Input like the extracts, kept when work/ goes."""
        return self.root / "decisions"

    @property
    def stewardship(self) -> Path:
        """What stewards decided about companies and persons. Input like the extracts, kept when work/ goes."""
        return self.root / "stewardship"

    @property
    def published(self) -> Path:
        """Published marts, receipts and reports."""
        return self.root / "published"

    @property
    def as_of(self) -> dt.datetime:
        """First local instant of the month after the cycle, as naive UTC: the 'now' of every metric."""
        year, month = (int(part) for part in self.cycle.split("-"))
        return first_instant(dt.date(year + month // 12, month % 12 + 1, 1), self.timezone)


class _SourceModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    instance: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    mapping: str
    folder: str
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("folder")
    @classmethod
    def _inside_extracts(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("folder must stay under extracts/")
        return value


class _CompanyModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=1)
    company: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    reporting_currency: str = Field(pattern=r"^[A-Z]{3}$")
    timezone: Zone = "UTC"
    own_domains: list[str] = Field(default_factory=list)
    cycle: str
    conversion_window_days: int = Field(default=30, ge=1)
    conversation_min_s: int = Field(default=10, ge=0)
    privacy_salt: str | None = Field(default=None, min_length=SALT_LENGTH)
    sources: list[_SourceModel]

    @field_validator("cycle")
    @classmethod
    def _a_month(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
            raise ValueError("cycle must be a month written yyyy-mm")
        return value


def load_company(path: Path) -> Company:
    """The company of `path` (its directory, or the company.yml itself).

    Raises ConfigurationError (E-ING-1xx) naming the key when the file is missing or wrong.
    """
    path = Path(path)
    file = path if path.suffix in {".yml", ".yaml"} else path / "company.yml"
    model = validate(_CompanyModel, read_yaml(file), "company.yml")
    names = [source.instance for source in model.sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(
            "E-ING-105", "company.yml: sources", detail=f"instance {twice[0]} is declared twice"
        )
    salt = os.environ.get(SALT_VARIABLE) or model.privacy_salt
    if salt is not None and len(salt) < SALT_LENGTH:
        raise ConfigurationError("E-ING-120", SALT_VARIABLE, detail=f"shorter than {SALT_LENGTH} characters")
    return Company(
        root=file.parent.resolve(),
        company=model.company,
        reporting_currency=model.reporting_currency,
        timezone=model.timezone,
        own_domains=tuple(domain.strip().lower() for domain in model.own_domains),
        cycle=model.cycle,
        conversion_window_days=model.conversion_window_days,
        conversation_min_s=model.conversation_min_s,
        sources=tuple(
            Source(s.instance, s.mapping, s.folder, tuple(sorted(s.options.items())), salt)
            for s in model.sources
        ),
    )
