"""Build staging and master of the planted company once; tests read the warehouse.

What does NOT belong here: the rows (planted.py) and what must be true of them (test_*.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import planted
import planted_groups
import planted_survivors
import planted_west
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.contract import load_contracts, write_schema_files
from orchestration.matching.account_evidence import VALID_VAT_NUMBERS
from orchestration.matching.member_history import HISTORY_SCHEMA
from orchestration.matching.review import ITEMS
from orchestration.matching.standardise.identifiers import vat_numbers
from orchestration.stewardship.tables import SCHEMAS, write_decision_tables
from orchestration.survivorship import write_rules

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"


def write_raw(work: Path, planted_rows: dict[str, list[dict]]) -> None:
    """raw/<contract>/*.parquet with one file a contract; source rows numbered from 1."""
    write_schema_files(work)
    disposed = []
    for name, contract in load_contracts().items():
        rows = []
        instance = planted.DOMAIN_INSTANCE[contract.domain]
        delivery = hashlib.sha256(name.encode()).hexdigest()[:12]
        for line, values in enumerate(planted_rows.get(name, []), start=1):
            row = {field.name: None for field in contract.arrow_schema}
            row |= {k: v for k, v in planted.REQUIRED_DEFAULTS.items() if k in row}
            row |= {"source_system": "planted", "source_instance": instance, "_delivery_id": delivery,
                    "_source_row_id": line, "_record_part": 0, "is_surrogate_key": False,
                    "is_deleted": False, "delivered_on": planted.on("2026-06-30")}  # fmt: skip
            values = dict(values)
            if values.pop("_superseded", False):
                disposed.append((name, instance, delivery, line, "superseded"))
            unknown = set(values) - set(row)
            assert not unknown, f"{name} has no column {unknown}"
            rows.append(row | values)
            if (name, values["source_record_id"]) in planted.SET_ASIDE:
                disposed.append((name, instance, delivery, line, "excluded"))
        table = pa.Table.from_pylist(rows, schema=contract.arrow_schema)
        pq.write_table(table, work / "raw" / name / f"{instance}__{delivery}.parquet")
    (work / "collect").mkdir()
    with duckdb.connect() as con:
        con.execute(
            "create table d(contract varchar, source_instance varchar, _delivery_id varchar, line bigint,"
            " disposition varchar)"
        )
        if disposed:
            con.executemany("insert into d values (?, ?, ?, ?, ?)", disposed)
        con.execute(
            "copy (select contract, source_instance, _delivery_id, line as _source_row_id, 0 as _record_part,"
            " disposition, 'archived_record' as reason_code,"
            " cast(null as varchar) as winner_delivery_id, cast(null as bigint) as winner_source_row_id"
            " from d)"
            f" to '{work / 'collect' / 'dispositions.parquet'}'"
        )


def write_settings(work: Path, timezone: str, as_of: str) -> None:
    """The one row of settings: cycle 2026-06 of a company in `timezone`, whose first instant after it is `as_of`."""
    (work / "run").mkdir()
    with duckdb.connect() as con:
        con.execute(
            f"copy (select 'planted' as company, '2026-06' as cycle, timestamp '{as_of}' as as_of,"
            " date '2026-06-01' as cycle_start, date '2026-07-01' as cycle_end, 'EUR' as reporting_currency,"
            f" '{timezone}' as timezone, 30 as conversion_window_days, 10 as conversation_min_s,"
            f" '{planted.OWN}' as own_domains, 'c' as code_version, 'p' as policy_version, 'r' as run_id)"
            f" to '{work / 'run' / 'settings.parquet'}'"
        )


def write_matching(
    work: Path,
    same_account: list[set[str]] = planted.SAME_ACCOUNT,
    same_person: list[set[str]] = planted.SAME_PERSON,
) -> None:
    """Golden ids from the exchange files: the planted groups, else one entity a record."""
    (work / "matching").mkdir(exist_ok=True)
    pq.write_table(ITEMS.empty_table(), work / "matching" / "review_items.parquet")
    stated = pq.read_table(work / "exchange" / "int_account_records.parquet")["vat_number"]
    checked = vat_numbers(stated).rename_columns(VALID_VAT_NUMBERS.names)
    valid = checked.filter(pc.is_valid(checked["vat_number"]))
    pq.write_table(valid, work / "matching" / "valid_vat_numbers.parquet")
    for entity, prefix, groups in (("account", "acc", same_account), ("person", "per", same_person)):
        records = pq.read_table(work / "exchange" / f"int_{entity}_records.parquet")["record_key"].to_pylist()
        leader = {key: min(group) for group in groups for key in group}
        golden = [planted.golden_id(prefix, leader.get(key, key)) for key in records]
        pq.write_table(
            pa.table({"record_key": records, f"{entity}_id": golden}),
            work / "matching" / f"{entity}_members.parquet",
        )
        held = [
            {"record_key": key, "golden_id": golden_id, "valid_from": planted.on("2026-07-01")}
            for key, golden_id in zip(records, golden, strict=True)
        ]
        pq.write_table(
            pa.Table.from_pylist(held, schema=HISTORY_SCHEMA), work / "matching" / f"{entity}_history.parquet"
        )


def write_stewardship(work: Path, **decided: list[dict]) -> None:
    """What the planted stewards decided, by table, and the rules of survivorship as they are delivered."""
    folder = work / "stewardship"
    tables = {name: pa.Table.from_pylist(rows, schema=SCHEMAS[name]) for name, rows in decided.items()}
    write_decision_tables(tables, folder)
    write_rules(None, folder)


def build(work: Path, *selection: str, variables: dict[str, object] | None = None) -> None:
    """dbt build in this process; fails with the messages of the nodes that failed."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(
        ["build", "--select", *selection, "--indirect-selection", "buildable", "--project-dir", str(PROJECT),
         "--profiles-dir", str(PROJECT), "--target-path", str(work / "target"),
         "--log-path", str(work / "logs"), "--quiet", *(["--vars", json.dumps(variables)] if variables else [])]
    )  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    failed = [(r.node.name, r.message) for r in (result.result or []) if r.status not in ("success", "pass")]
    assert result.success, failed or result.exception


def built(
    work: Path,
    planted_rows: dict[str, list[dict]],
    *selection: str,
    timezone: str,
    as_of: str,
    same_account: list[set[str]] = planted.SAME_ACCOUNT,
    same_person: list[set[str]] = planted.SAME_PERSON,
    overrides: list[dict] | None = None,
    outlier_classes: list[dict] | None = None,
    exclusions: list[dict] | None = None,
    variables: dict[str, object] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Read-only connection to a planted company after tag:staging, stub matching and the selected models."""
    wanted = {"ETALON_WORK": str(work), "ETALON_KEEP_OPEN": "True"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    (work / "exchange").mkdir(parents=True)
    write_raw(work, planted_rows)
    write_settings(work, timezone, as_of)
    try:
        build(work, "tag:staging")
        write_matching(work, same_account, same_person)
        write_stewardship(
            work,
            field_overrides=overrides or [],
            outlier_classes=outlier_classes or [],
            exclusions=exclusions or [],
        )
        build(work, *selection, variables=variables)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return duckdb.connect(str(work / "warehouse.duckdb"), read_only=True)


class Motors:
    """The company of planted_groups: staging once, then master again for other links and other persons."""

    def __init__(self, work: Path, versions: list[planted_groups.Version]) -> None:
        self.work = work
        (work / "exchange").mkdir(parents=True)
        write_raw(work, planted_groups.rows(versions))
        write_settings(work, "Europe/Paris", "2026-06-30 22:00:00")
        self._build("tag:staging")

    def master(
        self, links: list[planted_groups.Link], *selection: str,
        same_person: list[set[str]] = planted_groups.SAME_PERSON,
    ) -> duckdb.DuckDBPyConnection:  # fmt: skip
        """Read-only connection to the warehouse after building `selection` for these links and persons."""
        write_matching(self.work, planted_groups.SAME_ACCOUNT, same_person)
        schema = SCHEMAS["group_links"]
        decided = pa.Table.from_pylist([link.row() for link in links], schema=schema)
        write_decision_tables({"group_links": decided}, self.work / "stewardship")
        write_rules(None, self.work / "stewardship")
        (self.work / "quality").mkdir(exist_ok=True)
        verdict = pa.table({"cycle": ["2026-06"], "verdict": ["publish"]})
        pq.write_table(verdict, self.work / "quality" / "gate_verdicts.parquet")
        self._build(*selection)
        return duckdb.connect(str(self.work / "warehouse.duckdb"), read_only=True)

    def _build(self, *selection: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ETALON_WORK", str(self.work))
            patch.setenv("ETALON_KEEP_OPEN", "True")
            build(self.work, *selection)


@pytest.fixture(scope="session")
def company_of_motors() -> type[Motors]:
    """The class itself: each test module keeps its own work directory."""
    return Motors


@pytest.fixture(scope="session")
def planted_company() -> Callable[..., duckdb.DuckDBPyConnection]:
    """The function that builds a planted company: each test module keeps its own work directory."""
    return built


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The planted company of Paris up to the master models."""
    work = tmp_path_factory.mktemp("planted") / "work"
    con = built(
        work, planted.ROWS, "path:models/master", timezone="Europe/Paris", as_of="2026-06-30 22:00:00"
    )
    yield con
    con.close()


@pytest.fixture(scope="session")
def new_york(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A company west of UTC, up to the models that the metrics read."""
    work = tmp_path_factory.mktemp("west") / "work"
    con = built(
        work, planted_west.ROWS, "path:models/master", "path:models/metrics",
        timezone="America/New_York", as_of="2026-07-01 04:00:00",
    )  # fmt: skip
    yield con
    con.close()


@pytest.fixture(scope="session")
def survivors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A company whose source records disagree in every way, up to the lineage of its golden records."""
    work = tmp_path_factory.mktemp("survivors") / "work"
    con = built(
        work, planted_survivors.ROWS, "+golden_values", "+dim_corporate_groups", "dim_persons", "golden_conflicts",
        "golden_alternatives", timezone="Europe/Paris", as_of="2026-06-30 22:00:00",
        same_account=planted_survivors.SAME_ACCOUNT, same_person=planted_survivors.SAME_PERSON,
        overrides=planted_survivors.OVERRIDES,
    )  # fmt: skip
    yield con
    con.close()
