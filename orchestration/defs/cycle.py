"""The two steps of a cycle that people do, as assets, and the check of each of the seven steps (row FR10).

The other five steps are assets that stand already; their checks are named here so that none goes missing.
What does NOT belong here: when a step is done (orchestration.cycles).
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import cycle_steps

FRAMING = dg.AssetKey(["run", "framing"])
DECIDE = dg.AssetKey(["cycle", "decide"])
EXPERIMENT = dg.AssetKey(["cycle", "experiment"])
#: Step -> (asset, its check).
STEP_CHECKS = {
    "frame": (FRAMING, "note_is_approved"),
    "collect": (dg.AssetKey(["collect", "refusals"]), "files_accepted"),
    "clean": (dg.AssetKey(["quality", "gate_verdicts"]), "cycle_is_admitted"),
    "visualise": (dg.AssetKey(["report", "sales_audit"]), "page_is_written"),
    "quantify": (dg.AssetKey(["quality", "mart_results"]), "marts_are_sound"),
    "decide": (DECIDE, "something_was_decided"),
    "experiment": (EXPERIMENT, "an_experiment_runs"),
}
_DESCRIPTIONS = {
    DECIDE: "Thresholds that a person let begin in the weeks after the month.",
    EXPERIMENT: "Registered experiments that run in the weeks after the month.",
}


def cycle_asset(sales_audit: dg.AssetKey) -> dg.AssetsDefinition:
    """What people did after the page: counted, never waited for."""
    specs = [
        dg.AssetSpec(
            key,
            deps=[sales_audit],
            group_name="cycle",
            kinds={"python", "yaml"},
            owners=["team:revops"],
            description=text,
        )
        for key, text in _DESCRIPTIONS.items()
    ]
    checks = {step: STEP_CHECKS[step] for step in ("decide", "experiment")}

    @dg.multi_asset(
        name="cycle_acts",
        specs=specs,
        check_specs=[dg.AssetCheckSpec(name, asset=key) for key, name in checks.values()],
    )
    def cycle_acts(company: CompanyResource):
        """Steps 6 and 7 as they stand."""
        found = {each.code: each for each in cycle_steps(company.current())}
        for step, (key, _) in checks.items():
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={"status": found[step].status_code, "due_on": f"{found[step].due_on}"},
            )
        for step, (key, name) in checks.items():
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=name,
                passed=found[step].status_code == "done",
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"due_on": f"{found[step].due_on}", "reason": found[step].reason_code or ""},
            )

    return cycle_acts
