"""Matching between the two dbt operations.

What does NOT belong here: evidence rules (see orchestration.matching).
"""

from __future__ import annotations

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
    "golden_ids": "Every golden id ever minted.",
    "review_items": "Questions for a steward.",
}
_DECISIONS = {
    "constraints": "Pairs of records that stewards joined or kept apart.",
    "decisions": "Every decision of a steward, in force or not.",
    "field_overrides": "Values that stewards set.",
    "group_links": "Companies that stewards put under another one, with dates.",
    "review_items": "Decisions to confirm and decisions that contradict each other.",
    "postponements": "Questions that a steward could not answer.",
    "survivorship_rules": "Which source gives each attribute of a golden record.",
}


def matching_asset() -> dg.AssetsDefinition:
    """The matching step and the decisions it obeys, one op."""
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

    @dg.multi_asset(name="matching", specs=specs)
    def matching(company: CompanyResource):
        """Golden ids for account and person records."""
        report = match_records(company.current())
        counts = {
            "account_members": {
                "records": report.accounts.n_records,
                "golden": report.accounts.n_clusters,
                "largest_cluster": report.accounts.largest_cluster,
            },
            "person_members": {
                "records": report.persons.n_records,
                "golden": report.persons.n_clusters,
                "largest_cluster": report.persons.largest_cluster,
            },
        }
        counts["id_changes"] = {
            f"{name}_{cause}": n
            for name, entity in (("accounts", report.accounts), ("persons", report.persons))
            for cause, n in entity.id_changes.items()
        } | {"accounts_churn": report.accounts.id_churn, "persons_churn": report.persons.id_churn}
        for spec in specs:
            found = counts.get(spec.key.path[-1], {}) if spec.key.path[0] == "matching" else {}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=found)

    return matching
