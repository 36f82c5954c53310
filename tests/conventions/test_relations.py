"""Names, grains, contracts and layers of the dbt project (docs/conventions.md)."""

import csv
import re

import pytest

from tests.conventions.conftest import ROOT

PATTERNS = {
    "staging": r"stg_[a-z]+__[a-z_]+",
    "resolution": r"int_[a-z]+_[a-z_]+",
    "master": r"(dim|fct|bridge|xref|int|golden)_[a-z_]+",
    "metrics": r"(fct|int|time)_[a-z_]+",
    "quality": r"dq_[a-z_]+",
    "marts": r"int_kpis_[a-z_]+|"
    r"mart_(sales|finance|marketing|management|revops|accounts)_[a-z_]+_(month|quarter|week|day|cycle|lead|account|person)",
}
EMPTY_WORDS = re.compile(r"(^|_)(final|v\d+|clean|utils?|helpers?|common|tmp|temp|misc)(_|$)")
READS = {
    "staging": {"raw", "collect", "run"},
    "resolution": {"staging", "resolution", "seeds", "run", "collect"},
    "master": {"staging", "resolution", "master", "seeds", "run", "matching", "stewardship", "collect"},
    "metrics": {"master", "metrics", "seeds", "run"},
    "quality": {
        "staging",
        "resolution",
        "master",
        "metrics",
        "quality",
        "collect",
        "matching",
        "stewardship",
        "raw",
        "run",
        "seeds",
    },
    "marts": {"master", "metrics", "marts", "seeds", "run", "quality", "statistics"},
}


def folder(node: dict) -> str:
    if node["resource_type"] == "source":
        return node["source_name"]
    if node["resource_type"] == "seed":
        return "seeds"
    return node["fqn"][1]


def is_mart(node: dict) -> bool:
    """A table of the marts; the ephemeral rows of the KPI table are a part of it."""
    return folder(node) == "marts" and node["config"]["materialized"] != "ephemeral"


def test_every_relation_is_named_after_its_folder(models):
    wrong = [n for n, m in models.items() if not re.fullmatch(PATTERNS[folder(m)], n)]
    assert not wrong


def test_no_relation_or_column_has_an_empty_word_or_a_reserved_name(models):
    names = list(models) + [f"{n}.{c}" for n, m in models.items() for c in m["columns"]]
    assert not [n for n in names if EMPTY_WORDS.search(n.split(".")[-1])]
    assert not [n for n in names if n.endswith(".month")]


def test_every_description_begins_with_the_grain(models):
    assert not [n for n, m in models.items() if not m["description"].lstrip().startswith("One row")]


def test_published_relations_have_contract_key_and_described_columns(models):
    published = {n: m for n, m in models.items() if is_mart(m) or m["config"]["meta"].get("publish")}
    assert len(published) >= 10
    for name, m in published.items():
        assert m["config"]["contract"]["enforced"], name
        keys = [c["columns"] for c in m["constraints"] if c["type"] == "primary_key"]
        keys += [
            k for k, c in m["columns"].items() if any(x["type"] == "primary_key" for x in c["constraints"])
        ]
        assert keys, f"{name} has no primary key"
        assert not [c for c, v in m["columns"].items() if not v["description"]], name


@pytest.mark.audit("CP3")
def test_no_published_column_holds_a_direct_identifier(models):
    direct = re.compile(
        r"(^|_)(e_?mail|phone|mobile|first_name|last_name|full_name|recipient)(_|$)(?!.*(rate|opted))"
    )
    for name, m in models.items():
        if is_mart(m) or m["config"]["meta"].get("publish"):
            assert not [c for c in m["columns"] if direct.search(c)], name
            assert not [c for c, v in m["columns"].items() if v["meta"].get("pii") == "direct"], name


def test_everything_published_is_exposed_with_an_owner(manifest, models):
    exposed = {d for e in manifest["exposures"].values() for d in e["depends_on"]["nodes"]}
    assert all(e["owner"].get("email") or e["owner"].get("name") for e in manifest["exposures"].values())
    published = {n: m for n, m in models.items() if is_mart(m) or m["config"]["meta"].get("publish")}
    assert not [n for n, m in published.items() if m["unique_id"] not in exposed], "see marts/exposures.yml"


@pytest.mark.audit("MD1")
def test_layers_read_only_what_they_may(manifest, models):
    nodes = {**manifest["nodes"], **manifest["sources"]}
    broken = []
    for name, m in models.items():
        for dep in m["depends_on"]["nodes"]:
            if dep in nodes and folder(nodes[dep]) not in READS[folder(m)]:
                broken.append(f"{name} reads {dep}")
    assert not broken


def test_no_model_reads_the_clock_or_an_engine_by_name(models):
    forbidden = re.compile(r"\b(now\(\)|current_(date|timestamp)|today\(\)|getdate|target\.type)", re.I)
    assert not [n for n, m in models.items() if forbidden.search(m["raw_code"])]


def test_every_singular_test_begins_with_the_incident_it_prevents(manifest):
    singular = [
        n for n in manifest["nodes"].values() if n["resource_type"] == "test" and not n.get("test_metadata")
    ]
    assert singular
    for n in singular:
        assert n["name"].startswith("assert_"), n["name"]
        assert n["raw_code"].lstrip().startswith("--"), n["name"]


def test_no_text_of_a_seed_is_empty(manifest):
    """An empty text is null on DuckDB and the word None on Spark."""
    empty = []
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            types = node["config"]["column_types"]
            with (ROOT / "dbt_project" / node["original_file_path"]).open(
                encoding="utf-8", newline=""
            ) as file:
                for row in csv.DictReader(file):
                    texts = [
                        c for c, value in row.items() if not value and types.get(c, "string") == "string"
                    ]
                    empty += [f"{node['name']}.{column}" for column in texts]
    assert not empty
