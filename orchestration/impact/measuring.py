"""Build the copy of the candidate without each wanted decision, one after the other, and compare the company's KPIs.

First the copy is built with every decision: it must have the figures of the run, or nothing is measured. What is done
stays done: a measurement broken off goes on with the next decision.
What does NOT belong here: which decisions there are (switches.py), how one goes the other way (scratch.py).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.catalogue import load_catalogue
from expectations.connection import connect
from expectations.results import write_parquet
from ingest.sql import ident, literal
from orchestration.dbt_running import WAREHOUSE, DbtStepFailedError, manifest, run_models
from orchestration.impact.errors import ImpactError
from orchestration.impact.results import SCHEMA, inputs_fingerprint, write_impact
from orchestration.impact.scratch import Scratch
from orchestration.impact.switches import Switch, flagged_rows
from orchestration.publication.reach import KPI_MART
from orchestration.publication.registry import registry_path
from orchestration.settings import read_settings
from orchestration.statistics import compute_all

if TYPE_CHECKING:
    from ingest.company import Company

_KPIS = f"+{KPI_MART}"
_MASTER = f"tag:master,{_KPIS}"
_VALUES = pa.schema(
    [
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("unit_code", pa.string()),
        ("metric_value", pa.decimal128(38, 10)),
    ]
)


@dataclass(frozen=True)
class Measured:
    """What became of one switch. status: measured, known (measured before on these inputs) or failed. detail: the
    models that could not be built without the decision.
    """

    switch: Switch
    status: str
    detail: str = ""


def measure(
    company: Company,
    wanted: Sequence[Switch],
    on_progress: Callable[[str, str], None] = lambda step, text: None,
) -> list[Measured]:
    """Measure each wanted switch and write work/quality/kpi_impact.parquet after each of them.

    wanted: decisions without an obstacle. The candidate, the published files and the registry are only read.
    Raises ImpactError E-IMP-002 when the copy with every decision has not the figures of the run.
    """
    work = company.work
    inputs = inputs_fingerprint(work)
    folder = work / "impact"
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    for part in parts.glob("*.parquet"):
        if not _is_of(part, inputs):
            part.unlink()
    bench = _Bench(company, folder / "build", on_progress)
    found = []
    try:
        for position, switch in enumerate(wanted, start=1):
            bench.label = f"{position}/{len(wanted)} {switch.code}"
            part = parts / f"{switch.kind}-{switch.code}.parquet"
            if part.is_file():
                found.append(Measured(switch, "known"))
                continue
            published = bench.published(folder / "published.parquet", inputs)
            try:
                without = bench.without(switch)
            except DbtStepFailedError as error:
                names = sorted(node.name for node in error.outcome.failed) if error.outcome else ["dbt"]
                found.append(Measured(switch, "failed", ", ".join(names)))
                continue
            write_parquet(_compared(published, without, switch, inputs), part)
            write_impact(parts, work, inputs)
            found.append(Measured(switch, "measured"))
    finally:
        shutil.rmtree(folder / "build", ignore_errors=True)
    if any(each.status == "known" for each in found):
        write_impact(parts, work, inputs)  # a measurement broken off may have left a part that is not in it
    return found


class _Bench:
    """The scratch directory and what is built in it. label: what is being measured, for progress."""

    label = ""

    def __init__(self, company: Company, folder: Path, on_progress: Callable[[str, str], None]) -> None:
        self.company, self.on_progress = company, on_progress
        self.scratch = Scratch(company.work, folder)

    def published(self, path: Path, inputs: str) -> pa.Table:
        """KPIs of the copy with every decision (_VALUES), built once for these inputs and kept in `path`."""
        if _is_of(path, inputs):
            return pq.read_table(path).select(_VALUES.names)
        self.scratch.reset()
        run_models("impact", [_KPIS], self.scratch.folder, on_node=self._told)
        values = _values(self.scratch.folder / WAREHOUSE)
        run = _values(self.company.work / WAREHOUSE)
        if run.num_rows:
            n = set(map(tuple, _plain(values))) ^ set(map(tuple, _plain(run)))
            if n:
                raise ImpactError("E-IMP-002", self.company.root.name, n=len({row[:2] for row in n}))
        stamped = values.append_column(
            "inputs_fingerprint", pa.array([inputs] * values.num_rows, pa.string())
        )
        write_parquet(stamped, path)
        return values

    def without(self, switch: Switch) -> pa.Table:
        """KPIs had one decision gone the other way (_VALUES).

        The warehouse of the run is copied, and what the decision reaches is built again in the copy.
        """
        work = self.scratch.folder
        self.scratch.reset()
        shutil.copyfile(self.company.work / WAREHOUSE, work / WAREHOUSE)
        if switch.kind == "merge":
            self.scratch.separate(switch.code)
            self._build_again([_MASTER])
        elif switch.kind == "rule" and self._is_on_facts(switch.code):
            facts = self._drop_flagged(switch.code)
            self._build_again([f"{name}+,{_KPIS}" for name in facts], excluded=facts)
        elif switch.kind == "rule":
            self._follow([f"source:raw.{name}" for name in self.scratch.leave_out(switch.code)], ())
        else:
            changed = [f"source:raw.{name}" for name in self.scratch.take_back(switch.code)]
            self._follow([*changed, *_models_giving(switch.code)], (switch.code,))
        return _values(work / WAREHOUSE)

    def _follow(self, changed: Sequence[str], switched_off: Sequence[str]) -> None:
        """Build again what follows from sources and models, and match again where the records to match are others."""
        work = self.scratch.folder
        staging = [f"{name}+,tag:staging,{_KPIS}" for name in changed]
        run_models("staging", staging, work, switched_off=switched_off, on_node=self._told)
        following = [f"{name}+,{_KPIS}" for name in changed]
        if self.scratch.must_match_again():
            from orchestration.matching import match

            match(
                work / "exchange" / "int_account_records.parquet",
                work / "exchange" / "int_person_records.parquet",
                registry_path(self.company.published),
                read_settings(self.company.work).cycle,
                work / "matching",
                constraints=work / "stewardship" / "constraints.parquet",
            )
            following = [_MASTER]
        self._build_again(following, excluded=["tag:staging"], switched_off=switched_off)

    def _build_again(
        self, selected: Sequence[str], *, excluded: Sequence[str] = (), switched_off: Sequence[str] = ()
    ) -> None:
        """Build models of the copy, estimate again from them, and build the KPI marts."""
        work = self.scratch.folder
        run_models(
            "impact", selected, work, excluded=[*excluded, "tag:mart"], switched_off=switched_off, on_node=self._told
        )  # fmt: skip
        compute_all(work / WAREHOUSE, read_settings(self.company.work), work / "statistics")
        run_models("impact", [f"tag:mart,{_KPIS}"], work, switched_off=switched_off, on_node=self._told)

    def _told(self, node: object) -> None:
        self.on_progress("impact", f"{self.label}: {getattr(node, 'name', '')}")

    def _is_on_facts(self, rule_id: str) -> bool:
        """True when the rows that a rule flags are rows of facts, not of a source."""
        failures = literal(str(self.company.work / "quality" / "rule_failures.parquet"))
        with duckdb.connect() as con:
            query = f"select bool_and(layer = 'fact') from read_parquet({failures}) where rule_id = $rule"
            return bool(con.execute(query, {"rule": rule_id}).fetchone()[0])

    def _drop_flagged(self, rule_id: str) -> list[str]:
        """Leave the flagged rows out of the facts of the copied warehouse. Returns these facts."""
        tables = []
        failures = self.company.work / "quality" / "rule_failures.parquet"
        with duckdb.connect(str(self.scratch.folder / WAREHOUSE)) as con:
            for check in load_catalogue().rule(rule_id).checks:
                schema, name = check.table.split(".")
                relation = f"{ident(schema)}.{ident(name)}"
                kinds = con.execute(
                    "select table_type from information_schema.tables"
                    " where table_catalog = current_database() and table_schema = $schema and table_name = $name",
                    {"schema": schema, "name": name},
                ).fetchall()
                if not kinds:
                    continue
                con.execute(
                    f"create temp table left_over as select * from {relation}"
                    f" where {flagged_rows(check.table, check.key, failures, rule_id)}"
                )
                con.execute(f"drop {'view' if kinds[0][0] == 'VIEW' else 'table'} {relation}")
                con.execute(f"create table {relation} as select * from left_over")
                con.execute("drop table left_over")
                tables.append(name)
        return tables


def _models_giving(reason_code: str) -> list[str]:
    """Models that give a reason through the macro `applies`, in their own text or in that of a macro they use."""
    said = re.compile(rf"applies\(\s*'{reason_code}'")
    project = manifest()
    macros = {name for name, macro in project["macros"].items() if said.search(macro["macro_sql"])}
    return sorted(
        node["name"]
        for node in project["nodes"].values()
        if node["resource_type"] == "model"
        and (said.search(node["raw_code"]) or macros.intersection(node["depends_on"]["macros"]))
    )


def _values(warehouse: Path) -> pa.Table:
    """KPIs of the whole company in a warehouse (_VALUES); none where the marts have not been built."""
    with connect(warehouse) as con:
        known = con.execute(
            "select 1 from information_schema.tables where table_schema = 'marts' and table_name = $name",
            {"name": KPI_MART},
        ).fetchall()
        if not known:
            return _VALUES.empty_table()
        return (
            con.sql(
                f"select {', '.join(_VALUES.names)} from marts.{ident(KPI_MART)} where segment_kind_code = 'all'"
                " order by metric_name, period_month"
            )
            .to_arrow_table()
            .cast(_VALUES)
        )


def _compared(published: pa.Table, without: pa.Table, switch: Switch, inputs: str) -> pa.Table:
    """Rows of kpi_impact (SCHEMA): KPIs and months in which either has a value."""
    with duckdb.connect() as con:
        con.register("published", published)
        con.register("without", without)
        return (
            con.sql(
                "select metric_name, period_month, $kind as switch_kind, $code as switch_code,"
                " coalesce(p.unit_code, w.unit_code) as unit_code, p.metric_value as value_published,"
                " w.metric_value as value_without, p.metric_value - w.metric_value as difference,"
                " cast($n_rows as bigint) as n_rows, $inputs as inputs_fingerprint"
                " from published as p full join without as w using (metric_name, period_month)"
                " where coalesce(p.metric_value, w.metric_value) is not null order by metric_name, period_month",
                params={"kind": switch.kind, "code": switch.code, "n_rows": switch.n_rows, "inputs": inputs},
            )
            .to_arrow_table()
            .cast(SCHEMA)
        )


def _plain(values: pa.Table) -> list[tuple]:
    return list(zip(*(values[name].to_pylist() for name in _VALUES.names), strict=True))


def _is_of(path: Path, inputs: str) -> bool:
    """True when a file was measured on these inputs."""
    if not path.is_file():
        return False
    with duckdb.connect() as con:
        query = (
            f"select min(inputs_fingerprint), max(inputs_fingerprint) from read_parquet({literal(str(path))})"
        )
        return con.execute(query).fetchone() == (inputs, inputs)
