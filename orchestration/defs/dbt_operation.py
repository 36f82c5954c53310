"""One dbt operation (tag:staging, tag:master, tag:mart) as one Dagster op over the shared dbt project.

What does NOT belong here: running dbt (see orchestration.dbt_running). One materialization per model, one
check per operation; a failed model or test raises and the run stops there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject
from dagster_dbt.asset_specs import build_dbt_asset_specs

from orchestration.dbt_running import DbtOutcome, manifest
from orchestration.defs.resources import CompanyResource
from orchestration.project import DBT_PROJECT
from orchestration.publication.tables import meta_of
from orchestration.steps import Run

dbt_project = DbtProject(project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT)


class Translator(DagsterDbtTranslator):
    """Asset keys [schema, table], groups by schema, owners from the model's meta."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_asset_checks=False, enable_code_references=False)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`[schema, table]` for models and seeds, `[source, table]` for sources."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The schema."""
        return dbt_resource_props["schema"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """`team:<meta.owner>`."""
        return [f"team:{str(meta_of(dbt_resource_props).get('owner') or 'data-platform').replace(' ', '-')}"]


def dbt_specs(tag: str) -> list[dg.AssetSpec]:
    """Asset specs of one operation in dependency order, from the manifest."""
    specs = build_dbt_asset_specs(
        manifest=manifest(), dagster_dbt_translator=Translator(), select=f"tag:{tag}", project=dbt_project
    )
    by_key = {spec.key: spec.replace_attributes(kinds={"dbt", "sql"}) for spec in specs}
    # Dagster wants the events of one op in dependency order
    graph = {key: {dep.asset_key for dep in by_key[key].deps} & by_key.keys() for key in sorted(by_key)}
    return [by_key[key] for key in TopologicalSorter(graph).static_order()]


def run_operation(
    run: Run, tag: str, specs: Sequence[dg.AssetSpec], build: Any
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Events of one operation: one materialization per node, then the aggregated check."""
    outcome: DbtOutcome = build(run)
    nodes = {node.name: node for node in outcome.nodes}
    for spec in specs:
        node = nodes.get(spec.key.path[-1])
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata={"seconds": node.seconds if node else 0.0, "run_id": run.settings.run_id},
        )
    yield dg.AssetCheckResult(
        asset_key=check_key(specs),
        check_name=f"dbt_tests_{tag}",
        passed=True,
        metadata={"tests": outcome.count("test", "unit_test"), "models": outcome.count("model", "seed")},
    )


def check_spec(tag: str, specs: Sequence[dg.AssetSpec]) -> dg.AssetCheckSpec:
    """The aggregated check of an operation; a failing test raises before it is reached."""
    return dg.AssetCheckSpec(
        name=f"dbt_tests_{tag}", asset=check_key(specs), description=f"All dbt tests of tag:{tag}, counted."
    )


def check_key(specs: Sequence[dg.AssetSpec]) -> dg.AssetKey:
    """The asset that carries an operation's check: the first by name."""
    return min((spec.key for spec in specs), key=lambda key: key.path)


def dbt_operation(
    name: str, tag: str, build: Any, extra_deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetsDefinition:
    """One op for a tag. build: the step to call with the run. extra_deps: assets every model waits for."""
    specs = [
        spec.replace_attributes(deps=[*spec.deps, *(dg.AssetDep(key) for key in extra_deps)])
        for spec in dbt_specs(tag)
    ]

    @dg.multi_asset(name=name, specs=specs, check_specs=[check_spec(tag, specs)])
    def operation(company: CompanyResource):
        yield from run_operation(company.current(), tag, specs, build)

    return operation
