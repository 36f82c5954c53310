"""Pages made from the contracts: the dbt sources of the raw tables and docs/contracts.md.

`python -m ingest.contract_pages` writes both; a test fails when one of them is not that of the contracts.
What does NOT belong here: what a contract may say (contract.py) and how a vendor fills it (mappings/).
"""

from __future__ import annotations

import json
from pathlib import Path

from ingest.contract import KEY, PROVENANCE, Column, Contract, load_contracts
from ingest.mapping import MAPPINGS, MappingModel
from ingest.strict_yaml import read_yaml, validate

ROOT = Path(__file__).resolve().parents[1]
SOURCES_FILE = ROOT / "dbt_project" / "models" / "sources" / "raw.yml"
PAGE_FILE = ROOT / "docs" / "contracts.md"

# Types that both engines of the dbt project understand.
_DBT_TYPES = {
    "VARCHAR": "string", "BOOLEAN": "boolean", "BIGINT": "bigint", "INTEGER": "int", "DATE": "date",
    "TIMESTAMP": "timestamp",
}  # fmt: skip
_PROVENANCE_TEXT = {
    "source_system": "vendor system that the mapping names",
    "source_instance": "source of company.yml",
    "_delivery_id": "delivery, 12 hexadecimal digits",
    "_source_row_id": "line where the record begins, or its ordinal",
    "_record_part": "0; more when one record gives several rows",
    "is_surrogate_key": "true when source_record_id is a hash of the natural key",
    "is_deleted": "true when the source marks the record deleted",
    "_set_aside": "reason code; null when the record is kept",
    "_issues": "cells that could not be read as they are",
    "delivered_on": "date in the path of the file, last day of its month for yyyy-mm",
}
_DOMAINS = {
    "crm": "CRM", "erp": "ERP, ledger and billing", "finance": "Finance", "telephony": "Telephony",
    "emailing": "E-mailing", "calendar": "Calendar", "survey": "Satisfaction surveys",
    "product": "Product usage", "social": "Social networks",
}  # fmt: skip
_UPDATE = {
    "latest": "the newest version of a record stays{order}; an equal copy is an exact duplicate, an older version "
    "superseded",
    "append": "records are events: the first delivery of a key counts{order}; another copy is a repeated event, other "
    "content superseded",
}


def dbt_type(duckdb_type: str) -> str:
    """Name of a raw type in the dbt project, where DuckDB and Spark read it alike."""
    return _DBT_TYPES.get(duckdb_type, duckdb_type.lower())


def sources_text(contracts: dict[str, Contract]) -> str:
    """dbt_project/models/sources/raw.yml."""
    lines = [
        "# Made by `python -m ingest.contract_pages` from ingest/contracts: change a contract, not this file.",
        "# Spark reads an empty stream by these types.",
        "version: 2",
        "",
        "sources:",
        "  - name: raw",
        "    description: Typed canonical rows, all records read, set-aside ones included.",
        "    schema: raw",
        "    config: {loaded_at_field: cast(delivered_on as timestamp)}",
        "    tables:",
    ]
    for name, contract in sorted(contracts.items()):
        lines += [
            f"      - name: {name}",
            f"        description: {json.dumps(contract.grain, ensure_ascii=False)}",
            f"        config: {{freshness: {{warn_after: {{count: {contract.freshness_days}, period: day}}}}}}",
            "        columns:",
        ]
        lines += [
            _source_column(name, dbt_type(kind), _PROVENANCE_TEXT[name]) for name, _, kind in PROVENANCE
        ]
        lines += [
            _source_column(column.name, dbt_type(column.duckdb_type), column.description, column.pii)
            for column in contract.columns
        ]
    return "\n".join(lines) + "\n"


def _source_column(name: str, kind: str, description: str, pii: str | None = None) -> str:
    shown = f'"{kind}"' if "(" in kind else kind
    text = f"{{name: {name}, data_type: {shown}, description: {json.dumps(description, ensure_ascii=False)}"
    return f"          - {text}{f', config: {{meta: {{pii: {pii}}}}}' if pii else ''}}}"


def filling_mappings() -> dict[str, list[str]]:
    """Contract -> names of the shipped mappings that fill it."""
    found: dict[str, set[str]] = {}
    for path in sorted(MAPPINGS.glob("*.yml")):
        model = validate(MappingModel, read_yaml(path), path.name)
        for table, spec in model.tables.items():
            found.setdefault(spec.contract or table, set()).add(path.stem)
    return {contract: sorted(names) for contract, names in found.items()}


def page_text(contracts: dict[str, Contract], filled_by: dict[str, list[str]]) -> str:
    """docs/contracts.md: one section per contract, in the order of the domains.

    filled_by: contract -> shipped mappings.
    """
    lines = [
        "# Contracts",
        "",
        "Made by `python -m ingest.contract_pages` from `ingest/contracts`: change a contract, not this page.",
        "",
        "A contract says what a canonical source table holds, whoever the vendor is. A [mapping](mapping.md) fills it; "
        "[vendors](vendors.md) lists those that ship. Each becomes `raw.<contract>` and one staging view.",
        "",
        f"The key of every contract is ({', '.join(f'`{name}`' for name in KEY)}): the id that the source gives the "
        "record, else a hash of its declared natural key (`is_surrogate_key`). Times are UTC; where a source gives no "
        "finer unit than a minute or a day, `<column>_precision` says so. A record without a required value is set "
        "aside, visible in raw and in the row ledger. Freshness is the age, in days at the end of the cycle, at which "
        "the newest delivery is late. References are looked up in the same source instance, and only where it delivers "
        "that contract; dates in order are compared where both are filled, by day where one has the precision of a "
        "day. The event says what month a record is of: a file that must come every month has come only with a record "
        "of the month of the cycle; a reference is dated by the record that it names. Personal data: `direct` names a "
        "person, `restricted` is free text or a link that may, `indirect` describes one; the first two are masked on "
        "screen and never published.",
        "",
        "Before its own columns every table has:",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {dbt_type(kind)} | {_PROVENANCE_TEXT[name]} |" for name, _, kind in PROVENANCE]
    for domain, title in _DOMAINS.items():
        lines += ["", f"## {title}"]
        for name, contract in sorted(contracts.items()):
            if contract.domain == domain:
                lines += ["", *_section(contract, filled_by.get(name, []))]
    return "\n".join(lines) + "\n"


def _section(contract: Contract, filled_by: list[str]) -> list[str]:
    order = f" (by {', '.join(f'`{name}`' for name in contract.order_by)})" if contract.order_by else ""
    controls = ["key unique", "required values present"]
    controls += [f"`{column}` exists in {target}" for column, target in contract.references]
    controls += [f"`{earlier}` not after `{later}`" for earlier, later in contract.order]
    lines = [
        f"### {contract.name}",
        "",
        contract.grain,
        "",
        f"- Update: {_UPDATE[contract.update].format(order=order)}.",
        f"- Freshness: {contract.freshness_days} days.",
        *([f"- Event: {', '.join(f'`{name}`' for name in contract.event)}."] if contract.event else []),
        f"- Controls: {'; '.join(controls)}.",
        f"- Filled by: {', '.join(f'`{name}`' for name in filled_by) or 'no shipped mapping'}.",
        "",
        "| column | type | required | personal data | description |",
        "|---|---|---|---|---|",
    ]
    return lines + [_page_column(column) for column in contract.columns]


def _page_column(column: Column) -> str:
    kind = dbt_type(column.duckdb_type)
    if column.type in {"email", "phone"}:
        kind = column.type
    if column.values:
        kind = f"one of {', '.join(column.values)}"
    cells = (
        f"`{column.name}`", kind, "yes" if column.required else "", column.pii or "", column.description
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def pages() -> dict[Path, str]:
    """File -> the text it must have."""
    contracts = load_contracts()
    return {SOURCES_FILE: sources_text(contracts), PAGE_FILE: page_text(contracts, filling_mappings())}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
