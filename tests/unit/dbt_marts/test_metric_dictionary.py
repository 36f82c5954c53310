"""The semantic layer as dbt read it: complete, explained, and the same list as the KPI mart."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.dictionary.units import UNITS

ROOT = Path(__file__).resolve().parents[3]

META = {
    "label_fr",
    "label_en",
    "definition_fr",
    "definition_en",
    "formula",
    "grain",
    "anchor",
    "unit",
    "better",
    "minimum_n",
    "owner",
    "version",
    "published",
    "edge_rules",
}
PUBLISHED_META = {"worked_example", "empty_month", "contracts"}
MODELS = ROOT / "dbt_project" / "models" / "metrics"
WRITTEN = {
    metric["name"]: metric
    for path in sorted(MODELS.glob("metrics_*.yml"))
    for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics", [])
}
PUBLISHED = {name for name, metric in WRITTEN.items() if metric["config"]["meta"]["published"]}


@pytest.fixture(scope="module")
def metrics(manifest) -> dict[str, dict]:
    return {m["name"]: m for m in manifest["metrics"].values()}


def meta(metric: dict) -> dict:
    return metric["config"]["meta"]


def test_the_manifest_holds_the_metrics_that_are_written_and_no_other(metrics):
    """dbt 1.11 ignores metrics of the newer form without a word."""
    assert set(metrics) == set(WRITTEN)
    assert len(PUBLISHED) >= 19


def test_every_metric_is_labelled_owned_and_explained_in_both_languages(metrics):
    for name, metric in metrics.items():
        assert metric["label"] and metric["description"], name
        assert set(meta(metric)) >= META and all(meta(metric)[k] not in (None, "", []) for k in META), name
        assert metric["label"] == meta(metric)["label_fr"], name
        assert meta(metric)["unit"] in UNITS, name
        assert meta(metric)["better"] in {"up", "down", "none"}, name


def test_money_names_its_currency_and_nothing_else_does(metrics):
    for name, metric in metrics.items():
        assert ("currency" in meta(metric)) == meta(metric)["unit"].startswith("money"), name


def test_every_published_metric_has_a_worked_example_and_says_how_it_is_cut(metrics):
    for name in PUBLISHED:
        assert set(meta(metrics[name])) >= PUBLISHED_META, name
        assert sum(key in meta(metrics[name]) for key in ("cuts", "segments", "cell")) == 1, name
        example = meta(metrics[name])["worked_example"]
        date.fromisoformat(example["period_month"])
        assert Decimal(example["value"]) != 0 and len(example["text"]) > 10, name


def test_both_halves_of_every_ratio_are_metrics_and_columns(metrics, planted_work):
    ratios = {n: m for n, m in metrics.items() if m["type"] == "ratio"}
    assert len(ratios) >= 8
    for name, ratio in ratios.items():
        halves = {ratio["type_params"]["numerator"]["name"], ratio["type_params"]["denominator"]["name"]}
        assert halves <= set(metrics), name
        assert all(h in PUBLISHED or name in meta(metrics[h])["half_of"] for h in halves), name
    with duckdb.connect(str(planted_work / "warehouse.duckdb"), read_only=True) as con:
        shown = con.execute(
            "select metric_name from marts.mart_management_kpis_month where metric_value is not null"
            " group by 1 having bool_and(numerator is not null and denominator is not null)"
        ).fetchall()
    assert {n for (n,) in shown} >= set(ratios)


def test_a_cumulative_metric_says_which_value_of_the_period_it_takes(metrics):
    for name, metric in metrics.items():
        if metric["type"] == "cumulative":
            assert (metric["type_params"]["cumulative_type_params"] or {}).get("period_agg") == "last", name


def test_a_conversion_rate_is_a_ratio_over_a_matured_cohort_and_no_conversion_metric(metrics):
    assert not [n for n, m in metrics.items() if m["type"] == "conversion"]


def test_the_kpi_mart_has_the_metrics_and_units_of_the_dictionary(metrics, planted_work):
    with duckdb.connect(str(planted_work / "warehouse.duckdb"), read_only=True) as con:
        units = con.execute(
            "select distinct metric_name, unit_code from marts.mart_management_kpis_month"
        ).fetchall()
    assert sorted(units) == sorted((n, meta(metrics[n])["unit"]) for n in PUBLISHED)


#: Units of metrics that stand elsewhere than in the metrics layer, and why.
UNITS_ELSEWHERE = {
    "fct_mrr_movements": "a fact of the master layer is the unit itself",
    "dq_source_tables": "what ingest counted is read by the quality layer alone",
    "mart_sales_touch_points_cycle": "leads by number of touches, counted by the statistics step: no figure of a mart",
}


def test_measures_read_units_cut_at_as_of_and_rows_of_a_mart_only_where_a_metric_is_a_cell(manifest, metrics):
    cells = {meta(m)["cell"] for m in metrics.values() if "cell" in meta(m)}
    for semantic_model in manifest["semantic_models"].values():
        (parent,) = semantic_model["depends_on"]["nodes"]
        model = manifest["nodes"][parent]
        if not semantic_model["measures"]:
            continue  # attributes of entities as they were, joined by their days
        (entity,) = (e["name"] for e in semantic_model["entities"] if e["type"] == "primary")
        schema = "marts" if entity in cells else "metrics"
        assert model["schema"] == schema or model["name"] in UNITS_ELSEWHERE, semantic_model["name"]
