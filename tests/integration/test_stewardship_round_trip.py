"""A decision of a steward over four runs of the demo company: obeyed, kept through a change, undone."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands.run import run_cycle

SAID = ("--author", "Ann Lee", "--reason", "one firm, two files")


def _steward(company: Path, *arguments: str) -> dict:
    result = CliRunner().invoke(cli.etalon, ["steward", *arguments, "--json", "--company", str(company)])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def _run(company: Path) -> None:
    assert run_cycle(company, as_json=True) == 0


def _golden(company: Path, keys: tuple[str, ...]) -> list[str]:
    table = pq.read_table(company / "work" / "matching" / "account_members.parquet")
    ids = dict(zip(table["record_key"].to_pylist(), table["account_id"].to_pylist(), strict=True))
    return [ids[key] for key in keys]


def _queue(company: Path, keys: tuple[str, ...]) -> list[tuple[str, str]]:
    found = _steward(company, "list", "--limit", "1000")["items"]
    wanted = [item for item in found if {item["left_record_key"], item["right_record_key"]} == set(keys)]
    return [(item["kind"], item["item_id"]) for item in wanted]


def _decisions(company: Path) -> list[tuple[str, str]]:
    """(id, status) of the decisions on pairs; the demo company has group links of its own."""
    found = _steward(company, "list", "--decisions", "--limit", "1000")["decisions"]
    return [(each["decision_id"], each["status"]) for each in found if each["kind"] == "same"]


def _changed(company: Path, record_key: str) -> None:
    """The source delivers the record again with another telephone number."""
    record_id = record_key.rpartition("/")[2]
    paths = sorted(company.joinpath("extracts", "crm").glob("*/Account.csv"))
    tables = [
        list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))) for path in paths
    ]
    row = next(row for table in reversed(tables) for row in table if row["Id"] == record_id)
    moment = "2026-06-29T10:00:00.000Z"
    row |= {"Phone": "01 44 55 66 77", "LastModifiedDate": moment, "SystemModstamp": moment}
    newest = [each for each in tables[-1] if each["Id"] != record_id] + [row]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(newest)
    paths[-1].write_text(text.getvalue(), encoding="utf-8", newline="")


@pytest.mark.audit("MD6")
def test_a_decision_holds_through_redelivery_and_its_undoing_restores_what_was(demo_copy) -> None:
    company = demo_copy().company_dir
    items = _steward(company, "list", "--entity", "account", "--kind", "pair")["items"]
    item = next(each for each in items if each["reason"] == "group_domain")
    keys = (item["left_record_key"], item["right_record_key"])
    before = _golden(company, keys)
    assert before[0] != before[1] and _queue(company, keys) == [("pair", item["item_id"])]

    decided = _steward(company, "decide", item["item_id"], "same", *SAID)["decision_id"]
    _run(company)
    assert len(set(_golden(company, keys))) == 1 and _queue(company, keys) == []
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        journal = "select action, value_after from quality_dbt.dq_journal where actor = 'Ann Lee'"
        assert con.execute(journal).fetchall() == [("merge", decided)]
        imbalances = "select count(*) from quality_dbt.dq_ledger_balances where difference <> 0"
        assert con.execute(imbalances).fetchone() == (0,)
    current = json.loads((company / "published" / "current.json").read_text())

    _changed(company, keys[1])
    _run(company)
    assert len(set(_golden(company, keys))) == 1
    ((kind, again),) = _queue(company, keys)
    assert kind == "to_confirm"
    _steward(company, "decide", again, "confirm", *SAID)
    ((active, _),) = [each for each in _decisions(company) if each[1] == "active"]
    assert active != decided
    assert json.loads((company / "published" / "current.json").read_text()) != current

    _steward(company, "undo", active, *SAID)
    _run(company)
    assert _golden(company, keys) == before  # each record has the golden id again that it had
    assert [kind for kind, _ in _queue(company, keys)] == ["pair"]
    assert [status for _, status in _decisions(company)] == ["undone", "undone"]
