"""The bar of complaints is dated data of one place: weeks, light, proposal, experiment and pages follow it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from html import unescape

import duckdb
import pytest
import yaml

from expectations.contact_policies import FILE
from orchestration.commands.run import run_cycle
from orchestration.project import DBT_PROJECT
from orchestration.publication.receipts import current_publication

#: From this Monday on next to everything is allowed, before it next to nothing; the experiment ends in that week.
SINCE = date(2026, 5, 18)
STRICT, MILD = Decimal("0.0001"), Decimal("0.9")
#: Weeks in which one mail is complained about: under the strict bar, then under the mild one.
WEEKS = (date(2026, 5, 11), SINCE, date(2026, 6, 15))
_MAILS = """
select min(s.message_id) from master.fct_email_sends as s
where s.is_delivered and s.sent_at >= $week and s.sent_at < $week + interval 7 days
"""
_TESTED = """
select min(s.message_id) from master.fct_email_sends as s
join read_parquet($units) as u on u.unit_id = s.account_id and u.arm_code = 'early' and u.record_key is null
where s.is_delivered and s.sent_at >= $week and s.sent_at < $week + interval 7 days
"""


def _policy(company) -> None:
    shipped = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    rows = [row for row in shipped["contact_policies"] if row["profile_code"] != "guard_rails"]
    (rails,) = [row for row in shipped["contact_policies"] if row["profile_code"] == "guard_rails"]
    rows.append({**rails, "version": "strict", "complaint_max_rate": float(STRICT), "valid_to": SINCE})
    mild = {"version": "mild", "complaint_max_rate": float(MILD), "worse_margin_rate": float(MILD)}
    rows.append({**rails, **mild, "valid_from": SINCE})
    (company / FILE).write_text(yaml.safe_dump({"contact_policies": rows}), encoding="utf-8")


def _complaints(demo) -> None:
    """One complaint in each of the weeks, that of the experiment about a mail to the arm that is tested."""
    with duckdb.connect(str(demo.work / "warehouse.duckdb"), read_only=True) as con:
        units = str(demo.work / "run" / "experiment_units.parquet")
        names = [
            con.execute(_TESTED, {"week": week, "units": units}).fetchall()[0][0]
            if week == SINCE
            else con.execute(_MAILS, {"week": week}).fetchall()[0][0]
            for week in WEEKS
        ]
    assert all(names), names
    known = {}
    for path in sorted((demo.company_dir / "extracts" / "mailing").glob("*/events.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            name = re.search(r'"sg_message_id":"([^".]+)', line)
            if name and name[1] in names:  # among lines that the demo breaks on purpose
                known.setdefault(name[1], json.loads(line))
    lines = [
        known[name]
        | {"event": "spamreport", "timestamp": known[name]["timestamp"] + 60, "sg_event_id": f"planted{name}"}
        for name in names
    ]
    target = demo.company_dir / "extracts" / "mailing" / "2026-06" / "events_complaints.jsonl"
    target.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.audit("DE15", "DE3", "DE20", "DE21", "DE24", "EX6")
def test_a_policy_that_changes_in_mid_period_is_followed_everywhere(demo_copy: Callable) -> None:
    demo = demo_copy()
    _policy(demo.company_dir)
    _complaints(demo)
    assert run_cycle(demo.company_dir, as_json=True) == 0
    with duckdb.connect(str(demo.marts), read_only=True) as con:
        weeks = {
            week: told
            for week, *told in con.execute(
                "select iso_week_start_on, complaint_max_rate, n_complained, is_complaint_breach"
                " from marts.mart_marketing_complaints_week where segment_kind_code = 'all'"
            ).fetchall()
            if week in WEEKS
        }
        assert weeks == {
            WEEKS[0]: [STRICT, 1, True], WEEKS[1]: [MILD, 1, False], WEEKS[2]: [MILD, 1, False],
        }  # fmt: skip
        rails = dict(
            con.execute(
                "select iso_week_start_on, status_code from marts.mart_revops_guard_rails_week"
                " where rail_code = 'complaint'"
            ).fetchall()
        )
        assert [rails[week] == "breach" for week in WEEKS] == [True, False, False]
        lights = con.execute(
            "select distinct colour_reason_codes from marts.mart_sales_touch_lines_cycle"
            " where colour_code is not null"
        ).fetchall()
        assert lights and not any("complaints" in reasons for (reasons,) in lights)
        proposed = con.execute(
            "select data_value, reason_code from marts.mart_sales_thresholds_cycle"
            " where rule_code = 'max_mails_a_day' and segment_kind_code = 'all'"
        ).fetchall()
        assert [(value is not None, reason) for value, reason in proposed] == [(True, None)]
        trend = con.execute(
            "select margin_rate, status_code from marts.mart_marketing_complaint_trends_cycle"
            " where segment_kind_code = 'all'"
        ).fetchall()
        assert trend == [(MILD, "proved")]
        (tested,) = con.execute(
            "select e.complaints_code, a.n_complained from marts.mart_sales_experiments_cycle as e"
            " join marts.mart_sales_experiment_arms_cycle as a using (experiment_code)"
            " where e.experiment_code = 'early_call' and a.arm_code = e.test_arm_code"
        ).fetchall()
        assert tested[0] != "breach" and tested[1] == 1
    live = current_publication(demo.published)["publication_id"]
    pages = {
        name: unescape(
            re.sub(r"<[^>]+>", " ", (demo.published / "reports" / live / f"{name}.en.html").read_text())
        )
        for name in ("sales_audit", "sales_audit_detail", "contact_charter", "monthly_note")
    }
    assert "at most 90.0%" in pages["sales_audit"]
    assert "bar 0.01%" in pages["sales_audit_detail"] and "bar 90.0%" in pages["sales_audit_detail"]
    assert "Above 90.0% of delivered mails" in pages["contact_charter"]
    assert "bar 90.0%" in pages["monthly_note"]
