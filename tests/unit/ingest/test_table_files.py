"""Parquet extracts: typed columns as text by one rule, rows held against the footer, damage refused."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import io
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from company_site import Site

from ingest.errors import ConfigurationError, RefusedFile
from ingest.mapping import FileSpec
from ingest.sql import connect
from ingest.table_files import parquet_records
from ingest.text_preparation import Prepared

MAPPING = """
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris}
files:
  leads: {path: "{date}/Leads.parquet", format: parquet, header_aliases: {Courriel: Email}}
tables:
  crm_lead:
    from: leads
    exclude: {test_record: "\\"Test\\" = 'true'"}
    columns:
      source_record_id: Id
      email: Email
      status: {const: new}
      is_converted: {const: false}
      created_at: Created
      last_name: Tags
      first_name: Local
      score: Score
"""


def parquet(**changes: Any) -> bytes:
    columns = {
        "Id": pa.array([17850.0, None, 3.5, 4.0]),
        "Courriel": pa.array(["a@x.fr", "b@x.fr", " c@x.fr ", None]),
        "Created": pa.array([dt.datetime(2026, 6, 1, 10, 0, 5, tzinfo=dt.UTC)] * 4, pa.timestamp("us", "Asia/Tokyo")),
        "Local": pa.array([dt.datetime(2026, 6, 1, 10), None, None, dt.datetime(2026, 6, 2)], pa.timestamp("ns")),
        "Tags": pa.array([["a", "b"], [], None, ["c"]]),
        "Score": pa.array([decimal.Decimal("7"), None, decimal.Decimal("8"), decimal.Decimal("9")]),
        "Test": pa.array([False, False, True, None]),
        "id": pa.array(["other"] * 4),
    } | changes  # fmt: skip
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.audit("CO1")
def test_typed_columns_become_text_by_one_rule(site: Callable[..., Site]) -> None:
    where = site(MAPPING)
    content = parquet()
    where.put("2026-06/Leads.parquet", content)
    report = where.collect()
    assert not report.refusals and not report.imbalances
    created = dt.datetime(2026, 6, 1, 10, 0, 5)
    assert where.rows(
        "SELECT _source_row_id, source_record_id, email, created_at, last_name, first_name, score, _set_aside "
        "FROM raw.crm_lead ORDER BY 1"
    ) == [
        (1, "17850", "a@x.fr", created, '["a","b"]', "2026-06-01 10:00:00", 7, None),
        (2, None, "b@x.fr", created, "[]", None, None, "required_value_missing"),
        (3, "3.5", "c@x.fr", created, None, None, 8, "test_record"),
        (4, "4", None, created, '["c"]', "2026-06-02 00:00:00", 9, None),
    ]
    assert where.rows(
        "SELECT encoding, file_bytes, n_physical_lines, n_record_lines, n_records FROM collect.deliveries"
    ) == [("binary", len(content), 4, 4, 4)]
    assert where.fates("2026-06/Leads.parquet:3")[0].fate_code == "excluded"


def test_several_small_ones_land_together(site: Callable[..., Site]) -> None:
    where = site(MAPPING)
    for month in (4, 5, 6):
        ids = pa.array([f"{month}-{i}" for i in range(4)])
        where.put(f"2026-0{month}/Leads.parquet", parquet(Id=ids))
    report = where.collect()
    assert not report.refusals and not report.imbalances
    found = where.rows("SELECT source_record_id, _source_row_id FROM raw.crm_lead ORDER BY 1")
    assert found == [(f"{m}-{i}", i + 1) for m in (4, 5, 6) for i in range(4)]


def test_a_compressed_one_is_expanded_first(site: Callable[..., Site]) -> None:
    where = site(MAPPING.replace('Leads.parquet"', 'Leads.parquet.gz", compression: gzip'))
    where.put("2026-06/Leads.parquet.gz", gzip.compress(parquet()))
    report = where.collect()
    assert not report.refusals and not report.imbalances and report.records_in == 4


def test_another_layout_is_refused(site: Callable[..., Site]) -> None:
    where = site(MAPPING)
    where.put(
        "2026-06/Leads.parquet", parquet(**{"Courriel": pa.array([""] * 4)}).replace(b"Courriel", b"Courrier")
    )
    (refusal,) = where.collect().refusals
    assert refusal.problem.code == "E-ING-007" and "'Email'" in str(refusal.problem.params)
    counted = site(
        MAPPING.replace("format: parquet", "format: parquet, expected_columns: [7]"), name="counted"
    )
    counted.put("2026-06/Leads.parquet", parquet())
    assert [r.problem.code for r in counted.collect().refusals] == ["E-ING-006"]


@pytest.mark.parametrize("damage", ["cut", "text", "page", "rows"])
def test_a_damaged_file_is_refused_or_whole(site: Callable[..., Site], damage: str) -> None:
    content = bytearray(parquet())
    if damage == "cut":
        content = content[:-20]
    elif damage == "text":
        content = bytearray(b"Id,Email\n1,a@x.fr\n")
    elif damage == "page":
        content[4:60] = b"\xff" * 56
    else:
        content = content[:4] + content[60:]
    where = site(MAPPING)
    where.put("2026-06/Leads.parquet", bytes(content))
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-013"]


def test_keys_of_text_files_have_no_meaning(site: Callable[..., Site]) -> None:
    where = site(MAPPING.replace("format: parquet", "format: parquet, encoding: cp1252"))
    where.put("2026-06/Leads.parquet", parquet())
    with pytest.raises(ConfigurationError, match="encoding has no meaning"):
        where.collect()


def test_any_damage_is_refused_or_gives_the_rows_of_the_footer(tmp_path: Path) -> None:
    generator = random.Random(1)
    connection = connect(tmp_path)
    sound, spec = parquet(), FileSpec(path="a", format="parquet")
    path = tmp_path / "x.parquet"
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        content = bytearray(sound)
        for _ in range(generator.choice([1, 1, 3, 20])):
            content[generator.randrange(len(content))] = generator.randrange(256)
        if generator.random() < 0.2:
            at = generator.randrange(len(content))
            del content[at : at + generator.randrange(1, 50)]
        path.write_bytes(content)
        prepared = Prepared(path, False, len(content))
        try:
            records = parquet_records(connection, prepared, spec, {"Id"}, tmp_path / "scratch", "test")
        except RefusedFile as refusal:
            outcomes[refusal.problem.code] += 1
            continue
        found = connection.execute(f"SELECT count(*) FROM ({records.relation})").fetchone()
        assert found == (records.expected,)
        outcomes["read"] += 1
    assert set(outcomes) <= {"read", "E-ING-007", "E-ING-013", "E-ING-014"} and min(outcomes.values()) > 0
    connection.close()
