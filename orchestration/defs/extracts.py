"""Extracts -> raw and collect. What does NOT belong here: reading files (see ingest)."""

from __future__ import annotations

import dagster as dg

from orchestration.cycles.standing import standing_of
from orchestration.dbt_running import manifest
from orchestration.defs.cycle import STEP_CHECKS
from orchestration.defs.resources import CompanyResource
from orchestration.steps import collect_extracts

_SOURCES = ("raw", "collect", "run")
_DESCRIPTIONS = {
    "raw": "Typed canonical rows of one contract, every record read.",
    "collect": "What ingest decided, over all deliveries.",
    "run": "Settings of the run.",
}


def extract_specs() -> list[dg.AssetSpec]:
    """One asset per dbt source that ingest writes, with the source's own key."""
    return [
        dg.AssetSpec(
            key=[source["source_name"], source["name"]],
            group_name="collect",
            kinds={"parquet", "python"},
            owners=["team:data-platform"],
            description=source.get("description") or _DESCRIPTIONS[source["source_name"]],
        )
        for source in sorted(
            manifest()["sources"].values(), key=lambda item: (item["source_name"], item["name"])
        )
        if source["source_name"] in _SOURCES
    ]


def extracts_asset() -> dg.AssetsDefinition:
    """The collect step: one op, one check that counts refused files."""
    specs = extract_specs()
    check = dg.AssetCheckSpec(
        name="files_accepted", asset=dg.AssetKey(["collect", "refusals"]), description="No file was refused."
    )

    framing, approved = STEP_CHECKS["frame"]
    note = dg.AssetCheckSpec(name=approved, asset=framing, description="A person approved the note as it is.")

    @dg.multi_asset(name="extracts", specs=specs, check_specs=[check, note])
    def extracts(company: CompanyResource):
        """Land new deliveries and recompute what is known of all of them."""
        run = company.start()
        collect_extracts(run)
        counts = run.state.content["steps"]["extracts"]["counts"]
        for spec in specs:
            metadata = counts if spec.key.path == ["collect", "deliveries"] else {}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)
        refused = counts.get("refused_files", 0)
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=not refused,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"refused_files": refused},
        )
        standing = standing_of(run.company, run.settings.cycle)
        yield dg.AssetCheckResult(
            asset_key=note.asset_key,
            check_name=note.name,
            passed=standing == "approved",
            severity=dg.AssetCheckSeverity.WARN,  # the gate is what holds
            metadata={"standing": standing},
        )

    return extracts
