"""Matching between the two dbt operations.

What does NOT belong here: evidence rules (see orchestration.matching).
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import match_records

_RECORDS = (
    dg.AssetKey(["resolution", "int_account_records"]),
    dg.AssetKey(["resolution", "int_person_records"]),
)
_TABLES = {
    "account_members": "Golden account of each account record.",
    "person_members": "Golden person of each person record.",
    "account_history": "Golden account of each account record, by period.",
    "person_history": "Golden person of each person record, by period.",
    "id_changes": "Records whose golden id changed in this cycle, and why.",
    "edges": "Evidence between records, accepted, rejected or for review.",
    "review_items": "Questions that matching leaves to a steward.",
    "valid_vat_numbers": "VAT numbers that records state and that pass the check of their country.",
    "golden_ids": "Every golden id ever minted.",
}
_DECISIONS = {
    "constraints": "Records that stewards joined or kept apart.",
    "decisions": "Every decision of a steward, in force or not.",
    "field_overrides": "Values that stewards set.",
    "group_links": "Companies that stewards put under another one, with dates.",
    "review_items": "Decisions to confirm and decisions that contradict each other.",
    "postponements": "Questions that a steward could not answer.",
    "outlier_classes": "The class that people gave to values far from the others.",
    "exclusions": "Whom people put on an exclusion list, and for how long.",
    "survivorship_rules": "Which source gives each attribute of a golden record.",
}
#: Findings of orchestration.matching.audit, each on the table it is about.
_CHECKS = {
    "every_record_has_one_golden_id": "person_members",
    "no_account_has_two_registration_numbers": "account_members",
    "the_review_queue_can_be_worked_through": "review_items",
    "no_block_was_too_large_to_compare": "edges",
}


def matching_asset() -> dg.AssetsDefinition:
    """The matching step, its checks and the decisions it obeys, one op."""
    specs = [
        dg.AssetSpec(
            key=[group, name],
            deps=_RECORDS,
            group_name=group,
            kinds={"python", "parquet"},
            owners=["team:data-platform"],
            description=description,
        )
        for group, tables in (("matching", _TABLES), ("stewardship", _DECISIONS))
        for name, description in tables.items()
    ]
    checks = [dg.AssetCheckSpec(name, asset=["matching", table]) for name, table in _CHECKS.items()]

    @dg.multi_asset(name="matching", specs=specs, check_specs=checks)
    def matching(company: CompanyResource):
        """Golden ids for account and person records, what speaks for them, and what is left to ask."""
        from orchestration.matching.audit import audit_matching, weights_chart

        run = company.current()
        report = match_records(run)
        folder = run.work / "matching"
        told = {
            "account_members": _told(report.accounts),
            "person_members": _told(report.persons),
            "review_items": {
                "accounts": report.accounts.n_review,
                "persons": report.persons.n_review,
            },
            "edges": {
                f"scores_{entity}": dg.MetadataValue.md(chart)
                for entity in ("account", "person")
                if (chart := weights_chart(folder, entity))
            },
        }
        told["id_changes"] = {
            f"{name}_{cause}": n
            for name, entity in (("accounts", report.accounts), ("persons", report.persons))
            for cause, n in entity.id_changes.items()
        } | {"accounts_churn": report.accounts.id_churn, "persons_churn": report.persons.id_churn}
        for spec in specs:
            group, name = spec.key.path
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata=told.get(name, {}) if group == "matching" else {}
            )
        for finding in audit_matching(run.work / "exchange", folder, report):
            yield dg.AssetCheckResult(
                asset_key=["matching", _CHECKS[finding.name]],
                check_name=finding.name,
                passed=finding.passed,
                severity=dg.AssetCheckSeverity.ERROR if finding.is_severe else dg.AssetCheckSeverity.WARN,
                metadata=finding.counts,
            )

    return matching


def _told(report: Any) -> dict[str, Any]:
    """Metadata of one entity: counts, and the accepted edges by evidence."""
    content = report.as_json()
    engine = content["engine"]
    rows = [
        f"| {code} | {found.get('accepted', 0)} | {found.get('review', 0)} | {found.get('rejected', 0)} |"
        for code, found in content["by_evidence"].items()
    ]
    table = "\n".join(["| evidence | accepted | review | rejected |", "|---|---|---|---|", *rows])
    return {
        "records": content["records"],
        "golden": content["golden"],
        "largest_cluster": content["largest_cluster"],
        "pairs_compared": engine.get("n_candidates", 0),
        "for_review": content["review_items"],
        "accepted": content["edges"].get("accepted", 0),
        "rejected": content["edges"].get("rejected", 0),
        "model_hash": engine.get("model_hash", ""),
        "by_evidence": dg.MetadataValue.md(table),
    }
