"""Settings that could do nothing, or nothing right, are refused when the mapping loads, with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from company_site import LEADS

from ingest.calendar_reading import stream_columns
from ingest.conversion import check_mapping
from ingest.errors import ConfigurationError
from ingest.mapping import build_mapping


def load(text: str = LEADS, *checks: str, **leads: Any) -> None:
    """Load a mapping with these checks and with these keys of its file, as a run does."""
    content = yaml.safe_load(text)
    content["files"]["leads"] |= leads
    content["checks"] = [yaml.safe_load(check) for check in checks]
    check_mapping(build_mapping("test", content), stream_columns)


def refusal(text: str = LEADS, *checks: str, **leads: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(text, *checks, **leads)
    return str(refused.value)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("type: range, column: created_at, min: abc", "abc is not a date"),
        ('type: range, column: created_at, min: "01/06/2026"', "01/06/2026 is not a date"),
        ('type: range, column: created_at, max: "2026-02-30"', "2026-02-30 is not a date"),
        ('type: range, column: created_at, max: "infinity"', "infinity is not a date"),
        ('type: range, column: created_at, min: "2027-01-01", max: "2026-01-01"', "min is greater than max"),
        ("type: range, column: score, min: 10, max: 9", "min is greater than max"),
        ("type: range, column: score, min: 1.0e+40", "is not a number"),
    ],
)
def test_bounds_are_read_as_the_values_that_they_bound(keys: str, word: str) -> None:
    text = refusal(LEADS, f"{{name: c, table: crm_lead, level: error, {keys}}}")
    assert "E-ING-161" in text and word in text


def test_bounds_that_can_be_read_are_accepted() -> None:
    load(LEADS, '{name: c, table: crm_lead, type: range, column: created_at, min: "2026-01-01 08:00:00"}')
    load(LEADS, "{name: c, table: crm_lead, type: range, column: score, min: -0.5, max: 9}")


@pytest.mark.parametrize("key", ["must", "where"])
@pytest.mark.parametrize("expression", ["email", "score + 1", "upper(email)", "1", "'true'"])
def test_a_condition_of_a_check_is_boolean(key: str, expression: str) -> None:
    keys = {"must": "is_converted", key: expression}
    text = refusal(LEADS, yaml.safe_dump({"name": "c", "type": "condition", "table": "crm_lead", **keys}))
    assert "E-ING-108" in text and "true or false" in text and f"checks.c.{key}" in text


def test_a_retention_beyond_a_century_is_no_retention() -> None:
    content = yaml.safe_load(LEADS)
    content["tables"]["crm_lead"]["retention"] = {"days": 36_500, "column": "created_at"}
    load(yaml.safe_dump(content))
    content["tables"]["crm_lead"]["retention"]["days"] = 36_501
    assert "36500" in refusal(yaml.safe_dump(content))


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"line_length": 80}, "line_length has no meaning for format delimited"),
        ({"quote": ","}, "quote and delimiter are both"),
        ({"escape": ","}, "escape and delimiter are both"),
        ({"quote": "\n"}, "no line break"),
        ({"quote": "\r"}, "no line break"),
        ({"escape": "\n"}, "no line break"),
        ({"delimiter": "\n"}, "delimiter must be one character"),
        ({"header_aliases": {"Mail": "Emial"}}, "leads to Emial"),
        ({"expected_columns": []}, "expected_columns is empty"),
        ({"expected_columns": [0]}, "from 1 on"),
        ({"expected_columns": ["Id", "Email", "Status", "Created", "Name", "Id"]}, "name Id twice"),
        ({"expected_columns": {"at_least": ["Id", "Email", "Email"]}}, "name Email twice"),
        ({"encoding": "idna"}, "no encoding of extracts"),
        ({"encoding": "punycode"}, "no encoding of extracts"),
        ({"encoding": "unicode_escape"}, "no encoding of extracts"),
        ({"encoding": "rot13"}, "does not turn bytes into text"),
        ({"encoding": "base64"}, "does not turn bytes into text"),
        ({"encoding": "undefined"}, "no encoding of extracts"),
        ({"drop_rows_where": "Email"}, "true or false"),
    ],
)
def test_a_key_of_a_file_that_makes_no_sense_is_refused(keys: dict[str, Any], word: str) -> None:
    assert word in refusal(LEADS, **keys)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16-le", "mac-roman", "shift_jis"])
def test_encodings_of_extracts_are_accepted(encoding: str) -> None:
    load(LEADS, encoding=encoding)


@pytest.mark.parametrize(
    ("formats", "word"),
    [
        ([], "formats is empty"),
        (["%H:%M"], "gives no date"),
        (["%Y-%m"], "gives no date"),
        (["%d/%m"], "no date"),
    ],
)
def test_formats_give_a_date(formats: list[str], word: str) -> None:
    content = yaml.safe_load(LEADS)
    content["tables"]["crm_lead"]["columns"]["created_at"]["formats"] = formats
    assert word in refusal(yaml.safe_dump(content))


@pytest.mark.parametrize("keys", [{"where": "Email"}, {"exclude": {"test_record": "length(Email)"}}])
def test_conditions_of_a_table_are_boolean(keys: dict[str, Any]) -> None:
    content = yaml.safe_load(LEADS)
    content["tables"]["crm_lead"] |= keys
    text = refusal(yaml.safe_dump(content))
    assert "E-ING-108" in text and "true or false" in text


def test_one_key_for_all_rows_is_refused_unless_other_columns_tell_them_apart() -> None:
    content = yaml.safe_load(LEADS)
    content["tables"]["crm_lead"]["columns"]["source_record_id"] = {"const": 3}
    assert "versions of one record" in refusal(yaml.safe_dump(content))
    content["tables"]["crm_lead"]["key"] = ["source_record_id", "email"]
    load(yaml.safe_dump(content))
