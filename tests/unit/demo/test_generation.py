"""The generator is deterministic, its world consistent, and the mappings read all of its columns."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import itertools
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import phonenumbers
import pytest

from ingest import load_company
from ingest.calendar_reading import stream_columns
from ingest.conversion import check_mapping
from ingest.demo import SIZES, generate
from ingest.demo.companies import luhn_digit, own_siren
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import DAY, month_start
from ingest.mapping import load_mapping
from tests.unit.demo.conftest import Tiny
from tests.unit.demo.extract_reader import read_all


def fingerprints(root: Path) -> dict[str, str]:
    paths = sorted(p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_same_size_and_seed_give_the_same_bytes(tiny: Tiny, tmp_path: Path) -> None:
    generate(tmp_path / "again", "tiny", seed=20260101)
    assert fingerprints(tmp_path / "again") == fingerprints(tiny.root)


def test_another_seed_gives_another_company(tiny: Tiny, tmp_path: Path) -> None:
    other = generate(tmp_path / "other", "tiny", seed=7)
    leads = {f.path: f.sha256 for f in tiny.report.files if f.path.endswith("Lead.csv")}
    assert all(leads[f.path] != f.sha256 for f in other.files if f.path.endswith("Lead.csv"))


def test_the_report_counts_what_lies_on_disk(tiny: Tiny) -> None:
    on_disk = fingerprints(tiny.extracts)
    assert {f.path: f.sha256 for f in tiny.report.files} == on_disk


def test_sizes_of_tiny(tiny: Tiny) -> None:
    kinds = tiny.report.by_kind()
    assert 300 <= kinds["crm/Lead.csv"][1] <= 500
    assert 1_000 <= kinds["telephony/Master.csv"][1] <= 2_500
    assert 2_500 <= kinds["mailing/events.jsonl"][1] <= 5_000
    assert SIZES["tiny"].delivery_months == ["2026-03", "2026-04", "2026-05", "2026-06"]


def test_nothing_is_left_of_the_workshop(tiny: Tiny) -> None:
    assert sorted(p.name for p in tiny.root.iterdir()) == [
        "company.yml",
        "cycles",
        "extracts",
        "stewardship",
        "truth",
    ]


def test_the_company_file_loads_and_its_mappings_compile(tiny: Tiny) -> None:
    company = load_company(tiny.root)
    assert company.cycle == "2026-06" and company.own_domains == ("etalon-demo.example",)
    for source in company.sources:
        check_mapping(load_mapping(source, company.root), stream_columns)


def test_ledger_entries_balance_and_their_revenue_is_explained_to_the_cent(tiny: Tiny) -> None:
    entries: dict[tuple, Decimal] = defaultdict(Decimal)
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    for record in read_all(tiny.extracts)["ledger"]:
        v = record.values
        signed = Decimal(v["Debit"].replace(",", ".")) - Decimal(v["Credit"].replace(",", "."))
        entries[v["JournalCode"], v["EcritureNum"], v["EcritureDate"]] += signed
        if v["CompteNum"].startswith("70"):
            revenue[v["EcritureDate"][:4] + "-" + v["EcritureDate"][4:6]] -= signed
    assert set(entries.values()) == {Decimal(0)}
    for row in duckdb.sql(f"from '{tiny.truth}/reconciliation.csv'").fetchall():
        month, invoiced, booked, *causes = row
        assert revenue[month] == Decimal(str(booked)).quantize(Decimal("0.01"))
        assert round(invoiced + sum(causes) - booked, 2) == 0, row


def test_movements_of_the_recurring_revenue_add_up(tiny: Tiny) -> None:
    values = {
        (name, month): value or 0.0
        for name, month, value in duckdb.sql(
            f"""select metric_name, period_start, value from '{tiny.truth}/kpi_values.parquet'
                where metric_name like 'mrr%'"""
        ).fetchall()
    }
    months = sorted(month for name, month in values if name == "mrr")
    for before, month in itertools.pairwise(months):
        moves = sum(v for (name, m), v in values.items() if name != "mrr" and m == month)
        assert values["mrr", month] - values["mrr", before] == pytest.approx(moves)


def test_each_source_record_has_one_true_entity(tiny: Tiny) -> None:
    twice = duckdb.sql(f"""select entity, contract, source_record_id
        from '{tiny.truth}/entity_clusters.parquet' group by all having count(*) > 1""").fetchall()
    assert twice == []


def test_clusters_hold_all_living_customer_records(tiny: Tiny) -> None:
    files = read_all(tiny.extracts)
    listed = {
        row[0]
        for row in duckdb.sql(
            f"select source_record_id from '{tiny.truth}/entity_clusters.parquet'"
        ).fetchall()
    }
    for record in files["crm/Lead"]:
        v = record.values
        if v and v["IsDeleted"] == "false" and not v["Email"].endswith("@etalon-demo.example"):
            assert v["Id"] in listed or v["Company"] == "asdf"
    accounts = {r.values["Id"] for r in files["crm/Account"]}
    codes = {
        r.values["Code client"] for r in files["erp/clients"] if not r.values["Code client"].startswith("G")
    }
    assert accounts | codes <= listed


def test_records_marked_gone_are_deleted_without_a_survivor(tiny: Tiny) -> None:
    gone = duckdb.sql(f"""select distinct source_record_id from '{tiny.truth}/entity_clusters.parquet'
        where is_gone""").fetchall()
    final = {r.values["Id"]: r.values for r in read_all(tiny.extracts)["crm/Lead"] if r.values}
    assert gone
    assert all(final[i]["IsDeleted"] == "true" and not final[i]["MasterRecordId"] for (i,) in gone)


def test_homonyms_and_shared_mailboxes_are_different_persons(tiny: Tiny) -> None:
    files = read_all(tiny.extracts)
    true_id = dict(
        duckdb.sql(
            f"""select source_record_id, true_id from '{tiny.truth}/entity_clusters.parquet'
                where entity = 'person'"""
        ).fetchall()
    )
    leads = [r.values for r in files["crm/Lead"] if r.values and r.values["Id"] in true_id]
    jeans = {true_id[v["Id"]] for v in leads if (v["FirstName"], v["LastName"]) == ("Jean", "Martin")}
    assert len(jeans) >= 2
    shared: dict[str, set[str]] = defaultdict(set)
    for v in leads:
        if v["Email"].lower().startswith("contact@"):
            shared[v["Email"].lower()].add(true_id[v["Id"]])
    assert any(len(people) > 1 for people in shared.values())


def test_numbers_are_valid_for_their_country(tiny: Tiny) -> None:
    numbers = {
        v[key]
        for record in read_all(tiny.extracts)["crm/Contact"]
        for v in [record.values]
        for key in ("Phone", "MobilePhone")
        if v[key]
    }
    invalid = [n for n in sorted(numbers) if not phonenumbers.is_valid_number(phonenumbers.parse(n, "FR"))]
    assert numbers and invalid == []


def test_national_numbers_pass_the_luhn_rule() -> None:
    digits = [int(c) for c in own_siren()]
    doubled = [sum(divmod(d * 2, 10)) if i % 2 else d for i, d in enumerate(digits)]
    assert sum(doubled) % 10 == 0
    assert luhn_digit(np.array([73282932])).tolist() == [0]  # 732 829 320 is the usual example


def test_wall_clock_of_paris_changes_when_it_should(tmp_path: Path) -> None:
    paris = ZoneInfo("Europe/Paris")
    hours = range(SIZES["bench-36m"].first_event_s - 366 * DAY, month_start("2026-12"), 3600)
    scratch = Scratch(tmp_path / "scratch.duckdb")
    wrong = [
        e
        for e, shift in scratch.rows(
            f"select e, paris(e) - e from range({hours.start}, {hours.stop}, 3600) as t(e)"
        )
        if shift != dt.datetime.fromtimestamp(e, paris).utcoffset().total_seconds()
    ]
    scratch.close()
    assert not wrong


@pytest.mark.nightly
def test_the_effects_of_the_two_mini_cases_come_out_as_planted(tmp_path: Path) -> None:
    generate(tmp_path / "demo", "demo")
    effects: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for effect, x, n, _, value in duckdb.sql(f"from '{tmp_path}/demo/truth/planted_effects.csv'").fetchall():
        effects[effect][x or ""] = (n, value)
    assert effects["m1_q1_share_ttf_within_2h"][""][1] == pytest.approx(0.45, abs=0.03)
    curve = {int(x): value for x, (n, value) in effects["m1_conversion_by_touches"].items() if n >= 50}
    assert curve[2] < curve[4] < curve[6] and abs(curve[7] - curve[6]) < 0.15
    s_curve = {int(x): value for x, (n, value) in effects["m2_conversion_by_touches"].items() if n >= 50}
    assert s_curve[4] < 0.1 and s_curve[10] > 0.2
    assert effects["m2_vip_cluster"][""][1] > 0.55
    beyond = effects["m2_beyond_8_touches"]
    assert beyond["warm intro"][1] > 2 * beyond["no warm intro"][1]


def test_a_company_that_is_no_demo_is_left_alone(tmp_path):
    extract = tmp_path / "extracts" / "mine.csv"
    extract.parent.mkdir()
    extract.write_text("kept\n")
    with pytest.raises(FileExistsError, match="no demo"):
        generate(tmp_path, "tiny")
    assert extract.read_text() == "kept\n"


def test_every_user_of_the_crm_has_an_id_of_its_own(tiny: Tiny) -> None:
    """Sellers, the one who left, the integration and customer success are numbered apart."""
    months = sorted((tiny.extracts / "crm").glob("*/User.csv"))
    with months[-1].open(encoding="utf-8-sig", newline="") as handle:
        ids = [row["Id"] for row in csv.DictReader(handle)]
    assert len(ids) == len(set(ids)) > 8
