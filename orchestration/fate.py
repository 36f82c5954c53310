"""The one fate of a source row: header, blank, quarantined, set aside, repeated, superseded or kept.

What does NOT belong here: deciding fates; ingest, matching and dbt decided, this reads what they wrote.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb

from ingest.company import load_company
from ingest.deliveries import Delivery, DeliveryStore, archived_file
from ingest.landing import prepare_delivery
from ingest.mapping import load_mapping
from ingest.sql import literal
from ingest.strict_reader import lines_of
from orchestration.dbt_running import WAREHOUSE
from orchestration.publication.files import read_json

_LINE = re.compile(r"(?P<place>.+):(?P<line>[0-9]+)")


class UnknownRowError(LookupError):
    """The address names no row of this company; str() says what would."""


@dataclass(frozen=True)
class Fate:
    """What became of one row.

    fate_code: refused, header, blank, continuation, quarantined_line, quarantined, excluded, exact_duplicate,
    superseded, suppressed, left_out or kept. reason_code: of reasons.yml; of errors.yml for a refused file.
    line: physical line, row of a sheet, or the ordinal of the record in JSON and ICS.
    """

    fate_code: str
    source_instance: str
    file_path: str
    delivery_id: str
    line: int
    contract: str | None = None
    record_key: str | None = None
    reason_code: str | None = None
    winner: str | None = None
    golden_ids: tuple[str, ...] = ()
    repaired: str | None = None  # "reason code, author, date" of the line that a person repaired


def fates(work: Path, address: str) -> list[Fate]:
    """Fates of the row at `<source>:<file or delivery>:<line>`, or of the record `<source>:<key>`.

    One fate, except when one line gives rows of several contracts or one key exists in several: one each.
    Raises UnknownRowError when nothing answers to the address.
    """
    source, colon, rest = address.partition(":")
    if not colon or not source or not rest:
        raise UnknownRowError(f"{address!r} is not <source>:<file>:<line> or <source>:<key>")
    if not (work / "collect" / "deliveries.parquet").is_file():
        raise UnknownRowError("no extract has been collected here yet: run `etalon run`")
    with _connection(work) as con:
        match = _LINE.fullmatch(rest)
        if match:
            delivery = _delivery(con, work, source, match["place"])
            if delivery is not None:
                return _fates_of_line(con, work, delivery, int(match["line"]))
            refused = _refused(work, source, match["place"])
            if refused is not None:
                return [_fate_of_refused(refused, int(match["line"]))]
        return _fates_of_key(con, work, source, rest)


@dataclass(frozen=True)
class Content:
    """One content that a path held. is_present: it is the one that lies there now."""

    delivery_id: str
    path: str
    delivered_on: str | None
    is_present: bool


def contents_of(work: Path, source: str, place: str) -> list[Content]:
    """Every landed content of the file `place` of a source, the present one first. Empty when there is none.

    place: a delivery id, a path below extracts/, its end, or its name with or without extension.
    Raises UnknownRowError when it names several files of different contents.
    """
    at_path = _sha256_at_path(work)
    found = [
        (path, delivery)
        for delivery in DeliveryStore(work).load().values()
        if delivery.source_instance == source and delivery.status == "landed"
        for path in ([delivery.file_path] if delivery.delivery_id == place else delivery.file_paths)
        if delivery.delivery_id == place or _is_named(path, place)
    ]
    paths, ids = {path for path, _ in found}, {delivery.delivery_id for _, delivery in found}
    exact = [(path, delivery) for path, delivery in found if path == place]
    if len(paths) > 1 and len(ids) > 1 and not exact:
        raise UnknownRowError(f"{place} is several files: {', '.join(sorted(paths)[:10])}")
    contents = {
        delivery.delivery_id: Content(
            delivery.delivery_id, path, delivery.delivered_on, at_path.get(path) == delivery.file_sha256
        )
        for path, delivery in sorted(exact or found, key=lambda item: (item[0], item[1].delivery_id))
    }
    return sorted(contents.values(), key=lambda content: (not content.is_present, content.delivery_id))


def _refused(work: Path, source: str, place: str) -> Delivery | None:
    """The refused delivery named by id or by path; what lies at the path now comes first."""
    at_path = _sha256_at_path(work)
    found = [
        delivery
        for delivery in DeliveryStore(work).load().values()
        if delivery.source_instance == source and delivery.status == "refused"
        if delivery.delivery_id == place or any(_is_named(path, place) for path in delivery.file_paths)
    ]
    present = [d for d in found if any(at_path.get(path) == d.file_sha256 for path in d.file_paths)]
    ordered = sorted(present or found, key=lambda d: (d.delivered_on or "", d.delivery_id))
    return ordered[-1] if ordered else None


def _fate_of_refused(delivery: Delivery, line: int) -> Fate:
    """The fate of any line of a file that was refused as a whole."""
    problem = delivery.refusal()
    return Fate(
        "refused", delivery.source_instance, delivery.file_path, delivery.delivery_id, line,
        reason_code=problem.code if problem else None,
    )  # fmt: skip


def _is_named(path: str, place: str) -> bool:
    name = PurePosixPath(path)
    return place in (path, name.name, name.stem) or path.endswith(f"/{place}")


def _sha256_at_path(work: Path) -> dict[str, str]:
    """What the last collect saw at each path below extracts/."""
    seen = read_json(work / "collect" / "seen.json")
    return {path: entry[-1] for path, entry in seen.items()} if isinstance(seen, dict) else {}


def _delivery(con: duckdb.DuckDBPyConnection, work: Path, source: str, place: str) -> dict[str, Any] | None:
    """The delivery named by id or by path: the content that lies there now."""
    contents = contents_of(work, source, place)
    if len(contents) > 1 and not contents[0].is_present:
        ids = ", ".join(content.delivery_id for content in contents)
        raise UnknownRowError(f"{place} held several contents and is gone: name a delivery of {ids}")
    rows = _rows(
        con,
        "select * from deliveries where _delivery_id = $delivery",
        {"delivery": contents[0].delivery_id if contents else None},
    )
    return rows[0] if rows else None


def _fates_of_line(
    con: duckdb.DuckDBPyConnection, work: Path, delivery: dict[str, Any], line: int
) -> list[Fate]:
    place = {
        "source_instance": delivery["source_instance"],
        "file_path": delivery["file_path"],
        "delivery_id": delivery["_delivery_id"],
    }
    last = max(delivery["n_physical_lines"] or 0, delivery["n_records"] or 0)
    if not 1 <= line <= last:
        raise UnknownRowError(f"{delivery['file_path']} has lines 1 to {last}")
    key = {"delivery": delivery["_delivery_id"], "line": line}
    lines = _rows(
        con, "select * from quarantine_lines where _delivery_id = $delivery and _source_row_id = $line", key
    )
    if lines:
        return [Fate("quarantined_line", line=line, reason_code=lines[0]["reason_code"], **place)]
    found = [
        fate
        for contract in _contracts(work, delivery["_delivery_id"])
        for fate in _record_fates(
            con, work, contract, "_delivery_id = $delivery and _source_row_id = $line", key
        )
    ]
    if found:
        mended = _rows(
            con, "select * from repaired_lines where _delivery_id = $delivery and _source_row_id = $line", key
        )
        said = [f"{row['reason_code']}, {row['author']}, {row['decided_on']}" for row in mended]
        return [replace(fate, repaired=said[0]) for fate in found] if said else found
    query = "select max(_source_row_id) as start from {} where _delivery_id = $delivery and _source_row_id < $line"
    begun = [
        "quarantine_lines",
        *(_raw(work, name, key["delivery"]) for name in _contracts(work, key["delivery"])),
    ]
    start = max(_rows(con, query.format(relation), key)[0]["start"] or 0 for relation in begun)
    code = _kind_of_line(work, delivery, line, start)
    winner = f"{delivery['file_path']}:{start}" if code == "continuation" else None
    return [Fate(code, line=line, winner=winner, **place)]


def _fates_of_key(con: duckdb.DuckDBPyConnection, work: Path, source: str, key: str) -> list[Fate]:
    """The fate of the newest version of a record, per contract that has the key."""
    found = []
    for folder in sorted((work / "raw").iterdir()) if (work / "raw").is_dir() else []:
        rows = list(
            _record_fates(
                con, work, folder.name, "source_instance = $source and source_record_id = $key",
                {"source": source, "key": key},
            )
        )  # fmt: skip
        kept = [fate for fate in rows if fate.fate_code in ("kept", "left_out")]
        found += kept[:1] or rows[-1:]
    if not found:
        raise UnknownRowError(f"no file and no record of source {source} is called {key}")
    return found


def _record_fates(
    con: duckdb.DuckDBPyConnection, work: Path, contract: str, condition: str, values: dict[str, Any]
) -> Iterator[Fate]:
    identity = "using (contract, _delivery_id, _source_row_id, _record_part)"
    rows = _rows(
        con,
        f"""
        with records as (
            select {literal(contract)} as contract, source_instance, _delivery_id, _source_row_id,
                   _record_part,
                   source_instance || '/' || {literal(contract)} || '/' || source_record_id as record_key
            from {_raw(work, contract)} where {condition}
        )
        select r.*, d.file_path, p.disposition, p.reason_code, w.file_path as winner_path,
               p.winner_source_row_id,
               e.reason_code as left_out_reason
        from records as r
        join deliveries as d using (_delivery_id)
        left join dispositions as p {identity}
        left join deliveries as w on p.winner_delivery_id = w._delivery_id
        left join (select distinct on (contract, _delivery_id, _source_row_id, _record_part) * from exclusions
                   order by contract, _delivery_id, _source_row_id, _record_part, reason_code) as e {identity}
        order by d.delivered_on nulls first, r._delivery_id, r._source_row_id, r._record_part
        """,
        values,
    )
    golden = {
        row["record_key"]: row["golden_ids"]
        for row in _rows(
            con,
            "select record_key, list(golden_id order by golden_id) as golden_ids from golden"
            " where list_contains($keys, record_key) group by record_key",
            {"keys": [row["record_key"] for row in rows]},
        )
    }
    for row in rows:
        code = row["disposition"] or ("left_out" if row["left_out_reason"] else "kept")
        winner = row["winner_path"]
        if winner and row["winner_source_row_id"] is not None:
            winner += f":{row['winner_source_row_id']}"
        yield Fate(
            code,
            row["source_instance"],
            row["file_path"],
            row["_delivery_id"],
            row["_source_row_id"],
            contract=contract,
            record_key=row["record_key"],
            reason_code=row["reason_code"] or row["left_out_reason"],
            winner=winner,
            golden_ids=tuple(golden.get(row["record_key"], ())) if not row["disposition"] else (),
        )


def _kind_of_line(work: Path, delivery: dict[str, Any], line: int, start: int) -> str:
    """header, blank or continuation of a line at which no record begins. start: the line above at which one does."""
    if line <= delivery["n_header_lines"]:
        return "header"
    if delivery["encoding"] == "binary":  # a sheet: its rows are no lines of the file
        return "blank"
    if not archived_file(work, delivery["file_sha256"]).is_file():
        return "continuation" if start else "blank"
    lines, quote = _text_of(work, delivery["_delivery_id"])
    text = lines[line - 1] if line <= len(lines) else ""
    above = "".join(lines[start - 1 : line - 1]) if start else ""
    if quote and above.count(quote) % 2:
        return "continuation"
    return "continuation" if text.strip() else "blank"


def _text_of(work: Path, delivery_id: str) -> tuple[list[str], str | None]:
    """Lines of an archived delivery, expanded and decoded as its mapping says, and the quote of its format."""
    delivery = DeliveryStore(work).load()[delivery_id]
    company = load_company(work.parent)
    source = next(each for each in company.sources if each.instance == delivery.source_instance)
    spec = load_mapping(source, company.root).model.files[delivery.file_key]
    readable = spec.model_copy(update={"on_undecodable": "quarantine"})
    with tempfile.TemporaryDirectory() as scratch:
        prepared = prepare_delivery(work, delivery, readable, delivery.file_path, Path(scratch))
        try:
            return lines_of(prepared.path), spec.quote if spec.format == "delimited" else None
        finally:
            prepared.close()


def text_of_line(work: Path, delivery_id: str, line: int) -> str | None:
    """The text of one line of an archived delivery: personal data.

    None where the file has no lines of text, its mapping keeps columns back, or its bytes are gone.
    """
    delivery = DeliveryStore(work).load()[delivery_id]
    company = load_company(work.parent)
    source = next(each for each in company.sources if each.instance == delivery.source_instance)
    spec = load_mapping(source, company.root).model.files[delivery.file_key]
    if spec.format != "delimited" or spec.privacy or not archived_file(work, delivery.file_sha256).is_file():
        return None
    lines, _ = _text_of(work, delivery_id)
    return lines[line - 1].rstrip("\r\n") if line <= len(lines) else None


@contextmanager
def _connection(work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """In-memory DuckDB with what the last run wrote as views; exclusions and golden ids may be empty."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        for name in ("deliveries", "dispositions", "quarantine_lines", "repaired_lines"):
            path = literal(str(work / "collect" / f"{name}.parquet"))
            con.execute(f"create view {name} as select * from read_parquet({path})")
        exclusions, golden = (
            _EMPTY_EXCLUSIONS,
            "select null::varchar as record_key, null::varchar as golden_id where false",
        )
        if (work / WAREHOUSE).is_file():
            con.execute(f"attach {literal(str(work / WAREHOUSE))} as warehouse (read_only)")
            listed = con.execute("select table_name from information_schema.tables").fetchall()  # views too
            tables = {row[0] for row in listed}
            if "dq_exclusions" in tables:
                # a subscription that counts in some of its months is kept
                exclusions = (
                    "select * from warehouse.quality_dbt.dq_exclusions where stream <> 'subscription_month'"
                )
            if {"xref_accounts", "xref_persons"} <= tables:
                golden = (
                    "select record_key, account_id as golden_id from warehouse.master.xref_accounts"
                    " union all select record_key, person_id from warehouse.master.xref_persons"
                )
        con.execute(f"create view exclusions as {exclusions}")
        con.execute(f"create view golden as {golden}")
        yield con
    finally:
        con.close()


_EMPTY_EXCLUSIONS = (
    "select null::varchar as contract, null::varchar as _delivery_id, null::bigint as _source_row_id,"
    " null::integer as _record_part, null::varchar as reason_code where false"
)


def _contracts(work: Path, delivery_id: str) -> list[str]:
    return sorted(path.parent.name for path in (work / "raw").glob(f"*/*__{delivery_id}.parquet"))


def _raw(work: Path, contract: str, delivery_id: str | None = None) -> str:
    pattern = f"*__{delivery_id}.parquet" if delivery_id else "*.parquet"
    return f"read_parquet({literal(str(work / 'raw' / contract / pattern))}, union_by_name = true)"


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = con.execute(query, values)
    names = [item[0] for item in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
