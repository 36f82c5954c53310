"""A role's file holds what access.yml lets it read and nothing else; its receipt says from what it was made."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from planted_publication import NORTH_LEAD, NORTH_REP, NOTE, SOUTH_LEAD, SOUTH_REP, SOUTH_TEAM, publish

from ingest import load_company
from ingest.errors import ConfigurationError
from orchestration import cli
from orchestration.access import role_files
from orchestration.access.declaring import read_access
from orchestration.access.errors import AccessError
from orchestration.access.role_files import build_role_files, check_roles, is_stale
from orchestration.publication import files, publishing
from orchestration.publication.building import build_marts
from orchestration.publication.files import file_sha256
from orchestration.publication.hashing import published_hashes

JUNE = date(2026, 6, 1)
NORTH = """\
version: 1
roles:
  - role_code: manager_north
    audiences: [sales]
    tables: [dim_accounts, fct_quotas]
    without_columns: [mart_sales_late_contacts_cycle.hours_late, account_name]
    rows: {teams: [North]}
"""


@pytest.fixture
def company(tmp_path: Path) -> Path:
    publish(tmp_path)
    return tmp_path


def declared(company: Path, text: str = NORTH) -> Path:
    """Write access.yml, make the files; returns the folder of the roles."""
    (company / "access.yml").write_text(text)
    build_role_files(load_company(company))
    return company / "published" / "roles"


def content(file: Path) -> dict[str, list[tuple]]:
    """Table -> its rows."""
    with duckdb.connect(str(file), read_only=True) as con:
        names = [
            name for (name,) in con.execute("select table_name from duckdb_tables() order by 1").fetchall()
        ]
        return {name: con.execute(f"select * from {name} order by all").fetchall() for name in names}


def other_group(path: Path) -> int:
    """A group that this process may give a file and that the file has not; root may give any."""
    mine = path.stat().st_gid
    if os.geteuid() == 0:
        return mine + 1
    return next((each for each in os.getgroups() if each != mine), None) or pytest.skip("in one group only")


def role(text: str) -> str:
    return f"version: 1\nroles:\n  - role_code: some_role\n{text}"


@pytest.mark.audit("CP7", "PB14")
def test_a_role_reads_the_rows_of_its_team_and_nothing_else(company: Path) -> None:
    file = declared(company) / "manager_north" / "marts.duckdb"
    found = content(file)
    assert {name: rows for name, rows in found.items() if name not in ("dim_publication", "dim_metric")} == {
        # a seller who was of the team and is no more is not of it, nor are leads that nobody owns
        "mart_sales_late_contacts_cycle": [(NORTH_LEAD, NORTH_REP)],
        "dim_accounts": [("acc_n", NORTH_REP)],
        # its seller's targets and its own; a target of a seller of another team is that seller's
        "fct_quotas": [("q_n", NORTH_REP, "North", 1), ("q_team_n", "unknown", "North", 3)],
        "mart_sales_reps_month": [(JUNE, "North", 1)],
        "mart_sales_forecast_month": [
            (JUNE, kind, code, won) for kind, code, won in (("rep", NORTH_REP, 3), ("team", "North", 1))
        ],
    }
    # closed: mart_sales_ttf_cycle says of no row whose it is, mart_finance_revenue_month is not of its audience
    assert {"dim_publication", "dim_metric"} <= set(found)
    receipt = json.loads((company / "published" / "roles" / "receipt.json").read_text())
    assert receipt["roles"]["manager_north"]["closed_tables"] == ["mart_sales_ttf_cycle"]


@pytest.mark.audit("CP7")
def test_what_is_withheld_is_nowhere_in_the_bytes_of_the_file(company: Path) -> None:
    whole = (company / "published" / "marts.duckdb").read_bytes()
    file = declared(company) / "manager_north" / "marts.duckdb"
    withheld = (
        SOUTH_REP,
        SOUTH_LEAD,
        SOUTH_TEAM,
        NOTE,
        "Southern Cross",
        "Northern Star",
        "mart_finance",
        "hours_late",
    )
    for text in withheld:
        assert text.encode() in whole, "a text that cannot be found in the whole file proves nothing"
        assert text.encode() not in file.read_bytes(), text
    assert NORTH_LEAD.encode() in file.read_bytes()


@pytest.mark.audit("CP7")
def test_a_role_without_rows_reads_its_tables_whole_with_keys_and_comments(company: Path) -> None:
    text = role(
        "    audiences: [sales]\n    without_tables: [mart_sales_reps_month]\n    without_columns: [rep_id]\n"
    )
    file = declared(company, text) / "some_role" / "marts.duckdb"
    found = content(file)
    assert len(found["mart_sales_late_contacts_cycle"]) == 3 and len(found["mart_sales_forecast_month"]) == 5
    assert (
        "mart_sales_ttf_cycle" in found
        and "mart_sales_reps_month" not in found
        and "dim_accounts" not in found
    )
    with duckdb.connect(str(file), read_only=True) as con:
        told = con.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'mart_sales_late_contacts_cycle'"
            " order by column_index"
        ).fetchall()
        keys = con.execute(
            "select table_name, constraint_column_names from duckdb_constraints()"
            " where constraint_type = 'PRIMARY KEY' and table_name like 'mart_sales_%' order by 1"
        ).fetchall()
    assert told == [("lead_id", None), ("hours_late", NOTE)]
    assert keys == [
        ("mart_sales_forecast_month", ["period_month", "segment_kind_code", "segment_code"]),
        ("mart_sales_late_contacts_cycle", ["lead_id"]), ("mart_sales_ttf_cycle", ["period_code"]),
    ]  # fmt: skip


@pytest.mark.audit("CP7")
def test_a_key_that_lacks_a_column_is_no_key_and_no_row_is_lost(company: Path) -> None:
    text = role("    tables: [mart_sales_forecast_month]\n    without_columns: [segment_code]\n")
    file = declared(company, text) / "some_role" / "marts.duckdb"
    assert len(content(file)["mart_sales_forecast_month"]) == 5


@pytest.mark.audit("CP7")
def test_a_seller_reads_own_rows_and_tables_given_whole(company: Path) -> None:
    text = role(
        "    audiences: [sales]\n"
        f"    rows: {{rep_ids: [{SOUTH_REP}, crm/crm_user/gone], whole_tables: [mart_sales_ttf_cycle]}}\n"
    )
    roles = declared(company, text)
    found = content(roles / "some_role" / "marts.duckdb")
    assert [row[0] for row in found["mart_sales_late_contacts_cycle"]] == [SOUTH_LEAD]
    assert (
        found["mart_sales_ttf_cycle"] and found["mart_sales_reps_month"] == []
    )  # of a team, not of the seller
    assert json.loads((roles / "receipt.json").read_text())["roles"]["some_role"]["unknown_members"] == [
        "crm/crm_user/gone"
    ]


@pytest.mark.audit("CP7")
def test_a_team_that_nobody_knows_opens_nothing(company: Path) -> None:
    roles = declared(company, NORTH.replace("North]", "Norht]"))
    found = content(roles / "manager_north" / "marts.duckdb")
    assert not any(rows for name, rows in found.items() if name not in ("dim_publication", "dim_metric"))


@pytest.mark.audit("CP7")
@pytest.mark.parametrize("team", ["unknown", "Former"])
def test_a_team_that_nobody_is_in_now_opens_no_row_although_tables_name_it(company: Path, team: str) -> None:
    publish(
        company,
        "2026-06-ffffffffffff",
        f"insert into dim_rep_versions values ('x', '{SOUTH_REP}', 'Former', false)",
        "update dim_rep_versions set team_name = 'unknown' where rep_id = 'unknown'",
        f"insert into mart_sales_forecast_month values ('2026-06-01', 'team', '{team}', 9)",
        f"insert into mart_sales_reps_month values ('2026-06-01', '{team}', 9)",
        f"insert into fct_quotas values ('q_x', 'unknown', '{team}', 9)",
    )
    roles = declared(company, NORTH.replace("[North]", f"[{team}]"))
    found = content(roles / "manager_north" / "marts.duckdb")
    assert not any(rows for name, rows in found.items() if name not in ("dim_publication", "dim_metric"))
    told = json.loads((roles / "receipt.json").read_text())["roles"]["manager_north"]
    assert told["unknown_members"] == [team]


@pytest.mark.audit("CP7")
def test_a_publication_that_knows_no_sellers_opens_no_row(company: Path) -> None:
    publish(company, "2026-06-ffffffffffff", "drop table dim_rep_versions")
    text = NORTH.replace("teams: [North]", f"teams: [North], rep_ids: [{NORTH_REP}]")
    roles = declared(company, text)
    found = content(roles / "manager_north" / "marts.duckdb")
    assert not any(rows for name, rows in found.items() if name not in ("dim_publication", "dim_metric"))
    told = json.loads((roles / "receipt.json").read_text())["roles"]["manager_north"]
    assert told["unknown_members"] == ["North", NORTH_REP]


@pytest.mark.audit("CP7")
def test_what_every_file_has_cannot_be_taken_out(company: Path) -> None:
    text = role(
        "    tables: [dim_accounts]\n    without_tables: [dim_publication, dim_metric, dim_accounts]\n"
    )
    assert set(content(declared(company, text) / "some_role" / "marts.duckdb")) == {
        "dim_publication",
        "dim_metric",
    }


@pytest.mark.audit("CP7")
def test_files_in_the_making_are_the_owners_alone(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(con, tables, relation, aside: Path):
        seen.append(stat.S_IMODE(aside.parent.stat().st_mode))
        return build_marts(con, tables, relation, aside)

    monkeypatch.setattr(role_files, "build_marts", watched)
    before = os.umask(0)
    try:
        declared(company)
    finally:
        os.umask(before)
    assert seen == [0o700]


@pytest.mark.audit("CP7")
def test_a_name_with_a_quote_stays_a_name(company: Path) -> None:
    publish(
        company,
        "2026-06-ffffffffffff",
        "update dim_rep_versions set team_name = 'L''Équipe' where rep_version_key = 'n1'",
    )
    roles = declared(company, NORTH.replace("[North]", "[\"L'Équipe\", \"x') or ('1'='1\"]"))
    found = content(roles / "manager_north" / "marts.duckdb")
    assert found["mart_sales_late_contacts_cycle"] == [(NORTH_LEAD, NORTH_REP)]


@pytest.mark.audit("CP7")
def test_the_receipt_says_from_what_the_files_were_made(company: Path) -> None:
    roles = declared(company)
    receipt = json.loads((roles / "receipt.json").read_text())
    file, told = roles / "manager_north" / "marts.duckdb", receipt["roles"]["manager_north"]
    assert told["sha256"] == file_sha256(file)
    assert receipt["marts_sha256"] == file_sha256(company / "published" / "marts.duckdb")
    assert receipt["access_sha256"] == file_sha256(company / "access.yml")
    assert {name: table["logical_hash"] for name, table in told["tables"].items()} == published_hashes(file)
    assert {name: table["n_rows"] for name, table in told["tables"].items()} == {
        name: len(rows) for name, rows in content(file).items()
    }
    assert not (company / "published" / ".roles").exists()


@pytest.mark.audit("CP7")
def test_files_are_made_again_when_the_publication_or_the_roles_change_and_go_with_their_role(
    company: Path,
) -> None:
    settings = load_company(company)
    assert not is_stale(settings) and build_role_files(settings) == []
    (company / "access.yml").write_text(NORTH)
    assert is_stale(settings)
    roles = declared(company)
    file = roles / "manager_north" / "marts.duckdb"
    assert not is_stale(settings)
    before = file.stat().st_mtime_ns
    publish(
        company,
        "2026-06-ffffffffffff",
        f"delete from mart_sales_late_contacts_cycle where lead_id = '{NORTH_LEAD}'",
    )
    assert is_stale(settings)
    build_role_files(settings)
    assert content(file)["mart_sales_late_contacts_cycle"] == [] and file.stat().st_mtime_ns > before
    file.write_bytes(b"damaged")
    assert is_stale(settings)
    declared(company, NORTH.replace("manager_north", "manager_south"))
    assert not file.exists() and (roles / "manager_south" / "marts.duckdb").is_file()
    (company / "access.yml").unlink()
    assert is_stale(settings)
    assert build_role_files(settings) == [] and not list(roles.rglob("*.*"))
    assert not is_stale(settings)


@pytest.mark.audit("CP7")
def test_a_folder_belongs_to_its_group_and_keeps_what_was_set(company: Path) -> None:
    roles = declared(company)
    folder, file = roles / "manager_north", roles / "manager_north" / "marts.duckdb"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750 and stat.S_IMODE(file.stat().st_mode) == 0o640
    group = other_group(folder)
    os.chown(folder, -1, group)
    folder.chmod(0o2770)
    build_role_files(load_company(company))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    assert (file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)) == (group, 0o640)


@pytest.mark.audit("CP7")
def test_a_new_file_of_the_whole_publication_keeps_group_and_mode(company: Path) -> None:
    published, live = company / "published", company / "published" / "marts.duckdb"
    group = other_group(live)
    os.chown(live, -1, group)
    live.chmod(0o640)
    made = published / "made.duckdb"
    made.write_bytes(b"the next publication")
    made.chmod(0o644)
    publishing._swap(published, made, "2026-06-ffffffffffff")
    assert live.read_bytes() == b"the next publication"
    assert (live.stat().st_gid, stat.S_IMODE(live.stat().st_mode)) == (group, 0o640)


@pytest.mark.audit("CP7")
def test_the_whole_publication_in_the_making_is_the_owners_alone(company: Path) -> None:
    aside = publishing._emptied(company / "published" / ".building")
    (aside / "left.duckdb").write_text("of a run that died")
    aside.chmod(0o755)
    assert publishing._emptied(aside) == aside and not list(aside.iterdir())
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700


@pytest.mark.audit("CP7")
def test_a_group_that_cannot_be_given_leaves_the_file_to_its_owner(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = declared(company) / "manager_north" / "marts.duckdb"

    def refused(path: Path, user: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(files.os, "chown", refused)
    build_role_files(load_company(company))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nroles: []\n", "roles"),
        (role("    audiences: [sale]\n"), "audiences"),
        (role("    tables: []\n"), "audiences or tables expected"),
        (role("    tables: [dim_accounts]\n    rows: {teams: []}\n"), "teams or rep_ids expected"),
        (role("    tables: [dim_accounts]\n    row: {teams: [North]}\n"), "rows"),
        (role("    tables: ['dim_accounts; drop table x']\n"), "tables"),
        (
            role("    tables: [dim_accounts]\n") + "  - {role_code: some_role, tables: [dim_metric]}\n",
            "twice",
        ),
        ("version: 2\nroles:\n  - {role_code: some_role, tables: [dim_metric]}\n", "version"),
        ("- a list\n", "keys with values"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_its_key(company: Path, text: str, told: str) -> None:
    (company / "access.yml").write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        read_access(company)
    problem = refused.value.problem
    assert told in f"{problem.where} {problem.text('what')} {problem.text('why')} {problem.text('next')}"


@pytest.mark.parametrize(
    ("text", "code", "near"),
    [
        (role("    tables: [dim_acounts]\n"), "E-ACC-001", "dim_accounts"),
        (
            role("    tables: [dim_accounts]\n    without_columns: [acount_name]\n"),
            "E-ACC-002",
            "account_name",
        ),
        (
            role("    tables: [dim_accounts]\n    without_columns: [dim_accounts.name]\n"),
            "E-ACC-002",
            "account_name",
        ),
        (role("    tables: [dim_accounts]\n    without_columns: [revenue_amount]\n"), "E-ACC-002", ""),
        (
            role("    tables: [dim_accounts]\n    rows: {teams: [North], whole_tables: [dim_metrics]}\n"),
            "E-ACC-001",
            "dim_metric",
        ),
    ],
)
def test_a_name_that_no_publication_has_stops_with_the_nearest_one(
    company: Path, text: str, code: str, near: str
) -> None:
    (company / "access.yml").write_text(text)
    for language in ("en", "fr"):
        arguments = ["access", "build", "--company", str(company), "--language", language]
        done = CliRunner().invoke(cli.etalon, arguments)
        assert done.exit_code == 2 and code in done.output and near in done.output
    assert not (company / "published" / "roles").exists()
    # a publication of an older code may lack a table: what is put back by a rollback is no mistake of the file
    assert [each.role_code for each in build_role_files(load_company(company))] == ["some_role"]


def test_a_run_stops_before_it_publishes_what_a_role_misspells(company: Path) -> None:
    (company / "access.yml").write_text(NORTH)
    node = {
        "resource_type": "model", "schema": "marts", "name": "mart_sales_late_contacts_cycle", "description": "",
        "config": {"materialized": "table"}, "constraints": [],
        "columns": {"hours_late": {"name": "hours_late", "description": "", "constraints": []}},
    }  # fmt: skip
    with pytest.raises(AccessError, match="dim_accounts"):
        check_roles(company, {"nodes": {"m": node}})
    (company / "access.yml").write_text(
        role("    tables: [kpi_trust, dq_kpi_impact]\n    without_columns: [trust_code]\n")
    )
    check_roles(company, {"nodes": {"m": node}})


def test_the_command_lists_builds_and_says_what_is_closed(company: Path) -> None:
    def invoke(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli.etalon, ["access", *arguments, "--company", str(company)])
        assert done.exit_code == code, done.output
        return done.output

    assert "E-ACC-003" in invoke("list", code=2)
    assert "No access.yml" in invoke("build")
    (company / "access.yml").write_text(NORTH)
    assert "etalon access build" in invoke("list")
    told = invoke("build")
    assert "manager_north: 7 tables" in told and "mart_sales_ttf_cycle" in told
    listed = json.loads(invoke("list", "--json"))
    assert listed["is_stale"] is False and listed["roles"][0]["made"]["tables"]["dim_accounts"]["n_rows"] == 1
    assert "seules les lignes de ses équipes" in invoke("list", "--language", "fr")
