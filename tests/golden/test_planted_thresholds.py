"""Leads that keep to each threshold at its bar, and leads that miss it by one: who is judged, by what, when.

Only the models of the thresholds are built, on rows of the master layer. Not here: what the data propose
(tests/unit/statistics/test_thresholds_step.py).
"""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS, at, day_of
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources

BUILT = [
    *("time_zones", "public_holidays", "lead_definitions", "lead_sources", "fct_lead_qualifications"),
    *("fct_lead_cadences", "fct_thresholds", "fct_lead_adherences", "mart_sales_adherence_cycle"),
    *("int_undated_refusals", "mart_sales_late_contacts_cycle"),
]
# A row of the company for leads created from 10 June on.
OWN = {
    "rule_code": "min_touches", "channel_code": "inbound", "size_band_code": "smb", "value": "3", "window_days": 10,
    "origin_code": "human", "version": "2026-05-1", "valid_from": "2026-06-10",
}  # fmt: skip


class Company:
    """Rows of the master layer, lead by lead."""

    def __init__(self) -> None:
        self.leads: list[dict] = []
        self.touches: list[dict] = []
        self.sends: list[dict] = []
        self.intros: list[dict] = []
        self.refusals: list[dict] = []
        self.undated: list[str] = []

    def lead(self, name: str, segment: str, created: str, touches: str = "", **values) -> None:
        """touches: '<day>[@<hour>]<channel>[!]' by spaces; channel v, e, s or m; ! reached nobody."""
        channel, size = segment.split("/")
        moment = at(created)
        converted = values.pop("converted", None)
        self.leads.append({
            "lead_id": f"lea_{name}", "person_id": f"per_{name}", "account_id": f"acc_{name}", "rep_id": "rep_1",
            "channel_code": channel, "size_band_code": size, "created_at": moment, "created_on": day_of(moment),
            "is_created_day_only": False, "is_converted": converted is not None,
            "converted_at": converted and at(converted), "converted_on": converted and day_of(at(converted)),
            "is_converted_day_only": False, "is_opted_out": False, "country_code": "FR",
            "timezone": "Europe/Paris", "n_source_rows": 1, **values,
        })  # fmt: skip
        for spec in touches.split():
            is_effective = not spec.endswith("!")
            spec = spec.rstrip("!")
            day, _, hour = spec[:-1].partition("@")
            clock = hour or "10:00"
            on = day_of(moment) + timedelta(days=int(day))
            self.touch(name, f"{on} {clock}", spec[-1], is_effective)

    def touch(
        self, name: str, moment: str, channel: str, is_effective: bool = True, person: str = ""
    ) -> None:
        """A touch of a lead; person: somebody else of its account, who has no lead."""
        channels = {"v": "voice", "e": "email", "s": "social", "m": "meeting"}
        key = f"t{len(self.touches)}"
        self.touches.append({
            "touch_key": f"call:{key}", "source_stream_code": "call", "source_key": key,
            "lead_id": "unknown" if person else f"lea_{name}", "person_id": person or f"per_{name}",
            "account_id": f"acc_{name}", "rep_id": "rep_1", "channel_code": channels[channel],
            "direction_code": "outbound", "occurred_at": at(moment), "occurred_on": day_of(at(moment)),
            "is_day_only": False, "is_effective": is_effective,
        })  # fmt: skip

    def newsletter(self, name: str, moment: str) -> None:
        """A mail that software sent."""
        self.sends.append({
            "send_key": f"s{len(self.sends)}", "lead_id": f"lea_{name}", "person_id": f"per_{name}",
            "sent_at": at(moment), "is_sent": True, "is_automated": True,
        })  # fmt: skip

    def unsubscribes(self, name: str, moment: str, ended: str | None = None) -> None:
        """Mails are refused from an instant on, for good or up to another."""
        self.refusals.append(
            {"person_id": f"per_{name}", "channel_code": "email", "refused_at": at(moment),
             "ends_at": at(ended) if ended else None}
        )  # fmt: skip

    def intro(self, name: str, moment: str) -> None:
        """A logged introduction."""
        self.intros.append({
            "record_key": f"i{len(self.intros)}", "lead_id": f"lea_{name}", "occurred_at": at(moment),
            "is_warm_intro": True,
        })  # fmt: skip


def planted() -> Company:
    """Every rule at its bar and one beyond it."""
    c = Company()
    # SMB inbound: 4 touches in 10 days of 24 hours
    c.lead("smb_bar", "inbound/smb", "06-02 09:00", "0@11:00e 2v 4e 10@08:59e")
    c.lead("smb_short", "inbound/smb", "06-02 09:00", "0@11:01e 2v 3v! 4e 10@09:00e")
    c.lead("smb_first", "inbound/smb", "05-22 09:00", "0e 2v 4e 5e")
    c.lead("smb_last", "inbound/smb", "06-20 09:00", "0e 2v")
    c.lead("smb_before", "inbound/smb", "05-21 09:00", "0e")
    c.lead("smb_after", "inbound/smb", "06-21 09:00", "0e")
    c.lead("smb_refuses", "inbound/smb", "06-02 09:00", "0e", is_opted_out=True)
    c.unsubscribes("smb_refuses", "06-12 08:59")
    c.lead("smb_refused", "inbound/smb", "06-02 09:00", "0e", is_opted_out=True)
    c.unsubscribes("smb_refused", "04-01 09:00")
    c.lead("smb_refuses_later", "inbound/smb", "06-02 09:00", "0e", is_opted_out=True)
    c.unsubscribes("smb_refuses_later", "06-12 09:01")
    c.lead("smb_converts", "inbound/smb", "06-02 09:00", "0e 9e", converted="06-12 08:59")
    c.lead("smb_converts_later", "inbound/smb", "06-02 09:00", "0e 9e", converted="06-12 09:00")
    c.lead("smb_own_before", "inbound/smb", "06-09 09:00", "0e 1v 2e")
    c.lead("smb_own", "inbound/smb", "06-10 09:00", "0e 1v 2e")
    # time to first contact: two hours
    c.lead("ttf_never", "inbound/smb", "06-23 09:00", "0v!")
    c.lead("ttf_weekend", "inbound/smb", "06-26 16:30", "3@09:30e")  # Friday to Monday, an hour of work
    c.lead("ttf_lost", "inbound/smb", "06-23 09:00", status_code="disqualified")
    c.lead("ttf_refused", "inbound/smb", "06-23 09:00")
    c.unsubscribes("ttf_refused", "06-24 09:00")
    c.lead(
        "ttf_back", "inbound/smb", "06-23 09:00", is_opted_out=True
    )  # wrote again; the flag was never cleared
    c.unsubscribes("ttf_back", "06-24 09:00", "06-29 09:00")
    c.lead("ttf_refuses_later", "inbound/smb", "06-23 09:00", is_opted_out=True)
    c.unsubscribes("ttf_refuses_later", "07-02 09:00")
    c.lead("ttf_undated", "inbound/smb", "06-23 09:00")
    c.undated.append("per_ttf_undated")
    c.lead("ttf_minute", "inbound/smb", "06-23 09:00", "0@11:01e", rep_id="rep_2")
    c.lead("ttf_day", "inbound/smb", "06-23 00:00", is_created_day_only=True)
    c.lead("ttf_before", "inbound/smb", "06-23 09:00", "0@08:00e")
    # mails of one day of the recipient
    c.lead("mail_bar", "inbound/smb", "06-02 09:00", "1@09:00e 1@12:00e 2@00:01e")
    c.lead("mail_over", "inbound/smb", "06-02 09:00", "1@09:00e 1@12:00e")
    c.newsletter("mail_over", "06-03 20:00")
    c.lead(
        "mail_york", "inbound/smb", "06-02 09:00", "1@05:00e 1@12:00e 1@20:00e", timezone="America/New_York"
    )
    # mid outbound: 6 to 8 in 14 days by voice, mail and social
    six = "0v 1e 3v 5e 8e 14@08:59v"
    c.lead("mid_bar", "outbound/mid", "06-02 09:00", f"{six} 2s!")
    c.lead("mid_eight", "outbound/mid", "06-02 09:00", f"{six} 9e 10e 2s! 4v! 14@09:00e")
    c.lead("mid_nine", "outbound/mid", "06-02 09:00", f"{six} 9e 10e 11e 2s!")
    c.lead("mid_five", "outbound/mid", "06-02 09:00", "0v 1e 3v 5e 8e 2s!")
    c.lead("mid_no_social", "outbound/mid", "06-02 09:00", f"{six} 7m")
    # enterprise: 8 to 12 in 21 days, two channels, two persons; beyond 8 touches an introduction, in 30 days
    eight = "0e 2e 4e 6e 8e 10e 12e 21@08:59v"
    c.lead("big_bar", "partner/enterprise", "05-15 09:00", eight)
    c.touch("big_bar", "2026-06-05 08:59", "v", person="per_boss")
    c.lead("big_alone", "outbound/enterprise", "05-15 09:00", eight.replace("v", "e") + " 21@09:00v")
    c.touch("big_alone", "2026-06-05 09:00", "v", person="per_late")
    c.touch("big_alone", "2026-05-20 09:00", "v", is_effective=False, person="per_unreached")
    c.lead("big_introduced", "inbound/enterprise", "05-15 09:00", eight + " 22e")
    c.intro("big_introduced", "2026-06-14 08:59")
    c.lead("big_late_intro", "inbound/enterprise", "05-15 09:00", eight + " 13e 14e 15e 16e 17e")
    c.intro("big_late_intro", "2026-06-14 09:00")
    # hot leads: 4 touches to day 5, then none for 7 days
    c.lead("hot_bar", "partner/smb", "06-03 09:00", "0e 1v 3e 5@08:59v 12@09:00e", lead_score=Decimal(80))
    c.lead("hot_short", "partner/smb", "06-03 09:00", "0e 1v 3e 5@09:00v 12@08:59e!", lead_score=Decimal(95))
    c.lead("cold", "partner/smb", "06-03 09:00", "0e", lead_score=Decimal("79.9"))
    c.lead("unscored", "partner/smb", "06-03 09:00", "0e")
    return c


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("thresholds")
    work, project, c = folder / "work", folder / "project", planted()
    _build(work, project, c, {"thresholds": [OWN]})
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        yield con


def _build(work: Path, project: Path, company: Company, variables: dict) -> None:
    work.mkdir(parents=True)
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    write_sources(work, {"quality.gate_verdicts": [admitted], "run.settings": [SETTINGS]})
    write_relations(
        work / "warehouse.duckdb",
        {
            "fct_leads": company.leads, "fct_touches": company.touches, "fct_email_sends": company.sends,
            "int_activities": company.intros, "int_contact_refusals": company.refusals,
            "dim_persons": [
                {"person_id": person, "account_id": "unknown", "is_email_opted_out": True, "is_call_opted_out": False}
                for person in company.undated
            ],
        },
    )  # fmt: skip
    only = ("--resource-type", "model", "--resource-type", "seed")
    run_dbt(work, project, "build", "--select", *BUILT, *only, "--vars", json.dumps(variables))


def found(con: duckdb.DuckDBPyConnection, rule: str, prefix: str = "") -> dict[str, tuple]:
    """Lead -> (actual, within, within otherwise) or why it is not judged."""
    rows = con.execute(
        "select substr(lead_id, 5), exempt_code, actual_value, is_within, is_within_otherwise"
        " from metrics.fct_lead_adherences where rule_code = $rule and lead_id like 'lea_' || $prefix || '%'",
        {"rule": rule, "prefix": prefix},
    ).fetchall()
    return {
        name: exempt or (None if actual is None else float(actual), *told)
        for name, exempt, actual, *told in rows
    }


@pytest.mark.audit("DE2", "DE5")
def test_the_least_number_of_touches_counts_the_last_minute_and_not_the_next(judged) -> None:
    assert found(judged, "min_touches", "smb") == {
        "smb_bar": (4, True, True),
        "smb_short": (3, False, True),  # with the call that reached nobody there are four
        "smb_first": (4, True, True),  # its tenth day is 1 June
        "smb_last": (2, False, False),  # its tenth day is 30 June; the row of the company asks for three
        "smb_refuses": "opted_out",
        "smb_refused": "opted_out",
        "smb_refuses_later": (1, False, False),  # the flag of today says nothing about those days
        "smb_converts": "converted",
        "smb_converts_later": (2, False, False),
        "smb_own_before": (3, False, False),
        "smb_own": (3, True, True),
    }


@pytest.mark.audit("DE1")
def test_a_lead_is_judged_by_the_row_of_its_day_of_creation(judged) -> None:
    rows = judged.execute(
        "select substr(lead_id, 5), cast(threshold_value as int), threshold_version, origin_code"
        " from metrics.fct_lead_adherences where rule_code = 'min_touches' and lead_id like 'lea_smb_own%' order by 1"
    ).fetchall()
    assert rows == [("smb_own", 3, "2026-05-1", "human"), ("smb_own_before", 4, "2026-1", "method_default")]


@pytest.mark.audit("DE4", "DE5")
def test_the_first_contact_is_due_in_two_hours_for_every_lead_reached_or_not(judged) -> None:
    times = found(judged, "ttf_max_hours")
    assert times["smb_bar"] == (2, True, True)
    assert times["smb_short"][1:] == (False, False) and times["smb_short"][0] == pytest.approx(
        2 + 1 / 60, abs=1e-3
    )
    assert times["ttf_never"] == (None, False, False)
    assert times["ttf_weekend"][1:] == (False, True)
    assert times["ttf_before"] == "negative_ttf"
    # of every lead created from the last day of May to the last but one of June
    assert {"smb_refuses", "smb_after", "smb_converts"} <= set(times) and not {
        "smb_first",
        "smb_before",
    } & set(times)


@pytest.mark.audit("DE3", "DE5")
def test_mails_of_a_day_are_those_of_the_recipient_and_of_software_too(judged) -> None:
    assert found(judged, "max_mails_a_day", "mail") == {
        "mail_bar": (2, True, None), "mail_over": (3, False, None), "mail_york": (2, True, None),
    }  # fmt: skip


@pytest.mark.audit("DE6")
def test_mid_outbound_asks_for_six_to_eight_touches_and_three_channels(judged) -> None:
    least, most = found(judged, "min_touches", "mid"), found(judged, "max_touches", "mid")
    assert {name: told[:2] for name, told in least.items()} == {
        "mid_bar": (6, True), "mid_eight": (8, True), "mid_nine": (9, True), "mid_five": (5, False),
        "mid_no_social": (7, True),
    }  # fmt: skip
    assert {name for name, told in most.items() if not told[1]} == {"mid_nine"}
    assert {name for name, told in most.items() if not told[2]} == {"mid_eight", "mid_nine"}, (
        "attempts count too"
    )
    channels = found(judged, "min_channels", "mid")
    assert {name for name, told in channels.items() if not told[1]} == {
        "mid_no_social"
    }  # a meeting is no social
    assert channels["mid_no_social"][0] == 2


@pytest.mark.audit("DE7")
def test_enterprise_asks_for_two_channels_and_two_persons_of_the_account(judged) -> None:
    assert {n: t[:2] for n, t in found(judged, "min_touches", "big").items()} == {
        "big_bar": (8, True), "big_alone": (8, True), "big_introduced": (8, True), "big_late_intro": (13, True),
    }  # fmt: skip
    assert {n for n, t in found(judged, "max_touches", "big").items() if not t[1]} == {"big_late_intro"}
    assert {n for n, t in found(judged, "min_channels", "big").items() if not t[1]} == {"big_alone"}
    persons = found(judged, "min_contacts", "big")
    assert persons["big_bar"] == (2, True, None) and persons["big_alone"] == (1, False, None)


@pytest.mark.audit("DE8")
def test_beyond_eight_touches_an_introduction_is_asked_for(judged) -> None:
    assert found(judged, "warm_intro_after", "big") == {
        "big_bar": "not_beyond",
        "big_alone": (0, False, None),  # nine in thirty days
        "big_introduced": (1, True, None),  # in the last minute
        "big_late_intro": (0, False, None),  # at the end of the days
    }


@pytest.mark.audit("DE10")
def test_a_hot_lead_is_touched_densely_and_then_left_alone(judged) -> None:
    assert found(judged, "hot_min_touches") == {"hot_bar": (4, True, True), "hot_short": (3, False, False)}
    assert found(judged, "hot_cool_down_days") == {"hot_bar": (0, True, None), "hot_short": (2, False, None)}


@pytest.mark.audit("DE1", "DE2", "DE4")
def test_the_mart_counts_what_was_judged_and_lists_every_rule(judged) -> None:
    read = judged.execute("select * from marts.mart_sales_adherence_cycle")
    names = [column[0] for column in read.description]
    rows = [dict(zip(names, row, strict=True)) for row in read.fetchall()]
    of_company = {row["rule_code"]: row for row in rows if row["segment_kind_code"] == "all"}
    for rule, row in of_company.items():
        told = found(judged, rule)
        outside = {"negative_ttf", "day_only"}
        assert row["n_leads"] == len(told)
        assert row["n_not_assessed"] == sum(each in outside for each in told.values())
        assert row["n_exempt"] == sum(isinstance(t, str) and t not in outside for t in told.values())
        assert row["n_within"] == sum(not isinstance(t, str) and t[1] for t in told.values())
        assert row["n_judged"] == row["n_within"] + row["n_breaches"]
        assert row["within_rate"] == (
            round(Decimal(row["n_within"]) / row["n_judged"], 10) if row["n_judged"] else None
        )
    assert of_company["ttf_max_hours"]["n_never_contacted"] == 7
    assert of_company["min_touches"]["threshold_value"] is None  # 3, 4, 6 and 8
    (mid,) = [r for r in rows if (r["segment_code"], r["rule_code"]) == ("outbound/mid", "max_touches")]
    assert (mid["n_judged"], mid["n_within"], mid["threshold_value"]) == (5, 4, 8)


@pytest.mark.audit("SL4", "DE4")
def test_late_first_contacts_are_named_with_their_owner_as_often_as_they_are_counted(judged) -> None:
    columns = "rep_id, due_at, first_contact_at, status_code, hours_late, business_hours_late, hours_late_reason_code"
    late = {
        name: tuple(told)
        for name, *told in judged.execute(
            f"select substr(lead_id, 5), {columns} from marts.mart_sales_late_contacts_cycle"
        ).fetchall()
    }
    due, end = at("06-23 11:00"), at("07-01 00:00")
    # rep, due, contact, status, hours late, business hours late
    assert late["ttf_minute"][:4] == ("rep_2", due, at("06-23 11:01"), "contacted_late")
    assert late["ttf_minute"][4] == late["ttf_minute"][5] == round(Decimal(1) / 60, 4)
    assert late["ttf_weekend"][1:] == (
        at("06-26 18:30"), at("06-29 09:30"), "contacted_late", Decimal("63"), Decimal(0), None,
    )  # fmt: skip
    # nobody reached: late up to the end of the cycle, 181 hours after 11:00 on the 23rd, six days of eight hours
    hours = Decimal(int((end - due).total_seconds())) / 3600
    assert late["ttf_never"][1:] == (due, None, "waiting", hours, Decimal(6 * 8 - 2), None)
    assert late["ttf_lost"][3] == "closed"
    # only a refusal that holds at the end of the cycle, or since nobody knows when, closes
    assert [late[f"ttf_{name}"][3] for name in ("refused", "back", "refuses_later", "undated")] == [
        "closed", "waiting", "waiting", "closed",
    ]  # fmt: skip
    assert late["ttf_day"][1:] == (None, None, "waiting", None, None, "created_day_only")
    assert "ttf_before" not in late and "smb_bar" not in late
    assert set(late) == {
        name for name, told in found(judged, "ttf_max_hours").items() if told[1:2] == (False,)
    }
    counted = judged.execute(
        "select segment_code, n_breaches from marts.mart_sales_adherence_cycle"
        " where rule_code = 'ttf_max_hours' and segment_kind_code = 'channel_size'"
    ).fetchall()
    assert counted == [("inbound/smb", len(late))]


def test_a_company_without_leads_has_every_rule_and_a_reason(tmp_path: Path) -> None:
    _build(tmp_path / "work", tmp_path / "project", Company(), {})
    with duckdb.connect(str(tmp_path / "work" / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select distinct n_leads, within_rate, reason_code, count(*) over () from marts.mart_sales_adherence_cycle"
        ).fetchall()
        assert con.execute("select count(*) from marts.mart_sales_late_contacts_cycle").fetchone() == (0,)
    assert rows == [(0, None, "no_lead", 9)]
