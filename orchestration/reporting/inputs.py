"""Reads what the reports show: the candidate warehouse (read only, closed at once) and the steps' Parquet.

What does not belong here: wording, and any figure of its own; a sum over a table is the most it does.
A step that did not run leaves no table: its part of the report is then empty, never an error. After a hold
the marts are missing and the audit has no tiles.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.reporting.control_inputs import control_outcomes, waivers
from orchestration.reporting.decision_inputs import (
    cleaning_decisions,
    id_changes,
    journal_samples,
    review_counts,
    steward_decisions,
)
from orchestration.reporting.figures import (
    AuditInputs,
    Balance,
    DeliveredFile,
    EntityCount,
    LineAccount,
    MergeEvidence,
    QualityInputs,
    Refusal,
    RowAccount,
    RuleOutcome,
    RunFacts,
    SetAside,
    Verdict,
)
from orchestration.reporting.followup_inputs import (
    compliance,
    kpi_impacts,
    reconciliation,
    work_by_owner,
)
from orchestration.reporting.history_inputs import (
    figure_moves,
    former_accounts,
    publication_history,
    segment_moves,
)
from orchestration.reporting.privacy import CONTRACTS_OF_ONE_PERSON
from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    import duckdb

    from ingest.company import Company


__all__ = ["AuditInputs", "QualityInputs", "load_audit_inputs", "load_quality_inputs"]

# Which golden id a contract's records are counted under in the row account.
_ENTITY_OF_CONTRACT = {
    "crm_lead": "person",
    "crm_contact": "person",
    "crm_account": "account",
    "erp_customer": "account",
}


class Reader:
    """Rows of the candidate warehouse and of Parquet files; a relation that is absent has no rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Path) -> None:
        self._connection = connection
        self.work = work

    def parquet(self, name: str, query: str = "select * from relation") -> list[dict[str, Any]]:
        """`query` over `relation`, the file work/<name>.parquet."""
        path = self.path(name)
        if not path.is_file():
            return []
        return self._rows(f"with relation as (select * from read_parquet(?)) {query}", [str(path)])

    def table(
        self, name: str, query: str = "select * from relation", values: tuple = ()
    ) -> list[dict[str, Any]]:
        """`query` over `relation`, the warehouse's table or view `schema.name`."""
        if not self.has(name):
            return []
        return self._rows(f"with relation as (select * from {name}) {query}", list(values))

    def file(
        self, path: Path, columns: Collection[str], query: str, values: tuple = ()
    ) -> list[dict[str, Any]] | None:
        """`query` over `relation`, a Parquet file that a later step may not have written, or written otherwise.

        None when the file is absent or lacks one of `columns`: its part of the report then says how to fill it.
        """
        if not path.is_file():
            return None
        described = self._connection.execute("describe select * from read_parquet(?)", [str(path)])
        if not set(columns) <= {row[0] for row in described.fetchall()}:
            return None
        return self._rows(f"with relation as (select * from read_parquet(?)) {query}", [str(path), *values])

    def columns(self, name: str) -> set[str]:
        """Columns of the warehouse's table or view `schema.name`; none when it is absent."""
        rows = self._connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            name.split("."),
        )
        return {row[0] for row in rows.fetchall()}

    def path(self, name: str) -> Path:
        """The file work/<name>.parquet, which may be absent."""
        return self.work / f"{name}.parquet"

    def file_name(self) -> str:
        """SQL over deliveries: the path of a file, or its delivery id where the file belongs to one person."""
        personal = ", ".join(f"'{each}'" for each in CONTRACTS_OF_ONE_PERSON)
        rows = self.parquet(
            "collect/ledger_terms",
            f"select distinct _delivery_id as id from relation where contract in ({personal}) order by all",
        )
        listed = ", ".join(f"'{row['id']}'" for row in rows)
        return f"if(_delivery_id in ({listed}), _delivery_id, file_path)" if rows else "file_path"

    def has(self, name: str) -> bool:
        """Whether the warehouse holds the table or view `schema.name`."""
        schema, table = name.split(".")
        found = self._connection.execute(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        return found is not None

    def rows(self, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Rows of a whole query over the warehouse, with `$names` bound; none when it is not built."""
        return self._rows(query, values) if (self.work / "warehouse.duckdb").is_file() else []

    def _rows(self, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> list[dict[str, Any]]:
        cursor = self._connection.execute(query, parameters or [])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def reading(work: Path) -> Iterator[Reader]:
    """A reader over the candidate warehouse, or over Parquet files alone when it is not built."""
    import duckdb

    warehouse = work / "warehouse.duckdb"
    is_built = warehouse.is_file()
    connection = duckdb.connect(str(warehouse) if is_built else ":memory:", read_only=is_built)
    try:
        connection.execute("set threads = 2")
        connection.execute("set timezone = 'UTC'")
        yield Reader(connection, work)
    finally:
        connection.close()


def load_quality_inputs(company: Company, publication_id: str | None = None) -> QualityInputs:
    """What the data-quality report of the last run shows. publication_id: of that run, when it was published."""
    n_decisions = _decisions_to_measure(company.work)
    with reading(company.work) as reader:
        run = replace(run_facts(company, reader), publication_id=publication_id)
        first_day, day_after = cycle_bounds(run.cycle)
        registry = company.published / "registry"
        rules = rule_outcomes(reader)
        moves, moved_since = figure_moves(company.published, publication_id)
        by_segment, n_segments_moved = segment_moves(company.published, publication_id)
        return QualityInputs(
            run=run,
            verdict=read_verdict(reader),
            accounts=row_accounts(reader),
            lines=_line_accounts(reader),
            rules=rules,
            controls=control_outcomes(company, day_after),
            decisions=cleaning_decisions(reader),
            merges=_merges(reader),
            entities=_entities(reader),
            refusals=_refusals(reader),
            balances=_balances(reader),
            files=_files(reader),
            waivers=waivers(company, day_after),
            former_accounts=former_accounts(reader, registry, publication_id),
            impacts=kpi_impacts(reader, run.cycle, _fingerprint_of_inputs(reader), rules),
            work=work_by_owner(reader, first_day, rules),
            samples=journal_samples(reader),
            steward_decisions=steward_decisions(reader),
            reviews=review_counts(reader),
            id_changes=id_changes(reader),
            history=publication_history(reader, registry),
            compliance=compliance(reader, first_day, day_after),
            reconciliation=reconciliation(reader, day_after, run.reporting_currency),
            moves=moves,
            moved_since=moved_since,
            segment_moves=by_segment,
            n_segments_moved=n_segments_moved,
            n_decisions_to_measure=n_decisions,
        )


def _decisions_to_measure(work: Path) -> int | None:
    """How many decisions of the run `etalon impact --all` takes the other way; None before a run has built any."""
    from orchestration.impact.errors import ImpactError
    from orchestration.impact.switches import switches

    try:
        return sum(1 for each in switches(work) if not each.obstacle)
    except ImpactError:
        return None


def load_audit_inputs(company: Company) -> AuditInputs:
    """What the sales audit of the last run's cycle shows."""
    from orchestration.reporting.audit_inputs import audit_inputs

    with reading(company.work) as reader:
        return audit_inputs(company, reader)


def run_facts(company: Company, reader: Reader) -> RunFacts:
    """The settings of the last run; those of company.yml before the first one."""
    rows = reader.parquet("run/settings")
    if not rows:
        return RunFacts(
            company=company.company,
            cycle=company.cycle,
            as_of=company.as_of,
            reporting_currency=company.reporting_currency,
            timezone=company.timezone,
            run_id="",
            code_version="",
            policy_version="",
            conversion_window_days=company.conversion_window_days,
        )
    names = {each.name for each in fields(RunFacts)} & set(rows[0])
    return RunFacts(**{name: rows[0][name] for name in names})


def _fingerprint_of_inputs(reader: Reader) -> str:
    """What the last run was made of; '' where no effect of cleaning was measured."""
    from orchestration.impact.results import inputs_fingerprint

    measured = reader.path("quality/kpi_impact").is_file() and reader.path("run/settings").is_file()
    return inputs_fingerprint(reader.work) if measured else ""


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def read_verdict(reader: Reader) -> Verdict:
    """The gate's row, without its headline: the banner says that in its own words."""
    rows = reader.parquet("quality/gate_verdicts")
    if not rows:
        return Verdict()
    row = rows[0]
    return Verdict(
        code=row["verdict"],
        rule_ids=_list(row["rule_ids"]),
        ledger_imbalances=row["ledger_imbalances"] or 0,
        reasons_fr=tuple((row.get("sentences_fr") or [])[1:]),
        reasons_en=tuple((row.get("sentences_en") or [])[1:]),
    )


def _wording(reason_code: str) -> dict[str, str]:
    from ingest.reasons import reasons

    reason = reasons().get(reason_code)
    return {"label_fr": reason.fr, "label_en": reason.en} if reason else {}


def row_accounts(reader: Reader) -> tuple[RowAccount, ...]:
    """Ledger term C by source and contract, with the records merged into another one."""
    terms: dict[tuple[str, str], dict[str, int]] = {}
    query = (
        "select source_instance, contract, name, cast(sum(value) as bigint) as value from relation"
        " where term = 'C' group by all order by all"
    )
    for row in reader.parquet("collect/ledger_terms", query):
        terms.setdefault((row["source_instance"], row["contract"] or ""), {})[row["name"]] = row["value"]
    aside: dict[tuple[str, str], list[SetAside]] = {}
    query = (
        "select source_instance, contract, disposition, reason_code, count(*) as n from relation"
        " where disposition in ('quarantined', 'excluded', 'suppressed') group by all"
        " order by source_instance, contract, n desc, reason_code"
    )
    for row in reader.parquet("collect/dispositions", query):
        aside.setdefault((row["source_instance"], row["contract"]), []).append(
            SetAside(row["disposition"], row["reason_code"], row["n"], **_wording(row["reason_code"]))
        )
    merged = _merged(reader)
    names = ("records_in", "kept", "quarantined", "excluded", "exact_duplicate", "superseded", "suppressed")
    return tuple(
        RowAccount(
            source_instance=key[0],
            contract=key[1],
            **{name: values.get(name, 0) for name in names},
            merged=merged.get(key),
            set_aside=tuple(aside.get(key, ())),
        )
        for key, values in sorted(terms.items())
    )


def _merged(reader: Reader) -> dict[tuple[str, str], int]:
    """(source, contract) -> records that joined another record's golden id, for the contracts of entities.

    A lead that names a company is an account record too; here it counts once, as the person it is.
    """
    if not reader.has("quality_dbt.dq_merges"):
        return {}
    listed = ", ".join(f"('{entity}', '{contract}')" for contract, entity in _ENTITY_OF_CONTRACT.items())
    found = {
        (row["source_instance"], row["contract"]): row["n"]
        for row in reader.table(
            "quality_dbt.dq_merges",
            "select split_part(record_key, '/', 1) as source_instance, contract, count(*) as n from relation"
            f" where (entity, contract) in ({listed}) group by all order by all",
        )
    }
    for entity in ("account", "person"):
        contracts = ", ".join(f"'{name}'" for name, of in _ENTITY_OF_CONTRACT.items() if of == entity)
        query = f"select distinct source_instance, contract from relation where contract in ({contracts})"
        for row in reader.table(f"master.xref_{entity}s", query):
            found.setdefault((row["source_instance"], row["contract"]), 0)
    return found


def _line_accounts(reader: Reader) -> tuple[LineAccount, ...]:
    aside: dict[str, list[SetAside]] = {}
    query = (
        "select source_instance, reason_code, count(*) as n from relation group by all"
        " order by source_instance, n desc, reason_code"
    )
    for row in reader.parquet("collect/quarantine_lines", query):
        aside.setdefault(row["source_instance"], []).append(
            SetAside("quarantined", row["reason_code"], row["n"], **_wording(row["reason_code"]))
        )
    query = """
        select source_instance, count(*) as n_files, cast(sum(file_bytes) as bigint) as file_bytes,
            cast(sum(n_physical_lines) as bigint) as physical_lines,
            cast(sum(n_header_lines) as bigint) as header_lines,
            cast(sum(n_blank_lines) as bigint) as blank_lines,
            cast(sum(n_record_lines) as bigint) as record_lines,
            cast(sum(n_quarantined_lines) as bigint) as quarantined_lines,
            cast(sum(n_repaired_lines) as bigint) as repaired_lines
        from relation group by all order by all
    """
    return tuple(
        LineAccount(
            **{name: value if name == "source_instance" else value or 0 for name, value in row.items()},
            set_aside=tuple(aside.get(row["source_instance"], ())),
        )
        for row in reader.parquet("collect/deliveries", query)
    )


def rule_outcomes(reader: Reader) -> tuple[RuleOutcome, ...]:
    """The validation results, one per rule and table."""
    names = [each.name for each in fields(RuleOutcome)]
    rows = reader.parquet("quality/rule_results", "select * from relation order by rule_id, table_name")
    return tuple(
        RuleOutcome(**{name: row[name] for name in names if row.get(name) is not None}) for row in rows
    )


def _merges(reader: Reader) -> tuple[MergeEvidence, ...]:
    query = """
        select entity, evidence_code, decision, count(*) as n_edges from relation group by all order by all
    """
    return tuple(MergeEvidence(**row) for row in reader.parquet("matching/edges", query))


def _entities(reader: Reader) -> tuple[EntityCount, ...]:
    found = []
    for entity in ("account", "person"):
        query = f"select count(*) as n_rows, count(distinct {entity}_id) as n_golden from relation"
        for row in reader.table(f"master.xref_{entity}s", query):
            found.append(EntityCount(entity, row["n_rows"], row["n_golden"]))
    return tuple(found)


def _refusals(reader: Reader) -> tuple[Refusal, ...]:
    rows = reader.parquet(
        "collect/refusals", "select * from relation order by source_instance, file_path, error_code"
    )
    return tuple(_refusal(row) for row in rows)


def _refusal(row: dict[str, Any]) -> Refusal:
    """Ingest writes English sentences and their parameters; its error catalogue gives the French ones."""
    from ingest.errors import catalogue, text_of

    code, where = row["error_code"], row["where_"] or ""
    french = {}
    if code in catalogue():
        values = json.loads(row.get("params") or "{}") | {"where": where}
        french = {f"{part}_fr": text_of(code, part, "fr", **values) for part in ("what", "why", "next")}
    return Refusal(
        source_instance=row["source_instance"] or "",
        file_path=row["file_path"] or "",
        error_code=code,
        where=where,
        what=row["what"] or "",
        why=row["why"] or "",
        next_step=row["next_command"] or "",
        **french,
    )


def _balances(reader: Reader) -> tuple[Balance, ...]:
    sides = ", ".join(
        f"cast({n} as decimal(38, 4)) as {n}" for n in ("left_value", "right_value", "difference")
    )
    query = f"""
        select term, coalesce(stream, '') as stream, coalesce(scope, '') as scope, {sides}
        from relation order by all
    """
    return tuple(Balance(**row) for row in reader.table("quality_dbt.dq_ledger_balances", query))


def _files(reader: Reader) -> tuple[DeliveredFile, ...]:
    names = ", ".join(each.name for each in fields(DeliveredFile))
    named = f"select * replace ({reader.file_name()} as file_path) from relation"
    return tuple(
        DeliveredFile(**row)
        for row in reader.parquet("collect/deliveries", f"select {names} from ({named}) order by all")
    )
