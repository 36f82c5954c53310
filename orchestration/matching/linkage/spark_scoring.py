"""Scores by Splink on Spark: the same model, pairs and term frequencies as on DuckDB, the same weights.

For pairs too many for one machine. Standardisation, blocking and clusters stay on DuckDB and NumPy; what goes to Spark
is the comparison of pairs. The session needs Splink's own jar of string distances (see session_options).
What does NOT belong here: a second set of comparisons; the SQL of the model is translated, never written twice.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.matching.linkage.model import Model
from orchestration.matching.linkage.scoring import splink_settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: DuckDB's name of a function -> Spark's.
_FUNCTIONS = {
    "jaro_winkler_similarity": "jaro_winkler",
    "jaro_similarity": "jaro_sim",
    "starts_with": "startswith",
    "list_intersect": "array_intersect",
    "string_split": "split",
    "len": "size",
}


def session_options() -> dict[str, str]:
    """Options of a Spark session that scores: the jar that Splink carries."""
    from splink.internals.spark.jar_location import similarity_jar_location

    return {"spark.jars": similarity_jar_location()}


def spark_sql(text: str) -> str:
    """A condition of a model in Spark's words. Its SQL keeps to functions of which this table knows the other name."""
    for name, other in _FUNCTIONS.items():
        text = re.sub(rf"\b{name}\(", f"{other}(", text)
    return text.replace(", 'g')", ")")


def spark_model(model: Model) -> Model:
    """The model with its conditions in Spark's words."""
    return replace(
        model,
        comparisons=tuple(
            replace(
                c,
                null_sql=spark_sql(c.null_sql),
                levels=tuple(replace(level, sql=spark_sql(level.sql)) for level in c.levels),
            )
            for c in model.comparisons
        ),
    )


def score_on_spark(session: SparkSession, model: Model, state: Path, pairs: DataFrame) -> DataFrame:
    """Weights of pairs of a kept state (see state.keep_state).

    model: the one the run used (Linked.model). pairs: left_node, right_node. Returns left_node, right_node, weight
    (log2 odds, six digits) and gamma_<comparison> of every pair.
    """
    import sqlglot
    from pyspark.sql import functions as f
    from splink import Linker, SparkAPI

    class Api(SparkAPI):
        """Splink's own dialect inherits from a class that a compiled sqlglot does not let it inherit from. What it
        adds is done here: a number that is cast to double is written as a double."""

        def _setup_for_execute_sql(self, sql: str, physical_name: str) -> str:
            told = sqlglot.transpile(sql, read="spark", write="spark")[0]
            return re.sub(r"CAST\((-?[0-9.]+(?:[eE][-+]?[0-9]+)?) AS DOUBLE\)", r"\1D", told)

    records = session.read.parquet(str(state / "records.parquet")).select("node", *model.columns)
    records.createOrReplaceTempView("scored_records")
    ids = pairs.select(
        pairs["left_node"].alias("join_key_l"),
        pairs["right_node"].alias("join_key_r"),
        f.lit("0").alias("match_key"),
    )
    ids.createOrReplaceTempView("splink_pairs")
    api = Api(spark_session=session, break_lineage_method="persist", num_partitions_on_repartition=2)
    linker = Linker(
        api.register("scored_records"), splink_settings(spark_model(model)) | {"sql_dialect": "spark"}
    )
    logging.getLogger("splink").setLevel(logging.ERROR)
    frequencies = session.read.parquet(str(state / "frequencies.parquet"))
    for column in sorted({level.tf for c in model.comparisons for level in c.levels if level.tf}):
        view = f"frequency_{column}"
        kept = frequencies.where(f.col("column_") == column)
        kept.select(
            f.col("value").alias(column), f.col("share").alias(f"tf_{column}")
        ).createOrReplaceTempView(view)
        linker.table_management.register_term_frequency_lookup(api.register(view), column)
    linker.table_management.register_blocked_pairs_for_predict(api.register("splink_pairs"))
    found = linker.inference.predict(warning_mode="never").as_spark_dataframe()
    return found.select(
        f.least("node_l", "node_r").alias("left_node"),
        f.greatest("node_l", "node_r").alias("right_node"),
        f.round("match_weight", 6).alias("weight"),
        *(f.col(f"gamma_{c.name}") for c in model.comparisons),
    )
