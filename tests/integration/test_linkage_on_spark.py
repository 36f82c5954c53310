"""Splink's Spark backend gives the pairs of the engine the levels and weights that DuckDB gave them."""

from __future__ import annotations

import duckdb
import pytest

from orchestration.matching.linkage import link
from orchestration.matching.linkage.model import MODELS, load_model
from orchestration.matching.linkage.spark_scoring import score_on_spark, session_options, spark_sql
from tests.integration.test_spark_parity import REASON
from tests.linkage import sets
from tests.unit.matching.test_linkage import CONTACT, FIRM, PRIVATE, SITE

CASES = {
    "business_contacts": ("person", CONTACT),
    "private_persons": ("person", PRIVATE),
    "business_sites": ("site", SITE),
    "organisations": ("organisation", FIRM),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4")
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    for name, value in session_options().items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    yield made
    made.stop()


@pytest.mark.spark
@pytest.mark.skipif(REASON is not None, reason=REASON or "")
@pytest.mark.parametrize("name", list(CASES))
def test_pairs_have_the_same_levels_and_weights_on_spark(session, tmp_path, name):
    entity, roles = CASES[name]
    records = getattr(sets, name)(150, 3, 10).table()
    linked = link(
        records, entity, {**roles, "record_key": "rec_id"}, parameters="estimated", region="FR", keep=tmp_path
    )
    kept = duckdb.sql(f"SELECT * FROM read_parquet('{tmp_path / 'pairs.parquet'}')").to_arrow_table()
    pairs = session.read.parquet(str(tmp_path / "pairs.parquet")).select("left_node", "right_node")
    rows = score_on_spark(session, linked.model, tmp_path, pairs).collect()
    found = {(row["left_node"], row["right_node"]): row for row in rows}
    assert len(found) == kept.num_rows > 100
    for row in kept.to_pylist():
        other = found[row["left_node"], row["right_node"]]
        gammas = [f"gamma_{c.name}" for c in linked.model.comparisons]
        assert {g: row[g] for g in gammas} == {g: other[g] for g in gammas}
        assert other["weight"] == pytest.approx(row["weight"], abs=1e-9)


@pytest.mark.parametrize(
    "entity", [path.stem for path in sorted(MODELS.glob("*.json")) if "report" not in path.stem]
)
def test_no_function_of_a_model_is_left_in_the_words_of_duckdb(entity):
    model = load_model(entity)
    texts = [c.null_sql for c in model.comparisons] + [lv.sql for c in model.comparisons for lv in c.levels]
    told = " ".join(map(spark_sql, texts))
    for word in ("_similarity(", "starts_with(", "list_", "string_split(", " len(", "'g'"):
        assert word not in told
