"""Rules, the gate and the mart rules as assets; the gate's and the marts' checks block what follows.

What does NOT belong here: rules and the decision (see expectations). A blocking check holds in this run only,
so the verdict is also a table that marts read and the publisher reads again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import assess_mart_rules, assess_rules, judge_cycle, list_work

RULE_RESULTS = dg.AssetKey(["quality", "rule_results"])
RULE_FAILURES = dg.AssetKey(["quality", "rule_failures"])
WORKLIST = dg.AssetKey(["quality", "worklist"])
GATE_VERDICTS = dg.AssetKey(["quality", "gate_verdicts"])
MART_RESULTS = dg.AssetKey(["quality", "mart_results"])
_COMMON = {"group_name": "quality", "owners": ["team:data-quality"]}


def quality_assets(master: dg.AssetsDefinition, marts: dg.AssetsDefinition) -> list[dg.AssetsDefinition]:
    """Results, verdict and mart results."""
    specs = [
        dg.AssetSpec(
            RULE_RESULTS,
            deps=sorted(master.keys),
            kinds={"python", "greatexpectations"},
            description="Every rule on raw, master and facts: pass, warn, fail, not assessed or waived.",
            **_COMMON,
        ),
        dg.AssetSpec(
            RULE_FAILURES,
            deps=sorted(master.keys),
            kinds={"python", "sql"},
            description="Keys of the rows that fail a rule.",
            **_COMMON,
        ),
        dg.AssetSpec(
            WORKLIST,
            deps=sorted(master.keys),
            kinds={"python", "sql"},
            description="What is to be mended at the source, by owner and by what hangs on it.",
            **_COMMON,
        ),
    ]

    @dg.multi_asset(name="rule_results", specs=specs)
    def rule_results(company: CompanyResource):
        """Assess the rules; a failing rule is data here, not an error."""
        run = company.current()
        results = assess_rules(run)
        worklist = list_work(run)
        statuses = Counter(result.status for result in results)
        yield dg.MaterializeResult(asset_key=RULE_RESULTS, metadata=dict(statuses))
        yield dg.MaterializeResult(asset_key=RULE_FAILURES, metadata={"n_failed": _failed(results)})
        yield dg.MaterializeResult(asset_key=WORKLIST, metadata=asdict(worklist))

    @dg.asset(
        key=GATE_VERDICTS,
        deps=[RULE_RESULTS],
        kinds={"python"},
        description="Publish, publish with warnings, or hold.",
        check_specs=[dg.AssetCheckSpec("cycle_is_admitted", asset=GATE_VERDICTS, blocking=True)],
        **_COMMON,
    )
    def gate_verdicts(company: CompanyResource):
        """The verdict on the cycle; a hold leaves a refusal receipt and stops what follows."""
        verdict = judge_cycle(company.current())
        sentences = "\n\n".join(verdict.lines("en"))
        metadata = {"verdict": verdict.verdict, "sentences": dg.MetadataValue.md(sentences)}
        yield dg.MaterializeResult(asset_key=GATE_VERDICTS, metadata=metadata)
        yield dg.AssetCheckResult(
            asset_key=GATE_VERDICTS,
            check_name="cycle_is_admitted",
            passed=verdict.verdict != "hold",
            metadata=metadata,
        )

    @dg.asset(
        key=MART_RESULTS,
        deps=sorted(marts.keys),
        kinds={"python", "greatexpectations"},
        description="Rules on the marts.",
        check_specs=[dg.AssetCheckSpec("marts_are_sound", asset=MART_RESULTS, blocking=True)],
        **_COMMON,
    )
    def mart_results(company: CompanyResource):
        """Assess the mart rules; a failing critical one stops the publication."""
        results = assess_mart_rules(company.current())
        statuses = Counter(result.status for result in results)
        yield dg.MaterializeResult(asset_key=MART_RESULTS, metadata=dict(statuses))
        yield dg.AssetCheckResult(
            asset_key=MART_RESULTS,
            check_name="marts_are_sound",
            passed=not statuses["fail"],
            metadata={"failed": sorted({result.rule_id for result in results if result.status == "fail"})},
        )

    return [rule_results, gate_verdicts, mart_results]


def _failed(results: list) -> int:
    return sum(result.n_failed for result in results)
