"""Roles of the demo company: every audience reads its marts as they are published, a team its own rows alone."""

from __future__ import annotations

import json

import duckdb
import pytest
from click.testing import CliRunner

from ingest import load_company
from orchestration import cli
from orchestration.access.role_files import is_stale
from orchestration.cycles.note import AUDIENCES
from orchestration.publication.hashing import published_hashes


@pytest.mark.audit("CP7", "PB14")
def test_roles_of_the_demo_read_their_marts_and_a_team_its_own_rows(demo_copy) -> None:
    company = demo_copy()
    whole = published_hashes(company.marts)
    with duckdb.connect(str(company.marts), read_only=True) as con:
        teams = con.execute(
            "select team_name, list(rep_id order by rep_id) from dim_rep_versions"
            " where is_current and team_name is not null and rep_id <> 'unknown' group by 1 order by 1"
        ).fetchall()
        (team, reps), strange = teams[0], {rep for _, found in teams[1:] for rep in found}
        managers = con.execute(
            "select manager_rep_id from dim_rep_versions where rep_id in (select unnest($reps))",
            {"reps": reps},
        ).fetchall()
    others = strange - {manager for (manager,) in managers}
    assert others, "a company of one team proves nothing"
    roles = [f"  - {{role_code: {audience}_whole, audiences: [{audience}]}}" for audience in AUDIENCES]
    roles.append(
        "  - {role_code: one_team, audiences: [sales, revops], tables: [dim_rep_versions, fct_leads, dim_accounts],"
        f' rows: {{teams: ["{team}"]}}}}'
    )
    (company.company_dir / "access.yml").write_text("version: 1\nroles:\n" + "\n".join(roles) + "\n")
    assert is_stale(load_company(company.company_dir))
    # nothing but access.yml is new: the run makes the files and publishes nothing
    done = CliRunner().invoke(cli.etalon, ["run", "--json", "--company", str(company.company_dir)])
    assert done.exit_code == 0 and json.loads(done.output)["status"] == "nothing_new", done.output
    assert published_hashes(company.marts) == whole
    for audience in AUDIENCES:
        found = published_hashes(company.published / "roles" / f"{audience}_whole" / "marts.duckdb")
        assert {"dim_metric", "dim_publication"} < set(found)
        assert found == {name: whole[name] for name in found}
        assert set(found) - {"dim_metric", "dim_publication"} == {
            name for name in whole if name.startswith(f"mart_{audience}_")
        }
    file = company.published / "roles" / "one_team" / "marts.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        owned = con.execute(
            "select table_name, column_name from duckdb_columns() where column_name in ('rep_id', 'owner_rep_id')"
        ).fetchall()
        assert ("fct_leads", "rep_id") in owned and ("mart_sales_due_followups_cycle", "rep_id") in owned
        for table, column in owned:
            strangers = con.execute(
                f"select count(*) from {table} where {column} is null or {column} not in (select unnest($reps))",
                {"reps": reps},
            ).fetchone()
            assert strangers == (0,), table
        n_leads = con.execute("select count(*) from fct_leads").fetchone()
        cut = con.execute(
            "select table_name from duckdb_columns() where column_name = 'segment_kind_code' order by 1"
        ).fetchall()
        for (table,) in cut:
            codes = con.execute(f"select distinct segment_kind_code, segment_code from {table}").fetchall()
            assert {code for _, code in codes} <= {team, *reps} and {kind for kind, _ in codes} <= {
                "team",
                "rep",
            }
    with duckdb.connect(str(company.marts), read_only=True) as con:
        assert (
            n_leads
            == con.execute(
                "select count(*) from fct_leads where rep_id in (select unnest($reps))", {"reps": reps}
            ).fetchone()
        )
    content = file.read_bytes()
    assert not [rep for rep in others if rep.encode() in content]
