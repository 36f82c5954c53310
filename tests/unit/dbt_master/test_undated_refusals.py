"""Who refuses mail or calls since nobody knows when: a flag is explained by a date of its own channel, or by none.

The query of the model, on planted persons, against the rule in plain Python. Not here: which records have a date
(test_consent.py), what becomes of contacts of such persons (test_contact_edges.py, tests/golden, the statistics).
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

MODEL = Path(__file__).resolve().parents[3] / "dbt_project/models/master/conforming/int_undated_refusals.sql"
FLAGS = (True, False, None)
#: channel and whether what the refusal comes from sets the flag too
DATED = (
    (), (("email", True),), (("voice", True),), (("email", False),), (("voice", False),),
    (("email", True), ("voice", True)), (("email", True), ("email", False)), (("all", False), ("voice", True)),
)  # fmt: skip
#: is_email_undated and is_call_undated of each record of the person
RECORDS = (
    (), ((False, False),), ((True, False),), ((False, True),), ((True, True),),
    ((True, False), (False, True)), ((False, False), (True, False)), ((None, None), (None, True)),
)  # fmt: skip


def _query() -> str:
    """The model over the tables that its refs name."""
    query = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", MODEL.read_text(encoding="utf-8"))
    assert "{" not in query
    return query


def _rule(flags: tuple, dated: tuple, records: tuple) -> tuple[bool, bool]:
    """(mail, calls) refused since nobody knows when: the flag holds, and a record has no date or nothing gives one."""
    found = []
    for place, channel in enumerate(("email", "voice")):
        has_record = any(record[place] for record in records)
        found.append(bool(flags[place]) and (has_record or (channel, True) not in dated))
    return found[0], found[1]


@pytest.fixture(scope="module")
def persons() -> dict[str, tuple]:
    mixes = product(product(FLAGS, FLAGS), DATED, RECORDS)
    return {f"per_{place}": mix for place, mix in enumerate(mixes)}


@pytest.fixture(scope="module")
def con(persons: dict[str, tuple]):
    with duckdb.connect() as con:
        con.execute(
            "create table dim_persons (person_id varchar, is_email_opted_out boolean, is_call_opted_out boolean);"
            " create table int_contact_refusals (person_id varchar, channel_code varchar, is_of_flag boolean);"
            " create table int_person_attributes"
            " (person_id varchar, is_email_undated boolean, is_call_undated boolean)"
        )
        for table, place in (
            ("dim_persons", None),
            ("int_contact_refusals", 1),
            ("int_person_attributes", 2),
        ):
            rows = [
                (person, *row)
                for person, mix in persons.items()
                for row in ([mix[0]] if place is None else mix[place])
            ]
            con.executemany(f"insert into {table} values (?, ?, ?)", rows)
        yield con


@pytest.mark.audit("CP1")
def test_a_flag_is_undated_unless_its_own_channel_and_every_record_of_it_has_a_date(con, persons) -> None:
    ruled = {person: _rule(*mix) for person, mix in persons.items()}
    expected = sorted((person, *told) for person, told in ruled.items() if any(told))
    assert sorted(con.execute(_query()).fetchall()) == expected
    kinds = Counter(ruled.values())
    assert min(kinds[told] for told in product((True, False), (True, False))) > 20


def test_each_join_decides_who_is_undated(con) -> None:
    sound = sorted(con.execute(_query()).fetchall())
    tree = sqlglot.parse_one(_query(), dialect="duckdb")
    joins = list(tree.find_all(exp.Join))
    assert [join.args["side"] for join in joins] == ["LEFT", "LEFT"]
    for join in joins:
        join.set("side", None)
        assert sorted(con.execute(tree.sql(dialect="duckdb")).fetchall()) != sound, join.alias_or_name
        join.set("side", "LEFT")
