"""Every connection that docs/bi.md promises, made: what a BI tool reads is what was published."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest
import sqlalchemy as sa
from planted_candidate import MANIFEST, plant

from orchestration.publication import publish
from orchestration.publication.receipts import current_publication, receipts

PROBE = Path(__file__).with_name("superset_probe.py")
MRR = "metric_name = 'mrr' and segment_kind_code = 'all'"


@pytest.fixture(scope="module")
def parquet(demo_run) -> Path:
    """The Parquet folder of the live publication."""
    return demo_run.published / "parquet" / current_publication(demo_run.published)["publication_id"]


@pytest.fixture(scope="module")
def mrr(demo_run) -> Decimal:
    """The sum of MRR over the months, asked of the file itself."""
    with duckdb.connect() as con:
        con.execute(f"attach '{demo_run.marts}' as m (read_only)")
        (value,) = con.execute(
            f"select sum(metric_value) from m.mart_management_kpis_month where {MRR}"
        ).fetchone()
    assert value > 1000
    return value


@pytest.fixture
def engine(demo_run) -> Iterator[sa.Engine]:
    """The SQLAlchemy engine of docs/bi.md."""
    made = sa.create_engine(f"duckdb:///{demo_run.marts}?access_mode=read_only")
    yield made
    made.dispose()


def test_sqlalchemy_reads_figures_as_exact_decimals(engine, mrr):
    with engine.connect() as con:
        rows = con.execute(
            sa.text(f"select metric_value from mart_management_kpis_month where {MRR}")
        ).fetchall()
    assert sum(value for (value,) in rows if value is not None) == mrr
    assert {type(value) for (value,) in rows} <= {Decimal, type(None)}


def test_sqlalchemy_lists_every_table_with_its_columns_and_key(engine, demo_run):
    inspector = sa.inspect(engine)
    published = receipts(demo_run.published)[-1]["row_counts"]
    assert set(inspector.get_table_names(schema="main")) == set(published)
    columns = {each["name"]: each for each in inspector.get_columns("dim_metric", schema="main")}
    assert {"metric_name", "label_fr", "definition_en", "numerator_name", "example_value"} <= set(columns)


def test_sqlalchemy_writes_nothing(engine):
    with engine.connect() as con, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        con.execute(sa.text("delete from dim_metric"))


def test_an_engine_that_holds_the_file_keeps_working_while_a_publication_is_swapped_in(tmp_path):
    one = sa.text("select sum(n_leads) from mart_sales_leads_month")
    marts = publish(plant(tmp_path), MANIFEST).marts
    engine = sa.create_engine(f"duckdb:///{marts}?access_mode=read_only")
    with engine.connect() as reader:
        assert reader.execute(one).scalar() == 10
        publish(plant(tmp_path, n_leads=99, delivery="d2"), MANIFEST)
        assert reader.execute(one).scalar() == 10
    engine.dispose()
    with engine.connect() as reader:
        assert reader.execute(one).scalar() == 102
    engine.dispose()


def test_another_process_reads_the_file_while_this_one_holds_it(engine, demo_run, mrr):
    script = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True);"
        f'print(con.execute("select sum(metric_value) from mart_management_kpis_month where {MRR}").fetchone()[0])'
    )
    with engine.connect() as holding:
        holding.execute(sa.text("select count(*) from dim_metric"))
        command = [sys.executable, "-c", script, str(demo_run.marts)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert Decimal(said.strip()) == mrr


def test_pandas_reads_the_parquet_folder(parquet, mrr):
    kpis = pd.read_parquet(
        parquet / "mart_management_kpis_month.parquet", filters=[("metric_name", "==", "mrr")]
    )
    whole = kpis[kpis["segment_kind_code"] == "all"]
    assert sum(whole["metric_value"].dropna()) == mrr
    trusted = whole.merge(
        pd.read_parquet(parquet / "kpi_trust.parquet"), on=["metric_name", "period_month"], validate="1:1"
    )
    assert len(trusted) == len(whole)


def test_the_parquet_folder_holds_each_table_as_its_manifest_says(parquet, demo_run):
    manifest = json.loads((parquet / "manifest.json").read_text())
    for name, table in manifest["tables"].items():
        assert ds.dataset(parquet / table["file"]).count_rows() == table["n_rows"], name
    assert set(manifest["tables"]) == set(receipts(demo_run.published)[-1]["row_counts"])


def superset_python() -> str:
    """The interpreter that ETALON_SUPERSET names."""
    named = os.environ.get("ETALON_SUPERSET")
    if not named:
        pytest.skip("ETALON_SUPERSET names no Python with Apache Superset (docs/bi.md)")
    return named


@pytest.mark.superset
def test_superset_charts_the_published_file_and_cannot_write_it(demo_run, tmp_path):
    copy = Path(shutil.copy(demo_run.marts, tmp_path / "marts.duckdb"))
    home = tmp_path / "superset"
    home.mkdir()
    said = subprocess.run(
        [superset_python(), str(PROBE), str(copy), str(home)], capture_output=True, text=True, timeout=300
    )
    assert said.returncode == 0, said.stderr[-2000:]
    answer = json.loads(said.stdout.splitlines()[-1])
    with duckdb.connect(str(copy), read_only=True) as con:
        expected = con.execute(
            "select epoch_ms(period_month), cast(metric_value as double) from mart_management_kpis_month"
            " where metric_name = 'cr' and segment_kind_code = 'all' and denominator > 0 order by 1"
        ).fetchall()
        n_columns = con.execute(
            "select count(*) from duckdb_columns() where table_name = 'mart_management_kpis_month'"
        ).fetchone()[0]
        assert con.execute("select count(*) from kpi_trust").fetchone()[0] > 0
    assert len(expected) > 10
    assert [int(month) for month, _ in answer["rows"]] == [month for month, _ in expected]
    assert all(
        abs(got - value) <= 1e-9 for (_, got), (_, value) in zip(answer["rows"], expected, strict=True)
    )
    assert answer["n_columns"] == n_columns
    assert answer["drop_status"] >= 400


@pytest.mark.superset
def test_polars_reads_the_parquet_folder(parquet, mrr):
    script = (
        "import sys, polars as pl; kpis = pl.scan_parquet(sys.argv[1] + '/mart_management_kpis_month.parquet');"
        "mine = (pl.col('metric_name') == 'mrr') & (pl.col('segment_kind_code') == 'all');"
        "print(kpis.filter(mine).select(pl.col('metric_value').sum()).collect().item())"
    )
    said = subprocess.run(
        [superset_python(), "-c", script, str(parquet)], check=True, capture_output=True, text=True
    )
    assert Decimal(said.stdout.strip()) == mrr


@pytest.mark.superset
def test_the_duckdb_command_line_reads_the_file_and_cannot_write_it(demo_run, mrr):
    program = Path(superset_python()).with_name("duckdb")
    if not program.is_file():
        pytest.skip("no DuckDB command line beside the interpreter")
    command = [str(program), "-readonly", "-csv", "-noheader", str(demo_run.marts)]
    asked = f"select sum(metric_value) from mart_management_kpis_month where {MRR}"
    said = subprocess.run([*command, asked], check=True, capture_output=True, text=True)
    assert Decimal(said.stdout.strip()) == mrr
    refused = subprocess.run([*command, "drop table kpi_trust"], capture_output=True, text=True)
    assert "read-only" in refused.stdout + refused.stderr
