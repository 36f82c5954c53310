"""`etalon steward` on a company whose queue is planted: from the question to the line of a file."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from planted_decisions import SAID, invoke, invoke_json, key, kinds, pair, write_exchange, write_queue

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.run_lock import run_lock
from orchestration.stewardship.files import append_decisions, read_decisions


@pytest.mark.parametrize(
    "name", ["list", "show", "decide", "export", "apply", "unmerge", "override", "link", "undo"]
)
def test_every_command_has_examples_and_json(name: str) -> None:
    told = CliRunner().invoke(cli.etalon, ["steward", name, "--help"]).output
    assert "Examples:" in told and "--json" in told and "--company" in told


def test_questions_are_listed_by_rank_and_filtered(site: Path) -> None:
    found = invoke_json(site, "list")
    assert [item["item_id"] for item in found["items"]] == ["rev_ab", "rev_bc", "rev_de", "rev_big", "rev_pq"]
    assert [item["item_id"] for item in invoke_json(site, "list", "--entity", "person")["items"]] == [
        "rev_pq"
    ]
    limited = invoke_json(site, "list", "--kind", "pair", "--limit", "1")
    assert (limited["total"], len(limited["items"])) == (2, 1)
    told = invoke(site, "list", "--language", "fr")
    assert "Firm a" in told and "stratégique" in told and "pont fragile" in told and "999 EUR" in told


def test_a_question_is_shown_with_both_records_its_words_and_its_waterfall(
    site: Path, tmp_path: Path
) -> None:
    told = invoke(site, "show", "rev_ab")
    assert "Firm a" in told and "HYPERLINK" in told and "≠" in told
    lines = [line for line in told.splitlines() if "█" in line or "▒" in line]
    assert [line.split("  ")[0].split(":")[0] for line in lines][:1] == ["Any two records"]
    assert "Name: the same" in told and "+9.5" in told and "Country: different" in told and "-2.0" in told
    shown = invoke_json(site, "show", "rev_ab")
    assert round(sum(step["weight"] for step in shown["steps"]), 6) == 2.5  # the steps add up to the score
    assert shown["records"][0]["values"]["name"] == "Firm a"
    svg, page = tmp_path / "why.svg", tmp_path / "why.html"
    invoke(site, "show", "rev_ab", "--out", str(svg), "--language", "fr")
    invoke(site, "show", "rev_ab", "--out", str(page))
    drawn = "".join(ElementTree.parse(svg).getroot().itertext())
    assert "Pays" in drawn and "+9.5" in drawn and "+2.5" in drawn and "Firm" not in drawn
    assert "<svg" in page.read_text() and "http" not in page.read_text().replace("http://www.w3.org", "")
    invoke(site, "show", "rev_ab", "--out", str(tmp_path / "why.png"), code=exit_codes.USAGE)


def test_a_question_without_a_score_and_a_record_that_is_gone_are_shown(site: Path) -> None:
    write_exchange(site / "work", {"d": "Firm d"})
    told = invoke(site, "show", "rev_de")
    assert "no longer there" in told and "█" not in told
    assert "unmerge" in invoke(site, "show", "rev_big")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "312 records share one phone number: too many to compare pair by pair; these are two of them"),
        (
            "fr",
            "312 fiches partagent un même numéro de téléphone\u00a0: trop pour être comparées deux à deux",
        ),
    ],
)
def test_a_value_on_too_many_records_is_told_in_words_with_two_of_them(
    site: Path, language: str, told: str
) -> None:
    with duckdb.connect(str(site / "work" / "warehouse.duckdb")) as con:
        terms = json.dumps([{"block": "phone", "records": 312}])
        con.execute(
            "update quality_dbt.dq_review_queue set reason = 'block_too_large', terms = ?, right_record_key = ? "
            "where item_id = 'rev_big'",
            [terms, key("g")],
        )
    said = invoke(site, "show", "rev_big", "--language", language)
    assert told in said and "Firm f" in said and "Firm g" in said
    assert "unmerge" not in said and "source" in said and "cannot-say" in said
    assert told in invoke(site, "list", "--kind", "oversized", "--language", language)


def test_an_answer_is_recorded_once_with_what_was_seen(site: Path) -> None:
    made = invoke_json(site, "decide", "rev_ab", "same", *SAID, "--expires", "2027-01-31")
    (read,) = read_decisions(site / "stewardship")
    assert (read.decision_id, read.kind, read.pair, read.item_id) == (
        made["decision_id"], "same", (key("a"), key("b")), "rev_ab",
    )  # fmt: skip
    assert all(len(each) == 12 for each in read.content_hashes) and str(read.expires_on) == "2027-01-31"
    again = invoke_json(
        site, "decide", "rev_ab", "same", "--author", "Bob", "--reason", "x", "--expires", "2027-01-31"
    )
    assert (again["decision_id"], again["is_new"]) == (made["decision_id"], False)
    assert kinds(site) == ["same"]
    assert "2026" in invoke(site, "list", "--decisions") or "20" in invoke(site, "list", "--decisions")


def test_an_answer_that_contradicts_others_is_refused_with_their_names(site: Path) -> None:
    first = invoke_json(site, "decide", "rev_ab", "same", *SAID)["decision_id"]
    told = invoke(site, "decide", "rev_ab", "different", *SAID, code=exit_codes.USAGE)
    assert "E-STW-007" in told and f"etalon steward undo {first}" in told
    assert kinds(site) == ["same"]
    invoke(site, "undo", first, "--author", "Ann Lee", "--reason", "wrong")
    invoke(site, "decide", "rev_ab", "different", *SAID)
    statuses = {
        each["kind"]: each["status"] for each in invoke_json(site, "list", "--decisions")["decisions"]
    }
    assert statuses == {"same": "undone", "different": "active"}


def test_undoing_twice_says_so_and_undoing_the_undo_brings_the_decision_back(site: Path) -> None:
    name = invoke_json(site, "decide", "rev_ab", "same", *SAID)["decision_id"]
    undo = invoke_json(site, "undo", name, *SAID)["decision_id"]
    assert "E-STW-014" in invoke(site, "undo", name, *SAID, code=exit_codes.USAGE)
    assert "E-STW-004" in invoke(site, "undo", "dec_0", *SAID, code=exit_codes.USAGE)
    invoke(site, "undo", undo, *SAID)
    assert [each["status"] for each in invoke_json(site, "list", "--decisions")["decisions"]] == ["active"]


def test_a_kind_of_question_takes_its_answers_only(site: Path) -> None:
    assert "E-STW-009" in invoke(site, "decide", "rev_big", "same", *SAID, code=exit_codes.USAGE)
    assert "E-STW-009" in invoke(site, "decide", "rev_ab", "confirm", *SAID, code=exit_codes.USAGE)
    invoke(site, "decide", "rev_big", "cannot-say", *SAID)
    assert "E-STW-006" in invoke(site, "decide", "rev_none", "same", *SAID, code=exit_codes.USAGE)


def test_a_decision_to_confirm_is_renewed_with_what_is_seen_now(site: Path) -> None:
    made = invoke_json(site, "decide", "rev_ab", "same", *SAID)
    write_exchange(site / "work", {name: f"Other {name}" for name in "abcdefgh"})
    (listed,) = invoke_json(site, "list", "--decisions")["decisions"]
    assert listed["status"] == "to_confirm"
    write_queue(site / "work", [("rev_again", "account", "to_confirm", "a", "b", None, made["decision_id"])])
    invoke(site, "decide", "rev_again", "confirm", *SAID)
    found = invoke_json(site, "list", "--decisions")["decisions"]
    assert sorted((each["kind"], each["status"]) for each in found) == [
        ("same", "active"),
        ("same", "undone"),
    ]
    assert {each["item_id"] for each in found} == {"rev_ab"}


@pytest.mark.parametrize(("given", "kept"), [((), "2027-06-30"), (("--expires", "2028-01-31"), "2028-01-31")])
def test_a_confirmed_decision_keeps_its_last_day_unless_another_is_given(
    site: Path, given: tuple[str, ...], kept: str
) -> None:
    made = invoke_json(site, "decide", "rev_ab", "same", "--expires", "2027-06-30", *SAID)
    write_exchange(site / "work", {name: f"Other {name}" for name in "abcdefgh"})
    write_queue(site / "work", [("rev_again", "account", "to_confirm", "a", "b", None, made["decision_id"])])
    invoke(site, "decide", "rev_again", "confirm", *given, *SAID)
    (again,) = (
        each
        for each in read_decisions(site / "stewardship")
        if each.kind == "same" and each.place[-2:] == ":3"
    )
    assert str(again.expires_on) == kept


def test_a_lead_that_is_a_person_and_a_company_is_taken_apart_as_what_is_said(site: Path) -> None:
    """A steward parted father and son and hit the two companies of their leads."""
    leads = [key(name, "crm_contact") for name in "pq"]
    work = site / "work"
    exchange = work / "exchange" / "int_account_records.parquet"
    records = pq.read_table(exchange)
    named = records.take([0, 1]).set_column(0, "record_key", pa.array(leads))
    pq.write_table(pa.concat_tables([records, named]), exchange)
    for entity in ("account", "person"):
        members = pa.table({"record_key": leads, f"{entity}_id": ["both", "both"]})
        pq.write_table(members, work / "matching" / f"{entity}_members.parquet")
    assert "E-STW-017" in invoke(site, "unmerge", leads[0], *SAID, code=exit_codes.USAGE)
    assert kinds(site) == []
    for entity in ("person", "account"):
        made = invoke_json(site, "unmerge", leads[0], "--entity", entity, *SAID)
        assert made["entity"] == entity


def test_records_leave_their_golden_record_together_or_each_alone(site: Path) -> None:
    made = invoke_json(site, "unmerge", key("b"), key("c"), *SAID)
    assert dict(zip((each[-1] for each in made["record_keys"]), made["parts"], strict=True)) == {
        "a": "1", "d": "1", "b": "2", "c": "2",
    }  # fmt: skip
    alone = invoke_json(site, "unmerge", *(key(name) for name in "efgh"), "--each-alone", *SAID)
    assert sorted(alone["parts"]) == ["2", "3", "4", "5"]
    for keys in ([key(name) for name in "abcd"], [key("a"), key("e")]):
        assert "E-STW-015" in invoke(site, "unmerge", *keys, *SAID, code=exit_codes.USAGE)
    assert "E-STW-008" in invoke(site, "unmerge", "crm/crm_account/zz", *SAID, code=exit_codes.USAGE)
    # What was taken apart is not joined by an answer.
    assert "E-STW-007" in invoke(site, "decide", "rev_ab", "same", *SAID, code=exit_codes.USAGE)


def test_values_and_group_links_are_set_and_impossible_ones_refused(site: Path) -> None:
    invoke(site, "override", key("a"), "city", "Lyon", *SAID)
    assert "E-STW-007" in invoke(site, "override", key("a"), "city", "Paris", *SAID, code=exit_codes.USAGE)
    invoke(site, "override", key("p", "crm_contact"), "email", "paul@y.example", *SAID)
    for attribute, value in (
        ("country_code", "France"),
        ("is_strategic", "yes"),
        ("shoe_size", "42"),
        ("city", " "),
    ):
        invoke(site, "override", key("a"), attribute, value, *SAID, code=exit_codes.USAGE)
    invoke(site, "link", key("a"), key("b"), "--from", "2021-01-16", *SAID)
    invoke(site, "link", key("a"), key("c"), "--to", "2021-01-16", *SAID)
    assert "E-STW-007" in invoke(site, "link", key("a"), key("d"), *SAID, code=exit_codes.USAGE)
    invoke(site, "link", key("a"), key("d"), "--kind", "buying", *SAID)
    invoke(site, "link", key("a"), key("a"), *SAID, code=exit_codes.USAGE)
    invoke(site, "link", key("a"), key("b"), "--from", "2021-02-30", *SAID, code=exit_codes.USAGE)
    assert kinds(site) == ["override", "override", "group_link", "group_link", "group_link"]


def test_a_file_that_is_damaged_or_a_run_that_works_stops_a_decision(site: Path) -> None:
    append_decisions(site / "stewardship", [pair("dec_1", "same", "a", "b")])
    path = site / "stewardship" / "pair_decisions.csv"
    path.write_text(path.read_text().replace("same", "maybe"))
    told = invoke(site, "decide", "rev_ab", "same", *SAID, "--language", "fr", code=exit_codes.USAGE)
    assert "E-STW-002 stewardship/pair_decisions.csv:2" in told and "Corrigez la ligne" in told
    told = CliRunner().invoke(cli.etalon, ["doctor", "--company", str(site)]).output
    assert "E-STW-002" in told
    path.unlink()
    (site / "work" / "warehouse.duckdb").unlink()
    assert "E-STW-010" in invoke(site, "list", code=exit_codes.USAGE)


def test_nobody_decides_while_another_holds_the_company(site: Path) -> None:
    import subprocess
    import sys

    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; from orchestration.run_lock import run_lock\n"
         "with run_lock(Path(sys.argv[1]), 'r'): print('held', flush=True); sys.stdin.read()", str(site / "work")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline().strip() == b"held"
        invoke(site, "decide", "rev_ab", "same", *SAID, code=exit_codes.LOCKED)
        invoke(site, "list", code=exit_codes.LOCKED)
    finally:
        holder.communicate()
    with run_lock(site / "work", "mine"):
        invoke(site, "decide", "rev_ab", "same", *SAID)


def test_a_contradiction_names_its_decisions_and_is_answered_by_undoing(site: Path) -> None:
    rows = [("rev_x", "account", "contradiction", "a", "b", None, "dec_1", "dec_2")]
    write_queue(site / "work", rows)
    told = invoke(site, "show", "rev_x")
    assert "etalon steward undo dec_1 | dec_2" in told
    with duckdb.connect(str(site / "work" / "warehouse.duckdb")) as con:  # as matching tells it
        terms = json.dumps([{"decision_id": "dec_3"}, {"decision_id": "dec_4"}])
        con.execute("update quality_dbt.dq_review_queue set decision_ids = null, terms = ?", [terms])
    assert "etalon steward undo dec_3 | dec_4" in invoke(site, "show", "rev_x")
    assert "E-STW-009" in invoke(site, "decide", "rev_x", "same", *SAID, code=exit_codes.USAGE)
    invoke(site, "list", "--kind", "contradiction")
    invoke(site, "list", "--kind", "pairs", code=exit_codes.USAGE)
