from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest import load_company, write_schema_files
from ingest.contract import PROVENANCE, load_contracts
from ingest.errors import ConfigurationError, catalogue
from ingest.reasons import reasons

COMPANY = """
version: 1
company: demo
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [Etalon-Demo.example]
cycle: 2025-12
sources:
  - {instance: crm, mapping: salesforce, folder: crm}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "company.yml").write_text(text, encoding="utf-8")
    return folder


def test_as_of_is_the_first_instant_after_the_cycle(tmp_path: Path) -> None:
    company = load_company(write(tmp_path, COMPANY))
    assert company.as_of.isoformat() == "2025-12-31T23:00:00"
    assert company.own_domains == ("etalon-demo.example",)


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        ("cycle:", "cycel:", "E-ING-104", "cycle"),
        ("folder:", "foldr:", "E-ING-104", "folder"),
        ("2025-12", "2025-13", "E-ING-105", "yyyy-mm"),
        ("Europe/Paris", "Europe/Pariss", "E-ING-105", "time zone"),
        ("version: 1", "version: 1\non: 3", "E-ING-102", "boolean"),
        ("version: 1", "version: 1\nversion: 1", "E-ING-103", "twice"),
        ("folder: crm", "folder: ../crm", "E-ING-105", "extracts"),
    ],
)
def test_a_wrong_company_file_is_refused_and_the_key_is_named(
    tmp_path: Path, old: str, new: str, code: str, word: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_company(write(tmp_path, COMPANY.replace(old, new)))
    assert caught.value.problem.code == code
    assert word in str(caught.value)


def test_an_instance_declared_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="declared twice"):
        load_company(write(tmp_path, COMPANY + "  - {instance: crm, mapping: fec, folder: x}\n"))


def test_schema_files_have_no_row_and_the_columns_of_the_contract(tmp_path: Path) -> None:
    files = write_schema_files(tmp_path)
    assert len(files) == len(load_contracts()) >= 18
    schema = pq.read_schema(tmp_path / "raw" / "exchange_rate" / "_schema.parquet")
    assert [f.name for f in schema][: len(PROVENANCE)] == [name for name, _, _ in PROVENANCE]
    assert str(schema.field("rate").type) == "decimal128(18, 8)"
    assert pq.read_metadata(files[0]).num_rows == 0


def test_every_contract_describes_itself() -> None:
    for contract in load_contracts().values():
        assert contract.grain.startswith("One row per"), contract.name
        assert contract.column("source_record_id").required
        assert all(column.description for column in contract.columns), contract.name


def test_errors_and_reasons_speak_both_languages() -> None:
    for code, languages in catalogue().items():
        assert set(languages) == {"en", "fr"}, code
        for parts in languages.values():
            assert set(parts) == {"what", "why", "next"}, code
    for code, reason in reasons().items():
        assert reason.en and reason.fr, code
