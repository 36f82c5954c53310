"""Row shapes: explode, unpivot, fill_down, pair and fold give planted rows, and no record of the file is lost."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from company_site import Site

import ingest.landing
from ingest.errors import ConfigurationError
from ingest.reading import FastReaderDisagrees

LEADS = """
version: 1
source: {system: vendor}
files:
  leads:
    path: "{date}/Leads.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Name, Tags, Created]
tables:
  crm_lead:
    from: leads
    SHAPE
    columns:
      source_record_id: {hash: [Id, Tags]}
      first_name: Id
      last_name: Name
      status: {const: new}
      is_converted: {const: false}
      created_at: {source: Created, formats: ["%Y-%m-%d"]}
      company_name: Tags
"""
HEADER = "Id,Name,Tags,Created\n"
RATES = """
version: 1
source: {system: vendor}
files:
  rates:
    path: "{date}/Rates.csv"
    format: delimited
    delimiter: ";"
    expected_columns: [Currency, 2026-04, 2026-05, 2026-06]
    null_values: ["", "-"]
    drop_rows_where: "\\"Currency\\" = 'Total'"
tables:
  exchange_rate:
    from: rates
    unpivot: {columns: {2026-04: 2026-04-30, 2026-05: 2026-05-31, 2026-06: 2026-06-30}, name: Day, value: Rate}
    columns:
      source_record_id: {hash: [Currency, Day]}
      rate_date: Day
      from_currency: Currency
      to_currency: {const: EUR}
      rate: {source: Rate, decimal: ","}
"""
CALLS = """
version: 1
source: {system: pbx}
defaults: {phone_region: FR}
files:
  calls:
    path: "{date}/calls.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Call, Event, Time, State, Talk, Agent]
tables:
  telephony_call_leg:
    from: calls
    SHAPE
    columns:
      source_record_id: {expr: "\\"Call\\" || COALESCED"}
      call_id: Call
      direction: {const: outbound}
      caller_number: Agent
      started_at: {source: Time, formats: ["%Y-%m-%d %H:%M:%S"]}
      ended_at: {source: END, formats: ["%Y-%m-%d %H:%M:%S"]}
      talk_s: Talk
      outcome: {source: State, map: {ANSWERED: answered, "": failed}, on_unmapped: {default: no_answer}}
"""
CALL_HEADER = "Call,Event,Time,State,Talk,Agent\n"


def lead_mapping(shape: str) -> str:
    return LEADS.replace("SHAPE", shape)


def call_mapping(shape: str, end: str, key: str = "''") -> str:
    return CALLS.replace("SHAPE", shape).replace("END", end).replace("COALESCED", key)


def landed(site: Site) -> None:
    report = site.collect()
    assert not report.refusals and not report.imbalances


def counts(site: Site) -> dict[str, int]:
    return {n: v for n, v in site.rows("SELECT name, value FROM collect.ledger_terms WHERE term = 'C'") if v}


def set_aside(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT _source_row_id, _record_part, disposition, reason_code FROM collect.dispositions ORDER BY ALL"
    )


def test_explode_gives_one_row_per_item(site: Callable[..., Site]) -> None:
    where = site(lead_mapping('explode: {column: Tags, separator: ";"}'))
    where.put(
        "2026-06/Leads.csv",
        HEADER + "1,Ann,a; b ;;c,2026-06-01\n2,Bob,,2026-06-02\nbad line\n3,Cid, ; ,2026-06-03\n4,Dan,x,\n",
    )
    landed(where)
    assert where.rows(
        "SELECT _source_row_id, _record_part, first_name, last_name, company_name FROM raw.crm_lead ORDER BY 1, 2"
    ) == [
        (2, 0, "1", "Ann", "a"), (2, 1, "1", "Ann", "b"), (2, 2, "1", "Ann", "c"), (3, 0, "2", "Bob", None),
        (5, 0, "3", "Cid", None), (6, 0, "4", "Dan", "x"),
    ]  # fmt: skip
    assert counts(where) == {"records_in": 6, "kept": 6}
    assert where.rows("SELECT n_record_lines, n_quarantined_lines, n_records FROM collect.deliveries") == [
        (4, 1, 4)
    ]


def test_every_blank_item_is_none_for_both_counts(site: Callable[..., Site]) -> None:
    blanks = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"]
    where = site(lead_mapping('explode: {column: Tags, separator: "::"}'))
    lines = [f"{i},Ann,a::{blank}::\t::b{blank}," for i, blank in enumerate(blanks)]
    where.put("2026-06/Leads.csv", HEADER + "\n".join(lines) + "\n")
    landed(where)
    found = where.rows(
        "SELECT first_name, list(company_name ORDER BY _record_part) FROM raw.crm_lead GROUP BY 1"
    )
    assert sorted(found) == sorted((str(i), ["a", "\t", "b"]) for i in range(len(blanks)))


def test_explode_reads_json_arrays(site: Callable[..., Site]) -> None:
    mapping = lead_mapping("explode: {column: Tags, json_array: true}").replace(
        'delimiter: ","', 'delimiter: "|"'
    )
    where = site(mapping)
    lines = [
        '1|Ann|["a","b c",3]|2026-06-01',
        "2|Bob|[]|2026-06-01",
        "3|Cid|alone|2026-06-01",
        "4|Dan||2026-06-01",
    ]
    where.put("2026-06/Leads.csv", HEADER.replace(",", "|") + "\n".join(f"{x}" for x in lines) + "\n")
    mapping_without_quotes = mapping.replace("expected_columns", "quote: null\n    expected_columns")
    (where.root / "mapping.yml").write_text(mapping_without_quotes, encoding="utf-8")
    landed(where)
    found = where.rows("SELECT first_name, _record_part, company_name FROM raw.crm_lead ORDER BY 1, 2")
    assert found == [
        ("1", 0, "a"), ("1", 1, "b c"), ("1", 2, "3"), ("2", 0, None), ("3", 0, "alone"), ("4", 0, None)
    ]  # fmt: skip


def test_row_numbers_tell_the_parts_apart(site: Callable[..., Site]) -> None:
    shape = 'explode: {column: Tags, separator: ";"}'
    where = site(lead_mapping(shape).replace("{hash: [Id, Tags]}", "{row_number: true}"))
    where.put("2026-06/Leads.csv", HEADER + "1,Ann,a;b,2026-06-01\n")
    landed(where)
    ids = [key.split(":")[1] for (key,) in where.rows("SELECT source_record_id FROM raw.crm_lead ORDER BY 1")]
    assert ids == ["2", "2.1"] and counts(where)["kept"] == 2


def test_a_cell_with_too_many_items_is_refused(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.landing, "PART_RANGE", 3)
    where = site(lead_mapping('explode: {column: Tags, separator: ";"}'))
    where.put("2026-06/Leads.csv", HEADER + "1,Ann,a;b;c;d,2026-06-01\n")
    assert [r.problem.code for r in where.collect().refusals] == ["E-ING-034"]


def test_unpivot_makes_rows_of_columns_and_keeps_blank_cells_out(site: Callable[..., Site]) -> None:
    where = site(RATES)
    where.put(
        "2026-06/Rates.csv", "Currency;2026-04;2026-05;2026-06\nUSD;0,9;-;0,95\nGBP;1,1;1,2;\nTotal;1;2;3\n"
    )
    landed(where)
    assert where.rows(
        "SELECT _source_row_id, _record_part, from_currency, rate_date, CAST(rate AS DOUBLE) FROM raw.exchange_rate r "
        "ANTI JOIN collect.dispositions USING (_delivery_id, _source_row_id, _record_part) ORDER BY 1, 2"
    ) == [
        (2, 0, "USD", dt.date(2026, 4, 30), 0.9), (2, 2, "USD", dt.date(2026, 6, 30), 0.95),
        (3, 0, "GBP", dt.date(2026, 4, 30), 1.1), (3, 1, "GBP", dt.date(2026, 5, 31), 1.2),
    ]  # fmt: skip
    assert set_aside(where) == [
        (2, 1, "excluded", "blank_cell"), (3, 2, "excluded", "blank_cell"), (4, 0, "excluded", "summary_row"),
        (4, 1, "excluded", "summary_row"), (4, 2, "excluded", "summary_row"),
    ]  # fmt: skip
    assert counts(where) == {"records_in": 9, "kept": 4, "excluded": 5}


def test_a_cell_that_becomes_blank_replaces_its_old_value(site: Callable[..., Site]) -> None:
    where = site(RATES)
    head = "Currency;2026-04;2026-05;2026-06\n"
    where.put("2026-05/Rates.csv", head + "USD;0,9;0,8;\n")
    where.put("2026-06/Rates.csv", head + "USD;0,9;;0,7\n")
    landed(where)
    kept = where.rows(
        "SELECT rate_date, CAST(rate AS DOUBLE), delivered_on FROM raw.exchange_rate r "
        "ANTI JOIN collect.dispositions USING (_delivery_id, _source_row_id, _record_part) ORDER BY 1"
    )
    june = dt.date(2026, 6, 30)
    assert kept == [(dt.date(2026, 4, 30), 0.9, june), (june, 0.7, june)]


def test_fill_down_takes_the_value_above(site: Callable[..., Site]) -> None:
    lines = [
        "9,,first,2026-06-01",
        ",Ann,a,2026-06-01",
        ",,b,",
        "2,,c,2026-06-02",
        " ,Zoé,d,",
        "bad",
        "3,Eve,e,2026-06-03",
    ]
    where = site(lead_mapping("fill_down: [Id, Name]").replace("{hash: [Id, Tags]}", "Tags"))
    where.put("2026-06/Leads.csv", HEADER + "\n".join(lines) + "\n")
    landed(where)
    query = "SELECT source_record_id, first_name, last_name FROM raw.crm_lead ORDER BY _source_row_id"
    assert where.rows(query) == [
        ("first", "9", None), ("a", "9", "Ann"), ("b", "9", "Ann"), ("c", "2", "Ann"),
        ("d", "2", "Zoé"), ("e", "3", "Eve"),
    ]  # fmt: skip
    grouped = site(
        lead_mapping("fill_down: {columns: [Id, Name, Created], group: Id}").replace(
            "{hash: [Id, Tags]}", "Tags"
        ),
        name="grouped",
    )
    grouped.put("2026-06/Leads.csv", HEADER + ",,zero,2026-06-01\n,,none,\n" + "\n".join(lines) + "\n")
    landed(grouped)
    assert grouped.rows(query) == [
        ("zero", None, None), ("none", None, None), ("first", "9", None), ("a", "9", "Ann"), ("b", "9", None),
        ("c", "2", None), ("d", "2", "Zoé"), ("e", "3", "Eve"),
    ]  # fmt: skip
    assert grouped.rows("SELECT source_record_id FROM raw.crm_lead WHERE created_at IS NULL") == [("none",)]


def test_pair_joins_the_end_to_its_start(site: Callable[..., Site]) -> None:
    shape = "pair: {key: [Call], event: Event, start: [RING], end: [HANGUP, DROP], order_by: [Time]}"
    where = site(call_mapping(shape, "end.Time", "coalesce('/' || \\\"end.State\\\", '')"))
    day = "2026-06-01 10:00:"
    lines = [
        f"c1,RING,{day}00,,,7", f"c2,RING,{day}01,,,8", f"c1,HOLD,{day}02,,,7", f"c2,HANGUP,{day}05,ANSWERED,4,8",
        f"c1,HANGUP,{day}09,BUSY,0,7", f"c1,HANGUP,{day}10,,,", f"c3,DROP,{day}11,,,", f"c4,RING,{day}12,,,9",
        f"c4,RING,{day}20,,,9", f"c4,DROP,{day}30,FAR,,9", f",RING,{day}40,,,5", f",HANGUP,{day}41,,,5",
        f"c5,HANGUP,{day}59,LATE,,6", f"c5,RING,{day}50,,,6",
    ]  # fmt: skip
    where.put("2026-06/calls.csv", CALL_HEADER + "\n".join(lines) + "\n")
    landed(where)
    base = dt.datetime(2026, 6, 1, 10)
    kept = where.rows(
        "SELECT source_record_id, started_at, ended_at FROM raw.telephony_call_leg r "
        "ANTI JOIN collect.dispositions USING (_delivery_id, _source_row_id, _record_part) ORDER BY started_at"
    )
    second = [base + dt.timedelta(seconds=n) for n in range(60)]
    assert kept == [
        ("c1/BUSY", second[0], second[9]), ("c2/ANSWERED", second[1], second[5]), ("c4", second[12], None),
        ("c4/FAR", second[20], second[30]), ("c5/LATE", second[50], second[59]),
    ]  # fmt: skip
    assert [(line, reason) for line, _, _, reason in set_aside(where)] == [
        (4, "other_event"), (5, "joined_to_start"), (6, "joined_to_start"), (7, "end_without_start"),
        (8, "end_without_start"), (11, "joined_to_start"), (12, "required_value_missing"), (13, "end_without_start"),
        (14, "joined_to_start"),
    ]  # fmt: skip
    assert counts(where) == {"records_in": 14, "kept": 5, "excluded": 5, "quarantined": 4}


FOLD = (
    "fold: {key: [Call], order_by: [Time], take: {Talk: sum, Event: last, State: {priority: [ANSWERED, BUSY]}, "
    "Agent: first}}"
)


def test_fold_makes_one_row_of_the_legs(site: Callable[..., Site]) -> None:
    where = site(call_mapping(FOLD, "Event"))
    day = "2026-06-01 10:00:"
    lines = [
        f"c1,{day}09,{day}05,BUSY,2.50,", f"c1,{day}07,{day}01,NO ANSWER,,", f"c2,{day}08,{day}02,NO ANSWER,3,8",
        f"c1,{day}30,{day}06,ANSWERED,7.5,7", f",{day}30,{day}06,ANSWERED,7,1", f",{day}30,{day}06,ANSWERED,7,2",
        f"c3,{day}31,{day}07,ODD,x,3", f"c3,{day}32,{day}08,ODD,4,3",
    ]  # fmt: skip
    where.put("2026-06/calls.csv", CALL_HEADER + "\n".join(lines) + "\n")
    landed(where)
    base = dt.datetime(2026, 6, 1, 10)
    assert where.rows(
        "SELECT _source_row_id, call_id, started_at, ended_at, talk_s, outcome, caller_number "
        "FROM raw.telephony_call_leg WHERE _set_aside IS NULL ORDER BY 1"
    ) == [
        (3, "c1", base.replace(second=1), base.replace(second=30), 10, "answered", "7"),
        (4, "c2", base.replace(second=2), base.replace(second=8), 3, "no_answer", "8"),
        (8, "c3", base.replace(second=7), base.replace(second=32), None, "no_answer", "3"),
    ]
    # A leg of the call is no version of it: the folded rows supersede nothing.
    assert [(line, reason) for line, _, _, reason in set_aside(where)] == [
        (2, "folded_into_first"), (5, "folded_into_first"), (6, "required_value_missing"),
        (7, "required_value_missing"), (9, "folded_into_first"),
    ]  # fmt: skip
    assert counts(where) == {"records_in": 8, "kept": 3, "excluded": 3, "quarantined": 2}
    assert where.rows(
        "SELECT _source_row_id, field, value_before FROM collect.changes WHERE field = 'talk_s'"
    ) == [(8, "talk_s", "no number: x")]


@pytest.mark.parametrize("how", ["min", "max", "count", "first", "last", "sum"])
def test_every_way_to_take_a_value_agrees_with_python(site: Callable[..., Site], how: str) -> None:
    generator = random.Random(how)
    rows = [
        (f"c{generator.randrange(9)}", generator.choice(["", *map(str, range(0, 120, 7))]))
        for _ in range(200)
    ]
    where = site(call_mapping(f"fold: {{key: [Call], take: {{Talk: {how}}}}}", "Time"))
    body = "".join(f"{call},x,2026-06-01 10:00:00,ANSWERED,{talk},7\n" for call, talk in rows)
    where.put("2026-06/calls.csv", CALL_HEADER + body)
    landed(where)
    groups: dict[str, list[int]] = {}
    for call, talk in rows:
        groups.setdefault(call, []).extend([int(talk)] if talk else [])
    ways = {
        "min": min,
        "max": max,
        "count": len,
        "first": lambda g: g[0],
        "last": lambda g: g[-1],
        "sum": sum,
    }
    assert where.rows(
        "SELECT call_id, talk_s FROM raw.telephony_call_leg WHERE _set_aside IS NULL ORDER BY 1"
    ) == [(call, ways[how](values)) for call, values in sorted(groups.items())]


def test_a_sum_of_an_expression_is_a_new_column_of_the_group(site: Callable[..., Site]) -> None:
    doubled = "case when Name = 'Ann' then cast(Tags as int) * 2 end"
    fold = f'fold: {{key: [Id], take: {{Total: {{sum_of: "{doubled}"}}}}}}'
    where = site(lead_mapping(fold).replace("[Id, Tags]", "[Id]") + "      score: Total\n")
    lines = ["1,Ann,3", "1,Bob,9", "1,Ann,4", "2,Bob,1"]
    where.put("2026-06/Leads.csv", HEADER + "".join(f"{line},2026-06-01\n" for line in lines))
    landed(where)
    rows = where.rows("SELECT _source_row_id, score, _set_aside FROM raw.crm_lead ORDER BY 1")
    assert rows == [
        (2, 14, None),
        (3, None, "folded_into_first"),
        (4, None, "folded_into_first"),
        (5, None, None),
    ]


SHAPED = [
    lead_mapping('explode: {column: Tags, separator: ";"}'),
    lead_mapping("fill_down: [Id, Name]"),
    lead_mapping("fold: {key: [Id], take: {Name: last, Tags: count}}"),
    lead_mapping("pair: {key: [Id], event: Name, start: [Ann], end: [Bob]}"),
    lead_mapping("unpivot: {columns: [Name, Tags], name: What, value: Who}").replace(
        "[Id, Tags]", "[Id, What, Who]"
    ),
]


def random_leads(seed: int) -> str:
    generator = random.Random(seed)
    cells = [["1", "2", "3", "", "-"], ["Ann", "Bob", "", "Zoé"], ["a;b", "", ";", "c; d ;e", "f"]]
    return HEADER + "".join(
        ",".join(generator.choice(values) for values in cells) + ",2026-06-01\n" for _ in range(40)
    )


@pytest.mark.parametrize("mapping", SHAPED)
def test_deliveries_landed_together_and_strictly_keep_their_shapes_apart(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, mapping: str
) -> None:
    query = "SELECT * FROM raw.crm_lead ORDER BY delivered_on, _source_row_id, _record_part"
    together = site(mapping, name="together")
    alone = []
    for month in range(1, 7):
        together.put(f"2026-0{month}/Leads.csv", random_leads(month))
        single = site(mapping, name=f"alone{month}")
        single.put(f"2026-0{month}/Leads.csv", random_leads(month))
        landed(single)
        alone += single.rows(query)
    landed(together)
    assert together.rows(query) == alone
    monkeypatch.setattr(
        ingest.landing, "fast_records", lambda *_: (_ for _ in ()).throw(FastReaderDisagrees())
    )
    strict = site(mapping, name="strict")
    strict.put("2026-06/Leads.csv", random_leads(6))
    landed(strict)
    assert strict.rows(query) == [row for row in alone if row[9] == dt.date(2026, 6, 30)]


@pytest.mark.parametrize(
    ("mapping", "word"),
    [
        (lead_mapping("fold: {key: [Id], take: {Name: middle}}"), "take"),
        (lead_mapping("fold: {key: [Nr], take: {}}"), "Did you mean|declares no such column"),
        (lead_mapping("explode: {column: Tags}"), "exactly one of separator"),
        (lead_mapping('explode: {column: Tags, separator: ";", json_array: true}'), "exactly one of separator"),
        (lead_mapping('explode: {column: Tags, separator: ";"}').replace("{hash: [Id, Tags]}", "Id"), "from Tags too"),
        (lead_mapping("unpivot: {columns: [Tags], name: What, value: Who}"), "from What too"),
        (lead_mapping("unpivot: {columns: [Tags], name: What, value: Name}"), "which the file has already"),
        (lead_mapping("pair: {key: [Id], event: Name, start: [a], end: [a]}"), "not both"),
        (
            lead_mapping("pair: {key: [Id], event: Name, start: [a], end: [b]}\n    fold: {key: [Id], take: {}}"),
            "one shape",
        ),
        (lead_mapping("fold: {key: [Id], take: {Name: {sum_of: '1'}}}"), "which the file has already"),
        (lead_mapping("fold: {key: [Id], take: {Sum: {sum_of: 'sum(1)'}}}"), "not allowed"),
        (lead_mapping("fill_down: [Nam]"), "Did you mean: Name"),
        (lead_mapping("fill_down: [Name]\n    exclude: {folded_into_first: \"true\"}"), "Unknown key folded"),
    ],
)  # fmt: skip
def test_a_shape_that_cannot_work_is_refused(site: Callable[..., Site], mapping: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        site(mapping).collect()
