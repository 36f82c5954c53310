"""The graph that Dagster shows. Loading it runs nothing."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
import yaml
from planted_candidate import SETTINGS, plant

from orchestration.defs.resources import CompanyResource
from orchestration.project import ROOT

SNAPSHOT = Path(__file__).with_name("asset_keys.txt")


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    from orchestration.definitions import build_defs

    return build_defs()


def keys_of(definitions: dg.Definitions, job: str) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}


def test_the_asset_keys_are_those_of_the_snapshot(definitions: dg.Definitions) -> None:
    """A renamed asset loses its history and its consumers: change asset_keys.txt on purpose."""
    keys = sorted(key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys())
    assert keys == SNAPSHOT.read_text().split()


def test_every_asset_has_a_group_a_kind_an_owner_and_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        name = key.to_user_string()
        assert node.group_name != "default", name
        assert node.kinds and node.owners and node.description, name


@pytest.mark.audit("MD4")
def test_the_gate_stands_between_master_and_marts_and_the_report_hangs_beside_it(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()

    def parents(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(name.split("/"))).parent_keys}

    assert parents("quality/gate_verdicts") == parents("report/data_quality") == {"quality/rule_results"}
    marts = [key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "marts"]
    assert marts and all("quality/gate_verdicts" in parents(name) for name in marts)
    assert "quality/mart_results" in parents("publication/marts")
    assert parents("matching/account_members") == {
        "resolution/int_account_records", "resolution/int_person_records"
    }  # fmt: skip
    assert "matching/account_history" in parents("master/xref_accounts")


def test_the_gate_and_the_mart_rules_block_and_no_other_check_does(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {"cycle_is_admitted", "marts_are_sound"}
    assert len(graph.asset_check_keys) < 12, "events are dear: few checks per step"


def test_the_check_job_stops_at_the_verdict(definitions: dg.Definitions) -> None:
    check, cycle = keys_of(definitions, "check"), keys_of(definitions, "cycle")
    assert {"quality/gate_verdicts", "report/data_quality", "collect/refusals"} <= check < cycle
    assert not {name for name in check if name.startswith(("marts/", "publication/"))}


def test_definitions_are_fresh_and_resources_can_be_replaced(tmp_path: Path) -> None:
    from orchestration.definitions import build_defs

    other = CompanyResource(directory=str(tmp_path))
    first, second = build_defs(), build_defs(resources={"company": other})
    assert first is not second
    assert second.resources["company"] is other
    assert not list(tmp_path.iterdir()), "loading runs nothing"


def test_the_workspace_names_the_code_location() -> None:
    content = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    assert content["load_from"][0]["python_module"]["module_name"] == "orchestration.definitions"


def test_the_company_of_the_environment_is_the_one_named_now_wherever_a_step_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default was read at import: a step run alone then looked for the settings of another company."""
    company = plant(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETALON_COMPANY", "mine")
    from orchestration.definitions import build_defs

    resource = build_defs().resources["company"]
    monkeypatch.chdir(company.root)
    assert resource.current().company.root == company.root
    assert resource.current().settings.run_id == SETTINGS.run_id


def test_decisions_are_measured_by_a_job_of_their_own_and_by_no_cycle(definitions: dg.Definitions) -> None:
    assert keys_of(definitions, "impact") == {"quality/kpi_impact"}
    assert "quality/kpi_impact" not in keys_of(definitions, "cycle") | keys_of(definitions, "check")
