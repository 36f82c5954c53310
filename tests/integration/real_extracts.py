"""Companies made of real vendor files, for the tests that need them.

The folder of real extracts is never part of the project: ETALON_SAMPLES names it (default ../shared/samples
beside the project), and without it the tests are skipped.
What does NOT belong here: assertions.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingest import CollectReport
from ingest.demo.framing import write_notes

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("ETALON_SAMPLES") or PROJECT.parent / "shared" / "samples")

# instance -> (mapping, folder of the samples, files of it, sub-folder that dates the delivery)
SOURCES: dict[str, tuple[str, str, str, str]] = {
    "salesforce": ("salesforce_fivetran", "salesforce", "*", ""),
    "hubspot": ("hubspot_fivetran", "hubspot", "*", ""),
    "ledger_pipe": ("fec_18_pipe_cp850", "fec", "*.TXT", ""),
    "ledger_tab": ("fec_22_tab", "fec", "*.txt", ""),
    "pbx_sip": ("asterisk_master_21", "asterisk", "*", ""),
    "pbx_pjsip": ("asterisk_pjsip_19", "asterisk", "*", ""),
    "freepbx": ("freepbx_25", "asterisk", "*", ""),
    "sendgrid": ("sendgrid_json", "email_webhooks", "*", ""),
    "brevo": ("brevo", "email_webhooks", "*", ""),
    "calendar": ("icalendar", "calendar", "*", "{cycle}"),
    "x_education": ("x_education", "x_education_leads", "*", ""),
}

# The vendors of test_real_vendors.py and test_real_mailing_and_erp.py.
VENDORS: dict[str, tuple[str, str, str, str]] = {
    "stripe": ("stripe_fivetran", "stripe", "*", ""),
    "recurly": ("recurly_fivetran", "recurly", "*", ""),
    "zuora": ("zuora_fivetran", "zuora", "*", ""),
    "ravenstack": ("ravenstack", "ravenstack_subscriptions", "*", ""),
    "twilio": ("twilio_fivetran", "twilio", "*", ""),
    "freeswitch": ("freeswitch", "freeswitch", "*", ""),
    "mailchimp": ("mailchimp_fivetran", "mailchimp", "*", ""),
    "postmark": ("postmark", "email_webhooks", "*", ""),
    "mailjet": ("mailjet", "email_webhooks", "*", ""),
    "sfmc": ("salesforce_marketing_cloud_fivetran", "salesforce_marketing_cloud", "*", ""),
    "pardot": ("pardot_fivetran", "pardot", "*", ""),
    "klaviyo": ("klaviyo_fivetran", "klaviyo", "*", ""),
    "iterable": ("iterable_fivetran", "iterable", "*", ""),
    "sap": ("sap_fivetran", "sap", "*", ""),
    "netsuite": ("netsuite_fivetran", "netsuite", "*", ""),
    "quickbooks": ("quickbooks_fivetran", "quickbooks", "*", ""),
    "sage_intacct": ("sage_intacct_fivetran", "sage_intacct", "*", ""),
    "adventureworks": ("adventureworks", "adventureworks", "*", ""),
    "simple_crm": ("simple_crm", "small_crm", "*", ""),
}

# Order histories of test_real_orders.py; lines of one of them are broken as delivered.
ORDERS: dict[str, tuple[str, str, str, str]] = {
    "northwind": ("northwind", "northwind", "*", ""),
    "cdnow": ("cdnow", "cdnow", "CDNOW_master.txt", ""),
}


def needing(sources: dict[str, tuple[str, str, str, str]]) -> list[pytest.MarkDecorator]:
    """Marks of a test module that reads the samples of `sources`: skipped where one is absent."""
    absent = sorted({folder for _, folder, _, _ in sources.values() if not (SAMPLES / folder).is_dir()})
    return [pytest.mark.samples, pytest.mark.skipif(bool(absent), reason=f"real extracts absent: {absent}")]


needs_samples = needing(SOURCES)
needs_vendor_samples = needing(VENDORS)
needs_order_samples = needing(ORDERS)

# Calendars that end without END:VCALENDAR (the last one with END:VCALENDARD): each would be refused.
UNCLOSED = frozenset(
    f"calendars__{name}.ics"
    for name in (
        "big_bad_calendar", "pr_480_summary_with_colon", "small_bad_calendar", "timezone_same_start_and_offset",
    )
)  # fmt: skip


def write_company(root: Path, instances: Iterable[str], cycle: str = "2023-12") -> Path:
    """A company directory whose sources are copies of sample folders, without what is refused."""
    declared = []
    for instance in instances:
        mapping, folder, files, dated = (SOURCES | VENDORS | ORDERS)[instance]
        target = root / "extracts" / instance / dated.format(cycle=cycle)
        target.mkdir(parents=True)
        for path in sorted((SAMPLES / folder).glob(files)):
            if path.name not in UNCLOSED:
                shutil.copyfile(path, target / path.name)
        declared.append({"instance": instance, "mapping": mapping, "folder": instance})
    settings = {
        "version": 1,
        "company": "real",
        "reporting_currency": "EUR",
        "timezone": "Europe/Paris",
        "cycle": cycle,
        "sources": declared,
    }
    (root / "company.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    write_notes(root, [cycle])
    return root


@dataclass(frozen=True)
class Collected:
    """A collected company and SQL over its kept rows: a view per contract, `collect_<table>` beside them."""

    root: Path
    report: CollectReport
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def row(self, query: str) -> tuple:
        (row,) = self.rows(query)
        return row

    def value(self, query: str) -> Any:
        (value,) = self.row(query)
        return value

    def tally(self, columns: str, table: str, instance: str) -> list[tuple]:
        """(values of `columns`, number of rows) of one source, sorted."""
        where = f"source_instance = '{instance}'"
        return self.rows(f"SELECT {columns}, count(*) FROM {table} WHERE {where} GROUP BY ALL ORDER BY ALL")

    def sizes(self, instance: str) -> dict[str, int]:
        """Contract -> kept rows of one source, without the empty ones."""
        tables = [name for (name,) in self.rows("SELECT DISTINCT contract FROM collect_ledger_terms") if name]
        query = "SELECT count(*) FROM {} WHERE source_instance = '{}'"
        found = {name: self.value(query.format(name, instance)) for name in tables}
        return {name: size for name, size in found.items() if size}


def open_collected(root: Path, report: CollectReport) -> Collected:
    """Views over the work directory; a kept row is a raw row without disposition."""
    connection = duckdb.connect()
    work = root / "work"
    for path in sorted((work / "collect").glob("*.parquet")):
        connection.execute(f"CREATE VIEW collect_{path.stem} AS SELECT * FROM read_parquet('{path}')")
    for folder in sorted((work / "raw").iterdir()):
        connection.execute(
            f"CREATE VIEW all_{folder.name} AS "
            f"SELECT * FROM read_parquet('{folder}/*.parquet', union_by_name=true)"
        )
        connection.execute(
            f"CREATE VIEW {folder.name} AS SELECT r.* FROM all_{folder.name} r "
            f"ANTI JOIN collect_dispositions d ON d.contract = '{folder.name}' "
            "AND d.source_instance = r.source_instance AND d._delivery_id = r._delivery_id "
            "AND d._source_row_id = r._source_row_id AND d._record_part = r._record_part"
        )
    return Collected(root, report, connection)


def records(folder: str, name: str) -> list[dict[str, str]]:
    """Rows of a sample with a header, read by the csv module alone."""
    with (SAMPLES / folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    """Sum of one column, empty cells as nothing."""
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))
