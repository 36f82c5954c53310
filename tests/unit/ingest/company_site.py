"""A small company for the collect step: extracts, one mapping of its own,
and queries on what collect wrote.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import duckdb

from ingest import CollectReport, collect
from orchestration.fate import Fate, fates

LEADS = """
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris, phone_region: FR}
files:
  leads:
    path: "{date}/Leads.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Email, Status, Created, Name]
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: Id
      email: Email
      status: {source: Status, map: {Open: new, Lost: disqualified}}
      is_converted: {const: false}
      created_at: {source: Created, formats: ["%Y-%m-%d %H:%M:%S"]}
      last_name: Name
"""
LEAD_HEADER = "Id,Email,Status,Created,Name\n"


class Site:
    """A company directory in a temporary folder, with shortcuts to write extracts and to read collect's
    tables.
    """

    def __init__(self, root: Path, mapping: str = LEADS, options: str = "{}") -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        (root / "mapping.yml").write_text(textwrap.dedent(mapping), encoding="utf-8")
        (root / "company.yml").write_text(
            "version: 1\ncompany: site\nreporting_currency: EUR\ntimezone: Europe/Paris\ncycle: 2026-06\n"
            f"sources:\n  - {{instance: crm, mapping: mapping.yml, folder: crm, options: {options}}}\n",
            encoding="utf-8",
        )

    def put(self, path: str, content: str | bytes) -> Path:
        target = self.root / "extracts" / "crm" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def collect(self) -> CollectReport:
        return collect(self.root)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which raw.<contract> and collect.<table> stand for their Parquet files."""
        for contract in (self.root / "work" / "raw").iterdir():
            query = query.replace(f"raw.{contract.name}", f"read_parquet('{contract}/*.parquet')")
        for table in (self.root / "work" / "collect").glob("*.parquet"):
            query = query.replace(f"collect.{table.stem}", f"read_parquet('{table}')")
        connection = duckdb.connect()
        connection.execute("SET TimeZone='UTC'")
        return connection.execute(query).fetchall()

    def fates(self, place: str) -> list[Fate]:
        """What `etalon where` says of `<file>:<line>` or of a key of the source."""
        return fates(self.root / "work", f"crm:{place}")

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the rest of the pipeline reads, sorted: raw rows, dispositions, changes, ledger."""
        queries = {name.name: f"SELECT * FROM raw.{name.name} ORDER BY ALL" for name in self._contracts()}
        for table in (
            "dispositions",
            "changes",
            "deliveries",
            "ledger_terms",
            "quarantine_lines",
            "refusals",
        ):
            queries[table] = f"SELECT * FROM collect.{table} ORDER BY ALL"
        return {name: self.rows(query) for name, query in queries.items()}

    def _contracts(self) -> list[Path]:
        return [p for p in (self.root / "work" / "raw").iterdir() if len(list(p.glob("*.parquet"))) > 1]


class VendorSite(Site):
    """A company whose only source is read by a shipped mapping."""

    def __init__(self, root: Path, mapping: str, files: dict[str, bytes]) -> None:
        super().__init__(root)
        text = (root / "company.yml").read_text(encoding="utf-8")
        (root / "company.yml").write_text(text.replace("mapping.yml", mapping), encoding="utf-8")
        for path, content in files.items():
            self.put(path, content)
        self.report = self.collect()
        assert [(r.file_path, r.problem.code) for r in self.report.refusals] == []
        assert self.report.imbalances == ()
        assert self.rows("SELECT * FROM collect.quarantine_lines") == []

    def kept(self, contract: str, columns: str) -> list[tuple[Any, ...]]:
        """Kept rows of one contract, sorted."""
        files = self.root / "work" / "raw" / contract / "*.parquet"
        return self.rows(
            f"SELECT {columns} FROM read_parquet('{files}') r ANTI JOIN (SELECT * FROM collect.dispositions "
            f"WHERE contract = '{contract}') d USING (_delivery_id, _source_row_id, _record_part) ORDER BY ALL"
        )

    def journal(self) -> list[tuple[Any, ...]]:
        """Cells that changed on the way, without the where of it."""
        return self.rows(
            "SELECT contract, field, reason_code, value_before FROM collect.changes ORDER BY ALL"
        )

    def not_kept(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT contract, reason_code, count(*) FROM collect.dispositions GROUP BY ALL ORDER BY ALL"
        )
