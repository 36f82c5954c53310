"""Settings of one run, its fingerprint, and the one-row Parquet that dbt reads.

What does NOT belong here: reading company.yml (see ingest.company), deciding anything.
`as_of` comes from the cycle, never from the clock; only `run_id` names the moment.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.damaged_file import DamagedFileError
from orchestration.project import code_version

if TYPE_CHECKING:
    from ingest.company import Company


@dataclass(frozen=True)
class RunSettings:
    """What one run computes with.

    as_of: first instant after the cycle in the company's zone, as naive UTC. cycle_end: exclusive.
    framing_version: of the cycle's framing note and its approval; empty without a note.
    """

    company: str
    cycle: str
    as_of: datetime
    cycle_start: date
    cycle_end: date
    reporting_currency: str
    timezone: str
    conversion_window_days: int
    conversation_min_s: int
    own_domains: str
    code_version: str
    policy_version: str
    run_id: str
    framing_version: str = ""

    def identity(self) -> dict[str, str]:
        """All settings that decide the result, as text: everything but the run id."""
        return {name: str(value) for name, value in asdict(self).items() if name != "run_id"}


def run_settings(company: Company, *, cycle: str | None = None, run_id: str | None = None) -> RunSettings:
    """Settings for a run of `company`. cycle: `yyyy-mm`, default the company's own.

    What the cycle's framing note says comes before company.yml, so that a cycle run again later gives its own figures.
    Raises ValueError when the cycle is not a month, CatalogueError for waivers, contact policies or thresholds that
    are not understood, ConfigurationError for such a framing note or access.yml, ExperimentError for such experiments.
    """
    month = cycle or company.cycle
    start, end = cycle_bounds(month)
    from expectations.contact_policies import FILE, read_contact_policies
    from expectations.policy import POLICY_FILE, load_policy
    from expectations.thresholds import FILE as THRESHOLDS
    from expectations.thresholds import read_thresholds
    from ingest.local_time import first_instant
    from orchestration.access.declaring import read_access
    from orchestration.cycles.note import read_note
    from orchestration.experiments.kept import check_experiments

    note = read_note(company.root, month, company.timezone)
    framing = note.framing if note else None
    check_experiments(company.root)
    read_contact_policies(company.root / FILE)  # one that is not understood stops the run before it begins
    read_thresholds(company.root / THRESHOLDS)
    read_access(company.root)
    return RunSettings(
        company=company.company,
        cycle=month,
        as_of=first_instant(end, company.timezone),
        cycle_start=start,
        cycle_end=end,
        reporting_currency=company.reporting_currency,
        timezone=company.timezone,
        conversion_window_days=(
            framing.attribution_window_days if framing else company.conversion_window_days
        ),
        conversation_min_s=(
            framing.contact.min_conversation_seconds if framing else company.conversation_min_s
        ),
        own_domains=",".join(company.own_domains),
        code_version=code_version(),
        policy_version=load_policy(POLICY_FILE, waivers_path(company)).version,
        run_id=run_id or make_run_id(),
        framing_version=note.version if note else "",
    )


def cycle_bounds(cycle: str) -> tuple[date, date]:
    """First day of the month `yyyy-mm` and first day of the next one."""
    try:
        start = date.fromisoformat(f"{cycle}-01")
    except ValueError as error:
        raise ValueError(f"cycle {cycle!r} is not a month written yyyy-mm") from error
    return start, date(start.year + start.month // 12, start.month % 12 + 1, 1)


def make_run_id() -> str:
    """Identifier of a run: UTC start and process id. It appears in receipts and logs, in no mart."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


def waivers_path(company: Company) -> Path:
    """The company's own waivers; the file may be absent."""
    return company.root / "waivers.csv"


def fingerprint(settings: RunSettings, delivery_ids: Iterable[str]) -> str:
    """64 hex over everything the published tables depend on: deliveries, settings, code, policy."""
    text = json.dumps(
        {"settings": settings.identity(), "deliveries": sorted(set(delivery_ids))}, sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()


def publication_id(settings: RunSettings, delivery_ids: Iterable[str]) -> str:
    """`<cycle>-<12 hex of the fingerprint>`: the same inputs give the same id."""
    return f"{settings.cycle}-{fingerprint(settings, delivery_ids)[:12]}"


def write_settings(settings: RunSettings, work: Path) -> Path:
    """Write work/run/settings.parquet (one row), replaced by rename."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "as_of": pa.timestamp("us"),
        "cycle_start": pa.date32(),
        "cycle_end": pa.date32(),
        "conversion_window_days": pa.int32(),
        "conversation_min_s": pa.int32(),
    }
    schema = pa.schema([(field.name, types.get(field.name, pa.string())) for field in fields(RunSettings)])
    path = work / "run" / "settings.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    pq.write_table(pa.Table.from_pylist([asdict(settings)], schema=schema), temporary, compression="lz4")
    temporary.replace(path)
    return path


def read_settings(work: Path) -> RunSettings:
    """Settings the candidate warehouse was built with.

    Raises NoRunYetError before the first run, DamagedFileError when the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ingest.errors import NoRunYetError

    path = work / "run" / "settings.parquet"
    if not path.is_file():
        raise NoRunYetError(f"no run has collected extracts yet ({path} is missing)")
    try:
        return RunSettings(**pq.read_table(path).to_pylist()[0])
    except (pa.ArrowException, TypeError, IndexError) as error:
        raise DamagedFileError(f"work/run/{path.name}", type(error).__name__, "etalon run --force") from error
