"""A cycle that is not admitted changes nothing that is published, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from orchestration import cli, steps
from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle
from orchestration.publication.hashing import published_hashes
from orchestration.publication.receipts import current_publication, read_receipt


def unbalance(warehouse: Path) -> None:
    """One row too many on one side of one identity of the ledger."""
    con = duckdb.connect(str(warehouse))
    con.execute(
        "update quality_dbt.dq_ledger_balances set left_value = left_value + 1, difference = difference + 1"
        " where rowid = (select min(rowid) from quality_dbt.dq_ledger_balances where term = 'C')"
    )
    con.close()


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.audit("CL7")
def test_an_imbalance_of_one_row_holds_the_publication_and_the_report_is_still_written(
    demo_copy: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    before = bytes_below(demo.published)
    run_dbt = steps.run_dbt

    def unbalanced(tag: str, work: Path, **options):
        outcome = run_dbt(tag, work, **options)
        if tag == "master":
            unbalance(work / "warehouse.duckdb")
        return outcome

    monkeypatch.setattr(steps, "run_dbt", unbalanced)
    code = run_cycle(demo.company_dir, as_json=True, force=True)
    summary = json.loads(capsys.readouterr().out)
    assert code == exit_codes.HELD == summary["exit_code"]
    assert summary["verdict"] == "hold" and "ledger_imbalance" in summary["reasons"]

    after = bytes_below(demo.published)
    untouched = {name: body for name, body in before.items() if not name.startswith("reports/latest/")}
    assert {name: after.get(name) for name in untouched} == untouched
    run_id = summary["run_id"]
    assert {f"reports/{run_id}/data_quality.{language}.html" for language in ("fr", "en")} <= after.keys()
    assert after["reports/latest/data_quality.fr.html"] != before["reports/latest/data_quality.fr.html"]
    refusal = json.loads(after[f"refusals/{run_id}.json"])
    assert refusal["ledger_imbalances"] == 1
    assert refusal["still_published"] == current_publication(demo.published)["publication_id"]
    con = duckdb.connect(str(demo.work / "warehouse.duckdb"), read_only=True)
    marts = con.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchone()
    con.close()
    assert marts == (0,), "no mart is built behind a closed gate"

    refused = CliRunner().invoke(cli.etalon, ["publish", "--company", str(demo.company_dir)])
    assert refused.exit_code == exit_codes.HELD


def test_what_check_built_is_published_without_another_run(demo_copy: Callable) -> None:
    demo = demo_copy()
    live = current_publication(demo.published)["publication_id"]
    checked = CliRunner().invoke(cli.etalon, ["check", "--company", str(demo.company_dir), "--json"])
    assert checked.exit_code == 0 and json.loads(checked.output)["status"] == "checked"
    result = CliRunner().invoke(cli.etalon, ["publish", "--company", str(demo.company_dir), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.output)
    assert (summary["status"], summary["publication_id"]) == ("published", live)
    assert published_hashes(demo.marts) == read_receipt(demo.published, live)["logical_hashes"]


def test_a_refused_file_is_named_and_the_other_sources_are_still_accounted_for(
    demo_copy: Callable, capsys: pytest.CaptureFixture
) -> None:
    demo = demo_copy()
    before = demo.marts.read_bytes()
    extract = sorted((demo.company_dir / "extracts" / "crm").rglob("Lead.csv"))[-1]
    extract.write_bytes(b"")
    code = CliRunner().invoke(cli.etalon, ["check", "--company", str(demo.company_dir)])
    assert code.exit_code == exit_codes.DATA_REFUSED
    assert "E-ING-" in code.output and "Lead.csv" in code.output
    state = json.loads((demo.work / "run" / "state.json").read_text())
    assert state["steps"]["extracts"]["counts"]["refused_files"] == 1
    assert state["steps"]["extracts"]["counts"]["kept"] > 0
    assert demo.marts.read_bytes() == before
