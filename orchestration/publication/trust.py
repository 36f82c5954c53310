"""The three tables that travel with the marts so that a number shows its trust: dim_publication, dim_metric,
kpi_trust.

What does NOT belong here: computing a KPI, judging a rule. One origin: metric definitions come from the dbt
manifest, rule statuses from the validation results. None of the three depends on the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.publication.tables import Column, Table, meta_of

KPI_MART = "mart_management_kpis_month"

DIM_PUBLICATION = Table(
    "dim_publication",
    "",
    "One row: the publication these tables belong to.",
    ("publication_id",),
    (
        Column("publication_id", "Cycle and 12 hex of the inputs' fingerprint."),
        Column("company", "Company as named in its settings."),
        Column("cycle", "Month published, yyyy-mm."),
        Column("as_of", "First instant after the cycle, UTC: the moment the figures speak for."),
        Column("verdict", "publish or publish_with_warnings."),
        Column("reporting_currency", "ISO 4217 currency of amounts."),
        Column("code_version", "12 hex of the pipeline's sources."),
        Column("policy_version", "12 hex of the rule catalogue and the policy."),
        Column("ledger_hash", "64 hex over the row ledger, terms A to G."),
        Column("n_deliveries", "Extract files the figures were computed from."),
        Column("last_delivery_on", "Date of the newest delivery."),
    ),
)
DIM_METRIC = Table(
    "dim_metric",
    "",
    "One row per metric: its definition in French and English.",
    ("metric_name",),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("label_fr", "French label."),
        Column("label_en", "English label."),
        Column("definition_fr", "French definition."),
        Column("definition_en", "English definition."),
        Column("formula", "What is counted and divided by what."),
        Column("edge_rules", "What happens at the edges, sentence by sentence."),
        Column("grain", "What one unit is."),
        Column("anchor", "Date that places a unit in a period."),
        Column("unit_code", "count, rate, hours, days, touches or money."),
        Column("better_code", "up, down or none: the direction of progress."),
        Column("minimum_n", "Units below which a value is shown as too few."),
        Column("metric_version", "Version of the definition."),
        Column("owner", "Who answers for the definition."),
    ),
)
KPI_TRUST = Table(
    "kpi_trust",
    "",
    "One row per metric and month: how far the value can be trusted.",
    ("metric_name", "period_month"),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("period_month", "First day of the month."),
        Column("trust_code", "reliable, caution, unreliable or not_assessed."),
        Column("verdict", "Verdict of the gate on the cycle."),
        Column("n", "Units the value rests on."),
        Column("is_too_few", "Fewer units than the metric's minimum."),
        Column("last_delivery_on", "Newest delivery behind the figures."),
        Column("rule_ids", "Rules that failed or warned on a table the metric reads, comma joined."),
        Column("caveat_fr", "French sentence, null when the value is reliable."),
        Column("caveat_en", "English sentence, null when the value is reliable."),
    ),
)

_CAVEATS = {
    "unreliable": (
        "Une règle critique échoue sur une table lue par cet indicateur.",
        "A critical rule fails on a table this metric reads.",
    ),
    "caution": (
        "Une règle avertit sur une table lue par cet indicateur.",
        "A rule warns on a table this metric reads.",
    ),
    "not_assessed": (
        "Aucune règle n'a pu être évaluée sur les tables lues par cet indicateur.",
        "No rule could be assessed on the tables this metric reads.",
    ),
    "too_few": (
        "Trop peu d'unités pour conclure.",
        "Too few units to conclude.",
    ),
}


def metric_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row of dim_metric per published metric of the manifest, by name. Halves of a ratio are not."""
    rows = []
    for metric in manifest["metrics"].values():
        meta = meta_of(metric)
        if not meta.get("published", True):
            continue
        description = " ".join((metric.get("description") or "").split())
        rows.append(
            {
                "metric_name": metric["name"],
                "label_fr": meta.get("label_fr") or metric.get("label"),
                "label_en": meta.get("label_en") or metric.get("label"),
                "definition_fr": meta.get("definition_fr"),
                "definition_en": description,
                "formula": meta.get("formula"),
                "edge_rules": " ".join(meta.get("edge_rules") or ()) or None,
                "grain": meta.get("grain"),
                "anchor": meta.get("anchor"),
                "unit_code": meta.get("unit"),
                "better_code": meta.get("better") or "none",
                "minimum_n": int(meta.get("minimum_n") or meta.get("min_n") or 0),
                "metric_version": str(meta.get("version") or 1),
                "owner": meta.get("owner"),
            }
        )
    return sorted(rows, key=lambda row: row["metric_name"])


def metric_table(manifest: Mapping[str, Any]) -> pa.Table:
    """dim_metric as Arrow."""
    types = {"minimum_n": pa.int32()}
    schema = pa.schema([(column.name, types.get(column.name, pa.string())) for column in DIM_METRIC.columns])
    return pa.Table.from_pylist(metric_rows(manifest), schema=schema)


def tables_behind(manifest: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """For each metric, the names of all models and sources behind it in the manifest's lineage."""
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    names = {
        unique_id: node["name"]
        for kind in ("nodes", "sources", "semantic_models", "metrics")
        for unique_id, node in manifest.get(kind, {}).items()
    }
    behind = {}
    for unique_id, metric in manifest["metrics"].items():
        found: set[str] = set()
        stack = list(parents.get(unique_id) or (metric.get("depends_on") or {}).get("nodes") or [])
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                stack.extend(parents.get(node) or [])
        behind[metric["name"]] = frozenset(names[node] for node in found if node in names)
    return behind


def trust_of(table_names: frozenset[str], results: Iterable[Any]) -> tuple[str, tuple[str, ...]]:
    """Trust code and the rules behind it. results: objects with table_name, severity, status, rule_id."""
    concerned = [result for result in results if result.table_name.split(".")[-1] in table_names]
    failed = sorted({result.rule_id for result in concerned if result.status == "fail"})
    warned = sorted({result.rule_id for result in concerned if result.status in ("warn", "waived")})
    if failed:
        return "unreliable", tuple(sorted({*failed, *warned}))
    if warned:
        return "caution", tuple(warned)
    if not any(result.status == "pass" for result in concerned):
        return "not_assessed", ()
    return "reliable", ()


def trust_table(
    con: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    results: list[Any],
    verdict: str,
    last_delivery_on: Any,
    kpi_relation: str,
) -> pa.Table:
    """kpi_trust as Arrow: one row per metric and month of the management mart."""
    behind = tables_behind(manifest)
    minimum = {row["metric_name"]: row["minimum_n"] for row in metric_rows(manifest)}
    values = con.execute(
        "select metric_name, period_month, cast(coalesce(denominator, numerator) as decimal(38, 4)) as n"
        f" from {kpi_relation} where segment_kind_code = 'all' order by metric_name, period_month"
    ).fetchall()
    judged = {name: trust_of(behind.get(name, frozenset()), results) for name in {row[0] for row in values}}
    rows = []
    for name, period_month, n in values:
        code, rule_ids = judged[name]
        is_too_few = n is not None and n < minimum.get(name, 0)
        if is_too_few and code == "reliable":
            code = "caution"
        caveat = (
            _CAVEATS["too_few" if is_too_few and not rule_ids else code]
            if code != "reliable"
            else (None, None)
        )
        rows.append(
            {
                "metric_name": name,
                "period_month": period_month,
                "trust_code": code,
                "verdict": verdict,
                "n": n,
                "is_too_few": is_too_few,
                "last_delivery_on": last_delivery_on,
                "rule_ids": ",".join(rule_ids) or None,
                "caveat_fr": caveat[0],
                "caveat_en": caveat[1],
            }
        )
    types = {
        "period_month": pa.date32(),
        "n": pa.decimal128(38, 4),
        "is_too_few": pa.bool_(),
        "last_delivery_on": pa.date32(),
    }
    schema = pa.schema([(column.name, types.get(column.name, pa.string())) for column in KPI_TRUST.columns])
    return pa.Table.from_pylist(rows, schema=schema)
