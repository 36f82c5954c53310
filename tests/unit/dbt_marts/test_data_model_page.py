"""docs/data_model.md names what the project builds, and says rightly what is published."""

import re

from tests.golden.planted_warehouse import ROOT

PAGE = (ROOT / "docs" / "data_model.md").read_text(encoding="utf-8")
LAYERS = {"master", "metrics", "quality_dbt", "marts"}


def models(manifest: dict) -> dict[str, dict]:
    return {
        n["name"]: n
        for n in manifest["nodes"].values()
        if n["resource_type"] == "model" and n["schema"] in LAYERS and not n["name"].startswith("int_")
    }


def test_the_page_names_every_relation_and_no_other(manifest):
    named = set(re.findall(r"`((?:dim|fct|bridge|xref|mart|dq|time|golden)_[a-z_]+)`", PAGE))
    assert named == set(models(manifest))


def test_the_page_says_what_is_published(manifest):
    rows = re.findall(r"^\| (`.+?) \|.*\| (yes|no) \|$", PAGE, re.M)
    said = {name: answer == "yes" for cell, answer in rows for name in re.findall(r"`([a-z_]+)`", cell)}
    assert len(said) > 20
    for name, published in said.items():
        assert bool(models(manifest)[name]["config"]["meta"].get("publish")) == published, name
