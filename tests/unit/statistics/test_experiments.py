"""Read-out of planted experiments: who counts, in which arm, when, and what the light makes of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from orchestration.experiments import kept, records, sequential
from orchestration.experiments.effects import Share
from orchestration.experiments.protocol import read_protocol
from orchestration.statistics.experiments import SCHEMAS, compute, segments_tested

START, END, WINDOW = dt.date(2026, 3, 30), dt.date(2026, 4, 27), 30
SETTINGS = SimpleNamespace(
    as_of=dt.datetime(2026, 7, 1), cycle_start=dt.date(2026, 6, 1), cycle_end=dt.date(2026, 7, 1),
    conversion_window_days=WINDOW, timezone="UTC",
)  # fmt: skip
PROTOCOL = """version: 1
code: early_call
hypothesis: a gain
arms: [{code: as_before, weight: 1, is_control: true}, {code: early, weight: 1}]
start_on: 2026-03-30
end_on: 2026-04-27
guard_rails: [{metric: complaints, margin_points: 0.2}]
owners: {runs: a, decides: b, watches: c}
"""
_TABLES = {
    "master.dim_accounts": "account_id varchar",
    "master.dim_persons": "person_id varchar, account_id varchar",
    "master.xref_accounts": "record_key varchar, account_id varchar",
    "master.xref_persons": "record_key varchar, person_id varchar",
    "master.fct_leads": "lead_id varchar, person_id varchar, converted_on date",
    "master.fct_meetings": "lead_id varchar, starts_on date, is_held boolean",
    "master.fct_touches": "lead_id varchar, occurred_at timestamp, occurred_on date",
    "master.fct_email_sends": (
        "account_id varchar, person_id varchar, sent_at timestamp, is_sent boolean, is_delivered boolean,"
        " is_bounced_hard boolean, is_complained boolean, complained_at timestamp, is_unsubscribed boolean,"
        " unsubscribed_at timestamp"
    ),
    "metrics.fct_lead_cadences": (
        "lead_id varchar, account_id varchar, channel_code varchar, created_on date, is_dated boolean,"
        " is_matured boolean, is_converted_in_window boolean, n_touches bigint, ttf_status_code varchar,"
        " ttf_observed_hours decimal(18,4)"
    ),
    "metrics.fct_email_send_days": "sent_on date, complaint_max_rate decimal(18,10)",
    "staging.stg_crm__campaign_members": (
        "source_instance varchar, campaign_id varchar, person_type varchar, person_id varchar, created_at timestamp"
    ),
}


class World:
    """A company directory with one experiment, and a warehouse in its work directory."""

    def __init__(self, root: Path) -> None:
        self.root, self.work = root, root / "work"
        (self.work / "run").mkdir(parents=True)
        self.con = duckdb.connect(str(self.work / "warehouse.duckdb"))
        for name, columns in _TABLES.items():
            self.con.execute(f"create schema if not exists {name.split('.')[0]}")
            self.con.execute(f"create table {name} ({columns})")

    def add(self, table: str, rows: list[dict]) -> None:
        """Rows whose columns are those of the first."""
        planted = pa.Table.from_pylist(rows)
        self.con.register("planted", planted)
        self.con.execute(f"insert into {table} by name select * from planted")
        self.con.unregister("planted")

    def experiment(self, units: int, text: str = PROTOCOL, stratum=lambda i: "all") -> dict[str, str]:
        """Write protocol, registration and arms of accounts a0, a1 ...; returns the arm of each."""
        folder = self.root / "experiments" / "early_call"
        folder.mkdir(parents=True)
        (folder / "protocol.yml").write_text(text)
        protocol, day = read_protocol(folder), dt.date(2026, 3, 25)
        moment = dt.datetime(2026, 3, 25)
        records.register(folder, protocol, "a", moment, day)
        prefix = "a" if protocol.unit == "account" else "p"
        drawn = records.assign(
            folder, protocol,
            [
                records.Unit(f"{prefix}{i}", stratum(i), i % 4, 0, (("crm_account", "crm", f"{i}"),))
                for i in range(units)
            ],
            author="a", moment=moment, today=day, cycle="2026-02",
        )  # fmt: skip
        return drawn.arms

    def leads(self, rows: list[tuple]) -> None:
        """(account, day of creation after START, converts after days or None)."""
        created = [START + dt.timedelta(days=day) for _, day, _ in rows]
        self.add("metrics.fct_lead_cadences", [
            {"lead_id": f"l{i}", "account_id": account, "channel_code": "inbound", "created_on": on, "is_dated": True,
             "is_matured": on + dt.timedelta(days=WINDOW) <= SETTINGS.cycle_end,
             "is_converted_in_window": after is not None and after <= WINDOW, "n_touches": 4,
             "ttf_status_code": "contacted" if i % 3 else "never_contacted", "ttf_observed_hours": Decimal(2 + i % 5)}
            for i, ((account, _, after), on) in enumerate(zip(rows, created, strict=True))
        ])  # fmt: skip
        self.add("master.fct_leads", [
            {"lead_id": f"l{i}", "person_id": f"p{i}",
             "converted_on": None if after is None else on + dt.timedelta(days=after)}
            for i, ((_, _, after), on) in enumerate(zip(rows, created, strict=True))
        ])  # fmt: skip

    def accounts(self, units: int) -> None:
        self.con.execute(f"insert into master.dim_accounts select 'a' || i from range({units}) t(i)")

    def read(self, **settings) -> dict[str, list[dict]]:
        given = SimpleNamespace(**{**vars(SETTINGS), **settings})
        kept.keep_experiments(self.root, self.work, given.cycle_end)
        return {name: table.to_pylist() for name, table in compute(self.con, given).items()}


@pytest.fixture
def world(tmp_path: Path):
    made = World(tmp_path)
    yield made
    made.con.close()


def gain_world(world: World, *, gain: float, units: int = 1000, seed: int = 1, **given) -> dict[str, str]:
    """One lead by account; a share of 0.2 converts in the control arm, gain more in the other."""
    arms = world.experiment(units, **given)
    world.accounts(units)
    rng = np.random.default_rng(seed)
    chance = np.where([arms[f"a{i}"] == "early" for i in range(units)], 0.2 + gain, 0.2)
    converts = rng.random(units) < chance
    world.leads([(f"a{i}", i % 28, 5 + i % 20 if converts[i] else None) for i in range(units)])
    return arms


@pytest.mark.audit("EX6", "EX7", "EX10")
def test_a_planted_gain_is_read_as_the_counts_say(world):
    arms = gain_world(world, gain=0.15)
    tables = world.read()
    (row,) = tables["experiments"]
    assert (row["status_code"], row["is_ratio_mismatch"], row["n_immature"]) == ("finished", False, 0)
    counts = world.con.execute(
        "select account_id, is_converted_in_window from metrics.fct_lead_cadences"
    ).fetchall()
    early = [converted for account, converted in counts if arms[account] == "early"]
    before = [converted for account, converted in counts if arms[account] == "as_before"]
    assert (row["n_test_leads"], row["n_test_converted"]) == (len(early), sum(early))
    delta = 100 * (Fraction(sum(early), len(early)) - Fraction(sum(before), len(before)))
    assert row["delta_points"] == (Decimal(delta.numerator) / Decimal(delta.denominator)).quantize(
        Decimal("1e-10")
    )
    assert (row["colour_code"], row["is_proved"], row["is_valid"]) == ("green", True, True)
    assert row["delta_low_points"] == row["newcombe_low_points"] > 0
    assert row["p_value_adjusted"] == row["p_value"]  # alone
    assert [arm["is_control"] for arm in tables["experiment_arms"]] == [True, False]
    (light,) = segments_tested(
        pa.Table.from_pylist(tables["experiments"], schema=SCHEMAS["experiments"]), SETTINGS.cycle_end
    ).items()
    assert light[0] == ("all", "all") and light[1].experiment == "valid" and light[1].is_gain_proved


@pytest.mark.audit("EX10")
def test_a_world_without_effect_is_not_proved(world):
    gain_world(world, gain=0.0, seed=3)
    (row,) = world.read()["experiments"]
    assert not row["is_proved"] and row["delta_low_points"] < 0 < row["delta_high_points"]


@pytest.mark.audit("EX4", "EX6")
def test_only_assigned_units_count_in_their_arm_and_their_days(world):
    arms = world.experiment(4)
    world.accounts(6)
    world.leads([
        ("a0", 0, 3), ("a0", 27, 40), ("a1", 28, 3), ("a2", -1, 3), ("a3", 5, None), ("a5", 5, 3), ("a1", 5, 30),
    ])  # fmt: skip
    rows = world.read()["experiment_arms"]
    expected = {arm: [0, 0] for arm in ("as_before", "early")}
    for account, converted in (
        ("a0", 1),
        ("a0", 0),
        ("a3", 0),
        ("a1", 1),
    ):  # after 40 days is outside the window
        expected[arms[account]][0] += 1
        expected[arms[account]][1] += converted
    assert {row["arm_code"]: [row["n_leads"], row["n_converted"]] for row in rows} == expected


@pytest.mark.audit("EX4")
def test_a_unit_is_found_again_by_its_records_and_merged_units_of_two_arms_are_left_out(world):
    arms = world.experiment(40)
    one, other = (next(u for u, arm in arms.items() if arm == name) for name in ("early", "as_before"))
    third = next(u for u, arm in arms.items() if arm == "early" and u != one)
    world.con.execute("insert into master.dim_accounts values ('merged'), ('renamed'), ('unknown')")
    world.add("master.xref_accounts", [
        {"record_key": f"crm/crm_account/{one[1:]}", "account_id": "merged"},
        {"record_key": f"crm/crm_account/{other[1:]}", "account_id": "merged"},
        {"record_key": f"crm/crm_account/{third[1:]}", "account_id": "renamed"},
    ])  # fmt: skip
    world.leads([("merged", 3, 4), ("renamed", 3, 4), ("unknown", 3, 4)])
    tables = world.read()
    (row,) = tables["experiments"]
    assert (row["n_contaminated_units"], row["n_test_leads"], row["n_control_leads"]) == (2, 1, 0)
    assert "no_units" in row["reason_codes"] and row["colour_code"] == "amber" and row["delta_points"] is None


@pytest.mark.audit("EX4")
def test_arms_that_lost_units_on_one_side_have_no_verdict(world):
    arms = world.experiment(1000)
    world.accounts(1000)
    early = [unit for unit, arm in arms.items() if arm == "early"]
    left = set(early[: len(early) // 2])
    world.leads([(unit, 3, 4 if unit in early else None) for unit in arms if unit not in left])
    (row,) = world.read()["experiments"]
    assert (
        row["is_ratio_mismatch"] and row["ratio_p_value"] < Decimal("0.001") < row["assigned_ratio_p_value"]
    )
    assert (row["colour_code"], row["reason_codes"]) == ("amber", "sample_ratio_mismatch")
    assert row["is_bar_met"] is None and not row["is_valid"]


@pytest.mark.audit("EX10")
@pytest.mark.parametrize(
    ("cycle_end", "status"),
    [
        (dt.date(2026, 4, 1), "running"),
        (dt.date(2026, 5, 1), "windows_open"),
        (dt.date(2026, 5, 27), "finished"),
        (dt.date(2026, 3, 30), "planned"),
    ],
)
def test_before_its_last_window_an_experiment_shows_counts_and_no_difference(world, cycle_end, status):
    gain_world(world, gain=0.15, units=400)
    moment = dt.datetime.combine(cycle_end, dt.time())
    tables = world.read(cycle_end=cycle_end, as_of=moment)
    (row,) = tables["experiments"]
    assert row["status_code"] == status
    assert (row["delta_points"] is None) == (status != "finished") == (row["colour_code"] is None)
    assert bool(tables["experiment_arms"]) == (status != "planned")
    assert all(week["look_on"] <= cycle_end for week in tables["experiment_weeks"])


@pytest.mark.audit("EX1", "EX10")
def test_a_protocol_changed_after_registration_is_published_without_a_figure(world):
    gain_world(world, gain=0.15, units=400)
    path = world.root / "experiments" / "early_call" / "protocol.yml"
    path.write_text(PROTOCOL + "success_points: 1\n")
    tables = world.read()
    (row,) = tables["experiments"]
    assert (row["status_code"], row["reason_codes"]) == ("protocol_changed", "protocol_changed")
    assert row["n_test_leads"] is None and row["colour_code"] is None and not tables["experiment_arms"]
    assert not segments_tested(pa.Table.from_pylist([row], schema=SCHEMAS["experiments"]), SETTINGS.cycle_end)


@pytest.mark.audit("EX6", "QU16")
def test_meetings_by_touch_of_persons_count_both_in_the_days_of_the_experiment(world):
    """Leads older than the experiment had four touches in their own window, which say nothing of these days."""
    arms = world.experiment(12, PROTOCOL + "unit: person\n")
    world.con.execute("insert into master.dim_persons select 'p' || i, 'a' || i from range(12) t(i)")
    world.leads([(f"a{i}", -60, None) for i in range(12)])
    last = END + dt.timedelta(days=WINDOW - 1)
    one, other = (sorted(u for u, arm in arms.items() if arm == name) for name in ("early", "as_before"))

    def touched(unit: str, *days: dt.date) -> None:
        world.add("master.fct_touches", [
            {"lead_id": f"l{unit[1:]}", "occurred_at": dt.datetime.combine(day, dt.time(9)), "occurred_on": day}
            for day in days
        ])  # fmt: skip

    before, after = START - dt.timedelta(days=1), last + dt.timedelta(days=1)
    touched(one[0], before, START, START, last, after)
    touched(one[1], START)
    touched(other[0], before, after)
    world.add("master.fct_meetings", [
        {"lead_id": f"l{one[0][1:]}", "starts_on": day, "is_held": held}
        for day, held in ((before, True), (START, True), (last, True), (last, False), (after, True))
    ])  # fmt: skip
    rows = {row["arm_code"]: row for row in world.read()["experiment_arms"]}
    assert (rows["early"]["n_touches"], rows["early"]["n_meetings"]) == (4, 2)
    assert (rows["early"]["meetings_per_touch_rate"], rows["early"]["meetings_reason_code"]) == (
        Decimal("0.5"),
        None,
    )
    told = rows["as_before"]
    assert (told["n_leads"], told["n_touches"], told["n_meetings"]) == (len(other), 0, 0)
    assert (told["meetings_per_touch_rate"], told["meetings_reason_code"]) == (None, "no_touches")
    world.con.execute("delete from metrics.fct_lead_cadences")
    assert {row["meetings_reason_code"] for row in world.read()["experiment_arms"]} == {"no_matured_leads"}


@pytest.mark.audit("EX10", "DE20")
@pytest.mark.parametrize(
    ("cycle_end", "is_valid"), [("2027-04-01", True), ("2027-05-01", False), ("2027-06-01", False)]
)
def test_an_experiment_speaks_for_its_segment_for_twelve_months_after_its_end(world, cycle_end, is_valid):
    """It ends on 27 April 2026: of the cycle that ends with April 2027 its day is older than twelve months."""
    gain_world(world, gain=0.15)
    found = pa.Table.from_pylist(world.read()["experiments"], schema=SCHEMAS["experiments"])
    tested = segments_tested(found, dt.date.fromisoformat(cycle_end))
    assert (("all", "all") in tested) == is_valid


@pytest.mark.audit("EX10", "DE20")
def test_a_gain_under_two_points_is_no_success_whatever_the_protocol_asks_for(world):
    text = PROTOCOL + "success_points: 0.5\n"
    arms = world.experiment(4000, text)
    world.accounts(4000)
    by_arm = {"early": 0, "as_before": 0}
    rows = []
    for i, unit in enumerate(f"a{i}" for i in range(4000)):
        by_arm[arms[unit]] += 1
        share = 110 if arms[unit] == "early" else 100  # of a thousand: a gain of one point
        rows.append((unit, i % 28, 6 if by_arm[arms[unit]] % 1000 < share else None))
    world.leads(rows)
    (row,) = world.read()["experiments"]
    assert Decimal("0.5") < row["delta_points"] < 2
    assert (row["is_bar_met"], row["colour_code"]) == (False, "amber")
    assert "gain_below_bar" in row["reason_codes"]


@pytest.mark.audit("EX5", "DE21")
@pytest.mark.parametrize(
    ("bars", "code"),
    [
        ({}, "not_proved"),
        ({"2026-04-06": "0.002"}, "breach"),
        ({"2026-04-06": "0.002", "2026-04-20": "0.004"}, "not_proved"),
        ({"2026-04-06": "0.004", "2026-04-27": "0.002"}, "not_proved"),  # the day after its last
    ],
)
def test_complaints_of_the_test_arm_are_held_against_the_bar_in_force(world, bars, code):
    """Three of a thousand mails of both arms; the bar is the one of the last day."""
    arms = gain_world(world, gain=0.15)
    for day, bar in bars.items():
        world.con.execute("insert into metrics.fct_email_send_days values (?, ?)", [day, bar])
    world.add("master.fct_email_sends", [
        {"account_id": unit, "person_id": "p", "sent_at": dt.datetime(2026, 4, 7, 9) + dt.timedelta(hours=k),
         "is_sent": True, "is_delivered": True, "is_bounced_hard": False, "is_complained": k == 0 and i % 80 < 1,
         "complained_at": None, "is_unsubscribed": False, "unsubscribed_at": None}
        for side in ("early", "as_before")
        for i, unit in enumerate(u for u, arm in arms.items() if arm == side) for k in range(4)
    ])  # fmt: skip
    (row,) = world.read()["experiments"]
    assert row["complaints_code"] == code


@pytest.mark.audit("EX5", "EX7")
def test_weekly_looks_know_how_alike_accounts_are_before_a_window_is_over(world):
    """Ten leads by account, all converted or none: an interval of single leads would be three times too narrow."""
    arms = world.experiment(200)
    world.accounts(200)
    world.leads([
        (f"a{i}", 1, 3 if i % 4 == 0 else None) for i in range(200) for _ in range(10)
    ])  # fmt: skip
    cycle_end = START + dt.timedelta(days=14)
    world.con.execute("update metrics.fct_lead_cadences set is_matured = false")
    tables = world.read(cycle_end=cycle_end, as_of=dt.datetime.combine(cycle_end, dt.time()))
    look = [w for w in tables["experiment_weeks"] if w["metric_code"] == "cr"][-1]
    found = {}
    for arm in ("early", "as_before"):
        mine = [i % 4 == 0 for i in range(200) if arms[f"a{i}"] == arm]
        found[arm] = Share(10 * sum(mine), 10 * len(mine), 10 * len(mine) / (len(mine) - 1))
    assert (look["n_test"], look["n_test_events"]) == (found["early"].n, found["early"].x)
    seen = sequential.look(found["early"], found["as_before"], 400, 0.05)
    alone = sequential.look(
        *(Share(each.x, each.n) for each in (found["early"], found["as_before"])), 400, 0.05
    )
    assert float(look["high_points"]) == pytest.approx(100 * seen.high, rel=1e-9)
    assert seen.high - seen.low > 1.5 * (alone.high - alone.low)


@pytest.mark.audit("EX5", "DE21", "DE15")
def test_complaints_in_the_test_arm_are_red_and_seen_in_the_week_they_come(world):
    arms = gain_world(world, gain=0.15)
    world.con.execute("insert into metrics.fct_email_send_days values (date '2026-04-07', 0.002)")
    sent = dt.datetime(2026, 4, 7, 9)
    world.add("master.fct_email_sends", [
        {"account_id": unit, "person_id": "p", "sent_at": sent + dt.timedelta(hours=k), "is_sent": True,
         "is_delivered": True, "is_bounced_hard": False, "is_complained": arm == "early" and k == 0 and i % 12 == 0,
         "complained_at": None, "is_unsubscribed": False, "unsubscribed_at": None}
        for i, (unit, arm) in enumerate(arms.items()) for k in range(4)
    ])  # fmt: skip
    world.add("master.fct_email_sends", [
        {"account_id": "a0", "person_id": "p", "sent_at": dt.datetime.combine(END, dt.time()), "is_sent": True,
         "is_delivered": True, "is_bounced_hard": False, "is_complained": True, "complained_at": None,
         "is_unsubscribed": False, "unsubscribed_at": None}
    ])  # fmt: skip
    tables = world.read()
    (row,) = tables["experiments"]
    assert (row["colour_code"], row["complaints_code"]) == ("red", "breach")
    assert (
        sum(arm["n_delivered"] for arm in tables["experiment_arms"]) == 4000
    )  # the mail after the end is outside
    looks = {
        w["look_on"]: w["signal_code"] for w in tables["experiment_weeks"] if w["metric_code"] == "complaints"
    }
    assert looks == {
        dt.date(2026, 4, 6): "not_known", dt.date(2026, 4, 13): "harm", dt.date(2026, 4, 20): "harm",
        dt.date(2026, 4, 27): "harm",
    }  # fmt: skip


@pytest.mark.audit("DE21")
def test_events_of_one_account_prove_less_than_those_of_many(world):
    """Thirty unsubscribed mails of some 6,000 in the test arm, once of thirty accounts and once of one."""
    text = PROTOCOL.replace(
        "{metric: complaints, margin_points: 0.2}",
        "{metric: complaints, margin_points: 0.2}, {metric: unsubscribes, margin_points: 0.2}",
    )
    arms = world.experiment(400, text=text)
    world.accounts(400)
    world.leads([(unit, 3, None) for unit in arms])
    early = [unit for unit, arm in arms.items() if arm == "early"]

    def send(complaining: list[str]) -> str:
        world.con.execute("delete from master.fct_email_sends")
        world.add("master.fct_email_sends", [
            {"account_id": unit, "person_id": "p", "sent_at": dt.datetime(2026, 4, 2), "is_sent": True,
             "is_delivered": True, "is_bounced_hard": False, "is_complained": False, "complained_at": None,
             "is_unsubscribed": unit in complaining and k < 30 // len(complaining), "unsubscribed_at": None}
            for unit in arms for k in range(30)
        ])  # fmt: skip
        return world.read()["experiments"][0]["guard_rail_code"]

    assert send(early[:30]) == "worse" and send(early[:1]) == "not_proved"


@pytest.mark.audit("EX6")
def test_first_contact_meetings_and_touches_are_told_by_arm(world):
    arms = gain_world(world, gain=0.1, units=300)
    world.add("master.fct_meetings", [
        {"lead_id": "l0", "starts_on": START + dt.timedelta(days=3), "is_held": True},
        {"lead_id": "l0", "starts_on": START + dt.timedelta(days=30), "is_held": True},  # after its window
        {"lead_id": "l1", "starts_on": START + dt.timedelta(days=3), "is_held": False},
    ])  # fmt: skip
    tables = world.read()
    by_arm = {row["arm_code"]: row for row in tables["experiment_arms"]}
    assert by_arm[arms["a0"]]["n_meetings"] == 1 and sum(r["n_meetings"] for r in by_arm.values()) == 1
    assert sum(row["n_touches"] for row in by_arm.values()) == 1200
    from statsmodels.duration.survfunc import SurvfuncRight

    members = [i for i in range(300) if arms[f"a{i}"] == "early"]
    curve = SurvfuncRight(
        np.array([2.0 + i % 5 for i in members]), np.array([int(i % 3 > 0) for i in members])
    )
    assert float(by_arm["early"]["ttf_median_hours"]) == curve.quantile(0.5)
    (row,) = tables["experiments"]
    assert row["meetings_p_value"] is not None and row["ttf_p_value"] is not None


@pytest.mark.audit("EX4", "EX6")
def test_strata_give_the_stratified_difference_and_what_was_known_takes_noise_away(world):
    text = PROTOCOL + "strata: [size_band_code]\ncovariate: prior_leads\n"
    gain_world(world, gain=0.1, units=1200, text=text, stratum=lambda i: "smb" if i % 3 else "mid")
    (row,) = world.read()["experiments"]
    assert (row["method_code"], row["p_method_code"]) == ("mantel_haenszel", "cochran_mantel_haenszel")
    assert row["delta_points"] != row["pooled_points"] and row["heterogeneity_p_value"] is not None
    assert row["cuped_points"] is not None and 0 < row["cuped_variance_ratio"] <= 1
    assert row["is_balanced"] is not None


@pytest.mark.audit("EX6")
def test_persons_are_read_by_what_they_did_after_the_first_day(world):
    world.experiment(4, text=PROTOCOL + "unit: person\n")
    world.con.execute("insert into master.dim_persons select 'p' || i, 'a' || i from range(4) t(i)")
    # p0 converts inside, p1 before the first day, p2 after the last window, p3 never
    world.leads([("a0", -20, 25), ("a1", -20, 10), ("a2", -20, 80), ("a3", -20, None)])
    rows = world.read()["experiment_arms"]
    assert (sum(r["n_leads"] for r in rows), sum(r["n_converted"] for r in rows)) == (3, 1)


@pytest.mark.audit("EX6")
def test_what_a_person_does_after_the_cycle_changes_nothing_of_it(world):
    """Forty persons of two leads, read on 1 May in the days of the last windows; ten buy twice on 9 May."""
    world.experiment(40, text=PROTOCOL + "unit: person\n")
    world.con.execute("insert into master.dim_persons select 'p' || i, 'a' || i from range(40) t(i)")
    after = [60 if i % 40 < 10 else 25 if i % 3 == 0 else None for i in range(80)]
    world.leads([(f"a{i % 40}", -20, days) for i, days in enumerate(after)])
    world.con.execute(
        "update master.fct_leads set person_id = 'p' || (cast(substr(lead_id, 2) as integer) % 40)"
    )
    may = dt.date(2026, 5, 1)
    moment = {"as_of": dt.datetime(2026, 5, 1), "cycle_start": dt.date(2026, 4, 1), "cycle_end": may}
    found = world.read(**moment)
    assert sum(row["n_test_events"] + row["n_control_events"] for row in found["experiment_weeks"]) > 0
    world.con.execute("update master.fct_leads set converted_on = null where converted_on >= ?", [may])
    assert world.read(**moment) == found


@pytest.mark.audit("EX4")
def test_members_of_the_campaign_are_exposed_and_a_control_among_them_is_contaminated(world):
    arms = gain_world(world, gain=0.15, text=PROTOCOL + "exposure_campaign: '701'\n")
    exposed = [next(u for u, arm in arms.items() if arm == name) for name in ("early", "as_before")]
    world.add("staging.stg_crm__campaign_members", [
        {"source_instance": "crm", "campaign_id": campaign, "person_type": "lead", "person_id": unit,
         "created_at": dt.datetime(2026, 4, 1)}
        for unit in exposed for campaign in ("701", "702")
    ])  # fmt: skip
    world.add(
        "master.xref_persons", [{"record_key": f"crm/crm_lead/{u}", "person_id": f"p{u}"} for u in exposed]
    )
    world.add("master.dim_persons", [{"person_id": f"p{u}", "account_id": u} for u in exposed])
    tables = world.read()
    assert [row["n_exposed_units"] for row in tables["experiment_arms"]] == [1, 1]
    assert "contaminated" in tables["experiments"][0]["flag_codes"]


@pytest.mark.audit("EX11")
def test_the_order_of_rows_changes_no_figure(world):
    gain_world(
        world, gain=0.1, units=600, text=PROTOCOL + "strata: [team_code]\n", stratum=lambda i: f"t{i % 3}"
    )
    once = world.read()
    for table in ("metrics.fct_lead_cadences", "master.fct_leads"):
        world.con.execute(f"create or replace table {table} as select * from {table} order by hash(lead_id)")
    assert world.read() == once


def test_without_experiments_or_units_there_are_no_rows_and_no_error(world):
    assert world.read() == {"experiments": [], "experiment_arms": [], "experiment_weeks": []}
    world.experiment(3)
    tables = world.read()  # nobody is found any more
    assert tables["experiments"][0]["reason_codes"] == "no_units"
    assert [row["reason_code"] for row in tables["experiment_arms"]] == ["no_matured_leads"] * 2
    assert compute(duckdb.connect(), SETTINGS)["experiments"].num_rows == 0
