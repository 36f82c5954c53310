"""Templates by quadrant on planted leads: who is judged, which touches count, and too few of them.

Not here: how a template reaches the master layer (`tests/unit/dbt_master`), how quadrants are drawn (statistics).
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS, at, day_of
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources

BUILT = (
    *("time_zones", "public_holidays", "lead_definitions", "lead_sources", "fct_lead_qualifications"),
    *("fct_lead_cadences", "mart_sales_template_shares_cycle"),
)
QUADRANTS = {"acc_1": "q1", "acc_2": "q1", "acc_3": "q3", "acc_4": "q2", "acc_5": "q1"}
# lead, account, created (Paris); the window is 45 days and the cycle ends on 30 June: April is the last matured month
LEADS = [
    ("lea_1", "acc_1", "2026-04-02 10:00"),
    ("lea_2", "acc_2", "2026-01-10 10:00"),
    ("lea_3", "acc_3", "2025-11-01 00:00"),  # the first month of the half-year
    ("lea_4", "acc_4", "2026-04-02 10:00"),  # of no quadrant that is compared
    (
        "lea_5",
        "acc_1",
        "2026-05-01 00:00",
    ),  # its month is not matured: one of its leads is younger than 45 days
    ("lea_6", "acc_1", "2026-05-30 10:00"),
    ("lea_7", "acc_3", "2025-10-31 23:59"),  # too old
    ("lea_8", "acc_2", "2026-02-10 10:00"),  # listed
    ("lea_9", "acc_5", "2026-02-10 10:00"),  # of a company that is listed
]
# person, company, first instant and end (Paris)
LISTED = [
    ("per_8", None, "2026-03-27 09:59", None),  # in the last minute of the window
    (None, "acc_5", "2026-01-01 00:00", "2026-02-10 10:01"),
    ("per_1", None, "2026-01-01 00:00", "2026-04-02 10:00"),  # over in the instant of the creation
    ("per_2", None, "2026-02-24 10:00", None),  # at the end of the window
]
# template, lead, at (Paris), how many
TOUCHES = [
    ("intro", "lea_1", "2026-04-02 10:00", 10),  # in the instant of the creation
    ("intro", "lea_2", "2026-01-20 10:00", 11),
    ("case", "lea_1", "2026-05-17 09:59", 9),  # in the last minute of the window
    ("case", "lea_1", "2026-05-17 10:00", 40),  # its end
    ("case", "lea_2", "2026-01-10 09:59", 40),  # before the lead
    ("intro", "lea_3", "2025-11-02 10:00", 20),
    ("case", "lea_3", "2025-11-02 10:00", 9),  # 29 in all: too few to have shares
    ("intro", "lea_4", "2026-04-03 10:00", 40),
    ("intro", "lea_5", "2026-05-02 10:00", 40),
    ("intro", "lea_7", "2025-11-02 10:00", 40),
    ("intro", "unknown", "2026-04-03 10:00", 40),
    ("intro", "lea_8", "2026-02-11 10:00", 40),
    ("intro", "lea_9", "2026-02-11 10:00", 40),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    work, project = folder / "work", folder / "project"
    work.mkdir()
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    leads = [
        {"lead_id": lead, "person_id": "per_" + lead[4:], "account_id": account, "rep_id": "rep_1",
         "channel_code": "inbound", "size_band_code": "smb", "created_at": at(created),
         "created_on": day_of(at(created)), "is_created_day_only": False, "is_converted": False,
         "is_converted_day_only": False, "is_mql_day_only": False, "is_sql_day_only": False, "n_source_rows": 1}
        for lead, account, created in LEADS
    ]  # fmt: skip
    accounts = {lead: account for lead, account, _ in LEADS}
    touches = [
        {"touch_key": f"email:{n}-{i}", "template_id": template, "lead_id": lead,
         "account_id": accounts.get(lead, "unknown"), "occurred_at": at(moment)}
        for n, (template, lead, moment, many) in enumerate(TOUCHES)
        for i in range(many)
    ]  # fmt: skip
    listed = [
        {"exclusion_id": f"x{n}", "list_code": "do_not_contact", "person_id": person, "account_id": account,
         "starts_at": at(first), "ends_at": at(last) if last else None}
        for n, (person, account, first, last) in enumerate(LISTED)
    ]  # fmt: skip
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    quadrants = [{"account_id": account, "quadrant_code": code} for account, code in QUADRANTS.items()]
    write_sources(
        work,
        {
            "quality.gate_verdicts": [admitted],
            "run.settings": [SETTINGS],
            "statistics.account_quadrants": quadrants,
        },
    )
    write_relations(
        work / "warehouse.duckdb",
        {"fct_leads": leads, "fct_templated_touches": touches, "int_contact_exclusions": listed},
    )
    only = ("--resource-type", "model", "--resource-type", "seed")
    run_dbt(work, project, "build", "--select", *BUILT, *only)
    return work / "warehouse.duckdb"


@pytest.mark.audit("PB4")
def test_templates_have_shares_of_the_touches_by_which_q1_and_q3_are_judged(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as con:
        found = con.execute(
            "select template_id, n_touches_q1, n_accounts_q1, n_templated_q1, template_share_q1_rate,"
            " n_touches_q3, n_accounts_q3, n_templated_q3, template_share_q3_rate, template_share_q3_reason_code"
            " from marts.mart_sales_template_shares_cycle order by 1"
        ).fetchall()
    assert found == [
        ("case", 9, 1, 30, Decimal("0.3"), 9, 1, 29, None, "too_few_templated_touches"),
        ("intro", 21, 2, 30, Decimal("0.7"), 20, 1, 29, None, "too_few_templated_touches"),
    ]
