"""Findings about the files of a match: they pass on what the step writes and fail on what is planted."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.matching.audit import audit_matching, weights_chart
from tests.match_bench import SIREN_A, SIREN_B, Bench, account, person


@pytest.fixture
def matched(tmp_path: Path):
    """(exchange folder, matching folder, report) of two companies and two persons."""
    bench = Bench(tmp_path)
    one = {"name": "Froid Veria", "name_key": "FROID VERIA", "country_code": "FR"}
    _, _, report = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, **one),
            account("crm/2", registration_number=SIREN_B),
            account("lead/1", **one),
        ],
        [person("l/1", name_key="anne roux"), person("l/2", name_key="luc petit")],
    )
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    (tmp_path / "a.parquet").rename(exchange / "int_account_records.parquet")
    (tmp_path / "p.parquet").rename(exchange / "int_person_records.parquet")
    return exchange, tmp_path / "out", report


def failed(matched) -> set[str]:
    return {finding.name for finding in audit_matching(*matched) if not finding.passed}


def test_a_sound_match_fails_only_what_warns_of_a_tiny_company_full_of_questions(matched) -> None:
    assert failed(matched) == {"the_review_queue_can_be_worked_through"}
    assert {finding.name for finding in audit_matching(*matched) if finding.is_severe} == {
        "every_record_has_one_golden_id", "no_account_has_two_registration_numbers"
    }  # fmt: skip


def test_a_record_without_id_with_two_ids_or_from_nowhere_is_found(matched) -> None:
    _, matching, _ = matched
    path = matching / "person_members.parquet"
    whole = pq.read_table(path)
    for wrong in (whole.slice(1), pa.concat_tables([whole, whole.slice(0, 1)])):
        pq.write_table(wrong, path)
        assert "every_record_has_one_golden_id" in failed(matched)


def test_two_registration_numbers_on_one_account_are_found(matched) -> None:
    _, matching, _ = matched
    path = matching / "account_members.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "account_id", pa.array(["acc_1"] * table.num_rows)), path)
    assert "no_account_has_two_registration_numbers" in failed(matched)


def test_the_chart_of_scores_is_a_picture_without_values(matched) -> None:
    _, matching, _ = matched
    chart = weights_chart(matching, "account")
    drawn = base64.b64decode(chart.split("base64,")[1].rstrip(")")).decode()
    assert drawn.startswith("<svg") and "<rect" in drawn and "Veria" not in drawn
    assert weights_chart(matching, "person") is None
