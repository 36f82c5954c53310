"""Totals beside a file are held against the file as its vendor wrote it, and one that checks nothing refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from company_site import Site

from ingest.controls_result import ControlResult, result_of

DEALS = r"""
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris, currency: EUR}
files:
  deals:
    path: "{date}/Deals.csv"
    format: delimited
    delimiter: ";"
    expected_columns: [Id, Amount, Opened, Closed, Note, Seen, Stage]
    header_aliases: {"Deal Id": Id}
    privacy: {drop: [Note]}
tables:
  crm_opportunity:
    from: deals
    columns:
      source_record_id: Id
      amount: {source: Amount, decimal: ",", thousands: " ", strip: "€"}
      stage: Stage
      status: {const: open}
      created_at: {source: Opened, formats: ["%d/%m/%Y %H:%M"]}
      closed_at: {source: Closed, formats: ["%Y-%m-%d"], precision: day}
      modified_at: {source: Seen, formats: [iso]}
"""
# Ten past midnight in Paris is the day before in UTC; the amounts have more decimals than the contract keeps.
TEXT = (
    "Deal Id;Amount;Opened;Closed;Note;Seen;Stage\n"
    "D1;1 200,50 €;01/06/2026 00:10;2026-06-30;n;2026-06-01T00:10:00+02:00;a\n"
    "D2;0,123456;15/06/2026 09:00;2026-07-01;n;2026-06-15T09:00:00+02:00;b\n"
    "D3;-10;02/06/2026 23:59;;n;2026-06-02T23:59:00+02:00;c\n"
)


def site(tmp_path: Path, manifest: str) -> Site:
    made = Site(tmp_path, DEALS)
    made.put("2026-06/Deals.csv", TEXT)
    made.put("2026-06/Deals.csv.manifest.json", manifest)
    return made


@pytest.mark.parametrize(
    "manifest",
    [
        '{"rows": 3}',
        '{"rows": "3"}',
        '{"min": {"Opened": "01/06/2026 00:10"}, "max": {"Opened": "15/06/2026 09:00"}}',
        '{"min": {"Opened": "01/06/2026"}, "max": {"Opened": "15/06/2026"}}',
        '{"min": {"Opened": "2026-06-01"}, "max": {"Opened": "2026-06-15"}}',
        '{"min": {"Opened": "2026-06-01T00:10:00"}, "max": {"Opened": "2026-06-15 09:00"}}',
        '{"min": {"Closed": "2026-06-30"}, "max": {"Closed": "2026-07-01"}}',
        '{"min": {"Seen": "2026-06-01T00:10:00+02:00"}, "max": {"Seen": "2026-06-15T09:00:00+02:00"}}',
        '{"min": {"Seen": "2026-06-01"}, "max": {"Seen": "2026-06-15T07:00:00Z"}}',
        '{"sums": {"Amount": "1190.623456"}}',
        '{"sums": {"Amount": 1190.623456}}',
        '{"min": {"Amount": -10}, "max": {"Amount": "1 200,50 €"}}',
        '{"max": {"Amount": 1200.5}}',
    ],
)
def test_what_the_file_says_is_accepted_as_its_vendor_writes_it(tmp_path: Path, manifest: str) -> None:
    assert site(tmp_path, manifest).collect().refusals == ()
    assert {r.status for r in totals(Site(tmp_path, DEALS))} == {"pass"}


def totals(where: Site) -> list[ControlResult]:
    names = [
        r[0] for r in where.rows("SELECT column_name FROM (DESCRIBE SELECT * FROM collect.control_results)")
    ]
    rows = where.rows("SELECT * FROM collect.control_results WHERE kind = 'manifest' ORDER BY ALL")
    return [result_of(dict(zip(names, row, strict=True))) for row in rows]


@pytest.mark.audit("CO1", "CO6")
@pytest.mark.parametrize(
    "manifest",
    [
        '{"rows": 2}',
        '{"min": {"Opened": "02/06/2026 00:10"}}',
        '{"min": {"Opened": "2026-05-31"}}',
        '{"min": {"Opened": "2026-05-31 22:10:00"}}',
        '{"min": {"Opened": "2"}}',
        '{"max": {"Opened": "2026-06-1"}}',
        '{"max": {"Seen": "2026-06-15T09:00:00Z"}}',
        '{"max": {"Closed": "2026-07-02"}}',
        '{"sums": {"Amount": "1190.6235"}}',
        '{"max": {"Amount": "1200,51"}}',
    ],
)
def test_another_total_refuses_the_file(tmp_path: Path, manifest: str) -> None:
    assert [r.problem.code for r in site(tmp_path, manifest).collect().refusals] == ["E-ING-009"]


@pytest.mark.parametrize(
    ("manifest", "word"),
    [
        ("{}", "one or more of the keys"),
        ('{"rows": NaN}', "NaN is no number"),
        ('{"rows": Infinity}', "Infinity is no number"),
        ('{"rows": -1}', "whole number"),
        ('{"rows": 2.5}', "whole number"),
        ('{"rows": true}', "whole number"),
        ('{"rows": null}', "whole number"),
        ('{"rows": "three"}', "whole number"),
        ('{"sums": {}}', "one or more columns"),
        ('{"sums": 3}', "one or more columns"),
        ('{"sums": {"Amount": "much"}}', "such as 4510.20"),
        ('{"sums": {"Amount": "NaN"}}', "such as 4510.20"),
        ('{"min": {"Opened": ""}}', "a number or a text"),
        ('{"min": {"Opened": null}}', "a number or a text"),
        ('{"rows": 3, "sums": {"Amonut": 3}}', "Amonut, which the file does not have"),
        ('{"min": {"Created": "2026-06-01"}}', "Created, which the file does not have"),
    ],
)
def test_a_manifest_that_checks_nothing_refuses_the_file_and_says_why(
    tmp_path: Path, manifest: str, word: str
) -> None:
    (refused,) = site(tmp_path, manifest).collect().refusals
    assert refused.problem.code == "E-ING-017"
    assert word in refused.problem.text("what")


def test_a_column_that_fills_no_number_or_time_is_not_assessed_and_said(tmp_path: Path) -> None:
    where = site(tmp_path, '{"rows": 3, "sums": {"Stage": 0, "Note": 1}, "min": {"Deal Id": "D1"}}')
    assert where.collect().refusals == ()
    found = {r.control: r.status for r in totals(where)}
    assert found == {
        "rows": "pass", "sums Stage": "not_assessed", "sums Note": "not_assessed", "min Deal Id": "not_assessed",
    }  # fmt: skip
