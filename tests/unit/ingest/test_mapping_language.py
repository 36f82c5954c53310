from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
import yaml
from company_site import LEADS
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.calendar_reading import stream_columns
from ingest.conversion import check_mapping
from ingest.errors import ConfigurationError
from ingest.mapping import build_mapping


def mapping(**changes: Any) -> dict[str, Any]:
    """The lead mapping with values replaced at dotted places."""
    content = copy.deepcopy(yaml.safe_load(LEADS))
    for place, value in changes.items():
        *parents, last = place.split("__")
        target = content
        for parent in parents:
            target = target[parent]
        target[last] = value
    return content


def refused(content: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_mapping(build_mapping("test", content), stream_columns)
    return str(caught.value)


def test_a_right_mapping_compiles() -> None:
    check_mapping(build_mapping("test", mapping()), stream_columns)


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    assert "Did you mean: delimiter" in refused(mapping(files__leads__delimeter=";"))
    assert "Did you mean: formats" in refused(
        mapping(tables__crm_lead__columns__created_at={"source": "Created", "format": ["iso"]})
    )


@pytest.mark.audit("CO2")
def test_an_unknown_column_of_the_contract_is_refused_with_the_nearest_one() -> None:
    assert "Did you mean: created_at" in refused(mapping(tables__crm_lead__columns__createdat="Created"))


def test_a_monthly_file_has_a_date_in_its_path() -> None:
    assert "needs {date}" in refused(mapping(files__leads__path="Leads.csv", files__leads__cadence="monthly"))
    files = {
        (required, cadence): build_mapping(
            "test", mapping(files__leads__required=required, files__leads__cadence=cadence)
        ).model.files["leads"]
        for required in (True, False)
        for cadence in (None, "monthly", "on_change")
    }
    assert {key for key, spec in files.items() if spec.is_monthly} == {
        (True, None), (True, "monthly"), (False, "monthly")
    }  # fmt: skip


def test_day_month_beside_month_day_is_refused() -> None:
    for formats in (["%d/%m/%Y", "%m/%d/%Y"], ["%d.%m.%Y %H:%M", "%m/%d/%Y"], ["%Y-%d-%m", "%Y-%m-%d"]):
        text = refused(
            mapping(tables__crm_lead__columns__created_at={"source": "Created", "formats": formats})
        )
        assert "both ways" in text


def test_one_order_with_several_layouts_is_accepted() -> None:
    formats = ["%d/%m/%Y %H:%M", "%d.%m.%Y", "%Y-%m-%d", "iso"]
    build_mapping(
        "test", mapping(tables__crm_lead__columns__created_at={"source": "Created", "formats": formats})
    )


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"files__leads__expected_columns": None}, "expected_columns"),
        ({"files__leads__encoding": "utf-9"}, "codec"),
        ({"files__leads__delimiter": ";;"}, "one character"),
        ({"files__leads__path": "/data/x.csv"}, "relative"),
        ({"files__leads__fields": ["a"]}, "fields"),
        ({"tables__crm_lead__from": "lead"}, "Did you mean: leads"),
        (
            {"tables__crm_lead__columns__status": {"source": "Status", "map": {"Open": "nwe"}}},
            "Did you mean: new",
        ),
        ({"tables__crm_lead__columns__email": {"source": "Email", "const": "x"}}, "exactly one of"),
        ({"tables__crm_lead__columns__email": {"source": "Email", "formats": ["iso"]}}, "no meaning"),
        ({"tables__crm_lead__columns__email": {"source": "Emial"}}, "Did you mean: Email"),
        ({"tables__crm_lead__columns__score": {"source": "Id", "type": "email"}}, "cannot fill"),
        ({"tables__crm_lead__exclude": {"tst_record": "true"}}, "Did you mean: test_record"),
        ({"tables__crm_lead__key": ["id"]}, "Unknown key id"),
        (
            {"tables__crm_lead__columns__modified_at": {"source": "Created", "precision": "minute"}},
            "no effect",
        ),
        (
            {"tables__crm_lead__columns__created_at": {"source": "Created", "formats": ["%Q"]}},
            "unknown date code",
        ),
        ({"defaults__phone_region": None, "tables__crm_lead__columns__phone": "Name"}, "needs region"),
        ({"defaults__phone_region": "XX", "tables__crm_lead__columns__phone": "Name"}, "number plan"),
        ({"tables__crm_led": {"from": "leads", "columns": {}}}, "Did you mean: crm_lead"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(changes: dict[str, Any], word: str) -> None:
    content = mapping(**changes)
    if changes.get("files__leads__expected_columns", 1) is None:
        del content["files"]["leads"]["expected_columns"]
    assert word in refused(content)


def test_a_required_column_that_nothing_fills_is_refused() -> None:
    content = mapping()
    del content["tables"]["crm_lead"]["columns"]["status"]
    assert "requires status" in refused(content)


def test_options_override_defaults_and_change_the_hash() -> None:
    plain = build_mapping("test", mapping())
    other = build_mapping("test", mapping(), {"timezone": "UTC"})
    assert other.defaults.timezone == "UTC"
    assert other.hash != plain.hash
    with pytest.raises(ConfigurationError, match="Did you mean: timezone"):
        build_mapping("test", mapping(), {"timezon": "UTC"})


@pytest.mark.parametrize(
    "expression",
    [
        "(select 1)",
        "read_csv('x')",
        "read_text('/etc/passwd')",
        "current_setting('threads')",
        "getenv('HOME')",
        "random()",
        "now()",
        "current_date",
        "list_transform([1], lambda x: x)",
        '"Email"; drop table x',
        "exists (select 1)",
        "\"Email\" in (select 'a')",
        "row_number() over ()",
        "count(*)",
        "query('select 1')",
        't."Email"',
        'cast("Email" as json)',
        "*",
        "pragma_version()",
    ],
)
def test_expressions_reach_nothing_but_the_columns_of_the_record(expression: str) -> None:
    text = refused(mapping(tables__crm_lead__columns__last_name={"expr": expression}))
    assert "E-ING-108" in text or "E-ING-109" in text


def test_an_expression_with_a_wrong_column_names_the_nearest_one() -> None:
    assert "Did you mean: Email" in refused(mapping(tables__crm_lead__where='"Emale" is not null'))


RICH = r"""
version: 1
source: {system: vendor}
defaults: {timezone: Europe/Paris, phone_region: FR, null_values: ["", "-"]}
files:
  a: {path: "{date}/A*.txt", format: fixed_width, fields: {Id: [1, 6], Name: [7, 9]}, line_length: [6, 20]}
  b: {path: b.zip, format: delimited, compression: zip, member: "*.csv", delimiter: ";", expected_columns: [Id, Name],
      privacy: {drop: [Name], hash: [Id]}, drop_rows_where: "\"Id\" = 'x'"}
  c: {path: c.json, format: json, fields: {Id: "$.id", Name: "n[0]"}}
  d: {path: d.parquet, format: parquet, header_aliases: {x: Id}, expected_columns: [4]}
tables:
  crm_lead:
    from: [a, c]
    fill_down: {columns: [Name], group: Id}
    unpivot: {columns: {Name: label}, name: What, value: Value}
    lookups: {other: {file: d, match: {Id: Id}, split: ","}}
    where: "\"What\" is not null"
    columns:
      source_record_id: {hash: [Id, What], occurrence: true}
      last_name: {source: other.Name, map: {x: y}, on_unmapped: keep}
      status: {const: new}
      is_converted: {const: false}
      created_at: {source: Value, formats: [iso, "%d/%m/%Y"], timezone: UTC}
  crm_contact:
    from: d
    pair: {key: [Id], event: Kind, start: [a], end: [b], order_by: [Time]}
    dedupe: {key: [last_name], keep: first}
    columns:
      source_record_id: Id
      last_name: {expr: "\"end.Time\""}
      created_at: {source: Time, type: epoch_s}
  telephony_call_leg:
    from: d
    fold: {key: [Id], take: {Time: last, Kind: {priority: [a]}}}
    columns:
      source_record_id: Id
      call_id: Id
      direction: {const: inbound}
      started_at: Time
      outcome: {source: Kind, map: {a: answered}, on_unmapped: {default: busy}}
"""
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.dates()
    | st.sampled_from(["", "Id", "x", "end.Id", "{date}", '"', "'", "\x00"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["Id", "columns", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of nested dictionaries and lists."""
    items = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [place for key, value in items for place in [(*path, key), *places(value, (*path, key))]]


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_mapping_it_loads_or_says_why(data: st.DataObject) -> None:
    content = yaml.safe_load(RICH)
    for _ in range(data.draw(st.integers(0, 2))):
        *parents, last = data.draw(st.sampled_from(places(content)))
        target = content
        for parent in parents:
            target = target[parent]
        target[last] = data.draw(JUNK)
    with contextlib.suppress(ConfigurationError):
        check_mapping(build_mapping("test", content), stream_columns)


def test_the_rich_mapping_is_a_right_one() -> None:
    content = yaml.safe_load(RICH)
    content["files"]["b"]["privacy"] = {"hash": ["Id"]}
    check_mapping(build_mapping("test", content), stream_columns)
