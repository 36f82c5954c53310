"""What became of one source row: the ingest side of `etalon where`. Pure reads of work/.

What does NOT belong here: golden ids, facts and printing (the caller adds them).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.company import Company, load_company
from ingest.deliveries import Delivery, DeliveryStore, raw_file
from ingest.landing import prepare_delivery
from ingest.mapping import load_mapping
from ingest.sql import literal
from ingest.strict_reader import lines_of


@dataclass(frozen=True)
class Fate:
    """The one fate of one line or record.

    kind: header | blank | quarantined_line | continuation | refused | kept | quarantined | excluded |
    exact_duplicate | superseded | suppressed. line: physical line (ordinal for json and ics). winner: (delivery,
    line) of the record kept instead; the line is None when a whole delivery decided (a snapshot).
    """

    kind: str
    source_instance: str
    file_path: str
    delivery_id: str
    line: int
    contract: str | None = None
    record_part: int = 0
    source_record_id: str | None = None
    reason_code: str | None = None
    detail: str | None = None
    winner: tuple[str, int | None] | None = None


def fate_of_line(company: Path | Company, instance: str, delivery: str, line: int) -> list[Fate]:
    """Fates of one line of one delivery: one per record that begins there, else the one fate of the line.

    delivery: a delivery id, or the path of the file below extracts/ (or below the source's folder).
    Raises LookupError when the delivery or the line does not exist.
    """
    settings = company if isinstance(company, Company) else load_company(company)
    found = _delivery(settings, instance, delivery)
    if found.status == "refused":
        problem = found.refusal()
        return [_fate(found, "refused", line, reason_code=problem.code if problem else None)]
    connection = duckdb.connect()
    try:
        records = [
            fate
            for contract in sorted(found.tables)
            for fate in _records(connection, settings, found, contract, f"_source_row_id = {int(line)}")
        ]
        if records:
            return records
        quarantine = settings.work / "quarantine" / f"{found.delivery_id}.parquet"
        if quarantine.exists():
            row = connection.execute(
                f"SELECT reason_code, raw_line FROM read_parquet({literal(str(quarantine))}) "
                f"WHERE _source_row_id = {int(line)}"
            ).fetchone()
            if row:
                return [_fate(found, "quarantined_line", line, reason_code=row[0], detail=row[1])]
    finally:
        connection.close()
    return [_line_without_record(settings, found, line)]


def fate_of_key(company: Path | Company, instance: str, key: str, contract: str | None = None) -> list[Fate]:
    """Fates of every record of a source whose source_record_id is `key`, oldest delivery first."""
    settings = company if isinstance(company, Company) else load_company(company)
    deliveries = sorted(
        (d for d in DeliveryStore(settings.work).load().values() if d.source_instance == instance),
        key=lambda d: (d.delivered_on or "", d.delivery_id),
    )
    connection = duckdb.connect()
    try:
        return [
            fate
            for delivery in deliveries
            if delivery.status == "landed"
            for name in sorted(delivery.tables)
            if contract in (None, name)
            for fate in _records(connection, settings, delivery, name, f"source_record_id = {literal(key)}")
        ]
    finally:
        connection.close()


def _delivery(company: Company, instance: str, name: str) -> Delivery:
    source = next((s for s in company.sources if s.instance == instance), None)
    if source is None:
        raise LookupError(f"no source {instance} in company.yml")
    deliveries = [d for d in DeliveryStore(company.work).load().values() if d.source_instance == instance]
    wanted = {name, f"{source.folder}/{name}"}
    matches = [d for d in deliveries if d.delivery_id == name or wanted & set(d.file_paths)]
    if not matches:
        raise LookupError(f"no delivery {name} of {instance}")
    # A path may have held several contents; the one landed last is the one meant.
    return max(matches, key=lambda d: (d.status == "landed", d.delivered_on or "", d.delivery_id))


def _fate(delivery: Delivery, kind: str, line: int, **values: object) -> Fate:
    return Fate(
        kind,
        delivery.source_instance,
        delivery.file_path,
        delivery.delivery_id,
        line,
        **values,  # type: ignore[arg-type]
    )


def _records(
    connection: duckdb.DuckDBPyConnection, company: Company, delivery: Delivery, contract: str, condition: str
) -> list[Fate]:
    raw = raw_file(company.work, contract, delivery.source_instance, delivery.delivery_id)
    disposed = company.work / "collect" / "dispositions.parquet"
    rows = connection.execute(
        f"SELECT r._source_row_id, r._record_part, r.source_record_id, d.disposition, d.reason_code, "
        f"d.winner_delivery_id, d.winner_source_row_id FROM read_parquet({literal(str(raw))}) r "
        f"LEFT JOIN (SELECT * FROM read_parquet({literal(str(disposed))}) WHERE contract = "
        f"{literal(contract)}) d "
        f"USING (_delivery_id, _source_row_id, _record_part) WHERE r.{condition} ORDER BY ALL"
    ).fetchall()
    return [
        _fate(
            delivery, disposition or "kept", line, contract=contract, record_part=part, source_record_id=key,
            reason_code=reason, winner=(winner, winner_line) if winner else None,
        )
        for line, part, key, disposition, reason, winner, winner_line in rows
    ]  # fmt: skip


def _line_without_record(company: Company, delivery: Delivery, line: int) -> Fate:
    """Fate of a line at which no record begins: header, blank, or inside a record that began above."""
    source = next(s for s in company.sources if s.instance == delivery.source_instance)
    spec = load_mapping(source, company.root).model.files[delivery.file_key]
    if spec.format in {"json", "parquet"} or not 1 <= line <= delivery.n_physical_lines:
        raise LookupError(f"{delivery.file_path} has no line {line}")
    if spec.format in {"delimited", "fixed_width", "xlsx"} and line <= delivery.n_header_lines:
        return _fate(delivery, "header", line)
    if spec.is_binary:
        return _fate(delivery, "blank", line)
    readable = spec.model_copy(update={"on_undecodable": "quarantine"})
    scratch = company.work / "tmp" / "ingest"
    prepared = prepare_delivery(company.work, delivery, readable, delivery.file_path, scratch)
    try:
        text = lines_of(prepared.path)[line - 1]
    finally:
        prepared.close()
    kind = "continuation" if text.strip() else "blank"
    return _fate(delivery, kind, line, detail=None if spec.privacy else text[:200])
