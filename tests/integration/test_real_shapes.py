"""Shapes and compression on real files: what Python's csv module counts in them must come out."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import duckdb
import pytest
from real_extracts import SAMPLES, needs_samples

from ingest import collect

pytestmark = needs_samples

COMPANY = """version: 1
company: shapes
reporting_currency: EUR
cycle: 2026-06
sources:
  - {instance: pbx, mapping: pbx.yml, folder: pbx}
  - {instance: crm, mapping: crm.yml, folder: crm}
"""
COLUMNS = [
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
    "peeraccount",
    "linkedid",
    "sequence",
]
PBX = f"""version: 1
source: {{system: asterisk}}
defaults: {{phone_region: FR}}
files:
  calls:
    path: "*.csv.gz"
    format: delimited
    compression: gzip
    encoding: latin-1
    delimiter: ","
    header: [{", ".join(COLUMNS)}]
tables:
  telephony_call_leg:
    from: calls
    fold:
      key: [linkedid]
      order_by: [start]
      take: {{billsec: sum, end: last, disposition: {{priority: [ANSWERED]}}}}
    columns:
      source_record_id: linkedid
      call_id: linkedid
      direction: {{const: inbound}}
      started_at: start
      ended_at: end
      talk_s: billsec
      outcome: {{source: disposition, map: {{ANSWERED: answered}}, on_unmapped: {{default: no_answer}}}}
"""
CRM = """version: 1
source: {system: hubspot}
files:
  contacts: {path: contact_data.csv, format: delimited, delimiter: ",", expected_columns: [14], final_newline: optional}
tables:
  crm_contact:
    from: contacts
    explode: {column: property_hs_merged_object_ids, separator: ";"}
    columns:
      source_record_id: {hash: [property_email, property_hs_merged_object_ids], occurrence: true}
      email: property_email
      last_name: property_hs_merged_object_ids
      created_at: {const: "2026-01-01"}
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """raw/ of a company with the PBX log compressed and the contacts of HubSpot."""
    root = tmp_path_factory.mktemp("shapes")
    for name, content in (("company.yml", COMPANY), ("pbx.yml", PBX), ("crm.yml", CRM)):
        (root / name).write_text(content, encoding="utf-8")
    for folder in ("pbx", "crm"):
        (root / "extracts" / folder).mkdir(parents=True)
    log = (SAMPLES / "asterisk" / "Master_sip_21col.csv").read_bytes()
    (root / "extracts" / "pbx" / "Master.csv.gz").write_bytes(gzip.compress(log))
    contacts = (SAMPLES / "hubspot" / "contact_data.csv").read_bytes()
    (root / "extracts" / "crm" / "contact_data.csv").write_bytes(contacts)
    report = collect(root)
    assert not report.refusals and not report.imbalances
    return root / "work" / "raw"


def rows(raw: Path, query: str, contract: str) -> list[tuple]:
    connection = duckdb.connect()
    return connection.execute(query.format(f"read_parquet('{raw / contract}/*.parquet')")).fetchall()


def test_the_legs_of_a_real_pbx_log_fold_into_its_calls(raw: Path) -> None:
    text = (SAMPLES / "asterisk" / "Master_sip_21col.csv").read_bytes().decode("latin-1")
    calls: dict[str, list[dict[str, str]]] = {}
    for leg in csv.DictReader(io.StringIO(text, newline=""), fieldnames=COLUMNS):
        calls.setdefault(leg["linkedid"], []).append(leg)
    expected = [
        (
            call,
            min(leg["start"] for leg in legs),
            sum(int(leg["billsec"]) for leg in legs),
            any(leg["disposition"] == "ANSWERED" for leg in legs),
        )
        for call, legs in sorted(calls.items())
    ]
    assert len(expected) < sum(map(len, calls.values()))
    query = (
        "SELECT call_id, CAST(started_at AS VARCHAR), talk_s, outcome = 'answered' FROM {} WHERE _set_aside IS NULL "
        "ORDER BY 1"
    )
    assert rows(raw, query, "telephony_call_leg") == expected
    legs = rows(raw, "SELECT count(*), count(_set_aside) FROM {}", "telephony_call_leg")
    assert legs == [(sum(map(len, calls.values())), sum(map(len, calls.values())) - len(calls))]


def test_the_merged_ids_of_real_contacts_become_rows(raw: Path) -> None:
    text = (SAMPLES / "hubspot" / "contact_data.csv").read_bytes().decode("utf-8-sig")
    cells = [row["property_hs_merged_object_ids"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    expected = [item for cell in cells for item in cell.split(";") if item]
    found = rows(raw, "SELECT last_name FROM {} WHERE last_name IS NOT NULL ORDER BY 1", "crm_contact")
    assert len(expected) > 1 and [name for (name,) in found] == sorted(expected)
    total = rows(raw, "SELECT count(*) FROM {}", "crm_contact")[0][0]
    assert total == len(expected) + sum(not cell for cell in cells)
