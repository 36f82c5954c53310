"""dbt in this process: the manifest, the three operations tag:staging, tag:master, tag:mart, and single models.

What does NOT belong here: models, and what happens between the operations. dbt is imported when it runs.
The DuckDB file stays open within an operation and is closed after it, so other steps can open it.
"""

from __future__ import annotations

import copy
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingest.private_files import shared_files
from orchestration.project import DBT_PROJECT, MANIFEST, hash_files, source_files

WAREHOUSE = "warehouse.duckdb"
PARSED = MANIFEST.with_name("partial_parse.msgpack")
STAMP = MANIFEST.with_name("parsed_from.txt")
TAGS = ("staging", "master", "mart")

# Opening the file again for each node costs some 40 ms a node; run_dbt closes it.
_ENVIRONMENT = {"DO_NOT_TRACK": "1", "ETALON_KEEP_OPEN": "True"}


@dataclass(frozen=True)
class NodeResult:
    """One executed dbt node. seconds: execution time. message: dbt's own text, may quote data."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    seconds: float
    n_failures: int
    message: str

    @property
    def is_failed(self) -> bool:
        return self.status in ("error", "fail", "runtime error", "partial success")


@dataclass(frozen=True)
class DbtOutcome:
    """What one dbt operation did."""

    tag: str
    nodes: tuple[NodeResult, ...]

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        return tuple(node for node in self.nodes if node.is_failed)

    def count(self, *resource_types: str) -> int:
        """Number of executed nodes of these types."""
        return sum(node.resource_type in resource_types for node in self.nodes)


class DbtStepFailedError(RuntimeError):
    """A model or a test of the dbt project failed. `outcome` lists every node; str() the failed ones."""

    def __init__(self, tag: str, outcome: DbtOutcome | None, reason: str = "") -> None:
        self.outcome = outcome
        failed = outcome.failed if outcome else ()
        parts = [f"{node.name}: {' '.join(node.message.split())[:400]}" for node in failed[:5]]
        if len(failed) > 5:
            parts.append(f"and {len(failed) - 5} more")
        detail = "; ".join(parts) or reason
        super().__init__(f"dbt operation {tag}: {len(failed) or 'no'} failed node(s). {detail}")


def manifest() -> dict[str, Any]:
    """The parsed dbt project (manifest.json); parsed first when missing or older than a source."""
    ensure_manifest()
    return _read_manifest(MANIFEST.stat().st_mtime_ns)


def ensure_manifest() -> Path:
    """Path of an up-to-date manifest.json. Parsing takes about 10 s and opens no database."""
    if is_parsed():
        return MANIFEST
    with shared_files():  # the parsed project belongs to everyone who uses this checkout
        MANIFEST.parent.mkdir(parents=True, exist_ok=True)
        with (MANIFEST.parent / ".parsing").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)  # two runs of two companies may both find it stale
            if not is_parsed():
                _parse()
    return MANIFEST


def is_parsed() -> bool:
    """True when the manifest at hand was parsed from the project's present files."""
    files = (MANIFEST, PARSED, STAMP)
    return all(path.is_file() for path in files) and STAMP.read_text() == _project_hash()


def _parse() -> None:
    STAMP.unlink(missing_ok=True)
    PARSED.unlink(
        missing_ok=True
    )  # dbt's partial parse of an older project stumbles over a metric that went away
    parsed_from = _project_hash()
    with _environment(MANIFEST.parent / "work"):
        result = _runner(None).invoke(
            ["parse", "--target-path", str(MANIFEST.parent), *_flags(MANIFEST.parent / "logs")]
        )
    if not result.success:
        raise DbtStepFailedError("parse", None, str(result.exception or "the dbt project does not parse"))
    STAMP.write_text(parsed_from)


def _project_hash() -> str:
    return hash_files(source_files("dbt_project"))


def run_dbt(tag: str, work: Path, *, on_node: Callable[[NodeResult], None] | None = None) -> DbtOutcome:
    """Build every node of one tag and the tests whose parents exist by then.

    work: the company's work directory (ETALON_WORK). on_node: called after each node, for progress.
    Raises DbtStepFailedError when a model or a test fails; models after a failed one are skipped by dbt.
    """
    if tag not in TAGS:
        raise ValueError(f"unknown dbt operation {tag!r}")
    outcome = _build(tag, ["--select", f"tag:{tag}", "--indirect-selection", "buildable"], work, on_node)
    if not outcome.count("model"):
        raise DbtStepFailedError(tag, outcome, f"no model carries the tag {tag}")
    return outcome


def run_models(
    name: str,
    selected: Sequence[str],
    work: Path,
    *,
    excluded: Sequence[str] = (),
    switched_off: Sequence[str] = (),
    on_node: Callable[[NodeResult], None] | None = None,
) -> DbtOutcome:
    """Build the seeds and models of a selection, without any test. name: what errors call it.

    switched_off: reasons that no row gets (macro `applies`). Otherwise as run_dbt.
    """
    arguments = ["--select", *selected, "--resource-type", "model", "--resource-type", "seed"]
    arguments += ["--exclude", *excluded] if excluded else []
    return _build(name, arguments, work, on_node, {"switched_off": list(switched_off)})


def _build(
    name: str,
    arguments: list[str],
    work: Path,
    on_node: Callable[[NodeResult], None] | None,
    given: Mapping[str, Any] | None = None,
) -> DbtOutcome:
    from expectations.contact_policies import kept_contact_policies
    from expectations.thresholds import told_thresholds

    policies, thresholds = kept_contact_policies(work), told_thresholds(work)
    wanted = {
        **(given or {}),
        **({"contact_policies": policies} if policies else {}),
        **({"thresholds": thresholds} if thresholds else {}),
    }
    if wanted:
        arguments = [*arguments, "--vars", json.dumps(wanted)]
    ensure_manifest()
    # dbt writes compiled SQL into the manifest's nodes: hand it a copy, keep the held one clean.
    held = copy.deepcopy(_held_manifest(MANIFEST.stat().st_mtime_ns))
    held.build_flat_graph()  # the `graph` variable of macros; a full parse would build it
    runner = _runner(held)
    if on_node is not None:
        runner.callbacks.append(_Progress(on_node))
    with _environment(work):
        try:
            result = runner.invoke(
                ["build", *arguments, "--no-write-json",
                 "--target-path", str(work / "dbt"), *_flags(work / "run")]
            )  # fmt: skip
        finally:
            _close_warehouse()
    outcome = DbtOutcome(
        name, tuple(_node_result(item) for item in getattr(result.result, "results", None) or ())
    )
    if not result.success:
        raise DbtStepFailedError(
            name, outcome, str(result.exception or "see run/dbt.log in the work directory")
        )
    return outcome


def _flags(log_folder: Path) -> list[str]:
    return [
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target", "duckdb",
        "--log-path", str(log_folder),
        "--log-level", "none", "--log-level-file", "warn", "--no-use-colors", "--no-version-check",
        "--no-print", "--no-send-anonymous-usage-stats",
    ]  # fmt: skip


def read_project() -> None:
    """Load dbt and read the parsed project ahead of the first operation, which would do it otherwise."""
    _runner(_held_manifest(ensure_manifest().stat().st_mtime_ns))


def _runner(held: Any) -> Any:
    from dbt.cli.main import dbtRunner

    return dbtRunner(manifest=held, callbacks=[])


def _close_warehouse() -> None:
    """Close the DuckDB file that dbt kept open; nothing when it never opened one."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()


class _Progress:
    def __init__(self, on_node: Callable[[NodeResult], None]) -> None:
        self._on_node = on_node

    def __call__(self, event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            info = event.data.node_info
            kind = {"LogModelResult": "model", "LogTestResult": "test"}.get(event.info.name, "seed")
            self._on_node(NodeResult(info.unique_id, kind, info.node_name, info.node_status, 0.0, 0, ""))


def _node_result(item: Any) -> NodeResult:
    return NodeResult(
        unique_id=item.node.unique_id,
        resource_type=str(item.node.resource_type),
        name=item.node.name,
        status=str(item.status),
        seconds=float(item.execution_time or 0),
        n_failures=int(item.failures or 0),
        message=str(item.message or ""),
    )


@contextmanager
def _environment(work: Path) -> Iterator[None]:
    """ETALON_WORK and telemetry switches for dbt, restored afterwards."""
    wanted = _ENVIRONMENT | {"ETALON_WORK": str(work.resolve())}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@cache
def _read_manifest(_mtime_ns: int) -> dict[str, Any]:
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


@cache
def _held_manifest(_mtime_ns: int) -> Any:
    from dbt.contracts.graph.manifest import Manifest

    # what dbt itself keeps between two parses; manifest.json loses the kind of generic tests
    return Manifest.from_msgpack(PARSED.read_bytes())
