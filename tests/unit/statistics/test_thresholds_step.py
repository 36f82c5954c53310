"""Yields and proposals of planted leads, read from the warehouse, against a recount lead by lead in Python."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from planted_warehouse_of_deals import AS_OF, add, open_warehouse

from orchestration.statistics import complaint_trends
from orchestration.statistics.complaint_policy import ComplaintPolicy, complaint_policy
from orchestration.statistics.thresholds import compute

SETTINGS = SimpleNamespace(
    as_of=AS_OF,
    cycle_start=date(2026, 6, 1),
    cycle_end=date(2026, 7, 1),
    conversion_window_days=30,
    timezone="UTC",
)
START = datetime(2026, 5, 4, 9)
WINDOW, HORIZON = 30, 14


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def give(
    con, rule, value, window=None, channel="all", size="all", own=False, since=None, version="v"
) -> None:
    """A row of metrics.fct_thresholds."""
    add(
        con, "metrics.fct_thresholds", threshold_key=f"{rule}/{channel}/{size}/{own}/{since}", rule_code=rule,
        channel_code=channel, size_band_code=size, threshold_value=value, window_days=window,
        origin_code="human" if own else "method_default", threshold_version=version, is_own=own, valid_from=since,
    )  # fmt: skip


def plant(
    con, leads: list[tuple[list[float], float | None]], channel="inbound", size="smb", created=START
) -> None:
    """Leads of one segment: (days of effective touches, day of conversion)."""
    first = con.execute("select count(*) from master.fct_leads").fetchall()[0][0]

    def after(days: float | None) -> datetime | None:
        return None if days is None else created + timedelta(days=days)

    rows, cadences, touches = [], [], []
    for n, (days, conversion) in enumerate(leads, first):
        name, converted = f"l{n}", after(conversion)
        rows.append((name, channel, converted, converted and converted.date(), False, False))
        hours = [d * 24 for d in days if d >= 0]
        cadences.append(
            {
                "lead_id": name, "channel_code": channel, "size_band_code": size, "rep_id": "r1",
                "created_at": created, "created_on": created.date(), "is_dated": True,
                "is_matured": created + timedelta(days=WINDOW) <= AS_OF,
                "is_converted_in_window": conversion is not None and 0 <= conversion < WINDOW,
                "n_effective_touches": len(days), "ttf_hours": min(hours, default=None),
                "first_effective_at": after(min(days, default=None)),
            }
        )  # fmt: skip
        touches += [(name, after(d)) for d in days]
    con.register("rows", pa.table(dict(zip(
        ("lead_id", "channel_code", "converted_at", "converted_on", "is_created_day_only", "is_converted_day_only"),
        map(list, zip(*rows, strict=True)), strict=True,
    ))))  # fmt: skip
    con.execute("insert into master.fct_leads by name select * from rows")
    con.register("cadences", pa.Table.from_pylist(cadences))
    con.execute("insert into metrics.fct_lead_cadences by name select * from cadences")
    if touches:
        con.register(
            "touches", pa.table({"lead_id": [t[0] for t in touches], "occurred_at": [t[1] for t in touches]})
        )
        con.execute("insert into master.fct_touches by name select *, true as is_effective from touches")


def rows_of(tables, name: str, segment: str = "inbound/smb", kind: str = "channel_size") -> list[dict]:
    return [
        r for r in tables[name].to_pylist() if (r["segment_kind_code"], r["segment_code"]) == (kind, segment)
    ]


def row_of(tables, rule: str, segment: str = "inbound/smb", kind: str = "channel_size") -> dict:
    (found,) = [r for r in rows_of(tables, "thresholds", segment, kind) if r["rule_code"] == rule]
    return found


def random_leads(n: int, seed: int) -> list[tuple[list[float], float | None]]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        days = sorted(np.round(rng.uniform(0, 45, rng.integers(0, 9)), 4).tolist())
        found.append((days, round(float(rng.uniform(0, 50)), 4) if rng.random() < 0.4 else None))
    return found


def recount(leads, k: int) -> tuple[int, int, int]:
    """(at risk, events, conversions) behind touch k, from the days alone."""
    at_risk = events = conversions = 0
    end = (AS_OF - START).total_seconds() / 86400
    for days, conversion in leads:
        before = [d for d in days if d < end and (conversion is None or d < conversion)]
        seen = [d for d in before if d < WINDOW]
        stood = [0.0, *seen]
        if k < len(stood) and stood[k] + HORIZON <= end:
            at_risk += 1
            last = k == len(before)  # a touch behind the window comes before a conversion that follows it
            events += (
                last and conversion is not None and conversion <= stood[k] + HORIZON and conversion < end
            )
        conversions += conversion is not None and conversion < WINDOW and len(seen) == k
    return at_risk, events, conversions


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.audit("DE2")
def test_yields_are_those_of_a_recount_of_the_days(con, seed: int) -> None:
    leads = random_leads(300, seed)
    plant(con, leads)
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [row["touch_number"] for row in found] == list(range(len(found))) and len(found) > 5
    for row in found:
        counts = (row["n_at_risk"], row["n_events"], row["n_conversions"])
        assert counts == recount(leads, row["touch_number"]), row["touch_number"]


def name_leads(con) -> None:
    """Lead n is lea_n, so that its person is per_n."""
    for table in ("metrics.fct_lead_cadences", "master.fct_leads", "master.fct_touches"):
        con.execute(f"update {table} set lead_id = 'lea_' || substr(lead_id, 2)")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.audit("DE2")
def test_a_lead_is_at_risk_until_it_refuses_contact(con, seed: int) -> None:
    """Spec 2.7.2: touches and conversions from the refusal on are none; the touch before it stays at risk."""
    leads, rng = random_leads(300, seed), np.random.default_rng(100 + seed)
    plant(con, leads)
    name_leads(con)
    kept, n_refused = [], 0
    for n, (days, conversion) in enumerate(leads):
        refused = round(float(rng.uniform(-3, 40)), 4) if rng.random() < 0.4 else None
        if refused is not None:
            add(con, "conforming.int_contact_refusals", person_id=f"per_{n}", channel_code="email",
                refused_at=START + timedelta(days=refused))  # fmt: skip
            n_refused += refused < WINDOW and (conversion is None or conversion >= max(refused, 0))
        if refused is None or refused > 0:
            kept.append((days, conversion, refused))
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    end = (AS_OF - START).total_seconds() / 86400
    for row in found:
        k, at_risk, events, conversions = row["touch_number"], 0, 0, 0
        for days, conversion, refused in kept:
            stop = end if refused is None else min(end, refused)
            converts = conversion is not None and (refused is None or conversion < refused)
            before = [d for d in days if d < stop and not (converts and d >= conversion)]
            stood = [0.0, *(d for d in before if d < WINDOW)]
            if k < len(stood) and stood[k] + HORIZON <= end:
                at_risk += 1
                events += (
                    k == len(before) and converts and conversion <= stood[k] + HORIZON and conversion < end
                )
            conversions += converts and conversion < WINDOW and len(stood) - 1 == k
        assert (row["n_at_risk"], row["n_events"], row["n_conversions"]) == (at_risk, events, conversions), k
        assert (row["n_leads_refused"], row["n_leads_excluded"]) == (n_refused, 0)
    assert n_refused > 50 and len(found) > 4


@pytest.mark.audit("DE2", "DE14")
def test_yields_leave_out_who_stood_on_an_exclusion_list_at_first_and_end_where_another_is_put_on_one(
    con,
) -> None:
    """An entry that follows a touch takes nothing from it, or customers would leave because they converted."""
    plant(con, [([1.0], 5.0)] * 6)
    name_leads(con)
    con.execute("update metrics.fct_lead_cadences set account_id = 'acc_' || substr(lead_id, 5)")
    for subject, begun, ended in (
        ({"person_id": "per_0"}, -5, 0.5), ({"account_id": "acc_1"}, 29, None), ({"person_id": "per_2"}, 30, None),
        ({"account_id": "acc_3"}, -5, 0), ({"account_id": "acc_1"}, 1, None), ({"person_id": "per_1"}, 1, None),
        ({"account_id": "acc_4"}, 5.01, None), ({"person_id": "per_5"}, 4.9, None),
    ):  # fmt: skip
        add(con, "conforming.int_contact_exclusions", starts_at=START + timedelta(days=begun),
            ends_at=None if ended is None else START + timedelta(days=ended), **subject)  # fmt: skip
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    # 0 was listed at first; 1 is listed at its touch, 4 after its conversion, 5 between its touch and its conversion
    assert [(row["n_at_risk"], row["n_events"]) for row in found] == [(5, 0), (4, 3)]
    assert {(row["n_leads_excluded"], row["n_leads_refused"]) for row in found} == {(3, 0)}
    whole = rows_of(compute(con, SETTINGS), "touch_yields", "all", "all")
    assert {row["n_leads_excluded"] for row in whole} == {3}


@pytest.mark.audit("DE2")
def test_whether_a_touch_is_judged_does_not_depend_on_what_came_of_it(con) -> None:
    """Touched on day 25 of 31, so that no horizon is over: neither who refused nor who converted tells its yield."""
    created = AS_OF - timedelta(days=31)
    plant(con, [([25.0], 28.0)] * 10 + [([25.0], None)] * 10, created=created)
    name_leads(con)
    for n in range(10, 20):
        add(con, "conforming.int_contact_refusals", person_id=f"per_{n}", channel_code="email",
            refused_at=created + timedelta(days=27))  # fmt: skip
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [(row["n_at_risk"], row["n_events"], row["reason_code"]) for row in found] == [
        (20, 0, None), (0, 0, "nobody_at_risk"),
    ]  # fmt: skip
    assert {row["n_leads_refused"] for row in found} == {10}


@pytest.mark.audit("DE2")
def test_a_conversion_after_a_touch_behind_the_window_follows_no_touch_of_the_window(con) -> None:
    plant(con, [([29.0, 31.0], 32.0)] * 3 + [([29.0], 32.0)] * 2 + [([29.0, 33.0], 32.0)])
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [(row["n_at_risk"], row["n_events"]) for row in found] == [(6, 0), (6, 3)]


@pytest.mark.audit("DE2")
def test_who_refuses_since_nobody_knows_when_is_in_no_path(con) -> None:
    plant(con, [([1.0], 5.0)] * 3)
    name_leads(con)
    add(
        con, "conforming.int_undated_refusals", person_id="per_0", is_mail_undated=True, is_call_undated=False
    )
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [(row["n_at_risk"], row["n_events"], row["n_leads_refused"]) for row in found] == [
        (2, 0, 1), (2, 2, 1),
    ]  # fmt: skip


def test_a_conversion_without_an_hour_credits_no_touch_of_its_day(con) -> None:
    plant(con, [([0.5, 1.0], None)])
    con.execute(
        "update master.fct_leads set converted_at = timestamp '2026-05-05', converted_on = date '2026-05-05',"
        " is_converted_day_only = true"
    )
    con.execute("update metrics.fct_lead_cadences set is_converted_in_window = true")
    # the touch of the day before (21:00) is credited, that of the day itself (9:00) is not
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [(r["touch_number"], r["n_events"], r["n_conversions"]) for r in found] == [(0, 0, 0), (1, 1, 1)]


def test_what_happens_after_the_cycle_or_is_not_mature_is_not_counted(con) -> None:
    plant(con, [([1.0], 2.0), ([1.0, 60.0], 70.0)])
    plant(con, [([1.0], 2.0)], created=datetime(2026, 6, 20))
    found = rows_of(compute(con, SETTINGS), "touch_yields")
    assert [(r["n_at_risk"], r["n_events"]) for r in found] == [(2, 0), (2, 1)]
    assert {r["period_start"] for r in found} == {date(2025, 12, 1)}
    assert {r["period_end"] for r in found} == {date(2026, 6, 1)}


@pytest.mark.audit("DE2", "DE5")
def test_the_least_number_counts_the_days_of_the_threshold_in_force(con) -> None:
    """Touched on days 1 to 4 and 20 to 22, converted on day 25: four touches in ten days, seven in all."""
    converting = [([1, 2, 3, 4, 20, 21, 22], 25.0)] * 40
    plant(con, converting + [([1.0, 2.0], None)] * 40)
    tables = compute(con, SETTINGS)
    found = row_of(tables, "min_touches")
    assert (found["window_days"], found["data_value"], found["in_force_value"]) == (10, 4, 4)
    assert (found["decision_code"], found["proposed_value"], found["proposed_origin_code"]) == (
        "keep", 4, "method_default",
    )  # fmt: skip
    opinion = row_of(tables, "plateau_touches")
    assert (opinion["is_action"], opinion["decision_code"], opinion["in_force_value"]) == (
        False,
        "none",
        None,
    )
    wide = row_of(tables, "min_touches", "inbound", "channel")
    assert (wide["window_days"], wide["data_value"], wide["decision_code"]) == (30, 7, "first")


@pytest.mark.audit("DE1", "DE2")
def test_a_row_of_the_company_holds_from_its_day_and_the_data_move_it_only_when_they_must(con) -> None:
    plant(con, [([1, 2, 3, 4], 6.0)] * 60 + [([1.0], None)] * 60)
    give(con, "min_touches", 9, 10, "inbound", "smb", own=True, since=date(2026, 6, 30), version="2026-05-1")
    found = row_of(compute(con, SETTINGS), "min_touches")
    assert (found["in_force_value"], found["in_force_version"], found["method_default_value"]) == (
        9,
        "2026-05-1",
        4,
    )
    assert (found["decision_code"], found["proposed_value"], found["proposed_origin_code"]) == (
        "change",
        4,
        "data",
    )
    con.execute("update metrics.fct_thresholds set valid_from = date '2026-07-01' where is_own")
    later = row_of(compute(con, SETTINGS), "min_touches")
    assert (later["in_force_value"], later["decision_code"]) == (4, "keep")


@pytest.mark.audit("DE1")
def test_too_little_data_leave_the_default_of_the_method_and_say_why(con) -> None:
    plant(con, [([1.0], 2.0)] * 9 + [([1.0], None)] * 40)
    found = row_of(compute(con, SETTINGS), "min_touches")
    assert (found["data_value"], found["reason_code"], found["decision_code"]) == (
        None,
        "too_few_events",
        "keep",
    )
    assert (found["proposed_value"], found["proposed_origin_code"]) == (4, "method_default")
    other = row_of(compute(con, SETTINGS), "max_touches")
    assert (other["proposed_value"], other["decision_code"], other["n_units"]) == (None, "none", 49)


@pytest.mark.audit("DE4")
def test_the_target_of_the_first_contact_leaves_out_contacts_after_the_conversion(con) -> None:
    quick = [([1 / 24], 5.0)] * 900 + [([1 / 24], None)] * 2100
    slow = [([30 / 24], 5.0)] * 150 + [([30 / 24], None)] * 2850
    plant(con, quick + slow)
    before = row_of(compute(con, SETTINGS), "ttf_max_hours")
    assert before["data_value"] < 48 and before["n_units"] == 6000
    plant(con, [([30 / 24], 1.0)] * 5000)  # converted before anybody called: no proof of slowness
    after = row_of(compute(con, SETTINGS), "ttf_max_hours")
    assert (after["data_value"], after["n_units"]) == (before["data_value"], 6000)


@pytest.mark.audit("DE3", "DE15")
def test_the_cap_on_mails_counts_a_person_s_day_and_known_complaints(con) -> None:
    plant(con, [([1.0], None)])
    sent = "timestamp '2026-06-10 08:00:00' + to_minutes(cast(m.i as int))"
    con.execute(
        "insert into master.fct_email_sends by name select 'p' || p.i as person_id, 'l0' as lead_id,"
        f" {sent} as sent_at, true as is_delivered, p.i < 30 and m.i = 0 as is_complained,"
        " case when p.i < 25 then timestamp '2026-07-01' end as complained_at"
        " from range(20000) as p(i), range(2) as m(i) where m.i = 0 or p.i >= 10000"
    )
    add(con, "metrics.fct_email_send_days", sent_on=date(2026, 6, 10), complaint_max_rate=Decimal("0.002"))
    found = row_of(compute(con, SETTINGS), "max_mails_a_day")
    # 30 complaints, 25 of which came after the cycle; 20,000 mails on days of two without one
    assert (found["n_units"], found["n_events"], found["data_value"], found["data_high"]) == (
        30000,
        5,
        2,
        None,
    )
    con.execute(
        "update master.fct_email_sends set is_complained = true, complained_at = null where person_id like 'p199__'"
    )
    worse = row_of(compute(con, SETTINGS), "max_mails_a_day")
    assert (worse["data_value"], worse["data_high"], worse["decision_code"]) == (1, 1, "change")
    con.execute("update metrics.fct_email_send_days set complaint_max_rate = 0.00001")
    strict = row_of(compute(con, SETTINGS), "max_mails_a_day")
    assert (strict["data_value"], strict["reason_code"]) == (None, "not_shown_safe"), (
        "the policy's bar decides"
    )
    con.execute("update metrics.fct_email_send_days set complaint_max_rate = null")
    assert row_of(compute(con, SETTINGS), "max_mails_a_day")["reason_code"] == "no_bar"


@pytest.mark.audit("DE19")
def test_loads_follow_from_leads_and_thresholds_and_say_when_nobody_gave_a_capacity(con) -> None:
    add(con, "master.dim_reps", rep_id="r1", team_name="Lyon")
    june = datetime(2026, 6, 3)
    plant(con, [([], None)] * 110, created=june)  # 4 touches each, 22 working days
    plant(con, [([], None)] * 11, "partner", "mid", created=june)  # no threshold
    loads = {
        (r["segment_kind_code"], r["segment_code"]): r
        for r in compute(con, SETTINGS)["threshold_loads"].to_pylist()
    }
    team = loads["team", "Lyon"]
    assert (team["n_leads"], team["n_leads_without_threshold"], team["n_work_days"]) == (121, 11, 22)
    assert (team["touches_a_day"], team["load_rate"], team["reason_code"]) == (20, None, "no_capacity")
    assert loads["channel_size", "partner/mid"]["reason_code"] == "no_threshold"
    assert loads["channel_size", "partner/mid"]["touches_a_day"] is None
    able = compute(con, SETTINGS, {"Lyon": Decimal(16)})["threshold_loads"].to_pylist()
    (team,) = [r for r in able if r["segment_kind_code"] == "team"]
    assert (team["load_rate"], team["is_feasible"], team["reason_code"]) == (Decimal("1.25"), False, None)
    just = compute(con, SETTINGS, {"Lyon": Decimal(20)})["threshold_loads"].to_pylist()
    assert [r["is_feasible"] for r in just if r["segment_kind_code"] in ("all", "team")] == [True, True]


@pytest.mark.audit("DE21")
def test_complaints_of_the_month_stand_against_those_of_the_month_before(con) -> None:
    def send(
        day: date, n: int, k: int, sending: str = "one_to_one", margin: Decimal | None = Decimal("0.002")
    ) -> None:
        add(con, "metrics.fct_email_send_days", sent_on=day, n_delivered=n, n_complained=k, size_band_code="smb",
            sending_code=sending, complaint_max_rate=Decimal("0.002"), worse_margin_rate=margin)  # fmt: skip

    send(date(2026, 4, 30), 9_000, 900)  # neither month
    send(date(2026, 5, 1), 10_000, 10)
    send(date(2026, 6, 1), 10_000, 40)
    send(date(2026, 6, 30), 50, 0, "automated")
    send(date(2026, 7, 1), 9_000, 900)
    trends = {
        (r["segment_kind_code"], r["segment_code"]): r
        for r in complaint_trends.compute(con, SETTINGS).to_pylist()
    }
    whole = trends["all", "all"]
    assert (whole["n_delivered"], whole["n_complained"]) == (10_050, 40)
    assert (whole["n_delivered_before"], whole["n_complained_before"], whole["status_code"]) == (
        10_000,
        10,
        "worse",
    )
    assert whole["difference_rate"] == round(Decimal(40) / 10_050 - Decimal("0.001"), 10)
    assert trends["sending", "automated"]["reason_code"] == "no_mails_before"
    assert trends["size_band", "smb"]["status_code"] == "worse"
    assert whole["margin_rate"] == Decimal("0.002")


@pytest.mark.audit("DE21", "DE15", "DE3")
def test_bar_and_margin_are_those_of_the_policy_on_the_last_day_with_mails(con) -> None:
    def send(day: date, n: int, k: int, bar: str | None, margin: str | None) -> None:
        con.execute(
            "insert into metrics.fct_email_send_days (sent_on, size_band_code, sending_code, n_delivered,"
            " n_complained, complaint_max_rate, worse_margin_rate) values (?, 'smb', 'one_to_one', ?, ?, ?, ?)",
            [day, n, k, bar, margin],
        )

    def told() -> tuple[str | None, str | None, Decimal | None]:
        (whole,) = [
            row
            for row in complaint_trends.compute(con, SETTINGS).to_pylist()
            if row["segment_kind_code"] == "all"
        ]
        return whole["status_code"], whole["reason_code"], whole["margin_rate"]

    assert complaint_policy(con, SETTINGS) == ComplaintPolicy(None, None)
    send(date(2026, 5, 12), 1_000, 2, "0.002", "0.002")
    send(date(2026, 6, 2), 1_000, 2, "0.002", "0.05")
    assert told() == ("proved", None, Decimal("0.05"))
    send(date(2026, 6, 30), 1_000, 2, "0.0005", "0.0001")  # a new row of the policy since the middle of June
    send(date(2026, 7, 1), 1_000, 2, "0.9", "0.9")  # after the cycle
    assert complaint_policy(con, SETTINGS) == ComplaintPolicy(Fraction(5, 10_000), Fraction(1, 10_000))
    assert told() == ("not_proved", None, Decimal("0.0001"))
    send(date(2026, 6, 30), 1, 0, None, None)
    con.execute("update metrics.fct_email_send_days set complaint_max_rate = null, worse_margin_rate = null")
    assert told() == (None, "no_margin", None)
    con.execute(
        "update metrics.fct_email_send_days set n_complained = 400 where sent_on >= date '2026-06-01'"
    )
    assert told() == ("worse", None, None), "a rise that is shown needs no margin"


def test_a_company_without_leads_has_thresholds_and_no_error(con) -> None:
    tables = compute(con, SETTINGS)
    assert tables["touch_yields"].num_rows == 0
    assert row_of(tables, "warm_intro_after", "all", "all")["in_force_value"] == 8
    (told,) = complaint_trends.compute(con, SETTINGS).to_pylist()
    assert (told["status_code"], told["reason_code"], told["margin_rate"]) == (
        None,
        "no_mails",
        None,
    )
    (load,) = tables["threshold_loads"].to_pylist()
    assert (load["n_leads"], load["touches_a_day"], load["reason_code"]) == (0, None, "no_leads")
    con.execute("delete from metrics.fct_thresholds where rule_code = 'coverage_rate'")
    with pytest.raises(LookupError, match="coverage_rate"):
        compute(con, SETTINGS)


def test_equal_data_give_equal_tables(con) -> None:
    plant(con, random_leads(200, 9))
    assert all(
        a.equals(b)
        for a, b in zip(compute(con, SETTINGS).values(), compute(con, SETTINGS).values(), strict=True)
    )
