"""`etalon experiment`: a protocol becomes arms for the CRM before its first day, and figures when they can be read."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from planted_candidate import plant

from orchestration import cli
from orchestration.experiments.design import leads_needed
from orchestration.statistics.experiments import SCHEMAS
from orchestration.stewardship.exclusions import append_exclusion, exclude

TODAY = dt.datetime.now(dt.UTC).date()
START, END = TODAY + dt.timedelta(days=10), TODAY + dt.timedelta(days=38)
_PROTOCOL = """version: 1
code: {code}
hypothesis: a gain
segment: {{size_band_code: [smb]}}
arms: [{{code: as_before, weight: 1, is_control: true}}, {{code: early, weight: 1}}]
start_on: {start}
end_on: {end}
guard_rails: [{{metric: complaints, margin_points: 0.2}}]
strata: [team_code, industry]
owners: {{runs: a, decides: b, watches: c}}
"""
_WAREHOUSE = """
create schema master; create schema metrics;
create table master.dim_reps as select 'r1' as rep_id, 'Lyon' as team_name;
create table master.dim_accounts as select 'acc_' || lpad(i::varchar, 4, '0') as account_id,
  case when i < 300 then 'smb' else 'mid' end as size_band_code, 'FR' as country_code,
  case when i % 2 = 0 then null else '=1+1' end as industry, 'r1' as owner_rep_id, date '2025-01-01' as first_seen_on
  from range(400) t(i) union all select 'unknown', 'smb', null, null, 'unknown', null;
create table master.xref_accounts as
  select 'crm/crm_lead/L' || i || '_' || j as record_key, 'acc_' || lpad(i::varchar, 4, '0') as account_id,
    'crm_lead' as contract, 'crm' as source_instance, 'L' || i || '_' || j as source_record_id
  from range(400) t(i), range(2) u(j)
  union all select 'crm/crm_account/A' || i, 'acc_' || lpad(i::varchar, 4, '0'), 'crm_account', 'crm', 'A' || i
  from range(100) t(i);
create table master.dim_persons as
  select 'per_' || lpad(i::varchar, 4, '0') || '_' || j as person_id, 'acc_' || lpad(i::varchar, 4, '0') as account_id
  from range(400) t(i), range(2) u(j) union all select 'unknown', 'unknown';
create table master.xref_persons as
  select 'crm/crm_lead/L' || i || '_' || j as record_key, 'per_' || lpad(i::varchar, 4, '0') || '_' || j as person_id,
    'crm_lead' as contract, 'crm' as source_instance, 'L' || i || '_' || j as source_record_id
  from range(400) t(i), range(2) u(j);
create table master.fct_leads as
  select 'l' || i || '_' || j as lead_id, 'per_' || lpad(i::varchar, 4, '0') || '_' || j as person_id,
    'acc_' || lpad(i::varchar, 4, '0') as account_id, 'inbound' as channel_code, false as is_converted,
    false as is_opted_out, date '2026-05-01' as created_on
  from range(400) t(i), range(2) u(j);
create table metrics.fct_lead_cadences as
  select 'l' || i || '_' || j as lead_id, 'acc_' || lpad(i::varchar, 4, '0') as account_id, 'inbound' as channel_code,
    date '2026-07-01' - (20 + (i + j) % 90)::int as created_on, true as is_dated, true as is_matured,
    (i + j) % 10 = 0 as is_converted_in_window
  from range(400) t(i), range(2) u(j);
"""


def invoke(company: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        cli.etalon, ["experiment", arguments[0], "--company", str(company), *arguments[1:]]
    )


def told(company: Path, *arguments: str) -> dict:
    result = invoke(company, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def write_protocol(company: Path, code: str = "early_call", *, later: int = 0, **given: str) -> Path:
    """later: days after START; given: keys of the protocol in place of its own, or new ones."""
    folder = company / "experiments" / code
    folder.mkdir(parents=True)
    shift = dt.timedelta(days=later)
    lines = _PROTOCOL.format(code=code, start=START + shift, end=END + shift).splitlines()
    lines = [line for line in lines if line.split(":")[0] not in given]
    lines += [f"{key}: {value}" for key, value in given.items()]
    (folder / "protocol.yml").write_text("\n".join(lines) + "\n")
    return folder


def drawn_units(company: Path, code: str) -> set[str]:
    text = (company / "experiments" / code / "assignment.csv").read_bytes().decode("utf-8-sig")
    return {row["unit_id"] for row in csv.DictReader(io.StringIO(text), delimiter=";")}


def drawn(company: Path, code: str) -> dict:
    """Registered and assigned."""
    told(company, "register", code, "--author", "Ann Lee")
    return told(company, "assign", code, "--author", "Ann Lee")


def listed(company: Path, subject: str, since: dt.date = TODAY, until: dt.date | None = None) -> None:
    """A line of the exclusion lists, entered after the last run."""
    (company / "stewardship").mkdir(exist_ok=True)
    moment = dt.datetime(2026, 7, 2, 9)
    append_exclusion(
        company / "stewardship",
        exclude(subject, "vip", None, since, until, "lead", "key_account", "A", moment),
    )


def registered(folder: Path, merged: dict[str, str | None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ids, into = pa.array(merged, pa.string()), pa.array(merged.values(), pa.string())
    pq.write_table(pa.table({"golden_id": ids, "merged_into": into}), folder / "golden_ids.parquet")


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company after a run of 2026-06, with 300 small accounts and two leads of each."""
    plant(tmp_path)
    path = tmp_path / "work" / "warehouse.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute(_WAREHOUSE)
    write_protocol(tmp_path)
    return tmp_path


@pytest.mark.audit("EX2", "EX3")
def test_a_plan_takes_base_rate_and_traffic_from_the_last_run(company):
    found = told(company, "plan", "early_call")
    assert (found["n_units"], found["n_matured_leads"], found["base_rate"]) == (300, 600, 0.1)
    assert found["design_effect"] >= 1 and found["method_leads_per_arm"] == 200
    assert found["leads_needed"] >= leads_needed(0.1, 0.02) and not found["is_reachable"]
    assert found["is_method_duration"] and "2 to 4 weeks" not in invoke(company, "plan", "early_call").output
    path = company / "experiments" / "early_call" / "protocol.yml"
    text = path.read_text()
    path.write_text(text.replace(f"{END}", f"{END + dt.timedelta(days=30)}"))
    assert "this one lasts 58 days" in invoke(company, "plan", "early_call").output
    path.write_text(text)
    said = invoke(company, "plan", "early_call", "--language", "fr").output
    assert "puissance" in said and "Attention" in said
    assert "Warning" in invoke(company, "plan", "early_call").output
    assert told(company, "plan", "early_call", "--points", "60")["leads_needed"] < 30
    assert "range from 0 to 100" in invoke(company, "plan", "early_call", "--points", "95").output


@pytest.mark.audit("EX1", "EX4")
def test_register_then_assign_then_a_file_for_the_crm(company):
    refused = invoke(company, "assign", "early_call", "--author", "Ann Lee")
    assert refused.exit_code == 2 and "E-XPT-006" in refused.output
    assert told(company, "status", "early_call")["status_code"] == "not_registered_yet"
    made = told(company, "register", "early_call", "--author", "Ann Lee")
    assert len(made["protocol_sha256"]) == 64
    again = invoke(company, "register", "early_call", "--author", "Ann Lee", "--language", "fr")
    assert again.exit_code == 2 and "déjà" not in again.output and "E-XPT-004" in again.output
    assert told(company, "status", "early_call")["status_code"] == "not_assigned_yet"
    drawn = told(company, "assign", "early_call", "--author", "Ann Lee")
    assert (
        sum(drawn["arms"].values()) == 300 and drawn["n_left_out"] == 0 and min(drawn["arms"].values()) > 110
    )
    text = (company / "experiments" / "early_call" / "assignment.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    by_contract = [row["contract"] for row in rows if row["unit_id"] == "acc_0007"]
    assert by_contract == ["crm_account"]  # where the CRM has the account, its leads need no line
    assert [row["source_record_id"] for row in rows if row["unit_id"] == "acc_0150"] == ["L150_0", "L150_1"]
    assert {row["stratum_code"] for row in rows} == {"Lyon|=1+1", "Lyon|unknown"}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    assert "unknown" not in {row["unit_id"] for row in rows}
    (listed,) = told(company, "list")["experiments"]
    assert (listed["status_code"], listed["n_units"]) == ("planned", 300)
    assert "pas commencée" in invoke(company, "list", "--language", "fr").output


@pytest.mark.audit("EX4")
def test_the_holdout_and_units_of_another_experiment_on_the_same_days_are_left_out(company):
    (company / "experiments" / "holdout.csv").write_text("unit_id;reason\nacc_0001;always\nacc_0002;always\n")
    told(company, "register", "early_call", "--author", "Ann Lee")
    assert told(company, "assign", "early_call", "--author", "Ann Lee")["n_left_out"] == 2
    write_protocol(company, "other")
    told(company, "register", "other", "--author", "Ann Lee")
    refused = invoke(company, "assign", "other", "--author", "Ann Lee")
    assert (
        refused.exit_code == 2 and "E-XPT-008" in refused.output
    )  # the two of the holdout are drawn by nobody


_ODD = '{size_band_code: [smb], industry: ["=1+1"]}'


@pytest.mark.audit("EX4")
def test_an_experiment_on_persons_leaves_their_accounts_to_no_other_of_the_same_days(company):
    """Of the 150 odd accounts both persons are drawn: an experiment on accounts has the 150 even ones left."""
    write_protocol(company, "talk", unit="person", segment=_ODD)
    assert sum(drawn(company, "talk")["arms"].values()) == 300
    found = drawn(company, "early_call")
    assert (found["n_left_out"], found["n_in_other_experiment"], sum(found["arms"].values())) == (
        150,
        150,
        150,
    )
    assert not {unit for unit in drawn_units(company, "early_call") if int(unit[4:]) % 2}
    write_protocol(company, "next", later=28)  # begins on the day on which the others no longer count
    assert drawn(company, "next")["n_left_out"] == 0


@pytest.mark.audit("EX4", "DE14")
def test_an_experiment_on_accounts_holds_their_persons_and_so_do_holdout_and_lists(company):
    write_protocol(company, "odd", segment=_ODD)
    drawn(company, "odd")
    (company / "experiments" / "holdout.csv").write_text("unit_id\nacc_0002\nper_0004_1\n")
    for record in ("crm/crm_account/A6", "crm/crm_lead/L8_0", "crm/crm_lead/L9_0"):
        listed(company, record)
    write_protocol(company, "talk", unit="person")
    found = drawn(company, "talk")
    counts = [found[name] for name in ("n_on_list", "n_in_holdout", "n_in_other_experiment", "n_left_out")]
    assert counts == [4, 3, 299, 306], "of account 9 one person is on a list, the other in the experiment"
    taken = {"per_0002_0", "per_0002_1", "per_0004_1", "per_0006_0", "per_0006_1", "per_0008_0", "per_0001_0"}
    units = drawn_units(company, "talk")
    assert not units & taken and {"per_0004_0", "per_0008_1"} <= units
    write_protocol(company, "third")
    assert invoke(company, "register", "third", "--author", "Ann Lee").exit_code == 0
    refused = invoke(company, "assign", "third", "--author", "Ann Lee")
    assert refused.exit_code == 2 and "E-XPT-008" in refused.output, "every account has a person who is taken"


@pytest.mark.audit("EX4")
def test_a_unit_that_has_another_golden_id_since_is_still_in_its_experiment(company):
    write_protocol(company, "odd", segment=_ODD)
    drawn(company, "odd")
    with duckdb.connect(str(company / "work" / "warehouse.duckdb")) as con:
        for table in ("dim_accounts", "xref_accounts", "dim_persons", "fct_leads"):
            con.execute(f"update master.{table} set account_id = 'acc_9999' where account_id = 'acc_0001'")
    assert drawn(company, "early_call")["n_in_other_experiment"] == 150
    assert "acc_9999" not in drawn_units(company, "early_call")


@pytest.mark.audit("EX4", "DE14")
def test_who_is_on_a_list_on_one_of_its_days_is_not_drawn_whatever_the_last_run_knew(company):
    """No run since: the lists are those of the file. A lead is its person, and the account that holds it."""
    listed(company, "crm/crm_account/A3")
    listed(company, "crm/crm_lead/L4_0", TODAY - dt.timedelta(days=90), START + dt.timedelta(days=1))
    listed(company, "crm/crm_account/A5", TODAY - dt.timedelta(days=90), START)  # over on the first day
    listed(company, "crm/crm_account/A6", END)  # begins when the experiment is over
    listed(company, "crm/crm_account/A7", END - dt.timedelta(days=1))
    listed(company, "crm/crm_account/A8", START, START)  # taken back
    listed(company, "crm/crm_account/gone")
    assert drawn(company, "early_call")["n_on_list"] == 3
    units = drawn_units(company, "early_call")
    assert {"acc_0005", "acc_0006", "acc_0008"} <= units and not {"acc_0003", "acc_0004", "acc_0007"} & units


@pytest.mark.audit("EX4")
def test_a_holdout_follows_the_ids_that_were_merged_since(company):
    old, between, gone = "acc_0123456789ab", "acc_0123456789ac", "acc_0123456789ad"
    registered(company / "published" / "registry", {between: "acc_00aa", "acc_00aa": "acc_0007", "acc_0007": None,
                                                    gone: None, old: None})  # fmt: skip
    (company / "experiments" / "holdout.csv").write_text(f"unit_id\n{between}\n{gone}\n")
    listed(company, old)  # merged by the last run, which was not published
    registered(company / "work" / "matching", {old: "acc_0011", "acc_0011": None})
    found = drawn(company, "early_call")
    assert (found["n_in_holdout"], found["n_on_list"], found["n_left_out"]) == (1, 1, 2)
    assert not drawn_units(company, "early_call") & {"acc_0007", "acc_0011"}


@pytest.mark.audit("EX4")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"unit_id\nacc_0001\nacc_0123456789ff\n", "acc_0123456789ff"),
        ("unit_id;why\nacc_0001;réservé\n".encode("cp1252"), "byte 22"),
        (b"unit\n", "unit_id"),
        (b"", "unit_id"),
        (b'unit_id\n"acc_0001"x\n', "line 2"),
    ],
)
def test_a_holdout_that_protects_nobody_is_refused(company, content, said):
    (company / "experiments" / "holdout.csv").write_bytes(content)
    told(company, "register", "early_call", "--author", "Ann Lee")
    refused = invoke(company, "assign", "early_call", "--author", "Ann Lee")
    assert refused.exit_code == 2 and "E-XPT-001" in refused.output and said in refused.output
    assert not (company / "experiments" / "early_call" / "assignment.csv").exists()


@pytest.mark.audit("EX6", "EX10")
def test_what_the_last_run_read_is_shown_and_nothing_before_a_run(company):
    empty = invoke(company, "read", "early_call")
    assert empty.exit_code == 2 and "E-XPT-010" in empty.output
    row = dict.fromkeys(SCHEMAS["experiments"].names) | {
        "experiment_code": "early_call", "status_code": "running", "reason_codes": "running",
    }  # fmt: skip
    folder = company / "work" / "statistics"
    folder.mkdir(parents=True)
    for name, schema in SCHEMAS.items():
        rows = [row] if name == "experiments" else []
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}.parquet")
    assert "no verdict (running)" in invoke(company, "read", "early_call").output
    assert "pas de verdict (en cours)" in invoke(company, "read", "early_call", "--language", "fr").output
    assert told(company, "read", "early_call")["experiment"]["status_code"] == "running"


def test_a_code_that_is_none_names_those_there_are_and_a_wrong_protocol_stops_a_run(company):
    unknown = invoke(company, "plan", "nobody")
    assert unknown.exit_code == 2 and "early_call" in unknown.output
    assert invoke(company, "register", "early_call", "--author", " ").exit_code == 2
    (company / "experiments" / "early_call" / "protocol.yml").write_text("version: 2\n")
    for command in (["experiment", "list"], ["run"]):
        stopped = CliRunner().invoke(cli.etalon, [*command, "--company", str(company)])
        assert stopped.exit_code == 2 and "E-XPT-001" in stopped.output
    for name in ("list", "plan", "register", "assign", "status", "read"):
        assert "Examples" in CliRunner().invoke(cli.etalon, ["experiment", name, "--help"]).output
