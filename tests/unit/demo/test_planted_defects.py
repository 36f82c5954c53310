"""Every planted defect lies where truth/defect_rows.parquet says, as seen by a reader of the files alone."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pyarrow.parquet as pq
import pytest

from tests.unit.demo.conftest import Tiny
from tests.unit.demo.defect_detectors import BY_BYTES, BY_FILES, SIMPLE, detect, sound
from tests.unit.demo.extract_reader import Record, read_all

REFUSES_THE_FILE = {7, 9, 50}
CHECKED_BELOW = {8, 13, 43, 46, 49, 51}


@pytest.fixture(scope="module")
def files(tiny: Tiny) -> dict[str, list[Record]]:
    return read_all(tiny.extracts)


@pytest.fixture(scope="module")
def planted(tiny: Tiny) -> dict[int, Counter]:
    places: dict[int, Counter] = {}
    for row in pq.read_table(tiny.truth / "defect_rows.parquet").to_pylist():
        places.setdefault(row["defect_no"], Counter())[(row["file"], row["line"])] += 1
    return places


def test_every_class_of_the_catalogue_is_planted_or_says_why_not(tiny: Tiny) -> None:
    with (tiny.truth / "defects.csv").open(encoding="utf-8") as stream:
        declared = {int(row["defect_no"]): row for row in csv.DictReader(stream)}
    assert sorted(declared) == list(range(52))
    for number, row in declared.items():
        if number in REFUSES_THE_FILE:
            assert row["status"] == "not applicable" and row["reason"]
        else:
            assert row["status"] == "planted" and int(row["n_rows"]) > 0, row


def test_declared_counts_are_those_of_the_rows(tiny: Tiny, planted: dict[int, Counter]) -> None:
    with (tiny.truth / "defects.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            assert int(row["n_rows"]) == sum(planted.get(int(row["defect_no"]), Counter()).values()), row


@pytest.mark.parametrize("number", sorted({*SIMPLE, *BY_FILES, *BY_BYTES}))
def test_a_reader_of_the_files_alone_finds_the_planted_places(
    tiny: Tiny, files: dict[str, list[Record]], planted: dict[int, Counter], number: int
) -> None:
    assert Counter(detect(number, files, tiny.extracts)) == planted[number]


def test_all_classes_have_a_check() -> None:
    assert {*SIMPLE, *BY_FILES, *BY_BYTES, *CHECKED_BELOW, *REFUSES_THE_FILE} == set(range(52))


def test_number_notations_stand_in_the_price_list_and_in_the_first_ledger(files, planted) -> None:
    prices = [r for r in files["erp/articles"] if r.values["Prix unitaire"].endswith(" €")]
    padded = [r for r in files["ledger"] if len(r.values["Debit"]) == 13]
    assert Counter((r.file, r.line) for r in prices + padded) == planted[13]


def test_unsubscribes_unknown_to_the_crm_are_those_of_people_without_the_flag(files, planted) -> None:
    flags: dict[str, set[str]] = {}
    for kind in ("crm/Lead", "crm/Contact"):
        for record in sound(files[kind]):
            flags.setdefault(record.values["Email"].lower(), set()).add(record.values["HasOptedOutOfEmail"])
    wanted = {
        (r.file, r.line)
        for r in sound(files["mailing"])
        if r.values["event"] in ("unsubscribe", "spamreport")
        and "false" in flags.get(r.values["email"], set())
    }
    assert wanted == set(planted[43])


def test_extreme_cadences_are_leads_with_many_logged_touches(files, planted) -> None:
    places = set(planted[46])
    ids = {r.values["Id"] for r in sound(files["crm/Lead"]) if (r.file, r.line) in places}
    tasks = Counter(r.values["WhoId"] for r in sound(files["crm/Task"]))
    assert ids and all(tasks[lead] >= 10 for lead in ids)


def test_properties_of_whole_files_are_noted(tiny: Tiny, files, planted) -> None:
    spelled = {r.file for r in files["ledger"] if "MontantDevise" in r.values}
    assert {name for name, _ in planted[49]} == spelled
    assert {name for name, _ in planted[51]} == {r.file for r in files["crm/Opportunity"]}
    assert {name for name, _ in planted[8]} == {"crm/LISEZMOI.txt", "erp/desktop.ini"}


def test_the_re_sent_file_has_the_bytes_of_the_first(tiny: Tiny) -> None:
    first = tiny.extracts / "mailing/2026-05/events.jsonl"
    second = tiny.extracts / "mailing/2026-06/events_resent.jsonl"
    assert first.read_bytes() == second.read_bytes()


def test_the_corrected_documents_differ_from_the_first_delivery_and_are_newer(files) -> None:
    documents = files["erp/factures"]
    corrected = {r.values["N° pièce"]: r.values for r in documents if "corrections" in r.file}
    first = {r.values["N° pièce"]: r.values for r in documents if "2026-05/factures.csv" in r.file}
    assert corrected
    for number, row in corrected.items():
        assert row["Montant HT"] != first[number]["Montant HT"]
        assert row["Modifié le"][3:] == "06/2026"


def test_late_legs_are_of_april_and_in_no_other_file(files) -> None:
    late = {r.values["uniqueid"] for r in sound(files["telephony"]) if "late" in r.file}
    others = {r.values["uniqueid"] for r in sound(files["telephony"]) if "late" not in r.file}
    assert late and not late & others
    assert {r.values["start"][:7] for r in sound(files["telephony"]) if "late" in r.file} == {"2026-04"}


def test_mail_domains_and_json_are_what_the_vendor_would_send(files) -> None:
    for record in sound(files["mailing"]):
        assert record.values["email"].endswith(".example"), json.dumps(record.values)
