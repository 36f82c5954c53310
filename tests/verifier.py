"""An independent verifier of the row ledger: it shares no code with the pipeline.

Terms A to C are derived again from the original files (bytes, csv, json of the standard library) and
compared with what ingest wrote; D to F from the raw Parquet and the warehouse. It reads as data the mappings,
for dialects, and the repairs that people recorded, for the lines they replace. What does not belong here: any import
of ingest, expectations or orchestration.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import yaml

MAPPINGS = Path(__file__).parent.parent / "ingest" / "mappings"
LINE = re.compile(r"\r*\n|\r")

# Streams of term E: contract, stream of the exclusions, rows that the fact stands for.
FACTS = (
    ("crm_lead", "person", "sum(n_source_rows) from master.fct_leads"),
    ("telephony_call_leg", "call", "sum(n_source_rows) from master.fct_calls"),
    ("email_event", "email", "sum(n_source_rows) from master.fct_email_sends"),
    ("calendar_attendee", "attendee", "sum(n_source_rows) from master.fct_meetings"),
    ("crm_activity", "activity", "count(*) from master.fct_touches where source_stream_code = 'activity'"),
    ("crm_opportunity", "opportunity", "count(*) from master.fct_opportunities"),
    ("crm_opportunity_event", "opportunity_event", "count(*) from master.fct_opportunity_changes"),
    ("erp_invoice_line", "invoice_line", "count(*) from master.fct_invoice_lines"),
    ("erp_ledger_entry", "ledger", "count(*) from master.fct_ledger_revenues"),
    ("crm_quota", "quota", "count(*) from master.fct_quotas"),
    ("crm_opportunity_contact_role", "contact_role", "count(*) from master.fct_opportunity_contact_roles"),
    ("crm_account_event", "account_event", "count(*) from master.fct_account_events"),
    ("social_metric", "social_metric", "count(*) from master.fct_social_metrics"),
)
# Streams of term D: contract, stream of the exclusions, crosswalk, its golden id, the golden table.
ENTITIES = (
    ("crm_account", "account", "master.xref_accounts", "account_id", "master.dim_accounts"),
    ("erp_customer", "account", "master.xref_accounts", "account_id", "master.dim_accounts"),
    ("crm_contact", "person", "master.xref_persons", "person_id", "master.dim_persons"),
    ("crm_lead", "person", "master.xref_persons", "person_id", "master.dim_persons"),
)
# Streams of term F: contract, amount in raw, stream of the exclusions, amount of the fact, condition on raw.
MONEY = (
    (
        "erp_invoice_line",
        "net_amount",
        "invoice_line",
        "sum(net_amount) from master.fct_invoice_lines",
        "true",
    ),
    (
        "erp_ledger_entry",
        "credit - debit",
        "ledger",
        "sum(revenue_amount) from master.fct_ledger_revenues",
        "account_class in ('revenue', 'rebate')",
    ),
)
SET_ASIDE = ("quarantined", "excluded", "exact_duplicate", "superseded", "suppressed")


@dataclass(frozen=True)
class Counted:
    """What the standard library finds in one file."""

    physical_lines: int
    records: int
    rows: list[dict[str, str]]  # of delimited files: header -> cell


def verify(company_dir: Path) -> list[str]:
    """Imbalances of a company that was run, one sentence each; empty when every account balances."""
    work = company_dir / "work"
    found = _verify_files(company_dir)
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        connection.execute(f"attach '{work / 'warehouse.duckdb'}' as warehouse (read_only)")
        connection.execute("use warehouse.main")
        _views(connection, work)
        found += _verify_records(connection, work)
        found += _verify_entities(connection)
        found += _verify_facts(connection)
        found += _verify_money(connection)
    return found


def _verify_files(company_dir: Path) -> list[str]:
    """Terms A and B, and the records of C against the file itself."""
    work, extracts = company_dir / "work", company_dir / "extracts"
    company = yaml.safe_load((company_dir / "company.yml").read_text(encoding="utf-8"))
    sources = {source["instance"]: source for source in company["sources"]}
    deliveries = _rows(work / "collect" / "deliveries.parquet")
    refused = {row["file_path"] for row in _rows(work / "collect" / "refusals.parquet")}
    quarantined: dict[str, dict[int, str]] = {}
    for row in _rows(work / "collect" / "quarantine_lines.parquet"):
        quarantined.setdefault(row["_delivery_id"], {})[row["_source_row_id"]] = row["raw_line"]
    repaired: dict[str, dict[int, str]] = {}
    for row in _rows(work / "collect" / "repaired_lines.parquet"):
        repaired.setdefault(row["_delivery_id"], {})[row["_source_row_id"]] = row["repaired_line"]
    terms: dict[str, dict[str, int]] = {}
    for row in _rows(work / "collect" / "ledger_terms.parquet"):
        if row["contract"] is None:
            terms.setdefault(row["_delivery_id"], {})[row["name"]] = row["value"]
    found = []
    for row in deliveries:
        specification = _mapping(company_dir, sources[row["source_instance"]])["files"][row["file_key"]]
        content = (extracts / row["file_path"]).read_bytes()
        place = f"{row['file_path']} ({row['_delivery_id']})"
        term = terms[row["_delivery_id"]]
        if hashlib.sha256(content).hexdigest() != row["file_sha256"]:
            found.append(f"A {place}: the file's SHA-256 is not the delivery's")
        identity = f"{row['source_instance']}\n{row['file_key']}\n{row['file_sha256']}"
        if hashlib.sha256(identity.encode()).hexdigest()[:12] != row["_delivery_id"]:
            found.append(f"A {place}: the delivery id is not derived from instance, file and bytes")
        text = _expanded(content, specification)
        if row["file_bytes"] != len(content) or {term["file_bytes"], term["lines_bytes"]} != {len(text)}:
            found.append(f"A {place}: {len(text)} bytes in the file, {term} in the ledger")
        aside = quarantined.get(row["_delivery_id"], {})
        mended = repaired.get(row["_delivery_id"], {})
        found += _verify_repairs(company_dir, place, text, specification, row, mended)
        found += _verify_lines(place, text, specification, row, term, aside, mended)
    known = {(row["source_instance"], row["file_sha256"]) for row in deliveries}
    for source in company["sources"]:
        patterns = [
            specification["path"].replace("{date}", "*")
            for specification in _mapping(company_dir, source)["files"].values()
        ]
        folder = extracts / source["folder"]
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).as_posix()
            if not path.is_file() or not any(fnmatch.fnmatch(inside, pattern) for pattern in patterns):
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            relative = path.relative_to(extracts).as_posix()
            if (source["instance"], digest) not in known and relative not in refused:
                found.append(f"A {relative}: neither delivered nor refused")
    return found


def _expanded(content: bytes, specification: dict[str, Any]) -> bytes:
    """The text inside a compressed file."""
    if specification.get("compression") == "gzip":
        return gzip.decompress(content)
    if specification.get("compression") == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            wanted = specification.get("member", "*")
            return archive.read(next(n for n in archive.namelist() if fnmatch.fnmatch(n, wanted)))
    return content


def _verify_lines(
    place: str,
    content: bytes,
    specification: dict[str, Any],
    delivery: dict[str, Any],
    term: dict[str, int],
    aside: dict[int, str],
    mended: dict[int, str],
) -> list[str]:
    found = []
    parts = ("header_lines", "blank_lines", "record_lines", "quarantined_lines", "repaired_lines")
    if term["physical_lines"] != sum(term[name] for name in parts):
        found.append(f"B {place}: lines do not add up: {term}")
    if term["quarantined_lines"] != len(aside):
        found.append(f"B {place}: {len(aside)} quarantined lines kept, {term['quarantined_lines']} counted")
    if term["repaired_lines"] != len(mended):
        found.append(f"B {place}: {len(mended)} repaired lines kept, {term['repaired_lines']} counted")
    try:
        counted = _count(content, specification, aside, mended)
    except (csv.Error, json.JSONDecodeError) as error:
        return [*found, f"B {place}: a line that is no record is not quarantined ({error})"]
    if counted is None:
        return found
    if counted.physical_lines != term["physical_lines"]:
        found.append(
            f"B {place}: {counted.physical_lines} lines in the file, {term['physical_lines']} counted"
        )
    if counted.records != delivery["n_records"]:
        found.append(f"C {place}: {counted.records} records in the file, {delivery['n_records']} read")
    return found


def _text_lines(content: bytes, specification: dict[str, Any]) -> list[str]:
    text = content.decode(specification.get("encoding", "utf-8"), errors="replace").removeprefix("\ufeff")
    lines = LINE.split(text)
    return lines[:-1] if lines and lines[-1] == "" else lines


def _verify_repairs(
    company_dir: Path,
    place: str,
    content: bytes,
    specification: dict[str, Any],
    delivery: dict[str, Any],
    mended: dict[int, str],
) -> list[str]:
    """Every repaired line has its decision: on these bytes, this line, and the text that stands there."""
    decided = {}
    for path in sorted((company_dir / "decisions" / "repairs").glob("*.yml")):
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
        if (stated["source"], stated["file_sha256"]) == (
            delivery["source_instance"],
            delivery["file_sha256"],
        ):
            decided |= {each["line"]: each for each in stated["repairs"]}
    lines = _line_texts(content, specification) if mended else []
    found = []
    for number, text in mended.items():
        was = hashlib.sha256(lines[number - 1].encode()).hexdigest()
        if (
            number not in decided
            or decided[number]["repaired"] != text
            or decided[number]["raw_sha256"] != was
        ):
            found.append(f"B {place}: line {number} is repaired and nobody decided so")
    return found


def _line_texts(content: bytes, specification: dict[str, Any]) -> list[str]:
    """Lines of a file; one whose bytes are no text of its encoding stands there escaped."""
    encoding = specification.get("encoding", "utf-8")
    try:
        content.decode(encoding)
        return _text_lines(content, specification)
    except UnicodeDecodeError:
        found = []
        for line in re.split(rb"\r*\n|\r", content.removeprefix(b"\xef\xbb\xbf")):
            try:
                found.append(line.decode(encoding))
            except UnicodeDecodeError:
                found.append(line.decode("ascii", "backslashreplace"))
        return found


def _count(
    content: bytes, specification: dict[str, Any], aside: dict[int, str], mended: dict[int, str]
) -> Counted | None:
    """Lines and records of a file, without its quarantined lines and with its repaired ones as repaired; None for
    formats of one document.
    """
    lines = _text_lines(content, specification)
    good = ["" if number in aside else mended.get(number, line) for number, line in enumerate(lines, start=1)]
    form = specification["format"]
    if form == "jsonl":
        records = sum(isinstance(json.loads(line), dict) for line in good if line.strip())
        return Counted(len(lines), records, [])
    if form == "ics":
        return Counted(len(lines), sum(line.strip().upper() == "BEGIN:VEVENT" for line in good), [])
    if form != "delimited":
        return None
    rows = _read_delimited(good, specification)
    return Counted(len(lines), len(rows), rows)


def _read_delimited(lines: list[str], specification: dict[str, Any]) -> list[dict[str, str]]:
    quote = specification.get("quote", '"')
    dialect: dict[str, Any] = {"delimiter": specification["delimiter"], "strict": True}
    if quote is None:
        dialect["quoting"] = csv.QUOTE_NONE
    else:
        dialect |= {"quotechar": quote, "escapechar": specification.get("escape") or None}
        dialect["doublequote"] = specification.get("escape") in (None, quote)
        if specification.get("escape") == quote:
            dialect["escapechar"] = None
    body = lines[specification.get("skip_rows", 0) :]
    reader = csv.reader(io.StringIO("\n".join(body) + "\n", newline=""), **dialect)
    rows = [row for row in reader if row]
    header = specification.get("header", True)
    if header is True:
        aliases = specification.get("header_aliases", {})
        names = [aliases.get(name.strip(), name.strip()) for name in rows.pop(0)]
    else:
        names = header
    return [dict(zip(names, row, strict=False)) for row in rows]


def _mapping(company_dir: Path, source: dict[str, Any]) -> dict[str, Any]:
    name = source["mapping"]
    own = company_dir / name
    path = own if own.is_file() else MAPPINGS / f"{name}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _views(connection: duckdb.DuckDBPyConnection, work: Path) -> None:
    """All raw records by address, and those that no disposition took."""
    parts = [
        f"select '{folder.name}' as contract, _delivery_id, _source_row_id, _record_part"
        f" from read_parquet('{folder}/*.parquet')"
        for folder in sorted((work / "raw").iterdir())
    ]
    connection.execute("create temp view raw_records as " + " union all ".join(parts))
    for name in ("dispositions", "ledger_terms"):
        connection.execute(
            f"create temp view {name} as select * from read_parquet('{work}/collect/{name}.parquet')"
        )
    connection.execute(
        "create temp view kept as select * from raw_records anti join dispositions"
        " using (contract, _delivery_id, _source_row_id, _record_part)"
    )
    for contract, amount, _, _, condition in MONEY:
        connection.execute(
            f"create temp view money_{contract} as select _delivery_id, _source_row_id, _record_part,"
            f" coalesce({amount}, 0) as amount from read_parquet('{work}/raw/{contract}/*.parquet')"
            f" where {condition}"
        )


def _verify_records(connection: duckdb.DuckDBPyConnection, work: Path) -> list[str]:
    """Term C, from raw and the dispositions."""
    found = []
    for table in ("raw_records", "dispositions"):
        twice = _number(
            connection,
            f"select count(*) from (select 1 from {table}"
            " group by contract, _delivery_id, _source_row_id, _record_part having count(*) > 1)",
        )
        if twice:
            found.append(f"C {table}: {twice} records stand there twice")
    for contract in connection.execute(
        "select distinct contract from dispositions where reason_code = 'absent_from_snapshot'"
    ).fetchall():
        rows = f"read_parquet('{work}/raw/{contract[0]}/*.parquet')"
        present = _number(
            connection,
            f"select count(*) from dispositions as d join {rows} as r using (_delivery_id, _source_row_id,"
            f" _record_part) join (select distinct _delivery_id as snapshot, source_record_id from {rows}) as s"
            " on s.snapshot = d.winner_delivery_id and s.source_record_id = r.source_record_id"
            f" where d.contract = '{contract[0]}' and d.reason_code = 'absent_from_snapshot'",
        )
        if present:
            found.append(f"C {contract[0]}: {present} records are called absent and the snapshot holds them")
    strays = _number(
        connection,
        "select count(*) from dispositions anti join raw_records"
        " using (contract, _delivery_id, _source_row_id, _record_part)",
    )
    if strays:
        found.append(f"C dispositions: {strays} name a record that is not in raw")
    counted: Counter[tuple[str, str, str]] = Counter()
    for contract, delivery, name, value in connection.execute(
        "select contract, _delivery_id, 'records_in', count(*) from raw_records group by all"
        " union all select contract, _delivery_id, 'kept', count(*) from kept group by all"
        " union all select contract, _delivery_id, disposition, count(*) from dispositions group by all"
    ).fetchall():
        counted[(contract, delivery, name)] = value
    told: Counter[tuple[str, str, str]] = Counter()
    for contract, delivery, name, value in connection.execute(
        "select contract, _delivery_id, name, value from ledger_terms where term = 'C'"
    ).fetchall():
        told[(contract, delivery, name)] = value
    for key in sorted({*counted, *told}):
        if counted[key] != told[key]:
            found.append(f"C {'/'.join(key)}: {counted[key]} counted, {told[key]} in the ledger")
    for contract, delivery in sorted({key[:2] for key in told}):
        fates = sum(told[(contract, delivery, name)] for name in ("kept", *SET_ASIDE))
        if told[(contract, delivery, "records_in")] != fates:
            found.append(f"C {contract}/{delivery}: records in and their fates differ")
    return found


def _verify_entities(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Term D: every kept record of an entity has one golden id, or a reason to have none."""
    found = []
    for contract, stream, crosswalk, golden_id, table in ENTITIES:
        addresses = (
            f"select _delivery_id, _source_row_id from {crosswalk} where contract = '{contract}'"
            " union all select _delivery_id, _source_row_id from quality_dbt.dq_exclusions"
            f" where stream = '{stream}' and contract = '{contract}'"
        )
        kept = f"select _delivery_id, _source_row_id from kept where contract = '{contract}'"
        for left, right, said in (
            (kept, addresses, "kept records without a golden id or a reason"),
            (addresses, kept, "golden ids or reasons of records that are not kept"),
        ):
            lost = _number(connection, f"select count(*) from (({left}) except all ({right}))")
            if lost:
                found.append(f"D {contract}: {lost} {said}")
        orphans = _number(
            connection, f"select count(*) from {crosswalk} anti join {table} using ({golden_id})"
        )
        if orphans:
            found.append(f"D {contract}: {orphans} golden ids name no golden record")
        childless = _number(
            connection,
            f"select count(*) from {table} anti join {crosswalk} using ({golden_id})"
            f" where {golden_id} <> 'unknown'",
        )
        if childless:
            found.append(f"D {contract}: {childless} golden records of {table} come from no source record")
    return found


def _verify_facts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Term E: rows that facts stand for = kept records - exclusions with a reason."""
    found = []
    for contract, stream, fact in FACTS:
        kept = _number(connection, f"select count(*) from kept where contract = '{contract}'")
        excluded = _number(
            connection,
            "select count(*) from quality_dbt.dq_exclusions"
            f" where stream = '{stream}' and contract = '{contract}' and reason_code is not null",
        )
        rows = _number(connection, f"select coalesce({fact.replace(' from', ', 0) from', 1)}")
        if kept != rows + excluded:
            found.append(f"E {contract}: {kept} kept, {rows} in the fact, {excluded} excluded")
    return found


def _verify_money(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Term F over all currencies: what raw holds = set aside + excluded + the fact, to the last decimal."""
    found = []
    for contract, _, stream, fact, _ in MONEY:
        address = "using (_delivery_id, _source_row_id, _record_part)"
        total = _amount(connection, f"select sum(amount) from money_{contract}")
        aside = _amount(
            connection,
            f"select sum(amount) from money_{contract} semi join"
            f" (from dispositions where contract = '{contract}') {address}",
        )
        excluded = _amount(
            connection,
            f"select sum(amount) from money_{contract} semi join"
            " (from quality_dbt.dq_exclusions"
            f" where stream = '{stream}' and contract = '{contract}') {address}",
        )
        kept = _amount(connection, f"select {fact}")
        if total != aside + excluded + kept:
            found.append(
                f"F {contract}: {total} in raw, {aside} set aside, {excluded} excluded, {kept} in the fact"
            )
    return found


def amounts_in_files(
    company_dir: Path, contract: str, column: str, cell: Callable[[dict[str, str]], str] | None = None
) -> dict[str, tuple[Decimal, Decimal]]:
    """Sum of a decimal column by delivery id: (in the original files, in raw with set-aside records).

    `cell` gives the text of the amount of a row, by default that of the one source column the mapping names.
    Delimited files only.
    """
    company = yaml.safe_load((company_dir / "company.yml").read_text(encoding="utf-8"))
    sources = {source["instance"]: source for source in company["sources"]}
    work = company_dir / "work"
    aside: dict[str, dict[int, str]] = {}
    for row in _rows(work / "collect" / "quarantine_lines.parquet"):
        aside.setdefault(row["_delivery_id"], {})[row["_source_row_id"]] = row["raw_line"]
    mended: dict[str, dict[int, str]] = {}
    for row in _rows(work / "collect" / "repaired_lines.parquet"):
        mended.setdefault(row["_delivery_id"], {})[row["_source_row_id"]] = row["repaired_line"]
    with duckdb.connect() as connection:
        raw = dict(
            connection.execute(
                f"select _delivery_id, coalesce(sum({column}), 0)"
                f" from read_parquet('{work}/raw/{contract}/*.parquet') group by all"
            ).fetchall()
        )
    sums = {}
    for row in _rows(work / "collect" / "deliveries.parquet"):
        mapping = _mapping(company_dir, sources[row["source_instance"]])
        table = mapping["tables"].get(contract)
        specification = mapping["files"][row["file_key"]]
        if table is None or table.get("from") != row["file_key"] or specification["format"] != "delimited":
            continue
        declared = table["columns"].get(column, {})
        if cell is None and "source" not in declared:
            continue
        read = cell or _reader(declared["source"])
        content = (company_dir / "extracts" / row["file_path"]).read_bytes()
        counted = _count(
            content, specification, aside.get(row["_delivery_id"], {}), mended.get(row["_delivery_id"], {})
        )
        total = sum((_decimal(read(each), declared) for each in counted.rows), Decimal(0))
        sums[row["_delivery_id"]] = (total, raw.get(row["_delivery_id"], Decimal(0)))
    return sums


def _reader(name: str) -> Callable[[dict[str, str]], str]:
    return lambda row: row.get(name, "")


def _decimal(cell: str, declared: dict[str, Any]) -> Decimal:
    text = cell.strip()
    for mark in (declared.get("thousands"), "\u00a0", "\u202f", " "):
        text = text.replace(mark, "") if mark else text
    try:
        return Decimal(text.replace(declared.get("decimal", "."), "."))
    except InvalidOperation:
        return Decimal(0)


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _amount(connection: duckdb.DuckDBPyConnection, query: str) -> Decimal:
    row = connection.execute(query).fetchone()
    return Decimal(row[0] or 0) if row else Decimal(0)
