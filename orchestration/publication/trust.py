"""Tables that travel with the marts so that a number shows its trust: dim_publication and kpi_trust.

What does NOT belong here: computing a KPI, judging a rule, the definitions of metrics (see metric_table). Rule
statuses come from the validation results. Neither table depends on the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from ingest.sql import literal
from orchestration.publication.history import Publication
from orchestration.publication.metric_table import metric_rows
from orchestration.publication.reach import EVERY, NEVER, Months, Reach
from orchestration.publication.tables import Column, Table
from orchestration.settings import cycle_bounds

DIM_PUBLICATION = Table(
    "dim_publication",
    "",
    "One row per publication up to the one these tables belong to, as it was known when that one was made.",
    ("publication_id",),
    (
        Column("publication_id", "Cycle and 12 hex of the inputs' fingerprint."),
        Column("sequence", "Number of the publication, 1 for the first one of the company."),
        Column("is_current", "The publication these tables belong to: one row."),
        Column("is_rolled_back", "Taken back by a rollback before the current one was made."),
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
        Column("minimum_n", "Units below which a value is shown as too few."),
        Column("is_too_few", "Fewer units than the metric's minimum, or none known."),
        Column("last_delivery_on", "Newest delivery of the sources behind the metric."),
        Column("n_days_since_delivery", "Days from that delivery to the day after the cycle."),
        Column(
            "late_contracts", "Source tables behind the metric not delivered for the cycle, comma joined."
        ),
        Column(
            "rule_ids",
            "Rules that failed, warned or are waived on rows of this metric and month, comma joined.",
        ),
        Column("waived_rules", "Of those the waived ones, each with the date its waiver ends, comma joined."),
        Column("unassessed_rule_ids", "Critical rules that were due there and not assessed, comma joined."),
        Column("worse_rule_ids", "Rules there that are worse than in the last publication, comma joined."),
        Column("caveat_code", "Caveat of the value itself, of the management mart."),
        Column("caveat_fr", "French sentences, null when there is nothing to add to the value."),
        Column("caveat_en", "English sentences, null when there is nothing to add to the value."),
    ),
)
CAVEATS_FILE = Path(__file__).with_name("caveats.yml")


@dataclass(frozen=True)
class Findings:
    """What speaks about tables: judged results and controls, critical rules due and not assessed, shares that rose.

    Each has rule_id and table_name; the judged ones severity, status and waived_until too.
    """

    judged: Sequence[Any]
    unassessed: Sequence[Any] = ()
    worse: Sequence[Any] = ()


@dataclass(frozen=True)
class Delivered:
    """The newest delivery of a contract over all sources, and whether one of them missed the cycle."""

    last_delivered_on: date | None
    is_late: bool


@dataclass(frozen=True)
class Trust:
    """What is known of a metric in every month."""

    code: str
    rule_ids: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()  # `<rule> <date>`
    unassessed: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()


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
    """Trust code of whatever reads `table_names`, in all months together, and the rules behind it."""
    there = tuple(each for each in results if each.table_name.split(".")[-1] in table_names)
    found = metric_trust(Findings(there))
    return found.code, found.rule_ids


def metric_trust(findings: Findings) -> Trust:
    """How far a value can be trusted that `findings` concern. A critical rule that was due and was not assessed
    leaves it not assessed, whatever passed beside it; a waived rule is never a pass.
    """
    failed = _ids(each for each in findings.judged if each.status == "fail")
    # What is only told (info) says nothing against a figure.
    doubtful = [
        each for each in findings.judged if each.status in ("warn", "waived") and each.severity != "info"
    ]
    waived = {f"{each.rule_id} {each.waived_until}" for each in doubtful if each.status == "waived"}
    unassessed, worse = _ids(findings.unassessed), _ids(findings.worse)
    rule_ids = tuple(sorted({*failed, *_ids(doubtful)}))
    if failed:
        code = "unreliable"
    elif unassessed:
        code = "not_assessed"
    elif doubtful or worse:
        code = "caution"
    else:
        code = "reliable" if any(each.status == "pass" for each in findings.judged) else "not_assessed"
    return Trust(code, rule_ids, tuple(sorted(waived)), unassessed, worse)


@dataclass(frozen=True)
class Concerned:
    """The findings that concern one metric, each with its months: which of them concern one month."""

    judged: Sequence[tuple[Any, Months]]
    unassessed: Sequence[tuple[Any, Months]]
    worse: Sequence[tuple[Any, Months]]

    def of(self, month: date) -> Findings:
        """The findings of one month."""
        return Findings(
            *(
                tuple(each for each, months in found if months is EVERY or month in months)
                for found in (self.judged, self.unassessed, self.worse)
            )
        )


def concerned(metric: str, findings: Findings, where: Reach) -> Concerned:
    """What concerns a metric at all."""

    def those(found: Iterable[Any]) -> list[tuple[Any, Months]]:
        placed = ((each, where.months(metric, each)) for each in found)
        return [(each, months) for each, months in placed if months != NEVER]

    return Concerned(those(findings.judged), those(findings.unassessed), those(findings.worse))


def _ids(found: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({each.rule_id for each in found}))


def newest_deliveries(con: duckdb.DuckDBPyConnection, work: Path) -> dict[str, Delivered]:
    """Contract -> its newest delivery, from what collect wrote."""
    terms, deliveries = (
        literal(str(work / "collect" / f"{name}.parquet")) for name in ("ledger_terms", "deliveries")
    )
    rows = con.execute(
        "select contract, max(delivered_on), coalesce(bool_or(is_missed), false)"
        f" from read_parquet({terms}) as terms join read_parquet({deliveries}) using (_delivery_id)"
        " where term = 'C' and contract is not null group by contract"
    ).fetchall()
    return {contract: Delivered(newest, late) for contract, newest, late in rows}


def publication_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """dim_publication as Arrow."""
    types = {
        "sequence": pa.int32(),
        "is_current": pa.bool_(),
        "is_rolled_back": pa.bool_(),
        "as_of": pa.timestamp("us"),
        "n_deliveries": pa.int32(),
        "last_delivery_on": pa.date32(),
    }
    return _arrow(DIM_PUBLICATION, types, rows)


def trust_table(
    con: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    findings: Findings,
    publication: Publication,
    deliveries: Mapping[str, Delivered],
    kpi_relation: str,
    where: Reach,
) -> pa.Table:
    """kpi_trust as Arrow: one row per metric and month of the management mart. where: which findings concern what."""
    behind = where.behind
    minimum = {row["metric_name"]: row["minimum_n"] for row in metric_rows(manifest)}
    values = con.execute(
        "select metric_name, period_month, cast(coalesce(denominator, numerator) as decimal(38, 4)) as n,"
        f" caveat_code from {kpi_relation} where segment_kind_code = 'all' order by metric_name, period_month"
    ).fetchall()
    cycle_start, day_after = cycle_bounds(publication.cycle)
    rows = []
    concerning: dict[str, Concerned] = {}
    for name, period_month, n, caveat_code in values:
        tables = behind.get(name, frozenset())
        if name not in concerning:
            concerning[name] = concerned(name, findings, where)
        trust = metric_trust(concerning[name].of(period_month))
        if n is None and name in where.definitions:
            n = where.units.get((name, period_month), 0)
        fed = {contract: deliveries[contract] for contract in sorted(tables & deliveries.keys())}
        last = max((each.last_delivered_on for each in fed.values() if each.last_delivered_on), default=None)
        late = [contract for contract, each in fed.items() if each.is_late]
        is_too_few = n is None or n < minimum.get(name, 0)
        is_cut_short = bool(late) and period_month == cycle_start
        code = "caution" if trust.code == "reliable" and (is_too_few or is_cut_short) else trust.code
        is_empty = not n
        if is_empty and code != "unreliable":
            code = "not_assessed"
        said = _caveats(
            trust,
            code,
            caveat_code,
            n if is_too_few and not is_empty else None,
            minimum.get(name, 0),
            is_empty,
        )
        if is_cut_short:
            said.append(("late", {"contracts": ", ".join(late)}))
        rows.append(
            {
                "metric_name": name,
                "period_month": period_month,
                "trust_code": code,
                "verdict": publication.verdict,
                "n": n,
                "minimum_n": minimum.get(name, 0),
                "is_too_few": is_too_few,
                "last_delivery_on": last,
                "n_days_since_delivery": (day_after - last).days if last else None,
                "late_contracts": ",".join(late) or None,
                "rule_ids": ",".join(trust.rule_ids) or None,
                "waived_rules": ",".join(trust.waived) or None,
                "unassessed_rule_ids": ",".join(trust.unassessed) or None,
                "worse_rule_ids": ",".join(trust.worse) or None,
                "caveat_code": caveat_code,
                "caveat_fr": _sentences("fr", said),
                "caveat_en": _sentences("en", said),
            }
        )
    types = {
        "period_month": pa.date32(),
        "n": pa.decimal128(38, 4),
        "minimum_n": pa.int32(),
        "is_too_few": pa.bool_(),
        "last_delivery_on": pa.date32(),
        "n_days_since_delivery": pa.int32(),
    }
    return _arrow(KPI_TRUST, types, rows)


def _caveats(
    trust: Trust, code: str, caveat_code: str | None, too_few: Any, minimum: int, is_empty: bool
) -> list[tuple[str, dict[str, Any]]]:
    """What has to be said, the gravest first: key of caveats.yml and its values."""
    said: list[tuple[str, dict[str, Any]]] = []
    waived = {each.split(" ", 1)[0] for each in trust.waived}
    unwaived = [each for each in trust.rule_ids if each not in waived]
    if unwaived:
        said.append(("unreliable" if code == "unreliable" else "caution", {"rules": ", ".join(unwaived)}))
    if trust.unassessed:
        said.append(("unassessed", {"rules": ", ".join(trust.unassessed)}))
    elif is_empty:
        said.append(("no_unit", {}))
    elif code == "not_assessed":
        said.append(("not_assessed", {}))
    if trust.waived:
        said.append(("waived", {"rules": ", ".join(trust.waived)}))
    if trust.worse:
        said.append(("worse", {"rules": ", ".join(trust.worse)}))
    if too_few is not None:
        said.append(("too_few", {"n": f"{too_few:.0f}", "minimum": minimum}))
    if caveat_code is not None:
        said.append((caveat_code, {}))
    return said


def _sentences(language: str, said: Iterable[tuple[str, Mapping[str, Any]]]) -> str | None:
    texts = caveats()[language]
    return " ".join(texts[key].format(**values) for key, values in said) or None


@cache
def caveats() -> Mapping[str, Mapping[str, str]]:
    """The catalogue of caveats: language -> key -> sentence with named places."""
    return yaml.safe_load(CAVEATS_FILE.read_text(encoding="utf-8"))


def _arrow(table: Table, types: Mapping[str, pa.DataType], rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows in the columns of a table; text where no type is given."""
    schema = pa.schema([(column.name, types.get(column.name, pa.string())) for column in table.columns])
    return pa.Table.from_pylist(list(rows), schema=schema)
