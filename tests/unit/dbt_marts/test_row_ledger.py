"""The row ledger of a planted company balances, and each kind of loss breaks its own identity."""

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest.contract import load_contracts
from tests.golden.planted_company import SETTINGS
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources

LEDGER = ["path:models/quality", "path:models/metrics"]
STAGED = [  # no fact and no crosswalk counts their records
    "calendar_event", "crm_campaign", "crm_campaign_member", "crm_consent", "crm_merge", "crm_opportunity_line",
    "email_message", "erp_payment", "exchange_rate",
]  # fmt: skip
CONTRACTS = {  # kept records; two more are disposed of: one superseded, one quarantined
    "crm_lead": 5,
    "crm_account": 3,
    "erp_customer": 1,
    "crm_contact": 1,
    "crm_user": 1,
    "erp_product": 1,
    "telephony_call_leg": 4,
    "email_event": 4,
    "calendar_attendee": 3,
    "crm_activity": 3,
    "crm_opportunity": 3,
    "crm_opportunity_event": 3,
    "erp_invoice_line": 4,
    "erp_ledger_entry": 4,
    "erp_invoice": 4,
    "erp_subscription": 4,
    "nps_response": 3,
    "product_usage": 4,
    "erp_order_line": 3,
    "crm_opportunity_contact_role": 3,
    "crm_account_event": 3,
    "social_metric": 3,
    "marketing_cost": 2,
    "crm_quota": 3,
    **dict.fromkeys(STAGED, 2),
}
EXCLUDED = {  # contract -> stream, record, reason
    "crm_lead": ("person", 5, "test_record"),
    "crm_account": ("account", 3, "deleted_in_source"),
    "calendar_attendee": ("attendee", 3, "internal_attendee"),
    "crm_activity": ("activity", 3, "double_logged"),
    "crm_opportunity": ("opportunity", 3, "deleted_in_source"),
    "erp_invoice_line": ("invoice_line", 4, "draft_document"),
    "crm_opportunity_event": ("opportunity_event", 3, "unmapped_stage"),
    "erp_ledger_entry": ("ledger", 4, "opening_entry"),
    "erp_subscription": ("subscription", 3, "overlapping_subscription"),
    "nps_response": ("nps_response", 3, "score_not_countable"),
    "product_usage": ("product_usage", 4, "deleted_in_source"),
    "erp_order_line": ("order_line", 3, "order_closed_undated"),
    "crm_quota": ("quota", 3, "deleted_in_source"),
    "crm_opportunity_contact_role": ("contact_role", 3, "deleted_in_source"),
    "crm_account_event": ("account_event", 3, "deleted_in_source"),
    "social_metric": ("social_metric", 3, "deleted_in_source"),
}


def delivery(contract: str) -> str:
    return f"d_{contract}"[:12]


def sources() -> dict[str, list[dict]]:
    tables: dict[str, list[dict]] = {
        "run.settings": [SETTINGS],
        "collect.dispositions": [],
        "collect.ledger_terms": [],
        "stewardship.outlier_classes": [
            {
                "decision_id": f"dec_{n}",
                "metric_code": "touches_per_hour_of_rep",
                "record_key": "call:c1",
                "class_code": class_code,
                "author": "Ann",
                "reason": "why",
                "decided_at": datetime(2026, 6, n),
                "status": status,
            }
            for n, class_code, status in ((1, "error", "replaced"), (2, "risk", "active"))
        ],
    }
    for contract, kept in CONTRACTS.items():
        rows = []
        for row in range(1, kept + 3):
            rows.append(
                {
                    "source_system": "planted",
                    "source_instance": "one",
                    "_delivery_id": delivery(contract),
                    "_source_row_id": row,
                    "_record_part": 0,
                    "is_deleted": False,
                    "source_record_id": str(row),
                }
            )
            if contract == "erp_invoice":
                rows[-1] |= {"currency": "EUR" if row == 1 else "USD", "status": "posted"}
            if contract == "erp_invoice_line":
                rows[-1] |= {"invoice_id": str(min(row, 9)), "net_amount": Decimal("10.01") * row}
            if contract == "erp_subscription":
                rows[-1] |= {"currency": "EUR", "unit_amount": Decimal(row), "quantity": Decimal(2)}
            if contract == "erp_ledger_entry":
                rows[-1] |= {
                    "credit": Decimal(row),
                    "debit": Decimal("0.5"),
                    "account_class": "revenue",
                    "currency": "EUR",
                }
            if row > kept:
                disposition, reason = [
                    ("superseded", "superseded_by_newer"),
                    ("quarantined", "required_value_missing"),
                ][row - kept - 1]
                tables["collect.dispositions"].append(
                    {
                        "contract": contract,
                        "source_instance": "one",
                        "_delivery_id": delivery(contract),
                        "_source_row_id": row,
                        "_record_part": 0,
                        "disposition": disposition,
                        "reason_code": reason,
                        "winner_delivery_id": delivery(contract),
                        "winner_source_row_id": 1,
                    }
                )
        tables[f"raw.{contract}"] = rows
        counts = {
            "records_in": kept + 2,
            "kept": kept,
            "quarantined": 1,
            "excluded": 0,
            "exact_duplicate": 0,
            "superseded": 1,
            "suppressed": 0,
        }
        lines = {"physical_lines": kept + 4, "header_lines": 1, "blank_lines": 0, "record_lines": kept + 2}
        lines |= {"quarantined_lines": 1, "repaired_lines": 0}
        for term, names, named in [
            ("A", {"file_bytes": 90, "lines_bytes": 90}, None),
            ("B", lines, None),
            ("C", counts, contract),
        ]:
            tables["collect.ledger_terms"] += [
                {
                    "source_instance": "one",
                    "_delivery_id": delivery(contract),
                    "contract": named,
                    "term": term,
                    "name": name,
                    "value": value,
                }
                for name, value in names.items()
            ]
    change = {
        "contract": "crm_lead",
        "source_instance": "one",
        "_delivery_id": delivery("crm_lead"),
        "_source_row_id": 1,
        "source_record_id": "1",
        "field": "phone",
        "value_before": "n/a",
        "reason_code": "phone_unparsable",
        "action": "null",
    }
    tables["collect.changes"] = [change, change, change | {"field": "mobile"}]
    tables["collect.quarantine_lines"] = [
        {
            "source_instance": "one",
            "_delivery_id": "d_x",
            "_source_row_id": 7,
            "reason_code": "unclosed_quote",
            "raw_line": 'a;"b',
        }
    ]
    tables["matching.edges"] = [
        {
            "entity": "account",
            "left_record_key": "one/crm_account/1",
            "right_record_key": "one/erp_customer/1",
            "evidence_code": "registration_number",
            "weight": 9.0,
            "decision": "accepted",
        }
    ]
    tables["matching.golden_ids"] = [
        {
            "golden_id": "acc_1",
            "entity": "account",
            "anchor_record_key": "one/erp_customer/1",
            "status": "active",
        }
    ]
    return tables


def key(contract: str, row: int) -> str:
    return f"one/{contract}/{row}"


def relations() -> dict[str, list[dict]]:
    accounts = [("crm_account", 1, "acc_1"), ("erp_customer", 1, "acc_1"), ("crm_account", 2, "acc_2")]
    persons = [
        ("crm_lead", 1, "per_1"),
        ("crm_lead", 2, "per_1"),
        ("crm_lead", 3, "per_2"),
        ("crm_lead", 4, "per_3"),
        ("crm_contact", 1, "per_1"),
    ]
    crosswalk = {
        "xref_accounts": [("account_id", *row) for row in accounts],
        "xref_persons": [("person_id", *row) for row in persons],
    }
    made = {
        name: [
            {
                "record_key": key(c, n),
                golden: g,
                "contract": c,
                "source_instance": "one",
                "source_record_id": str(n),
                "_delivery_id": delivery(c),
                "_source_row_id": n,
            }
            for golden, c, n, g in rows
        ]
        for name, rows in crosswalk.items()
    }
    day = date(2026, 5, 4)
    return made | {
        "dim_accounts": [{"account_id": a} for a in ("acc_1", "acc_2", "unknown")],
        "dim_persons": [{"person_id": p} for p in ("per_1", "per_2", "per_3", "unknown")],
        "dim_reps": [{"rep_id": key("crm_user", 1)}, {"rep_id": "unknown"}],
        "dim_products": [{"product_id": key("erp_product", 1)}, {"product_id": "unknown"}],
        "fct_leads": [
            {"lead_id": f"lea_{n}", "n_source_rows": rows, "created_at": datetime(2026, 5, 4)}
            for n, rows in ((1, 2), (2, 1), (3, 1))
        ],
        "fct_calls": [{"call_key": f"c{n}", "n_source_rows": 2} for n in (1, 2)],
        "fct_email_sends": [{"send_key": f"s{n}", "n_source_rows": rows} for n, rows in ((1, 3), (2, 1))],
        "fct_meetings": [{"meeting_key": "m1", "n_source_rows": 2}],
        "int_touch_outliers": [
            {
                "metric_code": "touches_per_hour_of_rep",
                "source_stream_code": stream,
                "source_key": key_,
                "is_error": is_error,
            }
            for stream, key_, is_error in (("call", "c1", False), ("call", "c2", True), ("email", "s1", True))
        ],
        "fct_touches": [
            {
                "touch_key": "t1",
                "source_stream_code": "activity",
                "lead_id": "lea_1",
                "is_effective": True,
                "occurred_at": datetime(2026, 5, 3),
            },
            {"touch_key": "t2", "source_stream_code": "activity", "lead_id": "lea_2"},
            {"touch_key": "t3", "source_stream_code": "call", "lead_id": "lea_2"},
        ],
        "fct_opportunities": [
            {
                "opportunity_id": "o1",
                "is_won": True,
                "is_lost": False,
                "closed_on": day,
                "amount": Decimal(5),
            },
            {
                "opportunity_id": "o2",
                "is_won": True,
                "is_lost": False,
                "amount": Decimal(7),
            },  # no closing date
        ],
        "fct_opportunity_changes": [
            {"opportunity_change_key": key("crm_opportunity_event", n), "opportunity_id": "o1"}
            for n in (1, 2)
        ],
        "fct_opportunity_stages": [
            {
                "opportunity_stage_key": f"{o}/{stage}",
                "opportunity_id": o,
                "stage_code": stage,
                "stage_rank": rank,
                "n_source_rows": rows,
                "first_entered_at": entered,
            }
            for o, stage, rank, rows, entered in [
                ("o1", "won", 7, 2, datetime(2026, 5, 4)),
                ("o1", "meeting", 3, 0, datetime(2026, 5, 3)),
                ("o2", "won", 7, 0, None),
                ("o2", "proposal", 5, 0, None),
                ("o2", "meeting", 3, 0, datetime(2026, 7, 4)),
            ]
        ],
        "int_subscription_months": [
            {
                "record_key": key("erp_subscription", n),
                "period_month": date(2026, month, 1),
                "mrr": Decimal(n),
                "reason_code": "overlapping_subscription" if overlapped else None,
            }
            for n, month, overlapped in [
                (1, 4, False),
                (2, 4, True),
                (2, 5, False),
                (3, 4, True),
                (4, 5, False),
            ]
        ],
        "int_subscription_fates": [
            {"record_key": key("erp_subscription", n), "currency": "EUR", "period_amount": Decimal(2 * n)}
            for n in (1, 2, 3, 4)
        ],
        "fct_subscription_months": [
            {"account_month_key": f"acc_1/{month}", "mrr": Decimal(mrr), "n_subscriptions": many}
            for month, mrr, many in [("2026-04", 1, 1), ("2026-05", 6, 2)]
        ],
        "fct_invoice_lines": [
            {
                "invoice_line_id": key("erp_invoice_line", n),
                "currency": "EUR" if n == 1 else "USD",
                "net_amount": Decimal("10.01") * n,
                "invoiced_on": {1: day, 2: None, 3: date(2026, 7, 1)}[n],
                "is_intercompany": False,
                "account_id": "acc_1",
                "group_id": "grp_1",
                "product_id": "unknown",
            }
            for n in (1, 2, 3)
        ],
        "fct_marketing_costs": [  # the first cost covers two months; a campaign is no row of this contract
            {"cost_month_key": f"{key(c, n)}/{month}", "cost_id": key(c, n), "cost_source_code": source}
            for c, n, month, source in [
                ("marketing_cost", 1, "2026-04", "cost"),
                ("marketing_cost", 1, "2026-05", "cost"),
                ("marketing_cost", 2, "2026-04", "cost"),
                ("crm_campaign", 1, "2026-04", "campaign"),
            ]
        ],
        "fct_ledger_revenues": [
            {
                "ledger_line_key": key("erp_ledger_entry", n),
                "currency": "EUR",
                "revenue_amount": n - Decimal("0.5"),
            }
            for n in (1, 2, 3)
        ],
        "fct_nps_responses": [{"response_key": key("nps_response", n)} for n in (1, 2)],
        "fct_product_usages": [{"usage_key": f"u{n}", "n_source_rows": n} for n in (1, 2)],
        "fct_order_lines": [
            {"order_line_id": key("erp_order_line", n), "ordered_on": day, "is_intercompany": False}
            for n in (1, 2)
        ],
        "fct_quotas": [{"quota_key": key("crm_quota", n)} for n in (1, 2)],
        "fct_opportunity_contact_roles": [
            {"contact_role_key": key("crm_opportunity_contact_role", n)} for n in (1, 2)
        ],
        "fct_account_events": [{"account_event_key": key("crm_account_event", n)} for n in (1, 2)],
        "fct_social_metrics": [{"social_metric_key": key("social_metric", n)} for n in (1, 2)],
        "int_fact_exclusions": [
            {
                "stream": stream,
                "contract": c,
                "source_instance": "one",
                "_delivery_id": delivery(c),
                "_source_row_id": row,
                "_record_part": 0,
                "record_key": key(c, row),
                "reason_code": reason,
            }
            for c, (stream, row, reason) in [
                *EXCLUDED.items(),
                ("erp_subscription", ("subscription_month", 2, "overlapping_subscription")),
            ]
        ],
    }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted company whose ledger balances, in <folder>/work."""
    folder = tmp_path_factory.mktemp("ledger")
    work, project = folder / "work", folder / "project"
    work.mkdir()
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    write_sources(work, sources())
    write_relations(work / "warehouse.duckdb", relations())
    run_dbt(work, project, "seed")
    run_dbt(work, project, "run", "--select", "path:models/staging", *LEDGER)
    return folder


def balances(work: Path) -> list[tuple]:
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            "select term, stream, split_part(scope, ':', 1), difference from quality_dbt.dq_ledger_balances"
        ).fetchall()


@pytest.mark.audit("CL1")
def test_every_term_is_there_and_every_difference_is_zero(company):
    found = balances(company / "work")
    assert {term for term, *_ in found} == set("ABCDEFG")
    assert not [row for row in found if row[3] != 0]


def test_the_records_of_every_contract_are_counted_after_collect(company):
    """A contract that no identity of D or E names could lose its kept records without a word."""
    followed = {stream for term, stream, *_ in balances(company / "work") if term in "DE"}
    by_fact = {
        "telephony_call_leg": "call", "email_event": "email", "calendar_attendee": "attendee",
        "crm_activity": "activity", "crm_opportunity": "opportunity", "erp_invoice_line": "invoice_line",
        "crm_opportunity_event": "opportunity_event", "erp_ledger_entry": "ledger",
        "erp_subscription": "subscription", "marketing_cost": "marketing_cost",
        "crm_quota": "quota", "erp_order_line": "order_line",
        "crm_opportunity_contact_role": "contact_role", "crm_account_event": "account_event",
    }  # fmt: skip
    missing = [contract for contract in load_contracts() if by_fact.get(contract, contract) not in followed]
    assert not missing


def test_money_follows_the_fate_of_each_row_to_the_cent(company):
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        terms = {
            (stream, currency, name): value
            for stream, currency, name, value in con.execute(
                "select stream, currency, name, value from quality_dbt.dq_ledger_terms where term = 'F'"
            ).fetchall()
        }
    assert terms["invoice_line", "USD", "source_amount"] == Decimal("90.09")  # rows 2, 3 and 4
    assert terms["invoice_line", "USD", "excluded_amount"] == Decimal("40.04")
    assert terms["invoice_line", "unknown", "set_aside_amount"] == Decimal(
        "110.11"
    )  # documents 5 and 6 set aside
    assert terms["ledger", "EUR", "kept_amount"] == Decimal("4.5")
    assert terms["subscription", "EUR", "source_amount"] == Decimal(42)  # six rows, two of them set aside
    assert terms["subscription", "EUR", "kept_amount"] == Decimal(14)
    assert terms["subscription", "EUR", "excluded_amount"] == Decimal(6)
    assert terms["subscription_month", None, "excluded_amount"] == Decimal(5)


def test_a_fact_that_no_month_counts_has_a_line_of_its_own(company):
    """An invoice line without its document, a win without a date, a stage without an instant."""
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        terms = con.execute(
            "select stream, currency, name, value from quality_dbt.dq_ledger_terms"
            " where name in ('undated_rows', 'undated_amount', 'later_rows', 'later_amount') and value <> 0"
            " order by all"
        ).fetchall()
    assert terms == [
        ("invoice_line", "USD", "later_amount", Decimal("30.03")),
        ("invoice_line", "USD", "later_rows", 1),
        ("invoice_line", "USD", "undated_amount", Decimal("20.02")),
        ("invoice_line", "USD", "undated_rows", 1),
        ("opportunity", "unknown", "undated_amount", 7),
        ("opportunity", "unknown", "undated_rows", 1),
        ("opportunity_stage", None, "later_rows", 1),
        ("opportunity_stage", None, "undated_rows", 1),
    ]


@pytest.mark.audit("CL2")
def test_the_journal_has_one_row_a_decision_and_the_same_ids_on_every_run(company):
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select step_code, count(*), sum(n_decisions), count(distinct journal_id)"
            " from quality_dbt.dq_journal group by 1 order by 1"
        ).fetchall()
        merge = con.execute(
            "select value_before, value_after, reason_code from quality_dbt.dq_journal"
            " where field = 'account_id'"
        ).fetchall()
        ids = con.execute(
            "select md5(string_agg(journal_id order by journal_id)) from quality_dbt.dq_journal"
        ).fetchone()
        summary = con.execute("select sum(n_decisions) from quality_dbt.dq_journal_summary").fetchone()
    assert {row[0]: row[1:] for row in rows} == {
        "cell": (2, 3, 2),
        "exclusion": (17, 17, 17),
        "line": (1, 1, 1),
        "merge": (3, 3, 3),
        "metric": (3, 3, 3),
        "record": (66, 66, 66),
        "stewardship": (2, 2, 2),
    }
    assert merge == [
        ("one/crm_account/1", "acc_1", "registration_number")
    ]  # the id is anchored on the ERP customer
    assert summary == (95,)
    run_dbt(company / "work", company / "project", "run", "--select", "dq_journal")
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        again = con.execute(
            "select md5(string_agg(journal_id order by journal_id)) from quality_dbt.dq_journal"
        ).fetchone()
    assert again == ids


LOSSES = {  # what happens to the built tables -> identities that must break
    "delete from master.fct_invoice_lines where invoice_line_id like '%/2'": {
        ("E", "invoice_line", "rows_in_facts"),
        ("F", "invoice_line", "money_in_facts"),
    },
    "insert into master.fct_ledger_revenues select * from master.fct_ledger_revenues limit 1": {
        ("E", "ledger", "rows_in_facts"),
        ("F", "ledger", "money_in_facts"),
    },
    "update master.fct_subscription_months set mrr = 0, n_subscriptions = 0 where mrr = 6": {
        ("E", "subscription_month", "rows_in_facts"),
        ("F", "subscription_month", "money_in_facts"),
    },
    "create or replace view metrics.fct_revenue_lines as select currency, net_amount"
    " from master.fct_invoice_lines where false": {
        ("E", "invoice_line", "rows_in_months"),
        ("F", "invoice_line", "money_in_months"),
    },
    "delete from metrics.fct_opportunity_closings": {
        ("E", "opportunity", "rows_in_months"),
        ("F", "opportunity", "money_in_months"),
    },
    "delete from metrics.fct_stage_passages where stage_code = 'meeting' and opportunity_id = 'o1'": {
        ("E", "opportunity_stage", "rows_in_months")
    },
    "update master.fct_calls set n_source_rows = 1 where call_key = 'c1'": {("E", "call", "rows_in_facts")},
    "delete from master.fct_marketing_costs where cost_id like '%/2'": {
        ("E", "marketing_cost", "rows_in_facts")
    },
    "delete from conforming.int_fact_exclusions where contract = 'crm_activity'": {
        ("E", "activity", "rows_in_facts")
    },
    "delete from master.xref_persons where record_key like '%lead/3'": {
        ("D", "crm_lead", "records_in_crosswalk"),
        ("D", "person", "survivors_and_merged"),
    },
    "update master.xref_accounts set account_id = 'unknown' where record_key = 'one/crm_account/2'": {
        ("D", "account", "records_with_golden_id")
    },
    "delete from master.fct_nps_responses where response_key like '%/2'": {
        ("E", "nps_response", "rows_in_facts")
    },
    "delete from master.fct_order_lines where order_line_id like '%/2'": {
        ("E", "order_line", "rows_in_facts")
    },
    "delete from master.fct_opportunity_contact_roles where contact_role_key like '%/2'": {
        ("E", "contact_role", "rows_in_facts")
    },
    "delete from master.fct_account_events where account_event_key like '%/2'": {
        ("E", "account_event", "rows_in_facts")
    },
    "delete from master.fct_social_metrics where social_metric_key like '%/2'": {
        ("E", "social_metric", "rows_in_facts")
    },
    "insert into master.fct_product_usages select * from master.fct_product_usages limit 1": {
        ("E", "product_usage", "rows_in_facts")
    },
    "delete from master.fct_quotas where quota_key like '%/2'": {("E", "quota", "rows_in_facts")},
    "create or replace view staging.stg_crm__merges as select * from raw.crm_merge": {
        ("E", "crm_merge", "records_in_staging")
    },
    "insert into master.dim_accounts (account_id) values ('acc_9')": {
        ("D", "account", "survivors_and_merged")
    },
}
LOST_IN_RAW = {
    ("C", "email_event", "records_counted"),
    ("C", "email_event", "kept_counted"),
    ("E", "email", "rows_in_facts"),
}


@pytest.mark.audit("CL1", "CL7")
def test_each_planted_loss_or_double_breaks_its_own_identities_and_no_other(company, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(company / "work", work)
    part = work / "raw" / "email_event" / "part.parquet"
    with duckdb.connect(str(work / "warehouse.duckdb")) as con:
        for statement in LOSSES:
            con.execute(statement)
        con.execute(f"create temp table left_over as select * from '{part}' where _source_row_id <> 2")
        con.execute(f"copy left_over to '{part}' (format parquet)")
    run_dbt(work, company / "project", "run", "--select", "path:models/quality")
    broken = {row[:3] for row in balances(work) if row[3] != 0}
    assert broken == LOST_IN_RAW.union(*LOSSES.values())
