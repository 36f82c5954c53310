"""What `etalon doctor` looks at: tools, room, configuration, and the integrity of what is published.

What does NOT belong here: printing, repairing. A finding is a name, a state (ok, warn, bad) and a sentence.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.dbt_running import is_parsed
from orchestration.project import code_version

if TYPE_CHECKING:
    from ingest.integrity import Damage

_TOOLS = (
    "dagster",
    "dagster-dbt",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "pyarrow",
    "sqlalchemy",
)
_ENVIRONMENT = ("ETALON_COMPANY", "ETALON_MEMORY", "ETALON_LANGUAGE", "ETALON_CRASH_AT", "DAGSTER_HOME")
_ROOM_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at. state: ok, warn or bad."""

    name: str
    state: str
    text: str


def diagnose(directory: Path) -> list[Finding]:
    """All findings, in reading order. Nothing is changed and no run is needed."""
    return [*_tools(), *_environment(), *_room(directory), *_company(directory)]


def _tools() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "bad", version)
    for name in _TOOLS:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "bad", "not installed: install from requirements.lock")
    yield Finding("code", "ok", f"version {code_version()}")
    yield Finding("dbt manifest", "ok", "up to date" if is_parsed() else "will be parsed by the next run")


def _environment() -> Iterator[Finding]:
    for name in _ENVIRONMENT:
        value = os.environ.get(name)
        if value is not None:
            yield Finding(name, "warn" if name == "ETALON_CRASH_AT" else "ok", value)


def _room(directory: Path) -> Iterator[Finding]:
    place = next(path for path in (directory, *directory.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free
    state = "ok" if free > _ROOM_BYTES else "warn"
    yield Finding("disk", state, f"{free / 1024**3:.1f} GiB free")


def _company(directory: Path) -> Iterator[Finding]:
    from ingest import load_company
    from ingest.errors import IngestError

    try:
        company = load_company(directory)
    except IngestError as error:
        problem = error.problem
        yield Finding("company", "bad", f"{problem.code} {problem.text('what')} {problem.text('next')}")
        return
    yield Finding(
        "company", "ok", f"{company.company}, cycle {company.cycle}, {len(company.sources)} source(s)"
    )
    yield from _mappings(company)
    yield from _rules(company)
    yield from _framing(company)
    yield from _decisions(company)
    yield from _work(company)
    from orchestration.damaged_file import DamagedFileError
    from orchestration.publication.receipts import current_publication

    try:
        current = current_publication(company.published)
    except DamagedFileError as error:
        yield Finding("publication", "bad", f"{error}: {error.remedy}")
        return
    if current is None:
        yield Finding("publication", "warn", "nothing is published yet: etalon run")
    else:
        yield from _publication(company.published)
        yield from _roles(company)


def _reports(published: Path, live: str, is_rolled_back: bool) -> Iterator[Finding]:
    from orchestration.publication.report_stamp import are_unlisted, missing_reports

    # reports/latest goes on showing what was left; the pages of its time stand under its id
    if is_rolled_back:
        return
    missing = missing_reports(published, live)
    if missing and are_unlisted(published, live):
        text = "written by a version that kept no list of them; written again, with one, by: etalon run"
        yield Finding("reports", "warn", text)
    elif missing:
        yield Finding("reports", "bad", f"not there: {', '.join(missing)}; they are written by: etalon run")
    else:
        yield Finding("reports", "ok", "all written")


def _rules(company) -> Iterator[Finding]:
    from expectations.catalogue import CatalogueError, load_catalogue
    from expectations.contact_policies import FILE, read_contact_policies
    from expectations.policy import POLICY_FILE, load_policy
    from expectations.thresholds import FILE as THRESHOLDS
    from expectations.thresholds import read_thresholds
    from orchestration.experiments.errors import ExperimentError
    from orchestration.experiments.kept import check_experiments
    from orchestration.settings import waivers_path

    try:
        experiments = check_experiments(company.root)
        rules = load_catalogue().rules
        waivers = load_policy(POLICY_FILE, waivers_path(company)).waivers
        policies = read_contact_policies(company.root / FILE)
        thresholds = read_thresholds(company.root / THRESHOLDS)
    except (CatalogueError, ExperimentError) as error:
        yield Finding("rules", "bad", str(error))
        return
    yield Finding("rules", "ok", f"{len(rules)} rule(s), {len(waivers)} waiver(s)")
    if policies:
        yield Finding("contact policies", "ok", f"{len(policies)} row(s) of the company's own")
    if thresholds:
        yield Finding("thresholds", "ok", f"{len(thresholds)} row(s) of the company's own")
    if experiments:
        yield Finding("experiments", "ok", f"{experiments} protocol(s) that can be read")


def _roles(company) -> Iterator[Finding]:
    """The files of the roles, where there are any."""
    from ingest.errors import ConfigurationError
    from orchestration.access.declaring import read_access
    from orchestration.access.role_files import is_stale

    try:
        access, needs_building = read_access(company.root), is_stale(company)
    except ConfigurationError as error:
        problem = error.problem
        yield Finding("roles", "bad", f"{problem.code} {problem.where}: {problem.text('why')}")
        return
    if needs_building:
        yield Finding(
            "roles",
            "warn",
            "their files are not those of access.yml and the publication: etalon access build",
        )
    elif access is not None:
        yield Finding("roles", "ok", f"{len(access.roles)} role(s), each with its file")


def _framing(company) -> Iterator[Finding]:
    from ingest.errors import ConfigurationError
    from orchestration.cycles.standing import standing_of

    name = f"framing note {company.cycle}"
    try:
        standing = standing_of(company, company.cycle)
    except ConfigurationError as error:
        problem = error.problem
        yield Finding(name, "bad", f"{problem.code} {problem.where}: {problem.text('why')}")
        return
    if standing == "approved":
        yield Finding(name, "ok", "approved")
    else:
        yield Finding(name, "warn", f"{standing}: etalon cycle status")


def _decisions(company) -> Iterator[Finding]:
    from ingest.delivery_decisions import load_delivery_decisions
    from ingest.errors import IngestError
    from ingest.repairs import load_repairs
    from orchestration.stewardship.errors import StewardshipError
    from orchestration.stewardship.exclusions import read_exclusions
    from orchestration.stewardship.files import read_decisions
    from orchestration.stewardship.outlier_classes import read_outlier_classes

    try:
        n_steward = len(read_decisions(company.stewardship)) + len(read_outlier_classes(company.stewardship))
        n_steward += len(read_exclusions(company.stewardship))
    except StewardshipError as error:
        yield Finding("stewardship", "bad", f"{error} {error.text('next')}")
    else:
        yield Finding("stewardship", "ok", f"{n_steward} decision(s) of stewards")
    try:
        n_repairs = sum(len(repairs) for repairs in load_repairs(company.decisions).values())
        n_deliveries = len(load_delivery_decisions(company.decisions))
    except IngestError as error:
        yield Finding("decisions", "bad", str(error))
        return
    yield Finding("decisions", "ok", f"{n_repairs} repaired line(s), {n_deliveries} delivery decision(s)")


def _work(company) -> Iterator[Finding]:
    """Records, raw files and archived originals of the deliveries: each damaged one, or how many are sound."""
    from ingest.integrity import examine

    if not (company.work / "deliveries").is_dir():
        return
    found = examine(company)
    for kind in ("receipts", "raw", "archive"):
        damages = [damage for damage in found if damage.kind == kind]
        for damage in damages:
            yield Finding(kind, "bad", f"{damage.path}: {_cure(damage)}")
        if not damages:
            yield Finding(kind, "ok", "as written")


def _cure(damage: Damage) -> str:
    if damage.cure == "run":
        return "damaged or missing; made again by: etalon run --force"
    if damage.cure == "extract":
        return (
            f"damaged or missing; take it away if it is there, then: etalon run --force (copied again from"
            f" extracts/{damage.extract})"
        )
    if damage.extract:
        return f"damaged or missing; put the extract {damage.extract} back, then: etalon run --force"
    return "damaged; put its extract back, or take the file away, then: etalon run --force"


def _mappings(company) -> Iterator[Finding]:
    from ingest.errors import IngestError
    from ingest.mapping import load_mapping

    for source in company.sources:
        folder = company.extracts / source.folder
        try:
            load_mapping(source, company.root)
        except IngestError as error:
            yield Finding(f"source {source.instance}", "bad", str(error))
            continue
        files = sum(path.is_file() for path in folder.rglob("*")) if folder.is_dir() else 0
        state = "ok" if files else "warn"
        yield Finding(f"source {source.instance}", state, f"mapping {source.mapping}, {files} file(s)")


def _publication(published: Path) -> Iterator[Finding]:
    from ingest.integrity import is_readable_parquet
    from orchestration.publication.building import MARTS
    from orchestration.publication.files import file_sha256, read_json
    from orchestration.publication.hashing import published_hashes
    from orchestration.publication.publishing import MANIFEST as FOLDER_MANIFEST
    from orchestration.publication.publishing import damaged_files
    from orchestration.publication.receipts import chain, current_publication, read_receipt, receipts

    current = current_publication(published) or {}
    live = current.get("publication_id", "")
    damaged_receipts = [
        path.name for path in sorted((published / "receipts").glob("*.json")) if read_json(path) is None
    ]
    if damaged_receipts:
        text = f"damaged: {', '.join(damaged_receipts)}; put them back from a backup"
        yield Finding("publication receipts", "bad", text)
    for path in sorted((published / "registry").glob("*.parquet")):
        if not is_readable_parquet(path):
            text = f"damaged: {path.name}; put it back from a backup, else golden ids are minted anew"
            yield Finding("registry", "bad", text)
    receipt = read_receipt(published, live)
    if receipt is None:
        yield Finding("publication", "bad", f"{live} has no receipt: etalon run --force")
        return
    marts = published / MARTS
    if not marts.is_file() or file_sha256(marts) != current.get("marts_sha256"):
        yield Finding("marts", "bad", "marts.duckdb is not the file that was published: etalon run --force")
    elif published_hashes(marts) != receipt["logical_hashes"]:
        yield Finding("marts", "bad", "the tables differ from the receipt: etalon run --force")
    else:
        yield Finding("marts", "ok", f"{live}: {len(receipt['row_counts'])} tables as in the receipt")
    folder = published / "parquet" / live
    damaged = damaged_files(folder, read_json(folder / FOLDER_MANIFEST) or {"tables": {}})
    yield Finding(
        "parquet", "bad" if damaged else "ok", f"differs: {', '.join(damaged)}" if damaged else "as published"
    )
    yield from _reports(published, live, bool(current.get("rolled_back_from")))
    by_id = {item["publication_id"]: item for item in receipts(published)}
    broken = [
        item["publication_id"]
        for item in by_id.values()
        if item["chain_hash"]
        != chain(
            by_id.get(item["previous_publication_id"] or "", {}).get("chain_hash"),
            item["ledger_hash"],
            item["code_version"],
            item["policy_version"],
        )
    ]
    text = f"broken at {', '.join(broken)}" if broken else f"{len(by_id)} publication(s)"
    yield Finding("ledger chain", "bad" if broken else "ok", text)
