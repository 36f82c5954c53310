"""The traps of the demo: complete, in the extracts, apart in the truth, and beside the world instead of in it."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import PropertyMock, patch

import duckdb
from conftest import Tiny
from extract_reader import read_all

from ingest.demo import generate
from ingest.demo.sizes import SIZES, Size
from ingest.demo.traps import _COMPANY_KINDS, _PERSON_KINDS


def _traps(tiny: Tiny) -> list[tuple[str, str, str, str]]:
    return duckdb.sql(
        f"select trap_id, kind, entity, record_key from '{tiny.truth}/traps.parquet'"
    ).fetchall()


def test_every_kind_is_planted_with_all_its_records(tiny: Tiny) -> None:
    traps = _traps(tiny)
    members = {kind: len(people) for kind, (_, people) in _PERSON_KINDS.items()}
    members |= {kind: len(companies) for kind, companies in _COMPANY_KINDS.items()}
    per_kind = SIZES["tiny"].traps_per_kind
    for kind, expected in members.items():
        assert sum(row[1] == kind for row in traps) == expected * per_kind
    assert len({row[3] for row in traps}) == len(traps)
    assert len(members) * SIZES["demo"].traps_per_kind >= 500


def test_records_of_a_trap_are_exported_once_and_are_different_entities(tiny: Tiny) -> None:
    files = read_all(tiny.extracts)
    exported = [r.values["Id"] for name in ("crm/Account", "crm/Contact") for r in files[name] if r.values]
    truth = {
        (entity, f"crm/{contract}/{record}"): true_id
        for entity, contract, record, true_id in duckdb.sql(
            f"select entity, contract, source_record_id, true_id from '{tiny.truth}/entity_clusters.parquet'"
        ).fetchall()
    }
    for _, _, entity, key in _traps(tiny):
        assert exported.count(key.rpartition("/")[2]) == 1
        true_id = truth[entity, key]
        assert [other for other, id_ in truth.items() if id_ == true_id] == [(entity, key)]


def test_no_lead_deal_or_invoice_names_a_trap(tiny: Tiny, tmp_path: Path) -> None:
    with patch.object(Size, "traps_per_kind", new_callable=PropertyMock, return_value=0):
        without = generate(tmp_path / "plain", "tiny", seed=20260101)
    before = {file.path: file.sha256 for file in without.files}
    after = {file.path: file.sha256 for file in tiny.report.files}
    assert before.keys() == after.keys()
    changed = {path for path, digest in after.items() if before[path] != digest}
    assert changed == {"crm/2026-03/Account.csv", "crm/2026-03/Contact.csv"}
    for path in changed:
        plain_lines = (tmp_path / "plain" / "extracts" / path).read_bytes().splitlines()
        assert set(plain_lines) < set((tiny.extracts / path).read_bytes().splitlines())
