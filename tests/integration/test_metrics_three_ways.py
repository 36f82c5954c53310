"""The recomputation in plain Python on generated companies: every published KPI, month and segment.

On the other two MetricFlow stands beside it; for the demo company it does so in `test_metrics_agree.py`. Small planted
edges are in `tests/golden`.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from own_platform import add_own_platform

from orchestration.settings import read_settings
from tests.golden import kpi_oracle
from tests.golden.planted_company import master_tables
from tests.golden.planted_warehouse import model_columns
from tests.metricflow_engine import disagreements, open_engine, published_metrics

HALF_A_UNIT = Fraction(1, 2 * 10**6)  # medians are published with six decimals
TENTH_DECIMAL = Fraction(1, 10**9)
#: Seed of the other companies and their leads. The larger one has buyers enough for the value that is expected of them,
#: and is a draw whose purchases pass the checks of that model; the other has a second mail platform.
OTHERS = {7: 300, 13: 600}
#: Metrics without a value other than 0 in any of the three companies, and why. May shrink.
VACUOUS = {
    "deal_score_brier": "generated deals are won by kind and chance: no score beats the stage alone, none is shown",
}


def rows_of(work: Path) -> dict[str, list[dict[str, Any]]]:
    """The relations that the oracles read, from the warehouse and the estimates of a company's work folder."""
    schemas = {name: schema for name, (schema, _) in model_columns().items()}
    found = {}
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        for name in master_tables():
            relation = (
                f"'{work}/{name.replace('.', '/')}.parquet'" if "." in name else f"{schemas[name]}.{name}"
            )
            found[name] = con.sql(f"select * from {relation}").to_arrow_table().to_pylist()
    return found


def differences(work: Path) -> tuple[int, list[str]]:
    """(cells compared, cells that one side has and the other has not, or has otherwise).

    A cell of the mart without one of the oracle is a true zero of a metric that counts, or has no value.
    """
    settings = read_settings(work)
    expected = kpi_oracle.all_kpis(
        rows_of(work), settings.as_of, settings.conversion_window_days, settings.timezone
    )
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        published = {
            row[:4]: row[4:]
            for row in con.execute(
                "select metric_name, period_month, segment_kind_code, segment_code, metric_value, reason_code"
                " from marts.mart_management_kpis_month"
            ).fetchall()
        }
    metas = {name: metric["config"]["meta"] for name, metric in published_metrics().items()}
    places = {name: meta.get("places") for name, meta in metas.items()}
    wrong = [
        f"{cell}: mart {value}, nothing in Python"
        for cell, (value, _) in published.items()
        if cell not in expected and value is not None and (value or metas[cell[0]]["empty_month"] != "zero")
    ]
    for cell, (value, _, _) in expected.items():
        got, reason = published.get(cell, (None, "no such cell"))
        if reason == "no_delivery":
            continue  # the source of the month has sent nothing: the mart says so, the rows cannot know it
        slack = HALF_A_UNIT if places[cell[0]] == 6 else TENTH_DECIMAL
        if (value is None) != (got is None) or (value is not None and abs(Fraction(got) - value) > slack):
            wrong.append(f"{cell}: Python {value if value is None else float(value)}, mart {got} {reason}")
    return len(expected), wrong


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Path]]:
    """Work folder of each of OTHERS, published once for all tests here."""
    from ingest.demo.sizes import SIZES
    from orchestration.commands.demo import generate_demo
    from orchestration.commands.run import run_cycle

    folder = tmp_path_factory.mktemp("others")
    with pytest.MonkeyPatch.context() as patched:
        for seed, leads in OTHERS.items():
            size = f"tiny-{leads}"
            patched.setitem(SIZES, size, replace(SIZES["tiny"], name=size, leads=leads))
            generate_demo(folder / str(seed), size, seed)
            if seed == 7:
                add_own_platform(folder / str(seed))
            assert run_cycle(folder / str(seed), as_json=True) == 0
        yield {seed: folder / str(seed) / "work" for seed in OTHERS}


@pytest.mark.parametrize("seed", OTHERS)
def test_every_kpi_of_other_companies_is_that_of_plain_python(others: dict[int, Path], seed: int) -> None:
    compared, wrong = differences(others[seed])
    assert compared > 10_000
    assert not wrong, wrong[:20]


@pytest.mark.parametrize("seed", OTHERS)
def test_every_kpi_of_other_companies_is_that_of_metricflow(
    others: dict[int, Path], seed: int, tmp_path: Path
) -> None:
    query = open_engine(tmp_path / "one", others[seed] / "warehouse.duckdb")
    with duckdb.connect(str(others[seed] / "warehouse.duckdb"), read_only=True) as con:
        compared, wrong = disagreements(query, con)
    assert compared > 10_000
    assert not wrong, wrong[:20]


def test_every_kpi_of_the_demo_company_is_that_of_plain_python(demo_run) -> None:
    compared, wrong = differences(demo_run.work)
    assert compared > 10_000
    assert not wrong, wrong[:20]


def test_every_metric_has_a_value_other_than_zero_somewhere(demo_run, others: dict[int, Path]) -> None:
    """Three ways that agree on nothing but 0 and no value have compared nothing."""
    shown: set[str] = set()
    for work in (demo_run.work, *others.values()):
        with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
            shown |= {
                row[0]
                for row in con.execute(
                    "select distinct metric_name from marts.mart_management_kpis_month where metric_value <> 0"
                ).fetchall()
            }
    assert set(published_metrics()) - shown == set(VACUOUS)
