"""Fixtures shared by all tests: one tiny demo company, run once per session."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CI", "true")


# pyspark, where it is installed, takes a main module without a file (that of a pytest-xdist worker) for a doctest and
# ends the process; Great Expectations imports it.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

# A red build must be red again: properties draw the same examples on every run (many more in the nightly tests).
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# What is printed after this is the DuckDB bindings' own leak report at interpreter teardown.
atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


#: Folders and modules whose tests build a company or a warehouse each; marked `slow`.
SLOW = (
    "faults/",
    "golden/test_planted_deliveries.py",
    "golden/test_planted_metricflow.py",
    "integration/test_assistant_on_real_samples.py",
    "integration/test_empty_company.py",
    "integration/test_metrics_three_ways.py",
    "integration/test_mutated_marts.py",
    "integration/test_real_company.py",
    "integration/test_real_subscriptions.py",
    "integration/test_replayed_cycle.py",
    "integration/test_stewardship_round_trip.py",
    "integration/test_two_publications_of_the_demo.py",
    "integration/test_verified_ledger.py",
    "unit/dbt_marts/test_admission.py",
    "unit/dbt_marts/test_row_ledger.py",
    "unit/dbt_master/",
    "unit/explaining/test_explained_figures.py",
    "unit/impact/test_kpi_impact.py",
    "unit/ingest/test_delivery_orders.py",
    "unit/ingest/test_landing_together.py",
    "unit/ingest/test_snapshots.py",
    "unit/matching/test_two_years_of_matching.py",
    "unit/orchestration/test_figure_history.py",
    "unit/orchestration/test_publication.py",
    "unit/orchestration/test_publication_history.py",
    "unit/orchestration/test_quarantine_command.py",
    "unit/stewardship/test_replays.py",
    "unit/stewardship/test_review_queue.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of SLOW before pytest selects by mark."""
    folder = Path(__file__).parent
    for item in items:
        if item.path.relative_to(folder).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class DemoRun:
    """A company that was generated and published. Copy it (`demo_copy`) before changing anything."""

    company_dir: Path

    @property
    def work(self) -> Path:
        return self.company_dir / "work"

    @property
    def published(self) -> Path:
        return self.company_dir / "published"

    @property
    def marts(self) -> Path:
        return self.published / "marts.duckdb"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The tiny demo company, run from extracts to publication by the code behind `etalon run`."""
    from orchestration.commands.demo import generate_demo
    from orchestration.commands.run import run_cycle

    company = tmp_path_factory.mktemp("demo") / "tiny"
    generate_demo(company, "tiny")
    code = run_cycle(company, as_json=True)
    assert code == 0, f"etalon run ended with {code}: see {company}/work/run/run.log"
    return DemoRun(company)


@pytest.fixture
def demo_copy(demo_run: DemoRun, tmp_path: Path) -> Callable[[], DemoRun]:
    """Copies of the published demo company, to mutate."""
    made: list[Path] = []

    def copy() -> DemoRun:
        target = tmp_path / f"copy_{len(made)}"
        shutil.copytree(demo_run.company_dir, target)
        made.append(target)
        return DemoRun(target)

    return copy
